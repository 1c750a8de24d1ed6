"""Orders of messages that hypothesis makes up; PostgreSQL, asked directly, has the right answers."""

import socket
import ssl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Bound, Parsed
from support.local_cluster.logins import connect, token

REFUSED = {"TRUNCATE lines": "SELECT nosuch"}
"""Statements that Aurora DSQL refuses, with one that PostgreSQL refuses as early."""

STATEMENTS = (
    "SELECT id FROM lines ORDER BY id",
    "SELECT id FROM lines WHERE id = 1 FOR UPDATE",
    "UPDATE lines SET v = 'x' WHERE id = 1",
    "UPDATE lines SET v = 'x' WHERE id = 1 RETURNING id",
    "INSERT INTO lines VALUES (1, 'again')",
    "SELECT 1/0",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "",
    *REFUSED,
)
TEXTS = (
    *STATEMENTS,
    "SELECT 1; SELECT 1/0; SELECT 2",
    "BEGIN; UPDATE lines SET v = 'y' WHERE id = 1; COMMIT; BEGIN",
)
COPY = "COPY lines FROM STDIN"
Exchange = tuple[str, ...]
"""A kind of exchange, and its statements."""


def extended(kind: str, sql: str) -> bytes:
    """Write the messages of one statement."""
    name = b"named" if kind == "named" else b""
    parsed = messages.parse(Parsed(name, sql.encode(), b"\0\0"))
    bound = messages.bind(Bound(b"", name, b"\0\0\0\0\0\0"))
    described = wire.message(messages.DESCRIBE, b"P\0") if kind == "described" else b""
    limit = 1 if kind == "limited" else 0
    executed = wire.message(messages.EXECUTE, b"\0" + limit.to_bytes(4, "big"))
    flush = wire.message(messages.FLUSH) if kind == "flushed" else b""
    closed = messages.close(b"S", name) if kind == "named" else b""
    return parsed + bound + described + executed + flush + closed


def copying(end: str) -> bytes:
    rows = wire.message(messages.COPY_DATA, b"2\tx\n" if end == "done" else b"1\tx\n")
    ends = {
        "done": wire.message(messages.COPY_DONE),
        "duplicate": wire.message(messages.COPY_DONE),
        "fail": wire.message(messages.COPY_FAIL, b"no\0"),
        "ignored sync": wire.message(messages.SYNC) + wire.message(messages.COPY_FAIL, b"no\0"),
    }
    return rows + ends[end]


batches = st.lists(
    st.tuples(
        st.sampled_from(["plain", "described", "limited", "flushed", "named"]), st.sampled_from(STATEMENTS)
    ),
    max_size=5,
).map(lambda batch: ("batch", *(part for pair in batch for part in pair)))
queries = st.sampled_from(TEXTS).map(lambda sql: ("query", sql))
copies = st.tuples(
    st.sampled_from(["copy by query", "copy by execute"]),
    st.sampled_from(["done", "fail", "duplicate", "ignored sync"]),
)
exchanges = st.lists(st.one_of(queries, batches, copies), min_size=1, max_size=6)


class Peer:
    """A connection, message by message.

    Args:
        connection: Logged in up to the AuthenticationOk.
        stream: To read from it.
        refused: Statements to send in place of others.
    """

    def __init__(self, connection: socket.socket, stream: BinaryIO, refused: dict[str, str]) -> None:
        self._socket, self._stream, self._refused = connection, stream, refused
        self.until_ready()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def query(self, sql: str) -> list[str]:
        """Run a Query, and give the answer."""
        self.send(wire.query(self._refused.get(sql, sql)))
        return self.until_ready()

    def read(self) -> tuple[bytes, bytes]:
        head = self._stream.read(5)
        assert len(head) == 5
        return head[:1], self._stream.read(int.from_bytes(head[1:], "big") - 4)

    def until(self, *ends: bytes) -> list[str]:
        """Read up to a kind of message; notices and settings are left out."""
        seen: list[str] = []
        while not seen or seen[-1][:1].encode() not in ends:
            kind, body = self.read()
            if kind == messages.ERROR_RESPONSE:
                code = messages.read_fields(body)["C"]
                seen.append("E " + {"42703": "0A000"}.get(code, code))
            elif kind in (messages.COMMAND_COMPLETE, wire.READY_FOR_QUERY):
                seen.append(f"{kind.decode()} {body.rstrip(bytes(1)).decode()}")
            elif kind not in (messages.NOTICE, messages.PARAMETER_STATUS):
                seen.append(kind.decode())
        return seen

    def until_ready(self) -> list[str]:
        return self.until(wire.READY_FOR_QUERY)

    def run(self, exchange: Exchange) -> list[str]:
        """Go through one exchange, and give the answer."""
        kind, *parts = exchange
        if kind == "query":
            return self.query(parts[0])
        if kind == "batch":
            pairs = zip(parts[::2], parts[1::2], strict=True)
            batch = b"".join(extended(how, self._refused.get(sql, sql)) for how, sql in pairs)
            self.send(batch + wire.message(messages.SYNC))
            return self.until_ready()
        return self._copy(parts[0], by_query=kind == "copy by query")

    def _copy(self, end: str, *, by_query: bool) -> list[str]:
        if by_query:  # without waiting for the CopyInResponse
            self.send(wire.query(COPY) + copying(end))
            return self.until_ready()
        sync = wire.message(messages.SYNC)
        self.send(extended("plain", COPY) + sync)
        begun = self.until(messages.COPY_IN, wire.READY_FOR_QUERY)
        if begun[-1] != "G":
            return begun
        # The Sync of before is lost in the copy, so its end has one of its own, here in a later packet.
        self.send(copying(end) + wire.message(messages.FLUSH))
        ended = self.until(messages.COMMAND_COMPLETE, messages.ERROR_RESPONSE)
        self.send(sync)
        return begun + ended + self.until_ready()

    def begin_anew(self) -> None:
        for sql in ("ROLLBACK", "DEALLOCATE ALL", "DELETE FROM lines WHERE id <> 1"):
            self.query(sql)


def client_of(cluster: LocalCluster) -> socket.socket:
    """Log in to the cluster as a client does."""
    context = ssl.create_default_context(cafile=cluster.ca_file)
    context.set_alpn_protocols(["postgresql"])
    plain = socket.create_connection(("127.0.0.1", cluster.port), timeout=5)
    connection = context.wrap_socket(plain, server_hostname=cluster.host)
    connection.sendall(wire.startup({"user": "admin", "database": "postgres"}))
    connection.recv(65536)
    connection.sendall(wire.password(token(cluster)))
    return connection


@contextmanager
def peer_of(connection: socket.socket, refused: dict[str, str]) -> Generator[Peer]:
    with connection, connection.makefile("rb") as stream:
        yield Peer(connection, stream, refused)


@pytest.fixture(autouse=True)
def lines(admin: psycopg.Connection) -> Iterator[None]:
    """A table of one row."""
    admin.execute("CREATE TABLE lines (id int PRIMARY KEY, v text)")
    admin.execute("INSERT INTO lines VALUES (1, 'first')")
    yield
    admin.execute("DROP TABLE lines")


def postgres_of(data: Path) -> socket.socket:
    """Log in to the cluster's PostgreSQL itself, in which the same must happen."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(DataDir.of(data).postgres / ".s.PGSQL.5432"))
    connection.sendall(wire.startup({"user": SUPERUSER, "database": "postgres"}))
    return connection


orders = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@orders
@given(exchanges)
def test_a_session_answers_as_postgresql_does(dsql: LocalCluster, data: Path, script: list[Exchange]) -> None:
    with peer_of(client_of(dsql), {}) as session:
        answer = [session.run(exchange) for exchange in script]
        session.begin_anew()
    with peer_of(postgres_of(data), REFUSED) as postgres:
        expected = [postgres.run(exchange) for exchange in script]
        postgres.begin_anew()
    assert answer == expected


def check(exchange: Exchange, before: str, answer: list[str]) -> str:
    """Check an answer by the rules of the protocol, and give the status at its end.

    Args:
        exchange: What was sent.
        before: The status before: `I`, `T` or `E`.
        answer: What came, up to the ReadyForQuery.
    """
    *parts, ready = answer
    assert ready in ("Z I", "Z T", "Z E")
    assert not [part for part in parts if part.startswith("Z")]
    failures = [at for at, part in enumerate(parts) if part.startswith("E")]
    assert failures in ([], [len(parts) - 1])  # nothing follows an error but the ReadyForQuery
    after = ready[-1]
    if before == "E":
        ended = any(sql in ("ROLLBACK", "COMMIT") for sql in exchange)
        # The first COMMIT or ROLLBACK ends the failed block; what follows stands outside of it.
        assert "C COMMIT" not in parts[: parts.index("C ROLLBACK") if "C ROLLBACK" in parts else None]
        assert ended or after == "E"
        assert ended or not [part for part in parts if part.startswith(("C", "D"))]
    if failures and before == "T":
        assert after in ("E", "I")
        # The error of a COMMIT ends the block, also of one in the middle of a Query.
        assert after == "E" or any("COMMIT" in sql or "ROLLBACK" in sql for sql in exchange)
    if failures == [] and exchange == ("query", "COMMIT"):
        assert after == "I"
    return after


@orders
@given(st.lists(st.tuples(st.one_of(queries, batches), st.booleans()), min_size=1, max_size=8))
def test_the_protocol_holds_while_another_session_writes_the_same_row(
    dsql: LocalCluster, admin: psycopg.Connection, script: list[tuple[Exchange, bool]]
) -> None:
    status = "I"
    with peer_of(client_of(dsql), {}) as session:
        for exchange, disturbed in script:
            if disturbed:  # it waits for nobody, and wins
                admin.execute("UPDATE lines SET v = 'theirs' WHERE id = 1")
            status = check(exchange, status, session.run(exchange))


@settings(orders, max_examples=40)
@given(exchanges, st.integers(0, 400))
def test_a_client_that_vanishes_leaves_nothing_locked(
    dsql: LocalCluster, admin: psycopg.Connection, script: list[Exchange], cut: int
) -> None:
    batch = b"".join(extended("plain", sql) for exchange in script for sql in exchange if sql in STATEMENTS)
    with peer_of(client_of(dsql), {}) as peer:
        peer.send((wire.query("BEGIN") + batch + wire.message(messages.SYNC))[:cut])
    admin.execute("UPDATE lines SET v = 'mine' WHERE id = 1")
    with connect(dsql) as other:
        other.execute("UPDATE lines SET v = 'theirs' WHERE id = 1")


def test_a_copy_that_fails_in_a_block_begun_behind_a_commit_is_answered(dsql: LocalCluster) -> None:
    with peer_of(client_of(dsql), {}) as session:
        session.query("BEGIN; UPDATE lines SET v = 'y' WHERE id = 1; COMMIT; BEGIN")
        assert session.run(("copy by query", "duplicate")) == ["G", "E 23505", "Z E"]


def test_a_failed_block_stays_failed_and_gives_its_locks_to_another(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("INSERT INTO lines VALUES (2, 'second')")
    with peer_of(client_of(dsql), {}) as session:
        session.query("BEGIN")
        assert session.query("UPDATE lines SET v = 'mine' WHERE id = 1")[-1] == "Z T"
        assert session.query("UPDATE lines SET v = 'mine' WHERE id = 2")[-1] == "Z T"
        session.send(wire.query("SELECT pg_sleep(5)"))
        admin.execute("UPDATE lines SET v = 'theirs' WHERE id = 2")
        assert session.until_ready()[-2:] == ["E 40001", "Z E"]
        admin.execute("UPDATE lines SET v = 'theirs' WHERE id = 1")
        assert session.query("SELECT id FROM lines") == ["E 25P02", "Z E"]
        assert session.query("COMMIT") == ["C ROLLBACK", "Z I"]


def test_an_error_of_the_statement_itself_keeps_no_locks_from_another(
    dsql: LocalCluster, admin: psycopg.Connection
) -> None:
    with peer_of(client_of(dsql), {}) as session:
        session.query("BEGIN")
        assert session.query("UPDATE lines SET v = 'mine' WHERE id = 1")[-1] == "Z T"
        assert session.query("INSERT INTO lines VALUES (1, 'again')") == ["E 23505", "Z E"]
        admin.execute("UPDATE lines SET v = 'theirs' WHERE id = 1")
        assert session.query("SELECT id FROM lines") == ["E 25P02", "Z E"]
        assert session.query("ROLLBACK") == ["C ROLLBACK", "Z I"]
