"""A plan as a view draws it: a tree of nodes with their shares, and what was found."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.explain.index_advisor import REMARK
from awslabs_dsql_mcp.explain.plan import HIDDEN, QueryPlan
from awslabs_dsql_mcp.explain.shares import shares

_MIN_COSTLY: Final = 0.1  # of the work
_MIN_OFF: Final = 5  # times the estimate: AWS's guide to reading plans calls that significant
_ROUND: Final = 10  # times, from which on they are told as whole ones
_MAX_NODES: Final = 300
_MAX_DETAIL: Final = 2_000  # characters


def plan_view(
    plan: QueryPlan, findings: Sequence[str], advice: Sequence[str], costs: str
) -> dict[str, object]:
    """Give what a view draws of a plan.

    Args:
        plan: The plan.
        findings: What stands out in it.
        advice: What `index_advisor.advise` says.
        costs: Its DPUs in words.
    """
    parts = shares(plan)
    costly = max(range(len(parts)), key=lambda at: parts[at] or 0.0, default=None)
    if costly is not None and (len(parts) == 1 or (parts[costly] or 0.0) < _MIN_COSTLY):
        costly = None
    nodes = [_node(plan, at, share) for at, share in enumerate(parts[:_MAX_NODES])]
    return {
        "run": plan.was_run,
        "nodes": nodes,
        "costly": costly,
        "more": len(plan.nodes) - len(nodes),
        "dpus": [dpu._asdict() for dpu in plan.dpus],
        "costs": costs,
        "findings": list(findings),
        "advice": [_advice(one) for one in advice],
    }


def _node(plan: QueryPlan, at: int, share: float | None) -> dict[str, object]:
    node = plan.nodes[at]
    index = f" using {node.index}" if node.index else ""
    return {
        "kind": node.kind,
        "rest": f"{index} on {node.relation}" if node.relation else index,
        "depth": sum(1 for _ in plan.above(at)),
        "estimated": node.estimated,
        "actual": node.actual,
        "loops": node.loops,
        "off": _estimate_fault(plan, at),
        "time": None if node.time is None else node.time * node.loops,
        "share": share,
        "details": [[name, text[:_MAX_DETAIL]] for name, text in node.details.items() if name not in HIDDEN],
    }


def _estimate_fault(plan: QueryPlan, at: int) -> str:
    """Say how far a node's estimate is off; nothing where it is not, or below a LIMIT, which reads less."""
    node = plan.nodes[at]
    if node.actual is None or not node.loops:
        return ""
    factor = max(node.actual, 1) / max(node.estimated, 1)
    if factor >= _MIN_OFF:
        return f"{f'{factor:,.1f}'.removesuffix('.0') if factor < _ROUND else f'{factor:,.0f}'} times as many"
    is_cut_short = any(plan.nodes[above].kind == "Limit" for above, _ in plan.above(at))
    return f"1 of {1 / factor:,.0f}" if factor <= 1 / _MIN_OFF and not is_cut_short else ""


def _advice(text: str) -> dict[str, str]:
    statement, mark, _ = text.partition(REMARK)
    if not mark:
        return {"remark": text}
    return {"statement": statement, "remark": text[len(statement) :].removeprefix(" -- ")}
