"""Needs of the steps of a plan, which no step before makes: relations, functions, and the types of bodies.

Functions are those that PostgreSQL 16 does not have with as many arguments. It takes a function whose body
names what is not there where check_function_bodies is off, as in each dump; Aurora DSQL does not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from awslabs_dsql_mcp.migration.analysis import names
from awslabs_dsql_mcp.migration.plan import MigrationPlan, Step
from awslabs_dsql_mcp.migration.script.mentions import (
    Mentions,
    Name,
    body_of,
    function_path,
    mentions,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.verification.body_columns import Columns, follow, unknown_columns
from awslabs_dsql_mcp.migration.verification.body_results import unfit_result
from awslabs_dsql_mcp.sql import functions
from awslabs_dsql_mcp.sql.definitions import builtin_type, column_constraints, table_elements
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, strings
from awslabs_dsql_mcp.sql.parser import ParseError

Kind = Literal["relation", "type", "function", "column", "result"]

_MADE: Final = {"CreateStmt": "relation", "ViewStmt": "view", "CreateSeqStmt": "sequence"}
_READERS: Final = frozenset(
    (
        *("CreateStmt", "ViewStmt", "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"),
        *("IndexStmt", "AlterTableStmt", "CreateFunctionStmt", "CreateDomainStmt", "AlterDomainStmt"),
    )
)
_RELATIONS: Final = ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_SEQUENCE", "OBJECT_MATVIEW")
_VALUES: Final = re.compile(r"\bVALUES\b", re.IGNORECASE)
_CALL: Final = re.compile(r"[\w\"]\s*\(")


@dataclass(frozen=True)
class Need:
    """Something that a step needs.

    Attributes:
        step: Number of the first step that needs it, from 1.
        kind: Its kind.
        names: Schemas and names under which it may be.
        is_lacking: It is not there, whatever the cluster has: an earlier step has dropped it, or the plan
            makes its table without it, or the body of a function cannot give it.
        made_in: Number of the later step that makes it; ``None`` if none does.
    """

    step: int
    kind: Kind
    names: tuple[Name, ...]
    is_lacking: bool = False
    made_in: int | None = None

    @property
    def title(self) -> str:
        """Name and step, for the reader."""
        schema, name = self.names[0]
        noun = "" if self.kind == "relation" else f"{self.kind} "
        written = name if schema == "public" else f"{schema}.{name}"
        later = f", made only in step {self.made_in}" if self.made_in else ""
        return f"{noun}{written} (step {self.step}{later})"


@dataclass
class _Made:
    """What the steps up to one have made, and what they have dropped."""

    names: set[tuple[Kind, Name]] = field(default_factory=set[tuple[Kind, Name]])
    gone: set[Name] = field(default_factory=set[Name])
    columns: Columns = field(default_factory=Columns)

    def make(self, kind: Kind, name: Name) -> None:
        self.names.add((kind, name))
        if kind == "relation":
            self.gone.discard(name)
            self.names.add(("type", name))

    def drop(self, name: Name) -> None:
        self.names.discard(("relation", name))
        self.gone.add(name)


def needs(plan: MigrationPlan) -> list[Need]:
    """List what the steps need of the cluster, each once."""
    found: dict[tuple[Kind, tuple[Name, ...]], Need] = {}
    made = _Made()
    for number, step in enumerate(plan.steps, 1):
        for tree in _trees(step):
            follow(made.columns, tree)
            before = set(made.names)
            _take(made, tree)  # its own name may be in it: a foreign key, a function that calls itself
            new = made.names - before
            for key, need in found.items():
                if need.made_in is None and any((need.kind, name) in new for name in need.names):
                    found[key] = replace(need, made_in=number)
            for kind, named in _needed(tree, made):
                there = any((kind, name) in made.names for name in named)
                if not there and (kind, named) not in found:
                    found[kind, named] = Need(number, kind, named, _is_lacking(kind, named, made))
    return list(found.values())


def _is_lacking(kind: Kind, named: Sequence[Name], made: _Made) -> bool:
    if kind == "function":
        return all(schema == "pg_catalog" and not functions.is_user_defined([name]) for schema, name in named)
    return kind in ("column", "result") or (kind == "relation" and not made.gone.isdisjoint(named))


def _trees(step: Step) -> Iterator[Tree]:
    """Parse the statements of a step; of rows without calls, those of one table and list of columns once."""
    texts = dict.fromkeys(step.queries if step.rows is None else map(_without_values, step.queries))
    for text in texts:
        yield from _parsed(text)


def _without_values(text: str) -> str:
    head, *rows = _VALUES.split(text, maxsplit=1)
    short = f"{head} VALUES (1)"
    return text if _CALL.search("".join(rows)) or not _parsed(short) else short


def _parsed(text: str) -> Sequence[Tree]:
    try:
        return trees(text)
    except ParseError:
        return ()


def _needed(tree: Tree, made: _Made) -> Iterator[tuple[Kind, tuple[Name, ...]]]:
    top, kind = tree.root, tree.kind
    if kind not in _READERS or (kind == "AlterTableStmt" and not _is_of_a_table(top)):
        return
    own = top.get(_MADE.get(kind, ""))
    is_function = kind == "CreateFunctionStmt"
    path = function_path(top) if is_function else ["public"]
    body: object = body_of(top) if is_function else None
    found = mentions([top, body])
    for relation in found.relations:
        if relation is not own:
            yield "relation", _places(path, [relation.get("schemaname", ""), relation["relname"]])
    for call in found.calls:
        if places := _called(path, call, made):
            yield "function", places
    if is_function:
        yield from _needed_by_function(top, body, found, made.columns)


def _needed_by_function(
    top: Node, body: object, found: Mentions, columns: Columns
) -> Iterator[tuple[Kind, tuple[Name, ...]]]:
    path = function_path(top)
    for column in unknown_columns(columns, top, body):
        yield "column", (("public", column),)
    if (result := unfit_result(columns.relations, top, body)) is not None:
        yield "result", (("public", result),)
    for typed in found.types:
        parts = strings(typed.get("names"))
        if parts and "pct_type" not in typed and builtin_type(typed) is None:
            yield "type", _places(path, parts)


def _called(path: Sequence[str], call: Node, made: _Made) -> tuple[Name, ...]:
    """List the places where a function may be that PostgreSQL 16 does not bring; none for one of its own."""
    parts = strings(call.get("funcname"))
    count = len(call.get("args", ()))
    if call.get("agg_within_group"):
        count += len(call["agg_order"])
    if functions.takes(parts, count) or parts[-1] == "unnest":  # FROM unnest(a, b)
        return ()
    places = _places(path, parts)
    is_a_cast = any(("type", place) in made.names for place in places)
    if count == 1 and (is_a_cast or _is_a_column(parts[-1], call, made.columns)):  # type(value), column(row)
        return ()
    others = tuple(place for place in places if place[0] != "pg_catalog")
    return places if functions.is_user_defined(parts) else others or places


def _is_a_column(name: str, call: Node, columns: Columns) -> bool:
    """Tell if a call of one argument may be a column of a row, rather than a function of a column."""
    known = set[str]().union(*columns.relations.values())
    argument = call.get("args", [{}])[0].get("ColumnRef", {})
    row = strings(argument.get("fields"))[-1:]
    return name in known and bool(row) and known.isdisjoint(row)


def _places(path: Sequence[str], parts: Sequence[str]) -> tuple[Name, ...]:
    """List the schemas and names that a name may stand for."""
    if len(parts) > 1 and parts[-2]:
        return ((parts[-2], parts[-1]),)
    return tuple((schema, parts[-1]) for schema in (*path, "pg_catalog"))


def _is_of_a_table(top: Node) -> bool:
    return top.get("objtype", "OBJECT_TABLE") == "OBJECT_TABLE" and not top.get("missing_ok")


def _take(made: _Made, tree: Tree) -> None:
    top, kind = tree.root, tree.kind
    if kind in _MADE:
        schema, name = relation_name(top[_MADE[kind]])
        made.make("relation", (schema, name))
        columns = table_elements(top, "ColumnDef")
        for column in (column for column in columns if _is_identity(column)):
            made.make("relation", (schema, names.choose(name, column["colname"], "seq", ())))
    elif kind == "AlterTableStmt":
        schema, name = relation_name(top["relation"])
        commands = (item["AlterTableCmd"] for item in top["cmds"])
        for command in (command for command in commands if command["subtype"] == "AT_AddIdentity"):
            made.make("relation", (schema, names.choose(name, command["name"], "seq", ())))
    elif kind == "CreateDomainStmt":
        made.make("type", qualified_name(strings(top["domainname"])))
    elif kind == "CreateFunctionStmt":
        made.make("function", qualified_name(strings(top["funcname"])))
    else:
        _take_away(made, tree)


def _is_identity(column: Node) -> bool:
    return any(constraint.get("contype") == "CONSTR_IDENTITY" for constraint in column_constraints(column))


def _take_away(made: _Made, tree: Tree) -> None:
    """Take what a statement drops, or gives another name."""
    top = tree.root
    kind = str(top.get("removeType") or top.get("renameType") or top.get("objectType"))
    if tree.kind == "DropStmt" and kind in _RELATIONS:
        for item in top["objects"]:
            made.drop(qualified_name(object_name(item)))
    elif tree.kind not in ("RenameStmt", "AlterObjectSchemaStmt"):
        return
    elif kind == "OBJECT_SCHEMA":
        old, new = str(top["subname"]), str(top["newname"])
        made.names |= {(of, (new, name)) for of, (schema, name) in made.names if schema == old}
    elif "relation" in top and kind in _RELATIONS:
        schema, name = relation_name(top["relation"])
        made.drop((schema, name))
        made.make("relation", (top.get("newschema", schema), top.get("newname", name)))
    elif kind in ("OBJECT_FUNCTION", "OBJECT_ROUTINE", "OBJECT_DOMAIN", "OBJECT_TYPE"):
        schema, name = qualified_name(object_name(top["object"]))
        moved = (top.get("newschema", schema), top.get("newname", name))
        made.make("type" if kind in ("OBJECT_DOMAIN", "OBJECT_TYPE") else "function", moved)
