"""The schema tool."""

import secrets

from awslabs_dsql_mcp.core import catalog
from awslabs_dsql_mcp.core.answers import Answer, fence
from awslabs_dsql_mcp.core.ports import Database
from awslabs_dsql_mcp.core.transactions import Unit


async def get_schema(database: Database, table_name: str) -> Answer:
    """Describe a table: columns, constraints, indexes; in one round trip.

    Args:
        database: Where.
        table_name: ``table`` or ``schema.table``, quoted or not.

    Raises:
        RequestInvalid: It is no name, or no table has it.
        DsqlError: What `Database.run` raises.
    """
    name = catalog.parse_name(table_name)
    report = await database.run(Unit(catalog.queries(name), read_only=True))
    tables = catalog.describe(name, report.results)
    text = fence(catalog.text_of(tables), kind="schema", mark=secrets.token_hex(4))
    return Answer(text, {"tables": tables})
