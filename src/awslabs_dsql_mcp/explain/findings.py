"""Findings about the expensive parts of a query plan, as sentences.

The thresholds are from AWS's guide to reading plans: an estimate off by a factor of 5 to 50 is significant,
more is severe; a filter that drops more than half of the rows is worth an index; more than 10,000 lookups
are reported as slow.
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.explain.plan import Dpu, PlanNode, QueryPlan
from awslabs_dsql_mcp.text import pluralize

_SIGNIFICANT: Final = 5
_SEVERE: Final = 50
_MIN_DROPPED: Final = 0.5
_MANY_LOOKUPS: Final = 10_000
_IMPLAUSIBLE: Final = 10  # times the rows around it: a Storage Lookup may report wrong counts
_STORAGE: Final = ("Storage Scan", "B-Tree Scan", "Storage Lookup", "B-Tree Lookup")
_READS_ALL: Final = ("Seq Scan", "Full Scan")
_SEES_ALL: Final = ("Sort", "Aggregate", "Hash", "Materialize", "WindowAgg")
_BY_INDEX: Final = ("Index Only Scan", "Index Scan")


def findings(plan: QueryPlan) -> list[str]:
    """List the findings, reads first."""
    found = [
        text
        for position, node in enumerate(plan.nodes)
        for text in (*_scan(plan, position, node), *_lookup(plan, position, node), *_sort(node))
    ]
    return list(dict.fromkeys(found + _misestimate(plan)))


def dpu_text(dpus: tuple[Dpu, ...], *, is_simulated: bool = False) -> str:
    """Format a statement's DPUs on one line; empty without DPUs."""
    if not dpus:
        return ""
    parts = ", ".join(
        f"{dpu.part} {dpu.amount:.5f}"
        + ("" if dpu.minimum is None else f" (at least {dpu.minimum:.5f} a transaction)")
        for dpu in dpus
    )
    if is_simulated:
        return f"DPUs simulated by the local cluster, comparable among each other alone: {parts}."
    return f"DPU estimate of this statement, not a bill: {parts}."


def reads_all(node: PlanNode) -> bool:
    """Return true for a node that reads its whole table; the index of a primary key is the table."""
    if any(name in node.kind for name in _READS_ALL):
        return node.relation is not None
    return node.kind.startswith(_BY_INDEX) and node.relation is not None and "Index Cond" not in node.details


def rows_read(plan: QueryPlan, position: int) -> float | None:
    """Number of rows that a scan reads in all its loops; ``None`` if the plan does not have it."""
    node = plan.nodes[position]
    below = [_at_least(child) for child in plan.below(position) if child.kind.startswith("B-Tree Scan")]
    dropped = node.number("Rows Removed by Filter") + node.number("Rows Filtered")
    if below:
        return max(below) * node.loops
    if node.actual is not None:
        return (node.actual + dropped) * node.loops
    return None if "Filter" in node.details else float(node.estimated)


def rows_kept(node: PlanNode) -> float:
    """Number of rows that a scan returns in all its loops."""
    return node.rows * node.loops


def _at_least(node: PlanNode) -> float:
    return node.rows + node.number("Rows Filtered")


def _scan(plan: QueryPlan, position: int, node: PlanNode) -> Iterator[str]:
    if node.relation is None or node.kind.startswith(_STORAGE):
        return
    read, kept = rows_read(plan, position), rows_kept(node)
    if reads_all(node) and not _stops_early(plan, position):
        count = f": {pluralize(read, 'row')}" if read is not None else ""
        loops = f" in {node.loops:,} loops" if node.loops > 1 else ""
        yield f"{node.kind} reads all of {node.relation}{count}{loops}."
    if read and kept < read * (1 - _MIN_DROPPED) and _is_filtered(plan, position):
        yield (
            f"{node.relation}: filters drop {pluralize(read - kept, 'row')} of {read:,.0f} read"
            f" ({100 * (read - kept) / read:.0f} %){_where(plan, position)}."
        )


def _stops_early(plan: QueryPlan, position: int) -> bool:
    """Return true if a LIMIT above ends the scan early, without a node in between that needs all rows."""
    for at, _ in plan.above(position):
        kind = plan.nodes[at].kind
        if kind == "Limit":
            return True
        if any(name in kind for name in _SEES_ALL):
            return False
    return False


def _is_filtered(plan: QueryPlan, position: int) -> bool:
    nodes = (plan.nodes[position], *plan.below(position))
    return any(name in node.details for node in nodes for name in ("Filter", "Filters"))


def _where(plan: QueryPlan, position: int) -> str:
    if "Filter" in plan.nodes[position].details and any(
        node.kind.startswith(_STORAGE) for node in plan.below(position)
    ):
        return ", some of them only after leaving storage (Filter)"
    return ""


def _lookup(plan: QueryPlan, position: int, node: PlanNode) -> Iterator[str]:
    if not node.kind.startswith("Storage Lookup"):
        return
    scan = next((plan.nodes[at] for at, _ in plan.above(position) if plan.nodes[at].relation), node)
    around = [_at_least(other) for other in plan.below(position)] + [scan.rows]
    each = max(around) if node.rows > _IMPLAUSIBLE * max(1, *around) else node.rows
    total = each * (scan.loops if node.actual is not None else _executions(plan, position))
    columns = node.details.get("Projections", "")
    remedy = f"INCLUDE ({columns}) in the index" if columns else "INCLUDE the columns that the index lacks"
    slow = (
        "" if total <= _MANY_LOOKUPS else "; over 10,000 are slow: narrow the outer side, or use a hash join"
    )
    yield (
        f"{scan.relation or node.relation}: {pluralize(total, 'row')} looked up in storage one by one "
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
        yield "The sort does not fit in memory: filter earlier, add LIMIT, or index the sort's columns."


def _misestimate(plan: QueryPlan) -> list[str]:
    """Report the worst estimate; not with a LIMIT, below which row counts are incomplete."""
    if any(node.kind == "Limit" for node in plan.nodes):
        return []
    worst = max(plan.nodes, key=_ratio, default=None)
    if worst is None or worst.actual is None or _ratio(worst) <= _SIGNIFICANT:
        return []
    label = worst.kind + (f" on {worst.relation}" if worst.relation else "")
    severity = "severe" if _ratio(worst) > _SEVERE else "significant"
    expected = f"{worst.estimated:,} rows were expected, {worst.actual:,.0f} were found"
    reason = (
        "statistics are old (a job updates them after changes), or the conditions are correlated"
        " (CREATE STATISTICS covers columns that depend on each other)"
    )
    return [f"{label}: {expected} ({_ratio(worst):,.0f} times off, {severity}): {reason}."]


def _ratio(node: PlanNode) -> float:
    if node.actual is None or node.kind.startswith(_STORAGE):
        return 0.0
    expected, actual = max(1.0, float(node.estimated)), max(1.0, node.actual)
    return max(expected / actual, actual / expected)
