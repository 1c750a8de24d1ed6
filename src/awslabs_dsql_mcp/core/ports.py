"""What the tools need of the world, as protocols."""

from typing import Protocol

from awslabs_dsql_mcp.core.answers import Answer
from awslabs_dsql_mcp.core.transactions import Report, Unit


class Database(Protocol):
    """A cluster that runs units of work."""

    async def run(self, unit: Unit) -> Report:
        """Run a unit of work, again as a whole where that is safe.

        Raises:
            DsqlError: One of `errors`, with the outcome where a transaction was begun.
        """
        ...


class Documentation(Protocol):
    """Reference pages about Aurora DSQL."""

    async def search(self, search_phrase: str, limit: int | None) -> Answer:
        """Find pages by a phrase."""
        ...

    async def read(self, url: str, start_index: int | None, max_length: int | None) -> Answer:
        """Read a page, or a part of it."""
        ...

    async def recommend(self, url: str) -> Answer:
        """Find pages that go with a page."""
        ...
