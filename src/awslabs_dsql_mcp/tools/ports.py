"""What the tools need of the world, as protocols."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from awslabs_dsql_mcp.lint.model import LintReport
from awslabs_dsql_mcp.output.tool_output import ToolOutput

Progress = Callable[[float, float | None, str | None], Awaitable[None]]
"""Tells the client how far a call is: what is done, of how much, in words; what is done must grow."""


class Documentation(Protocol):
    """Reference pages about Aurora DSQL."""

    async def search(self, search_phrase: str, limit: int | None) -> ToolOutput:
        """Find pages by a phrase."""
        ...

    async def read(self, url: str, start_index: int | None, max_length: int | None) -> ToolOutput:
        """Read a page, or a part of it."""
        ...

    async def recommend(self, url: str) -> ToolOutput:
        """Find pages that go with a page."""
        ...


class Linter(Protocol):
    """Says what Aurora DSQL does not take of SQL text."""

    async def lint(self, sql: str, *, fix: bool, timeout: float) -> LintReport:
        """Lint a text of any number of statements, within so many seconds.

        Raises:
            RequestInvalid: The text is too large, or not Unicode.
            NotConfigured: There is nothing to lint with.
            TimedOut: It took too long.
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
