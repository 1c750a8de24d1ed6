"""Resolve conflicts as Aurora DSQL does: nobody waits, and the first to commit wins.

PostgreSQL would let the second writer of a row wait for the first. So each write in a block has a savepoint
of the session's own before it, and waits for a lock no longer than a moment. A write that meets another
transaction's change is undone, the table is copied into a temporary one that hides it (`_dsql_shadow`), and
the write runs again there: the transaction goes on with its own rows. At COMMIT its copies are written
back, unless somebody else has committed first. A transaction that still holds the rows then, uncommitted,
has lost: it is rolled back, and its client hears of it at the next statement. The same happens to a
transaction that stands in the way of DDL, or of a statement outside of a block.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement, raise_sql
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.session import error_translation, private_copies
from awslabs_dsql_mcp.local_cluster.session.state import (
    BlockEvent,
    ContentEvent,
    ExchangeEvent,
    Progress,
    Recovery,
    RecoveryEvent,
)
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
    from awslabs_dsql_mcp.local_cluster.session.response_router import PendingRequest

_SAVEPOINT: Final = "dsql"
_MAX_SAVEPOINTS: Final = 16
"""Savepoints that are left inside of each other: to release each would double the work of a write."""
_LONG_WAIT: Final = 2_000  # milliseconds, in which a transaction that has lost is rolled back
_POLL: Final = 0.002  # seconds
_CHANGING: Final = frozenset({StatementKind.WRITE, StatementKind.LOCK, StatementKind.DDL})


class ConflictResolver:
    """One session's conflicts with the others.

    Args:
        registry: All sessions.
        link: This session's queue to PostgreSQL.
        state: State of this session.
        resume: Takes the client's next messages.
    """

    def __init__(
        self, registry: SessionRegistry, link: BackendLink, state: SessionState, resume: Callable[[], None]
    ) -> None:
        self._registry, self._link, self._state, self._go_on = registry, link, state, resume
        self._failed: tuple[PendingRequest, SessionTransaction, dict[str, str]] | None = None
        self._lock_timeout_raised = False
        self._cancelling: asyncio.Future[bool] | None = None
        self._exchange = object()  # the present one

    # A statement meets another session's change.

    def save(self, statement: TranslatedStatement, *, portal: bytes | None = None) -> None:
        """Set a savepoint before a statement that another transaction's lock could stop.

        Args:
            statement: The statement.
            portal: Portal that it is to be bound to; `None` in a Query.
        """
        transaction = self._state.transaction
        if transaction is None or not transaction.is_explicit or transaction.has_failed:
            return
        if statement.kind not in _CHANGING:
            return
        before, steps = transaction.savepoints, list[str]()
        if before == _MAX_SAVEPOINTS:
            steps.append(f"RELEASE SAVEPOINT {_savepoint(1)}")  # and all inside of it
            transaction.savepoints = 0
        transaction.savepoints += 1
        steps.append(f"SAVEPOINT {_savepoint(transaction.savepoints)}")
        if portal is None:
            self._link.send_hidden(messages.QUERY, wire.query(";".join(steps)))
            return
        for step in steps:
            # What PostgreSQL skips behind an error has not been done.
            undo = partial(setattr, transaction, "savepoints", before)
            self._link.run_hidden(step, bound_next=portal, undo=undo)

    def can_recover(self, request: PendingRequest, fields: dict[str, str]) -> bool:
        """Take on a request that failed, if it can run again with nothing in its way."""
        transaction = request.transaction
        if transaction is None or not self._may_recover(request, transaction, fields["C"]):
            return False
        self._failed = request, transaction, fields
        self._state.recovery.on(RecoveryEvent.CONFLICT)
        if not self._state.is_awaiting_ready:
            self._state.exchange.on(ExchangeEvent.END_SENT)
            self._link.send_hidden(messages.SYNC, wire.message(messages.SYNC))
            self._link.flush()
        return True

    def _may_recover(self, request: PendingRequest, transaction: SessionTransaction, code: str) -> bool:
        if request.original is None or not request.is_single or code not in error_translation.CONFLICTS:
            return False
        if request.progress.state in (Progress.ROWS, Progress.COMPLETE):
            return False
        if transaction.pending_error is not None or not self._state.recovery.allows(RecoveryEvent.CONFLICT):
            return False
        if not transaction.is_explicit:
            return code == error_translation.LOCK_TIMEOUT and not self._has_executed()
        if (
            code == error_translation.UNIQUE_VIOLATION
            and self._registry.now().commits == transaction.began.commits
        ):
            return False
        return request.statement.kind in _CHANGING and self._follows_savepoint(request)

    def _has_executed(self) -> bool:
        return any(
            other.kind == messages.EXECUTE
            and other.original is not None
            and other.progress.state is Progress.COMPLETE
            for other in self._link.batch
        )

    def _follows_savepoint(self, request: PendingRequest) -> bool:
        """Return whether the savepoint is right before the statement, all of which is in this exchange."""
        if request.kind == messages.EXECUTE:
            return any(other.kind == messages.BIND and other.original for other in self._link.batch)
        return request.kind in (messages.QUERY, messages.BIND)

    def begin_recovery(self) -> bool:
        """Run again the request that was taken on, if any, now that PostgreSQL is ready."""
        if self._failed is None:
            return False
        failed, self._failed = self._failed, None
        self._state.recovery.on(RecoveryEvent.READY)
        self._link.spawn(self._recover(*failed))
        return True

    async def _recover(
        self, failed: PendingRequest, transaction: SessionTransaction, fields: dict[str, str]
    ) -> None:
        explicit = transaction.is_explicit
        self._state.transaction = transaction if explicit else None
        if failed.statement.kind is StatementKind.DDL:
            transaction.content.on(ContentEvent.DDL_UNDONE)
        if explicit:
            await self._link.query(f"ROLLBACK TO SAVEPOINT {_savepoint(transaction.savepoints)}")
        over_a_row = error_translation.is_about_a_row(fields)
        if explicit and over_a_row:
            await self._copy_tables(transaction, failed.statement)
            if fields["C"] != error_translation.LOCK_TIMEOUT or failed.statement.kind is StatementKind.LOCK:
                transaction.pending_error = DATA_CONFLICT
        else:
            self._lock_timeout_raised = True
            await self._link.query(f"SET {'LOCAL ' * explicit}lock_timeout = {_LONG_WAIT}")
            self._abort_blockers(DATA_CONFLICT if over_a_row else CATALOG_CONFLICT)
        self._state.exchange.on(ExchangeEvent.REPEATED)
        self._link.requeue(self._since(failed))
        self._resume()

    def _since(self, failed: PendingRequest) -> list[tuple[Message, bool]]:
        """Return the client's messages from the failed statement on, and whether each was answered."""
        batch = self._link.batch
        at = batch.index(failed)
        while failed.kind == messages.EXECUTE and batch[at].kind != messages.BIND:
            at -= 1
        while at > 0 and self._lacks_its_text(batch[at]):
            at -= 1
        since = [
            (request.original, request.progress.state is not Progress.NONE)
            for request in batch[at:]
            if request.original
        ]
        batch.clear()
        return since

    @staticmethod
    def _lacks_its_text(request: PendingRequest) -> bool:
        """Return whether it is the session's own, or binds the unnamed statement, which may have changed."""
        if request.original is None:
            return True
        return request.kind == messages.BIND and not messages.read_bind(request.original.body).statement

    async def _copy_tables(self, transaction: SessionTransaction, statement: TranslatedStatement) -> None:
        transaction.concurrent_lockers += self._registry.lock_holders(
            {table.name for table in statement.writes}, transaction
        )
        for table in statement.writes:
            if table not in transaction.copied_tables:
                await self._link.query(
                    f"SELECT pg_catalog._dsql_shadow({private_copies.literal(table)}, current_schemas(false))"
                )
                transaction.copied_tables.add(table)
        if (found := await self._link.read(private_copies.SURROUNDINGS)) is not None:
            transaction.surroundings = private_copies.read_surroundings(found)

    def _resume(self) -> None:
        self._state.recovery.on(RecoveryEvent.DONE)
        self._go_on()

    # COMMIT writes the private copies back.

    @property
    def has_private_copies(self) -> bool:
        """True if a COMMIT now has copies to write back first."""
        transaction = self._state.transaction
        if transaction is None or transaction.has_failed:
            return False
        return bool(transaction.copied_tables) and transaction.pending_error is None

    def hold(self, commit: Message) -> None:
        """Keep a COMMIT until the copies are written back."""
        self._link.requeue([(commit, False)])
        self._state.recovery.on(RecoveryEvent.COMMIT_HELD)
        self._link.pass_on(wire.message(messages.FLUSH))
        self.write_back_if_quiet()

    def write_back_if_quiet(self) -> None:
        """Write the copies back once everything before a held COMMIT is answered."""
        if self._state.recovery.state is Recovery.COMMIT_DUE and not self._link.expected:
            self._state.recovery.on(RecoveryEvent.QUIET)
            self._link.spawn(self._write_back())

    async def _write_back(self) -> None:
        transaction = self._state.transaction
        if transaction is None or transaction.has_failed:
            self._resume()
            return
        if self._registry.were_locked({table.name for table in transaction.copied_tables}, transaction.began):
            transaction.pending_error = DATA_CONFLICT
            self._resume()
            return
        self._abort_blockers(DATA_CONFLICT)
        await self._link.query(f"SAVEPOINT {_SAVEPOINT}_back; SET LOCAL lock_timeout = {_LONG_WAIT}")
        if failure := await self._link.query("SELECT pg_catalog._dsql_write_back()"):
            await self._link.query(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}_back")
            transaction.pending_error = error_translation.at_commit(failure)
        transaction.copied_tables.clear()
        self._resume()

    # One of two transactions loses.

    @property
    def was_cancelled(self) -> bool:
        """True if another session has cancelled a statement of the present exchange, or may still do so."""
        return self._cancelling is not None

    def _abort_blockers(self, refusal: Refusal) -> None:
        """Abort every transaction that this session waits for, until the present exchange ends."""
        present = self._exchange

        def goes_on() -> bool:
            waits = self._state.is_awaiting_ready or self._state.is_paused
            return waits and self._exchange is present

        async def abort() -> None:
            while goes_on():
                await self._registry.abort_blockers(self._state.pid, refusal, goes_on)
                await asyncio.sleep(_POLL)

        self._link.spawn(abort())

    def abort(self, refusal: Refusal) -> None:
        """Roll this session's transaction back now, and report the reason when the client goes on."""
        transaction = self._state.transaction
        if transaction is None or self._state.is_paused:
            return
        if transaction.has_failed:
            # A statement that failed behind a savepoint leaves PostgreSQL with the locks from before it.
            if not self._link.expected and transaction.block.allows(BlockEvent.ROLLED_BACK):
                self._roll_back(transaction)
            return
        # One that cannot be committed anyway holds its locks too, until it is rolled back.
        transaction.pending_error = transaction.pending_error or refusal
        if self._link.expected:
            self._cancelling = self._cancelling or self._registry.cancel(self._state.pid)
        elif transaction.block.allows(BlockEvent.ROLLED_BACK):
            self._roll_back(transaction)

    def _roll_back(self, transaction: SessionTransaction) -> None:
        transaction.block.on(BlockEvent.ROLLED_BACK)
        transaction.copied_tables.clear()
        self._state.recovery.on(RecoveryEvent.ROLL_BACK)

        async def roll_back() -> None:
            await self._link.query("ROLLBACK")
            await self._link.query("BEGIN")
            if transaction.has_failed:  # and so has to be the block that its client sees
                await self._link.query(raise_sql(DATA_CONFLICT, self._registry.nonce))
            self._resume()

        self._link.spawn(roll_back())

    def end_exchange(self) -> None:
        """Take note of an exchange's end."""
        self._exchange = object()
        self._state.recovery.on(RecoveryEvent.EXCHANGE_ENDED)
        if self._cancelling is not None and self._cancelling.done():
            self._cancelling = None
        transaction = self._state.transaction
        if not self._state.has_failed and self._lock_timeout_raised:
            self._lock_timeout_raised = False
            self._link.send_hidden(messages.QUERY, wire.query("RESET lock_timeout"))
        if (
            transaction
            and transaction.pending_error
            and (transaction.has_failed or not transaction.copied_tables)
            and transaction.block.allows(BlockEvent.ROLLED_BACK)
        ):
            self._roll_back(transaction)


def _savepoint(number: int) -> str:
    return f"{_SAVEPOINT}_{number}"
