"""Translated statements, and their kinds."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, NamedTuple

OWN_PREFIX: Final = "_dsql_"
"""Begins the names of functions and triggers that only the local cluster has (postgres/sys.sql)."""


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

    __hash__ = object.__hash__  # that of its name is computed anew each time

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


class Explanation(NamedTuple):
    """The options of an EXPLAIN in text format.

    Attributes:
        sql: The statement as the client wrote it.
        analyze: It runs the statement.
        verbose: It asks for VERBOSE; PostgreSQL is asked for it in any case.
    """

    sql: str
    analyze: bool
    verbose: bool


@dataclass(frozen=True)
class TranslatedStatement:
    """One statement, as PostgreSQL is to run it.

    Attributes:
        sql: What to run.
        kind: What it is to the transaction, as the client wrote it.
        tag: The command tag for the client, in place of PostgreSQL's.
        writes: The tables that a WRITE changes or a LOCK locks, those locked by a WRITE too.
        explains: An EXPLAIN in text format, whose plan is drawn as Aurora DSQL's.
        changed: `sql` is not what the client wrote: its error positions mean nothing.
        inserted: Characters of `sql` that the client did not write, all before what an error can point at.
        not_in_block: It may not stand in a transaction block: ANALYZE, CALL sys.wait_for_job.
        hide_rows: Its rows are not sent to the client.
        offset: Where it stood in the client's text, in characters.
    """

    sql: str
    kind: StatementKind
    tag: str | None = None
    writes: tuple[TableName, ...] = ()
    explains: Explanation | None = None
    changed: bool = False
    inserted: int = 0
    not_in_block: bool = False
    hide_rows: bool = False
    offset: int = 0
