"""One client's session, led over PostgreSQL as Aurora DSQL would lead it.

A statement is translated (`dialect`), measured by its transaction's rules (`transaction`) and passed on;
what is refused becomes a statement that PostgreSQL itself refuses, so that blocks fail and pipelines are
skipped as ever. What runs into another session's transaction is `rivalry`'s business.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from awslabs_dsql_mcp.local_cluster.dialect import Kind, Refusal, Translated, refuse
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Parsed
from awslabs_dsql_mcp.local_cluster.protocol.wire import Malformed, Message
from awslabs_dsql_mcp.local_cluster.session import error_translation as wording
from awslabs_dsql_mcp.local_cluster.session import private_copies as shadows
from awslabs_dsql_mcp.local_cluster.session.backend_link import Line, Standing
from awslabs_dsql_mcp.local_cluster.session.conflicts import Rivalry
from awslabs_dsql_mcp.local_cluster.session.response_router import FAILED, IDLE, UNKNOWN, Sent
from awslabs_dsql_mcp.local_cluster.session.transaction import DATA_CONFLICT, Transaction

if TYPE_CHECKING:
    import asyncio

    from awslabs_dsql_mcp.local_cluster.session.fault_injection import Faults
    from awslabs_dsql_mcp.local_cluster.session.registry import Sessions

_REFUSED: Final = b"dsql refused"
_AGAIN: Final = b"dsql again"


class Session:
    """What a client says, what PostgreSQL is told, and the other way round.

    Args:
        sessions: The cluster's sessions, and what they share.
        faults: What goes wrong on demand.
        client: Where answers go.
        server: PostgreSQL.
    """

    def __init__(
        self, sessions: Sessions, faults: Faults, client: asyncio.Transport, server: asyncio.Transport
    ) -> None:
        self._sessions, self._client = sessions, client
        self.faults = faults
        self._standing = Standing()
        self._line = Line(client, server, self, self._standing)
        self._rivalry = Rivalry(sessions, self._line, self._standing, self._go_on)
        self._statements: dict[bytes, tuple[Parsed, Translated]] = {}
        self._portals: dict[bytes, Translated] = {}
        self._rolls_back = False
        self._cut_off = False

    @property
    def transaction(self) -> Transaction | None:
        """The transaction that is open."""
        return self._standing.transaction

    def lose(self, refusal: Refusal) -> None:
        """Give way to another session."""
        self._rivalry.lose(refusal)

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
            self._line.send(Sent(kind, message, known, deque([self._named(message.body)])), _raw(message))
        elif kind in (messages.SYNC, messages.FUNCTION_CALL):
            self._line.settling = True
            self._line.send(Sent(kind, message), _raw(message))
        else:
            if kind == messages.FLUSH:
                self._line.group.append(Sent(kind, message))
            self._line.pass_on(_raw(message))

    def _named(self, body: bytes) -> Translated:
        name = messages.first_text(body[1:])
        if body[:1] == b"P":
            return self._portals.get(name, UNKNOWN)
        return self._statements[name][1] if name in self._statements else UNKNOWN

    def _query(self, message: Message, *, described: bool) -> None:
        statements = self._sessions.translate(_decode(message.body[:-1]))
        alone = len(statements) == 1
        if alone and statements[0].kind is Kind.COMMIT and self._rivalry.must_write_back:
            self._rivalry.hold(message)
            return
        sent = Sent(messages.QUERY, message, alone=alone, described=described)
        texts = [self._run_simply(statement, sent) for statement in statements]
        if statements and statements[0].kind is Kind.LOCK and alone:
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

    def _run_simply(self, statement: Translated, sent: Sent) -> str:
        """Note what a statement of a simple query does, and give the text to send."""
        if statement.kind is Kind.COMMIT and self._rivalry.must_write_back:
            self._current().doom = DATA_CONFLICT  # no time to write back in the midst of a query
        refused = self._refuse(statement)
        sent.transaction = self._standing.transaction or sent.transaction
        if refused:
            sent.commit = refused if statement.kind is Kind.COMMIT else sent.commit
            text = refuse(refused, self._sessions.nonce)
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
        self._line.send(Sent(messages.PARSE, message, hidden, deque([statement])), messages.parse(parsed))

    def _bind(self, message: Message, *, hidden: bool) -> None:
        bound = messages.read_bind(message.body)
        parsed, statement = self._statements.get(bound.statement, (None, UNKNOWN))
        if statement.kind is Kind.COMMIT and self._rivalry.must_write_back:
            self._rivalry.hold(message)
            return
        self._portals[bound.portal] = statement
        if refused := self._refuse(statement):
            sent = Sent(messages.PARSE, message, statements=deque([statement]))
            sent.commit = refused if statement.kind is Kind.COMMIT else None
            text = refuse(refused, self._sessions.nonce)
            self._line.send(sent, messages.parse(Parsed(_REFUSED, _encode(text), b"\0\0")))
            return
        self._rivalry.save(statement, simple=False)
        if parsed is not None and self._must_parse_again(parsed):
            self._line.say(messages.CLOSE, messages.close(b"S", _AGAIN))
            again = parsed._replace(name=_AGAIN, sql=_encode(self._text(statement)))
            self._line.say(messages.PARSE, messages.parse(again))
            bound = bound._replace(statement=_AGAIN)
        self._line.send(Sent(messages.BIND, message, hidden, deque([statement])), messages.bind(bound))

    def _must_parse_again(self, parsed: Parsed) -> bool:
        transaction = self._standing.transaction
        shadowed = transaction is not None and bool(transaction.shadowed)
        return shadowed or (not parsed.name and self._line.unnamed_lost)

    def _execute(self, message: Message, *, hidden: bool) -> None:
        statement = self._portals.get(messages.first_text(message.body), UNKNOWN)
        sent = Sent(messages.EXECUTE, message, hidden, deque([statement]))
        if statement.kind is Kind.LOCK:
            sent.kept = []
        sent.began = self._began(statement)
        self._line.send(sent, _raw(message))
        self._advance(statement)

    def _began(self, statement: Translated) -> float:
        return self._sessions.now().seconds if statement.explains else 0.0

    # The transaction.

    def _text(self, statement: Translated) -> str:
        transaction = self._standing.transaction
        if transaction is None or not transaction.shadowed:
            return statement.sql
        return shadows.renamed(statement.sql, transaction.shadowed)

    def _current(self) -> Transaction:
        if self._standing.transaction is None:
            self._standing.transaction = Transaction(self._sessions.now())
        return self._standing.transaction

    def _refuse(self, statement: Translated) -> Refusal | None:
        """Say why a statement must fail, before it is sent."""
        if self._standing.status == FAILED or (statement.kind is Kind.OTHER and not statement.alone):
            return None
        transaction, now = self._current(), self._sessions.now()
        if statement.kind is Kind.COMMIT:
            return self._refuse_commit(transaction) if transaction.explicit else None
        refused = transaction.refuse(statement, now)
        if refused is None and statement.kind is Kind.WRITE and not transaction.explicit:
            return DATA_CONFLICT if self.faults.conflict() else None
        return refused

    def _refuse_commit(self, transaction: Transaction) -> Refusal | None:
        if transaction.dml and transaction.doom is None and self.faults.conflict():
            return DATA_CONFLICT
        return transaction.refuse_commit(self._sessions.now(), self._sessions.longest_transaction)

    def _advance(self, statement: Translated) -> None:
        """Go on to where a statement leads, if it does not fail."""
        if statement.kind is Kind.BEGIN:
            self._current().explicit = True
        elif statement.kind in (Kind.COMMIT, Kind.ROLLBACK):
            self._standing.transaction, self._standing.status = None, IDLE

    def _committed(self, transaction: Transaction) -> None:
        transaction.committed = True
        if transaction.dml or transaction.locked:
            self._sessions.data_changed(transaction.locked)
        if transaction.ddl:
            self._sessions.catalog_changed()

    # What PostgreSQL says.

    def from_server(self, data: bytes) -> None:
        """Take what PostgreSQL has sent."""
        shown = self._line.talk.answer(data)
        if self._cut_off:
            self._client.abort()
            return
        if shown:
            self._client.write(shown)
        self._rivalry.write_back_if_quiet()
        self._go_on()

    def told(self, kind: bytes, body: bytes) -> bytes:
        """Take what answers nothing: who we are, a setting, a notice."""
        if kind == messages.BACKEND_KEY:
            self._standing.pid = int.from_bytes(body[:4], "big")
            self._sessions.enter(self, self._standing.pid)
        expected = self._line.talk.expected
        if kind == messages.NOTICE and expected and expected[0].hidden:
            return b""
        if kind == messages.PARAMETER_STATUS:
            name, value = (text.decode() for text in body.split(b"\0")[:2])
            return messages.parameter_status(name, wording.setting(name, value))
        return wire.message(kind, body)

    def finished(self, sent: Sent, tag: str) -> bytes:
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
        return wording.dpu_rows(seconds, writes=statement.kind is Kind.WRITE) + end

    def failed(self, sent: Sent | None, fields: dict[str, str]) -> bytes:
        """Take an error; what can be helped is not told."""
        if sent is None:
            return messages.error(fields)
        if sent.outcome is not None:
            sent.failure = fields
            return b""
        if (sent.kind == messages.QUERY and sent.hidden) or self._rivalry.helps(sent, fields):
            return b""
        told = self._word(sent, fields)
        if sent.commit is not None and told["M"] == sent.commit.message:
            self._rolls_back = True
        if (transaction := sent.transaction) is not None:
            transaction.told = True
            if transaction.explicit:
                self._standing.status = FAILED
            else:
                transaction.ddl = transaction.dml = False
        return messages.error(told)

    def _word(self, sent: Sent, fields: dict[str, str]) -> dict[str, str]:
        """Word an error, which may be the doing of others: they have cancelled us, or a savepoint of ours."""
        transaction = sent.transaction
        cancelled = fields["C"] == wording.CANCELLED and self._rivalry.cancelled
        untold = fields["C"] == wording.IN_FAILED and transaction is not None and not transaction.told
        unchecked = (
            fields["C"] == wording.FOREIGN_KEY and transaction is not None and bool(transaction.shadowed)
        )
        if cancelled or untold or unchecked:
            return wording.as_fields((transaction and transaction.doom) or DATA_CONFLICT)
        longest = self._sessions.longest_transaction
        return wording.told(fields, self._sessions.nonce, longest, changed=sent.statement.changed)

    def is_ready(self, sent: Sent, status: bytes) -> bytes:
        """Take the end of an exchange."""
        if sent.outcome is not None:
            sent.outcome.set_result(sent.failure)
            return b""
        if self._rivalry.takes_over(status) or sent.hidden:
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
