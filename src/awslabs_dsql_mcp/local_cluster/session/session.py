"""One client's session: run over PostgreSQL what Aurora DSQL would run.

A statement is translated (`dialect`), checked by its transaction's rules (`transaction_control`) and passed
on; what PostgreSQL says goes back through `answers`. A statement that is refused is replaced by one that
PostgreSQL itself refuses, so that blocks fail and pipelines skip as they do in PostgreSQL. Conflicts with
other sessions are left to `conflicts`; the states are in `state`.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement, raise_sql
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.protocol.wire import Malformed, Message
from awslabs_dsql_mcp.local_cluster.session.answers import RELATIONS, SNAPSHOT, AnswerTranslator
from awslabs_dsql_mcp.local_cluster.session.backend_link import BackendLink, SessionState
from awslabs_dsql_mcp.local_cluster.session.conflicts import ConflictResolver
from awslabs_dsql_mcp.local_cluster.session.prepared import PreparedStatements, no_portal, no_statement
from awslabs_dsql_mcp.local_cluster.session.response_router import (
    UNKNOWN,
    PendingRequest,
    ResponseRouter,
    Visibility,
)
from awslabs_dsql_mcp.local_cluster.session.state import (
    COPYING,
    SKIPPED,
    ExchangeEvent,
    ImpossibleEvent,
    ProgressEvent,
)
from awslabs_dsql_mcp.local_cluster.session.transaction import DATA_CONFLICT, SessionTransaction
from awslabs_dsql_mcp.local_cluster.session.transaction_control import TransactionControl

if TYPE_CHECKING:
    import asyncio

    from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
    from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry

_WRONG_FORMAT: Final = Refusal("08P01", "invalid message format")
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
        self._link = BackendLink(client, server, self._state)
        self._control = TransactionControl(registry, self._state, faults)
        self._conflicts = ConflictResolver(registry, self._link, self._state, self._go_on)
        self._prepared = PreparedStatements()
        answers = AnswerTranslator(
            self, registry, self._state, self._link, self._control, self._conflicts, self._prepared
        )
        self._router = ResponseRouter(answers, self._state.exchange, self._link.expected)
        self._drops_answers = False

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
            following.append((SNAPSHOT, transactions[-1]))
            text += f"\n;{SNAPSHOT.sql}".encode()  # behind all else: places of errors stay as they are
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
            self._control.current().pending_error = DATA_CONFLICT
        refused = self._control.refuse(statement)
        transactions.append(self._state.transaction)
        if refused:
            request.commit = refused if is_commit else request.commit
            text = raise_sql(refused, self._registry.nonce)
        else:
            if request.is_single:
                self._conflicts.save(statement)
            text = self._control.text(statement)
        self._control.advance(statement)
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
        refused = self._control.refuse(statement)
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
            again = prepared.parsed._replace(name=name, sql=messages.encode(self._control.text(statement)))
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
        self._control.advance(statement)

    def _take_snapshot(self) -> None:
        """Take a snapshot by the extended protocol: preparing a query is enough to make PostgreSQL do it."""
        name = self._state.private_name
        self._link.send_hidden(messages.PARSE, messages.parse(Parsed(name, SNAPSHOT.sql.encode(), b"\0\0")))
        self._link.send_hidden(messages.CLOSE, messages.close(b"S", name))

    def _read_relations(self, *, simple: bool) -> None:
        """Read what a plan needs to know of the catalog, ahead of it."""
        if simple:
            self._link.send_hidden(messages.QUERY, wire.query(RELATIONS.sql), RELATIONS)
        else:
            self._link.run_hidden(RELATIONS.sql, RELATIONS)

    def _send_refusal(self, request: PendingRequest, refused: Refusal) -> None:
        """Send, in place of a message of the extended protocol, a Parse that PostgreSQL refuses."""
        text = messages.encode(raise_sql(refused, self._registry.nonce))
        self._link.send(request, messages.parse(Parsed(self._state.private_name, text, b"\0\0")))

    # Answers of PostgreSQL.

    def from_server(self, data: bytes) -> None:
        """Take bytes from PostgreSQL."""
        shown = self._router.on_data(data)
        if self._drops_answers:
            self._client.abort()
            return
        if shown:
            self._client.write(shown)
        self._conflicts.write_back_if_quiet()
        self._go_on()


def _leaves_block_empty(statements: tuple[TranslatedStatement, ...]) -> bool:
    """Return whether a Query ends behind a BEGIN that no statement with a snapshot follows."""
    kinds = [statement.kind for statement in statements if statement.kind is not StatementKind.SESSION]
    return kinds[-1:] == [StatementKind.BEGIN]
