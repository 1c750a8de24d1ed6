"""Ranges and multiranges as PostgreSQL prints them.

(PostgreSQL documentation, "Range Types": discrete ranges are printed as ``[a,b)``.)
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Final

from awslabs_dsql_mcp.migration.values import scalars
from awslabs_dsql_mcp.migration.values.syntax import NotConverted

_RANGE: Final = re.compile(
    r'\s*([\[(])\s*("[^"\\]*"|[^,\[\]()"\\]*),("[^"\\]*"|[^,\[\]()"\\]*)([\])])\s*', re.DOTALL
)
_PARTS: Final = re.compile(r'\s*((?:[\[(](?:"[^"]*"|[^\])"])*[\])]|empty))\s*(,|\Z)', re.IGNORECASE)


def range_of(kind: str) -> Callable[[str, Sequence[int]], str]:
    """Give the writer of a type of ranges."""
    element = kind.removesuffix("range")

    def write(text: str, _modifiers: Sequence[int]) -> str:
        return _written(text, element)

    return write


def multirange(kind: str) -> Callable[[str, Sequence[int]], str]:
    """Give the writer of a type of multiranges: its ranges have to be apart and in order."""
    element = kind.removesuffix("multirange")

    def write(text: str, _modifiers: Sequence[int]) -> str:
        inner = text.strip()
        if not (inner.startswith("{") and inner.endswith("}")):
            raise NotConverted(f"{text!r} is no multirange")
        inner = inner[1:-1].strip()
        found: list[str] = []
        at = 0
        while inner[at:].strip():
            match = _PARTS.match(inner, at)
            if match is None or (match[2] and match.end() == len(inner)):
                raise NotConverted(f"{text!r} is no multirange")
            at = match.end()
            found.append(_written(match[1], element))
        if len(found) > 1 or "empty" in found:
            bounds = [_bounds(part, element) for part in found if part != "empty"]
            if any(not _apart(low, high) for (_, low), (high, _) in pairwise(bounds)):
                raise NotConverted(f"{text!r}: write its ranges in order, and apart from each other")
        return "{" + ",".join(part for part in found if part != "empty") + "}"

    return write


def _bounds(text: str, element: str) -> tuple[object, object]:
    match = _RANGE.fullmatch(text)
    low, high = (match[2].strip('"'), match[3].strip('"')) if match else ("", "")
    return (_key(low, element) if low else None, _key(high, element) if high else None)


def _key(text: str, element: str) -> object:
    return scalars.numeric(text) if element in ("int4", "int8", "num") else text


def _apart(low: object, high: object) -> bool:
    return low is not None and high is not None and low < high  # type: ignore[operator]  # both of one type


def _written(text: str, element: str) -> str:
    if text.strip().lower() == "empty":
        return "empty"
    match = _RANGE.fullmatch(text)
    if match is None:
        raise NotConverted(f"{text!r}: write it as PostgreSQL prints a range")
    low, high = (_bound(match[number], element) for number in (2, 3))
    opening, closing = match[1] if low else "(", match[4] if high else ")"
    if low and high and _key(low, element) > _key(high, element):  # type: ignore[operator]  # of one type
        raise NotConverted(f"{text!r}: its lower bound is above its upper one")
    if element in ("int4", "int8", "date"):
        low, opening = (_next(low, element), "[") if low and opening == "(" else (low, opening)
        high, closing = (_next(high, element), ")") if high and closing == "]" else (high, closing)
    same = low and high and _key(low, element) == _key(high, element)
    crossed = low and high and _key(low, element) > _key(high, element)  # type: ignore[operator]  # as above
    if crossed or (same and (opening, closing) != ("[", "]")):
        return "empty"
    return f"{opening}{_quoted(low)},{_quoted(high)}{closing}"


def _bound(raw: str, element: str) -> str | None:
    text = raw.strip('"') if raw.startswith('"') else raw.strip()
    if not text and not raw.startswith('"'):
        return None
    if element in ("int4", "int8"):
        if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
            raise NotConverted(f"{text!r} is no whole number")
        return str(int(text))
    if element == "num":
        return f"{scalars.numeric(text):f}"
    if element == "date":
        return scalars.date(text)
    return scalars.timestamp(text) if element == "ts" else scalars.timestamptz(text)


def _next(text: str, element: str) -> str:
    if element == "date":
        return (dt.date.fromisoformat(text) + dt.timedelta(days=1)).isoformat()
    return str(int(text) + 1)


def _quoted(bound: str | None) -> str:
    if bound is None:
        return ""
    return f'"{bound}"' if " " in bound else bound
