"""Which index a plan asks for, as a statement that can be run; nothing where the plan does not support it.

An index has at most 8 key columns, a table 24 indexes with its primary key (Aurora DSQL user guide, "Quotas
and limits"), and json, jsonb and bytea are no keys ("Asynchronous indexes").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.catalog.model import Index, Table
from awslabs_dsql_mcp.catalog.text import index_keys
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.explain.findings import reads_all, rows_kept, rows_read
from awslabs_dsql_mcp.explain.plan import QueryPlan
from awslabs_dsql_mcp.explain.predicates import PredicateColumns, predicate_columns
from awslabs_dsql_mcp.sql.identifiers import TableName, parse_name, quote_identifier

_MAX_KEYS: Final = 8
_MAX_INDEXES: Final = 24
_MAX_INCLUDED: Final = 6  # more, and the index is a second table
_MIN_ROWS: Final = 1_000  # rows: a smaller table is read as fast as an index
_SELECTIVE: Final = 0.5
_NO_KEYS: Final = re.compile(r"jsonb?\b|bytea\b|.*\[\]$")
_MAX_NAME: Final = 63
_PLAIN_COLUMN: Final = re.compile(r'(?:(?:"(?:[^"]|"")*"|\w+)\.)?("(?:[^"]|"")*"|\w+)')


@dataclass(frozen=True)
class Candidate:
    """A scan that an index might narrow.

    Attributes:
        table: What it reads.
        condition: The columns that its filters compare.
        output: Columns that it hands on; ``None`` where it hands on more than plain columns.
        read: Rows that it looks at; ``None`` where the plan does not tell.
        kept: Rows that it gives.
    """

    table: TableName
    condition: PredicateColumns
    output: tuple[str, ...] | None
    read: float | None
    kept: float


def candidates(plan: QueryPlan) -> list[Candidate]:
    """Find the scans of whole tables whose filters compare columns, one for each table."""
    found: dict[str, Candidate] = {}
    for place, node in enumerate(plan.nodes):
        if not reads_all(node) or node.relation is None:
            continue
        try:
            table = parse_name(node.relation)
        except RequestInvalid:
            continue
        nodes = (node, *plan.below(place))
        filters = [n.details[name] for n in nodes for name in ("Filters", "Filter") if name in n.details]
        condition = _together([predicate_columns(text) for text in filters])
        output = node.details.get("Output") or next(
            (n.details["Projections"] for n in nodes if "Projections" in n.details), ""
        )
        if condition.equal or condition.ranged:
            found.setdefault(
                node.relation,
                Candidate(table, condition, _columns(output), rows_read(plan, place), rows_kept(node)),
            )
    return list(found.values())


def advise(candidate: Candidate, table: Table) -> str | None:
    """Word the index for a scan; ``None`` where there is no good one.

    Args:
        candidate: The scan.
        table: What the catalog knows of its table.
    """
    read = candidate.read if candidate.read is not None else table.estimate
    if table.kind != "table" or read is None or read < _MIN_ROWS or candidate.kept > read * _SELECTIVE:
        return None
    keys = _keys(candidate, table)
    if not keys or _starts_primary_key(keys, table):
        return None
    if index := _like(keys, table):
        return (
            None
            if index.valid
            else f"{quote_identifier(index.name)} is on these columns, but not valid: see sys.jobs."
        )
    if len(table.indexes) >= _MAX_INDEXES:
        return f"{table.title} has {_MAX_INDEXES} indexes, the most: drop one before adding another."
    statement = _statement(keys, _included(candidate, keys), table)
    return f"{statement} -- alone in a transact call; writes then cost more"


def _together(conditions: Sequence[PredicateColumns]) -> PredicateColumns:
    return PredicateColumns(
        tuple(name for condition in conditions for name in condition.equal),
        tuple(name for condition in conditions for name in condition.ranged),
        tuple(name for condition in conditions for name in condition.other),
    )


def _columns(output: str) -> tuple[str, ...] | None:
    """The columns of a list; ``None`` when something else is in it."""
    parts = [part.strip() for part in output.split(", ")] if output else []
    found = [_PLAIN_COLUMN.fullmatch(part) for part in parts]
    names = [match.group(1) for match in found if match]
    if not parts or len(names) < len(parts):
        return None
    return tuple(name[1:-1].replace('""', '"') if name.startswith('"') else name for name in names)


def _keys(candidate: Candidate, table: Table) -> tuple[str, ...]:
    """Equality first, then one range: what stands behind a range no longer narrows."""
    fit = {column.name for column in table.columns if not _NO_KEYS.match(column.type)}
    equal = [name for name in candidate.condition.equal if name in fit]
    ranged = [name for name in candidate.condition.ranged if name in fit and name not in equal]
    return tuple(dict.fromkeys([*equal, *ranged[:1]]))[:_MAX_KEYS]


def _starts_primary_key(keys: Sequence[str], table: Table) -> bool:
    primary = next((key.columns for key in table.constraints if key.kind == "p"), ())
    return bool(primary) and primary[0] == keys[0]


def _like(keys: Sequence[str], table: Table) -> Index | None:
    """An index that begins with the keys, and has all rows."""
    wanted = f"({', '.join(map(quote_identifier, keys))}"
    for index in table.indexes:
        on = index_keys(index)
        if on.startswith((wanted + ")", wanted + ",")) and " WHERE " not in on:
            return index
    return None


def _included(candidate: Candidate, keys: Sequence[str]) -> tuple[str, ...]:
    """What the query needs besides the keys, so that the index alone answers it; nothing if that is much."""
    if candidate.output is None:
        return ()
    where = candidate.condition
    needed = (*candidate.output, *where.equal, *where.ranged, *where.other)
    more = tuple(dict.fromkeys(name for name in needed if name not in keys))
    return more if len(more) <= _MAX_INCLUDED else ()


def _statement(keys: Sequence[str], included: Sequence[str], table: Table) -> str:
    name = re.sub(r"\W+", "_", "_".join([table.name, *keys]))[: _MAX_NAME - 4] + "_idx"
    include = f" INCLUDE ({', '.join(map(quote_identifier, included))})" if included else ""
    columns = ", ".join(map(quote_identifier, keys))
    return f"CREATE INDEX ASYNC {quote_identifier(name)} ON {table.title} ({columns}){include}"
