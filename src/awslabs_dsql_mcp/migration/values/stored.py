"""Values as the types hold them that columns get on Aurora DSQL.

Arrays, rows and hstore become JSON as PostgreSQL's ``to_jsonb`` makes it; amounts of money become numbers;
other types that Aurora DSQL does not store become the text that PostgreSQL prints.
"""

import json
import re
import uuid
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from awslabs_dsql_mcp.dsql.types import EXTENSION_TYPES, NUMERIC_PRECISION, NUMERIC_SCALE, TYPES
from awslabs_dsql_mcp.migration.values import scalars
from awslabs_dsql_mcp.migration.values.source_types import SourceType
from awslabs_dsql_mcp.migration.values.syntax import NotConverted, Value, array, hstore, require_regular, row
from awslabs_dsql_mcp.migration.values.text_forms import FORMS

_TEXTS: Final = frozenset(("text", "varchar", "bpchar", "citext", "enum"))
_WHOLE: Final = frozenset(("int2", "int4", "int8"))
_TRUE: Final = re.compile(r"t|tr|tru|true|y|ye|yes|on|1", re.IGNORECASE)
_FALSE: Final = re.compile(r"f|fa|fal|fals|false|n|no|of|off|0", re.IGNORECASE)
_ANY_LETTERS: Final = _TEXTS | {
    "xml",
    "tsvector",
    "tsquery",
    "jsonpath",
    "name",
    "refcursor",
    "json",
    "jsonb",
}
_SIMPLE: Final = re.compile(r"[\x20-\x7e\t\n\r\v\f]*")
_BYTES: Final = re.compile(r"\\x(?:[0-9a-fA-F]{2})*")


def is_converted(typed: SourceType) -> bool:
    """Tell if a column of a type holds other values on Aurora DSQL, or holds them as another type."""
    if typed.name in ("[]", "()"):
        return True
    listed = TYPES.get(typed.name)
    return typed.name == "hstore" or (listed is not None and not listed.stored)


def is_json(typed: SourceType) -> bool:
    """Tell if a column of a type is jsonb on Aurora DSQL."""
    return typed.name in ("[]", "()", "hstore")


def stored(value: Value, typed: SourceType) -> str | None:
    """Write a value for a column whose type is converted.

    Args:
        value: Its text, or its parts.
        typed: The type that the column had.

    Raises:
        NotConverted: PostgreSQL would refuse it, or how it prints it is not known here.
    """
    if value is None:
        return None
    if is_json(typed):
        return as_json(value, typed)
    return _text(value, typed)


def require_exact(text: str) -> None:
    """Check that a column of a numeric without precision keeps a number as it is.

    Raises:
        NotConverted: It would be rounded, or has too many digits.
    """
    if text.strip().lower() == "nan":
        return
    number = scalars.numeric(text).normalize()
    exponent = number.as_tuple().exponent
    behind = max(0, -exponent) if isinstance(exponent, int) else 0
    if number and (behind > NUMERIC_SCALE or number.adjusted() >= NUMERIC_PRECISION - NUMERIC_SCALE):
        kept = f"numeric({NUMERIC_PRECISION},{NUMERIC_SCALE})"
        raise NotConverted(
            f"{text} does not fit {kept}: give the column a precision and a scale that hold it"
        )


def as_json(value: Value, typed: SourceType) -> str:
    """Write a value as ``to_jsonb`` does.

    Raises:
        NotConverted: As for `stored`.
    """
    if value is None:
        return "null"
    if typed.name == "[]" and typed.element is not None:
        elements = array(value) if isinstance(value, str) else value
        require_regular(elements)
        inner = typed.element
        parts = (as_json(e, typed if isinstance(e, list) and inner.name != "()" else inner) for e in elements)
        return f"[{', '.join(parts)}]"
    if typed.name == "()":
        return _row(row(value) if isinstance(value, str) else value, typed)
    text = _text(value, typed)
    if typed.name == "hstore":
        return text
    return _SCALARS[typed.name](text, typed) if typed.name in _SCALARS else _quoted(text)


def _row(fields: list[Value], typed: SourceType) -> str:
    if len(fields) != len(typed.fields):
        raise NotConverted(f"it has {len(fields)} fields where the type has {len(typed.fields)}")
    pairs = zip(typed.fields, fields, strict=True)
    return (
        "{" + ", ".join(f"{_quoted(name)}: {as_json(field, inner)}" for (name, inner), field in pairs) + "}"
    )


def _text(value: Value, typed: SourceType) -> str:
    if not isinstance(value, str):
        raise NotConverted("it is no single value")
    if typed.name == "hstore":
        return json.dumps(hstore(value), ensure_ascii=False)
    if typed.name not in _ANY_LETTERS and typed.name not in EXTENSION_TYPES and not _SIMPLE.fullmatch(value):
        raise NotConverted(f"{value!r} has letters that no value of its type has")
    if typed.name in FORMS:
        return FORMS[typed.name](value, typed.modifiers)
    if typed.name == "enum" and value not in typed.labels:
        raise NotConverted(f"{value!r} is no label of its enum")
    if typed.name in _TEXTS or typed.name in EXTENSION_TYPES:
        return _of_length(value, typed)
    if typed.name in _SCALARS or typed.name in _PLAIN:
        return _PLAIN.get(typed.name, _same)(value)
    raise NotConverted(f"its type {typed.name} is not known here")


def _of_length(value: str, typed: SourceType) -> str:
    if typed.name not in ("varchar", "bpchar"):
        return value
    length = typed.modifiers[0] if typed.modifiers else None
    if length is not None and len(value.rstrip(" ")) > length:
        raise NotConverted(f"{value!r} is longer than {length}")
    kept = value if length is None else value[:length]
    return kept.ljust(length) if length is not None and typed.name == "bpchar" else kept


def _same(value: str) -> str:
    return value


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _bool(text: str, _typed: SourceType) -> str:
    word = text.strip()
    if _TRUE.fullmatch(word):
        return "true"
    if _FALSE.fullmatch(word):
        return "false"
    raise NotConverted(f"{text!r} is no boolean")


def _integer(text: str, _typed: SourceType) -> str:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", text):
        raise NotConverted(f"{text!r} is no whole number")
    return str(int(text))


def _numeric(text: str, typed: SourceType) -> str:
    if text.strip().lower() in ("nan", "infinity", "-infinity", "inf", "-inf"):
        raise NotConverted(f"{text!r}: JSON has no such number")
    number = scalars.numeric(text)
    if typed.modifiers:
        scale = typed.modifiers[1] if len(typed.modifiers) > 1 else 0
        number = number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)
    return f"{number:f}"


def _dollars(text: str, _typed: SourceType) -> str:
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return _quoted(f"{sign}${Decimal(digits):,.2f}")


def _double(text: str, _typed: SourceType) -> str:
    return scalars.float_text(_float(text))


def _real(text: str, _typed: SourceType) -> str:
    return scalars.real_text(_float(text))


def _float(text: str) -> float:
    try:
        return float(text) if "_" not in text else float("")
    except ValueError:
        raise NotConverted(f"{text!r} is no number") from None


def _json(text: str, _typed: SourceType) -> str:
    try:
        json.loads(text, parse_constant=_no_constant)
    except ValueError:
        raise NotConverted(f"{text!r} is no JSON") from None
    return text


def _no_constant(name: str) -> None:
    raise ValueError(name)


_SCALARS: Final[dict[str, Callable[[str, SourceType], str]]] = {
    "bool": _bool,
    **dict.fromkeys(_WHOLE, _integer),
    "oid": _integer,
    "money": _dollars,
    "numeric": _numeric,
    "float4": _real,
    "float8": _double,
    "json": _json,
    "jsonb": _json,
    "timestamp": lambda text, _typed: _quoted(scalars.timestamp(text, "T")),
    "timestamptz": lambda text, _typed: _quoted(scalars.timestamptz(text, "T", minutes=True)),
}
"""Types whose JSON is no string of their text."""


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text.strip()))
    except ValueError:
        raise NotConverted(f"{text!r} is no UUID") from None


def _bytea(text: str) -> str:
    if not _BYTES.fullmatch(text):
        raise NotConverted(f"{text!r}: write bytes as \\x and hexadecimal digits")
    return text.lower()


def _interval(text: str) -> str:
    raise NotConverted(f"{text!r}: an interval in an array or a row: write the value as JSON")


_PLAIN: Final[dict[str, Callable[[str], str]]] = {
    "uuid": _uuid,
    "bytea": _bytea,
    "date": scalars.date,
    "time": scalars.time,
    "timetz": _interval,
    "interval": _interval,
}
