"""Literals of arrays, rows and hstore, read as PostgreSQL reads them.

(PostgreSQL documentation, "Array Input and Output Syntax", "Composite Type Input and Output Syntax", and
"hstore".)
"""

import re
from typing import Final, TypeAlias, Union

Value: TypeAlias = Union[str, "list[Value]", None]
"""A text, NULL, or the elements of an array or the fields of a row."""


class NotConverted(ValueError):
    """A value that cannot be written for the new type; its text says why."""


_BLANK: Final = " \t\n\r\v\f"
_BOUNDS: Final = re.compile(r"\s*(?:\[[+-]?\d+(?::[+-]?\d+)?\])+\s*=", re.ASCII)
_ARRAY_TOKEN: Final = re.compile(
    r'\s*(?:([{},])|"((?:[^"\\]|\\.)*)"\s*|((?:[^{},"\\]|\\.)+))', re.DOTALL | re.ASCII
)
_FIELD: Final = re.compile(r'(?:"(?:[^"\\]|\\.|"")*"|[^",()\\]|\\.)*', re.DOTALL | re.ASCII)
_FIELD_PART: Final = re.compile(r'\\(.)|""|"|([^"\\]+)', re.DOTALL | re.ASCII)
_PAIR: Final = re.compile(
    r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s"=>,\\]|\\.|=(?!>))+))\s*=>'
    r'\s*(?:"((?:[^"\\]|\\.)*)"|((?:[^\s",\\]|\\.)+))\s*(,|\Z)',
    re.DOTALL | re.ASCII,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL | re.ASCII)


def array(text: str) -> "list[Value]":
    """Read an array literal.

    Raises:
        NotConverted: PostgreSQL would refuse it, or it has other bounds than those that begin with 1.
    """
    if (bounds := _BOUNDS.match(text)) is not None:
        if re.search(r"\[(?!1:)[+-]?\d+:", bounds.group()):
            raise NotConverted("its first element has another number than 1, which JSON does not keep")
        text = text[bounds.end() :]
    stack: list[list[Value]] = []
    expects_value = True
    at = 0
    while match := _ARRAY_TOKEN.match(text, at):
        sign, quoted, bare = match.groups()
        at = match.end()
        if sign == "{" and expects_value:
            stack.append([])
        elif sign == "}" and stack and (not expects_value or not stack[-1]):
            done = stack.pop()
            if not stack:
                return _regular(done, text[at:])
            stack[-1].append(done)
            expects_value = False
        elif sign == "," and stack and not expects_value:
            expects_value = True
        elif not sign and stack and expects_value and (quoted is not None or bare.strip(_BLANK)):
            stack[-1].append(_ESCAPE.sub(r"\1", quoted) if quoted is not None else _bare(bare))
            expects_value = False
        else:
            break
    raise NotConverted("it is no array literal")


def row(text: str) -> "list[Value]":
    """Read the fields of a row literal.

    Raises:
        NotConverted: PostgreSQL would refuse it.
    """
    inner = text.strip(_BLANK)
    if not (inner.startswith("(") and inner.endswith(")")):
        raise NotConverted("it is no row literal")
    fields: list[Value] = []
    at = 1
    while match := _FIELD.match(inner, at):
        raw, at = match.group(), match.end()
        fields.append(_field(raw) if raw else None)
        if at == len(inner) - 1:
            return fields
        if inner[at : at + 1] != ",":
            break
        at += 1
    raise NotConverted("it is no row literal")


def hstore(text: str) -> dict[str, str | None]:
    """Read the pairs of an hstore.

    Raises:
        NotConverted: The extension would refuse it, or a key is there twice.
    """
    pairs: dict[str, str | None] = {}
    at = 0
    while text[at:].strip(_BLANK):
        if (match := _PAIR.match(text, at)) is None or (match.group(5) == "," and match.end() == len(text)):
            raise NotConverted("it is no hstore literal")
        at = match.end()
        quoted_key, key, quoted, bare = match.group(1, 2, 3, 4)
        name = _ESCAPE.sub(r"\1", key if quoted_key is None else quoted_key)
        if name in pairs:
            raise NotConverted(f"it has the key {name} twice")
        is_null = quoted is None and bare.lower() == "null"
        pairs[name] = None if is_null else _ESCAPE.sub(r"\1", bare if quoted is None else quoted)
    return pairs


def _bare(text: str) -> str | None:
    """Read an element without quotes: blanks around it are not of it, NULL is none."""
    start = len(text) - len(text.lstrip(_BLANK))
    end = start
    for match in re.finditer(r"\\.|.", text[start:], re.DOTALL | re.ASCII):
        if match.group() not in _BLANK:
            end = start + match.end()
    kept = text[start:end]
    return None if kept.lower() == "null" else _ESCAPE.sub(r"\1", kept)


def _field(raw: str) -> str:
    pieces: list[str] = []
    for match in _FIELD_PART.finditer(raw):
        escaped, plain = match.groups()
        if match.group() == '""':
            pieces.append('"' if _in_quotes(raw, match.start()) else "")
        elif match.group() != '"':
            pieces.append(plain if escaped is None else escaped)
    return "".join(pieces)


def _in_quotes(raw: str, at: int) -> bool:
    """Tell if a pair of quotes stands within quotes, where it is one quote."""
    inside = False
    for match in _FIELD_PART.finditer(raw, 0, at):
        inside ^= match.group() == '"'
    return inside


def _regular(elements: "list[Value]", rest: str) -> "list[Value]":
    if rest.strip(_BLANK):
        raise NotConverted("it is no array literal")
    require_regular(elements)
    return elements


def require_regular(elements: "list[Value]") -> None:
    """Check that the parts of an array have the same dimensions.

    Raises:
        NotConverted: They have not.
    """
    shapes = {_shape(element) for element in elements}
    if len(shapes) > 1:
        raise NotConverted("its parts have different numbers of elements")


def _shape(value: Value) -> tuple[int, ...]:
    if not isinstance(value, list):
        return ()
    if not value:
        raise NotConverted("a part of it is empty")
    require_regular(value)
    return (len(value), *_shape(value[0]))
