"""Functions that are made before what their bodies name.

PostgreSQL takes them where check_function_bodies is off, as in each dump; Aurora DSQL reads the body when it
makes the function, which so has to wait for the tables, views and functions that follow.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from awslabs_dsql_mcp.migration.analysis.signatures import Signature
from awslabs_dsql_mcp.migration.script.mentions import (
    Name,
    function_path,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_RELATIONS: Final = ("TABLE", "VIEW", "MATVIEW", "SEQUENCE", "FOREIGN_TABLE")


class Wait(NamedTuple):
    """The wait of a function.

    Attributes:
        until: Place of the last statement that makes something which its body names.
        rank: Functions of a lower one at that place come before it, as its body may name them.
        is_observed: A statement up to there is about the function, or uses it.
    """

    until: int
    rank: int
    is_observed: bool


class Waits:
    """The functions of a script that wait, by the places of their statements.

    Args:
        statements: The script.
    """

    def __init__(self, statements: Sequence[ScriptStatement]) -> None:
        self._statements = statements
        self._there: dict[Name, list[tuple[int, bool]]] = {}
        self._functions: dict[str, list[tuple[int, Signature]]] = {}
        self._until: dict[int, tuple[int, int]] = {}
        for at, statement in enumerate(statements):
            for name, is_made in _changes(statement):
                self._there.setdefault(name, []).append((at, is_made))
            if statement.kind == "CreateFunctionStmt":
                signature = Signature.of(statement.tree)
                self._functions.setdefault(signature.name, []).append((at, signature))

    def of(self, at: int) -> Wait | None:
        """Find the wait of the function that the statement at a place makes; ``None`` if it need not wait."""
        until, rank = self._ready(at)
        if until == at:
            return None
        name = qualified_name(strings(self._statements[at].tree["funcname"]))[1]
        between = self._statements[at + 1 : until + 1]
        return Wait(until, rank, any(_observes(statement, name) for statement in between))

    def _ready(self, at: int) -> tuple[int, int]:
        """Find the place behind which a function can be made, and its rank there."""
        if at not in self._until:
            self._until[at] = (at, 0)  # for functions that call each other
            self._until[at] = max((at, 0), *self._awaited(at), (at, 0))
        return self._until[at]

    def _awaited(self, at: int) -> Iterator[tuple[int, int]]:
        statement = self._statements[at]
        path = function_path(statement.tree)
        for relation in statement.mentions.relations:
            schemas = path if "schemaname" not in relation else [relation["schemaname"]]
            names = [(schema, relation["relname"]) for schema in schemas]
            if not any(self._is_there(name, at) for name in names):
                yield from ((place, 0) for place in self._next(names, at))
        for call in statement.mentions.calls:
            named = self._functions.get(strings(call.get("funcname"))[-1], ())
            places = [place for place, signature in named if signature.is_called(call)]
            if places and places[0] > at:
                place, rank = self._ready(places[0])
                yield (place, rank + 1)

    def _is_there(self, name: Name, at: int) -> bool:
        return next((made for place, made in reversed(self._there.get(name, ())) if place < at), False)

    def _next(self, names: Sequence[Name], at: int) -> Iterator[int]:
        made = [place for name in names for place, made in self._there.get(name, ()) if made and place > at]
        yield from sorted(made)[:1]


def _changes(statement: ScriptStatement) -> Iterator[tuple[Name, bool]]:
    """Iterate over the relations that a statement makes, and those that it takes away."""
    top, kind = statement.tree, statement.kind
    if field := _MADE.get(kind):
        yield relation_name(field(top)), True
    elif kind in ("RenameStmt", "AlterObjectSchemaStmt") and "relation" in top:
        is_relation = _is_relation(top.get("renameType") or top.get("objectType"))
        schema, name = old = relation_name(top["relation"])
        if is_relation:
            yield old, False
            yield (top.get("newschema", schema), top.get("newname", name)), True
    elif kind == "DropStmt" and _is_relation(top["removeType"]):
        yield from ((qualified_name(object_name(item)), False) for item in top["objects"])


def _is_relation(kind: object) -> bool:
    return str(kind).removeprefix("OBJECT_") in _RELATIONS


def _observes(statement: ScriptStatement, name: str) -> bool:
    """Say if a statement is about a function of a name, or uses one, or may."""
    top, kind = statement.tree, statement.kind
    if kind == "AlterDefaultPrivilegesStmt" or top.get("targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        return True
    subjects = [*top.get("objects", ()), top.get("object", {}), {"ObjectWithArgs": top.get("func", {})}]
    named = [object_name(subject)[-1:] for subject in subjects]
    named += [strings(call.get("funcname"))[-1:] for call in statement.mentions.calls]
    return [name] in named or (kind == "CreateFunctionStmt" and strings(top["funcname"])[-1] == name)


_MADE: Final[dict[str, Callable[[Node], Node]]] = {
    "CreateStmt": lambda top: top["relation"],
    "CreateForeignTableStmt": lambda top: top["base"]["relation"],
    "CreateSeqStmt": lambda top: top["sequence"],
    "CreateTableAsStmt": lambda top: top["into"]["rel"],
    "ViewStmt": lambda top: top["view"],
}
