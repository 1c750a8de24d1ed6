"""JSON objects and arrays as rows, each value as its text in the file: no digit of a number is lost."""

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn, cast

from awslabs_dsql_mcp.bulk.loading.cells import SizedText
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import TextLines
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow

MAX_ARRAY: Final = 256 << 20
"""Bytes of a file that is one JSON array, which is read at once."""

_SPACE: Final = re.compile(r"[ \t\r\n]*")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON; a text {constant!r} goes into float columns")


# Numbers are only passed over here: a str of any length costs nothing and knows no limits.
_DECODER: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_refuse)

Fields = dict[str, object]


def json_lines(lines: TextLines) -> Iterator[tuple[int, "Fields | list[object] | InvalidRow"]]:
    """Read one value a line; lines with nothing but space are none.

    Args:
        lines: The file.
    """
    while True:
        try:
            line = next(lines)
            number, offset = lines.number, lines.offset
            while not line.endswith("\n") and (more := next(lines, "")):
                line += more
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            told = f"the file cannot be read from here on as {lines.encoding.upper()}: {error.reason}"
            yield lines.number + 1, InvalidRow(told)
            return
        if line.isspace():
            continue
        if fault := lines.fault(line, offset):
            yield number, InvalidRow(fault)
            continue
        yield number, _line(line)


def json_array(lines: TextLines, text: str) -> Iterator[tuple[int, "Fields | list[object] | InvalidRow"]]:
    """Read the elements of an array.

    Args:
        lines: The file.
        text: Its text.
    """
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        yield 1, InvalidRow("the file is neither an array of objects nor JSON Lines")
        return
    line, counted = 1, 0
    at = _skip(text, at + 1)
    is_open = text[at : at + 1] != "]"
    at += not is_open
    while is_open:
        line, counted = line + text.count("\n", counted, at), at
        start = at
        try:
            value, at = _value(text, at)
            at = _expect(text, at, ",]")
        except (ValueError, RecursionError) as error:
            yield line, InvalidRow(f"{_reason(error)}; nothing behind it can be read")
            return
        if lines.fault(text[start:at], 0):
            value = InvalidRow(lines.fault(text[start:at], lines.offset + lines.size(text[:start])) or "")
        yield line, value
        is_open = text[at - 1] == ","
        at = _skip(text, at)
    if _skip(text, at) != len(text):
        yield text.count("\n", 0, at) + 1, InvalidRow("something follows the array; it was not read")


def _line(text: str) -> "Fields | list[object] | InvalidRow":
    try:
        value, at = _value(text, _skip(text, 0))
    except (ValueError, RecursionError) as error:
        return InvalidRow(_reason(error))
    return (
        value
        if _skip(text, at) == len(text)
        else InvalidRow(f"something follows its JSON at character {at + 1:,}")
    )


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, json.JSONDecodeError):
        return f"it is not JSON: {error.msg} at character {error.colno:,}"
    return f"it is not JSON: {error}"


def _value(text: str, at: int) -> tuple["Fields | list[object] | InvalidRow", int]:
    """Read an object or array, whose members are not looked into.

    Raises:
        ValueError: It is not JSON.
        RecursionError: A member is nested too deep.
    """
    opening = text[at : at + 1]
    if opening not in ("{", "["):
        _, end = _DECODER.raw_decode(text, at)
        return InvalidRow("it is neither a JSON object nor an array"), end
    fields: Fields = {}
    items: list[object] = []
    twice = ""
    at = _skip(text, at + 1)
    if text[at : at + 1] == ("}" if opening == "{" else "]"):
        return fields if opening == "{" else items, at + 1
    while True:
        if opening == "{":
            if text[at : at + 1] != '"':
                raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
            key, at = cast("tuple[str, int]", _DECODER.raw_decode(text, at))
            at = _skip(text, _expect(text, at, ":"))
            item, at = _member(text, at)
            twice = twice or (key if key in fields else "")
            fields[key] = item
        else:
            item, at = _member(text, at)
            items.append(item)
        at = _expect(text, at, ",}" if opening == "{" else ",]")
        if text[at - 1] != ",":
            break
        at = _skip(text, at)
    if twice:
        return InvalidRow(f"it has the key {twice[:80]!r} twice"), at
    return fields if opening == "{" else items, at


def _member(text: str, at: int) -> tuple[object, int]:
    value, end = cast("tuple[object, int]", _DECODER.raw_decode(text, at))
    if value is None or isinstance(value, bool) or text[at] == '"':
        return value, end
    return SizedText(text[at:end]), end


def _skip(text: str, at: int) -> int:
    return cast("re.Match[str]", _SPACE.match(text, at)).end()


def _expect(text: str, at: int, characters: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] not in tuple(characters):
        raise json.JSONDecodeError(f"Expecting {' or '.join(map(repr, characters))}", text, at)
    return at + 1
