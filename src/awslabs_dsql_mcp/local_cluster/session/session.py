"""One client's session: run over PostgreSQL what Aurora DSQL would run.

A statement is translated (`dialect`), checked by its transaction's rules (`transaction`) and passed on. A
statement that is refused is replaced by one that PostgreSQL itself refuses, so that blocks fail and
pipelines skip as they do in PostgreSQL. Conflicts with other sessions are left to `conflicts`; the states
are in `state`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement, raise_sql
from awslabs_dsql_mcp.local_cluster.plans import dpu_estimate, relations
from awslabs_dsql_mcp.local_cluster.plans.explanation import explained
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.protocol.wire import Malformed, Message
from awslabs_dsql_mcp.local_cluster.session import error_translation, private_copies
from awslabs_dsql_mcp.local_cluster.session.backend_link import BackendLink, SessionState
from awslabs_dsql_mcp.local_cluster.session.conflicts import ConflictResolver
from awslabs_dsql_mcp.local_cluster.session.prepared import PreparedStatements, no_portal, no_statement
from awslabs_dsql_mcp.local_cluster.session.response_router import (
    FAILED,
    IDLE,
    UNKNOWN,
    PendingRequest,
    Visibility,
)
from awslabs_dsql_mcp.local_cluster.session.state import (
    COPYING,
    SKIPPED,
    Block,
    BlockEvent,
    Content,
    Exchange,
    ExchangeEvent,
    ImpossibleEvent,
    ProgressEvent,
)
from awslabs_dsql_mcp.local_cluster.session.transaction import (
    CATALOG_CONFLICT,
    DATA_CONFLICT,
    SessionTransaction,
)

if TYPE_CHECKING:
    import asyncio

    from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
    from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry

_WRONG_FORMAT: Final = Refusal("08P01", "invalid message format")
_RELATIONS: Final = TranslatedStatement(relations.QUERY, StatementKind.READ, hide_rows=True)
_SNAPSHOT: Final = TranslatedStatement("SELECT WHERE false", StatementKind.OTHER, hide_rows=True)
"""Behind a BEGIN: it takes the snapshot, which PostgreSQL takes at the first statement after BEGIN."""
_USUAL: Final = frozenset(
    {messages.execute(b""), wire.message(messages.DESCRIBE, b"P\0"), wire.message(messages.SYNC)}
)
"""Messages whose format is known to be right: most of all are one of these."""
_NO_FUNCTION_CALLS: Final = Refusal("0A000", "unsupported message: FunctionCall")  # no record of a cluster's


class ClientSession:
    """Translation of a client's messages to PostgreSQL's, and of its answers.

    Args:
        registry: The cluster's sessions, and what they share.
        faults: Faults to inject.
        client: Transport to the client.
        server: Transport to PostgreSQL.
    """

    def __init__(
        self,
        registry: SessionRegistry,
        faults: FaultInjector,
        client: asyncio.Transport,
        server: asyncio.Transport,
    ) -> None:
        self._registry, self._client = registry, client
        self.faults = faults
        self._state = SessionState()
        self._link = BackendLink(client, server, self, self._state)
        self._conflicts = ConflictResolver(registry, self._link, self._state, self._go_on)
        self._prepared = PreparedStatements()
        self._drops_answers = False
        self._relations = relations.NONE
        """What the plan under way needs of the catalog."""

    @property
    def transaction(self) -> SessionTransaction | None:
        """The open transaction."""
        return self._state.transaction

    def fail_transaction(self, refusal: Refusal) -> None:
        """Abort the open transaction in favour of another session."""
        self._conflicts.abort(refusal)

    def abort(self) -> None:
        """Close the client's connection at once."""
        self._link.abort()

    def drop_answers(self) -> None:
        """Close the client's connection at PostgreSQL's next answer, in place of passing it on."""
        self._drops_answers = True

    def close(self) -> None:
        """End what is still under way."""
        self._registry.leave(self._state.pid)
        self._link.close()

    # Messages of the client.

    def from_client(self, data: bytes) -> None:
        """Take bytes from the client; a message over 10 MiB ends the session without an error, as in DSQL."""
        self._link.receive(data)
        self._go_on()

    def _go_on(self) -> None:
        try:
            while (taken := self._link.next()) is not None:
                self._take(*taken)
        except messages.WrongFormat:
            self._client.write(wire.fatal(_WRONG_FORMAT))
            self._client.close()
            return
        except (Malformed, ImpossibleEvent):
            self._link.abort()
            return
        self._link.flush()

    def _take(self, message: Message, answered: bool) -> None:  # noqa: FBT001  a pair, as the link gives it
        kind, exchange = message.kind, self._state.exchange
        if kind != messages.PARSE and message.raw not in _USUAL:
            messages.check_format(kind, message.body)
        visibility = Visibility.NOTHING if answered else Visibility.ALL
        if exchange.state in SKIPPED and kind not in (messages.SYNC, *messages.COPY_ENDS):
            return  # as PostgreSQL would
        if kind == messages.QUERY:
            self._query(message, described=answered)
        elif kind == messages.PARSE:
            self._parse(message, visibility)
        elif kind == messages.BIND:
            self._bind(message, visibility)
        elif kind == messages.EXECUTE:
            self._execute(message, visibility)
        elif kind in (messages.DESCRIBE, messages.CLOSE):
            self._describe_or_close(message, visibility)
        elif kind == messages.FUNCTION_CALL:
            self._refuse_function_call(message)
        elif kind == messages.SYNC and exchange.state not in COPYING:
            exchange.on(ExchangeEvent.END_SENT)
            self._link.send(self._request(message), message.raw)
        else:
            self._pass_on(message)

    def _request(
        self,
        message: Message,
        visibility: Visibility = Visibility.ALL,
        statement: TranslatedStatement = UNKNOWN,
        kind: bytes | None = None,
    ) -> PendingRequest:
        """Make what waits for the answer to a message, or to one of a kind that is sent in its place."""
        return PendingRequest(kind or message.kind, message, visibility, statement, self._state.transaction)

    def _pass_on(self, message: Message) -> None:
        if message.kind in messages.COPY_ENDS:
            self._state.exchange.on(ExchangeEvent.COPY_END_SENT)
        elif message.kind == messages.FLUSH:
            self._link.batch.append(self._request(message))
        self._link.pass_on(message.raw)

    def _describe_or_close(self, message: Message, visibility: Visibility) -> None:
        named = self._prepared.named(message.body)
        request = self._request(message, visibility, named)
        if message.kind == messages.CLOSE and message.body[:1] == b"S":
            request.undo = self._prepared.note(messages.first_text(message.body[1:]), None)
        self._link.send(request, message.raw)

    def _refuse_function_call(self, message: Message) -> None:
        """Refuse the fast path, which would call a function past the dialect."""
        self._state.exchange.on(ExchangeEvent.END_SENT)
        self._prepared.note(b"", None)
        text = raise_sql(_NO_FUNCTION_CALLS, self._registry.nonce)
        self._link.send(self._request(message, kind=messages.QUERY), wire.query(text))

    def _query(self, message: Message, *, described: bool) -> None:
        statements = self._registry.translate(messages.decode(message.body[:-1]))
        single = len(statements) == 1
        if single and statements[0].kind is StatementKind.COMMIT and self._conflicts.has_private_copies:
            self._conflicts.hold(message)
            return
        request = PendingRequest(messages.QUERY, message, is_single=single)
        if described:
            request.progress.on(ProgressEvent.DESCRIPTION)
        if any(statement.explains for statement in statements) and not self._state.has_failed:
            self._read_relations(simple=True)
        transactions: list[SessionTransaction | None] = []
        texts = [self._run_simply(statement, request, transactions) for statement in statements]
        if single and statements[0].kind is StatementKind.LOCK:
            request.kept = []  # a row may come before the conflict over the next
        if any(statement.explains for statement in statements):
            request.kept = []  # drawn as a whole
        self._state.exchange.on(ExchangeEvent.END_SENT)
        self._prepared.note(b"", None)
        changed = any(
            statement.changed or statement.inserted or text is not statement.sql
            for text, statement in zip(texts, statements, strict=True)
        )
        following = deque(zip(statements, transactions, strict=True))
        text = messages.encode(";".join(texts)) if changed else message.body[:-1]
        if _leaves_block_empty(statements):
            following.append((_SNAPSHOT, transactions[-1]))
            text += f"\n;{_SNAPSHOT.sql}".encode()  # behind all else: places of errors stay as they are
        request.following = following
        request.end_statement()  # the one before the first
        self._link.send(request, wire.message(messages.QUERY, text + b"\0"))

    def _run_simply(
        self,
        statement: TranslatedStatement,
        request: PendingRequest,
        transactions: list[SessionTransaction | None],
    ) -> str:
        """Take note of a statement of a Query and of its transaction, and return the text to send."""
        is_commit = statement.kind is StatementKind.COMMIT
        if is_commit and self._conflicts.has_private_copies:
            # There is no time to write back in the midst of a Query.
            self._current().pending_error = DATA_CONFLICT
        refused = self._refuse(statement)
        transactions.append(self._state.transaction)
        if refused:
            request.commit = refused if is_commit else request.commit
            text = raise_sql(refused, self._registry.nonce)
        else:
            if request.is_single:
                self._conflicts.save(statement)
            text = self._text(statement)
        self._advance(statement)
        return text

    def _parse(self, message: Message, visibility: Visibility) -> None:
        prepared = self._registry.read_parse(message.body)
        name = prepared.parsed.name
        self._link.unnamed_statement_dropped &= bool(name)
        request = self._request(message, visibility, prepared.statement)
        request.undo = self._prepared.note(name, prepared)
        self._link.send(request, prepared.sent)

    def _bind(self, message: Message, visibility: Visibility) -> None:
        bound = messages.read_bind(message.body)
        prepared = self._prepared.get(bound.statement)
        statement = UNKNOWN if prepared is None else prepared.statement
        if statement.kind is StatementKind.COMMIT and self._conflicts.has_private_copies:
            self._conflicts.hold(message)
            return
        self._prepared.portals[bound.portal] = statement
        refused = self._refuse(statement)
        if prepared is None and not self._state.has_failed:
            refused = no_statement(bound.statement)
        if refused is not None:
            request = self._request(message, statement=statement, kind=messages.PARSE)
            request.commit = refused if statement.kind is StatementKind.COMMIT else None
            self._send_refusal(request, refused)
            return
        self._conflicts.save(statement, portal=bound.portal)
        sent = message.raw
        if prepared is not None and self._must_parse_again(prepared.parsed):
            name = self._state.private_name + b" again"
            self._link.send_hidden(messages.CLOSE, messages.close(b"S", name))
            again = prepared.parsed._replace(name=name, sql=messages.encode(self._text(statement)))
            self._link.send_hidden(messages.PARSE, messages.parse(again))
            sent = messages.bind(bound._replace(statement=name))
        self._link.send(self._request(message, visibility, statement), sent)

    def _must_parse_again(self, parsed: Parsed) -> bool:
        transaction = self._state.transaction
        has_copies = transaction is not None and bool(transaction.copied_tables)
        return has_copies or (not parsed.name and self._link.unnamed_statement_dropped)

    def _execute(self, message: Message, visibility: Visibility) -> None:
        portal = messages.first_text(message.body)
        statement = self._prepared.portals.get(portal, UNKNOWN)
        if portal not in self._prepared.portals and not self._state.has_failed:
            self._send_refusal(self._request(message, kind=messages.PARSE), no_portal(portal))
            return
        request = self._request(message, visibility, statement)
        if statement.explains:
            self._read_relations(simple=False)
        if statement.kind is StatementKind.LOCK or statement.explains:
            request.kept = []
        self._link.send(request, message.raw)
        if statement.kind is StatementKind.BEGIN:
            self._take_snapshot()
        self._advance(statement)

    def _take_snapshot(self) -> None:
        """Take a snapshot by the extended protocol: preparing a query is enough to make PostgreSQL do it."""
        name = self._state.private_name
        self._link.send_hidden(messages.PARSE, messages.parse(Parsed(name, _SNAPSHOT.sql.encode(), b"\0\0")))
        self._link.send_hidden(messages.CLOSE, messages.close(b"S", name))

    def _read_relations(self, *, simple: bool) -> None:
        """Read what a plan needs to know of the catalog, ahead of it."""
        if simple:
            self._link.send_hidden(messages.QUERY, wire.query(_RELATIONS.sql), _RELATIONS)
        else:
            self._link.run_hidden(_RELATIONS.sql, _RELATIONS)

    def _send_refusal(self, request: PendingRequest, refused: Refusal) -> None:
        """Send, in place of a message of the extended protocol, a Parse that PostgreSQL refuses."""
        text = messages.encode(raise_sql(refused, self._registry.nonce))
        self._link.send(request, messages.parse(Parsed(self._state.private_name, text, b"\0\0")))

    # The transaction.

    def _text(self, statement: TranslatedStatement) -> str:
        transaction = self._state.transaction
        if transaction is None or not transaction.copied_tables:
            return statement.sql
        return private_copies.redirect(statement.sql, transaction.copied_tables)

    def _current(self) -> SessionTransaction:
        if self._state.transaction is None:
            self._state.transaction = SessionTransaction(self._registry.now())
        return self._state.transaction

    def _refuse(self, statement: TranslatedStatement) -> Refusal | None:
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
            if statement.kind is StatementKind.WRITE and self.faults.conflict():
                return DATA_CONFLICT
        return refused

    def _refuse_commit(self, transaction: SessionTransaction) -> Refusal | None:
        changes = transaction.content.state is Content.DATA
        if changes and transaction.pending_error is None and self.faults.conflict():
            return DATA_CONFLICT
        return transaction.refuse_commit(self._registry.now(), self._registry.max_transaction_seconds)

    def _advance(self, statement: TranslatedStatement) -> None:
        """Take note of a statement's effect on the block; an error undoes it (see `failed`)."""
        if statement.kind is StatementKind.BEGIN:
            self._current().block.on(BlockEvent.BEGIN)
        elif statement.kind in (StatementKind.COMMIT, StatementKind.ROLLBACK):
            self._state.transaction = None

    def _committed(self, transaction: SessionTransaction) -> None:
        transaction.block.on(BlockEvent.COMMITTED)
        if transaction.content.state is Content.DATA or transaction.locked:
            self._registry.data_changed(transaction.locked)
        if transaction.content.state is Content.SCHEMA:
            self._registry.catalog_changed()

    # Answers of PostgreSQL.

    def from_server(self, data: bytes) -> None:
        """Take bytes from PostgreSQL."""
        shown = self._link.router.on_data(data)
        if self._drops_answers:
            self._client.abort()
            return
        if shown:
            self._client.write(shown)
        self._conflicts.write_back_if_quiet()
        self._go_on()

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        """Take a message that answers no request: the backend's key, a setting, a notice."""
        if kind == messages.BACKEND_KEY:
            self._state.pid = int.from_bytes(body[:4], "big")
            self._registry.enter(self, self._state.pid)
        if kind == messages.NOTICE:
            return self._notice(body)
        if kind == messages.PARAMETER_STATUS:
            name, value = (text.decode() for text in body.split(b"\0")[:2])
            return messages.parameter_status(name, error_translation.setting(name, value))
        return wire.message(kind, body)

    def _notice(self, body: bytes) -> bytes:
        expected = self._link.router.expected
        if expected and expected[0].visibility is Visibility.NOTHING:
            return b""
        changed = bool(expected) and expected[0].statement.changed
        fields = error_translation.without_ours(messages.read_fields(body), changed=changed)
        return wire.message(messages.NOTICE, messages.fields(fields))

    def finished(self, request: PendingRequest, tag: str) -> bytes:
        """Take the end of a statement."""
        statement = request.statement
        if statement is _RELATIONS and request.kept:
            self._relations = relations.read_relations(messages.read_text_row(request.kept.pop()))
        if request.transaction and tag == "COMMIT":
            self._committed(request.transaction)
        elif tag == "DEALLOCATE ALL":
            self._prepared.forget_all(self._link.router.expected)
        if request.visibility is not Visibility.ALL or statement is _SNAPSHOT:
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
                self._committed(transaction)
            self._state.transaction = None
            self._prepared.portals.clear()
        else:
            block = self._current().block
            block.on(BlockEvent.BEGIN)
            if status == FAILED:
                block.on(BlockEvent.FAILED)
        self._conflicts.end_exchange()


def _leaves_block_empty(statements: tuple[TranslatedStatement, ...]) -> bool:
    """Return whether a Query ends behind a BEGIN that no statement with a snapshot follows."""
    kinds = [statement.kind for statement in statements if statement.kind is not StatementKind.SESSION]
    return kinds[-1:] == [StatementKind.BEGIN]
