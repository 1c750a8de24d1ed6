"""A job's row in the progress table, as one call reads and changes it."""

from typing import Final

from awslabs_dsql_mcp.bulk.jobs import progress_table
from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable, Record
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, NoRowChanged, PermissionDenied, RequestInvalid, StatementFailed

_UNDEFINED_COLUMN: Final = "42703"
_ABOUT_THE_ROW: Final = frozenset({"23505", "42P01"})  # unique violation, undefined table


class StateRecord:
    """A job's row, whose state is changed by comparison with the one before.

    Args:
        database: The cluster.
        table: The progress table.
        job: Fingerprint of the job.

    Attributes:
        row: The row as last read or changed; ``None`` without one.
        table: The progress table.
    """

    def __init__(self, database: Database, table: ProgressTable, job: str) -> None:
        self.row: Record | None = None
        self.table = table
        self._database = database
        self._job = job
        self._table_exists = False
        self._is_prepared = False

    async def read(self) -> None:
        """Read the row.

        Raises:
            RequestInvalid: A table of this name is not the progress table.
            DsqlError: What `Database.run` raises.
        """
        self._table_exists = await self._exists()
        self.row = None
        if not self._table_exists:
            return
        try:
            found = await self._run(self.table.find(self._job), read_only=True)
        except StatementFailed as error:
            if error.sqlstate == _UNDEFINED_COLUMN:
                raise RequestInvalid(
                    f"{self.table.name} is not this server's table of that name: its columns are others.",
                    hint="Rename or drop it.",
                ) from error
            if not is_about_record(error):
                raise
            self._table_exists = False
        else:
            self.row = progress_table.parse_record(found)

    async def read_others(self) -> list[tuple[str, str]]:
        """Read the fingerprints and states of other jobs of the same subject; `read` comes first.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        subject, dash, _ = self._job.partition("-")
        if not dash or not self._table_exists:
            return []
        found = await self._run(self.table.find_others(subject, self._job), read_only=True)
        return [(str(job), str(state)) for job, state in found.rows]

    async def prepare(self) -> None:
        """Make the table, or delete its expired rows.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        if self._is_prepared and self._table_exists:
            return
        try:
            await self._run(self.table.delete_expired() if self._table_exists else self.table.create())
        except StatementFailed:
            # Another server may have made it at the same moment.
            if self._table_exists or not await self._exists():
                raise
        self._table_exists = self._is_prepared = True

    async def delete(self) -> None:
        """Delete the row.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        if self._table_exists:
            await self._run(self.table.delete(self._job))
        self.row = None

    async def drop_unused_table(self) -> bool:
        """Drop the table if nothing in it is kept any longer; return true if it was dropped."""
        if not self._table_exists:
            return False
        await self._run(self.table.delete_expired())
        if (await self._run(self.table.is_empty(), read_only=True)).rows[0][0] != "t":
            return False
        await self._run(self.table.drop())
        self._table_exists = False
        return True

    def change_state(self, after: str, *, done: bool) -> Query:
        """Statement that records a state, the first of its transaction; it must change a row."""
        return self.table.change(self._job, None if self.row is None else self.row.state, after, done=done)

    def state_changed(self, after: str) -> None:
        """Take note that the statement of `change_state` was committed."""
        self.row = Record(after, "", expired=False)

    async def _exists(self) -> bool:
        return (await self._run(self.table.exists(), read_only=True)).rows[0][0] is not None

    async def _run(self, query: Query, *, read_only: bool = False) -> Result:
        try:
            return (await self._database.run(UnitOfWork((query,), read_only))).results[0]
        except PermissionDenied as error:
            error.hint = (
                f"Nothing may be applied twice, so the job is recorded in {self.table.name}: ask the "
                f"operator to run {self.table.create().sql}; and to GRANT SELECT, INSERT, UPDATE, DELETE "
                "on it."
            )
            raise


def is_about_record(error: DsqlError) -> bool:
    """Return true if a transaction failed because its job's row or table is not as expected."""
    return isinstance(error, NoRowChanged) or (
        error.sqlstate in _ABOUT_THE_ROW and PROGRESS_TABLE in error.message
    )
