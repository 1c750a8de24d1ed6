"""The bookkeeping by which a batch that was committed is known, even when COMMIT was never answered.

Each batch inserts a row (run, batch) in its own transaction. The row is there exactly if the batch was
committed; and since the two are its key, a batch can never be committed twice: the second one fails on the
key, however late the first one's COMMIT arrives.
"""

import json
from dataclasses import dataclass
from typing import Final, cast

from awslabs_dsql_mcp.bulk.keyset import Position
from awslabs_dsql_mcp.bulk.resume_token import Progress
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import qualified_name

TABLE: Final = "dsql_mcp_progress"
_RETENTION: Final = "7 days"


@dataclass(frozen=True)
class ProgressTable:
    """The bookkeeping table beside a table that is changed.

    Attributes:
        schema: The schema that both are in.
    """

    schema: str

    @property
    def name(self) -> str:
        """Its name, as SQL."""
        return qualified_name(self.schema, TABLE)

    def create(self) -> Query:
        """Make the table."""
        return Query(
            f"CREATE TABLE IF NOT EXISTS {self.name} (run text, batch integer, work text NOT NULL, "
            "upto text, rows_done bigint NOT NULL, done boolean NOT NULL, "
            "made_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (run, batch))"
        )

    def exists(self) -> Query:
        """Ask whether the table is there."""
        return Query("SELECT to_regclass($1)::text", (self.name,))

    def record_batch(self, work: str, before: Progress, upto: Position, rows: int, *, done: bool) -> Query:
        """Mark a batch as committed; to be the first statement of its transaction.

        Args:
            work: The work's fingerprint.
            before: Where the run was before it.
            upto: The last key in the batch.
            rows: How many rows the batch is expected to change.
            done: Whether it is the last one.
        """
        values = (before.run, before.batches + 1, work, json.dumps(upto), before.rows + rows, done)
        return Query(
            f"INSERT INTO {self.name} (run, batch, work, upto, rows_done, done) "  # noqa: S608 - our own names
            "VALUES ($1::text, $2::int, $3::text, $4::text, $5::bigint, $6::bool)",
            values,
        )

    def last_of_run(self, run: str) -> Query:
        """Ask where a run is."""
        return Query(f"{self._last} WHERE run = $1::text ORDER BY batch DESC LIMIT 1", (run,))

    def last_of_work(self, work: str) -> Query:
        """Ask where the last run of some work is."""
        return Query(f"{self._last} WHERE work = $1::text ORDER BY made_at DESC, batch DESC LIMIT 1", (work,))

    def delete_expired(self) -> Query:
        """Forget the runs of long ago."""
        return Query(
            f"DELETE FROM {self.name} WHERE (run, batch) IN (SELECT run, batch FROM {self.name} "  # noqa: S608 - our own names
            f"WHERE made_at < now() - interval '{_RETENTION}' LIMIT 1000)"
        )

    @property
    def _last(self) -> str:
        return f"SELECT run, batch, upto, rows_done, done FROM {self.name}"  # noqa: S608 - our own names


def parse_progress(result: Result) -> Progress | None:
    """Read the answer to `Ledger.last_of_run` or `Ledger.last_of_work`; ``None`` if nothing is known."""
    if not result.rows:
        return None
    run, batch, upto, rows, done = result.rows[0]
    position = tuple(str(part) for part in cast("list[object]", json.loads(upto or "[]")))
    return Progress(run or "", int(batch or 0), position, int(rows or 0), done == "t")
