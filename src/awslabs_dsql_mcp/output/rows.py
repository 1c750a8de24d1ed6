"""Results of statements as text and JSON: first what is missing, then the columns once, rows as arrays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from awslabs_dsql_mcp.database.model import Result, ResultLimits, TruncatedText, truncate_value
from awslabs_dsql_mcp.output.json_values import to_json
from awslabs_dsql_mcp.text import MAX_LINE, escape, pluralize

_MIN_CELL = 20  # characters: what a cell of a very wide row keeps in any case
_CUT_CELL = 48  # characters, likewise, with the quotes and the length of the whole
_MIN_WIDTH = 6_000  # characters of names and of a row that are shown in any case
_MANY_COLUMNS = 100  # names of more take characters from rows
_CHANGES = ("INSERT", "UPDATE", "DELETE", "MERGE")


@dataclass(frozen=True)
class FormattedRows:
    """A result as it is shown.

    Attributes:
        summary: What was cut, then the command with its count, and the columns, in lines.
        lines: The rows, one compact JSON array each.
        structured: The same as JSON values.
        has_text: True if a value is a text or a document, which may hold instructions; numbers, booleans and
            NULL cannot. Also if a row is longer than a line of an answer may be.
    """

    summary: tuple[str, ...]
    lines: tuple[str, ...]
    structured: dict[str, object]
    has_text: bool = False


@dataclass(frozen=True)
class _Shown:
    rows: list[list[object]]
    lines: list[str]
    cut: dict[str, int]
    cell: int


def format_rows(
    result: Result, caps: ResultLimits, *, limited: bool = False, exports: bool = False
) -> FormattedRows:
    """Show a result, cut to the caps, saying so.

    Args:
        result: What the statement gave.
        caps: How much of it to show.
        limited: True if the statement was sent with a LIMIT of one row more than the caps take, so that
            nobody knows how many rows there are beyond it.
        exports: True if the advice on more rows names ``export_query``.
    """
    total = len(result.rows) if result.returned is None else result.returned
    if not result.columns and result.returned is None:
        affected = (
            "" if result.rows_affected is None else f": {pluralize(result.rows_affected, 'row')} affected"
        )
        return FormattedRows((f"{result.command}{affected}", *result.notices), (), _facts(result))
    remarks, result = result.notices, replace(result, notices=())
    columns = len(result.columns)
    result, left = _fitting_columns(result, caps)
    shown = _shown(result, replace(caps, characters=left))
    known = None if limited and total > caps.rows else total
    if known is None:
        result = replace(result, command="SELECT", rows_affected=None)
    notice = " ".join(
        filter(
            None,
            (
                _missing(result, len(shown.rows), known, exports=exports),
                _missing_columns(len(result.columns), columns),
                _truncated_cells(shown),
                *remarks,
            ),
        )
    )
    structured = _facts(result) | {
        "columns": [f"{column.name} {column.type}" for column in result.columns],
        "rows": shown.rows,
    }
    return FormattedRows(
        _summary(result, known, notice),
        tuple(shown.lines),
        ({"notice": notice} if notice else {}) | structured,
        has_text=any(isinstance(cell, (str, list, dict)) for row in shown.rows for cell in row)
        or any(len(line) > MAX_LINE for line in shown.lines),
    )


def _facts(result: Result) -> dict[str, object]:
    facts: dict[str, object] = {"command": result.command, "row_count": result.rows_affected}
    return facts | ({"notice": " ".join(result.notices)} if result.notices else {})


def _summary(result: Result, known: int | None, notice: str) -> tuple[str, ...]:
    changed = "" if result.command.startswith("SELECT") else f"{result.command}: "
    counted = "rows" if known is None else pluralize(known, "row")
    columns = ", ".join(f"{column.name} {column.type}" for column in result.columns) or "no columns"
    return (*([notice] if notice else []), f"{changed}{counted} ({columns})")


def _fitting_columns(result: Result, caps: ResultLimits) -> tuple[Result, int]:
    """Leave out the last of so many columns that not even a row of short cells would fit.

    Returns:
        The result, and the number of characters that are left for rows.
    """
    named = 0
    for number, column in enumerate(result.columns):
        length = len(column.name) + len(column.type) + 3
        if number and named + length + (number + 1) * _CUT_CELL > max(caps.characters, _MIN_WIDTH):
            rows = tuple(row[:number] for row in result.rows)
            result = replace(result, columns=result.columns[:number], rows=rows)
            break
        named += length
    shown = len(result.columns)
    return result, caps.characters - (named + shown * (_CUT_CELL - _MIN_CELL) if shown > _MANY_COLUMNS else 0)


def _shown(result: Result, caps: ResultLimits) -> _Shown:
    rows = result.rows[: caps.rows]
    width = caps.cell
    if rows and len(_line(_cells(rows[0], result, width))) > caps.characters:
        width = min(width, max(_MIN_CELL, caps.characters // len(rows[0])))
    shown = _Shown([], [], {}, width)
    characters = 0
    for row in rows:
        cells = _cells(row, result, width)
        line = _line(cells)
        characters += len(line) + 1
        if characters > caps.characters and shown.rows:
            break
        shown.rows.append(cells)
        shown.lines.append(line)
        _count_cuts(row, result, width, shown.cut)
    return shown


def _cells(row: Sequence[str | None], result: Result, width: int) -> list[object]:
    return [
        to_json(truncate_value(text, width), column.oid)
        for text, column in zip(row, result.columns, strict=True)
    ]


def _line(cells: list[object]) -> str:
    return escape(json.dumps(cells, ensure_ascii=False, separators=(",", ":")))


def _count_cuts(row: Sequence[str | None], result: Result, width: int, cut: dict[str, int]) -> None:
    for text, column in zip(row, result.columns, strict=True):
        if isinstance(truncate_value(text, width), TruncatedText):
            cut[column.name] = cut.get(column.name, 0) + 1


def _missing(result: Result, kept: int, total: int | None, *, exports: bool) -> str:
    if kept == total:
        return ""
    of = "more" if total is None else f"{total:,}"
    return f"Cut: rows 1 to {kept:,} of {of}. {_paging_hint(result, kept, exports=exports)}"


def _missing_columns(kept: int, total: int) -> str:
    if kept == total:
        return ""
    return f"Cut: columns 1 to {kept:,} of {total:,}; name those that you need."


def _paging_hint(result: Result, kept: int, *, exports: bool) -> str:
    if result.command.startswith(_CHANGES):
        return "All rows were changed; read more of them with a SELECT, do not run it again."
    if not result.command.startswith("SELECT"):
        return "Ask for less."
    return (
        f"Next page: ORDER BY a unique key, and WHERE key > the last one here (or OFFSET {kept}). "
        "Better: filter or aggregate in SQL."
        + (" export_query writes all rows to a file." if exports else "")
    )


def _truncated_cells(shown: _Shown) -> str:
    if not shown.cut:
        return ""
    values = pluralize(sum(shown.cut.values()), "value")
    names = ", ".join(list(shown.cut)[:5]) + (" …" if len(shown.cut) > 5 else "")  # noqa: PLR2004 - enough to name
    return (
        f"{values} cut at {shown.cell:,} characters, in {names}: "
        f"substr(column::text, {shown.cell + 1}) reads on."
    )
