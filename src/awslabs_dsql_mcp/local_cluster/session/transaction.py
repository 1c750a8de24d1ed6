"""What Aurora DSQL allows a transaction, and what it says when it comes to COMMIT; without I/O.

Sources: Aurora DSQL user guide, "DDL and distributed transactions", "Concurrency control", "Cluster quotas
and database limits"; records of live clusters from July to October 2026.
"""

from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TableName, TranslatedStatement

DATA_CONFLICT: Final = Refusal("40001", "change conflicts with another transaction (OC000)")
CATALOG_CONFLICT: Final = Refusal("40001", "schema has been updated by another transaction (OC001)")
_MULTIPLE_DDL: Final = Refusal("0A000", "multiple ddl statements not supported in a transaction")
_DDL_WITH_DML: Final = Refusal("0A000", "ddl and dml are not supported in the same transaction")
_TOUCHING: Final = frozenset({StatementKind.READ, StatementKind.LOCK, StatementKind.WRITE, StatementKind.DDL})


@dataclass(frozen=True)
class Now:
    """What a transaction is measured by.

    Attributes:
        seconds: A monotonic clock.
        catalog: How often the catalog has changed since the cluster was started.
        commits: How often changes of data were committed.
    """

    seconds: float
    catalog: int
    commits: int = 0


@dataclass
class SessionTransaction:
    """One transaction of a session, as far as it is known to us.

    Attributes:
        began: When.
        explicit: It began with BEGIN; else it ends with its statement, or its pipeline.
        ddl: It has a DDL statement.
        dml: It has a change of data.
        touched: It has a statement that looks at the catalog.
        doom: Why it cannot be committed, told when that is tried.
        lost: Its changes are rolled back already, so its next statement is told.
        told: The client knows that it has failed.
        saved: It has a savepoint of ours.
        locked: Tables of which it has locked rows.
        committed: It has been committed.
        rivals: Others that may have locked rows which it changes.
        shadowed: Tables of which it has a private copy, since its changes conflict with another's.
    """

    began: Now
    explicit: bool = False
    ddl: bool = False
    dml: bool = False
    snapshot_taken: bool = False
    pending_error: Refusal | None = None
    rolled_back: bool = False
    failure_reported: bool = False
    has_savepoint: bool = False
    locked: set[str] = field(default_factory=set[str])
    committed: bool = False
    concurrent_lockers: list["SessionTransaction"] = field(default_factory=list["SessionTransaction"])
    copied_tables: set[TableName] = field(default_factory=set[TableName])

    def refuse(self, statement: TranslatedStatement, now: Now) -> Refusal | None:
        """Say why a statement cannot run in it, and count the statement in if it can."""
        kind = statement.kind
        if self.copied_tables and not _is_exact(statement):
            self.pending_error = self.pending_error or DATA_CONFLICT
        if self.rolled_back and kind in _TOUCHING:
            return self.pending_error
        if self.explicit and statement.not_in_block:
            what = "CALL" if kind is StatementKind.CALL else "ANALYZE"
            return Refusal("25001", f"{what} cannot run inside a transaction block")
        if kind in _TOUCHING and not self.snapshot_taken:
            self.snapshot_taken = True
            if now.catalog != self.began.catalog:
                return CATALOG_CONFLICT
        if kind is StatementKind.LOCK:
            self.locked.update(table.name for table in statement.writes)
        return self._mixed(kind)

    def _mixed(self, kind: StatementKind) -> Refusal | None:
        if kind is StatementKind.DDL:
            refused = _MULTIPLE_DDL if self.ddl else _DDL_WITH_DML if self.dml else None
            self.ddl = True
            return refused
        if kind is StatementKind.WRITE:
            self.dml = True
            return _DDL_WITH_DML if self.ddl else None
        return None

    def refuse_commit(self, now: Now, longest: float) -> Refusal | None:
        """Say why it cannot be committed.

        Args:
            now: The time and the catalog.
            longest: Seconds that a transaction may take.
        """
        if self.pending_error:
            return self.pending_error
        if any(rival.committed for rival in self.concurrent_lockers):
            return DATA_CONFLICT
        if self.snapshot_taken and now.catalog != self.began.catalog:
            return CATALOG_CONFLICT
        age = now.seconds - self.began.seconds
        return too_old(age, longest) if age > longest else None


def _is_exact(statement: TranslatedStatement) -> bool:
    """Whether a statement does on private copies all that it would do on the tables themselves."""
    if statement.kind is StatementKind.WRITE:
        return statement.sql.lstrip()[:4].lower() != "copy"
    return statement.kind not in (StatementKind.LOCK, StatementKind.CALL, StatementKind.OTHER)


def too_old(age: float, longest: float) -> Refusal:
    """Word what a transaction of an age, in seconds, is told."""
    limit = f"{longest:g}s"
    detail = f"Current transaction age {age:.0f}s exceeds {limit}"
    return Refusal("54000", f"transaction age limit of {limit} exceeded", detail=detail)
