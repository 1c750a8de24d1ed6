r"""One value: PostgreSQL's own text for it, and the JSON value that says exactly the same.

The text is what the server's output function wrote, so nothing is lost on the way. A value becomes something
else than that text only where JSON has the very same, and so each cell can be read back by its type:

- NULL of any type is ``null``.
- ``bool`` is ``true`` or ``false``.
- ``int2``, ``int4``, ``int8``: a number up to 2**53 either way, beyond that the digits as text (RFC 8259,
  section 6, on what software reads alike).
- ``float4``, ``float8``: the shortest number that reads back the same; ``"NaN"`` and ``"-Infinity"`` as text.
- ``json``, ``jsonb``: an object or array as itself. A document of any other kind, or one with a number, a
  key, an order of keys or a text that readers of JSON do not keep, as its text: ``"null"`` is JSON's null,
  ``"\"x\""`` its string.
- All others: the text, such as ``"2.50"``, ``"\\x00ff"``, ``"infinity"``, ``"[0:1]={1,NULL}"``.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final, NoReturn

from awslabs_dsql_mcp.database.model import TruncatedText
from awslabs_dsql_mcp.text import mark_cut

_EXACT: Final = 2**53
_INDEX: Final = re.compile(
    r"0|[1-9][0-9]*"
)  # JavaScript puts such keys first (ECMA-262, OrdinaryOwnPropertyKeys)
_MAX_DEPTH: Final = 100  # writers of JSON give up at some depth; pydantic's at 255


def to_json(text: str | None, oid: int) -> object:
    """Turn the server's text of a value into a JSON value that says exactly the same; see above.

    Args:
        text: The server's text; ``None`` for NULL. A cut one stays text, with its length.
        oid: Object id of its type.
    """
    if text is None:
        return None
    if isinstance(text, TruncatedText):
        return mark_cut(text, text.length)
    read = _READERS.get(oid)
    return text if read is None else read(text)


def _bool(text: str) -> bool:
    return text == "t"


def _whole(text: str) -> object:
    number = int(text)
    return number if abs(number) <= _EXACT else text


def _float(text: str) -> object:
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    is_whole = text.lstrip("-").isdigit() and text != "-0" and abs(int(text)) <= _EXACT
    return int(text) if is_whole else float(text)


def _document(text: str) -> object:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_fraction,
            parse_int=_integer,
            parse_constant=_not_exact,
        )
        json.dumps(value, ensure_ascii=False).encode()
        return value if _depth(value) <= _MAX_DEPTH else text
    except (ValueError, ArithmeticError, RecursionError):  # half a surrogate pair is a ValueError
        return text


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        _not_exact("a key that comes twice")
    numbers = [key for key in value if _INDEX.fullmatch(key)]
    return (
        value if list(value)[: len(numbers)] == sorted(numbers, key=int) else _not_exact("an order of keys")
    )


def _integer(digits: str) -> int:
    if len(digits) > len(str(-_EXACT)) or abs(int(digits)) > _EXACT or digits == "-0":
        _not_exact(digits)
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    return number if Decimal(repr(number)) == Decimal(digits) else _not_exact(digits)


def _not_exact(what: str) -> NoReturn:
    raise ValueError(what)


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)  # pyright: ignore[reportUnknownArgumentType] - json's values
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)  # pyright: ignore[reportUnknownArgumentType] - as above
    return 0


# By the object ids of PostgreSQL's built-in types, which are fixed (pg_type.dat).
_READERS: Final[dict[int, Callable[[str], object]]] = {
    16: _bool,
    20: _whole,
    21: _whole,
    23: _whole,
    114: _document,
    700: _float,
    701: _float,
    3802: _document,
}
