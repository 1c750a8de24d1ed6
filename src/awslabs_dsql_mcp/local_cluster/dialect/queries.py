"""Queries and changes: the clauses and functions that a cluster lacks, and the tables that are written.

Recorded on clusters: the texts for row locks, TABLESAMPLE, set_config, full-text search, geometric functions
and advisory locks. By likeness: MERGE, SELECT INTO, ``inet_server_*``, COPY of a file.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from awslabs_dsql_mcp.dsql import functions
from awslabs_dsql_mcp.dsql.unsupported import LOCK_STRENGTHS
from awslabs_dsql_mcp.local_cluster.dialect import column_types
from awslabs_dsql_mcp.local_cluster.dialect.model import OWN_PREFIX, Explanation, StatementKind, TableName
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    UNDEFINED_FUNCTION,
    UNDEFINED_OBJECT,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.local_cluster.dialect.settings import refused_setting
from awslabs_dsql_mcp.sql.definitions import builtin_type
from awslabs_dsql_mcp.sql.parse_tree import Node, Tree, constant, strings, walk
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_CHANGES: Final = ("InsertStmt", "UpdateStmt", "DeleteStmt")
_REMARKABLE: Final = re.compile(
    rb"\bfor\b|into|insert|update|delete|merge|sample|set_config|advisory|backend_pid|to_ts|inet_server|u&|_dsql_"
    rb"|point|line|lseg|box|path|polygon|circle",
    re.IGNORECASE,
)
"""All that is looked for in a query has one of these words; U& may hide any of them."""


_NO_FUNCTION: Final = (
    "No function matches the given name and argument types. You might need to add explicit type casts."
)
"""The hint that PostgreSQL gives with that error (PostgreSQL 16)."""


def is_plain(statement: ParsedStatement) -> bool:
    """Say if a statement is certainly an accepted read, as most are; the full check is skipped then."""
    tree, data = statement.tree, statement.text.data
    return tree.kind == "SelectStmt" and not _REMARKABLE.search(data, tree.start, tree.end or len(data))


def refused(statement: ParsedStatement) -> Refusal | None:
    """Say which clause or function a cluster refuses in a statement, nested ones too."""
    tree = statement.tree
    if "IntoClause" in tree:
        return unsupported("unsupported statement: CreateTableAs")
    if "MergeStmt" in tree:
        return unsupported("unsupported statement type: MERGE")
    if "RangeTableSample" in tree:
        return unsupported("TABLESAMPLE clause not supported")
    if any(place.node.get("strength") not in LOCK_STRENGTHS for place in tree.find("LockingClause")):
        return unsupported("locking clauses other than FOR UPDATE/FOR KEY SHARE are not supported")
    return refused_values(tree)


def refused_values(tree: Tree) -> Refusal | None:
    """Say which function or value a cluster refuses anywhere in a statement, in a default for instance."""
    return next(chain(_refused_calls(tree), _refused_casts(tree)), None)


def copy(statement: ParsedStatement) -> Refusal | None:
    """COPY: only from and to the client."""
    top = statement.tree.root
    if "filename" in top or top.get("is_program"):
        return unsupported("COPY is only supported FROM STDIN and TO STDOUT")
    return refused(statement)


def explain(statement: ParsedStatement) -> Refusal | None:
    """EXPLAIN: of queries and changes."""
    ((kind, _),) = statement.tree.root["query"].items()
    if kind in ("SelectStmt", "MergeStmt", *_CHANGES):
        return refused(statement)
    return unsupported(f"unsupported statement: {kind.removesuffix('Stmt')}")


def kind(tree: Tree) -> StatementKind:
    """Find the kind of a query, change, COPY or EXPLAIN."""
    if tree.kind == "ExplainStmt" and not _on(tree.root, "analyze"):
        return StatementKind.READ
    if tree.root.get("is_from") or any(change in tree for change in _CHANGES):
        return StatementKind.WRITE
    return StatementKind.LOCK if "LockingClause" in tree else StatementKind.READ


def explains(statement: ParsedStatement) -> Explanation | None:
    """Find the options of an EXPLAIN in text format."""
    top = statement.tree.root
    if statement.tree.kind != "ExplainStmt" or _format(top) != "text":
        return None
    return Explanation(statement.written(), analyze=_on(top, "analyze"), verbose=_on(top, "verbose"))


def verbose_edits(statement: ParsedStatement) -> list[tuple[int, int, str]]:
    """Ask for VERBOSE, which names the columns that a node reads, in an EXPLAIN without it."""
    _, first, *rest = statement.tokens
    if first.text == "(" and "options" in statement.tree.root:
        end = next(token for token in rest if token.text == ")").start
        return [(end, end, ", VERBOSE true")]
    place = first.end if first.word in ("analyze", "analyse") else first.start
    return [(place, place, " VERBOSE ")]


def written(tree: Tree) -> tuple[TableName, ...]:
    """The tables that a statement changes or locks, each once."""
    changed = [place.node["relation"] for change in _CHANGES for place in tree.find(change)]
    copied = [tree.root["relation"]] if tree.root.get("is_from") else []
    locked = [table for place in tree.find("SelectStmt") for table in _locked(place.node)]
    queries = {place.node.get("ctename") for place in tree.find("CommonTableExpr")}
    found = (_table(relation) for relation in (*changed, *copied, *locked))
    return tuple(dict.fromkeys(table for table in found if table.schema or table.name not in queries))


def _locked(select: Node) -> Iterator[Node]:
    for item in select.get("lockingClause", ()):
        named = {relation["RangeVar"]["relname"] for relation in item["LockingClause"].get("lockedRels", ())}
        for table, _ in walk({"fromClause": select.get("fromClause", [])}).get("RangeVar", ()):
            alias = table.get("alias", {}).get("aliasname", table["relname"])
            if not named or alias in named:
                yield table


def _table(relation: Node) -> TableName:
    return TableName(relation.get("schemaname"), relation["relname"])


def _refused_calls(tree: Tree) -> Iterator[Refusal]:
    for place in tree.find("FuncCall"):
        names = strings(place.node.get("funcname"))
        if names[-1].startswith(OWN_PREFIX) and names[:-1] in ([], ["pg_catalog"]):
            yield Refusal(UNDEFINED_FUNCTION, f"function {'.'.join(names)} does not exist", _NO_FUNCTION)
        elif (found := _refused_call(place.node)) is not None:
            yield found


def _refused_casts(tree: Tree) -> Iterator[Refusal]:
    for place in tree.find("TypeCast"):
        row = builtin_type(place.node["typeName"])
        if row and row.name in functions.SHAPES:
            yield unsupported(f"datatype {column_types.displayed(place.node['typeName'])} not supported")


def _refused_call(call: Node) -> Refusal | None:
    schema, name = ["pg_catalog", *strings(call.get("funcname"))][-2:]
    if schema != "pg_catalog":
        return None
    arguments = [_text(argument) for argument in call.get("args", ())]
    if name == "set_config" and arguments and arguments[0] is not None:
        return refused_setting(arguments[0], arguments[1] if len(arguments) > 1 else None)
    if name in functions.TEXT_SEARCH:
        return _refused_configuration(arguments)
    if name in functions.SHAPES:
        return unsupported(f"datatype {name} not supported")
    if functions.is_unsupported(name):
        return unsupported(f"function {name} not supported")
    return None


def _text(argument: Node) -> str | None:
    return constant(argument.get("TypeCast", {}).get("arg", argument))


def _refused_configuration(arguments: list[str | None]) -> Refusal | None:
    named = arguments[0] if len(arguments) > 1 else "english"
    if named is None or named.removeprefix("pg_catalog.") == functions.TEXT_SEARCH_CONFIGURATION:
        return None
    return Refusal(UNDEFINED_OBJECT, f'text search configuration "{named}" does not exist')


def _on(top: Node, option: str) -> bool:
    given = [item["DefElem"] for item in top.get("options", ()) if item["DefElem"]["defname"] == option]
    return bool(given) and (constant(given[-1].get("arg")) or "on").lower() in ("on", "true", "t", "1")


def _format(top: Node) -> str:
    given = [item["DefElem"] for item in top.get("options", ()) if item["DefElem"]["defname"] == "format"]
    return (constant(given[-1].get("arg")) or "").lower() if given else "text"
