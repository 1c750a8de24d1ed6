"""Values that scripts made up by hypothesis write, by type."""

from typing import Final

LITERALS: Final[dict[str, tuple[str, ...]]] = {
    "int": ("0", "1", "2", "-3", "'4'", "5 + 2"),
    "smallint": ("0", "1", "2", "-3"),
    "bigint": ("0", "1", "5000000000", "'7'"),
    "numeric(6,2)": ("1.5", "0", "-20.25", "'3'"),
    "numeric": ("1.5", "100", "0.1234567", "12345678901234567890"),
    "real": ("1.1", "'NaN'", "-2"),
    "double precision": ("0.1", "1e100", "'-Infinity'"),
    "text": ("'a'", "'b'", "''", "'it''s'", "E'x\\ty'", "'é;'", "$$d'q$$", "'a' || 'b'", "'--'", "':x'"),
    "varchar(5)": ("'a'", "'abcde'", "'é'", "''"),
    "varchar": ("'a'", "'long enough to see'"),
    "char(3)": ("'a'", "'abc'", "'é '"),
    "boolean": ("true", "'f'", "'yes'", "not true"),
    "date": ("'2024-02-29'", "'03/04/2024'", "date '2024-01-01' + 1", "'infinity'", "'2024-01-31 BC'"),
    "time": ("'10:00'", "'23:59:59.9999'", "'04:05 PM'"),
    "timestamp": ("'2024-03-31 02:30'", "'03/04/2024 05:06'", "'-infinity'"),
    "timestamp(0)": ("'2024-03-31 02:30:00.7'",),
    "timestamptz": (
        "'2024-06-01 12:00'",
        "'2024-01-01 00:00+05'",
        "'1 Feb 2024 10:00 PST'",
        "'03/04/2024 01:00'",
    ),
    "interval": ("'1 day'", "'-1 2:03:04'", "'P1Y2M3DT4H'", "'1-2'", "interval '3' hour"),
    "uuid": ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "'{B0EEBC999C0B4EF8BB6D6BB9BD380A11}'"),
    "bytea": ("'\\x00ff'", "'a\\000b'", "'\\\\'", "decode('AAEC', 'base64')"),
    "json": ("""'{"b": 1, "a": [1.0]}'""", "'null'", "json_build_object('k', 1)"),
    "jsonb": ("""'{"b": 1, "a": [1.0]}'""", "'[]'", "jsonb_build_array(1, 'x')"),
    "money": ("'1.5'", "12.345", "'$1,000.00'"),
    "inet": ("'10.0.0.1/32'", "'10.1.2.3/8'", "'::1'"),
    "bit(3)": ("B'101'", "'001'"),
    "int[]": ("'{1,2}'", "array[3,4]", "'{}'", "'{NULL}'"),
    "text[]": ("""'{a,"b c"}'""", "array['x', 'y,z']", "'{}'::text[]"),
    "int4range": ("'[1,5)'", "int4range(1, 3)", "'[1,5]'"),
    "point": ("'(1,2)'", "point(3, 4)"),
    "mood": ("'sad'", "'ok'", "'happy'::mood"),
    "positive": ("1", "20"),
    "short": ("'ab'", "'abc'"),
}
"""Literals of each type as SQL writes them; the last are types of the script's own."""

FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "int": ("1", "2", "-3", " 4"),
    "text": (
        "a",
        "b",
        "",
        "x y",
        "é",
        "back\\slash",
        "a,b",
        'q"q',
        "tab\there",
        "\\N",
        "NULL",
        "it's",
        "two\nlines",
    ),
    "date": ("2024-02-29", "03/04/2024"),
    "timestamptz": ("2024-06-01 12:00", "2024-01-01 00:00:00+05"),
    "boolean": ("t", "f", "yes"),
    "numeric(6,2)": ("1.5", "-20.25"),
    "jsonb": ('{"a": "b\\n"}', "[]"),
    "text[]": ('{a,"b c"}', "{}"),
    "int[]": ("{1,2}",),
    "bytea": ("\\x00ff", "a\\000b"),
    "money": ("$1.50", "2"),
    "interval": ("1 day", "-1 2:03:04"),
    "mood": ("sad", "ok"),
    "varchar(5)": ("a", "abcde"),
}
"""Values of each type as COPY has them, before it escapes them."""

EXPRESSIONS: Final[dict[str, tuple[str, ...]]] = {
    "timestamptz": ("now()", "CURRENT_TIMESTAMP"),
    "date": ("CURRENT_DATE",),
    "uuid": ("gen_random_uuid()",),
    "int": ("1 + 2 * 3", "length('four')"),
    "text": ("upper('x')", "'a'::text", "current_schema()"),
}
CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "int": ("{0} > -10", "{0} between -5 and 100", "{0} in (0, 1, 2, 4, 7)", "{0} is not null or true"),
    "text": ("{0} <> 'z'", "length({0}) < 50", "{0} ~ '^.*$'", "{0} in ('a', 'b', 'it''s')"),
    "mood": ("{0} <> 'angry'", "{0} in ('sad', 'ok', 'happy')"),
    "date": ("{0} > '2000-01-01'",),
    "numeric(6,2)": ("{0} < 1000",),
}
OWN_TYPES: Final = {
    "mood": "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'angry')",
    "positive": "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
    "short": "CREATE DOMAIN short AS varchar(3) DEFAULT 'ab' NOT NULL",
}
