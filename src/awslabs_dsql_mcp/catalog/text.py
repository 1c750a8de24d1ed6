"""Tables as text for a model, similar to the SQL that creates them, one fact per line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from awslabs_dsql_mcp.catalog.model import Column, Constraint, Index, Page, Table
from awslabs_dsql_mcp.sql.identifiers import quote_identifier
from awslabs_dsql_mcp.text import as_line, pluralize, truncate, truncate_counted

Detail = Literal["names", "summary", "full"]

_MAX_CHARACTERS: Final = 30_000
_MAX_LENGTH: Final = {"comment": 300, "expression": 500, "view": 6_000}
_IDENTIFIER: Final = r'(?:"(?:[^"]|"")*"|[^\s."]+)'
# The beginning of an index's definition as pg_get_indexdef writes it; the rest is shown.
_INDEX_HEAD: Final = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX {_IDENTIFIER} ON (?:ONLY )?{_IDENTIFIER}(?:\.{_IDENTIFIER})? USING \S+ "
)
_DATA: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")


@dataclass(frozen=True)
class Listing:
    """A list of tables as text.

    Attributes:
        text: The list.
        shown: Number of tables in it.
        last: Name of the last table, as SQL.
    """

    text: str
    shown: int
    last: str


def list_text(page: Page, detail: Detail) -> Listing:
    """Format a page of the list of tables, as much of it as fits in a response."""
    written: list[str] = []
    remaining = _MAX_CHARACTERS
    for table in page.tables:
        text = truncate_counted(_entry(table, detail), _MAX_CHARACTERS)
        remaining -= len(text) + 2
        if remaining < 0 and written:
            break
        written.append(text)
    shown = page.tables[: len(written)]
    if detail == "names":
        written = [
            as_line(f"{quote_identifier(schema)}: {', '.join(quote_identifier(one.name) for one in tables)}")
            for schema, tables in groupby(shown, key=lambda table: table.schema)
        ]
    return Listing(("\n\n" if detail == "full" else "\n").join(written), len(shown), shown[-1].title)


def tables_text(tables: Sequence[Table], detail: Detail) -> tuple[str, Detail | None]:
    """Format tables, in less detail than requested if the text would not fit in a response.

    Returns:
        The text, and its detail if that was reduced.
    """
    levels: tuple[Detail, ...] = ("full", "summary", "names")
    for level in levels[levels.index(detail) :]:
        text = _join(tables, level)
        if len(text) <= _MAX_CHARACTERS:
            return text, None if level == detail else level
    return truncate(_join(tables, "names"), _MAX_CHARACTERS), "names"


def table_text(table: Table, detail: Detail = "full") -> str:
    """Format a table: the names of its columns, its columns and keys, or full details."""
    if detail == "names":
        names = ", ".join(quote_identifier(column.name) for column in table.columns)
        return as_line(f"{table.title}: {names}", _MAX_CHARACTERS)
    full = detail == "full"
    keys = [constraint for constraint in table.constraints if full or constraint.kind in "pf"]
    parts = [as_line(_head(table)), *_section("columns", [_column(one, full=full) for one in table.columns])]
    parts += _section("constraints", [f"{quote_identifier(key.name)} {key.definition}" for key in keys])
    if full:
        parts += _section("referenced by", [_reference(key) for key in table.referenced_by])
        parts += _section("indexes", list(_indexes(table)))
        parts += _view(table)
    parts += _privileges(table)
    return "\n".join(parts)


def index_keys(index: Index) -> str:
    """Columns and predicate of an index: ``(customer_id) INCLUDE (total) WHERE …``."""
    return _INDEX_HEAD.sub("", index.definition, count=1)


def _join(tables: Sequence[Table], detail: Detail) -> str:
    return "\n\n".join(table_text(table, detail) for table in tables)


def _entry(table: Table, detail: Detail) -> str:
    if detail == "names":
        return as_line(table.title)
    return as_line(_line(table)) if detail == "summary" else table_text(table)


def _line(table: Table) -> str:
    count = pluralize(table.column_count, "column")
    return f"{table.title} {table.kind}, {count}{_estimate(table)}{_comment(table.comment)}"


def _head(table: Table) -> str:
    return f"{table.kind} {table.title}{_estimate(table)}{_comment(table.comment)}"


def _estimate(table: Table) -> str:
    return "" if table.estimate is None else f", about {table.estimate:,} rows (estimate)"


def _comment(comment: str | None) -> str:
    return f" -- {_truncate(' '.join(comment.split()), 'comment')}" if comment else ""


def _column(column: Column, *, full: bool) -> str:
    facts = [f"{quote_identifier(column.name)} {column.type}"]
    if full and column.collation:
        facts.append(f"COLLATE {quote_identifier(column.collation)}")
    if column.not_null:
        facts.append("NOT NULL")
    default = _truncate(column.default or "", "expression")
    if column.identity:
        cache = f" (CACHE {column.cache})" if column.cache else ""
        facts.append(f"GENERATED {column.identity} AS IDENTITY{cache}")
    elif column.generated:
        facts.append(f"GENERATED ALWAYS AS ({default}) STORED")
    elif default:
        facts.append(f"DEFAULT {default}")
    return " ".join(facts) + (_comment(column.comment) if full else "")


def _reference(key: Constraint) -> str:
    return f"{key.table} {quote_identifier(key.name)} {key.definition}"


def _indexes(table: Table) -> Iterator[str]:
    constrained = {constraint.name for constraint in table.constraints}
    for index in table.indexes:
        if not index.valid or index.name not in constrained:
            unique = "UNIQUE " if index.unique else ""
            yield f"{quote_identifier(index.name)} {unique}{index_keys(index)}{_state(index)}"


def _state(index: Index) -> str:
    if index.valid:
        return ""
    if index.job is None:
        return " -- NOT VALID, queries do not use it: its build has not ended, or failed (see sys.jobs)"
    return f" -- NOT VALID, queries do not use it: {_truncate(index.job, 'comment')}"


def _view(table: Table) -> list[str]:
    return [f"definition:\n{_truncate(table.definition.strip(), 'view')}"] if table.definition else []


def _privileges(table: Table) -> list[str]:
    """List the role's privileges if it lacks any."""
    if not table.role or table.privileges >= {"USAGE", *_DATA}:
        return []
    granted = [name for name in _DATA if name in table.privileges]
    line = f"privileges of role {quote_identifier(table.role)}: {', '.join(granted) or 'none'}"
    if "USAGE" not in table.privileges:
        joined = ", but no" if granted else ", and no"
        line += f"{joined} USAGE on schema {quote_identifier(table.schema)}"
    return [line]


def _section(heading: str, lines: Sequence[str]) -> list[str]:
    return [f"{heading}:", *(f"  {as_line(line)}" for line in lines)] if lines else []


def _truncate(text: str, kind: str) -> str:
    return truncate_counted(text, _MAX_LENGTH[kind])
