"""Statements that need the end of a job that the same script begins.

CREATE INDEX ASYNC returns before its index is built. Until then the index can neither become a constraint nor
decide ON CONFLICT (Aurora DSQL user guide, "Asynchronous indexes").
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from awslabs_dsql_mcp.lint.model import WAIT, Finding
from awslabs_dsql_mcp.lint.part import Part
from awslabs_dsql_mcp.migration.script.mentions import Name, nested, relation_name
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree

_WAITS: Final = "wait_for_job"
_ON_CONFLICT: Final = re.compile(r"\bon\s+conflict\b", re.IGNORECASE)


def with_waits(parts: Sequence[Part], script: str) -> Iterator[Part]:
    """Put a comment before each statement that needs the end of a job, unless the script waits there."""
    building: dict[Name, Node] = {}
    end = 0  # of the part before
    for part in parts:
        if _WAITS in script[end : part.item.end]:
            building.clear()
        end = part.item.end
        if part.is_open or not part.statements:
            yield part
            continue
        queries: list[str] = []
        needed: list[str] = []
        for query in (part.item.text,) if part.queries is None else part.queries:
            tree = _read(query, anything=bool(building))
            for index in _needed(tree, building) if tree else ():
                needed.append(index[1])
                queries.append(
                    f"{WAIT} {index[1]} has to end: CALL sys.wait_for_job with the id it has returned"
                )
                del building[index]
            queries.append(query)
            if tree is not None and tree.kind == "IndexStmt" and tree.root.get("unique"):
                schema, table = relation_name(tree.root["relation"])
                building[schema, str(tree.root.get("idxname") or f"on {table}")] = tree.root
        found = tuple(
            Finding(
                part.item.line,
                f"the job of CREATE INDEX ASYNC {name} has to end before this, so the script does not run as "
                "a whole: wait for it at the comment",
                "fixed_with_warning",
            )
            for name in needed
        )
        yield replace(part, queries=tuple(queries), findings=(*part.findings, *found)) if found else part


def _read(query: str, *, anything: bool) -> Tree | None:
    """Parse a statement that begins such a job, or may need the end of one."""
    head = query[:40].lower()
    if "unique" in head or (anything and (head.startswith("alter") or _ON_CONFLICT.search(query))):
        return trees(query)[0]
    return None


def _needed(tree: Tree, building: dict[Name, Node]) -> list[Name]:
    """List the indexes that are being built, and that a statement needs."""
    if tree.kind == "AlterTableStmt":
        named = {str(fields["indexname"]) for fields in nested(tree.root) if "indexname" in fields}
        return [index for index in building if index[1] in named]
    clause: Node = tree.root.get("onConflictClause", {})
    if tree.kind != "InsertStmt" or not clause:
        return []
    table = relation_name(tree.root["relation"])
    wanted = _columns(clause.get("infer", {}).get("indexElems", ()))
    return [
        index
        for index, top in building.items()
        if relation_name(top["relation"]) == table and wanted in ([], _columns(top["indexParams"]))
    ]


def _columns(elements: Iterable[Node]) -> list[str]:
    return sorted(str(element["IndexElem"].get("name")) for element in elements)
