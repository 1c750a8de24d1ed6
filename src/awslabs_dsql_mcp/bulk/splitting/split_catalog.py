"""Catalog information that decides if a statement can be split: functions, defaults, types of columns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query

_FUNCTIONS: Final = """
SELECT p.proname, bool_or(p.prokind IN ('a', 'w'))::text,
  bool_or(n.nspname NOT IN ('pg_catalog', 'information_schema', 'sys'))::text
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname = ANY ($1::text[]) GROUP BY p.proname ORDER BY p.proname"""

_COLUMNS: Final = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


@dataclass(frozen=True)
class Functions:
    """Functions of some names.

    Attributes:
        aggregates: Those that are an aggregate or a window function.
        user_defined: Those that exist outside of the system's schemas, perhaps beside one of PostgreSQL's.
    """

    aggregates: frozenset[str]
    user_defined: frozenset[str]


@dataclass(frozen=True)
class ColumnDefinition:
    """A column's definition.

    Attributes:
        type: Its type with modifiers, as SQL.
        default: Its default or generation expression, as SQL; ``None`` without one.
    """

    type: str
    default: str | None


def functions_query(names: Collection[str]) -> Query:
    """Query for the functions of some names."""
    return Query(_FUNCTIONS, (sorted(names),))


def parse_functions(result: Result) -> Functions:
    """Convert the result of `functions_query`."""
    return Functions(
        frozenset(str(row[0]) for row in result.rows if row[1] == "true"),
        frozenset(str(row[0]) for row in result.rows if row[2] == "true"),
    )


def columns_query(table: str) -> Query:
    """Query for the columns of a table by its name as SQL."""
    return Query(_COLUMNS, (table,))


def parse_columns(result: Result) -> Mapping[str, ColumnDefinition]:
    """Convert the result of `columns_query`: the definitions by name, in the table's order."""
    return {str(name): ColumnDefinition(str(kind), default) for name, kind, default in result.rows}
