"""State machines of a session, as tables; code elsewhere reports events and reads states.

Each class below is one machine: its states are in an enum, and `EVENT_TRIGGERED_TRANSITIONS` has all of its
rows.

1. A state changes through `Machine.on` and in no other way.
2. A pair of state and event without a row cannot happen. `Machine.on` then raises `ImpossibleEvent`, which
   ends the connection, rather than go on from a wrong assumption about PostgreSQL.
3. An event that leaves the state as it is has a row that says so.
4. The machines are independent. Whoever reports an event decides from the states of the others, if it must.

Source of the exchange's rows: PostgreSQL documentation, 55.2 "Message Flow".
"""

from enum import Enum, auto
from typing import Final, Generic, TypeVar


class Member(Enum):
    """A state or an event; found in tables by identity, since `Enum` hashes the name anew each time."""

    __hash__ = object.__hash__


class Exchange(Member):
    """State of what passes between the client and PostgreSQL, up to a ReadyForQuery."""

    OPEN = auto()
    """The client may send the next message."""
    AWAITING_READY = auto()
    """A Sync or a Query is sent, or the login is under way; what the client sends has to wait."""
    AWAITING_ROLLBACK = auto()
    """As above, and the block of a refused COMMIT has to be rolled back before the client may go on."""
    COPY_IN_QUERY = auto()
    """A Query reads data; when they end, its ReadyForQuery is still to come."""
    COPY_IN_EXECUTE = auto()
    """An Execute reads data; PostgreSQL ignores a Sync up to their end, one sent before too."""
    SKIPPING = auto()
    """An Execute, or what belongs to it, has failed; PostgreSQL ignores all up to a Sync still to come."""
    SKIPPING_TO_ROLLBACK = auto()
    """As above, and the block of a refused COMMIT has to be rolled back after that Sync."""


class ExchangeEvent(Member):
    """Event of the exchange."""

    END_SENT = auto()
    """A Query, a Sync or a FunctionCall was sent."""
    COPY_IN_QUERY = auto()
    COPY_IN_EXECUTE = auto()
    COPY_END_SENT = auto()
    """A CopyDone or a CopyFail was sent."""
    QUERY_FAILED = auto()
    FAILED_BEFORE_SYNC = auto()
    """A message of the extended protocol failed, and no Sync follows it yet."""
    FAILED_WITH_SYNC = auto()
    """A message of the extended protocol failed, and its Sync is sent already."""
    COMMIT_REFUSED = auto()
    READY = auto()
    """ReadyForQuery."""
    REPEATED = auto()
    """The messages since a conflict are to be sent again; their end may not be among them."""


class Recovery(Member):
    """State of what the session does by itself about other sessions."""

    NONE = auto()
    CONFLICT = auto()
    """A statement met another session's change; it is recovered once PostgreSQL is ready."""
    RECOVERING = auto()
    REPEATING = auto()
    """The statement runs again; a second conflict in the same exchange is reported."""
    COMMIT_DUE = auto()
    """A COMMIT waits until all before it is answered."""
    WRITING_BACK = auto()
    ROLLING_BACK = auto()


class RecoveryEvent(Member):
    """Event of the session's own work."""

    CONFLICT = auto()
    READY = auto()
    COMMIT_HELD = auto()
    QUIET = auto()
    """PostgreSQL has answered all that was sent."""
    ROLL_BACK = auto()
    DONE = auto()
    EXCHANGE_ENDED = auto()


class Block(Member):
    """State of one transaction."""

    IMPLICIT = auto()
    """It ends with its statement, or with its pipeline."""
    UNDONE = auto()
    """An implicit transaction whose statement has failed."""
    EXPLICIT = auto()
    """It began with BEGIN."""
    LOST = auto()
    """Rolled back in favour of another session; the client hears of it at its next statement."""
    FAILED = auto()
    """The client has been told of an error; only ROLLBACK or COMMIT ends the block."""
    RELEASED = auto()
    """As above, with all of its locks released in favour of another session."""
    COMMITTED = auto()


class BlockEvent(Member):
    """Event of one transaction."""

    BEGIN = auto()
    """A BEGIN was sent, or PostgreSQL says that it is in a block."""
    ROLLED_BACK = auto()
    FAILED = auto()
    COMMITTED = auto()


class Content(Member):
    """Kind of statements that a transaction has run."""

    EMPTY = auto()
    READS = auto()
    DATA = auto()
    """It changes rows."""
    SCHEMA = auto()
    """It changes the catalog."""


class ContentEvent(Member):
    """Statement that a transaction is to run; one without a row is refused to the client."""

    READ = auto()
    WRITE = auto()
    DDL = auto()
    DDL_UNDONE = auto()


class Progress(Member):
    """Part of a request's answer that the client has seen."""

    NONE = auto()
    DESCRIBED = auto()
    ROWS = auto()
    COMPLETE = auto()


class ProgressEvent(Member):
    """Part of an answer."""

    DESCRIPTION = auto()
    ROW = auto()
    END = auto()


State = TypeVar("State", bound=Member)
Event = TypeVar("Event", bound=Member)
Table = dict[State, dict[Event, State]]

EXCHANGE: Final[Table[Exchange, ExchangeEvent]] = {
    Exchange.OPEN: {
        ExchangeEvent.END_SENT: Exchange.AWAITING_READY,
        ExchangeEvent.COPY_IN_EXECUTE: Exchange.COPY_IN_EXECUTE,
        ExchangeEvent.COPY_END_SENT: Exchange.OPEN,
        ExchangeEvent.FAILED_BEFORE_SYNC: Exchange.SKIPPING,
    },
    Exchange.AWAITING_READY: {
        ExchangeEvent.COPY_IN_QUERY: Exchange.COPY_IN_QUERY,
        ExchangeEvent.COPY_IN_EXECUTE: Exchange.COPY_IN_EXECUTE,
        ExchangeEvent.QUERY_FAILED: Exchange.AWAITING_READY,
        ExchangeEvent.FAILED_BEFORE_SYNC: Exchange.SKIPPING,
        ExchangeEvent.FAILED_WITH_SYNC: Exchange.AWAITING_READY,
        ExchangeEvent.COMMIT_REFUSED: Exchange.AWAITING_ROLLBACK,
        ExchangeEvent.READY: Exchange.OPEN,
        ExchangeEvent.REPEATED: Exchange.OPEN,
    },
    Exchange.AWAITING_ROLLBACK: {
        ExchangeEvent.QUERY_FAILED: Exchange.AWAITING_ROLLBACK,
        ExchangeEvent.READY: Exchange.AWAITING_READY,
    },
    Exchange.COPY_IN_QUERY: {
        ExchangeEvent.COPY_END_SENT: Exchange.AWAITING_READY,
        ExchangeEvent.QUERY_FAILED: Exchange.AWAITING_READY,
    },
    Exchange.COPY_IN_EXECUTE: {
        ExchangeEvent.COPY_END_SENT: Exchange.OPEN,
        ExchangeEvent.FAILED_BEFORE_SYNC: Exchange.SKIPPING,
    },
    Exchange.SKIPPING: {
        ExchangeEvent.END_SENT: Exchange.AWAITING_READY,
        ExchangeEvent.COPY_END_SENT: Exchange.SKIPPING,
        ExchangeEvent.COMMIT_REFUSED: Exchange.SKIPPING_TO_ROLLBACK,
        ExchangeEvent.READY: Exchange.OPEN,  # of a Sync that was taken for one inside of the data
    },
    Exchange.SKIPPING_TO_ROLLBACK: {
        ExchangeEvent.END_SENT: Exchange.AWAITING_ROLLBACK,
        ExchangeEvent.COPY_END_SENT: Exchange.SKIPPING_TO_ROLLBACK,
    },
}

RECOVERY: Final[Table[Recovery, RecoveryEvent]] = {
    Recovery.NONE: {
        RecoveryEvent.CONFLICT: Recovery.CONFLICT,
        RecoveryEvent.COMMIT_HELD: Recovery.COMMIT_DUE,
        RecoveryEvent.ROLL_BACK: Recovery.ROLLING_BACK,
        RecoveryEvent.EXCHANGE_ENDED: Recovery.NONE,
    },
    Recovery.CONFLICT: {
        RecoveryEvent.READY: Recovery.RECOVERING,
    },
    Recovery.RECOVERING: {
        RecoveryEvent.DONE: Recovery.REPEATING,
    },
    Recovery.REPEATING: {
        RecoveryEvent.COMMIT_HELD: Recovery.COMMIT_DUE,
        RecoveryEvent.ROLL_BACK: Recovery.ROLLING_BACK,
        RecoveryEvent.EXCHANGE_ENDED: Recovery.NONE,
    },
    Recovery.COMMIT_DUE: {
        RecoveryEvent.CONFLICT: Recovery.CONFLICT,  # of a statement before the COMMIT; both are repeated
        RecoveryEvent.QUIET: Recovery.WRITING_BACK,
    },
    Recovery.WRITING_BACK: {
        RecoveryEvent.DONE: Recovery.NONE,
    },
    Recovery.ROLLING_BACK: {
        RecoveryEvent.DONE: Recovery.NONE,
    },
}

BLOCK: Final[Table[Block, BlockEvent]] = {
    Block.IMPLICIT: {
        BlockEvent.BEGIN: Block.EXPLICIT,
        BlockEvent.FAILED: Block.UNDONE,
        BlockEvent.COMMITTED: Block.COMMITTED,
    },
    Block.UNDONE: {
        BlockEvent.FAILED: Block.UNDONE,
    },
    Block.EXPLICIT: {
        BlockEvent.BEGIN: Block.EXPLICIT,
        BlockEvent.ROLLED_BACK: Block.LOST,
        BlockEvent.FAILED: Block.FAILED,
        BlockEvent.COMMITTED: Block.COMMITTED,
    },
    Block.LOST: {
        BlockEvent.BEGIN: Block.LOST,
        BlockEvent.FAILED: Block.RELEASED,
    },
    Block.FAILED: {
        BlockEvent.BEGIN: Block.FAILED,  # refused by PostgreSQL, as all but the end of the block
        BlockEvent.ROLLED_BACK: Block.RELEASED,
        BlockEvent.FAILED: Block.FAILED,
    },
    Block.RELEASED: {
        BlockEvent.BEGIN: Block.RELEASED,
        BlockEvent.FAILED: Block.RELEASED,
    },
    Block.COMMITTED: {},
}

CONTENT: Final[Table[Content, ContentEvent]] = {
    Content.EMPTY: {
        ContentEvent.READ: Content.READS,
        ContentEvent.WRITE: Content.DATA,
        ContentEvent.DDL: Content.SCHEMA,
    },
    Content.READS: {
        ContentEvent.READ: Content.READS,
        ContentEvent.WRITE: Content.DATA,
        ContentEvent.DDL: Content.SCHEMA,
    },
    Content.DATA: {
        ContentEvent.READ: Content.DATA,
        ContentEvent.WRITE: Content.DATA,
    },
    Content.SCHEMA: {
        ContentEvent.READ: Content.SCHEMA,
        ContentEvent.DDL_UNDONE: Content.READS,
    },
}

PROGRESS: Final[Table[Progress, ProgressEvent]] = {
    Progress.NONE: {
        ProgressEvent.DESCRIPTION: Progress.DESCRIBED,
        ProgressEvent.ROW: Progress.ROWS,
        ProgressEvent.END: Progress.COMPLETE,
    },
    Progress.DESCRIBED: {
        ProgressEvent.DESCRIPTION: Progress.DESCRIBED,  # sent again after a conflict, and not shown again
        ProgressEvent.ROW: Progress.ROWS,
        ProgressEvent.END: Progress.COMPLETE,
    },
    Progress.ROWS: {
        ProgressEvent.ROW: Progress.ROWS,
        ProgressEvent.END: Progress.COMPLETE,
    },
    Progress.COMPLETE: {
        ProgressEvent.DESCRIPTION: Progress.DESCRIBED,  # of the next statement of the same Query
        ProgressEvent.END: Progress.COMPLETE,
    },
}

EVENT_TRIGGERED_TRANSITIONS: Final = (EXCHANGE, RECOVERY, BLOCK, CONTENT, PROGRESS)

AWAITING: Final = frozenset({Exchange.AWAITING_READY, Exchange.AWAITING_ROLLBACK})
"""States in which PostgreSQL is to become ready before the client's next message is sent."""

COPYING: Final = frozenset({Exchange.COPY_IN_QUERY, Exchange.COPY_IN_EXECUTE})
"""States in which PostgreSQL reads data."""

SKIPPED: Final = frozenset({Exchange.SKIPPING, Exchange.SKIPPING_TO_ROLLBACK})
"""States in which PostgreSQL ignores all but a Sync."""

PAUSED: Final = frozenset(set(Recovery) - {Recovery.NONE, Recovery.REPEATING})
"""States in which the client's messages wait for the session's own work."""

IN_FAILED_BLOCK: Final = frozenset({Block.FAILED, Block.RELEASED})
"""States of a block that only ROLLBACK or COMMIT ends."""

IN_BLOCK: Final = frozenset({Block.EXPLICIT, Block.LOST, *IN_FAILED_BLOCK})
"""States of a transaction that began with BEGIN."""


class ImpossibleEvent(Exception):
    """An event for which its state has no row."""


class Machine(Generic[State, Event]):
    """One machine.

    Args:
        table: Its rows.
        state: Its first state.

    Attributes:
        state: The state it is in, for others to read.
    """

    __slots__ = ("_table", "state")

    def __init__(self, table: Table[State, Event], state: State) -> None:
        self._table, self.state = table, state

    def allows(self, event: Event) -> bool:
        """Return whether the state has a row for an event."""
        return event in self._table[self.state]

    def on(self, event: Event) -> None:
        """Go to the state that an event leads to.

        Raises:
            ImpossibleEvent: The state has no row for it.
        """
        try:
            self.state = self._table[self.state][event]
        except KeyError:
            raise ImpossibleEvent(f"{event.name} in {self.state.name}") from None
