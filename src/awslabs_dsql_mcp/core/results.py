"""What a statement gave: rows as the server wrote them, and their form for a model.

A cell is PostgreSQL's own text for the value, so nothing is lost on the way; only types whose JSON form
says exactly the same become JSON numbers, booleans or objects.
"""

import json
from dataclasses import dataclass
from decimal import Decimal

# Object ids of PostgreSQL's built-in types (pg_type.dat): they are fixed.
_BOOL, _INT8, _INT2, _INT4, _FLOAT4, _FLOAT8, _JSON, _JSONB = 16, 20, 21, 23, 700, 701, 114, 3802
_EXACT_INTEGER = 2**53


@dataclass(frozen=True)
class Column:
    """One column of a result.

    Attributes:
        name: Its name; names may repeat.
        type: Its type as PostgreSQL writes it, such as ``numeric(12,2)``.
        oid: Object id of the type.
    """

    name: str
    type: str
    oid: int


@dataclass(frozen=True)
class Result:
    """What one statement gave.

    Attributes:
        command: The server's command tag, such as ``INSERT 0 3``.
        rows_affected: Rows that the command changed or returned; ``None`` where it has no count.
        columns: Columns of the rows; empty for a statement without rows.
        rows: The cells in the server's text form; ``None`` is NULL.
    """

    command: str
    rows_affected: int | None
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()


def cell(text: str | None, oid: int) -> object:
    """Turn the server's text of a value into a JSON value that says exactly the same.

    Integers up to 2**53 and finite floats become numbers, booleans become booleans, json and jsonb
    become their own value; everything else, numeric included, stays text (RFC 8259, section 6, on
    the numbers that software reads alike).
    """
    if text is None:
        return None
    if oid in (_INT2, _INT4, _INT8):
        number = int(text)
        return number if abs(number) <= _EXACT_INTEGER else text
    if oid == _BOOL:
        return text == "t"
    if oid in (_FLOAT4, _FLOAT8):
        return text if text in ("NaN", "Infinity", "-Infinity") else float(text)
    if oid in (_JSON, _JSONB):
        return _document(text)
    return text


def _document(text: str) -> object:
    try:
        return json.loads(text, parse_float=_fraction, parse_int=_integer)
    except (ValueError, RecursionError):
        return text


def _integer(digits: str) -> object:
    short = len(digits) <= len(str(_EXACT_INTEGER))
    return int(digits) if short and abs(int(digits)) <= _EXACT_INTEGER else digits


def _fraction(digits: str) -> object:
    number = float(digits)
    return number if Decimal(repr(number)) == Decimal(digits) else digits


@dataclass(frozen=True)
class Caps:
    """How much of a result is shown.

    Attributes:
        rows: Rows at most.
        characters: Characters of all rows at most; one row is shown in any case.
        cell: Characters of one value at most.
    """

    rows: int = 100
    characters: int = 30_000
    cell: int = 2_000


@dataclass(frozen=True)
class Table:
    """A result as it is shown.

    Attributes:
        summary: The command, its count, the columns and, before the data, what was cut.
        text: The rows, one compact JSON array a line; empty without rows.
        structured: The same as JSON values.
    """

    summary: str
    text: str
    structured: dict[str, object]


def table(result: Result, caps: Caps) -> Table:
    """Show a result, cut to the caps, saying so."""
    if not result.columns:
        affected = "" if result.rows_affected is None else f": {count(result.rows_affected, 'row')} affected"
        return Table(f"{result.command}{affected}", "", _facts(result))
    rows, cut_cells = _shown_rows(result, caps)
    shown = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows]
    kept = _fitting(shown, caps.characters)
    notice = _notice(len(result.rows), kept, cut_cells, caps)
    counted = count(len(result.rows), "row")
    changed = "" if result.command.startswith("SELECT") else f"{result.command}: "
    summary = f"{changed}{counted} ({head(result)})" + (f"\n{notice}" if notice else "")
    structured = _facts(result) | {
        "columns": [f"{column.name} {column.type}" for column in result.columns],
        "rows": rows[:kept],
    }
    return Table(summary, "\n".join(shown[:kept]), structured | ({"notice": notice} if notice else {}))


def head(result: Result) -> str:
    """Name the columns and their types, once, for the lines below."""
    return ", ".join(f"{column.name} {column.type}" for column in result.columns)


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _facts(result: Result) -> dict[str, object]:
    return {"command": result.command, "row_count": result.rows_affected}


def _shown_rows(result: Result, caps: Caps) -> tuple[list[list[object]], int]:
    oids = [column.oid for column in result.columns]
    cut = 0
    rows: list[list[object]] = []
    for row in result.rows[: caps.rows]:
        cells: list[object] = []
        for text, oid in zip(row, oids, strict=True):
            too_long = text is not None and len(text) > caps.cell
            cut += too_long
            cells.append(
                f"{text[: caps.cell]}… ({len(text):,} characters)" if text and too_long else cell(text, oid)
            )
        rows.append(cells)
    return rows, cut


def _fitting(shown: list[str], characters: int) -> int:
    """Count the rows that fit, and at least one."""
    total = 0
    for index, line in enumerate(shown):
        total += len(line) + 1
        if total > characters and index > 0:
            return index
    return len(shown)


def _notice(total: int, kept: int, cut_cells: int, caps: Caps) -> str:
    said: list[str] = []
    if kept < total:
        said.append(
            f"Only the first {kept:,} of {total:,} rows are shown: narrow or aggregate the query, "
            f"or page with ORDER BY, LIMIT and OFFSET {kept}."
        )
    if cut_cells:
        said.append(
            f"{count(cut_cells, 'value')} cut at {caps.cell:,} characters: select parts with substr()."
        )
    return " ".join(said)
