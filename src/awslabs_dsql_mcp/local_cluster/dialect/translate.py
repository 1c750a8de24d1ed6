"""A client's text → the statements that PostgreSQL runs for it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import accumulate, chain, pairwise
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import column_types, indexes, queries, settings, tables, unparsed
from awslabs_dsql_mcp.local_cluster.dialect import statements as commands
from awslabs_dsql_mcp.local_cluster.dialect.model import StatementKind, TableName, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import SYNTAX_ERROR, Refusal, raise_sql
from awslabs_dsql_mcp.sql.dsql_syntax import DsqlSyntaxError, IamStatement, parse
from awslabs_dsql_mcp.sql.parse_tree import Node
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement
from awslabs_dsql_mcp.sql.parser import ParseError


def translate(sql: str, nonce: str) -> tuple[TranslatedStatement, ...]:
    """Translate a text.

    Args:
        sql: Any text at all.
        nonce: What marks refusals in it; see `refusal_sql.raise_sql`.

    Returns:
        One for each statement, in their order; at least one. A text with an error of syntax comes back
        unchanged as one statement, so that PostgreSQL says what is wrong with it; so does a large query. A
        single statement that PostgreSQL runs as it is comes back as the very text that was given.
    """
    if not sql.isascii() and _UNDECODED.search(sql) and not _STAND_INS.search(sql):
        read = _UNDECODED.sub(lambda found: chr(ord(found[0]) + _SHIFT), sql)
        return tuple(_sent(statement) for statement in _translate(read, nonce))
    return _translate(sql, nonce)


# In other encodings than UTF-8, bytes of letters come as lone surrogates ("surrogateescape"), which no parser
# takes. Meanwhile each is another letter.
_SHIFT: Final = 0xF000 - 0xDC00
_UNDECODED: Final = re.compile("[\udc80-\udcff]")
_STAND_INS: Final = re.compile("[\uf080-\uf0ff]")


def _sent(statement: TranslatedStatement) -> TranslatedStatement:
    return replace(statement, sql=_STAND_INS.sub(lambda found: chr(ord(found[0]) - _SHIFT), statement.sql))


def _translate(sql: str, nonce: str) -> tuple[TranslatedStatement, ...]:
    try:
        statements = parse(sql)
    except ParseError as fault:
        return (_unread(sql, nonce, fault),)
    if not statements:
        return (TranslatedStatement(sql, StatementKind.OTHER),)
    if len(statements) == 1:
        return (_translated(statements[0], nonce, sql),)
    offsets = _offsets(sql, [statement.start for statement in statements])
    return tuple(
        replace(_translated(statement, nonce), offset=offset)
        for statement, offset in zip(statements, offsets, strict=True)
    )


def _unread(sql: str, nonce: str, fault: ParseError) -> TranslatedStatement:
    if isinstance(fault, DsqlSyntaxError):
        return TranslatedStatement(
            raise_sql(Refusal(SYNTAX_ERROR, fault.message), nonce), StatementKind.OTHER, changed=True
        )
    wrong = fault.code in ("syntax", "aws-iam")
    if not wrong and (refusal := unparsed.refused(sql)) is not None:
        return TranslatedStatement(raise_sql(refusal, nonce), StatementKind.OTHER, changed=True)
    return TranslatedStatement(sql, StatementKind.OTHER if wrong else commands.guessed(sql))


def _offsets(sql: str, starts: list[int]) -> Iterable[int]:
    """Places in bytes as places in characters."""
    if sql.isascii():
        return starts
    data = sql.encode()
    return accumulate(len(data[start:end].decode()) for start, end in pairwise([0, *starts]))


def _translated(
    statement: ParsedStatement | IamStatement, nonce: str, alone: str | None = None
) -> TranslatedStatement:
    if isinstance(statement, IamStatement):
        return _iam(statement)
    if queries.is_plain(statement):
        return TranslatedStatement(statement.written() if alone is None else alone, StatementKind.READ)
    refusal = commands.refused(statement)
    if refusal is not None:
        return TranslatedStatement(raise_sql(refusal, nonce), StatementKind.OTHER, changed=True)
    if statement.asynchronous:
        return _asynchronous(statement)
    return _carried_otherwise(statement) or _carried(statement, alone)


def _carried_otherwise(statement: ParsedStatement) -> TranslatedStatement | None:
    """Translate a statement that PostgreSQL runs in other words."""
    tree, kind = statement.tree, commands.kind(statement)
    if tree.kind == "VariableShowStmt" and (query := settings.shown(statement)) is not None:
        return TranslatedStatement(query, kind, tag="SHOW", changed=True)
    if dropped := tables.dropped(tree):
        return _dropping(statement, *dropped)
    edits = _edits(statement)
    return TranslatedStatement(statement.written(edits), kind, changed=True) if edits else None


def _carried(statement: ParsedStatement, alone: str | None) -> TranslatedStatement:
    """Translate a statement that PostgreSQL runs as it is."""
    tree, kind, explains = statement.tree, commands.kind(statement), queries.explains(statement)
    edits = queries.verbose_edits(statement) if explains and not explains.verbose else []
    writes = queries.written(tree) if kind in (StatementKind.WRITE, StatementKind.LOCK) else ()
    return TranslatedStatement(
        statement.written(edits) if edits or alone is None else alone,
        kind,
        writes=writes,
        explains=explains,
        inserted=sum(len(new) for _, _, new in edits),
        not_in_block=tree.kind in ("VacuumStmt", "CallStmt"),
    )


def _asynchronous(statement: ParsedStatement) -> TranslatedStatement:
    if statement.tree.kind == "IndexStmt":
        ddl = _quoted(statement.written(indexes.edits(statement)))
        relation, columns = _relation(indexes.table(statement)), _names(indexes.columns(statement))
        arguments = f"{ddl}, {relation}, {columns}"
        query, tag = f"SELECT pg_catalog._dsql_create_index_async({arguments}) AS job_id", "CREATE INDEX"
    else:
        ddl = _quoted(statement.written())
        query, tag = f"SELECT pg_catalog._dsql_validate_constraint_async({ddl}) AS job_id", "ALTER TABLE"
    return TranslatedStatement(query, StatementKind.DDL, tag=tag, changed=True)


def _dropping(
    statement: ParsedStatement, table: TableName, columns: list[str], constraints: list[str]
) -> TranslatedStatement:
    """ALTER TABLE that could take the primary key away, which only the catalog can tell."""
    names = ", ".join(map(_names, (columns, constraints)))
    arguments = f"{_quoted(statement.written())}, {_relation(table)}, {names}"
    query = f"SELECT pg_catalog._dsql_drop_from_table({arguments})"
    return TranslatedStatement(query, StatementKind.DDL, tag="ALTER TABLE", changed=True, hide_rows=True)


def _iam(statement: IamStatement) -> TranslatedStatement:
    role, arns = _literal(statement.role), ", ".join(statement.arns)
    query = f"SELECT pg_catalog._dsql_iam_{statement.verb}({role}, ARRAY[{arns}])"
    return TranslatedStatement(query, StatementKind.DDL, tag=statement.kind, changed=True, hide_rows=True)


def _edits(statement: ParsedStatement) -> list[tuple[int, int, str]]:
    kind = statement.tree.kind
    if kind in ("VariableSetStmt", "VariableShowStmt", "AlterRoleSetStmt"):
        return settings.edits(statement)
    if kind in _WITH_COLUMNS:
        numeric = column_types.default_numeric(statement, _type_names(statement))
        return sorted([*numeric, *tables.edits(statement)])
    return []


_WITH_COLUMNS: Final = ("CreateStmt", "CreateSchemaStmt", "AlterTableStmt", "CreateDomainStmt")


def _type_names(statement: ParsedStatement) -> Iterator[Node]:
    columns = (place.node.get("typeName", {}) for place in statement.tree.find("ColumnDef"))
    own = [statement.tree.root["typeName"]] if statement.tree.kind == "CreateDomainStmt" else []
    return chain(columns, own)


def _quoted(text: str) -> str:
    tag = "dsql"
    while f"${tag}$" in text:
        tag += "x"
    return f"${tag}${text}{' ' * text.endswith('$')}${tag}$"


def _relation(table: TableName) -> str:
    return _literal(".".join(_identifier(name) for name in (table.schema, table.name) if name))


def _names(names: list[str]) -> str:
    return f"ARRAY[{', '.join(map(_literal, names))}]::text[]"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
