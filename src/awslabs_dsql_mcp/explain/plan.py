"""Query plans parsed from the text of EXPLAIN, with the nodes that Aurora DSQL adds.

The text is made for people, so the parser is lenient: it skips what it does not know, and any text gives a
plan, which may be empty. (PostgreSQL documentation, "Using EXPLAIN"; Aurora DSQL user guide, "Reading EXPLAIN
plans" and "Understanding DPUs". Nodes of Aurora DSQL follow ``-> `` with one space, PostgreSQL's two.)
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, NamedTuple

from awslabs_dsql_mcp.text import mark_cut

_ARROW: Final = re.compile(r"( *)->  ?(?=\S)")
_COST: Final = re.compile(
    r" +\(cost=[\d.]+\.\.(?P<cost>[\d.]+) rows=(?P<rows>\d{1,30}) width=\d+(?: loops=\d+)?\)"
)
_ACTUAL: Final = re.compile(
    r" +\(actual (?:time=[\d.]+\.\.(?P<time>[\d.]+) ?)?rows=(?P<rows>\d{1,30}(?:\.\d{1,9})?)"
    r"(?: loops=(?P<loops>\d{1,18}))?\)"
)
_NEVER: Final = " (never executed)"
_SUBPLAN: Final = re.compile(r" *(?:InitPlan|SubPlan|CTE) ")
_DETAIL: Final = re.compile(r"( *)([A-Z][A-Za-z -]{1,40}): ?(.*)")
_NAME: Final = r'(?:"(?:[^"]|"")*"|[^\s."]+)'
_ON: Final = re.compile(rf" on ({_NAME}(?:\.{_NAME})?)(?: {_NAME})?$")
_USING: Final = re.compile(rf" using ({_NAME})$")
_DPU: Final = re.compile(
    r" +(\w{1,40}): (\d{1,15}(?:\.\d{1,15})?) DPU(?: \(Transaction minimum: ([\d.]{1,20})\))?"
)
_DPU_HEAD: Final = "Statement DPU Estimate:"
HIDDEN: Final = ("Output", "Query Identifier")
"""Details of nodes that say nothing of their work."""
_MAX_LENGTH: Final = 12_000


@dataclass(frozen=True)
class PlanNode:
    """One node of a plan.

    Attributes:
        kind: Type of the node: ``Seq Scan``, ``Storage Lookup`` ….
        relation: Table, function or CTE, as the plan writes it: ``shop.orders``.
        index: Index used.
        parent: Position of the parent in the plan; ``None`` for the root.
        estimated: Expected number of rows per loop.
        actual: Average number of rows per loop; ``None`` if the plan was not run.
        loops: Number of loops; 0 if the plan was run, and this node never was.
        details: Lines below the node, by name: ``Filter``, ``Index Cond`` ….
        subplan: It is the top of a subquery or a CTE, which is read as far as the node above needs it.
        cost: Estimated cost to the last row, its children's included.
        time: Average milliseconds per loop to the last row, likewise; ``None`` where the plan has none.
    """

    kind: str
    relation: str | None
    index: str | None
    parent: int | None
    estimated: int
    actual: float | None
    loops: int
    details: Mapping[str, str]
    subplan: bool = False
    cost: float = 0.0
    time: float | None = None

    @property
    def rows(self) -> float:
        """Actual number of rows per loop, or the expected number."""
        return self.estimated if self.actual is None else self.actual

    def number(self, detail: str) -> int:
        """Numeric value of a detail; 0 if it is missing."""
        digits = re.match(r"\d{1,18}", self.details.get(detail, ""))
        return int(digits.group()) if digits else 0


class Dpu(NamedTuple):
    """One part of a statement's estimated cost in DPUs.

    Attributes:
        part: ``Compute``, ``Read``, ``Write``, ``Total`` ….
        amount: DPUs.
        minimum: Minimum of a transaction with such a part, if the plan has it.
    """

    part: str
    amount: float
    minimum: float | None


@dataclass(frozen=True)
class QueryPlan:
    """A plan.

    Attributes:
        nodes: Nodes from the root on, parents before children.
        dpus: Estimate of Aurora DSQL with ANALYZE and VERBOSE.
    """

    nodes: tuple[PlanNode, ...]
    dpus: tuple[Dpu, ...] = ()

    @property
    def was_run(self) -> bool:
        """True for a plan of EXPLAIN ANALYZE; all counts of any other are estimates."""
        return any(node.actual is not None for node in self.nodes)

    @cached_property
    def children(self) -> Mapping[int, Sequence[int]]:
        """Positions of the children of each node."""
        found: dict[int, list[int]] = {}
        for position, node in enumerate(self.nodes):
            if node.parent is not None:
                found.setdefault(node.parent, []).append(position)
        return found

    def below(self, position: int) -> Iterator[PlanNode]:
        """Iterate over the descendants of a node."""
        pending = list(self.children.get(position, ()))
        while pending:
            at = pending.pop()
            pending += self.children.get(at, ())
            yield self.nodes[at]

    def above(self, position: int) -> Iterator[tuple[int, int]]:
        """Iterate over the ancestors of a node, each with its child on the path."""
        parent = self.nodes[position].parent
        while parent is not None:
            yield parent, position
            position, parent = parent, self.nodes[parent].parent


def parse_plan(text: str) -> QueryPlan:
    """Parse a plan."""
    nodes: list[PlanNode] = []
    details: list[dict[str, str]] = []
    open_at: list[tuple[int, int]] = []  # column of the arrow, position
    dpus: list[Dpu] = []
    subplan = False
    for line in text.splitlines():
        column = _column(line, first=not nodes)
        if column is not None:
            while open_at and open_at[-1][0] >= column:
                open_at.pop()
            details.append({})
            node = _node(line, open_at[-1][1] if open_at else None, details[-1])
            nodes.append(replace(node, subplan=subplan))
            subplan = False
            open_at.append((column, len(nodes) - 1))
        elif dpu := _DPU.match(line):
            minimum = dpu.group(3)
            dpus.append(Dpu(dpu.group(1), float(dpu.group(2)), float(minimum) if minimum else None))
        elif _SUBPLAN.match(line):
            subplan = True
        elif details and (detail := _DETAIL.match(line)) and detail.group(1):  # not of the whole plan
            details[-1].setdefault(detail.group(2), detail.group(3))
    return QueryPlan(tuple(nodes), tuple(dpus))


def without_noise(text: str) -> str:
    """Remove outputs, identifiers and DPUs from a plan's text."""
    kept: list[str] = []
    for line in text.splitlines():
        detail = _DETAIL.match(line)
        if line.startswith(_DPU_HEAD) or _DPU.match(line) or (detail and detail.group(2) in HIDDEN):
            continue
        kept.append(line)
    whole = "\n".join(kept)
    return whole if len(whole) <= _MAX_LENGTH else mark_cut(f"{whole[:_MAX_LENGTH]}\n", len(whole))


def _column(line: str, *, first: bool) -> int | None:
    """Column at which a node's line begins; ``None`` for any other line."""
    arrow = _ARROW.match(line)
    if arrow:
        return len(arrow.group(1))
    return -1 if first and _COST.search(line) else None


def _node(line: str, parent: int | None, details: dict[str, str]) -> PlanNode:
    cost, actual = _COST.search(line), _ACTUAL.search(line)
    ends = [found.start() for found in (cost, actual) if found]
    never = actual is None and line.rstrip().endswith(_NEVER)
    arrow = _ARROW.match(line)
    label = line[arrow.end() if arrow else 0 : min(ends, default=len(line))].strip()
    on = _ON.search(label)
    label = label[: on.start()] if on else label
    using = _USING.search(label)
    return PlanNode(
        kind=label[: using.start()] if using else label,
        relation=on.group(1) if on else None,
        index=using.group(1) if using else None,
        parent=parent,
        estimated=int(cost["rows"]) if cost else 0,
        actual=float(actual["rows"]) if actual else 0.0 if never else None,
        loops=int(actual["loops"] or 1) if actual else int(not never),
        details=details,
        cost=_number(cost["cost"]) if cost else 0.0,
        time=_number(actual["time"]) if actual and actual["time"] else None,
    )


def _number(digits: str) -> float:
    """Read a number; 0 for dots and digits that are none, since any text gives a plan."""
    try:
        return float(digits[:30])
    except ValueError:
        return 0.0
