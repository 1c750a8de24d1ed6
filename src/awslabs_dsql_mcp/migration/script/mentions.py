"""Readers of a parse tree that find the types, relations, functions and columns that it names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.sql.parser import ParseError

Name = tuple[str, str]
"""A schema and a name; ``public`` where none is written."""

_SEQUENCE_FUNCTIONS: Final = frozenset(("nextval", "currval", "setval"))


def qualified_name(parts: Sequence[str]) -> Name:
    """Read a dotted name."""
    return (parts[-2] if len(parts) > 1 else "public", parts[-1])


def relation_name(relation: Node) -> Name:
    """Read a ``RangeVar``."""
    return (relation.get("schemaname", "public"), relation["relname"])


def object_name(node: Node) -> list[str]:
    """Read the parts of the name of an object: a list, a function with its arguments, or a type."""
    if "List" in node:
        return strings(node["List"].get("items"))
    if "ObjectWithArgs" in node:
        return strings(node["ObjectWithArgs"].get("objname"))
    if "TypeName" in node:
        return strings(node["TypeName"].get("names"))
    return [node["String"].get("sval", "")] if "String" in node else []


def nested(node: object) -> Iterator[Node]:
    """Iterate over all mappings in a tree, itself included, in no order."""
    waiting: list[Any] = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict):
            yield cast("Node", inner)
            waiting += cast("Node", inner).values()
        elif isinstance(inner, list):
            waiting += cast("list[Any]", inner)


@dataclass(frozen=True)
class Mentions:
    """The nodes of a tree that name something; changing one changes the tree.

    Attributes:
        types: ``TypeName`` nodes.
        relations: ``RangeVar`` nodes, those of WITH queries and of aliases in FOR UPDATE left out.
        calls: ``FuncCall`` nodes.
        sequences: Sequences that a text names, each with the node that holds the text.
        columns: Last parts of references to columns.
        operators: Names of operators.
    """

    types: list[Node] = field(default_factory=list[Node])
    relations: list[Node] = field(default_factory=list[Node])
    calls: list[Node] = field(default_factory=list[Node])
    sequences: list[tuple[Name, Node]] = field(default_factory=list[tuple[Name, Node]])
    columns: set[str] = field(default_factory=set[str])
    operators: set[str] = field(default_factory=set[str])


def mentions(node: object) -> Mentions:
    """Collect what a tree names."""
    found = Mentions()
    queries: set[str] = set()
    locked: set[int] = set()
    for fields in nested(node):
        if "names" in fields and "typemod" in fields:
            found.types.append(fields)
        elif "relname" in fields:
            found.relations.append(fields)
        elif "ctename" in fields:
            queries.add(fields["ctename"])
        elif "lockedRels" in fields:
            locked.update(id(item["RangeVar"]) for item in fields["lockedRels"])
        elif len(fields) == 1 or "funccall" in fields:
            _mention(found, fields)
    if queries or locked:
        found.relations[:] = [
            relation
            for relation in found.relations
            if "schemaname" in relation or (relation["relname"] not in queries and id(relation) not in locked)
        ]
    return found


def _mention(found: Mentions, fields: Node) -> None:
    if call := fields.get("FuncCall") or fields.get("funccall"):
        found.calls.append(call)
        arguments: list[Node] = call.get("args", [])
        if strings(call.get("funcname"))[-1] in _SEQUENCE_FUNCTIONS and (
            text := constant(arguments[:1] and arguments[0])
        ):
            found.sequences.append((sequence_name(text), arguments[0]))
    elif cast_ := fields.get("TypeCast"):
        argument = cast_.get("arg", {})
        named = strings(cast_.get("typeName", {}).get("names"))[-1:] == ["regclass"]
        if named and (text := constant(argument)):
            found.sequences.append((sequence_name(text), argument))
    elif column := fields.get("ColumnRef"):
        found.columns.update(strings(column.get("fields"))[-1:])
    elif expression := fields.get("A_Expr"):
        found.operators.update(strings(expression.get("name"))[-1:])


def set_text(argument: Node, text: str) -> None:
    """Make a node the constant of a text."""
    argument.clear()
    argument["A_Const"] = {"sval": {"sval": text}}


def sequence_name(text: str) -> Name:
    """Read the name of a sequence as nextval takes it."""
    return qualified_name([_unquoted(part) for part in text.split(".")])


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def function_body(function: Node) -> str | None:
    """Find the text of a function's body; ``None`` for one that is written as SQL itself."""
    for item in function.get("options", ()):
        if item["DefElem"].get("defname") == "as":
            texts = strings(item["DefElem"]["arg"].get("List", {}).get("items"))
            return texts[0] if len(texts) == 1 else None
    return None


def function_language(function: Node) -> str:
    """Find a function's language, in lower case."""
    named = [
        constant(item["DefElem"].get("arg"))
        for item in function.get("options", ())
        if item["DefElem"].get("defname") == "language"
    ]
    return (named[-1] or "sql").lower() if named else "sql"


def function_path(function: Node) -> list[str]:
    """List the schemas in which the body of a function finds names without one."""
    for item in function.get("options", ()):
        setting: Node = item["DefElem"].get("arg", {}).get("VariableSetStmt", {})
        if setting.get("name") == "search_path" and "args" in setting:
            return [str(constant(argument)) for argument in setting["args"]]
    return ["public"]


def body_of(function: Node) -> object:
    """Parse the body of a function in LANGUAGE SQL; an empty list for one that does not parse."""
    if "sql_body" in function:
        return function["sql_body"]
    if function_language(function) != "sql":
        return []
    try:
        return [{tree.kind: tree.root} for tree in parser.parse(function_body(function) or "")]
    except ParseError:
        return []
