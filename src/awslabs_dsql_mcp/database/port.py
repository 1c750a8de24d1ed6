"""Protocol of a cluster, for the tools."""

from typing import Protocol

from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork


class Database(Protocol):
    """A cluster that runs units of work."""

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work; retry it as a whole where that is safe.

        Raises:
            DsqlError: One of `errors`, with the outcome if a transaction was begun.
        """
        ...
