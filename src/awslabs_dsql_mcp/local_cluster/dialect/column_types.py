"""The types that a column can have, and how PostgreSQL displays those that it cannot.

Source: Aurora DSQL user guide, "Supported data types"; PostgreSQL documentation, ``format_type``.
"""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect.refusal_sql import (
    TOO_LARGE,
    UNDEFINED_OBJECT,
    Refusal,
    unsupported,
)
from awslabs_dsql_mcp.sql.parse_tree import Node, constant, strings
from awslabs_dsql_mcp.sql.parsed_statement import ParsedStatement

_STORED: Final = frozenset(
    (
        "int2", "int4", "int8", "float4", "float8", "numeric", "bpchar", "varchar", "text", "date", "time",
        "timetz", "timestamp", "timestamptz", "interval", "bool", "bytea", "uuid", "json", "jsonb",
    )
)  # fmt: skip

_NOT_STORED: Final = frozenset(
    (
        "money", "xml", "inet", "cidr", "macaddr", "macaddr8", "bit", "varbit", "char", "name", "oid",
        "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery", "jsonpath",
        "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
        "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange",
        "datemultirange", "pg_lsn", "pg_snapshot", "txid_snapshot", "xid", "xid8", "cid", "tid", "refcursor",
        "aclitem", "int2vector", "oidvector", "regclass", "regcollation", "regconfig", "regdictionary",
        "regnamespace", "regoper", "regoperator", "regproc", "regprocedure", "regrole", "regtype",
    )
)  # fmt: skip
"""PostgreSQL's other types: allowed in expressions, not in tables."""

_SERIAL: Final = frozenset(("serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"))

_DISPLAYED: Final = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
    "bpchar": "character", "varchar": "character varying", "time": "time without time zone",
    "timetz": "time with time zone", "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone", "bool": "boolean", "varbit": "bit varying", "char": '"char"',
}  # fmt: skip

_MAX_LENGTHS: Final = {"bpchar": ("char", 4_096), "varchar": ("varchar", 65_535)}
"""Declared lengths, in bytes (Aurora DSQL user guide, "Quotas and limits")."""

_NO_KEYS: Final = frozenset(("json", "jsonb", "bytea"))

DEFAULT_NUMERIC: Final = "(18,6)"
"""Precision and scale of a numeric column that gives none (user guide, "Supported data types")."""


def builtin(type_name: Node) -> str | None:
    """A type's name in ``pg_type`` when it is one of PostgreSQL's own."""
    names = strings(type_name.get("names"))
    own = len(names) == 1 or names[:1] == ["pg_catalog"]
    return names[-1] if own and names and names[-1] in _STORED | _NOT_STORED else None


def displayed(type_name: Node) -> str:
    """A type as PostgreSQL displays it: ``integer[]``."""
    name = ".".join(strings(type_name.get("names"))[-1:])
    shown = _DISPLAYED.get(name, name) if builtin(type_name) else name
    return f"{shown}[]" if "arrayBounds" in type_name else shown


def refused_column(type_name: Node) -> Refusal | None:
    """Say why no column can have a type."""
    names = strings(type_name.get("names"))
    if len(names) == 1 and names[0] in _SERIAL:
        return Refusal(UNDEFINED_OBJECT, f'type "{names[0]}" does not exist')
    if "arrayBounds" in type_name or builtin(type_name) in _NOT_STORED:
        return unsupported(f"datatype {displayed(type_name)} not supported")
    return _too_long(type_name)


def refused_key(type_name: Node) -> Refusal | None:
    """Say why no key can have a column of a type."""
    if builtin(type_name) not in _NO_KEYS:
        return None
    return unsupported(f"datatype {displayed(type_name)} is not supported in a key")


def declared_length(type_name: Node) -> int:
    """The length that char or varchar was declared with; 0 for all else."""
    if builtin(type_name) not in _MAX_LENGTHS:
        return 0
    text = constant(next(iter(type_name.get("typmods", ())), None))
    return int(text) if text and text.isdecimal() else 0


def default_numeric(statement: ParsedStatement, type_names: Iterator[Node]) -> Iterator[tuple[int, int, str]]:
    """The edits that give numeric columns their default precision."""
    ends = {place: token.end for place, token in enumerate(statement.tokens)}
    at = {token.start: place for place, token in enumerate(statement.tokens)}
    for type_name in type_names:
        if builtin(type_name) == "numeric" and "typmods" not in type_name:
            place = at[type_name.get("location", 0)]
            if statement.words[place + 1 : place + 2] == (".",):
                place += 2
            yield ends[place], ends[place], DEFAULT_NUMERIC


def _too_long(type_name: Node) -> Refusal | None:
    named, longest = _MAX_LENGTHS.get(builtin(type_name) or "", ("", 0))
    if declared_length(type_name) <= longest:
        return None
    return Refusal(TOO_LARGE, f"Datatype limit greater than {longest} bytes not supported for {named}")
