"""What Aurora DSQL allows a transaction, and what it says when it comes to COMMIT; without I/O.

Sources: Aurora DSQL user guide, "DDL and distributed transactions", "Concurrency control", "Cluster quotas
and database limits"; records of live clusters from July to October 2026.
"""

from dataclasses import dataclass, field
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import Kind, Refusal, Table, Translated

DATA_CONFLICT: Final = Refusal("40001", "change conflicts with another transaction (OC000)")
CATALOG_CONFLICT: Final = Refusal("40001", "schema has been updated by another transaction (OC001)")
_MULTIPLE_DDL: Final = Refusal("0A000", "multiple ddl statements not supported in a transaction")
_DDL_WITH_DML: Final = Refusal("0A000", "ddl and dml are not supported in the same transaction")
_TOUCHING: Final = frozenset({Kind.READ, Kind.LOCK, Kind.WRITE, Kind.DDL})


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
class Transaction:
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
    touched: bool = False
    doom: Refusal | None = None
    lost: bool = False
    told: bool = False
    saved: bool = False
    locked: set[str] = field(default_factory=set[str])
    committed: bool = False
    rivals: list["Transaction"] = field(default_factory=list["Transaction"])
    shadowed: set[Table] = field(default_factory=set[Table])

    def refuse(self, statement: Translated, now: Now) -> Refusal | None:
        """Say why a statement cannot run in it, and count the statement in if it can."""
        kind = statement.kind
        if self.shadowed and not _is_exact(statement):
            self.doom = self.doom or DATA_CONFLICT
        if self.lost and kind in _TOUCHING:
            return self.doom
        if self.explicit and statement.alone:
            what = "CALL" if kind is Kind.CALL else "ANALYZE"
            return Refusal("25001", f"{what} cannot run inside a transaction block")
        if kind in _TOUCHING and not self.touched:
            self.touched = True
            if now.catalog != self.began.catalog:
                return CATALOG_CONFLICT
        if kind is Kind.LOCK:
            self.locked.update(table.name for table in statement.writes)
        return self._mixed(kind)

    def _mixed(self, kind: Kind) -> Refusal | None:
        if kind is Kind.DDL:
            refused = _MULTIPLE_DDL if self.ddl else _DDL_WITH_DML if self.dml else None
            self.ddl = True
            return refused
        if kind is Kind.WRITE:
            self.dml = True
            return _DDL_WITH_DML if self.ddl else None
        return None

    def refuse_commit(self, now: Now, longest: float) -> Refusal | None:
        """Say why it cannot be committed.

        Args:
            now: The time and the catalog.
            longest: Seconds that a transaction may take.
        """
        if self.doom:
            return self.doom
        if any(rival.committed for rival in self.rivals):
            return DATA_CONFLICT
        if self.touched and now.catalog != self.began.catalog:
            return CATALOG_CONFLICT
        age = now.seconds - self.began.seconds
        return too_old(age, longest) if age > longest else None


def _is_exact(statement: Translated) -> bool:
    """Whether a statement does on private copies all that it would do on the tables themselves."""
    if statement.kind is Kind.WRITE:
        return statement.sql.lstrip()[:4].lower() != "copy"
    return statement.kind not in (Kind.LOCK, Kind.CALL, Kind.OTHER)


def too_old(age: float, longest: float) -> Refusal:
    """Word what a transaction of an age, in seconds, is told."""
    limit = f"{longest:g}s"
    detail = f"Current transaction age {age:.0f}s exceeds {limit}"
    return Refusal("54000", f"transaction age limit of {limit} exceeded", detail=detail)
