"""Record of a job in the progress table, as one call reads and changes it."""

from typing import Final

from awslabs_dsql_mcp.bulk.jobs import progress_table
from awslabs_dsql_mcp.bulk.jobs.progress_table import ProgressTable, Record
from awslabs_dsql_mcp.bulk.jobs.resume_token import Progress, decode, encode
from awslabs_dsql_mcp.catalog.model import PROGRESS_TABLE
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError, NoRowChanged, PermissionDenied, RequestInvalid, StatementFailed

_UNDEFINED_COLUMN: Final = "42703"
_ABOUT_THE_ROW: Final = frozenset({"23505", "42P01"})  # unique violation, undefined table


class RecordLost(RequestInvalid):
    """The record of a run is gone, or is not as the run left it: what was applied since is unknown."""

    code = "progress_lost"


class RunRecord:
    """A job's row.

    Args:
        database: The cluster.
        table: The progress table.
        fingerprint: Fingerprint of the job.

    Attributes:
        row: The row as last read or changed; ``None`` without one.
    """

    def __init__(self, database: Database, table: ProgressTable, fingerprint: str) -> None:
        self.row: Record | None = None
        self._database = database
        self._table = table
        self._fingerprint = fingerprint
        self._table_exists = False
        self._is_prepared = False

    @property
    def progress(self) -> Progress | None:
        """Progress in the row.

        Raises:
            RecordLost: The row was changed by somebody else.
        """
        if self.row is None:
            return None
        try:
            return decode(self.row.state, self._fingerprint)
        except RequestInvalid:
            raise self.lost("was changed") from None

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
            found = await self._run(self._table.find(self._fingerprint), read_only=True)
        except StatementFailed as error:
            if error.sqlstate == _UNDEFINED_COLUMN:
                raise RequestInvalid(
                    f"{self._table.name} is not this server's table of that name: its columns are others.",
                    hint="Rename or drop it.",
                ) from error
            if not is_about_record(error):
                raise
            self._table_exists = False
        else:
            self.row = progress_table.parse_record(found)

    async def prepare(self) -> None:
        """Make the table, or delete its expired rows.

        Raises:
            DsqlError: What `Database.run` raises.
        """
        if self._is_prepared and self._table_exists:
            return
        try:
            await self._run(self._table.delete_expired() if self._table_exists else self._table.create())
        except StatementFailed:
            # Another server may have made it at the same moment.
            if self._table_exists or not await self._exists():
                raise
        self._table_exists = self._is_prepared = True

    async def drop_unused_table(self) -> bool:
        """Drop the table if nothing in it is kept any longer; return true if it was dropped."""
        if not self._table_exists:
            return False
        await self._run(self._table.delete_expired())
        if (await self._run(self._table.is_empty(), read_only=True)).rows[0][0] != "t":
            return False
        await self._run(self._table.drop())
        return True

    def change(self, after: Progress) -> Query:
        """Statement that records a batch."""
        before = None if self.row is None else self.row.state
        return self._table.change(self._fingerprint, before, self._state(after), done=after.done)

    def changed(self, after: Progress) -> None:
        """Take note that the statement of `change` was committed."""
        self.row = Record(self._state(after), "", expired=False)

    def lost(self, why: str) -> RecordLost:
        """Error of a record that is not as this run left it."""
        return RecordLost(
            f"The progress of this run in {self._table.name} {why}, so it is unknown which rows are done.",
            hint="Query for what is done, and write a WHERE for the other rows; or, to apply it to all rows "
            "again: resume='new'.",
        )

    async def _exists(self) -> bool:
        return (await self._run(self._table.exists(), read_only=True)).rows[0][0] is not None

    def _state(self, progress: Progress) -> str:
        return encode(self._fingerprint, progress)

    async def _run(self, query: Query, *, read_only: bool = False) -> Result:
        try:
            return (await self._database.run(UnitOfWork((query,), read_only))).results[0]
        except PermissionDenied as error:
            error.hint = (
                f"A batch must not be applied twice, so its run is recorded in {self._table.name}: ask the "
                f"operator to run {self._table.create().sql}; and to GRANT SELECT, INSERT, UPDATE, DELETE "
                "on it."
            )
            raise


def is_about_record(error: DsqlError) -> bool:
    """Return true if a batch failed because its job's row or table is not as expected."""
    return isinstance(error, NoRowChanged) or (
        error.sqlstate in _ABOUT_THE_ROW and PROGRESS_TABLE in error.message
    )
