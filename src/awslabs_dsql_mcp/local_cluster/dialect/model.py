"""Translated statements, and their kinds."""

from dataclasses import dataclass
from enum import Enum, auto


class StatementKind(Enum):
    """Kind of a statement within a transaction.

    Members:
        READ: It changes nothing.
        LOCK: SELECT … FOR UPDATE or FOR KEY SHARE, at the top or in a subquery.
        WRITE: INSERT, UPDATE, DELETE, COPY FROM; also in a WITH, or behind EXPLAIN ANALYZE.
        DDL: It changes the catalog: GRANT, AWS IAM GRANT and CREATE INDEX ASYNC too.
        BEGIN: BEGIN or START TRANSACTION.
        COMMIT: COMMIT or END.
        ROLLBACK: ROLLBACK or ABORT.
        SESSION: SET, SHOW, RESET, DEALLOCATE ALL.
        CALL: CALL of a procedure.
        OTHER: What is none of these, a refused statement or one that cannot be read among them.
    """

    READ = auto()
    LOCK = auto()
    WRITE = auto()
    DDL = auto()
    BEGIN = auto()
    COMMIT = auto()
    ROLLBACK = auto()
    SESSION = auto()
    CALL = auto()
    OTHER = auto()


@dataclass(frozen=True)
class TableName:
    """A table's name as a statement has it: folded to lower case unless quoted, quotes taken off."""

    schema: str | None
    name: str


@dataclass(frozen=True)
class TranslatedStatement:
    """One statement, as PostgreSQL is to run it.

    Attributes:
        sql: What to run.
        kind: What it is to the transaction, as the client wrote it.
        tag: The command tag for the client, in place of PostgreSQL's.
        writes: The tables that a WRITE changes or a LOCK locks, those locked by a WRITE too.
        explains: EXPLAIN ANALYZE VERBOSE in text format, whose answer ends with an estimate of DPUs.
        changed: `sql` is not what the client wrote: its error positions mean nothing.
        not_in_block: It may not stand in a transaction block: ANALYZE, CALL sys.wait_for_job.
        hide_rows: Its rows are not sent to the client.
        offset: Where it stood in the client's text, in characters.
    """

    sql: str
    kind: StatementKind
    tag: str | None = None
    writes: tuple[TableName, ...] = ()
    explains: bool = False
    changed: bool = False
    not_in_block: bool = False
    hide_rows: bool = False
    offset: int = 0
