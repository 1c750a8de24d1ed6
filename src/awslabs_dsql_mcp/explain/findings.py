"""Findings about the expensive parts of a query plan, as sentences.

The thresholds are from AWS's guide to reading plans: an estimate off by a factor of 5 to 50 is significant,
more is severe; a filter that drops more than half of the rows is worth an index; more than 10,000 lookups
are reported as slow.
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.dsql.prices import Price
from awslabs_dsql_mcp.explain.plan import Dpu, PlanNode, QueryPlan
from awslabs_dsql_mcp.explain.shares import STORAGE
from awslabs_dsql_mcp.text import pluralize

_SIGNIFICANT: Final = 5
_SEVERE: Final = 50
_HANDFUL: Final = 100  # rows, of which no estimate changes a plan's time
_MIN_DROPPED: Final = 0.5
_MANY_LOOKUPS: Final = 10_000
_IMPLAUSIBLE: Final = 10  # times the rows around it: a Storage Lookup may report wrong counts
_READS_ALL: Final = ("Seq Scan", "Full Scan")
_TAKES_ALL: Final = (
    "Sort",
    "Hash",
    "Aggregate",
    "HashAggregate",
    "MixedAggregate",
    "Update",
    "Delete",
    "Insert",
)
_BY_INDEX: Final = ("Index Only Scan", "Index Scan")
_CHANGES: Final = ("Insert", "Update", "Delete", "Merge")
_AT_LIMIT: Final = "LIMIT"
_OUTER_QUERY: Final = "the query around it"


def findings(plan: QueryPlan) -> list[str]:
    """List the findings, reads first; those of a plan that was not run say that they are estimates."""
    found = [
        text
        for position, node in enumerate(plan.nodes)
        for text in (*_scan(plan, position, node), *_lookup(plan, position, node), *_sort(node))
    ]
    return list(dict.fromkeys(found + _misestimate(plan)))


def dpu_text(
    dpus: tuple[Dpu, ...],
    price: Price | None = None,
    limit: float | None = None,
    *,
    is_simulated: bool = False,
) -> str:
    """Format a statement's DPUs on one line, and the cost of a million runs; empty without DPUs.

    Args:
        dpus: The estimate.
        price: The Region's prices; `None` if they are not known.
        limit: The operator's limit of a call; `None` for none.
        is_simulated: It is a local cluster's.
    """
    if not dpus:
        return ""
    parts = ", ".join(
        f"{dpu.part} {dpu.amount:.5f}"
        + ("" if dpu.minimum is None else f" (at least {dpu.minimum:.5f} a transaction)")
        for dpu in dpus
    )
    # Each run in a transaction of its own, whose minimums count.
    run = sum(max(dpu.amount, dpu.minimum or 0.0) for dpu in dpus if dpu.amount and dpu.part != "Total")
    is_above = limit is not None and run > limit
    above = f" One run is above the operator's limit of {limit:,} DPU (--max-dpu)." if is_above else ""
    if is_simulated:
        return f"DPUs simulated by the local cluster, to be compared only with each other: {parts}.{above}"
    told = f"DPU estimate of this statement, not a bill: {parts}."
    runs = f"A million runs, each a transaction: {1e6 * run:,.0f} DPU"
    if price is not None:
        rate = f"${price.million_dpu:.2f} a million ({price.region}, {price.as_of})"
        runs += f", ${price.of(1e6 * run):,.2f} at {rate}"
    return f"{told} {runs}.{above}"


def reads_all(node: PlanNode) -> bool:
    """Return true for a node that reads its whole table; the index of a primary key is the table."""
    if any(name in node.kind for name in _READS_ALL):
        return node.relation is not None
    return node.kind.startswith(_BY_INDEX) and node.relation is not None and "Index Cond" not in node.details


def rows_read(plan: QueryPlan, position: int) -> float | None:
    """Number of rows that a scan reads in all its loops; ``None`` if the plan does not have it."""
    node = plan.nodes[position]
    below = [_at_least(child) for child in _storage(plan, position) if child.kind.startswith("B-Tree Scan")]
    dropped = node.number("Rows Removed by Filter") + node.number("Rows Filtered")
    if below:
        is_known = node.actual is not None or max(below) > node.estimated or not _is_filtered(plan, position)
        return max(below) * node.loops if is_known else None  # estimates may be of what the filters leave
    if node.actual is not None:
        return (node.actual + dropped) * node.loops
    return None if "Filter" in node.details else float(node.estimated)


def rows_kept(node: PlanNode) -> float:
    """Number of rows that a scan returns in all its loops."""
    return node.rows * node.loops


def _storage(plan: QueryPlan, position: int) -> Iterator[PlanNode]:
    """Iterate over what a scan itself reads: not what a WITH query or subquery below it does."""
    for at in plan.children.get(position, ()):
        if plan.nodes[at].kind.startswith(STORAGE):
            yield plan.nodes[at]
            yield from _storage(plan, at)


def _at_least(node: PlanNode) -> float:
    return node.rows + node.number("Rows Filtered")


def _scan(plan: QueryPlan, position: int, node: PlanNode) -> Iterator[str]:
    if node.relation is None or node.kind.startswith((*STORAGE, *_CHANGES)):
        return
    if not node.loops:
        yield f"{node.kind} on {node.relation} was never executed in this run."
        return
    read, kept = rows_read(plan, position), rows_kept(node)
    if reads_all(node):
        yield from _whole_read(plan, position, node, read)
    if read and kept < read * (1 - _MIN_DROPPED) and _is_filtered(plan, position):
        drop = "drop" if node.actual is not None else "would drop"
        estimated = "" if node.actual is not None else ", estimated"
        yield (
            f"{node.relation}: filters {drop} {pluralize(read - kept, 'row')} of {read:,.0f} read"
            f" ({int(100 * (read - kept) / read)} %{estimated}){_where(plan, position)}."
        )


def _whole_read(plan: QueryPlan, position: int, node: PlanNode, read: float | None) -> Iterator[str]:
    """Word the scan of a whole table, or how far it came where something above can end it early."""
    end = _early_end(plan, position)
    if node.actual is None:
        if end is None:
            count = "" if read is None else f": {pluralize(read, 'row')} (estimated)"
            yield f"{node.kind} would read all of {node.relation}{count}."
        return
    count = pluralize(read or 0, "row") + (f" in {node.loops:,} loops" if node.loops > 1 else "")
    if end is None:
        yield f"{node.kind} reads all of {node.relation}: {count}."
    elif end == _AT_LIMIT:
        yield f"{node.kind} on {node.relation} was stopped by LIMIT after {count}."
    else:
        yield f"{node.kind} on {node.relation} read {count}; {end} may not have needed the rest."


def _early_end(plan: QueryPlan, position: int) -> str | None:
    """Find what may have ended a node before its last row; ``None`` if it was read to its end.

    (PostgreSQL documentation, "Using EXPLAIN": a LIMIT, and joins that find all that they need, stop the
    nodes below them.)
    """
    node = plan.nodes[position]
    if node.actual == 0:
        return None  # whoever asked for its first row has waited for its end
    for at, child in plan.above(position):
        if plan.nodes[child].subplan:
            return _OUTER_QUERY
        node = plan.nodes[at]
        if node.kind.removeprefix("Partial ").removeprefix("Finalize ") in _TAKES_ALL:
            return None
        if node.kind == "Limit":
            return _limit_end(node, plan.nodes[child])
        if _stops(plan, at, child):
            return f"the {node.kind} above it"
    return None


def _limit_end(limit: PlanNode, below: PlanNode) -> str | None:
    """Say if a LIMIT was reached: where it cuts the estimate, its own estimate is the LIMIT."""
    if limit.actual is None or limit.estimated >= below.estimated:
        return "the LIMIT above it"
    return _AT_LIMIT if limit.actual >= limit.estimated else None


def _stops(plan: QueryPlan, at: int, child: int) -> bool:
    """Return true for a join that may leave rows of a child unread."""
    join = plan.nodes[at]
    is_outer = plan.children[at][0] == child
    if join.kind.startswith("Merge") or "Run Condition" in join.details:
        return True
    if join.kind.startswith("Hash"):
        return is_outer and any(plan.nodes[other].rows == 0 for other in plan.children[at][1:])
    once = "Semi" in join.kind or "Anti" in join.kind or join.details.get("Inner Unique") == "true"
    return join.kind.startswith("Nested Loop") and not is_outer and once


def _is_filtered(plan: QueryPlan, position: int) -> bool:
    nodes = (plan.nodes[position], *_storage(plan, position))
    return any(name in node.details for node in nodes for name in ("Filter", "Filters"))


def _where(plan: QueryPlan, position: int) -> str:
    if "Filter" in plan.nodes[position].details and any(
        node.kind.startswith(STORAGE) for node in _storage(plan, position)
    ):
        return ", some of them only after leaving storage (Filter)"
    return ""


def _lookup(plan: QueryPlan, position: int, node: PlanNode) -> Iterator[str]:
    if not node.kind.startswith("Storage Lookup") or not node.loops:
        return
    scan = next((plan.nodes[at] for at, _ in plan.above(position) if plan.nodes[at].relation), node)
    around = [_at_least(other) for other in plan.below(position)] + [scan.rows]
    each = max(around) if node.rows > _IMPLAUSIBLE * max(1, *around) else node.rows
    total = each * (scan.loops if node.actual is not None else _executions(plan, position))
    columns = node.details.get("Projections", "")
    remedy = f"INCLUDE ({columns}) in the index" if columns else "INCLUDE the columns that the index lacks"
    were = "looked up" if node.actual is not None else "to be looked up (estimated)"
    slow = (
        "" if total <= _MANY_LOOKUPS else "; over 10,000 are slow: narrow the outer side, or use a hash join"
    )
    yield (
        f"{scan.relation or node.relation}: {pluralize(total, 'row')} {were} in storage one by one "
        f"after index {scan.index or ''}".rstrip()
        + f"; {remedy} to avoid this{slow}."
    )


def _executions(plan: QueryPlan, position: int) -> float:
    """Expected number of loops of a node: below a nested loop, one for each row of the outer side."""
    times = 1.0
    for at, child in plan.above(position):
        outer = plan.children[at][0]
        if "Nested Loop" in plan.nodes[at].kind and child != outer:
            times *= max(1, plan.nodes[outer].estimated)
    return times


def _sort(node: PlanNode) -> Iterator[str]:
    if "Disk" in node.details.get("Sort Method", ""):
        yield "The sort did not fit in memory: filter earlier, add LIMIT, or index the sort's columns."


def _misestimate(plan: QueryPlan) -> list[str]:
    """Report the worst estimate, of nodes that were read to their end and whose children all were run."""
    whole = [
        node
        for position, node in enumerate(plan.nodes)
        if _early_end(plan, position) is None
        and max(node.estimated, (node.actual or 0) * node.loops) > _HANDFUL
        and all(plan.nodes[child].loops for child in plan.children.get(position, ()))
    ]
    worst = max(whole, key=_ratio, default=None)
    if worst is None or worst.actual is None or _ratio(worst) <= _SIGNIFICANT:
        return []
    label = worst.kind + (f" on {worst.relation}" if worst.relation else "")
    severity = "severe" if _ratio(worst) > _SEVERE else "significant"
    each = " a loop" if worst.loops > 1 else ""
    counts = f"estimated {pluralize(worst.estimated, 'row')}, found {pluralize(worst.actual, 'row')}{each}"
    reason = (
        "statistics may be old (a job updates them after changes), or columns of the conditions depend on "
        "each other (CREATE STATISTICS)"
    )
    return [f"{label}: {counts} ({_ratio(worst):,.0f} times off, {severity}): {reason}."]


def _ratio(node: PlanNode) -> float:
    if node.actual is None or not node.loops or node.kind.startswith(STORAGE):
        return 0.0
    expected, actual = max(1.0, float(node.estimated)), max(1.0, node.actual)
    return max(expected / actual, actual / expected)
