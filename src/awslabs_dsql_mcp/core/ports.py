"""What the tools need of the world, as protocols."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol

from awslabs_dsql_mcp.core.answers import Answer
from awslabs_dsql_mcp.core.lint import Linted
from awslabs_dsql_mcp.core.loading import Row
from awslabs_dsql_mcp.core.transactions import Report, Unit

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the client how far a call is: what is done, of how much, in words; what is done must grow."""


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


class Linter(Protocol):
    """Says what Aurora DSQL does not take of SQL text."""

    async def lint(self, sql: str, *, fix: bool, timeout: float) -> Linted:
        """Lint a text of any number of statements, within so many seconds.

        Raises:
            RequestInvalid: The text is too large, or not Unicode.
            NotConfigured: There is nothing to lint with.
            TimedOut: It took too long.
        """
        ...


class RowSource(Protocol):
    """Rows to be loaded.

    Attributes:
        columns: Names of their columns, in order.
        identity: The same for the same rows.
    """

    @property
    def columns(self) -> Sequence[str]: ...  # noqa: D102 - above

    @property
    def identity(self) -> str: ...  # noqa: D102 - above

    def rows(self) -> Iterator[Row]:
        """Give each row's values, or why there are none, from the first row on; it blocks."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class RowFiles(Protocol):
    """The operator's folder of files with rows."""

    def open(self, path: str, columns: Sequence[str] | None, null: str) -> RowSource:
        """Open a file; it blocks.

        Args:
            path: Where it is, from the folder.
            columns: Names of its columns if the file does not tell, or the ones to load.
            null: The text of a CSV file's field that is NULL.

        Raises:
            RequestInvalid: It is not there, not within the folder, or of no known form.
            NotConfigured: There is no folder, or nothing that reads this form.
        """
        ...


class AuditTrail(Protocol):
    """Keeps records of calls."""

    @property
    def parameters(self) -> bool:
        """Whether records tell arguments other than SQL."""
        ...

    def write(self, record: Mapping[str, object]) -> None:
        """Keep a record; it raises nothing, since the call is done by then."""
        ...
