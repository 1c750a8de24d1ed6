"""One value: PostgreSQL's own text for it, and the JSON value that says exactly the same.

The text is what the server's output function wrote, so nothing is lost on the way. A value becomes something
else than that text only where JSON has the very same: booleans, integers that every reader of JSON keeps,
finite floats, and objects and arrays of ``json`` and ``jsonb``. So each cell can be read back:

==============================  ===============================================================================
type                            cell
==============================  ===============================================================================
any, NULL                       ``null``
``bool``                        ``true`` or ``false``
``int2``, ``int4``, ``int8``    a number up to 2**53 either way, beyond that the digits as text (RFC 8259,
                                section 6, on what software reads alike)
``float4``, ``float8``          a number, the shortest that reads back the same; ``"NaN"``, ``"Infinity"``,
                                ``"-Infinity"``
``json``, ``jsonb``             an object or array as itself; a document of any other kind, or with a number, a
                                key or a text that JSON's readers do not keep, as its text: ``"null"`` is JSON's
                                null
all others                      the text: ``"2.50"``, ``"\\x00ff"``, ``"infinity"``, ``"[0:1]={1,NULL}"``
==============================  ===============================================================================
"""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn

# Object ids of PostgreSQL's built-in types (pg_type.dat): they are fixed.
_BOOL, _INTEGERS, _FLOATS, _DOCUMENTS = 16, (20, 21, 23), (700, 701), (114, 3802)
_EXACT = 2**53
_DEEPEST = 100  # writers of JSON give up at some depth; pydantic's at 255


@dataclass(frozen=True)
class Cut:
    """The beginning of a text.

    Attributes:
        text: As much of it as was kept.
        length: Characters of the whole.
    """

    text: str
    length: int

    def __str__(self) -> str:
        """Show the beginning, and how long the whole is."""
        return f"{self.text}… ({self.length:,} characters)"


Text = str | Cut | None


def shortened(text: Text, characters: int) -> Text:
    """Cut a text that is longer than so many characters."""
    if isinstance(text, Cut):
        return Cut(text.text[:characters], text.length)
    if text is None or len(text) <= characters:
        return text
    return Cut(text[:characters], len(text))


def cell(text: Text, oid: int) -> object:
    """Turn the server's text of a value into a JSON value that says exactly the same; see above.

    Args:
        text: The server's text; ``None`` for NULL. A cut one stays text, with its length.
        oid: Object id of its type.
    """
    if text is None or isinstance(text, Cut):
        return None if text is None else str(text)
    if oid == _BOOL:
        return text == "t"
    if oid in _INTEGERS:
        number = int(text)
        return number if abs(number) <= _EXACT else text
    if oid in _FLOATS:
        return _float(text)
    if oid in _DOCUMENTS:
        return _document(text)
    return text


def _float(text: str) -> object:
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    is_whole = text.lstrip("-").isdigit() and text != "-0" and abs(int(text)) <= _EXACT
    return int(text) if is_whole else float(text)


def _document(text: str) -> object:
    if not text.lstrip().startswith(("{", "[")):
        return text
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_fraction, parse_int=_integer)
        json.dumps(value, ensure_ascii=False).encode()
        return value if _depth(value) <= _DEEPEST else text
    except (ValueError, RecursionError):  # UnicodeEncodeError, of half a surrogate pair, is a ValueError
        return text


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    return value if len(value) == len(pairs) else _not_exact("a key that comes twice")


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
        return 1 + max(map(_depth, value.values()), default=0)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - json's values
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - as above
    return 0
