"""Values of types that are text on Aurora DSQL, as PostgreSQL prints them.

A text that PostgreSQL would print otherwise is written as it prints it, where the rules are known here; any
other is refused, so that nothing is stored that PostgreSQL would not have stored. (PostgreSQL documentation,
chapter 8, "Data Types".)
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Final

from awslabs_dsql_mcp.migration.values import scalars
from awslabs_dsql_mcp.migration.values.ranges import multirange, range_of
from awslabs_dsql_mcp.migration.values.syntax import NotConverted

_NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBERS: Final = re.compile(_NUMBER)
_PAIR: Final = rf"\({_NUMBER},{_NUMBER}\)"
_SHAPES: Final = {
    "point": re.compile(rf"{_PAIR}|{_NUMBER},{_NUMBER}"),
    "lseg": re.compile(rf"\[{_PAIR},{_PAIR}\]"),
    "box": re.compile(rf"{_PAIR},{_PAIR}"),
    "path": re.compile(rf"\({_PAIR}(?:,{_PAIR})*\)|\[{_PAIR}(?:,{_PAIR})*\]"),
    "polygon": re.compile(rf"\({_PAIR}(?:,{_PAIR})*\)"),
    "circle": re.compile(rf"<{_PAIR},{_NUMBER}>"),
    "line": re.compile(rf"\{{{_NUMBER},{_NUMBER},{_NUMBER}\}}"),
}
_LEXEME: Final = r"'(?:[^'\\]|'')+'(?::\d+[ABC]?(?:,\d+[ABC]?)*)?"
_TSVECTOR: Final = re.compile(rf"(?:{_LEXEME}(?: {_LEXEME})*)?")
_TSQUERY: Final = re.compile(r"!?'(?:[^'\\]|'')+'(?: (?:&|\||<->) !?'(?:[^'\\]|'')+')*")
_JSONPATH: Final = re.compile(r'\s*(?:(lax|strict)\s+)?\$((?:\.(?:[A-Za-z_]\w*|"[^"\\]*"))*)\s*')
_XML_DECLARATION: Final = re.compile(
    r"""<\?xml\s+version\s*=\s*(["'])1\.0\1(?:\s+encoding\s*=\s*(["'])[\w-]+\2)?\s*\?>\n?"""
)
_MAX_NAME: Final = 63  # bytes

Form = Callable[[str, Sequence[int]], str]
"""Write a text, given the numbers in parentheses behind the type."""


def _as_it_is(text: str, _modifiers: Sequence[int]) -> str:
    return text


def _matching(pattern: str) -> Form:
    compiled = re.compile(pattern)

    def write(text: str, _modifiers: Sequence[int]) -> str:
        if compiled.fullmatch(text):
            return text
        raise NotConverted(f"{text!r} is not as PostgreSQL prints it: write it so")

    return write


def _inet(text: str, _modifiers: Sequence[int]) -> str:
    try:
        found = ipaddress.ip_interface(_dotted(text.strip()))
    except ValueError:
        raise NotConverted(f"{text!r}: write the whole address") from None
    address, length = _address(found.ip), found.network.prefixlen
    return address if length == found.max_prefixlen else f"{address}/{length}"


def _cidr(text: str, _modifiers: Sequence[int]) -> str:
    try:
        network = ipaddress.ip_network(_dotted(text.strip()))
    except ValueError:
        raise NotConverted(f"{text!r}: write the whole address, and no bits after the network's") from None
    return f"{_address(network.network_address)}/{network.prefixlen}"


def _dotted(text: str) -> str:
    """Refuse the forms that PostgreSQL reads otherwise than Python."""
    if not re.fullmatch(r"[0-9a-fA-F:.]+(?:/\d{1,3})?", text):
        raise NotConverted(f"{text!r}: write the whole address")
    return text


def _address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    number = int(address)
    embeds = number >> 32 == 0xFFFF or (number >> 32 == 0 and number >> 16)  # noqa: PLR2004 - RFC 4291
    if embeds:
        return ("::ffff:" if number >> 32 else "::") + str(ipaddress.IPv4Address(number & 0xFFFFFFFF))
    return address.compressed


def _mac(groups: int) -> Form:
    def write(text: str, _modifiers: Sequence[int]) -> str:
        digits = re.sub(r"[:.-]", "", text.strip()).lower()
        if groups == 8 and len(digits) == 12:  # noqa: PLR2004 - an EUI-48 as an EUI-64
            digits = f"{digits[:6]}fffe{digits[6:]}"
        if not re.fullmatch(rf"[0-9a-f]{{{2 * groups}}}", digits):
            raise NotConverted(f"{text!r}: write the address as PostgreSQL prints it")
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))

    return write


def _bits(text: str, modifiers: Sequence[int], *, varying: bool) -> str:
    digits = text
    if text[:1] in ("b", "B"):
        digits = text[1:]
    elif text[:1] in ("x", "X") and re.fullmatch(r"[0-9a-fA-F]*", text[1:]):
        digits = "".join(f"{int(digit, 16):04b}" for digit in text[1:])
    if not re.fullmatch(r"[01]*", digits):
        raise NotConverted(f"{text!r} is no bit string")
    length = modifiers[0] if modifiers else None if varying else 1
    if length is not None and (len(digits) > length or (not varying and len(digits) != length)):
        raise NotConverted(f"{text!r} has {len(digits)} bits where {length} are expected")
    return digits


def _shape(kind: str) -> Form:
    def write(text: str, _modifiers: Sequence[int]) -> str:
        plain = re.sub(r"\s", "", text)
        if not _SHAPES[kind].fullmatch(plain):
            raise NotConverted(f"{text!r}: write it as PostgreSQL prints a {kind}")
        if kind == "point" and not plain.startswith("("):
            plain = f"({plain})"
        if kind == "box":
            return _box(plain)
        return _NUMBERS.sub(lambda match: scalars.float_text(float(match.group())), plain)

    return write


def _box(plain: str) -> str:
    """Write the upper right corner first."""
    x1, y1, x2, y2 = map(float, _NUMBERS.findall(plain))
    corners = (max(x1, x2), max(y1, y2), min(x1, x2), min(y1, y2))
    return "({},{}),({},{})".format(*map(scalars.float_text, corners))


def _tsvector(text: str, _modifiers: Sequence[int]) -> str:
    """Take what to_tsvector has made: lexemes in quotes, in order of their lengths and bytes."""
    lexemes = [match.encode() for match in re.findall(r"'((?:[^'\\]|'')+)'", text)]
    if not _TSVECTOR.fullmatch(text) or sorted(set(lexemes)) != sorted(lexemes) or lexemes != sorted(lexemes):
        raise NotConverted(f"{text!r}: write it as PostgreSQL prints a tsvector")
    return text


def _jsonpath(text: str, _modifiers: Sequence[int]) -> str:
    match = _JSONPATH.fullmatch(text)
    if match is None:
        raise NotConverted(f"{text!r}: write it as PostgreSQL prints a jsonpath")
    members = re.findall(r'\.(?:([A-Za-z_]\w*)|("[^"]*"))', match[2])
    return (
        ("strict " if match[1] == "strict" else "")
        + "$"
        + "".join(f'."{a}"' if a else f".{b}" for a, b in members)
    )


def _xml(text: str, _modifiers: Sequence[int]) -> str:
    match = _XML_DECLARATION.match(text)
    if match is None and text.startswith("<?xml"):
        raise NotConverted("its XML declaration: leave it out")
    return text[match.end() :] if match else text


def _name(text: str, _modifiers: Sequence[int]) -> str:
    return text.encode()[:_MAX_NAME].decode(errors="ignore")


def _money(text: str, _modifiers: Sequence[int]) -> str:
    return scalars.money(text)


_OBJECT: Final = _matching(r"[a-z_][a-z0-9_$]*(?:\.[a-z_][a-z0-9_$]*)?")
_WHOLE: Final = _matching(r"\d+")

FORMS: Final[dict[str, Form]] = {
    "money": _money,
    "xml": _xml,
    "inet": _inet,
    "cidr": _cidr,
    "macaddr": _mac(6),
    "macaddr8": _mac(8),
    "bit": lambda text, modifiers: _bits(text, modifiers, varying=False),
    "varbit": lambda text, modifiers: _bits(text, modifiers, varying=True),
    **{kind: _shape(kind) for kind in _SHAPES},
    "tsvector": _tsvector,
    "tsquery": _matching(_TSQUERY.pattern),
    "jsonpath": _jsonpath,
    **{
        name: range_of(name)
        for name in ("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange")
    },
    **{
        name: multirange(name)
        for name in (
            "int4multirange",
            "int8multirange",
            "nummultirange",
            "datemultirange",
            "tsmultirange",
            "tstzmultirange",
        )
    },
    "name": _name,
    "char": _matching(r"[\x00-\x7f]?"),
    "pg_lsn": _matching(r"[0-9A-F]{1,8}/[0-9A-F]{1,8}"),
    "pg_snapshot": _matching(r"\d+:\d+:(?:\d+(?:,\d+)*)?"),
    "txid_snapshot": _matching(r"\d+:\d+:(?:\d+(?:,\d+)*)?"),
    "tid": _matching(r"\(\d+,\d+\)"),
    **dict.fromkeys(("oid", "xid", "xid8", "cid"), _WHOLE),
    **dict.fromkeys(("int2vector", "oidvector"), _matching(r"(?:-?\d+(?: -?\d+)*)?")),
    **dict.fromkeys(
        (
            "regclass",
            "regcollation",
            "regconfig",
            "regdictionary",
            "regnamespace",
            "regproc",
            "regrole",
            "regtype",
        ),
        _OBJECT,
    ),
    **dict.fromkeys(("regoper", "regoperator", "regprocedure", "aclitem"), _matching(r"(?!)")),
    "refcursor": _as_it_is,
}
"""For each type that is text, or a number, on Aurora DSQL: how its values are written."""
