"""libpg_query's scanner and parser, from the library that postgast ships, without postgast's own modules.

Those make a class for each of libpg_query's 270 types of message, which takes twenty times as long as all
that is needed here; only `deparse` needs them. The parser answers in JSON. Of the scanner's answer, a
``ScanResult``, the places of the tokens are read here (libpg_query, ``protobuf/pg_query.proto``; Protocol
Buffers, "Encoding").
"""

import ctypes
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

_NUMBER: Final = rb"[\x80-\xff]*[\x00-\x7f]"
_VERSION: Final = re.compile(rb"\x08%b" % _NUMBER, re.DOTALL)
_TOKEN: Final = re.compile(
    rb"\x12.(?:\x08(?P<start>%b))?(?:\x10(?P<end>%b))?(?:\x20%b)?(?:\x28%b)?" % ((_NUMBER,) * 4), re.DOTALL
)
"""A token in a message: its length, then start, end, kind, kind of keyword; a zero is left out."""


class QueryError(Exception):
    """A text that libpg_query refuses.

    Args:
        message: PostgreSQL's message.
        offset: Characters of the text before the error.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Span(NamedTuple):
    """Place of a token in the UTF-8 text: its first byte, and the byte after the last."""

    start: int
    end: int


def parse(data: bytes) -> str:
    """Parse a text without NUL; the tree as JSON.

    Raises:
        QueryError: It is no SQL.
    """
    tree: bytes = _call("parse", data, attrgetter("parse_tree"))
    return tree.decode()


def scan(data: bytes) -> list[Span]:
    """Find the tokens of a text without NUL, comments included.

    Raises:
        QueryError: It cannot be split: a quote is open, for instance.
    """
    return [Span(_number(token["start"]), _number(token["end"])) for token in _written_tokens(data)]


def count_tokens(data: bytes) -> int:
    """Count the tokens of a text without NUL, comments included.

    Raises:
        QueryError: It cannot be split.
    """
    return sum(1 for _ in _written_tokens(data))


def fingerprint(data: bytes) -> int:
    """Number of a text, the same whatever its constants are; 64 bits.

    Raises:
        QueryError: It is no SQL.
    """
    return _call("fingerprint", data, attrgetter("fingerprint"))


@cache
def _library() -> ctypes.CDLL:
    """Load the library with postgast's own declarations, but not postgast.

    Raises:
        ImportError: postgast is not installed.
    """
    package = find_spec("postgast")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("postgast is not installed", name="postgast")
    declarations = spec_from_file_location("postgast_native", Path(package.origin).with_name("native.py"))
    if declarations is None or declarations.loader is None:
        raise ModuleNotFoundError("postgast has no module native", name="postgast.native")
    module = module_from_spec(declarations)
    declarations.loader.exec_module(module)
    return module.lib


@cache
def _functions(name: str) -> tuple[Callable[[bytes], Any], Callable[[Any], None]]:
    """Look up a function of the library, and the one that frees its result."""
    library = _library()
    return getattr(library, f"pg_query_{name}"), getattr(library, f"pg_query_free_{name}_result")


def _call(function: str, data: bytes, read: Callable[[Any], T]) -> T:
    """Call a function of the library, and read its result, a structure of ctypes, before it is freed.

    Raises:
        QueryError: The library refuses the text.
    """
    call, free = _functions(function)
    result = call(data)
    try:
        if result.error:
            error = result.error.contents
            raise QueryError(error.message.decode(errors="replace"), max(error.cursorpos - 1, 0))
        return read(result)
    finally:
        free(result)


def _written_tokens(data: bytes) -> Iterator[re.Match[bytes]]:
    """Find the tokens as a message has them, one by one: all at once would hold up the other threads."""
    message = _call("scan", data, lambda result: ctypes.string_at(result.pbuf.data, result.pbuf.len))
    version = _VERSION.match(message)
    return _TOKEN.finditer(message, version.end() if version else 0)


def _number(written: bytes | None) -> int:
    """Read a number of seven bits a byte, the lowest ones first."""
    value = 0
    for byte in reversed(written or b""):
        value = value << 7 | byte & 0x7F
    return value
