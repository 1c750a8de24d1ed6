"""Estimates that the catalog has of a table and are free to ask: its rows, and the width of its columns.

Source: PostgreSQL documentation, "pg_class" (reltuples) and "pg_stats" (avg_width, null_frac).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError

MAX_COUNTED: Final = 10_000
"""Rows of a table that are counted at once where nothing is estimated of it."""

_ESTIMATE: Final = """
SELECT c.reltuples, (SELECT json_object_agg(s.attname, s.avg_width * (1 - s.null_frac)) FROM pg_stats s
                     WHERE s.schemaname = n.nspname AND s.tablename = c.relname)::text,
  (SELECT json_agg((SELECT json_agg(DISTINCT a.attname) FROM pg_attribute a
                    WHERE a.attrelid = c.oid AND (a.attnum = ANY (x.indkey) OR a.attnum = ANY (k.indkey))))
   FROM pg_index x LEFT JOIN pg_index k ON k.indrelid = c.oid AND k.indisprimary
   WHERE x.indrelid = c.oid AND NOT x.indisprimary)::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)"""


@dataclass(frozen=True)
class TableEstimate:
    """Estimates of a table.

    Attributes:
        rows: Number of rows; ``None`` if nobody has counted.
        widths: Average bytes of a row's values by column, of those that there are statistics of.
        indexes: Columns of an entry of each index besides the primary key's: its own and the key's.
        width: Average size of a row in bytes, where it was measured; else the columns' is known.
    """

    rows: float | None = None
    widths: Mapping[str, float] = field(default_factory=dict[str, float])
    indexes: tuple[frozenset[str], ...] = ()
    width: float | None = None

    @property
    def row(self) -> float:
        """Average size of a row in bytes."""
        return sum(self.widths.values()) if self.width is None else self.width


async def estimates(database: Database, names: Sequence[str]) -> list[TableEstimate]:
    """Ask for the estimates of tables; where that is refused, nothing is known of them.

    Args:
        database: Where they are.
        names: Their names as SQL.
    """
    queries = tuple(Query(_ESTIMATE, (name,)) for name in names)
    try:
        report = await database.run(UnitOfWork(queries, read_only=True))
    except DsqlError:
        return [TableEstimate() for _ in names]
    return [_read(result) for result in report.results]


async def counted(database: Database, name: str, known: TableEstimate) -> TableEstimate:
    """Count a table of which nothing is estimated, unless it has more than `MAX_COUNTED` rows.

    Args:
        database: Where it is.
        name: Its name as SQL.
        known: What is known of it.

    Returns:
        What is known then; the same if it is too large or cannot be read.
    """
    query = Query(
        "SELECT count(*), avg(octet_length((counted_.*)::text)) "  # noqa: S608 - a quoted name
        f"FROM (SELECT * FROM {name} LIMIT {MAX_COUNTED + 1}) counted_"
    )
    try:
        report = await database.run(UnitOfWork((query,), read_only=True))
    except DsqlError:
        return known
    ((rows, width),) = report.results[0].rows
    if int(rows or 0) > MAX_COUNTED:
        return known
    return replace(known, rows=float(rows or 0), width=float(width or 0))


def _read(result: Result) -> TableEstimate:
    if not result.rows:
        return TableEstimate()
    counted, widths, indexes = result.rows[0]
    number = float(counted or -1)
    return TableEstimate(
        None if number < 0 else number,
        cast("dict[str, float]", json.loads(widths or "null")) or {},
        tuple(frozenset(of or ()) for of in cast("list[list[str] | None]", json.loads(indexes or "[]"))),
    )
