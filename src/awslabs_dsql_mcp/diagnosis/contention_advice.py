"""The next step behind a conflict that is given up, by what this server saw of others like it."""

from awslabs_dsql_mcp.database.activity import ActivityRecord
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.diagnosis.catalog_reader import read_keys
from awslabs_dsql_mcp.diagnosis.contention import advice, tables_of
from awslabs_dsql_mcp.diagnosis.rows import REPEATED

_MINUTES = 15


async def contention_advice(database: Database, activity: ActivityRecord, unit: UnitOfWork) -> str | None:
    """Word the next step, with a look at the keys of the tables; `None` if there were too few conflicts.

    Args:
        database: The cluster.
        activity: What this server saw on it.
        unit: What was given up.
    """
    seen = activity.seen(_MINUTES)
    if seen.conflicts < REPEATED:
        return None
    shapes = activity.shapes(unit)
    keys, sequences = await read_keys(database, tables_of(shapes))
    return advice(seen, shapes, keys, sequences)
