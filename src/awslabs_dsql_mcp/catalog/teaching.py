"""Errors that name what was meant."""

from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import PermissionDenied, StatementFailed


class SuggestingDatabase:
    """A database whose errors about names say which names there are.

    Args:
        database: What runs the units.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work.

        Raises:
            DsqlError: What the database raises; of an unknown table or column, and of a missing privilege on
                a table, with a hint that names them.
        """
        try:
            return await self._database.run(unit)
        except (StatementFailed, PermissionDenied) as error:
            from awslabs_dsql_mcp.catalog.suggestions import NameSuggester  # noqa: PLC0415 - only behind a failure

            error.hint = await NameSuggester(self._database).hint(error, unit) or error.hint
            raise
