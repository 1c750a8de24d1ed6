"""The DPU estimate at the end of an EXPLAIN ANALYZE VERBOSE, simulated from the plan itself.

The figure depends on rows and estimated costs alone, not on the time taken, so that the same statement on the
same data gives the same figure.
"""

import re
from collections.abc import Sequence
from typing import Final

HEADING: Final = "Statement DPU Estimate:  (simulated: a local cluster has no DPUs)"
# Aurora DSQL pricing, "DPU": DPUs a byte read and a byte written, with the least that is counted of each.
_READ: Final = 0.00000183105
_WRITE: Final = 0.00004883
_MIN_READ_BYTES: Final = 2048
_MIN_WRITE_BYTES: Final = 1024
_MIN_ROW_BYTES: Final = 128
_SECONDS_A_COST: Final = 1e-5  # seconds of compute that a unit of the planner's cost stands for
_MIN_VALUES: Final = (0.00375, 0.05)
_NODE: Final = re.compile(
    r"^ *(?:-> +)?(\w[\w ]*?)(?: (?:on|using) .*)? +"
    r"\(cost=[\d.]+\.\.([\d.]+) rows=\d+ width=(\d+)\) "
    r"\(actual (?:time=\S+ )?rows=([\d.]+) loops=(\d+)\)"
)
_REMOVED: Final = re.compile(r"^ *Rows Removed by (?:Filter|Index Recheck): (\d+)")
_SCANS: Final = re.compile(r"(?:Seq|Index|Index Only|Bitmap Heap) Scan")
_CHANGES: Final = ("Insert", "Update", "Delete", "Merge")


def lines(plan: Sequence[str], *, writes: bool) -> tuple[str, ...]:
    """Write the estimate.

    Format: Aurora DSQL user guide, "Understanding DPUs in EXPLAIN ANALYZE".

    Args:
        plan: The lines of the plan, in text format.
        writes: The statement changes data.
    """
    cost = read_bytes = written_bytes = 0.0
    width, changed = _MIN_ROW_BYTES, False
    for line in plan:
        if node := _NODE.match(line):
            width, rows = max(int(node[3]), _MIN_ROW_BYTES), float(node[4]) * int(node[5])
            cost = cost or float(node[2])
            is_scan = bool(_SCANS.search(node[1]))
            read_bytes += width * rows if is_scan else 0
            if changed:  # the first node below a change yields its rows
                written_bytes, changed = width * rows, False
            changed = changed or node[1].startswith(_CHANGES)
        elif removed := _REMOVED.match(line):
            read_bytes += width * int(removed[1])
    compute = cost * _SECONDS_A_COST
    read = max(read_bytes, _MIN_READ_BYTES) * _READ if read_bytes or writes else 0.0
    write = max(written_bytes, _MIN_WRITE_BYTES) * _WRITE if writes else 0.0
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
