"""Index advice for a query plan, as CREATE INDEX statements.

The limits are those of `dsql.limits`; the types that a key can have are those of `dsql.types`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.catalog.model import Index, Table
from awslabs_dsql_mcp.catalog.text import index_keys
from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.dsql.types import TYPES
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.explain.findings import reads_all, rows_kept, rows_read
from awslabs_dsql_mcp.explain.plan import QueryPlan
from awslabs_dsql_mcp.explain.predicates import PredicateColumns, predicate_columns
from awslabs_dsql_mcp.sql.identifiers import TableName, parse_name, quote_identifier

REMARK: Final = " -- makes writes cost more"
"""Comment behind each statement."""
_MAX_INCLUDED: Final = 6  # columns; with more, the index is a second table
_MIN_ROWS: Final = 1_000  # a smaller table is read as fast as an index
_SELECTIVE: Final = 0.5
_NOT_INDEXABLE: Final = frozenset(row.displayed for row in TYPES.values() if not row.key)
_MODIFIERS: Final = re.compile(r"\([^)]*\)")
_PLAIN_COLUMN: Final = re.compile(r'(?:(?:"(?:[^"]|"")*"|\w+)\.)?("(?:[^"]|"")*"|\w+)')


@dataclass(frozen=True)
class Candidate:
    """A scan that an index might narrow.

    Attributes:
        table: The table.
        condition: The columns that its filters compare.
        output: Columns in its output; ``None`` if it has anything but plain columns.
        read: Number of rows read; ``None`` if the plan does not have it.
        kept: Number of rows returned.
    """

    table: TableName
    condition: PredicateColumns
    output: tuple[str, ...] | None
    read: float | None
    kept: float


def candidates(plan: QueryPlan) -> list[Candidate]:
    """Find the scans of whole tables whose filters compare columns, one for each table."""
    found: dict[str, Candidate] = {}
    for position, node in enumerate(plan.nodes):
        if not reads_all(node) or node.relation is None:
            continue
        try:
            table = parse_name(node.relation)
        except RequestInvalid:
            continue
        nodes = (node, *plan.below(position))
        filters = [n.details[name] for n in nodes for name in ("Filters", "Filter") if name in n.details]
        condition = _combine([predicate_columns(text) for text in filters])
        output = node.details.get("Output") or next(
            (n.details["Projections"] for n in nodes if "Projections" in n.details), ""
        )
        if condition.equal or condition.ranged:
            found.setdefault(
                node.relation,
                Candidate(table, condition, _columns(output), rows_read(plan, position), rows_kept(node)),
            )
    return list(found.values())


def advise(candidate: Candidate, table: Table) -> str | None:
    """Write the CREATE INDEX statement, or a remark, for a scan; ``None`` if no index would help.

    Args:
        candidate: The scan.
        table: The table, from the catalog.
    """
    read = candidate.read if candidate.read is not None else table.estimate
    keys = _keys(candidate, table)
    if table.kind != "table" or read is None or not keys or _starts_primary_key(keys, table):
        return None
    if read < _MIN_ROWS:
        return f"none for {table.title}: all of its {read:,.0f} rows are read as fast as an index."
    if candidate.kept > read * _SELECTIVE:
        return f"none for {table.title}: {candidate.kept:,.0f} of {read:,.0f} rows match."
    if index := _matching_index(keys, table):
        return (
            None
            if index.valid
            else f"{quote_identifier(index.name)} is on these columns but not valid: see sys.jobs."
        )
    if len(table.indexes) >= limits.MAX_INDEXES:
        return f"{table.title} has {limits.MAX_INDEXES} indexes, the maximum: drop one before adding another."
    included = _included(candidate, keys, table)
    reason = (
        f"; INCLUDE answers the query without the table: {_uses(candidate, included)}" if included else ""
    )
    statement = _statement(keys, included, table)
    return f"{statement}{REMARK}{reason}"


def _combine(conditions: Sequence[PredicateColumns]) -> PredicateColumns:
    return PredicateColumns(
        tuple(name for condition in conditions for name in condition.equal),
        tuple(name for condition in conditions for name in condition.ranged),
        tuple(name for condition in conditions for name in condition.other),
    )


def _columns(output: str) -> tuple[str, ...] | None:
    """Parse a list of columns; ``None`` if anything else is in it."""
    parts = [part.strip() for part in output.split(", ")] if output else []
    matches = [_PLAIN_COLUMN.fullmatch(part) for part in parts]
    names = [match.group(1) for match in matches if match]
    if not parts or len(names) < len(parts):
        return None
    return tuple(name[1:-1].replace('""', '"') if name.startswith('"') else name for name in names)


def _keys(candidate: Candidate, table: Table) -> tuple[str, ...]:
    """Choose key columns: equality first, then one range, after which further keys do not narrow."""
    indexable = {column.name for column in table.columns if _is_indexable(column.type)}
    equal = [name for name in candidate.condition.equal if name in indexable]
    ranged = [name for name in candidate.condition.ranged if name in indexable and name not in equal]
    return tuple(dict.fromkeys([*equal, *ranged[:1]]))[: limits.MAX_KEY_COLUMNS]


def _is_indexable(displayed: str) -> bool:
    return not displayed.endswith("[]") and _MODIFIERS.sub("", displayed) not in _NOT_INDEXABLE


def _uses(candidate: Candidate, included: Sequence[str]) -> str:
    """Give the reasons for the included columns: ``name and note are shown, state is compared``."""
    shown = [name for name in included if name in (candidate.output or ())]
    compared = [name for name in included if name not in shown]
    return ", ".join(
        f"{' and '.join(map(quote_identifier, names))} {'are' if len(names) > 1 else 'is'} {reason}"
        for names, reason in ((shown, "shown"), (compared, "compared"))
        if names
    )


def _primary_key(table: Table) -> tuple[str, ...]:
    return next((key.columns for key in table.constraints if key.kind == "p"), ())


def _starts_primary_key(keys: Sequence[str], table: Table) -> bool:
    primary = _primary_key(table)
    return bool(primary) and primary[0] == keys[0]


def _matching_index(keys: Sequence[str], table: Table) -> Index | None:
    """Find an index that begins with the keys and is not partial."""
    wanted = f"({', '.join(map(quote_identifier, keys))}"
    for index in table.indexes:
        on = index_keys(index)
        if on.startswith((wanted + ")", wanted + ",")) and " WHERE " not in on:
            return index
    return None


def _included(candidate: Candidate, keys: Sequence[str], table: Table) -> tuple[str, ...]:
    """Choose columns to INCLUDE so that the index alone answers the query; none if there are too many.

    Never those of the primary key: each index entry has them already.
    """
    if candidate.output is None or not {column.name for column in table.columns}.issuperset(candidate.output):
        return ()  # system columns, such as the ctid that UPDATE and DELETE read, can be in no index
    where = candidate.condition
    needed = (*candidate.output, *where.equal, *where.ranged, *where.other)
    present = {*keys, *_primary_key(table)}
    more = tuple(dict.fromkeys(name for name in needed if name not in present))
    return more if len(more) <= _MAX_INCLUDED else ()


def _statement(keys: Sequence[str], included: Sequence[str], table: Table) -> str:
    name = re.sub(r"\W+", "_", "_".join([table.name, *keys]))[: limits.MAX_IDENTIFIER_BYTES - 4] + "_idx"
    include = f" INCLUDE ({', '.join(map(quote_identifier, included))})" if included else ""
    columns = ", ".join(map(quote_identifier, keys))
    return f"CREATE INDEX ASYNC {quote_identifier(name)} ON {table.title} ({columns}){include}"
