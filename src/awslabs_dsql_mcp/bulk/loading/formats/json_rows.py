"""JSON objects and arrays as rows, each value as its text in the file: no digit of a number is lost."""

import json
import re
from collections.abc import Iterator
from typing import Final, NoReturn, cast

from awslabs_dsql_mcp.bulk.loading.cells import ColumnText
from awslabs_dsql_mcp.bulk.loading.formats.text_lines import MAX_RECORD, TextLines
from awslabs_dsql_mcp.bulk.loading.rows import InvalidRow

_TOO_LONG: Final = f"it has more than {MAX_RECORD >> 20} MiB"
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
            pieces = [last := next(lines)]
            number, offset, size = lines.number, lines.offset, lines.size(last)
            while not last.endswith("\n") and (last := next(lines, "")):
                size += lines.size(last)
                if size <= MAX_RECORD:
                    pieces.append(last)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            told = f"the file cannot be read from here on as {lines.encoding.upper()}: {error.reason}"
            yield lines.number + 1, InvalidRow(told, is_rest=True)
            return
        if size > MAX_RECORD:
            yield number, InvalidRow(_TOO_LONG)
            continue
        line = "".join(pieces)
        if line.isspace():
            continue
        if fault := lines.fault(line, offset):
            yield number, InvalidRow(fault)
            continue
        yield number, _line(line)


def json_array(lines: TextLines) -> Iterator[tuple[int, "Fields | list[object] | InvalidRow"]]:
    """Read the elements of an array, each with the number of its line if it begins that line.

    Args:
        lines: The file, from its beginning.
    """
    text = _Window(lines)
    try:
        if text.next_character() != "[":
            yield 1, InvalidRow("the file is neither an array of objects nor JSON Lines")
            return
        text.take("[")
        before = text.line
        more = text.next_character() != "]" or text.take("]") != "]"
        while more:
            text.next_character()
            line = text.line if text.line > before else 0
            yield line, text.value()
            before = text.line
            more = text.take(",]") == ","
        if text.next_character():
            yield text.place, InvalidRow("something follows the array; it was not read", is_rest=True)
    except UnicodeDecodeError as error:
        told = f"the file cannot be read from here on as {lines.encoding.upper()}: {error.reason}"
        yield text.place, InvalidRow(told, is_rest=True)
    except (ValueError, RecursionError) as error:
        yield text.place, InvalidRow(f"{_reason(error)}; nothing behind it can be read", is_rest=True)


class _Window:
    """The part of a file that is looked at: the next element of an array, or a little more.

    Args:
        lines: The file.

    Attributes:
        line: Number of the line that comes next.
    """

    def __init__(self, lines: TextLines) -> None:
        self.line = 1
        self._lines = lines
        self._text = ""
        self._at = 0
        self._offset = lines.start  # of the text, in bytes of the file

    @property
    def place(self) -> int:
        """The line; 0 for the first one, which may be all of the file."""
        return self.line if self.line > 1 else 0

    def next_character(self) -> str:
        """Pass over space, and give the next character; empty at the end of the file."""
        while True:
            self._pass(_skip(self._text, self._at))
            if self._at < len(self._text) or not self._read():
                return self._text[self._at : self._at + 1]

    def take(self, characters: str) -> str:
        """Pass over space and one of some characters; give it.

        Raises:
            ValueError: Another comes.
        """
        found = self.next_character()
        if not found or found not in characters:
            raise ValueError(f"{' or '.join(map(repr, characters))} is missing")
        self._pass(self._at + 1)
        return found

    def value(self) -> "Fields | list[object] | InvalidRow":
        """Read the next element.

        Raises:
            ValueError: It is not JSON, or too long.
            RecursionError: It is nested too deep.
        """
        while True:
            try:
                value, end = _value(self._text, self._at)
            except json.JSONDecodeError as error:  # its place is one in this text, not in the file
                if not self._read():
                    raise ValueError(error.msg) from None
            except (ValueError, RecursionError):
                if not self._read():
                    raise
            else:
                if end < len(self._text) or not self._read():
                    break
            if self._lines.size(self._text) > MAX_RECORD:  # it might end in the next piece
                raise ValueError(_TOO_LONG)
        found = self._text[self._at : end]
        fault = self._lines.fault(found, 0) and self._lines.fault(found, self._offset_here())
        self._pass(end)
        return InvalidRow(fault) if fault else value

    def _pass(self, end: int) -> None:
        self.line += self._text.count("\n", self._at, end)
        self._at = end

    def _offset_here(self) -> int:
        return self._offset + self._lines.size(self._text[: self._at])

    def _read(self) -> bool:
        """Read a piece more; what was passed over is dropped."""
        piece = self._lines.read()
        if piece:
            self._offset = self._offset_here()
            self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


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
    return ColumnText(text[at:end]), end


def _skip(text: str, at: int) -> int:
    return cast("re.Match[str]", _SPACE.match(text, at)).end()


def _expect(text: str, at: int, characters: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] not in tuple(characters):
        raise json.JSONDecodeError(f"Expecting {' or '.join(map(repr, characters))}", text, at)
    return at + 1
