"""A client's text → the statements that PostgreSQL runs for it."""

from collections.abc import Iterator
from itertools import chain

from awslabs_dsql_mcp.core.grammar import Fault
from awslabs_dsql_mcp.core.tree import Node
from awslabs_dsql_mcp.local.dialect import column_types, commands, queries, settings
from awslabs_dsql_mcp.local.dialect.reading import Iam, Statement, read
from awslabs_dsql_mcp.local.dialect.refusals import refuse
from awslabs_dsql_mcp.local.dialect.values import Kind, Translated


def translate(sql: str, nonce: str) -> tuple[Translated, ...]:
    """Translate a text.

    Args:
        sql: Any text at all.
        nonce: What marks refusals in it; see `refusals.refuse`.

    Returns:
        One for each statement, in their order; at least one. A text that cannot be read comes back unchanged
        as one statement, so that PostgreSQL says what is wrong with it. A single statement that PostgreSQL
        runs as it is comes back as the very text that was given.
    """
    try:
        statements = read(sql)
    except Fault as fault:
        return (Translated(sql, commands.guessed(sql) if fault.rule != "syntax" else Kind.OTHER),)
    if not statements:
        return (Translated(sql, Kind.OTHER),)
    alone = sql if len(statements) == 1 else None
    return tuple(
        _iam(statement) if isinstance(statement, Iam) else _translated(statement, nonce, alone)
        for statement in statements
    )


def _translated(statement: Statement, nonce: str, alone: str | None) -> Translated:
    tree = statement.tree
    refusal = commands.refused(statement)
    if refusal is not None:
        return Translated(refuse(refusal, nonce), Kind.OTHER, changed=True)
    kind = commands.kind(statement)
    if statement.asynchronous:
        return _asynchronous(statement)
    if tree.kind == "VariableShowStmt" and (query := settings.shown(statement)) is not None:
        return Translated(query, kind, tag="SHOW", changed=True)
    edits = _edits(statement)
    if edits:
        return Translated(statement.written(edits), kind, changed=True)
    writes = queries.written(tree) if kind in (Kind.WRITE, Kind.LOCK) else ()
    return Translated(
        statement.written() if alone is None else alone,
        kind,
        writes=writes,
        explains=queries.explains(tree),
    )


def _asynchronous(statement: Statement) -> Translated:
    ddl = _quoted(statement.written())
    if statement.tree.kind == "IndexStmt":
        query, tag = f"SELECT sys.create_index_async({ddl}) AS job_id", "CREATE INDEX"
    else:
        query, tag = f"SELECT sys.validate_constraint_async({ddl}) AS job_id", "ALTER TABLE"
    return Translated(query, Kind.DDL, tag=tag, changed=True)


def _iam(statement: Iam) -> Translated:
    role, arns = _literal(_name(statement.role)), ", ".join(statement.arns)
    query = f"SELECT sys.iam_{statement.verb}({role}, ARRAY[{arns}])"
    tag = f"AWS IAM {statement.verb.upper()}"
    return Translated(query, Kind.DDL, tag=tag, changed=True, silent=True)


def _edits(statement: Statement) -> list[tuple[int, int, str]]:
    kind = statement.tree.kind
    if kind in ("VariableSetStmt", "VariableShowStmt"):
        return settings.edits(statement)
    if kind in ("CreateStmt", "AlterTableStmt", "CreateDomainStmt"):
        return list(column_types.default_numeric(statement, _type_names(statement)))
    return []


def _type_names(statement: Statement) -> Iterator[Node]:
    columns = (place.node.get("typeName", {}) for place in statement.tree.find("ColumnDef"))
    own = [statement.tree.top["typeName"]] if statement.tree.kind == "CreateDomainStmt" else []
    return chain(columns, own)


def _quoted(text: str) -> str:
    tag = "$dsql$"
    while tag in text or text.endswith("$"):
        tag = tag[:-1] + "x$"
        if text.endswith("$") and tag not in text:
            return f"{tag}{text} {tag}"
    return f"{tag}{text}{tag}"


def _name(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word.lower()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
