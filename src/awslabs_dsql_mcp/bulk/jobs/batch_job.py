"""Jobs that are run in batches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import StatementFailed


@dataclass(frozen=True)
class Batch:
    """The changes of one transaction.

    Attributes:
        query: The statement; ``None`` if nothing remains to be changed.
        last_key: The key of its last row.
        rows: Expected number of rows changed.
        last: It is the last batch.
        counts: What the job counts of its rows, by a short name: `Progress` sums it up.
        weight: Size of the rows that it goes by as text, in bytes, where that was measured.
    """

    query: Query | None
    last_key: Position
    rows: int
    last: bool
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    weight: int = 0


class BatchJob(Protocol):
    """A job that is run in batches.

    Attributes:
        fingerprint: Identifies the job: the same for the same statement, values and options. What is before
            its first dash is the same for jobs that may do the same work, such as a corrected statement.
        progress_table: Table that records its batches.
        repeatable: Its batches can be repeated safely, and are not recorded.
        fails_if_repeated: The whole of it, in one transaction, is refused where it has been done: by a key.
        content: Digest of rows that may be corrected in the course of the job: a finished one is done for
            those that it ended with. Empty for a job that its fingerprint says all of.
        correction: A sentence on what a corrected form of the job would do to rows that are done; empty if
            that form goes on behind them.
    """

    @property
    def fingerprint(self) -> str: ...  # noqa: D102 - above

    @property
    def progress_table(self) -> ProgressTable: ...  # noqa: D102 - above

    @property
    def repeatable(self) -> bool: ...  # noqa: D102 - above

    @property
    def fails_if_repeated(self) -> bool: ...  # noqa: D102 - above

    @property
    def content(self) -> str: ...  # noqa: D102 - above

    @property
    def correction(self) -> str: ...  # noqa: D102 - above

    async def next_batch(self, after: Position | None, rows: int) -> Batch | None:
        """Return the next batch after a key, of a maximum number of rows; ``None`` if no rows remain."""
        ...

    async def repair(self, batch: Batch, error: StatementFailed) -> Batch:
        """Shorten a batch to the rows before one that cannot be stored, or raise the error."""
        ...

    def stored(self, batch: Batch, result: Result) -> None:
        """Take the result of a batch that was committed; not called if its outcome was unknown."""
        ...

    def describe(self, position: Position) -> str:
        """Describe a position for the reader, such as ``row 2,900``."""
        ...
