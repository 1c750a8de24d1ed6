"""CREATE INDEX: only ASYNC, a plain b-tree in ascending order.

Recorded on clusters: all texts but those for COLLATE, WITH and TABLESPACE, which go by likeness.
"""

from collections.abc import Iterator
from itertools import islice, pairwise

from awslabs_dsql_mcp.dsql.clauses import INDEX_CLAUSES, INDEX_METHOD, clauses_in
from awslabs_dsql_mcp.local_cluster.dialect import tables
from awslabs_dsql_mcp.local_cluster.dialect.model import TableName
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import Refusal, unsupported
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement


def create(statement: ParsedStatement) -> Refusal | None:
    """CREATE INDEX."""
    top = statement.tree.root
    if top.get("concurrent"):
        return unsupported("CONCURRENTLY not supported for CREATE INDEX")
    if "using" in statement.words and top.get("accessMethod") != INDEX_METHOD:
        return unsupported("USING not supported for CREATE INDEX")
    if not statement.asynchronous:
        return unsupported("unsupported mode. please use CREATE INDEX ASYNC.")
    return next(_refused_parts(top), None)


def edits(statement: ParsedStatement) -> list[tuple[int, int, str]]:
    """List the edits that give an index PostgreSQL's name of its access method, quoted or not."""
    if statement.tree.root.get("accessMethod") != INDEX_METHOD:
        return []
    named = (token for before, token in pairwise(statement.tokens) if before.word == "using")
    return [(token.start, token.end, "btree") for token in islice(named, 1)]


def table(statement: ParsedStatement) -> TableName:
    """The table of an index."""
    relation: Node = statement.tree.root["relation"]
    return TableName(relation.get("schemaname"), relation["relname"])


def columns(statement: ParsedStatement) -> list[str]:
    """The columns among an index's keys, which can be expressions too."""
    keys = (item["IndexElem"] for item in statement.tree.root.get("indexParams", ()))
    return [key["name"] for key in keys if "name" in key]


def _refused_parts(top: Node) -> Iterator[Refusal]:
    for clause in clauses_in(top, INDEX_CLAUSES):
        yield unsupported(f"{clause.spelled} not supported for CREATE INDEX")
    keys = [item["IndexElem"] for item in top.get("indexParams", ())]
    if (found := tables.refused_key_columns(len(keys))) is not None:
        yield found
    for key in keys:
        yield from _refused_key(key)


def _refused_key(key: Node) -> Iterator[Refusal]:
    if key.get("ordering", "SORTBY_DEFAULT") != "SORTBY_DEFAULT":
        yield unsupported("specifying sort order not supported for index keys")
    if "opclass" in key:
        yield unsupported("opclass not supported for index keys")
    if "collation" in key:
        yield unsupported("COLLATE clause not supported")
