"""One UPDATE, DELETE or INSERT … SELECT as a job of many transactions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from awslabs_dsql_mcp.bulk.jobs.batch_job import Batch
from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.jobs.resume_token import fingerprint
from awslabs_dsql_mcp.bulk.splitting import cascades, keyset, split_catalog, split_rules, table_info
from awslabs_dsql_mcp.bulk.splitting.keyset import Key, Position
from awslabs_dsql_mcp.bulk.splitting.repeatability import is_repeatable
from awslabs_dsql_mcp.bulk.splitting.split_rules import SplitContext
from awslabs_dsql_mcp.bulk.splitting.splitter import SplitStatement, split
from awslabs_dsql_mcp.bulk.splitting.table_info import TableInfo
from awslabs_dsql_mcp.catalog.unknown_table import unknown_table
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import StatementFailed, StatementRefused
from awslabs_dsql_mcp.guard.refusal import Violation, locate
from awslabs_dsql_mcp.sql import parser

_SUBJECT: Final = 12


@dataclass(frozen=True)
class StatementJob:
    """A statement that is split by a key: a `BatchJob`.

    Attributes:
        database: Where it runs.
        query: The statement.
        parts: The statement, taken apart.
        key: The primary key of the table that drives it.
        target: The changed table.
        driving: The table that drives it.
        fingerprint: Fingerprint of the job.
        progress_table: Where its batches are recorded.
        repeatable: Each batch can be repeated without harm.
    """

    database: Database
    query: Query
    parts: SplitStatement
    key: Key
    target: TableInfo
    driving: TableInfo
    fingerprint: str
    progress_table: ProgressTable
    repeatable: bool

    @property
    def fails_if_repeated(self) -> bool:
        """False: a key may refuse a repetition, or not."""
        return False

    @property
    def content(self) -> str:
        """Nothing: the fingerprint has all."""
        return ""

    @property
    def correction(self) -> str:
        """Sentence on the rows that are done."""
        return (
            "A corrected statement is another job, and changes again the rows that are done, unless its "
            f"WHERE leaves them out by the key ({', '.join(self.key.columns)})."
        )

    def sets(self, columns: Sequence[str]) -> bool:
        """Return true if it is an UPDATE that sets one of some columns."""
        targets = self.parts.tree.root.get("targetList", ())
        return any(target["ResTarget"].get("name") in columns for target in targets)

    def may_set(self, columns: Sequence[str]) -> bool:
        """Return true if it is an INSERT that sets one of some columns of a row that is there."""
        targets = self.parts.tree.root.get("onConflictClause", {}).get("targetList", ())
        return any(target["ResTarget"].get("name") in columns for target in targets)

    @classmethod
    async def plan(cls, database: Database, query: Query, cluster: str) -> "StatementJob":
        """Take a statement apart, and check with the catalog that it can run in batches.

        Args:
            database: Where it runs.
            query: The statement.
            cluster: Name of the cluster: a resume token is good on no other.

        Raises:
            RequestInvalid: A table does not exist.
            StatementRefused: It cannot be split.
            DsqlError: What `Database.run` raises.
        """
        parts = await asyncio.to_thread(split, query.sql)
        if isinstance(parts, Violation):
            raise _refused(parts, query.sql)
        context = await _context(database, parts)
        if (violation := split_rules.check(context)) is not None:
            raise _refused(violation, query.sql)
        target, driving = context.target, context.driving
        if driving.key is None:
            raise TypeError("a table without a key passed the rules")
        key = driving.key.renamed(dict(zip(context.driving_definitions, parts.column_aliases, strict=False)))
        # What a column is computed from may be what is set.
        generated = parts.kind == "UPDATE" and any(column.is_generated for column in target.columns)
        repeatable = not generated and is_repeatable(parts.tree, context.definitions)
        words = [token.text for token in parser.tokens(query.sql) if token.text != ";"]
        # The tables that its names mean follow from the role and its search_path.
        oids = [table.oid for table in (target, driving, *context.reads)]
        subject = fingerprint([cluster, "batch_write", parts.kind, target.oid])[:_SUBJECT]
        work = f"{subject}-{fingerprint([context.role, words, query.params, oids])}"
        table = ProgressTable(target.schema)
        return cls(database, query, parts, key, target, driving, work, table, repeatable)

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Find the next rows, and give the statement for them."""
        while True:
            query = keyset.next_range_query(self.query, self.parts, self.key, after, rows)
            report = await self.database.run(UnitOfWork((query,), read_only=True))
            found = keyset.parse_range(report.results[0])
            if found is None:
                return None
            fitting = keyset.rows_that_fit(found.rows, found.weight, self.target.indexes)
            if fitting >= found.rows:
                statement = keyset.batch_query(self.query, self.parts, self.key, after, found.last_key)
                return Batch(statement, found.last_key, found.rows, last=found.last, weight=found.weight)
            rows = fitting

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:  # noqa: ARG002 - a job's form
        """Raise the error: no part of a statement is left out."""
        raise error

    def stored(self, batch: Batch, result: Result) -> None:
        """Do nothing: the runner counts."""

    def describe(self, position: Position) -> str:
        """Describe a position: a key."""
        return f"key ({', '.join(position)})"


async def _context(database: Database, parts: SplitStatement) -> SplitContext:
    """Read from the catalog what the rules need."""
    names = list(dict.fromkeys((parts.target, parts.driving, *parts.reads)))
    queries = (
        *map(table_info.table_info_query, names),
        cascades.foreign_keys_query(),
        split_catalog.columns_query(parts.target),
        split_catalog.columns_query(parts.driving),
        Query("SELECT current_user"),
    )
    *found, keys, target, driving, role = (await database.run(UnitOfWork(queries, read_only=True))).results
    tables = {name: await _known(database, name, result) for name, result in zip(names, found, strict=True)}
    context = SplitContext(
        parts,
        tables[parts.target],
        tables[parts.driving],
        [tables[name] for name in parts.reads],
        cascades.parse_foreign_keys(keys),
        split_catalog.parse_columns(target),
        split_catalog.parse_columns(driving),
        role=str(role.rows[0][0]),
    )
    query = split_catalog.functions_query(split_rules.function_names(context))
    report = await database.run(UnitOfWork((query,), read_only=True))
    return replace(context, functions=split_catalog.parse_functions(report.results[0]))


async def _known(database: Database, name: str, result: Result) -> TableInfo:
    facts = table_info.parse_table_info(result)
    if facts is None:
        raise await unknown_table(database, name)
    return facts


def _refused(objection: Violation, sql: str) -> StatementRefused:
    return locate(objection, sql).to_error()
