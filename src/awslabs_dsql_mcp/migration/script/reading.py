"""A script read into statements, each with what it mentions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from awslabs_dsql_mcp.migration.script.do_blocks import NOTE, guarded_statements
from awslabs_dsql_mcp.migration.script.mentions import Mentions, body_of, mentions
from awslabs_dsql_mcp.sql.dsql_syntax import IamStatement, parse, trees
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree
from awslabs_dsql_mcp.sql.parser import ParseError
from awslabs_dsql_mcp.sql.scripts import ScriptItem, with_escapes

_ELEMENT_RELATIONS: Final = {
    "CreateStmt": "relation",
    "IndexStmt": "relation",
    "ViewStmt": "view",
    "CreateSeqStmt": "sequence",
    "CreateTrigStmt": "relation",
}
"""Statements inside of CREATE SCHEMA, and the field with the relation that each is about."""
_DEFINITIONS: Final = frozenset(
    (
        *("CreateStmt", "CreateEnumStmt", "CreateDomainStmt", "CompositeTypeStmt", "CreateSeqStmt"),
        *("CreateSchemaStmt", "CreateRoleStmt", "CreateExtensionStmt", "AlterTableStmt", "IndexStmt"),
        *("AlterEnumStmt", "ViewStmt", "CommentStmt", "GrantStmt"),
    )
)


@dataclass(frozen=True)
class ScriptStatement:
    """A statement of a script.

    Attributes:
        item: Its place in the script; a line of psql's has no tree.
        number: Position of that among the parts of the script.
        text: Its text; ``None`` for a part of a larger statement.
        kind: Its node type; empty for what has no tree.
        top: Its fields.
        asynchronous: It is written with ASYNC.
        fault: The reason why it does not parse.
        note: What was changed when it was taken out of a larger statement.
    """

    item: ScriptItem
    number: int
    text: str | None
    kind: str = ""
    top: Node | None = None
    asynchronous: bool = False
    fault: ParseError | None = None
    note: str = ""

    @property
    def tree(self) -> Node:
        """Its fields; none for what has no tree."""
        return self.top or {}

    @cached_property
    def mentions(self) -> Mentions:
        """What it names, in a function's body too."""
        return mentions([self.tree, self.body])

    @cached_property
    def body(self) -> object:
        """The parsed body of CREATE FUNCTION, where it is a text in LANGUAGE SQL."""
        written = self.kind == "CreateFunctionStmt" and "sql_body" not in self.tree
        return body_of(self.tree) if written else []


def read_items(items: Sequence[ScriptItem]) -> list[ScriptStatement]:
    """Read the parts of a script; what is inside of CREATE SCHEMA becomes statements of their own."""
    return [statement for number, item in enumerate(items) for statement in _read(item, number)]


def _read(item: ScriptItem, number: int) -> Iterator[ScriptStatement]:
    if item.meta:
        yield ScriptStatement(item, number, item.text)
        return
    text = with_escapes(item.text) if item.nonconforming else item.text
    try:
        statements = parse(text)
    except ParseError as fault:
        yield ScriptStatement(item, number, text, fault=fault)
        return
    if len(statements) != 1:
        fault = ParseError("syntax", 0, f"{len(statements)} statements stand where one was read")
        yield ScriptStatement(item, number, text, fault=fault)
        return
    parsed = statements[0]
    if isinstance(parsed, IamStatement):
        yield ScriptStatement(item, number, text)
        return
    top = parsed.tree.root
    if parsed.tree.kind == "DoStmt" and (inner := _guarded(top, nonconforming=item.nonconforming)):
        yield from (ScriptStatement(item, number, None, one.kind, one.root, note=NOTE) for one in inner)
        return
    elements: list[Node] = top.pop("schemaElts", []) if parsed.tree.kind == "CreateSchemaStmt" else []
    yield ScriptStatement(
        item, number, None if elements else text, parsed.tree.kind, top, asynchronous=parsed.asynchronous
    )
    schema = str(top.get("schemaname") or top.get("authrole", {}).get("rolename", ""))
    for kind, element in _elements(schema, elements):
        yield ScriptStatement(item, number, None, kind, element)


def _guarded(block: Node, *, nonconforming: bool) -> tuple[Tree, ...]:
    """Parse what a DO block runs unless it is there; nothing for what is more than a list of definitions."""
    try:
        text = guarded_statements(block) or ""
        found = trees(with_escapes(text) if nonconforming else text)
    except ParseError:
        return ()
    return found if all(tree.kind in _DEFINITIONS for tree in found) else ()


def _elements(schema: str, elements: list[Node]) -> Iterator[tuple[str, Node]]:
    """Name what CREATE SCHEMA makes with its schema; so is what its statements say of each other."""
    made = {
        top[_ELEMENT_RELATIONS[kind]]["relname"]
        for element in elements
        for kind, top in element.items()
        if kind in ("CreateStmt", "ViewStmt", "CreateSeqStmt")
    }
    for element in elements:
        ((kind, top),) = element.items()
        for relation in mentions(top).relations:
            if relation["relname"] in made:
                relation.setdefault("schemaname", schema)
        yield kind, top
