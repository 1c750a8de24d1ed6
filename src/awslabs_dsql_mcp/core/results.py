"""What a statement gave: rows as the server wrote them, and their form for a model.

A cell is PostgreSQL's own text for the value, so nothing is lost on the way; only types whose JSON form
says exactly the same become JSON numbers, booleans or objects.
"""

import json
from collections.abc import Sequence
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


def values(result: Result) -> list[list[object]]:
    """Turn the rows of a result into JSON values."""
    oids = [column.oid for column in result.columns]
    return [[cell(text, oid) for text, oid in zip(row, oids, strict=True)] for row in result.rows]


def head(result: Result) -> str:
    """Name the columns and their types, once, for the lines below."""
    return ", ".join(f"{column.name} {column.type}" for column in result.columns)


def lines(rows: Sequence[Sequence[object]]) -> str:
    """Write rows as one compact JSON array a line."""
    return "\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)


def count(number: int, noun: str) -> str:
    """Write a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
