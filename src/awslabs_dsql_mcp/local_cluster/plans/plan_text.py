"""Lines of a plan in text format → a tree, and back.

Source: PostgreSQL documentation, 14.1 "Using EXPLAIN". A node's details stand two columns to the right of its
name; its children follow behind an arrow.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_ARROW: Final = re.compile(r"( *)->  (?=\S)")
_ARROW_WIDTH: Final = len("->  ")
_NAME_AND_FIGURES: Final = re.compile(
    r"(.*?)((?:  \(cost=[^()]*\))?(?: \(actual [^()]*\)| \(never executed\))?)", re.DOTALL
)
_COST: Final = re.compile(r"\(cost=(\S+) rows=(\d+) width=(\d+)\)")
_ACTUAL: Final = re.compile(r"\(actual (?:time=([\d.]+)\.\.([\d.]+) )?rows=([\d.]+) loops=(\d+)\)")


class Cost(NamedTuple):
    """What the planner expects of a node.

    Attributes:
        range: First and total cost, as written: ``0.15..8.17``.
        rows: Rows of one loop.
        width: Bytes of a row.
    """

    range: str
    rows: int
    width: int

    def __str__(self) -> str:
        """Write it as a node has it."""
        return f"  (cost={self.range} rows={self.rows} width={self.width})"


class Actual(NamedTuple):
    """What a node did.

    Attributes:
        time: Milliseconds until the first row and the last, of one loop; empty with TIMING off.
        rows: Average number of rows of a loop.
        loops: Number of loops; 0 for a node that never ran.
    """

    time: tuple[float, ...]
    rows: float
    loops: int

    def __str__(self) -> str:
        """Write it as a node has it."""
        if not self.loops:
            return " (never executed)"
        time = "time={:.3f}..{:.3f} ".format(*self.time) if self.time else ""
        return f" (actual {time}rows={self.rows:.0f} loops={self.loops})"


@dataclass
class PlanNode:
    """One node.

    Attributes:
        indent: Column of its name.
        name: Its type, with the index and the relation: ``Seq Scan on public.t``.
        cost: `None` with COSTS off.
        actual: `None` without ANALYZE.
        parts: Its details, without indentation, and its children, in their order; a header of a subquery,
            such as ``InitPlan 1``, is a detail.
    """

    indent: int
    name: str
    cost: Cost | None
    actual: Actual | None
    parts: list["str | PlanNode"] = field(default_factory=list["str | PlanNode"])

    @property
    def children(self) -> list["PlanNode"]:
        """The nodes right below it."""
        return [part for part in self.parts if isinstance(part, PlanNode)]

    def detail(self, name: str) -> str | None:
        """Return the text of a detail such as ``Filter``."""
        start = f"{name}: "
        found = (part for part in self.parts if isinstance(part, str) and part.startswith(start))
        return next((part.removeprefix(start) for part in found), None)

    def line(self) -> str:
        """Write its own line."""
        arrow = " " * (self.indent - _ARROW_WIDTH) + "->  " if self.indent else ""
        return f"{arrow}{self.name}{self.cost or ''}{'' if self.actual is None else self.actual}"


class Plan(NamedTuple):
    """A plan.

    Attributes:
        nodes: Its nodes in the order of the text; the first is the root.
        summary: The lines behind the nodes: ``Planning Time`` and others.
    """

    nodes: list[PlanNode]
    summary: list[str]

    def lines(self) -> Iterator[str]:
        """Write the plan."""
        yield self.nodes[0].line()
        pending = [(self.nodes[0].indent + 2, iter(self.nodes[0].parts))]
        while pending:
            indent, parts = pending[-1]
            part = next(parts, None)
            if part is None:
                pending.pop()
            elif isinstance(part, PlanNode):
                yield part.line()
                pending.append((part.indent + 2, iter(part.parts)))
            else:
                first, *more = part.split("\n")  # of a constant with line feeds
                yield " " * indent + first
                yield from more
        yield from self.summary


def read_plan(lines: Sequence[str]) -> Plan | None:
    """Read the lines of a plan; `None` when they are none."""
    if not lines:
        return None
    nodes, summary = [_node(0, lines[0])], list[str]()
    path = nodes[:]
    for line in lines[1:]:
        last = path[-1].parts[-1] if path[-1].parts else None
        if isinstance(last, str) and last.count("'") % 2:
            path[-1].parts[-1] = f"{last}\n{line}"
        elif arrow := _ARROW.match(line):
            indent = arrow.end()
            while path[-1].indent >= indent:
                path.pop()
            node = _node(indent, line[indent:])
            path[-1].parts.append(node)
            path.append(node)
            nodes.append(node)
        elif line.startswith(" ") and not summary:
            indent = len(line) - len(line.lstrip(" "))
            while len(path) > 1 and path[-1].indent + 2 > indent:
                path.pop()
            path[-1].parts.append(line[min(indent, path[-1].indent + 2) :])
        else:
            summary.append(line)
    return Plan(nodes, summary)


def _node(indent: int, text: str) -> PlanNode:
    named = _NAME_AND_FIGURES.fullmatch(text)
    name, figures = (named[1], named[2]) if named else (text, "")
    cost, actual = _COST.search(figures), _ACTUAL.search(figures)
    done = None
    if actual:
        time = (float(actual[1]), float(actual[2])) if actual[1] else ()
        done = Actual(time, float(actual[3]), int(actual[4]))
    elif "never executed" in figures:
        done = Actual((), 0, 0)
    return PlanNode(indent, name, Cost(cost[1], int(cost[2]), int(cost[3])) if cost else None, done)
