"""Conflicts as Aurora DSQL has them: nobody waits, and who commits first wins.

PostgreSQL would let the second writer of a row wait for the first. So each write in a block has a savepoint
of ours before it, and waits for a lock no longer than a moment. When it runs into another transaction's
change it is undone, the table is copied into a temporary one that hides it (`sys.shadow`), and the write is
done there: the transaction goes on with what it wrote. At COMMIT its copies are written back, unless
somebody else has committed first. Who still holds the rows then, uncommitted, has lost: that transaction is
rolled back, and told when it goes on. So it goes too with what a statement outside of a block, or DDL, runs
into.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.session import error_translation, private_copies
from awslabs_dsql_mcp.local_cluster.session.response_router import FAILED, IDLE, IN_BLOCK, PendingRequest
from awslabs_dsql_mcp.local_cluster.session.transaction import (
    CATALOG_CONFLICT,
    DATA_CONFLICT,
    SessionTransaction,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.local_cluster.protocol.wire import Message
    from awslabs_dsql_mcp.local_cluster.session.backend_link import BackendLink, SessionState
    from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry

_SAVEPOINT: Final = "dsql"
_NAME: Final = b"dsql"
_LONG_WAIT: Final = 2_000  # milliseconds, for who has been told to go to be gone
_LOOK_AGAIN: Final = 0.002  # seconds
_CHANGING: Final = frozenset({StatementKind.WRITE, StatementKind.LOCK, StatementKind.DDL})


class ConflictResolver:
    """One session's dealings with the others.

    Args:
        sessions: All of them.
        line: This one's line to PostgreSQL.
        standing: Where it stands.
        go_on: Takes the client's next messages.
    """

    def __init__(
        self, sessions: SessionRegistry, line: BackendLink, standing: SessionState, go_on: Callable[[], None]
    ) -> None:
        self._sessions, self._line, self._standing, self._go_on = sessions, line, standing, go_on
        self._tried_again = False
        self._waits_long = False
        self._commit_waits = False
        self._recovery: tuple[PendingRequest, dict[str, str]] | None = None
        self.cancelled = False

    # Running into somebody.

    def save(self, statement: TranslatedStatement, *, simple: bool) -> None:
        """Set a savepoint before what another transaction's lock could stop."""
        transaction = self._standing.transaction
        if transaction is None or not transaction.explicit or self._standing.status == FAILED:
            return
        if statement.kind not in _CHANGING:
            return
        steps = [f"SAVEPOINT {_SAVEPOINT}"]
        if transaction.has_savepoint:
            steps.insert(0, f"RELEASE SAVEPOINT {_SAVEPOINT}")
        transaction.has_savepoint = True
        if simple:
            self._line.send_hidden(messages.QUERY, wire.query(";".join(steps)))
            return
        for step in steps:
            self._line.send_hidden(messages.PARSE, messages.parse(Parsed(_NAME, step.encode(), b"\0\0")))
            self._line.send_hidden(messages.BIND, messages.bind_plainly(_NAME, _NAME))
            self._line.send_hidden(messages.EXECUTE, messages.execute(_NAME))
            self._line.send_hidden(messages.CLOSE, messages.close(b"P", _NAME))
            self._line.send_hidden(messages.CLOSE, messages.close(b"S", _NAME))

    def can_recover(self, sent: PendingRequest, fields: dict[str, str]) -> bool:
        """Take on what failed, if it can be done again where nothing is in its way."""
        if not self._may_recover(sent, fields):
            return False
        self._recovery = sent, fields
        if not self._line.settling:
            self._line.settling = True
            self._line.send_hidden(messages.SYNC, wire.message(messages.SYNC))
            self._line.flush()
        return True

    def _may_recover(self, sent: PendingRequest, fields: dict[str, str]) -> bool:
        transaction, code = sent.transaction, fields["C"]
        if self._tried_again or sent.rows or sent.original is None or code not in error_translation.CONFLICTS:
            return False
        if transaction is None or transaction.pending_error is not None or not sent.alone:
            return False
        if not transaction.explicit:
            ran = any(other.kind == messages.EXECUTE and other.answered for other in self._line.group)
            return code == error_translation.LOCK_TIMEOUT and not ran
        if (
            code == error_translation.UNIQUE_VIOLATION
            and self._sessions.now().commits == transaction.began.commits
        ):
            return False
        return sent.statement.kind in _CHANGING and self._is_whole(sent)

    def _is_whole(self, sent: PendingRequest) -> bool:
        """Whether our savepoint stands right before the statement, all of which is in this exchange."""
        if sent.kind == messages.EXECUTE:
            return any(other.kind == messages.BIND and other.original for other in self._line.group)
        return sent.kind in (messages.QUERY, messages.BIND)

    def begin_recovery(self, status: bytes) -> bool:
        """Do again what was taken on, now that PostgreSQL is ready."""
        if self._recovery is None:
            return False
        failed, fields = self._recovery
        self._recovery, self._commit_waits = None, False
        self._line.held, self._standing.status = True, status
        if failed.transaction is not None:
            self._line.spawn(self._recover(failed, failed.transaction, fields))
        return True

    async def _recover(
        self, failed: PendingRequest, transaction: SessionTransaction, fields: dict[str, str]
    ) -> None:
        self._tried_again = True
        self._standing.transaction = transaction if transaction.explicit else None
        transaction.ddl = False
        if transaction.explicit:
            await self._line.query(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
        over_a_row = error_translation.is_about_a_row(fields)
        if transaction.explicit and over_a_row:
            await self._shadow(transaction, failed.statement)
            if fields["C"] != error_translation.LOCK_TIMEOUT or failed.statement.kind is StatementKind.LOCK:
                transaction.pending_error = DATA_CONFLICT
        else:
            self._waits_long = True
            await self._line.query(f"SET {'LOCAL ' * transaction.explicit}lock_timeout = {_LONG_WAIT}")
            self._abort_blockers(DATA_CONFLICT if over_a_row else CATALOG_CONFLICT)
        self._standing.status = IN_BLOCK if transaction.explicit else IDLE
        self._line.settling = False  # what is taken again may end in a Sync, or not yet
        self._line.requeue(self._since(failed))
        self._resume()

    def _since(self, failed: PendingRequest) -> list[tuple[Message, bool]]:
        """What the client has sent from the failed statement on, and whether it has seen the answer."""
        group = self._line.group
        at = group.index(failed)
        while failed.kind == messages.EXECUTE and group[at].kind != messages.BIND:
            at -= 1
        while at > 0 and self._lacks_its_text(group[at]):
            at -= 1
        since = [(sent.original, sent.answered or sent.described) for sent in group[at:] if sent.original]
        group.clear()
        return since

    @staticmethod
    def _lacks_its_text(sent: PendingRequest) -> bool:
        """Whether it binds the unnamed statement, which may be another one by now, or is ours before that."""
        if sent.original is None:
            return True
        return sent.kind == messages.BIND and not messages.read_bind(sent.original.body).statement

    async def _shadow(self, transaction: SessionTransaction, statement: TranslatedStatement) -> None:
        transaction.concurrent_lockers += self._sessions.lock_holders(
            {table.name for table in statement.writes}, transaction
        )
        for table in statement.writes:
            if table not in transaction.copied_tables:
                await self._line.query(
                    f"SELECT sys.shadow({private_copies.literal(table)}, current_schemas(false))"
                )
                transaction.copied_tables.add(table)

    def _resume(self) -> None:
        self._line.held = False
        self._go_on()

    # Writing back.

    @property
    def has_private_copies(self) -> bool:
        """Whether a COMMIT now has copies to write back first."""
        transaction = self._standing.transaction
        if transaction is None or self._standing.status == FAILED:
            return False
        return bool(transaction.copied_tables) and transaction.pending_error is None

    def hold(self, commit: Message) -> None:
        """Keep a COMMIT until the copies are written back."""
        self._line.requeue([(commit, False)])
        self._line.held = self._commit_waits = True
        self._line.pass_on(wire.message(messages.FLUSH))
        self.write_back_if_quiet()

    def write_back_if_quiet(self) -> None:
        """Write back when all before the COMMIT is answered."""
        if self._commit_waits and not self._line.talk.expected:
            self._commit_waits = False
            self._line.spawn(self._write_back())

    async def _write_back(self) -> None:
        transaction = self._standing.transaction
        if transaction is None or self._standing.status == FAILED:
            self._resume()
            return
        if self._sessions.were_locked({table.name for table in transaction.copied_tables}, transaction.began):
            transaction.pending_error = DATA_CONFLICT
            self._resume()
            return
        self._abort_blockers(DATA_CONFLICT)
        await self._line.query(f"SAVEPOINT {_SAVEPOINT}_back; SET LOCAL lock_timeout = {_LONG_WAIT}")
        if failure := await self._line.query("SELECT sys.write_back()"):
            await self._line.query(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}_back")
            transaction.pending_error = error_translation.at_commit(failure)
        transaction.copied_tables.clear()
        self._resume()

    # Winning and losing.

    def _abort_blockers(self, refusal: Refusal) -> None:
        """As long as the present exchange lasts, let lose whoever holds it up."""

        async def clear() -> None:
            while self._line.settling or self._line.held:
                await self._sessions.abort_blockers(self._standing.pid, refusal)
                await asyncio.sleep(_LOOK_AGAIN)

        self._line.spawn(clear())

    def abort(self, refusal: Refusal) -> None:
        """Let this transaction lose: roll it back now, and tell the client when it goes on."""
        transaction = self._standing.transaction
        if (
            transaction is None
            or transaction.pending_error
            or self._standing.status == FAILED
            or self._line.held
        ):
            return
        transaction.pending_error = refusal
        if self._line.talk.expected:
            self.cancelled = True
            self._sessions.cancel(self._standing.pid)
        elif transaction.explicit:
            self._roll_back(transaction)

    def _roll_back(self, transaction: SessionTransaction) -> None:
        transaction.rolled_back, transaction.has_savepoint = True, False

        async def roll_back() -> None:
            await self._line.query("ROLLBACK")
            await self._line.query("BEGIN")
            self._resume()

        self._line.held = True
        self._line.spawn(roll_back())

    def settle(self) -> None:
        """Take note of an exchange's end."""
        self._tried_again = False
        transaction = self._standing.transaction
        if self._standing.status != FAILED and self._waits_long:
            self._waits_long = False
            self._line.send_hidden(messages.QUERY, wire.query("RESET lock_timeout"))
        if (
            transaction
            and transaction.pending_error
            and not transaction.rolled_back
            and not transaction.copied_tables
        ):
            self._roll_back(transaction)
