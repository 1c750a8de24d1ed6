"""Record of a batch job in the progress table: its resume token is the state."""

from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, encode
from awslabs_dsql_mcp.bulk.jobs.state_record import StateRecord
from awslabs_dsql_mcp.bulk.splitting.keyset import Position
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import RequestInvalid


class RecordLost(RequestInvalid):
    """The record of a run is gone, or is not as the run left it: what was applied since is unknown."""

    code = "progress_lost"


class RunRecord(StateRecord):
    """A batch job's row."""

    @property
    def progress(self) -> Progress | None:
        """Progress in the row.

        Raises:
            RecordLost: The row was changed by somebody else.
        """
        if self.row is None:
            return None
        try:
            return decode(self.row.state, self._job)
        except RequestInvalid:
            raise self.lost("was changed") from None

    async def other(self, content: Position | None) -> tuple[Progress, str] | None:
        """Find another job of the same subject that is unfinished, or was finished with some content.

        Args:
            content: Position at the end of a job that was finished with it.

        Returns:
            Progress and resume token of the last one; ``None`` if there is none.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        for job, state in await self.read_others():
            try:
                progress = decode(state, job)
            except RequestInvalid:  # changed by somebody else
                continue
            if not progress.done or (content is not None and progress.after == content):
                return progress, state
        return None

    def change(self, after: Progress) -> Query:
        """Statement that records a batch."""
        return self.change_state(encode(self._job, after), done=after.done)

    def changed(self, after: Progress) -> None:
        """Take note that the statement of `change` was committed."""
        self.state_changed(encode(self._job, after))

    def lost(self, why: str) -> RecordLost:
        """Error of a record that is not as this run left it."""
        return RecordLost(
            f"The progress of this run in {self.table.name} {why}, so it is unknown which rows are done.",
            hint="Query for what is done, and write a WHERE for the other rows; or, to apply it to all rows "
            "again: resume='new'.",
            outcome="unknown",
        )
