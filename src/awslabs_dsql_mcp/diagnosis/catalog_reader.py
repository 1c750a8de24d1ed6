"""Reads what the catalogs tell, and lets a part be missing that a server refuses."""

from collections.abc import Mapping, Sequence
from typing import Final

from awslabs_dsql_mcp.catalog import health
from awslabs_dsql_mcp.catalog.health import SequenceState
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.diagnosis.findings import Catalog
from awslabs_dsql_mcp.errors import DsqlError, PermissionDenied, StatementFailed
from awslabs_dsql_mcp.sql.identifiers import TableName

_PATIENCE: Final = 3.0  # seconds; the caller waits for an error


async def read_catalog(database: Database) -> tuple[Catalog, list[str]]:
    """Read the catalogs.

    Args:
        database: The cluster.

    Returns:
        What they tell, and a sentence for each part that is missing.

    Raises:
        DsqlError: What `Database.run` raises, where the cluster cannot be asked at all.
    """
    missing: list[str] = []
    indexes = await _part(database, health.indexes_query(), "Indexes", missing)
    tables = await _part(database, health.tables_query(), "Tables", missing)
    jobs = await _part(database, health.troubled_jobs_query(), "Jobs", missing)
    sequences = await _part(database, health.sequences_query(), "Sequences", missing)
    return (
        Catalog(
            health.fold_indexes(indexes) if indexes else (),
            health.fold_tables(tables) if tables else (),
            health.fold_sequences(sequences) if sequences else (),
            health.fold_troubled_jobs(jobs) if jobs else (),
        ),
        missing,
    )


async def read_keys(
    database: Database, tables: Sequence[TableName]
) -> tuple[Mapping[TableName, Sequence[str]], Sequence[SequenceState]]:
    """Read the primary keys of tables, and the sequences; nothing where the cluster does not tell them."""
    if not tables:
        return {}, ()
    try:
        names = [table.table for table in tables]
        (indexes,) = await _ask(database, health.indexes_of_query(names), time_limit=_PATIENCE)
    except DsqlError:
        return {}, ()
    try:
        (sequences,) = await _ask(database, health.sequences_query(), time_limit=_PATIENCE)
    except DsqlError:
        return health.primary_keys(health.fold_indexes(indexes)), ()
    return health.primary_keys(health.fold_indexes(indexes)), health.fold_sequences(sequences)


async def _ask(database: Database, *queries: Query, time_limit: float | None = None) -> tuple[Result, ...]:
    unit = UnitOfWork(queries, read_only=True, time_limit=time_limit, unrecorded=True)
    return (await database.run(unit)).results


async def _part(database: Database, query: Query, what: str, missing: list[str]) -> Result | None:
    try:
        (result,) = await _ask(database, query)
    except (StatementFailed, PermissionDenied) as error:
        missing.append(f"{what}: not known. {error.text}")
        return None
    return result
