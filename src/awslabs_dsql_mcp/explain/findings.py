"""What costs in a plan, in words.

The thresholds are those of AWS's guide to reading plans: an estimate 5 to 50 times off is significant, more
is severe; a filter that drops more than half is worth an index; more than 10,000 look-ups deserve a word.
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.explain.plan import Dpu, PlanNode, QueryPlan

_SIGNIFICANT: Final = 5
_SEVERE: Final = 50
_HALF: Final = 0.5
_MANY_LOOKUPS: Final = 10_000
_IMPLAUSIBLE: Final = 10  # times the rows around it: Storage Lookup's counts can be a fault of reporting
_STORAGE: Final = ("Storage Scan", "B-Tree Scan", "Storage Lookup", "B-Tree Lookup")
_READS_ALL: Final = ("Seq Scan", "Full Scan")
_SEES_ALL: Final = ("Sort", "Aggregate", "Hash", "Materialize", "WindowAgg")
_BY_INDEX: Final = ("Index Only Scan", "Index Scan")


def findings(plan: QueryPlan) -> list[str]:
    """Say what costs, the reads first."""
    said = [
        text
        for place, node in enumerate(plan.nodes)
        for text in (*_scan(plan, place, node), *_lookup(plan, place, node), *_sort(node))
    ]
    return list(dict.fromkeys(said + _misestimate(plan)))


def dpu_text(dpus: tuple[Dpu, ...]) -> str:
    """Write a statement's DPUs on one line; empty when there are none."""
    if not dpus:
        return ""
    parts = ", ".join(
        f"{dpu.part} {dpu.amount:.5f}"
        + ("" if dpu.minimum is None else f" (at least {dpu.minimum:.5f} a transaction)")
        for dpu in dpus
    )
    return f"DPU estimate of this statement, not a bill: {parts}."


def reads_all(node: PlanNode) -> bool:
    """Whether a node reads its table from end to end: a primary key's index is the table."""
    if any(name in node.kind for name in _READS_ALL):
        return node.relation is not None
    return node.kind.startswith(_BY_INDEX) and node.relation is not None and "Index Cond" not in node.details


def rows_read(plan: QueryPlan, place: int) -> float | None:
    """Rows that a scan looks at in all its runs; ``None`` where the plan does not tell."""
    node = plan.nodes[place]
    below = [_at_least(child) for child in plan.below(place) if child.kind.startswith("B-Tree Scan")]
    dropped = node.number("Rows Removed by Filter") + node.number("Rows Filtered")
    if below:
        return max(below) * node.loops
    if node.actual is not None:
        return (node.actual + dropped) * node.loops
    return None if "Filter" in node.details else float(node.estimated)


def rows_kept(node: PlanNode) -> float:
    """Rows that a scan gives in all its runs."""
    return node.rows * node.loops


def _at_least(node: PlanNode) -> float:
    return node.rows + node.number("Rows Filtered")


def _scan(plan: QueryPlan, place: int, node: PlanNode) -> Iterator[str]:
    if node.relation is None or node.kind.startswith(_STORAGE):
        return
    read, kept = rows_read(plan, place), rows_kept(node)
    if reads_all(node) and not _stops_early(plan, place):
        count = f": {_rows(read)}" if read is not None else ""
        often = f" in {node.loops:,} runs" if node.loops > 1 else ""
        yield f"{node.kind} reads all of {node.relation}{count}{often}."
    if read and kept < read * (1 - _HALF) and _is_filtered(plan, place):
        yield (
            f"{node.relation}: filters drop {_rows(read - kept)} of {read:,.0f} read"
            f" ({100 * (read - kept) / read:.0f} %){_where(plan, place)}."
        )


def _stops_early(plan: QueryPlan, place: int) -> bool:
    """Whether a LIMIT above ends it, with nothing between that must see all rows first."""
    for at, _ in plan.above(place):
        kind = plan.nodes[at].kind
        if kind == "Limit":
            return True
        if any(name in kind for name in _SEES_ALL):
            return False
    return False


def _is_filtered(plan: QueryPlan, place: int) -> bool:
    nodes = (plan.nodes[place], *plan.below(place))
    return any(name in node.details for node in nodes for name in ("Filter", "Filters"))


def _where(plan: QueryPlan, place: int) -> str:
    if "Filter" in plan.nodes[place].details and any(
        node.kind.startswith(_STORAGE) for node in plan.below(place)
    ):
        return ", some of them only after they have left storage (Filter)"
    return ""


def _lookup(plan: QueryPlan, place: int, node: PlanNode) -> Iterator[str]:
    if not node.kind.startswith("Storage Lookup"):
        return
    scan = next((plan.nodes[at] for at, _ in plan.above(place) if plan.nodes[at].relation), node)
    around = [_at_least(other) for other in plan.below(place)] + [scan.rows]
    each = max(around) if node.rows > _IMPLAUSIBLE * max(1, *around) else node.rows
    total = each * (scan.loops if node.actual is not None else _executions(plan, place))
    columns = node.details.get("Projections", "")
    cure = f"INCLUDE ({columns}) in the index" if columns else "INCLUDE the columns that the index lacks"
    much = "" if total <= _MANY_LOOKUPS else "; over 10,000 are slow: narrow the outer side, or join by hash"
    yield (
        f"{scan.relation or node.relation}: {_rows(total)} looked up in storage one by one behind the index"
        f" {scan.index or ''}".rstrip()
        + f"; {cure} and the look-ups go{much}."
    )


def _executions(plan: QueryPlan, place: int) -> float:
    """How often a node is expected to run: below a nested loop, once for each row of the outer side."""
    times = 1.0
    for at, child in plan.above(place):
        outer = plan.children[at][0]
        if "Nested Loop" in plan.nodes[at].kind and child != outer:
            times *= max(1, plan.nodes[outer].estimated)
    return times


def _sort(node: PlanNode) -> Iterator[str]:
    if "Disk" in node.details.get("Sort Method", ""):
        yield "The sort does not fit into memory: filter earlier, LIMIT, or index the sort's columns."


def _misestimate(plan: QueryPlan) -> list[str]:
    """The worst estimate; what stops early, below a LIMIT, says nothing of it."""
    if any(node.kind == "Limit" for node in plan.nodes):
        return []
    worst = max(plan.nodes, key=_ratio, default=None)
    if worst is None or worst.actual is None or _ratio(worst) <= _SIGNIFICANT:
        return []
    place = worst.kind + (f" on {worst.relation}" if worst.relation else "")
    how = "severe" if _ratio(worst) > _SEVERE else "significant"
    expected = f"{worst.estimated:,} rows were expected, {worst.actual:,.0f} came"
    why = "statistics are old (a job renews them after changes), or the conditions depend on each other"
    return [f"{place}: {expected} ({_ratio(worst):,.0f} times off, {how}): {why}."]


def _ratio(node: PlanNode) -> float:
    if node.actual is None or node.kind.startswith(_STORAGE):
        return 0.0
    expected, came = max(1.0, float(node.estimated)), max(1.0, node.actual)
    return max(expected / came, came / expected)


def _rows(count: float) -> str:
    return f"{count:,.0f} row" + "s" * (round(count) != 1)
