"""Comparison of rows that have no key with those of a table, as wholes: how often each is given and stored.

PostgreSQL reads and prints each value, so that other spellings of a value are equal, and both sides are
compared by digests of that text.
"""

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.bulk.loading.cells import RowText, array
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.bulk.loading.row_loader import RowLoadJob
from awslabs_dsql_mcp.bulk.splitting.keyset import MAX_BATCH_ROWS
from awslabs_dsql_mcp.bulk.splitting.table_info import ColumnInfo
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.text import pluralize

_MAX_ROWS: Final = 100_000
"""Most rows that are compared; their digests are one value of a query."""

_MAX_NAMED: Final = 5


@dataclass(frozen=True)
class WholeRows:
    """What a comparison has found.

    Attributes:
        compared: Number of rows compared.
        missing: Number of those that the table does not have, or not as often.
        others: Number of rows of the table that are none of them.
        numbers: Numbers of some that are missing.
    """

    compared: int
    missing: int
    others: int
    numbers: Sequence[int]


def whole_report(found: WholeRows) -> str:
    """Say what was compared, and what was found."""
    said = f"verified: {pluralize(found.compared, 'row')} compared as wholes, since they have no key"
    told = "no difference"
    if found.missing:
        such = ", ".join(f"row {number:,}" for number in found.numbers)
        told = f"{pluralize(found.missing, 'row')} of them not in the table, or not as often, such as {such}"
    beside = f"; {pluralize(found.others, 'row')} of the table beside them" if found.others else ""
    return f"{said}; {told}{beside}."


async def compare_whole(
    database: Database,
    plan: InsertPlan,
    rows: RowLoadJob,
    left_out: Container[int],
    is_over: Callable[[], bool],
) -> WholeRows | None:
    """Compare rows with those of the table.

    Args:
        database: Where the table is.
        plan: The columns.
        rows: The rows, from the first on.
        left_out: Numbers of rows that were not stored.
        is_over: Tells if the call's time is used up.

    Returns:
        ``None`` if there are too many, or the time is used up.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    first: dict[str, int] = {}
    counts: Counter[str] = Counter()
    after, is_last = None, False
    while not is_last:
        if is_over() or counts.total() > _MAX_ROWS:
            return None
        batch = await rows.next_batch(after, MAX_BATCH_ROWS)
        if batch is None:
            break
        kept = [pair for pair in zip(*rows.batch_rows(), strict=True) if pair[0] not in left_out]
        if kept:
            report = await database.run(
                UnitOfWork((_digests(plan, [cells for _, cells in kept]),), read_only=True)
            )
            for (number, _), (digest,) in zip(kept, report.results[0].rows, strict=True):
                first.setdefault(str(digest), number)
                counts[str(digest)] += 1
        after, is_last = batch.last_key, batch.last
    report = await database.run(UnitOfWork((_comparison(plan, counts),), read_only=True))
    missing, others, digests = report.results[0].rows[0]
    named = [one for one in (digests or "").strip("{}").split(",") if one]
    return WholeRows(
        counts.total(), int(missing or 0), int(others or 0), sorted(first[one] for one in named[:_MAX_NAMED])
    )


def _digests(plan: InsertPlan, rows: Sequence[RowText]) -> Query:
    names = [f"c{number}" for number in range(1, len(plan.columns) + 1)]
    arrays = ", ".join(f"${number}::{c.type}[]" for number, c in enumerate(plan.columns, 1))
    sql = (
        f"SELECT {_digest(names, plan.columns)} "  # noqa: S608 - names from the catalog
        f"FROM unnest({arrays}) WITH ORDINALITY AS u({', '.join(names)}, n) ORDER BY n"
    )
    return Query(sql, tuple(array(column) for column in zip(*rows, strict=True)))


def _comparison(plan: InsertPlan, counts: Counter[str]) -> Query:
    names = [quote_identifier(column.name) for column in plan.columns]
    sql = (
        "WITH w AS (SELECT h, n FROM unnest($1::text[], $2::int[]) AS w(h, n)), "  # noqa: S608 - as above
        f"s AS (SELECT {_digest(names, plan.columns)} AS h, count(*) AS n "
        f"FROM {plan.table.full_name} GROUP BY 1) "
        "SELECT sum(greatest(coalesce(w.n, 0) - coalesce(s.n, 0), 0)), "
        "sum(greatest(coalesce(s.n, 0) - coalesce(w.n, 0), 0)), "
        f"(array_agg(h) FILTER (WHERE w.n > coalesce(s.n, 0)))[1:{_MAX_NAMED}]::text "
        "FROM w FULL JOIN s USING (h)"
    )
    return Query(sql, (list(counts), list(counts.values())))


def _digest(names: Sequence[str], columns: Sequence[ColumnInfo]) -> str:
    values = [
        f"trim_scale({name})::text" if column.built_in_type == "numeric" else f"{name}::text"
        for name, column in zip(names, columns, strict=True)
    ]
    return f"md5(ROW({', '.join(values)})::text)"
