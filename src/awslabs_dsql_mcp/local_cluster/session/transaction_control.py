"""Control of one session's transactions: what they refuse, and when they begin and end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.session import private_copies
from awslabs_dsql_mcp.local_cluster.session.state import BlockEvent, Content
from awslabs_dsql_mcp.local_cluster.session.transaction import DATA_CONFLICT, SessionTransaction

if TYPE_CHECKING:
    from awslabs_dsql_mcp.local_cluster.session.backend_link import SessionState
    from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
    from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry


class TransactionControl:
    """The transactions of a session, one after the other.

    Args:
        registry: The cluster's sessions, and what they share.
        state: State of the session.
        faults: Faults to inject.
    """

    def __init__(self, registry: SessionRegistry, state: SessionState, faults: FaultInjector) -> None:
        self._registry, self._state, self._faults = registry, state, faults

    def current(self) -> SessionTransaction:
        """Return the open transaction; one begins if there is none."""
        if self._state.transaction is None:
            self._state.transaction = SessionTransaction(self._registry.now())
        return self._state.transaction

    def text(self, statement: TranslatedStatement) -> str:
        """Return the text of a statement, which reads and changes the private copies of the transaction."""
        transaction = self._state.transaction
        if transaction is None or not transaction.copied_tables:
            return statement.sql
        return private_copies.redirect(statement.sql, transaction.copied_tables)

    def refuse(self, statement: TranslatedStatement) -> Refusal | None:
        """Return the reason why a statement must fail, before it is sent."""
        if self._state.has_failed or (statement.kind is StatementKind.OTHER and not statement.not_in_block):
            return None
        now = self._registry.now()
        transaction = self._state.transaction
        if transaction is None:
            transaction = self._state.transaction = SessionTransaction(now)
        if statement.kind is StatementKind.COMMIT:
            refused = self._refuse_commit(transaction) if transaction.is_explicit else None
            if refused is None:
                self._registry.ending(transaction)
            return refused
        refused = transaction.refuse(statement, now)
        if refused is None and not transaction.is_explicit:
            self._registry.ending(transaction)
            if statement.kind is StatementKind.WRITE and self._faults.conflict():
                return DATA_CONFLICT
        return refused

    def _refuse_commit(self, transaction: SessionTransaction) -> Refusal | None:
        changes = transaction.content.state is Content.DATA
        if changes and transaction.pending_error is None and self._faults.conflict():
            return DATA_CONFLICT
        return transaction.refuse_commit(self._registry.now(), self._registry.max_transaction_seconds)

    def advance(self, statement: TranslatedStatement) -> None:
        """Take note of a statement's effect on the block; an error undoes it (see `answers`)."""
        if statement.kind is StatementKind.BEGIN:
            self.current().block.on(BlockEvent.BEGIN)
        elif statement.kind in (StatementKind.COMMIT, StatementKind.ROLLBACK):
            self._state.transaction = None

    def committed(self, transaction: SessionTransaction) -> None:
        """Take note of a COMMIT that PostgreSQL has done."""
        transaction.block.on(BlockEvent.COMMITTED)
        if transaction.content.state is Content.DATA or transaction.locked:
            self._registry.data_changed(transaction.locked)
        if transaction.content.state is Content.SCHEMA:
            self._registry.catalog_changed()
