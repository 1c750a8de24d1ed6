"""Rows that cannot be loaded: how they are named, and the advice for each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.bulk.loading.column_choice import written
from awslabs_dsql_mcp.bulk.loading.insert_plan import InsertPlan
from awslabs_dsql_mcp.bulk.loading.row_stream import PlacedRow, place_of
from awslabs_dsql_mcp.bulk.loading.rows import listed
from awslabs_dsql_mcp.errors import StatementFailed

_LEAVE_OUT: Final = "or leave it out with skip_bad_rows=true."
_NO_REST: Final = "With skip_bad_rows=true, nothing from there on is loaded."
_OTHER_ENCODING: Final = "Name the file's encoding, such as encoding='latin-1' or 'cp1252'."
_NOT_DECODED: Final = re.compile(r"\bbyte 0x[0-9A-F]{2}, at offset")
_KEY_TAKEN: Final = "23505"
_NOT_NULL: Final = "23502"
_NULL_IN: Final = re.compile(r'null value in column "(.+?)" of relation')
_ON_CONFLICT: Final = "Keep or replace rows that are there with on_conflict='skip' or 'update'."
MAX_REASON: Final = 300
"""Characters of a reason that are shown."""
_MAX_OTHERS: Final = 5  # rows that are named beside the first that cannot be read


@dataclass(frozen=True)
class BadRow:
    """A row that was left out.

    Attributes:
        number: Its number.
        line: Its line, where there are lines.
        reason: Why.
        is_rest: It stands for all that follows in the source.
        is_rejected: The server rejects it.
    """

    number: int
    line: int
    reason: str
    is_rest: bool = False
    is_rejected: bool = False

    @property
    def place(self) -> str:
        """Its number, and its line where there are lines."""
        return place_of(self.number, self.line)


def others(unreadable: Sequence[PlacedRow]) -> list[str]:
    """Name the rows of a batch that cannot be read, beside the first."""
    if not (rest := unreadable[1:]):
        return []
    named = [row.place for row in rest[:_MAX_OTHERS]]
    more = [f"{len(rest) - len(named):,} more of this batch"] if len(rest) > len(named) else []
    return [f"Nor can row{'s' if len(rest) > 1 else ''} {listed([*named, *more])}."]


def encoding_advice(reason: str) -> str:
    """Advise another encoding where bytes of a row were not decoded; empty for other reasons."""
    return f"{_OTHER_ENCODING} " if _NOT_DECODED.search(reason) else ""


def rejection_advice(
    plan: InsertPlan, keys: Sequence[str], row: PlacedRow, rejection: StatementFailed
) -> str:
    """Say what helps with a row that the server rejects, besides mending or leaving it out.

    Args:
        plan: Which columns the rows fill.
        keys: Names of the source's columns, in the order of the table's.
        row: The row.
        rejection: What the server says.
    """
    if rejection.sqlstate == _KEY_TAKEN and plan.on_conflict == "error":
        return f"{_ON_CONFLICT} "
    named = _NULL_IN.search(rejection.message) if rejection.sqlstate == _NOT_NULL else None
    columns = [column.name for column in plan.columns]
    if named is None or named[1] not in columns:
        return ""
    at = columns.index(named[1])
    lacks = f"The row has no key {keys[at][:60]}. " if at in row.lacking else ""
    if not plan.columns[at].has_default:
        return lacks
    rest = [key for number, key in enumerate(keys) if number != at]
    return (
        f"{lacks}The DEFAULT of {named[1]} goes only to rows of a load without the column: load such "
        f"rows apart, with {written(rest)}. "
    )


def way_on(*, is_rest: bool, stored: int) -> str:
    """Say what to do about a row that cannot be loaded; so many rows before it may be stored already."""
    where = "the file there" if is_rest else "the row"
    mend = f"Mend {where}, and change none before it" if stored else f"Mend {where}"
    return f"{mend}. {_NO_REST}" if is_rest else f"{mend}, {_LEAVE_OUT}"
