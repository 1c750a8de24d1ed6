"""What tools need of a cluster."""

from typing import Protocol

from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork


class Database(Protocol):
    """A cluster that runs units of work."""

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work, again as a whole where that is safe.

        Raises:
            DsqlError: One of `errors`, with the outcome where a transaction was begun.
        """
        ...
