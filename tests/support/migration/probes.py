"""Values at the edges of types, by which two columns of the same type are told from two of different ones."""

import re
from typing import Final

_EDGES: Final = {
    "smallint": ("0", "-1", "32767", "32768", "1.5"),
    "integer": ("0", "-1", "7", "2147483647", "2147483648", "1.5"),
    "bigint": ("0", "-1", "9223372036854775807", "9223372036854775808"),
    "numeric": ("0", "1.50", "-0.0000001", "123456789012345678.123456789", "NaN", "Infinity"),
    "real": ("0", "-0", "1.1", "16777217", "NaN", "-Infinity", "1e39"),
    "double precision": ("0", "0.1", "NaN", "1e309"),
    "money": ("0", "1.239", "$1,000.50"),
    "character": ("", "a", "abcdefghijk", "é ", "a "),
    "character varying": ("", "a", "abcdefghijklmnopqrstuvwxyz", "é ", "a  "),
    "text": ("", "a\\b\t\n'\"", "é", "a "),
    "boolean": ("t", "no", "1", "maybe"),
    "date": ("2024-02-29", "0044-03-15 BC", "infinity", "2023-02-29", "5874897-12-31"),
    "time without time zone": ("23:59:59.1234567", "24:00:00", "25:00"),
    "time with time zone": ("23:59:59.123456+05:30", "24:00:00-1"),
    "timestamp without time zone": (
        "2024-03-31 02:30:00.1234567",
        "infinity",
        "294276-12-31",
        "294277-01-01",
    ),
    "timestamp with time zone": (
        "2024-03-31 02:30:00.1234567+02",
        "-infinity",
        "2024-01-01 00:00:00 Europe/Paris",
    ),
    "interval": ("1 mon -1 day 00:00:01.1234567", "P1Y2M", "1-2"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "x"),
    "bytea": ("\\x00ff", "a\\000b", "\\x0"),
    "json": ('{"b":1, "a": 2, "a":1}', "[1.0]", "{"),
    "jsonb": ('{"b":1, "a": 2, "a":1}', "[1.0]", '"\\u0000"'),
}
_GENERAL: Final = ("", "a", "1")
_MODIFIER: Final = re.compile(r"\(.*?\)")


def candidates(type_name: str) -> tuple[str, ...]:
    """Literals to try in a column, some of which its type refuses.

    Args:
        type_name: As ``format_type`` displays it.
    """
    return _EDGES.get(_MODIFIER.sub("", type_name), _GENERAL)
