"""Share of each node in the work of a plan: what it does itself, of all that is done.

EXPLAIN counts a node with its children ("Using EXPLAIN": the cost of an upper-level node includes the cost
of all its child nodes); what is left without them is its own. Times count where the plan was run, per loop;
costs do where it was not. A node of Aurora DSQL's storage is a part of the scan above it, and has no share.
"""

from typing import Final

from awslabs_dsql_mcp.explain.plan import PlanNode, QueryPlan

STORAGE: Final = ("Storage Scan", "B-Tree Scan", "Storage Lookup", "B-Tree Lookup")
"""Kinds of nodes that are the storage's part of a scan."""


def shares(plan: QueryPlan) -> list[float | None]:
    """Give the share of each node, from 0 to 1; ``None`` of the storage's, and of all if none is known."""
    is_timed = any(node.time is not None for node in plan.nodes)
    totals = [_total(node, is_timed=is_timed) for node in plan.nodes]
    own: list[float | None] = []
    for position, node in enumerate(plan.nodes):
        if node.kind.startswith(STORAGE):
            own.append(None)
            continue
        below = plan.children.get(position, ())
        children = [at for at in below if not plan.nodes[at].kind.startswith(STORAGE)]
        # Below a LIMIT, children are counted to a last row that is never asked for.
        own.append(max(totals[position] - sum(totals[at] for at in children), 0.0))
    whole = sum(share or 0.0 for share in own)
    return [None if share is None or not whole else share / whole for share in own]


def _total(node: PlanNode, *, is_timed: bool) -> float:
    return (node.time or 0.0) * node.loops if is_timed else node.cost
