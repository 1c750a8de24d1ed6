"""Objects of a script that are not carried over: what needs one of them is not either."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.migration.analysis.signatures import Signature, input_parameters
from awslabs_dsql_mcp.migration.script.mentions import (
    Mentions,
    Name,
    function_language,
    mentions,
    object_name,
    qualified_name,
    relation_name,
)
from awslabs_dsql_mcp.migration.script.reading import ScriptStatement
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

_FUNCTIONS: Final = frozenset(("OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE"))
_RELATIONS: Final = frozenset(("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"))


@dataclass
class Lacking:
    """The objects, each with the line of its statement.

    Attributes:
        functions: Functions, procedures and aggregates, by their bare name; each with its line.
        carried: Functions of the script that are carried over.
        relations: Views and tables.
        types: Types that have no counterpart.
        operators: Operators, by their bare name.
        extensions: Extensions that the script makes.
    """

    functions: dict[str, list[tuple[Signature, int]]] = field(
        default_factory=dict[str, "list[tuple[Signature, int]]"]
    )
    carried: list[Signature] = field(default_factory=list[Signature])
    relations: dict[Name, int] = field(default_factory=dict[Name, int])
    types: dict[Name, int] = field(default_factory=dict[Name, int])
    operators: dict[str, int] = field(default_factory=dict[str, int])
    extensions: dict[str, int] = field(default_factory=dict[str, int])

    def add_function(self, top: Node, line: int) -> None:
        """Add a function by its ``CreateFunctionStmt``."""
        signature = Signature.of(top)
        self.functions.setdefault(signature.name, []).append((signature, line))

    def add_aggregate(self, top: Node, line: int) -> None:
        """Add an aggregate by its ``DefineStmt``."""
        signature = Signature(*qualified_name(strings(top["defnames"])))
        self.functions.setdefault(signature.name, []).append((signature, line))

    def needed_by(self, found: Mentions) -> str | None:
        """Name an object that is mentioned, with its line; ``None`` if there is none."""
        return next(self._needed(found), None)

    def _needed(self, found: Mentions) -> Iterator[str]:
        for call in found.calls:
            name = strings(call.get("funcname"))[-1]
            for function, line in self.functions.get(name, ()):
                if function.is_called(call):
                    is_rivalled = any(other.is_called(call) for other in self.carried)
                    yield f"{name}() of line {line}" + (", or another of its name" if is_rivalled else "")
        for relation in found.relations:
            if (line := self.relations.get(relation_name(relation))) is not None:
                yield f"{relation['relname']} of line {line}"
        for typed in found.types:
            name = qualified_name(strings(typed.get("names")))
            if (line := self.types.get(name)) is not None:
                yield f"the type {name[1]} of line {line}"
        for operator in found.operators & self.operators.keys():
            yield f"the operator {operator} of line {self.operators[operator]}"

    def subject(self, kind: str | None, named: Node) -> str | None:
        """Find the object that COMMENT, GRANT, OWNER TO, RENAME or DROP is about, if it is one of these.

        Args:
            kind: Kind of the object, as in ``OBJECT_FUNCTION``.
            named: The node that names it.
        """
        if "RangeVar" in named or "relname" in named:
            return self.needed_by(mentions(named))
        parts = object_name(named)
        if not parts:
            return None
        if kind in _FUNCTIONS:
            inputs = list(input_parameters(named.get("ObjectWithArgs", {}).get("objfuncargs", [])))
            unspecified = bool(named.get("ObjectWithArgs", {}).get("args_unspecified"))
            functions = self.functions.get(parts[-1], ())
            schema = parts[-2] if len(parts) > 1 else "public"
            lines = (
                line
                for function, line in functions
                if function.schema == schema and (unspecified or function.is_named(schema, inputs))
            )
            return next((f"{parts[-1]}() of line {line}" for line in lines), None)
        if kind in ("OBJECT_TYPE", "OBJECT_DOMAIN"):
            line = self.types.get(qualified_name(parts))
            return None if line is None else f"the type {parts[-1]} of line {line}"
        owner = parts[:-1] if kind in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT") else parts
        if kind in _RELATIONS or (owner is not parts and owner):
            line = self.relations.get(qualified_name(owner))
            return None if line is None else f"{owner[-1]} of line {line}"
        return None


def survey_lacking(statements: Iterable[ScriptStatement], partitions: Mapping[Name, int]) -> Lacking:
    """Find the functions that are not SQL, and the functions and views that need them, or partitions.

    Args:
        statements: The script.
        partitions: Partitions of its tables, with the lines of their statements.
    """
    lacking = Lacking(relations=dict(partitions))
    open_: list[ScriptStatement] = []
    for statement in statements:
        top, line = statement.tree, statement.item.line
        if statement.kind == "CreateFunctionStmt":
            if top.get("is_procedure") or function_language(top) != "sql":
                lacking.add_function(top, line)
            else:
                open_.append(statement)
        elif statement.kind == "ViewStmt" or (
            statement.kind == "CreateTableAsStmt" and top.get("objtype") == "OBJECT_MATVIEW"
        ):
            open_.append(statement)
        elif statement.kind == "DefineStmt":
            _define(lacking, top, line)
        elif statement.kind == "CreateRangeStmt":
            lacking.types[qualified_name(strings(top["typeName"]))] = line
        elif statement.kind == "CreateExtensionStmt":
            lacking.extensions[top["extname"]] = line
    while found := [statement for statement in open_ if lacking.needed_by(statement.mentions)]:
        for statement in found:
            open_.remove(statement)
            _add(lacking, statement)
    makes = (statement.tree for statement in open_ if statement.kind == "CreateFunctionStmt")
    lacking.carried += map(Signature.of, makes)
    return lacking


def _define(lacking: Lacking, top: Node, line: int) -> None:
    name = strings(top["defnames"])
    if top["kind"] == "OBJECT_AGGREGATE":
        lacking.add_aggregate(top, line)
    elif top["kind"] == "OBJECT_OPERATOR":
        lacking.operators[name[-1]] = line
    elif top["kind"] == "OBJECT_TYPE":
        lacking.types[qualified_name(name)] = line


def _add(lacking: Lacking, statement: ScriptStatement) -> None:
    if statement.kind == "CreateFunctionStmt":
        lacking.add_function(statement.tree, statement.item.line)
        return
    view: Node = statement.tree.get("view") or statement.tree["into"]["rel"]
    lacking.relations[relation_name(view)] = statement.item.line
