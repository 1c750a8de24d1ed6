"""Contents of the view of jobs and clusters: a state, tables of cells, and DPUs by day.

Its words are made where the facts are; the page knows no job and no cluster.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Literal

Kind = Literal["good", "bad", "dry", ""]
"""Colour and sign of a state: all is well, a person is needed, it is under way, neither."""

Cell = str | Mapping[str, object] | Sequence[str | Mapping[str, object]]
"""A text, what `state` or `button` makes, or several of these."""

_NO_FIGURE: Final = "no figure"
_LARGE: Final = 100
"""Figures from which on digits behind the point say nothing."""


def state(text: str, kind: Kind) -> dict[str, object]:
    """Make a cell, or the head, of a state."""
    return {"text": text, "kind": kind}


def button(text: str, **ask: object) -> dict[str, object]:
    """Make a cell that calls the tool again, with some arguments changed."""
    return {"text": text, "ask": ask}


def table(label: str, heads: Sequence[str], lines: Sequence[Sequence[Cell]]) -> dict[str, object]:
    """Make a table; the first cell of a line names it.

    Args:
        label: What it is of.
        heads: Names of the columns; none where each line is a name and a value.
        lines: The lines.
    """
    return {"label": label, "heads": heads, "lines": lines}


def status_view(
    tool: str, head: Mapping[str, object], tables: Sequence[Mapping[str, object]], **more: object
) -> dict[str, object]:
    """Give what the view draws.

    Args:
        tool: The tool that is asked again.
        head: The state of all.
        tables: The tables; those without a line are left out.
        more: ``title``, ``days`` that were asked for, ``chart`` of the DPUs, ``notes``.
    """
    return {"tool": tool, "head": head, "tables": [one for one in tables if one["lines"]], **more}


def dpu_chart(
    parts: Sequence[tuple[str, Mapping[date, float]]],
    totals: Mapping[date, float] | None = None,
    cost: Callable[[float], str] | None = None,
) -> dict[str, object] | None:
    """Give DPUs by day; `None` without any figure.

    A day without a figure is no day without work: it stands there as `None`.

    Args:
        parts: Names of the parts of all DPUs, with their days.
        totals: The whole of a day, where it has a figure of its own.
        cost: Writes what DPUs cost; `None` if that is not known.
    """
    whole = totals or {}
    told = sorted({day for each in (whole, *(days for _, days in parts)) for day in each})
    if not told:
        return None
    days: list[tuple[str, float | None, list[float | None]]] = []
    for number in range((told[-1] - told[0]).days + 1):
        day = told[0] + timedelta(days=number)
        values = [each.get(day) for _, each in parts]
        known = [value for value in values if value is not None]
        days.append((str(day), whole.get(day, sum(known) if known else None), values))
    names = [name for name, _ in parts]
    lines = [
        [
            day,
            *map(_figure, (total, *values)),
            *([_NO_FIGURE if total is None else cost(total)] if cost else []),
        ]
        for day, total, values in days
    ]
    heads = ("Day, in UTC", "DPU", *names, *(["Cost"] if cost else []))
    return {"parts": names, "days": days, "figures": table("DPUs of each day", heads, lines)}


def _figure(value: float | None) -> str:
    if value is None:
        return _NO_FIGURE
    return f"{value:,.0f}" if value >= _LARGE else f"{value:.3g}"
