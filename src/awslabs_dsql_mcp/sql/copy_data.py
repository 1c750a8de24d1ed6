"""Data of COPY … FROM stdin read as PostgreSQL reads them, with all options of the text and CSV formats.

The rules are those of PostgreSQL 18 (documentation, COPY, "File Formats"; ``copyfromparse.c``).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings

_ESCAPE: Final = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{1,2}|.|\Z)", re.DOTALL)
_CONTROL: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_UTF8: Final = frozenset(("utf8", "utf-8", "unicode"))
_IRRELEVANT: Final = frozenset(("freeze", "log_verbosity", "reject_limit", "oids"))
_FALSE: Final = frozenset(("f", "false", "off", "0"))


class Marker(Enum):
    """A field that is no value."""

    DEFAULT = "DEFAULT"


Field = str | None | Marker
"""A field as text; ``None`` for NULL."""

Row = tuple[Field, ...]


class CopyError(ValueError):
    """Data that PostgreSQL would refuse, or an option that cannot be followed.

    Args:
        message: Description of the error.
        line: Lines of the data before it; ``None`` for an option.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class CopyFormat:
    """Options of a COPY.

    Attributes:
        csv: The format is CSV, not text.
        delimiter: Stands between fields.
        null: Stands for NULL.
        default: Stands for the column's default; ``None`` if nothing does.
        header: The first line holds no data.
        matched: The names in the header have to be those of the columns.
        quote: Stands around fields of CSV.
        escape: Stands before a quote in a field of CSV.
        not_null: Columns in which nothing is NULL; ``None`` for all.
        force_null: Columns in which a quoted field can be NULL too; ``None`` for all.
    """

    csv: bool = False
    delimiter: str = "\t"
    null: str = "\\N"
    default: str | None = None
    header: bool = False
    matched: bool = False
    quote: str = '"'
    escape: str = '"'
    not_null: tuple[str, ...] | None = ()
    force_null: tuple[str, ...] | None = ()

    @classmethod
    def of(cls, top: Node) -> "CopyFormat":
        """Read the options of a ``CopyStmt``.

        Raises:
            CopyError: One of them cannot be followed.
        """
        given = {item["DefElem"]["defname"]: item["DefElem"].get("arg") for item in top.get("options", ())}
        text = {name: constant(value) for name, value in given.items()}
        if (kind := (text.get("format") or "text").lower()) not in ("text", "csv"):
            raise CopyError(f"its data are {kind}: write them in the text or CSV format")
        if "whereClause" in top:
            raise CopyError("its WHERE leaves rows out: leave them out of the data")
        if (text.get("on_error") or "stop").lower() != "stop":
            raise CopyError("ON_ERROR ignore leaves rows out: leave those that do not fit out of the data")
        if (text.get("encoding") or "utf8").lower() not in _UTF8:
            raise CopyError("the script is text here, in no other encoding than UTF-8: leave ENCODING out")
        csv = kind == "csv"
        quote = text.get("quote") or '"'
        header = (text.get("header") or "true").lower() if "header" in given else "false"
        found = cls(
            csv=csv,
            delimiter=text.get("delimiter") or ("," if csv else "\t"),
            null=_or(text.get("null"), "" if csv else "\\N"),
            default=text.get("default"),
            header=header not in _FALSE,
            matched=header == "match",
            quote=quote,
            escape=text.get("escape") or quote,
            not_null=_columns(given, "force_not_null"),
            force_null=_columns(given, "force_null"),
        )
        known = {
            "format",
            "on_error",
            "encoding",
            "delimiter",
            "null",
            "default",
            "header",
            "quote",
            "escape",
        }
        if unknown := given.keys() - known - _IRRELEVANT - {"force_not_null", "force_null", "force_quote"}:
            raise CopyError(f"its option {min(unknown)} is not known: leave it out")
        return found


def read_rows(data: str, form: CopyFormat, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Read the rows of a COPY.

    Args:
        data: The lines.
        form: How they are written.
        columns: Names of the columns; empty if they are not known.

    Yields:
        The line of the data that a row begins in, from 0, and its fields.

    Raises:
        CopyError: PostgreSQL would refuse them.
    """
    lines = list(_csv_lines(data, form) if form.csv else _text_lines(data))
    if form.matched and not lines:
        raise CopyError("HEADER MATCH: there is no header", 0)
    split = _csv_fields if form.csv else _text_fields
    if form.matched and columns and [*split(lines[0][1], form, 0)] != list(columns):
        raise CopyError("HEADER MATCH: the names in the header are not those of the columns", 0)
    width = len(columns) or None
    for line, text in lines[form.header :]:
        fields = list(split(text, form, line))
        width = width or len(fields)
        if len(fields) != width:
            fault = "missing data" if len(fields) < width else "extra data"
            raise CopyError(f"{fault}: {len(fields)} fields stand where {width} are expected", line)
        yield line, tuple(_forced(field, form, columns, at) for at, field in enumerate(fields))


def _or(value: str | None, otherwise: str) -> str:
    return otherwise if value is None else value


def _columns(given: dict[str, Node | None], option: str) -> tuple[str, ...] | None:
    value = given.get(option)
    if option in given and (value is None or "A_Star" in value):
        return None
    return tuple(strings((value or {}).get("List", {}).get("items")))


def _forced(field: Field, form: CopyFormat, columns: Sequence[str], at: int) -> Field:
    if not form.csv:
        return field
    if field is None and _named(form.not_null, columns, at):
        return form.null
    return None if field == form.null and _named(form.force_null, columns, at) else field


def _named(names: tuple[str, ...] | None, columns: Sequence[str], at: int) -> bool:
    return names is None or (at < len(columns) and columns[at] in names)


def _text_lines(data: str) -> Iterator[tuple[int, str]]:
    """Cut at line ends that no backslash stands before; all have to be of one kind."""
    carriage_return: bool | None = None
    at = line = 0
    for match in re.finditer(r"\\(?:.|\Z)|\r?\n|\r|\Z", data, re.DOTALL):
        found = match.group()
        if found.startswith("\\") or (not found and at == len(data)):
            continue
        if found == "\r" or (found and carriage_return not in (None, found == "\r\n")):
            raise CopyError("literal carriage return or newline found in data", line)
        carriage_return = found == "\r\n"
        text = data[at : match.start()]
        yield line, text
        line += text.count("\n") + 1
        at = match.end()


def _text_fields(text: str, form: CopyFormat, line: int) -> Iterator[Field]:
    for raw in _split_unescaped(text, form.delimiter):
        if raw == form.null:
            yield None
        elif raw == form.default:
            yield Marker.DEFAULT
        elif "\\" in raw:
            yield _unescaped(raw, line)
        else:
            yield raw


def _split_unescaped(text: str, delimiter: str) -> list[str]:
    if "\\" not in text:
        return text.split(delimiter)
    fields: list[str] = []
    start = at = 0
    while at < len(text):
        if text[at] == delimiter:
            fields.append(text[start:at])
            start = at + 1
        at += 2 if text[at] == "\\" else 1
    return [*fields, text[start:]]


def _unescaped(raw: str, line: int) -> str:
    """Replace escapes; those of octal and hexadecimal digits are bytes of UTF-8."""
    pieces: list[bytes] = []
    at = 0
    for match in _ESCAPE.finditer(raw):
        pieces.append(raw[at : match.start()].encode())
        at = match.end()
        code = match.group(1)
        if code[:1] in ("0", "1", "2", "3", "4", "5", "6", "7") and code:
            pieces.append(bytes((int(code, 8) & 0xFF,)))
        elif code.startswith("x") and len(code) > 1:
            pieces.append(bytes((int(code[1:], 16),)))
        elif code == ".":
            raise CopyError("end-of-copy marker is not alone on its line", line)
        else:
            pieces.append(_CONTROL.get(code, code).encode())
    try:
        text = b"".join((*pieces, raw[at:].encode())).decode()
    except UnicodeDecodeError as error:
        raise CopyError(f"invalid byte sequence for encoding UTF8: {error.reason}", line) from None
    if "\0" in text:
        raise CopyError("invalid byte sequence for encoding UTF8: 0x00", line)
    return text


def _csv_lines(data: str, form: CopyFormat) -> Iterator[tuple[int, str]]:
    """Cut at line ends outside of quotes; all have to be of one kind."""
    quote, escape = form.quote, form.escape if form.escape != form.quote else ""
    at = line = 0
    quoted = escaped = False
    carriage_return: bool | None = None
    for match in re.finditer(
        f"[{re.escape(quote + escape)}]|\r?\n|\r|\\Z|[^{re.escape(quote + escape)}\r\n]+", data
    ):
        found = match.group()
        if found == escape and quoted and escape:
            escaped = not escaped
            continue
        if found == quote and not escaped:
            quoted = not quoted
        escaped = False
        if quoted or (found and found not in ("\n", "\r\n", "\r")):
            continue
        if not found and at == len(data):
            continue
        if found == "\r" or (found and carriage_return not in (None, found == "\r\n")):
            raise CopyError("unquoted carriage return or newline found in data", line)
        carriage_return = found == "\r\n"
        text = data[at : match.start()]
        yield line, text
        line += text.count("\n") + 1
        at = match.end()
    if quoted:
        yield line, data[at:]


def _csv_fields(text: str, form: CopyFormat, line: int) -> Iterator[Field]:
    read = _csv_reader(form)
    at = 0
    while True:
        raw_start = at
        value, at, was_quoted = read(text, at, line)
        raw = text[raw_start:at]
        if not was_quoted and raw == form.null:
            yield None
        elif raw == form.default:
            yield Marker.DEFAULT
        else:
            yield value
        if at >= len(text):
            return
        at += 1


def _csv_reader(form: CopyFormat) -> Callable[[str, int, int], tuple[str, int, bool]]:
    outside = re.compile(f"[^{re.escape(form.delimiter + form.quote)}]*")
    inside = re.compile(f"[^{re.escape(form.quote + form.escape)}]*", re.DOTALL)

    def read(text: str, at: int, line: int) -> tuple[str, int, bool]:
        """Read a field: its text, the place of the delimiter after it, and whether it has quotes."""
        pieces: list[str] = []
        was_quoted = False
        while True:
            match = outside.match(text, at)
            pieces.append(match.group() if match else "")
            at += len(pieces[-1])
            if text[at : at + 1] != form.quote:
                return "".join(pieces), at, was_quoted
            was_quoted = True
            at += 1
            while True:
                match = inside.match(text, at)
                pieces.append(match.group() if match else "")
                at += len(pieces[-1])
                if at >= len(text):
                    raise CopyError("unterminated CSV quoted field", line)
                following = text[at + 1 : at + 2]
                if text[at] == form.escape and following and following in (form.escape, form.quote):
                    pieces.append(following)
                    at += 2
                elif text[at] == form.quote:
                    at += 1
                    break
                else:
                    pieces.append(text[at])
                    at += 1

    return read
