"""The error of a table that is not there, with the names that were probably meant."""

from awslabs_dsql_mcp.catalog import queries
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.sql.identifiers import parse_name, suggestion


async def unknown_table(database: Database, name: str) -> RequestInvalid:
    """Make the error; a failure of the look-up must not hide it.

    Args:
        database: Where the table is not.
        name: Its name as SQL.
    """
    hint = "Call get_schema for the tables there are."
    try:
        report = await database.run(UnitOfWork((queries.known_tables(),), read_only=True))
        known = [(str(schema), str(table)) for schema, table in report.results[0].rows]
        hint = suggestion(parse_name(name).table, known)
    except DsqlError:
        pass
    return RequestInvalid(f"There is no table {name}.", code="unknown_table", hint=hint)
