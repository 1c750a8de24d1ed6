"""Sequences that stand behind the numbers that a run of a plan has stored in their columns.

A script may give numbers without moving the sequence, in PostgreSQL as here; a row without one then fails.
"""

import re
from typing import Final

from awslabs_dsql_mcp.catalog import key_sequences
from awslabs_dsql_mcp.catalog.key_sequences import KeySequence
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.sql.identifiers import WRITTEN_NAME, quote_identifier

_INSERT: Final = re.compile(rf"\s*INSERT\s+INTO\s+({WRITTEN_NAME})", re.IGNORECASE)
_MOST: Final = 50  # tables that are looked at, and columns of them


async def sequences_behind(database: Database, plan: MigrationPlan) -> list[KeySequence]:
    """Find the columns whose next number from their sequence is taken, in the tables that a plan fills.

    Args:
        database: Where the plan has run.
        plan: The plan.

    Returns:
        Those of the first 50 tables and columns.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    queries = (query for step in plan.steps for query in step.queries)
    filled = list(dict.fromkeys(found[1] for query in queries if (found := _INSERT.match(query))))[:_MOST]
    if not filled:
        return []
    looked = await database.run(UnitOfWork(tuple(map(key_sequences.of_table, filled)), read_only=True))
    found = [one for result in looked.results for one in key_sequences.parse(result)][:_MOST]
    if not found:
        return []
    asked = await database.run(UnitOfWork(tuple(map(_is_behind, found)), read_only=True))
    return [
        one
        for one, result in zip(found, asked.results, strict=True)
        if result.rows and result.rows[0][0] == "t"
    ]


def _is_behind(one: KeySequence) -> Query:
    # A sequence that descends stands below zero, and its numbers are not looked at.
    largest = f"(SELECT max({quote_identifier(one.column)}) FROM {one.table})"  # noqa: S608 - names from the catalog
    return Query(
        f"SELECT last_value > 0 AND ({largest} > last_value OR {largest} = last_value AND NOT is_called) "  # noqa: S608 - likewise
        f"FROM {one.sequence}"
    )
