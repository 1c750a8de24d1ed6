"""Preview of a transaction for a person: the rows that it would change, and the token that runs it.

It travels in a result's ``_meta``, which is not for the model (MCP Apps, "Tool results"), and only to clients
that show views. The rows after a change are those that the dry run returns, by a RETURNING that is added to
statements without one; the rows before are read by their primary key once it is rolled back, so they are what
is stored now. There are none where the role may not read what it may change, and where a statement changes
primary keys, so that a row would be shown beside the one that has its new key now.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from awslabs_dsql_mcp.database.model import Result, ResultLimits, truncate_value
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.dsql.limits import MAX_ROWS
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.output.json_values import to_json
from awslabs_dsql_mcp.sql import dsql_syntax, parser
from awslabs_dsql_mcp.sql.identifiers import qualified_name, quote_identifier
from awslabs_dsql_mcp.sql.statements import StatementInfo

if TYPE_CHECKING:
    from awslabs_dsql_mcp.sql.parse_tree import Node

PREVIEW: Final = "awslabs-dsql-mcp/preview"
"""Key in a result's ``_meta`` of what a view shows beside the answer."""

ON_PREVIEW: Final = (
    "the user runs it with the button of the preview that this client shows (once, in 10 min). Only if they "
    "see none: send the same without dry_run."
)
"""Text for a model in place of the token."""

_SAMPLE: Final = ResultLimits(rows=20, characters=8_000, cell=400)
_MAX_STATEMENTS: Final = 50  # of which changed rows are returned
_MAX_EFFECTS: Final = 20  # of a statement
_VERBS: Final = {"InsertStmt": "INSERT", "UpdateStmt": "UPDATE", "DeleteStmt": "DELETE"}
_RETURNING: Final = frozenset({"returningClause", "returningList"})
_KEYS: Final = """
SELECT t.name, quote_ident(a.attname), a.attname, format_type(a.atttypid, a.atttypmod)
FROM unnest($1::text[]) AS t(name)
JOIN pg_constraint c ON c.conrelid = to_regclass(t.name) AND c.contype = 'p'
CROSS JOIN LATERAL unnest(c.conkey) WITH ORDINALITY AS k(number, place)
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
ORDER BY 1, k.place"""


@dataclass(frozen=True)
class RowChange:
    """A statement that changes rows of one table, and can return them.

    Attributes:
        verb: ``INSERT``, ``UPDATE`` or ``DELETE``.
        table: Name of the table, as SQL.
        query: The statement with a RETURNING for its rows.
        replaces: The rows may have been there before.
        sets: Columns that rows which were there get values of.
    """

    verb: str
    table: str
    query: Query
    replaces: bool
    sets: frozenset[str]


@dataclass(frozen=True)
class _Key:
    columns: tuple[str, ...]  # as SQL
    names: tuple[str, ...]
    types: tuple[str, ...]


async def returning_unit(unit: UnitOfWork) -> tuple[UnitOfWork, Sequence[RowChange | None]]:
    """Let a dry run return the rows that it changes.

    Args:
        unit: The dry run.

    Returns:
        The unit, and what was added to: a change for each statement that has got a RETURNING.
    """
    changes = await asyncio.to_thread(
        lambda: [_row_change(query) for query in unit.queries[:_MAX_STATEMENTS]]
    )
    changes += [None] * (len(unit.queries) - len(changes))
    pairs = zip(unit.queries, changes, strict=True)
    queries = tuple(change.query if change else query for query, change in pairs)
    # What RETURNING calls, such as a function of a view, could set something in the session.
    return replace(unit, queries=queries, may_change_session=True), changes


def without_rows(results: Sequence[Result], changes: Sequence[RowChange | None]) -> tuple[Result, ...]:
    """Take out the rows that only the preview asked for."""
    return tuple(
        replace(result, columns=(), rows=(), returned=None) if change else result
        for result, change in zip(results, changes, strict=True)
    )


async def preview(
    database: Database,
    token: str,
    seconds: int,
    statements: Sequence[StatementInfo],
    outcome: tuple[Sequence[Result], Sequence[RowChange | None]],
) -> dict[str, Any]:
    """Make the preview of a dry run.

    Args:
        database: Where the rows before the changes are read.
        token: Runs the same for real, once.
        seconds: For so long.
        statements: What each statement is.
        outcome: The results, and which of them are rows that the preview asked for.
    """
    results, changes = outcome
    keys = await _keys(database, [change for change in changes if change and change.replaces])
    for change in changes:
        if change and change.table in keys and not change.sets.isdisjoint(keys[change.table].names):
            del keys[change.table]
    shown: list[dict[str, Any]] = []
    for result, change, statement in zip(results, changes, statements, strict=True):
        effects = [{"text": one.text, "grave": one.is_grave} for one in statement.effects[:_MAX_EFFECTS]]
        facts: dict[str, Any] = {"kind": statement.kind, "effects": effects}
        if change is not None:
            facts |= await _changed_rows(database, result, change, keys.get(change.table))
        shown.append(facts)
    changed = sum(
        result.rows_affected or 0
        for result, statement in zip(results, statements, strict=True)
        if statement.category == "dml"
    )
    return {
        "dry_run_token": token,
        "seconds": seconds,
        "rows": changed,
        "max_rows": MAX_ROWS,
        "statements": shown,
    }


def _row_change(query: Query) -> RowChange | None:
    (tree,) = dsql_syntax.trees(query.sql) or (None,)
    if tree is None or tree.kind not in _VERBS or _RETURNING & tree.root.keys():
        return None
    words = [token for token in parser.tokens(query.sql) if token.text != ";"]
    if not words:
        return None
    relation: Node = tree.root["relation"]
    name, schema = relation["relname"], relation.get("schemaname")
    table = qualified_name(schema, name) if schema else quote_identifier(name)
    alias: str = relation.get("alias", {}).get("aliasname", name)
    # The parser counts bytes; behind the last token stands nothing but comments and a semicolon.
    text = query.sql.encode()
    end = words[-1].end
    sql = (text[:end] + f" RETURNING {quote_identifier(alias)}.*".encode() + text[end:]).decode()
    update: Node = tree.root if tree.kind == "UpdateStmt" else tree.root.get("onConflictClause", {})
    sets = frozenset(target["ResTarget"]["name"] for target in update.get("targetList", ()))
    returning = replace(query, sql=sql, limits=_SAMPLE)
    return RowChange(_VERBS[tree.kind], table, returning, bool(update), sets)


async def _keys(database: Database, changes: Sequence[RowChange]) -> dict[str, _Key]:
    """Read the primary keys of tables; none where they cannot be read."""
    tables = sorted({change.table for change in changes})
    if not tables:
        return {}
    try:
        report = await database.run(UnitOfWork((Query(_KEYS, (tables,)),), read_only=True))
    except DsqlError:
        return {}
    found: dict[str, list[tuple[str, ...]]] = {}
    for table, *column in report.results[0].rows:
        found.setdefault(str(table), []).append(tuple(map(str, column)))
    return {table: _Key(*map(tuple, zip(*columns, strict=True))) for table, columns in found.items()}


async def _changed_rows(
    database: Database, result: Result, change: RowChange, key: _Key | None
) -> dict[str, Any]:
    names = [column.name for column in result.columns]
    places = [names.index(name) for name in key.names] if key and set(key.names) <= set(names) else []
    before = await _stored(database, result, change, key, places)
    pairs: list[list[object]] = []
    for row in result.rows[: _SAMPLE.rows]:
        old = before.get(tuple(row[at] for at in places)) if before is not None else None
        cells, stored = _cells(row, result), _cells(old, result)
        pairs.append([cells, None] if change.verb == "DELETE" else [stored, cells])
    return {
        "verb": change.verb,
        "columns": [f"{column.name} {column.type}" for column in result.columns],
        "changes": pairs,
        "rows": result.rows_affected,
        "before_known": not change.replaces or before is not None,
    }


async def _stored(
    database: Database, result: Result, change: RowChange, key: _Key | None, places: Sequence[int]
) -> Mapping[tuple[str | None, ...], tuple[str | None, ...]] | None:
    """Read the rows that are stored now, by the keys of those that would be; `None` if they cannot be."""
    if not change.replaces or not result.rows:
        return {}
    if key is None or not places:
        return None
    rows = result.rows[: _SAMPLE.rows]
    values = tuple(row[at] for row in rows for at in places)
    width = len(places)
    tuples = (
        "(" + ", ".join(f"${number * width + at + 1}::{key.types[at]}" for at in range(width)) + ")"
        for number in range(len(rows))
    )
    names = ", ".join(quote_identifier(column.name) for column in result.columns)
    sql = f"SELECT {names} FROM {change.table} WHERE ({', '.join(key.columns)}) IN ({', '.join(tuples)})"  # noqa: S608 - names are quoted, values apart
    try:
        report = await database.run(UnitOfWork((Query(sql, values, limits=_SAMPLE),), read_only=True))
    except DsqlError:
        return None
    return {tuple(row[at] for at in places): row for row in report.results[0].rows}


def _cells(row: Sequence[str | None] | None, result: Result) -> list[object] | None:
    if row is None:
        return None
    return [
        to_json(truncate_value(text, _SAMPLE.cell), column.oid)
        for text, column in zip(row, result.columns, strict=True)
    ]
