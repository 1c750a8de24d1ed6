"""One UPDATE, DELETE or INSERT … SELECT as a job of many transactions."""

import asyncio
from dataclasses import dataclass

from awslabs_dsql_mcp.bulk import keyset, split_rules, table_info
from awslabs_dsql_mcp.bulk.keyset import Key, Position
from awslabs_dsql_mcp.bulk.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.runner import Batch
from awslabs_dsql_mcp.bulk.split_rules import SplitContext
from awslabs_dsql_mcp.bulk.splitter import SplitStatement, split
from awslabs_dsql_mcp.bulk.table_info import TableInfo
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementFailed, StatementRefused
from awslabs_dsql_mcp.guard.refusal import Violation, locate


@dataclass(frozen=True)
class StatementJob:
    """A statement that is split by a key: a `BatchJob`.

    Attributes:
        database: Where it runs.
        query: The statement.
        parts: The statement, taken apart.
        key: The primary key of the table that drives it.
        indexes: Indexes of the changed table.
        fingerprint: Fingerprint of the job.
        progress_table: Where its batches are recorded; ``None`` if one can be repeated without harm.
    """

    database: Database
    query: Query
    parts: SplitStatement
    key: Key
    indexes: int
    fingerprint: str
    progress_table: ProgressTable | None

    @classmethod
    async def plan(cls, database: Database, query: Query, fingerprint: str) -> "StatementJob":
        """Take a statement apart, and check with the catalog that it can run in batches.

        Raises:
            RequestInvalid: A table does not exist.
            StatementRefused: It cannot be split.
            DsqlError: What `Database.run` raises.
        """
        parts = await asyncio.to_thread(split, query.sql)
        if isinstance(parts, Violation):
            raise _refused(parts, query.sql)
        names = dict.fromkeys((parts.target, parts.driving, *parts.reads))
        asked = [table_info.table_info_query(name) for name in names]
        report = await database.run(
            UnitOfWork((*asked, table_info.aggregates_query(parts.calls)), read_only=True)
        )
        found = [table_info.parse_table_info(result) for result in report.results[:-1]]
        tables = {name: _known(name, facts) for name, facts in zip(names, found, strict=True)}
        target, driving = tables[parts.target], tables[parts.driving]
        aggregates = [str(row[0]) for row in report.results[-1].rows]
        reads = [tables[name] for name in parts.reads]
        known = SplitContext(parts, target, driving, reads, aggregates)
        if (objection := split_rules.check(known)) is not None:
            raise _refused(objection, query.sql)
        if driving.key is None:
            raise TypeError("a table without a key passed the rules")
        # What a column is computed from may be what is set.
        repeatable = parts.repeatable and not any(column.is_generated for column in target.columns)
        ledger = None if repeatable else ProgressTable(target.schema)
        return cls(database, query, parts, driving.key, target.indexes, fingerprint, ledger)

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Find the next rows, and give the statement for them."""
        while True:
            query = keyset.next_range_query(self.query, self.parts, self.key, after, rows)
            report = await self.database.run(UnitOfWork((query,), read_only=True))
            found = keyset.parse_range(report.results[0])
            if found is None:
                return None
            fitting = keyset.rows_that_fit(found.rows, found.weight, self.indexes)
            if fitting >= found.rows:
                last = found.rows < rows
                statement = keyset.batch_query(self.query, self.parts, self.key, after, found.last_key)
                return Batch(statement, found.last_key, found.rows, last=last)
            rows = fitting

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:  # noqa: ARG002 - a job's form
        """Raise the error: no part of a statement is left out."""
        raise error


def _known(name: str, facts: TableInfo | None) -> TableInfo:
    if facts is None:
        raise RequestInvalid(f"There is no table {name}.", hint="Call get_schema for the tables there are.")
    return facts


def _refused(objection: Violation, sql: str) -> StatementRefused:
    return StatementRefused(str(locate(objection, sql)), code=objection.rule)
