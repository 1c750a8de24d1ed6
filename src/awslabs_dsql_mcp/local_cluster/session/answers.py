"""Answers of PostgreSQL to one session, as Aurora DSQL would give them: its errors, plans and settings.

Conflicts with other sessions are left to `conflicts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import StatementKind, TranslatedStatement
from awslabs_dsql_mcp.local_cluster.plans import dpu_estimate, relations
from awslabs_dsql_mcp.local_cluster.plans.explanation import explained
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.session import error_translation
from awslabs_dsql_mcp.local_cluster.session.response_router import FAILED, IDLE, PendingRequest, Visibility
from awslabs_dsql_mcp.local_cluster.session.state import Block, BlockEvent, Exchange, ExchangeEvent
from awslabs_dsql_mcp.local_cluster.session.transaction import CATALOG_CONFLICT, DATA_CONFLICT

if TYPE_CHECKING:
    from awslabs_dsql_mcp.local_cluster.session.backend_link import BackendLink, SessionState
    from awslabs_dsql_mcp.local_cluster.session.conflicts import ConflictResolver
    from awslabs_dsql_mcp.local_cluster.session.prepared import PreparedStatements
    from awslabs_dsql_mcp.local_cluster.session.registry import RegisteredSession, SessionRegistry
    from awslabs_dsql_mcp.local_cluster.session.transaction_control import TransactionControl

RELATIONS: Final = TranslatedStatement(relations.QUERY, StatementKind.READ, hide_rows=True)
"""Read ahead of a plan: what it needs of the catalog."""
SNAPSHOT: Final = TranslatedStatement("SELECT WHERE false", StatementKind.OTHER, hide_rows=True)
"""Behind a BEGIN: it takes the snapshot, which PostgreSQL takes at the first statement after BEGIN."""


class AnswerTranslator:
    """Translation of PostgreSQL's answers for a session's client: the `Listener` of its router.

    Args:
        session: The session, which the others see.
        registry: The cluster's sessions, and what they share.
        state: State of the session.
        link: Its queue to PostgreSQL.
        control: Its transactions.
        conflicts: Its conflicts with the others.
        prepared: Its prepared statements.
    """

    def __init__(
        self,
        session: RegisteredSession,
        registry: SessionRegistry,
        state: SessionState,
        link: BackendLink,
        control: TransactionControl,
        conflicts: ConflictResolver,
        prepared: PreparedStatements,
    ) -> None:
        self._session, self._registry, self._state = session, registry, state
        self._link, self._control, self._conflicts, self._prepared = link, control, conflicts, prepared
        self._relations = relations.NONE
        """What the plan under way needs of the catalog."""

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        """Take a message that answers no request: the backend's key, a setting, a notice."""
        if kind == messages.BACKEND_KEY:
            self._state.pid = int.from_bytes(body[:4], "big")
            self._registry.enter(self._session, self._state.pid)
        if kind == messages.NOTICE:
            return self._notice(body)
        if kind == messages.PARAMETER_STATUS:
            name, value = (text.decode() for text in body.split(b"\0")[:2])
            return messages.parameter_status(name, error_translation.setting(name, value))
        return wire.message(kind, body)

    def _notice(self, body: bytes) -> bytes:
        expected = self._link.expected
        if expected and expected[0].visibility is Visibility.NOTHING:
            return b""
        changed = bool(expected) and expected[0].statement.changed
        fields = error_translation.without_ours(messages.read_fields(body), changed=changed)
        return wire.message(messages.NOTICE, messages.fields(fields))

    def finished(self, request: PendingRequest, tag: str) -> bytes:
        """Take the end of a statement."""
        statement = request.statement
        if statement is RELATIONS and request.kept:
            self._relations = relations.read_relations(messages.read_text_row(request.kept.pop()))
        if request.transaction and tag == "COMMIT":
            self._control.committed(request.transaction)
        elif tag == "DEALLOCATE ALL":
            self._prepared.forget_all(self._link.expected)
        if request.visibility is not Visibility.ALL or statement is SNAPSHOT:
            return b""
        end = messages.command_complete(statement.tag or tag)
        if statement.explains and request.kept is not None:
            plan = [messages.read_text_row(row) for row in request.kept]
            writes = statement.kind is StatementKind.WRITE
            drawn = explained(plan, statement.explains, self._relations, writes=writes)
            request.kept[:] = map(messages.text_row, drawn)
            if dpu_estimate.HEADING in drawn:
                request.kept.insert(0, messages.notice(dpu_estimate.NOTICE))
        return end

    def failed(self, request: PendingRequest | None, fields: dict[str, str]) -> bytes:
        """Take an error; the client sees it unless the statement can run again."""
        if request is None:
            return messages.error(fields)
        if request.outcome is not None:
            request.failure = fields
            return b""
        may_be_cancelled = self._conflicts.was_cancelled or self._registry.honours_cancel
        fields = error_translation.with_true_cause(fields, may_be_cancelled=may_be_cancelled)
        is_own_query = request.kind == messages.QUERY and request.visibility is Visibility.NOTHING
        if is_own_query or self._conflicts.can_recover(request, fields):
            return b""
        reported = self._translate_error(request, fields)
        if request.commit is not None and reported["M"] == request.commit.message:
            self._state.exchange.on(ExchangeEvent.COMMIT_REFUSED)
        if request.transaction is not None:
            request.transaction.block.on(BlockEvent.FAILED)
        return messages.error(reported)

    def _translate_error(self, request: PendingRequest, fields: dict[str, str]) -> dict[str, str]:
        """Return the error as Aurora DSQL words it; other sessions may be its cause."""
        transaction, code = request.transaction, fields["C"]
        is_cancelled = code == error_translation.CANCELLED and self._conflicts.was_cancelled
        is_unreported = (
            code == error_translation.IN_FAILED
            and transaction is not None
            and not transaction.has_failed
            and transaction.block.state is not Block.UNDONE
        )
        is_unchecked = (
            code == error_translation.FOREIGN_KEY
            and transaction is not None
            and bool(transaction.copied_tables)
        )
        if is_cancelled or is_unreported or is_unchecked:
            return error_translation.as_fields((transaction and transaction.pending_error) or DATA_CONFLICT)
        is_change = request.statement.kind is StatementKind.DDL and code in error_translation.NAMES
        if is_change and transaction is not None and self._registry.catalog_moves(transaction):
            return error_translation.as_fields(CATALOG_CONFLICT)
        return error_translation.translate_error(
            fields,
            self._registry.nonce,
            self._registry.max_transaction_seconds,
            changed=request.statement.changed or (bool(request.statement.inserted) and not request.is_single),
            inserted=request.statement.inserted,
        )

    def is_ready(self, request: PendingRequest, status: bytes) -> bytes:
        """Take a ReadyForQuery: the end of the login, of an exchange, or of a query of the session's own."""
        if request.outcome is not None:
            request.outcome.set_result(request.failure)
            return b""
        if self._conflicts.begin_recovery() or request.visibility is Visibility.NOTHING:
            return b""
        must_roll_back = self._state.exchange.state is Exchange.AWAITING_ROLLBACK
        self._state.exchange.on(ExchangeEvent.READY)
        if must_roll_back:
            self._link.end_block()
            return b""
        self._end_exchange(status)
        return wire.message(wire.READY_FOR_QUERY, status)

    def _end_exchange(self, status: bytes) -> None:
        self._link.batch.clear()
        transaction = self._state.transaction
        if status == IDLE:
            if transaction and transaction.block.state is Block.IMPLICIT:
                self._control.committed(transaction)
            self._state.transaction = None
            self._prepared.portals.clear()
        else:
            block = self._control.current().block
            block.on(BlockEvent.BEGIN)
            if status == FAILED:
                block.on(BlockEvent.FAILED)
        self._conflicts.end_exchange()
