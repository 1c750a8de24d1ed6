"""Syntax of PostgreSQL 17 and 18, which the parser takes and Aurora DSQL, as PostgreSQL 16, does not.

Source: PostgreSQL documentation, release notes of 17 and 18. (A column name such as ``old.a`` is of 18 only
where no table or alias has that name.)
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from awslabs_dsql_mcp.sql.parse_tree import Node, Place, strings, walk

_NODES: Final = {
    "JsonFuncExpr": "JSON_VALUE, JSON_QUERY or JSON_EXISTS",
    "JsonTable": "JSON_TABLE",
    "JsonParseExpr": "JSON()",
    "JsonScalarExpr": "JSON_SCALAR()",
    "JsonSerializeExpr": "JSON_SERIALIZE()",
    "MergeSupportFunc": "MERGE_ACTION()",
}
_CHANGES: Final = frozenset(("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"))
_EXPLAIN_OPTIONS: Final = ("memory", "serialize")
_ENFORCED: Final = ("CONSTR_ATTR_NOT_ENFORCED", "CONSTR_ATTR_ENFORCED")
_CHECKED: Final = ("CONSTR_CHECK", "CONSTR_FOREIGN")
_ROWS: Final = frozenset(("old", "new"))
_SOURCES: Final = ("RangeVar", "RangeSubselect", "RangeFunction", "JoinExpr")


class Newer(NamedTuple):
    """A clause or function of a later PostgreSQL.

    Attributes:
        name: The clause or function.
        location: Byte offset in the text.
    """

    name: str
    location: int


def newer_syntax(nodes: Mapping[str, list[Place]]) -> Iterator[Newer]:
    """Iterate over what PostgreSQL 16 does not parse or know, given the nodes of trees by their types."""
    for kind, places in nodes.items():
        if kind in _NODES:
            yield from (Newer(_NODES[kind], location) for _, location in places)
        elif kind in _RULES:
            for node, location in places:
                yield from (Newer(name, location) for name in _RULES[kind](node))
        elif kind in _CHANGES:
            for node, location in places:
                if _names_old_or_new(node, nodes):
                    yield Newer("RETURNING of old and new rows", location)


def _of_an_altered_constraint(node: Node) -> Iterator[str]:
    if {"alterEnforceability", "alterInheritability"} & node.keys():
        yield "ALTER CONSTRAINT … ENFORCED or INHERIT"


def _of_a_privilege(node: Node) -> Iterator[str]:
    if node.get("priv_name") == "maintain":
        yield "the privilege MAINTAIN"


def _of_explain(node: Node) -> Iterator[str]:
    names = (item["DefElem"]["defname"] for item in node.get("options", ()))
    yield from (f"EXPLAIN ({name.upper()})" for name in names if name in _EXPLAIN_OPTIONS)


def _of_a_constraint(node: Node) -> Iterator[str]:
    kind = node["contype"]
    if kind == "CONSTR_NOTNULL" and node.get("is_no_inherit"):
        yield "NOT NULL … NO INHERIT"
    if kind == "CONSTR_NOTNULL" and "keys" in node:
        yield "NOT NULL as a constraint of the table"
    if kind == "CONSTR_GENERATED" and node.get("generated_kind") == "v":
        yield "virtual generated columns"
    if kind in _ENFORCED or (kind in _CHECKED and not node.get("is_enforced")):
        yield "ENFORCED and NOT ENFORCED"
    if node.get("without_overlaps"):
        yield "WITHOUT OVERLAPS"


def _names_old_or_new(change: Node, nodes: Mapping[str, list[Place]]) -> bool:
    clause: Node = change.get("returningClause", {})
    if not clause or clause.get("options"):
        return bool(clause)
    columns = (node["fields"] for node, _ in walk(clause).get("ColumnRef", ()))
    named = {strings(fields)[0] for fields in columns if len(fields) > 1} & _ROWS
    if not named:
        return False
    tables = [change["relation"], *(node for kind in _SOURCES for node, _ in nodes.get(kind, ()))]
    return bool(named - {table.get("alias", {}).get("aliasname") or table.get("relname") for table in tables})


_RULES: Final[dict[str, Callable[[Node], Iterator[str]]]] = {
    "ATAlterConstraint": _of_an_altered_constraint,
    "AccessPriv": _of_a_privilege,
    "Constraint": _of_a_constraint,
    "ExplainStmt": _of_explain,
}
