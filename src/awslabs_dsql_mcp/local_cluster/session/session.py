"""One client's session, led over PostgreSQL as Aurora DSQL would lead it.

A statement is translated (`dialect`), measured by its transaction's rules (`transaction`) and passed on;
what is refused becomes a statement that PostgreSQL itself refuses, so that blocks fail and pipelines are
skipped as ever. What runs into another session's transaction is `rivalry`'s business.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Refusal, StatementKind, TranslatedStatement, raise_sql
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.protocol.wire import Malformed, Message
from awslabs_dsql_mcp.local_cluster.session import error_translation, private_copies
from awslabs_dsql_mcp.local_cluster.session.backend_link import BackendLink, SessionState
from awslabs_dsql_mcp.local_cluster.session.conflicts import ConflictResolver
from awslabs_dsql_mcp.local_cluster.session.response_router import FAILED, IDLE, UNKNOWN, PendingRequest
from awslabs_dsql_mcp.local_cluster.session.transaction import DATA_CONFLICT, SessionTransaction

if TYPE_CHECKING:
    import asyncio

    from awslabs_dsql_mcp.local_cluster.session.fault_injection import FaultInjector
    from awslabs_dsql_mcp.local_cluster.session.registry import SessionRegistry

_REFUSED: Final = b"dsql refused"
_AGAIN: Final = b"dsql again"


class ClientSession:
    """What a client says, what PostgreSQL is told, and the other way round.

    Args:
        sessions: The cluster's sessions, and what they share.
        faults: What goes wrong on demand.
        client: Where answers go.
        server: PostgreSQL.
    """

    def __init__(
        self,
        sessions: SessionRegistry,
        faults: FaultInjector,
        client: asyncio.Transport,
        server: asyncio.Transport,
    ) -> None:
        self._sessions, self._client = sessions, client
        self.faults = faults
        self._standing = SessionState()
        self._line = BackendLink(client, server, self, self._standing)
        self._rivalry = ConflictResolver(sessions, self._line, self._standing, self._go_on)
        self._statements: dict[bytes, tuple[Parsed, TranslatedStatement]] = {}
        self._portals: dict[bytes, TranslatedStatement] = {}
        self._rolls_back = False
        self._cut_off = False

    @property
    def transaction(self) -> SessionTransaction | None:
        """The transaction that is open."""
        return self._standing.transaction

    def fail_transaction(self, refusal: Refusal) -> None:
        """Give way to another session."""
        self._rivalry.abort(refusal)

    def abort(self) -> None:
        """Cut the client off."""
        self._line.abort()

    def cut_off(self) -> None:
        """Let the client have no more answers, and close at the next."""
        self._cut_off = True

    def close(self) -> None:
        """End what is still under way."""
        self._sessions.leave(self._standing.pid)
        self._line.close()

    # What the client says.

    def from_client(self, data: bytes) -> None:
        """Take what the client has sent; a message over 10 MiB ends the session, without a word."""
        self._line.receive(data)
        self._go_on()

    def _go_on(self) -> None:
        try:
            while (taken := self._line.next()) is not None:
                self._take(*taken)
        except Malformed:
            self._line.abort()
            return
        self._line.flush()

    def _take(self, message: Message, known: bool) -> None:  # noqa: FBT001  a pair, as the line gives it
        kind = message.kind
        if kind == messages.QUERY:
            self._query(message, described=known)
        elif kind == messages.PARSE:
            self._parse(message, hidden=known)
        elif kind == messages.BIND:
            self._bind(message, hidden=known)
        elif kind == messages.EXECUTE:
            self._execute(message, hidden=known)
        elif kind in (messages.DESCRIBE, messages.CLOSE):
            self._line.send(
                PendingRequest(kind, message, known, deque([self._named(message.body)])), _raw(message)
            )
        elif kind in (messages.SYNC, messages.FUNCTION_CALL):
            self._line.settling = True
            self._line.send(PendingRequest(kind, message), _raw(message))
        else:
            if kind == messages.FLUSH:
                self._line.group.append(PendingRequest(kind, message))
            self._line.pass_on(_raw(message))

    def _named(self, body: bytes) -> TranslatedStatement:
        name = messages.first_text(body[1:])
        if body[:1] == b"P":
            return self._portals.get(name, UNKNOWN)
        return self._statements[name][1] if name in self._statements else UNKNOWN

    def _query(self, message: Message, *, described: bool) -> None:
        statements = self._sessions.translate(_decode(message.body[:-1]))
        alone = len(statements) == 1
        if alone and statements[0].kind is StatementKind.COMMIT and self._rivalry.has_private_copies:
            self._rivalry.hold(message)
            return
        sent = PendingRequest(messages.QUERY, message, alone=alone, described=described)
        texts = [self._run_simply(statement, sent) for statement in statements]
        if statements and statements[0].kind is StatementKind.LOCK and alone:
            sent.kept = []  # a row may come before the conflict over the next
        self._line.settling = True
        self._statements.pop(b"", None)
        changed = any(
            statement.changed or text is not statement.sql
            for text, statement in zip(texts, statements, strict=True)
        )
        sent.statements = deque(statements)
        sent.began = self._began(sent.statement)
        self._line.send(
            sent, wire.message(messages.QUERY, _encode(";".join(texts)) + b"\0") if changed else _raw(message)
        )

    def _run_simply(self, statement: TranslatedStatement, sent: PendingRequest) -> str:
        """Note what a statement of a simple query does, and give the text to send."""
        if statement.kind is StatementKind.COMMIT and self._rivalry.has_private_copies:
            self._current().pending_error = DATA_CONFLICT  # no time to write back in the midst of a query
        refused = self._refuse(statement)
        sent.transaction = self._standing.transaction or sent.transaction
        if refused:
            sent.commit = refused if statement.kind is StatementKind.COMMIT else sent.commit
            text = raise_sql(refused, self._sessions.nonce)
        else:
            if sent.alone:
                self._rivalry.save(statement, simple=True)
            text = self._text(statement)
        self._advance(statement)
        return text

    def _parse(self, message: Message, *, hidden: bool) -> None:
        parsed = messages.read_parse(message.body)
        statements = self._sessions.translate(_decode(parsed.sql))
        statement = statements[0] if len(statements) == 1 else UNKNOWN
        if statement.changed:
            parsed = parsed._replace(sql=_encode(statement.sql))
        self._statements[parsed.name] = parsed, statement
        self._line.unnamed_lost &= bool(parsed.name)
        self._line.send(
            PendingRequest(messages.PARSE, message, hidden, deque([statement])), messages.parse(parsed)
        )

    def _bind(self, message: Message, *, hidden: bool) -> None:
        bound = messages.read_bind(message.body)
        parsed, statement = self._statements.get(bound.statement, (None, UNKNOWN))
        if statement.kind is StatementKind.COMMIT and self._rivalry.has_private_copies:
            self._rivalry.hold(message)
            return
        self._portals[bound.portal] = statement
        if refused := self._refuse(statement):
            sent = PendingRequest(messages.PARSE, message, statements=deque([statement]))
            sent.commit = refused if statement.kind is StatementKind.COMMIT else None
            text = raise_sql(refused, self._sessions.nonce)
            self._line.send(sent, messages.parse(Parsed(_REFUSED, _encode(text), b"\0\0")))
            return
        self._rivalry.save(statement, simple=False)
        if parsed is not None and self._must_parse_again(parsed):
            self._line.send_hidden(messages.CLOSE, messages.close(b"S", _AGAIN))
            again = parsed._replace(name=_AGAIN, sql=_encode(self._text(statement)))
            self._line.send_hidden(messages.PARSE, messages.parse(again))
            bound = bound._replace(statement=_AGAIN)
        self._line.send(
            PendingRequest(messages.BIND, message, hidden, deque([statement])), messages.bind(bound)
        )

    def _must_parse_again(self, parsed: Parsed) -> bool:
        transaction = self._standing.transaction
        shadowed = transaction is not None and bool(transaction.copied_tables)
        return shadowed or (not parsed.name and self._line.unnamed_lost)

    def _execute(self, message: Message, *, hidden: bool) -> None:
        statement = self._portals.get(messages.first_text(message.body), UNKNOWN)
        sent = PendingRequest(messages.EXECUTE, message, hidden, deque([statement]))
        if statement.kind is StatementKind.LOCK:
            sent.kept = []
        sent.began = self._began(statement)
        self._line.send(sent, _raw(message))
        self._advance(statement)

    def _began(self, statement: TranslatedStatement) -> float:
        return self._sessions.now().seconds if statement.explains else 0.0

    # The transaction.

    def _text(self, statement: TranslatedStatement) -> str:
        transaction = self._standing.transaction
        if transaction is None or not transaction.copied_tables:
            return statement.sql
        return private_copies.redirect(statement.sql, transaction.copied_tables)

    def _current(self) -> SessionTransaction:
        if self._standing.transaction is None:
            self._standing.transaction = SessionTransaction(self._sessions.now())
        return self._standing.transaction

    def _refuse(self, statement: TranslatedStatement) -> Refusal | None:
        """Say why a statement must fail, before it is sent."""
        if self._standing.status == FAILED or (
            statement.kind is StatementKind.OTHER and not statement.not_in_block
        ):
            return None
        transaction, now = self._current(), self._sessions.now()
        if statement.kind is StatementKind.COMMIT:
            return self._refuse_commit(transaction) if transaction.explicit else None
        refused = transaction.refuse(statement, now)
        if refused is None and statement.kind is StatementKind.WRITE and not transaction.explicit:
            return DATA_CONFLICT if self.faults.conflict() else None
        return refused

    def _refuse_commit(self, transaction: SessionTransaction) -> Refusal | None:
        if transaction.dml and transaction.pending_error is None and self.faults.conflict():
            return DATA_CONFLICT
        return transaction.refuse_commit(self._sessions.now(), self._sessions.longest_transaction)

    def _advance(self, statement: TranslatedStatement) -> None:
        """Go on to where a statement leads, if it does not fail."""
        if statement.kind is StatementKind.BEGIN:
            self._current().explicit = True
        elif statement.kind in (StatementKind.COMMIT, StatementKind.ROLLBACK):
            self._standing.transaction, self._standing.status = None, IDLE

    def _committed(self, transaction: SessionTransaction) -> None:
        transaction.committed = True
        if transaction.dml or transaction.locked:
            self._sessions.data_changed(transaction.locked)
        if transaction.ddl:
            self._sessions.catalog_changed()

    # What PostgreSQL says.

    def from_server(self, data: bytes) -> None:
        """Take what PostgreSQL has sent."""
        shown = self._line.talk.on_data(data)
        if self._cut_off:
            self._client.abort()
            return
        if shown:
            self._client.write(shown)
        self._rivalry.write_back_if_quiet()
        self._go_on()

    def on_async_message(self, kind: bytes, body: bytes) -> bytes:
        """Take what answers nothing: who we are, a setting, a notice."""
        if kind == messages.BACKEND_KEY:
            self._standing.pid = int.from_bytes(body[:4], "big")
            self._sessions.enter(self, self._standing.pid)
        expected = self._line.talk.expected
        if kind == messages.NOTICE and expected and expected[0].hidden:
            return b""
        if kind == messages.PARAMETER_STATUS:
            name, value = (text.decode() for text in body.split(b"\0")[:2])
            return messages.parameter_status(name, error_translation.setting(name, value))
        return wire.message(kind, body)

    def finished(self, sent: PendingRequest, tag: str) -> bytes:
        """Take the end of a statement."""
        statement = sent.statement
        if sent.transaction and tag == "COMMIT":
            self._committed(sent.transaction)
        if sent.hidden or sent.ready:
            return b""
        end = messages.command_complete(statement.tag or tag)
        if not statement.explains:
            return end
        seconds = self._sessions.now().seconds - sent.began
        return error_translation.dpu_rows(seconds, writes=statement.kind is StatementKind.WRITE) + end

    def failed(self, sent: PendingRequest | None, fields: dict[str, str]) -> bytes:
        """Take an error; what can be helped is not told."""
        if sent is None:
            return messages.error(fields)
        if sent.outcome is not None:
            sent.failure = fields
            return b""
        if (sent.kind == messages.QUERY and sent.hidden) or self._rivalry.can_recover(sent, fields):
            return b""
        told = self._word(sent, fields)
        if sent.commit is not None and told["M"] == sent.commit.message:
            self._rolls_back = True
        if (transaction := sent.transaction) is not None:
            transaction.failure_reported = True
            if transaction.explicit:
                self._standing.status = FAILED
            else:
                transaction.ddl = transaction.dml = False
        return messages.error(told)

    def _word(self, sent: PendingRequest, fields: dict[str, str]) -> dict[str, str]:
        """Word an error, which may be the doing of others: they have cancelled us, or a savepoint of ours."""
        transaction = sent.transaction
        cancelled = fields["C"] == error_translation.CANCELLED and self._rivalry.cancelled
        untold = (
            fields["C"] == error_translation.IN_FAILED
            and transaction is not None
            and not transaction.failure_reported
        )
        unchecked = (
            fields["C"] == error_translation.FOREIGN_KEY
            and transaction is not None
            and bool(transaction.copied_tables)
        )
        if cancelled or untold or unchecked:
            return error_translation.as_fields((transaction and transaction.pending_error) or DATA_CONFLICT)
        longest = self._sessions.longest_transaction
        return error_translation.translate_error(
            fields, self._sessions.nonce, longest, changed=sent.statement.changed
        )

    def is_ready(self, sent: PendingRequest, status: bytes) -> bytes:
        """Take the end of an exchange."""
        if sent.outcome is not None:
            sent.outcome.set_result(sent.failure)
            return b""
        if self._rivalry.begin_recovery(status) or sent.hidden:
            return b""
        if self._rolls_back:
            self._rolls_back = False
            self._line.end_block()
            return b""
        self._settle(status)
        return wire.message(wire.READY_FOR_QUERY, status)

    def _settle(self, status: bytes) -> None:
        self._standing.status, self._line.settling = status, False
        self._line.group.clear()
        if status == IDLE:
            transaction = self._standing.transaction
            if transaction and not transaction.explicit:
                self._committed(transaction)
            self._standing.transaction = None
        else:
            self._current().explicit = True
        self._rivalry.settle()


def _raw(message: Message) -> bytes:
    return wire.message(message.kind, message.body)


def _decode(sql: bytes) -> str:
    return sql.decode("utf-8", "surrogateescape")


def _encode(sql: str) -> bytes:
    return sql.encode("utf-8", "surrogateescape")
