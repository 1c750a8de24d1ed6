"""Rules of Aurora DSQL for one transaction, up to its COMMIT; without I/O.

Sources: Aurora DSQL user guide, "DDL and distributed transactions", "Concurrency control", "Cluster quotas
and database limits"; records of live clusters from July to October 2026.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TableName, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.session.private_copies import NO_COPIES, Surroundings, is_exact
from awslabs_dsql_mcp.local_cluster.session.state import (
    BLOCK,
    CONTENT,
    IN_BLOCK,
    IN_FAILED_BLOCK,
    Block,
    BlockEvent,
    Content,
    ContentEvent,
    Machine,
)

DATA_CONFLICT: Final = Refusal("40001", "change conflicts with another transaction (OC000)")
CATALOG_CONFLICT: Final = Refusal("40001", "schema has been updated by another transaction (OC001)")
_MULTIPLE_DDL: Final = Refusal("0A000", "multiple ddl statements not supported in a transaction")
_DDL_WITH_DML: Final = Refusal("0A000", "ddl and dml are not supported in the same transaction")
_CONTENT_EVENTS: Final = {
    StatementKind.READ: ContentEvent.READ,
    StatementKind.LOCK: ContentEvent.READ,
    StatementKind.WRITE: ContentEvent.WRITE,
    StatementKind.DDL: ContentEvent.DDL,
}


class Now(NamedTuple):
    """A moment, as transactions measure it.

    Attributes:
        seconds: A monotonic clock.
        catalog: Number of changes of the catalog since the cluster was started.
        commits: Number of commits that changed data or locked rows.
    """

    seconds: float
    catalog: int
    commits: int = 0


@dataclass(eq=False)
class SessionTransaction:
    """One transaction of a session.

    Attributes:
        began: The moment of its first statement.
        block: Its state.
        content: The kind of statements that it has run.
        savepoints: Number of the session's own savepoints in it, one inside of the other.
        pending_error: The reason why it cannot be committed, reported at COMMIT or before.
        locked: Names of tables of which it has locked rows.
        concurrent_lockers: Transactions that may have locked rows which this one changes.
        copied_tables: Tables of which it has a private copy, since its changes conflict with another's.
        surroundings: What those copies lack.
    """

    began: Now
    block: Machine[Block, BlockEvent] = field(default_factory=lambda: Machine(BLOCK, Block.IMPLICIT))
    content: Machine[Content, ContentEvent] = field(default_factory=lambda: Machine(CONTENT, Content.EMPTY))
    savepoints: int = 0
    pending_error: Refusal | None = None
    locked: set[str] = field(default_factory=set[str])
    concurrent_lockers: list["SessionTransaction"] = field(default_factory=list["SessionTransaction"])
    copied_tables: set[TableName] = field(default_factory=set[TableName])
    surroundings: Surroundings = NO_COPIES

    @property
    def is_explicit(self) -> bool:
        """True of a block that began with BEGIN and has not ended."""
        return self.block.state in IN_BLOCK

    @property
    def has_failed(self) -> bool:
        """True of a block that only ROLLBACK or COMMIT ends."""
        return self.block.state in IN_FAILED_BLOCK

    @property
    def has_ended(self) -> bool:
        """True of one that is committed, or can only be rolled back."""
        return self.has_failed or self.block.state in (Block.COMMITTED, Block.UNDONE)

    def refuse(self, statement: TranslatedStatement, now: Now) -> Refusal | None:
        """Return the reason why a statement cannot run in it; take note of one that can."""
        event = _CONTENT_EVENTS.get(statement.kind)
        if self.copied_tables and not is_exact(statement, self.surroundings):
            self.pending_error = self.pending_error or DATA_CONFLICT
        if self.block.state is Block.LOST and event is not None:
            return self.pending_error
        if self.is_explicit and statement.not_in_block:
            what = "CALL" if statement.kind is StatementKind.CALL else "ANALYZE"
            return Refusal("25001", f"{what} cannot run inside a transaction block")
        return self._add(event, statement, now) if event is not None else None

    def _add(self, event: ContentEvent, statement: TranslatedStatement, now: Now) -> Refusal | None:
        if not self.content.allows(event):
            both_ddl = event is ContentEvent.DDL and self.content.state is Content.SCHEMA
            return _MULTIPLE_DDL if both_ddl else _DDL_WITH_DML
        first = self.content.state is Content.EMPTY
        self.content.on(event)
        if first and now.catalog != self.began.catalog:
            return CATALOG_CONFLICT
        if statement.kind is StatementKind.LOCK:
            self.locked.update(table.name for table in statement.writes)
        return None

    def refuse_commit(self, now: Now, max_seconds: float) -> Refusal | None:
        """Return the reason why it cannot be committed.

        Args:
            now: The time and the catalog.
            max_seconds: Maximum age of a transaction.
        """
        if self.pending_error:
            return self.pending_error
        if any(locker.block.state is Block.COMMITTED for locker in self.concurrent_lockers):
            return DATA_CONFLICT
        if self.content.state is not Content.EMPTY and now.catalog != self.began.catalog:
            return CATALOG_CONFLICT
        age = now.seconds - self.began.seconds
        return too_old(age, max_seconds) if age > max_seconds else None


def too_old(age: float, max_seconds: float) -> Refusal:
    """Return the error of a transaction of an age, in seconds."""
    limit = f"{max_seconds:g}s"
    detail = f"Current transaction age {age:.0f}s exceeds {limit}"
    return Refusal("54000", f"transaction age limit of {limit} exceeded", detail=detail)
