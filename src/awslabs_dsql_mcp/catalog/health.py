"""State of a database as its catalogs tell it: indexes, tables, sequences, and jobs that have not completed.

Only catalogs that Aurora DSQL has are asked (user guide, "Systems tables"); pg_sequence, which it does not
promise, by a query of its own. No catalog counts how often an index is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.catalog.jobs import AsyncJob, fold_jobs
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import TableName

MOST: Final = 5_000
"""Rows of a catalog that are looked at."""

_USERS: Final = "n.nspname NOT IN ('information_schema', 'sys') AND n.nspname NOT LIKE 'pg\\_%'"
# Column names are joined by a line feed, which names rarely contain.
_INDEXES: Final = """
SELECT n.nspname, t.relname, i.relname, x.indisvalid, x.indisunique, x.indisprimary, x.indnkeyatts,
       x.indkey::text, x.indoption::text, x.indexprs IS NULL AND x.indpred IS NULL,
       (SELECT string_agg(a.attname::text, E'\\n' ORDER BY array_position(x.indkey::int2[], a.attnum))
        FROM pg_attribute a WHERE a.attrelid = x.indrelid
          AND array_position(x.indkey::int2[], a.attnum) < x.indnkeyatts)
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE """
_ALL_INDEXES: Final = f"{_INDEXES}{_USERS} ORDER BY 1, 2, 3 LIMIT {MOST}"
_OF_TABLES: Final = f"{_INDEXES}{_USERS} AND t.relname = ANY($1::text[]) ORDER BY 1, 2, 3 LIMIT {MOST}"
_TABLES: Final = f"""
SELECT n.nspname, c.relname, c.reltuples < 0,
       (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND {_USERS} ORDER BY 1, 2 LIMIT {MOST}"""  # noqa: S608 - built from constants
_SEQUENCES: Final = f"""
SELECT n.nspname, c.relname, s.seqcache, tn.nspname, t.relname, a.attname, a.attidentity <> ''
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('i', 'a')
  AND d.refclassid = 'pg_class'::regclass
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE {_USERS} ORDER BY 1, 2 LIMIT {MOST}"""  # noqa: S608 - built from constants
# A job that failed long ago matters as long as its index remains.
_JOBS: Final = """
SELECT j.job_id, j.status, j.job_type, j.object_name, j.details, i.indisvalid, j.start_time::text,
       j.update_time::text, extract(epoch FROM now() - coalesce(j.update_time, j.start_time))::bigint,
       n.nspname, t.relname
FROM sys.jobs j
LEFT JOIN pg_index i ON j.class_id = 'pg_class'::regclass::oid AND i.indexrelid = j.object_id
LEFT JOIN pg_class t ON t.oid = i.indrelid LEFT JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE j.status <> 'completed'
  AND (j.status <> 'failed' OR NOT coalesce(i.indisvalid, true) OR j.start_time > now() - interval '7 days')
ORDER BY j.start_time DESC LIMIT 50"""


@dataclass(frozen=True)
class IndexState:
    """An index.

    Attributes:
        table: Its table.
        name: Its name.
        valid: Queries can use it.
        unique: It is unique.
        primary: It is the primary key's.
        key: Names of the columns of its key, without expressions.
        ordered: For each part of the key, its column's number and its options.
        included: Numbers of the other columns in it.
        plain: It has neither expressions nor a predicate.
    """

    table: TableName
    name: str
    valid: bool
    unique: bool
    primary: bool
    key: tuple[str, ...]
    ordered: tuple[tuple[str, str], ...]
    included: frozenset[str]
    plain: bool

    def serves_for(self, other: "IndexState") -> bool:
        """Check that whatever another index is used for, this one could be: it begins with the same key."""
        if not (self.plain and other.plain and self.valid and other.valid) or self.table != other.table:
            return False
        has = self.included | {number for number, _ in self.ordered}
        return self.ordered[: len(other.ordered)] == other.ordered and other.included <= has


@dataclass(frozen=True)
class TableState:
    """A table: its name, if it has statistics, and the number of its columns."""

    name: TableName
    analyzed: bool
    columns: int


@dataclass(frozen=True)
class SequenceState:
    """A sequence.

    Attributes:
        name: Its name.
        cache: Numbers that a session takes at once.
        table: The table of the column that it belongs to.
        column: That column.
        identity: The column is an identity column.
    """

    name: TableName
    cache: int
    table: TableName | None = None
    column: str = ""
    identity: bool = False


@dataclass(frozen=True)
class JobState:
    """A job that has not completed, seconds since its last change, and its index's table."""

    job: AsyncJob
    unchanged: int
    table: TableName | None


def indexes_query() -> Query:
    """Query for all indexes; read by `fold_indexes`."""
    return Query(_ALL_INDEXES)


def indexes_of_query(tables: Sequence[str]) -> Query:
    """Query for the indexes of tables by their names without schemas; read by `fold_indexes`."""
    return Query(_OF_TABLES, (list(tables),))


def tables_query() -> Query:
    """Query for all tables; read by `fold_tables`."""
    return Query(_TABLES)


def sequences_query() -> Query:
    """Query for all sequences; read by `fold_sequences`."""
    return Query(_SEQUENCES)


def troubled_jobs_query() -> Query:
    """Query for the jobs that have not completed; read by `fold_troubled_jobs`."""
    return Query(_JOBS)


def fold_indexes(result: Result) -> tuple[IndexState, ...]:
    """Convert the rows of `indexes_query`."""
    found: list[IndexState] = []
    for schema, table, name, valid, unique, primary, length, numbers, options, plain, key in result.rows:
        parts, size = (numbers or "").split(), int(length or 0)
        found.append(
            IndexState(
                TableName(schema, str(table)),
                str(name),
                valid == "t",
                unique == "t",
                primary == "t",
                tuple((key or "").split("\n")) if key else (),
                tuple(zip(parts[:size], (options or "").split(), strict=False)),
                frozenset(parts[size:]),
                plain == "t",
            )
        )
    return tuple(found)


def fold_tables(result: Result) -> tuple[TableState, ...]:
    """Convert the rows of `tables_query`."""
    return tuple(
        TableState(TableName(schema, str(table)), unknown != "t", int(columns or 0))
        for schema, table, unknown, columns in result.rows
    )


def fold_sequences(result: Result) -> tuple[SequenceState, ...]:
    """Convert the rows of `sequences_query`."""
    return tuple(
        SequenceState(
            TableName(schema, str(name)),
            int(cache or 0),
            TableName(owner_schema, owner) if owner else None,
            column or "",
            identity == "t",
        )
        for schema, name, cache, owner_schema, owner, column, identity in result.rows
    )


def fold_troubled_jobs(result: Result) -> tuple[JobState, ...]:
    """Convert the rows of `troubled_jobs_query`."""
    jobs = fold_jobs(Result(result.command, None, rows=tuple(row[:8] for row in result.rows)))
    return tuple(
        JobState(job, int(row[8] or 0), TableName(row[9], row[10]) if row[10] else None)
        for job, row in zip(jobs, result.rows, strict=True)
    )


def primary_keys(indexes: Sequence[IndexState]) -> dict[TableName, tuple[str, ...]]:
    """Give the columns of each table's primary key."""
    return {index.table: index.key for index in indexes if index.primary}
