"""A plan as a view draws it: a tree of nodes with their shares, and what was found."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.explain.index_advisor import REMARK
from awslabs_dsql_mcp.explain.plan import HIDDEN, QueryPlan
from awslabs_dsql_mcp.explain.shares import shares

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
    nodes = [
        {
            "kind": node.kind,
            "on": node.relation,
            "index": node.index,
            "parent": node.parent,
            "estimated": node.estimated,
            "actual": node.actual,
            "loops": node.loops,
            "time": node.time,
            "cost": node.cost,
            "share": share,
            "details": [
                [name, text[:_MAX_DETAIL]] for name, text in node.details.items() if name not in HIDDEN
            ],
        }
        for node, share in zip(plan.nodes[:_MAX_NODES], shares(plan), strict=False)
    ]
    return {
        "run": plan.was_run,
        "nodes": nodes,
        "more": len(plan.nodes) - len(nodes),
        "dpus": [dpu._asdict() for dpu in plan.dpus],
        "costs": costs,
        "findings": list(findings),
        "advice": [_advice(one) for one in advice],
    }


def _advice(text: str) -> dict[str, str]:
    statement, mark, _ = text.partition(REMARK)
    if not mark:
        return {"remark": text}
    return {"statement": statement, "remark": text[len(statement) :].removeprefix(" -- ")}
