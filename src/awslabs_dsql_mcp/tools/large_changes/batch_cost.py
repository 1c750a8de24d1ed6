"""Cost of a statement that is run in batches, from what the catalog estimates of its tables."""

from typing import Final

from awslabs_dsql_mcp.bulk.splitting import keyset
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.bulk.splitting.table_info import TableInfo
from awslabs_dsql_mcp.bulk.statement_job import StatementJob
from awslabs_dsql_mcp.catalog.estimates import TableEstimate, estimates
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.dsql.dpu import Work, batches, counted
from awslabs_dsql_mcp.dsql.prices import MIN_ROW_BYTES
from awslabs_dsql_mcp.dsql.row_sizes import FIXED, USUAL
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.explain.findings import reads_all, rows_read
from awslabs_dsql_mcp.explain.plan import parse_plan

_SCANS: Final = 2  # of each batch: one finds its last key, one is the statement's own
_WITHIN_SCANS: Final = ("Storage ", "B-Tree ")


class TableSizes:
    """Average sizes of a table's rows and index entries, in bytes.

    Args:
        table: The table.
        estimate: What the catalog estimates of it.
        measured: Average size of some of its rows as text, where there are no statistics; 0 if it is unknown.
    """

    def __init__(self, table: TableInfo, estimate: TableEstimate, measured: float) -> None:
        self._table = table
        self._widths = {
            column.name: estimate.widths.get(column.name, FIXED.get(column.built_in_type, USUAL))
            for column in table.columns
        }
        unknown = not estimate.widths and any(c.built_in_type not in FIXED for c in table.columns)
        self.row = max(sum(self._widths.values()), measured if unknown else 0)

    def entry(self, index: tuple[str, ...]) -> float:
        """Give the size of an entry: of the index's columns, and of the key's."""
        key = self._table.key.columns if self._table.key else ()
        return sum(self._widths.get(name, 0) for name in {*index, *key})


async def batch_work(
    database: Database, job: StatementJob, rows: int, after: Position | None = None
) -> tuple[Work, int]:
    """Count what a job reads and writes.

    Args:
        database: Where it runs.
        job: The job.
        rows: Number of rows that are to be changed.
        after: The last key that is done; ``None`` at the beginning.

    Returns:
        The work, and the rows of the first batch.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    first = await job.next_batch(after, keyset.MAX_BATCH_ROWS)
    if first is None or not first.rows or not rows:
        return Work(), 0
    target, driving = await estimates(database, [job.target.full_name, job.driving.full_name])
    width = first.weight / first.rows
    read = TableSizes(job.driving, driving, width)
    scanned = _SCANS * await _scanned(database, job, rows, after, driving.rows) / rows * counted([read.row])
    written = _written(job, TableSizes(job.target, target, width))
    return batches(rows, first.rows, MIN_ROW_BYTES + scanned, written), first.rows


def _written(job: StatementJob, sizes: TableSizes) -> float:
    """Give the bytes that are written for a row: how a row goes is not published, so it has the least."""
    indexes = job.target.secondary
    if job.parts.kind == "DELETE":
        return counted([0] * (1 + len(indexes)))
    if job.parts.kind == "UPDATE":  # an entry whose columns are set goes, and another one comes
        entries = [size for index in indexes if job.sets(index) for size in (0.0, sizes.entry(index))]
    else:  # a row that is there counts as one that is set by DO UPDATE, which writes more
        entries = [sizes.entry(index) for index in indexes]
        entries += [0.0 for index in indexes if job.may_set(index)]
    return counted([sizes.row, *entries])


async def _scanned(
    database: Database, job: StatementJob, rows: int, after: Position | None, in_table: float | None
) -> float:
    """Estimate the rows that are looked at to find those that are changed: by the plan, where it tells."""
    if not job.parts.clauses.condition:
        return rows
    query = keyset.count_query(job.query, job.parts, job.key, after, explain=True)
    try:
        report = await database.run(UnitOfWork((query,), read_only=True))
    except DsqlError:
        return rows
    plan = parse_plan("\n".join(row[0] or "" for row in report.results[0].rows))
    found = 0.0
    for position, node in enumerate(plan.nodes):
        if node.relation is None or node.kind.startswith(_WITHIN_SCANS):
            continue
        if in_table is None and not reads_all(node):
            continue  # what the planner takes for a part of a table that nobody has counted is a guess
        read = rows_read(plan, position)
        found += (in_table if read is None and reads_all(node) else read) or 0
    return max(rows, found)
