"""The DPU estimate at the end of an EXPLAIN ANALYZE VERBOSE, simulated from the plan's rows and their bytes.

No time is in it, so that the same plan over the same rows gives the same figure.
"""

import re
from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.dsql import prices
from awslabs_dsql_mcp.local_cluster.plans.plan_text import Plan, PlanNode
from awslabs_dsql_mcp.local_cluster.plans.relations import Index, Relations

HEADING: Final = "Statement DPU Estimate:"
NOTICE: Final = "the DPUs are simulated: a local cluster has none"
# A DPU is a second of compute; a statement, and a row in a node, take about so much on clusters.
_SECONDS_A_STATEMENT: Final = 0.001
_SECONDS_A_ROW: Final = 1e-6
_MIN_VALUES: Final = (0.00375, 0.05)
_SCANS: Final = re.compile(r"(?:Seq|Index|Index Only|Bitmap Heap|Full) Scan\b")
_CHANGE: Final = re.compile(r"(Insert|Update|Delete) on (\S+)\.(\S+)")
_REMOVED: Final = ("Rows Removed by Filter", "Rows Removed by Index Recheck")


def estimate(plan: Plan, relations: Relations, *, writes: bool) -> Sequence[str]:
    """Write the estimate.

    Format: Aurora DSQL user guide, "Understanding DPUs in EXPLAIN ANALYZE". That it is simulated is said
    beside it, in a notice.

    Args:
        plan: A plan that was run, with PostgreSQL's nodes.
        relations: Indexes of the tables: a row that comes or goes has an entry in each.
        writes: The statement changes data.
    """
    read_bytes = sum(_bytes(node, _scanned(node)) for node in plan.nodes if _SCANS.match(node.name))
    written_bytes = sum(
        _bytes(child, _rows(child)) * _entries(change[1], relations.indexes.get((change[2], change[3]), ()))
        for node in plan.nodes
        if (change := _CHANGE.match(node.name))
        for child in node.children[:1]
    )
    compute = _SECONDS_A_STATEMENT + _SECONDS_A_ROW * sum(map(_scanned, plan.nodes))
    read = max(read_bytes, prices.MIN_READ_BYTES) * prices.READ_DPU if read_bytes or writes else 0.0
    write = max(written_bytes, prices.MIN_WRITE_BYTES) * prices.WRITE_DPU if writes else 0.0
    least_read, least_write = (
        f" (Transaction minimum: {least:.5f})" if writes else "" for least in _MIN_VALUES
    )
    return (
        HEADING,
        f"  Compute: {compute:.5f} DPU",
        f"  Read: {read:.5f} DPU{least_read}",
        f"  Write: {write:.5f} DPU{least_write}",
        f"  Total: {compute + read + write:.5f} DPU",
    )


def _entries(change: str, indexes: Sequence[Index]) -> int:
    """Number of places that a changed row is written to: the table, and other indexes if it comes or goes."""
    return 1 if change == "Update" else 1 + sum(not index.is_primary for index in indexes)


def _rows(node: PlanNode) -> float:
    return node.actual.rows * node.actual.loops if node.actual else 0.0


def _scanned(node: PlanNode) -> float:
    """Rows that a node looked at."""
    removed = sum(int(node.detail(name) or 0) for name in _REMOVED)
    return _rows(node) + removed * (node.actual.loops if node.actual else 0)


def _bytes(node: PlanNode, rows: float) -> float:
    return rows * max(node.cost.width if node.cost else 0, prices.MIN_ROW_BYTES)
