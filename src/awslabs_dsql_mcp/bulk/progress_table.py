"""Table that records committed batches, so that each is applied once even if COMMIT gets no answer.

Each batch inserts a row (run, batch) in its own transaction. The row exists if and only if the batch was
committed. As the pair is the primary key, a batch cannot be committed twice: the second attempt fails with a
unique violation, however late the first COMMIT takes effect.
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
    """The progress table in a schema.

    Attributes:
        schema: The schema, which is that of the changed table.
    """

    schema: str

    @property
    def name(self) -> str:
        """Qualified name, as SQL."""
        return qualified_name(self.schema, TABLE)

    def create(self) -> Query:
        """Statement that creates the table."""
        return Query(
            f"CREATE TABLE IF NOT EXISTS {self.name} (run text, batch integer, work text NOT NULL, "
            "upto text, rows_done bigint NOT NULL, done boolean NOT NULL, "
            "made_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (run, batch))"
        )

    def exists(self) -> Query:
        """Query for the table's existence."""
        return Query("SELECT to_regclass($1)::text", (self.name,))

    def record_batch(
        self, fingerprint: str, before: Progress, last_key: Position, rows: int, *, done: bool
    ) -> Query:
        """Statement that records a batch; the first statement of the batch's transaction.

        Args:
            fingerprint: Fingerprint of the job.
            before: Progress of the run before the batch.
            last_key: The last key in the batch.
            rows: Expected number of rows changed.
            done: The batch is the last one.
        """
        values = (before.run, before.batches + 1, fingerprint, json.dumps(last_key), before.rows + rows, done)
        return Query(
            f"INSERT INTO {self.name} (run, batch, work, upto, rows_done, done) "  # noqa: S608 - our own names
            "VALUES ($1::text, $2::int, $3::text, $4::text, $5::bigint, $6::bool)",
            values,
        )

    def last_of_run(self, run: str) -> Query:
        """Query for the last batch of a run."""
        return Query(f"{self._last} WHERE run = $1::text ORDER BY batch DESC LIMIT 1", (run,))

    def last_with_fingerprint(self, fingerprint: str) -> Query:
        """Query for the last batch of the last run of a job."""
        return Query(
            f"{self._last} WHERE work = $1::text ORDER BY made_at DESC, batch DESC LIMIT 1", (fingerprint,)
        )

    def delete_expired(self) -> Query:
        """Statement that deletes expired rows."""
        return Query(
            f"DELETE FROM {self.name} WHERE (run, batch) IN (SELECT run, batch FROM {self.name} "  # noqa: S608 - our own names
            f"WHERE made_at < now() - interval '{_RETENTION}' LIMIT 1000)"
        )

    @property
    def _last(self) -> str:
        return f"SELECT run, batch, upto, rows_done, done FROM {self.name}"  # noqa: S608 - our own names


def parse_progress(result: Result) -> Progress | None:
    """Convert the result of `last_of_run` or `last_with_fingerprint`; ``None`` without a row."""
    if not result.rows:
        return None
    run, batch, upto, rows, done = result.rows[0]
    position = tuple(str(part) for part in cast("list[object]", json.loads(upto or "[]")))
    return Progress(run or "", int(batch or 0), position, int(rows or 0), done == "t")
