"""Table that records the progress of jobs whose batches must not run twice.

A job has one row, which each batch changes in its own transaction, from the state before it to the state
behind it. A batch that finds another state is rolled back: so none is applied twice, however late a lost
COMMIT takes effect, and whoever else runs the same job. The state is the resume token, which holds the key of
the last row while the job is unfinished, and no data of rows when it is finished.
"""

from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.sql.identifiers import qualified_name

KEPT_FINISHED: Final = "1 day"
KEPT_UNFINISHED: Final = "7 days"

RESTART: Final = "new"
"""The handle that starts over, whatever is recorded of earlier runs."""

_MOST_DELETED: Final = 1000  # rows in one transaction


@dataclass(frozen=True)
class Record:
    """A job's row.

    Attributes:
        state: Its resume token.
        changed_at: Time of its last change, to the second.
        expired: It is kept no longer.
    """

    state: str
    changed_at: str
    expired: bool


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
        return qualified_name(self.schema, PROGRESS_TABLE)

    def create(self) -> Query:
        """Statement that creates the table."""
        return Query(
            f"CREATE TABLE IF NOT EXISTS {self.name} (job text PRIMARY KEY, state text NOT NULL, "
            "changed_at timestamptz NOT NULL, keep_until timestamptz NOT NULL)"
        )

    def drop(self) -> Query:
        """Statement that drops the table."""
        return Query(f"DROP TABLE IF EXISTS {self.name}")

    def exists(self) -> Query:
        """Query for the table's existence."""
        return Query("SELECT to_regclass($1)::text", (self.name,))

    def is_empty(self) -> Query:
        """Query for the absence of rows."""
        return Query(f"SELECT NOT EXISTS (SELECT FROM {self.name})")  # noqa: S608 - our own name

    def find(self, job: str) -> Query:
        """Query for a job's row."""
        changed_at = "to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'"
        return Query(
            f"SELECT state, {changed_at}, keep_until < now() FROM {self.name} WHERE job = $1::text",  # noqa: S608 - our own name
            (job,),
        )

    def find_others(self, subject: str, job: str) -> Query:
        """Query for the rows of other jobs whose fingerprints begin with the same subject, the last first."""
        return Query(
            f"SELECT job, state FROM {self.name} WHERE job LIKE $1::text || '-%' AND job <> $2::text "  # noqa: S608 - our own name
            "AND keep_until >= now() ORDER BY changed_at DESC",
            (subject, job),
        )

    def change(self, job: str, before: str | None, after: str, *, done: bool) -> Query:
        """Statement that changes a job's state, the first of a batch's transaction; it must change a row.

        Args:
            job: Fingerprint of the job.
            before: The state before the batch; ``None`` if the job has no row.
            after: The state behind it.
            done: The batch is the last one.
        """
        keep_until = f"now() + interval '{KEPT_FINISHED if done else KEPT_UNFINISHED}'"
        if before is None:
            return Query(
                f"INSERT INTO {self.name} (job, state, changed_at, keep_until) "  # noqa: S608 - our own name
                f"VALUES ($1::text, $2::text, now(), {keep_until})",
                (job, after),
            )
        return Query(
            f"UPDATE {self.name} SET state = $3::text, changed_at = now(), keep_until = {keep_until} "  # noqa: S608 - our own name
            "WHERE job = $1::text AND state = $2::text",
            (job, before, after),
        )

    def delete(self, job: str) -> Query:
        """Statement that deletes a job's row."""
        return Query(f"DELETE FROM {self.name} WHERE job = $1::text", (job,))  # noqa: S608 - our own name

    def delete_expired(self) -> Query:
        """Statement that deletes expired rows."""
        return Query(
            f"DELETE FROM {self.name} WHERE job IN (SELECT job FROM {self.name} "  # noqa: S608 - our own name
            f"WHERE keep_until < now() LIMIT {_MOST_DELETED})"
        )


def parse_record(result: Result) -> Record | None:
    """Convert the result of `ProgressTable.find`; ``None`` without a row."""
    if not result.rows:
        return None
    state, changed_at, expired = result.rows[0]
    return Record(str(state), str(changed_at), expired == "t")
