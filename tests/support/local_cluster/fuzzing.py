"""Clients that keep to no rule of the protocol, made up from a seed."""

import random
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.protocol import messages, wire
from awslabs_dsql_mcp.local_cluster.protocol.messages import Bound, Parsed
from support.local_cluster.logins import token
from support.local_cluster.raw_client import Client

REQUESTS = (wire.SSL_REQUEST, wire.GSSENC_REQUEST, wire.CANCEL_REQUEST, 3 << 16, 2 << 16, 0)
STATEMENTS = (
    *("", ";", "SELECT 1", "BEGIN", "BEGIN", "COMMIT", "ROLLBACK", "COMMIT; BEGIN", "SELECT 1; SELECT 2"),
    *("INSERT INTO marks VALUES (1)", "UPDATE marks SET v = 2", "DELETE FROM marks WHERE v = 2"),
    *("CREATE TABLE made_@ (v int)", "DROP TABLE IF EXISTS made_@", "CREATE TABLE made_@ (v text); SELECT 1"),
    *("COPY marks FROM STDIN", "COPY marks TO STDOUT", "SELECT v FROM marks FOR UPDATE", "SELECT nosuch"),
    *("TRUNCATE victim", "DROP TABLE victim; SELECT nosuch", "LOCK TABLE victim", "DISCARD ALL"),
    *("SAVEPOINT s", "SET statement_timeout = 1", "PREPARE a AS SELECT 1", "DEALLOCATE ALL", "LISTEN x"),
    *("COPY victim TO PROGRAM 'true'", "DECLARE c CURSOR FOR SELECT 1", "EXECUTE a", "SELECT $1::text"),
    *("EXPLAIN ANALYZE SELECT 1", "\0", "SELECT '\ud83d'", "CREATE INDEX ASYNC ON marks (v)"),
)
"""Statements of all kinds; those about ``victim`` are refused, or rolled back."""

_NAMES = (b"", b"", b"a", b"b", b"dsql", b"dsql refused", b"dsql again")
_OPTIONS = (
    *("", "-c search_path=public", "-c dsql.max_rows=9", "-c dsql.max\\_rows=9", "--dsql-max-rows=9", "-fs"),
    *("-c", "-c x", "-cstatement_timeout=0", "-c\\ a=b", "-P", "--x=\\", "-c role=pg_superuser"),
    *("-c session_replication_r\\ole=replica", "-d 5", "-c TimeZone=UTC -B 5"),
)
ACCEPTED_OPTIONS = frozenset(("", "-c search_path=public"))


def converse(cluster: LocalCluster, seed: int) -> None:
    """Be one client, from its first byte to its last.

    Raises:
        TimeoutError: The endpoint neither answers nor closes the connection.
    """
    choice = random.Random(seed)  # noqa: S311  a seed finds it again
    client = Client(cluster)
    try:
        with suppress(ConnectionError, ssl.SSLError):
            choice.choice((_opening, _login, _session, _session, _session))(client, cluster, choice)
    finally:
        client.close()


def _opening(client: Client, cluster: LocalCluster, choice: random.Random) -> None:
    """Begin in any order, in clear; a cancel request is for a session that may be another's."""
    del cluster
    for _ in range(choice.randrange(4)):
        code = choice.choice(REQUESTS)
        body = choice.choice((b"", b"user\0admin\0\0", choice.randbytes(8), b"user\0", b"\0"))
        sent = wire.packet(code, body)
        if choice.random() < 0.2:
            sent = struct.pack("!I", choice.choice((0, 7, 9, 10_001, 2**31, 2**32 - 1))) + sent[4:]
        client.send(sent[: choice.choice((len(sent), len(sent), 3))])
    if choice.random() < 0.5:
        client.send(choice.randbytes(choice.randrange(100)))


def _login(client: Client, cluster: LocalCluster, choice: random.Random) -> None:
    """Log in with anything but what is right; only accepted options get as far as the session."""
    client.ask(wire.SSL_REQUEST)
    client.encrypt()
    given = {
        "user": choice.choice(("admin", "admin", "pg_superuser", "local_job_1", "nobody", "", 'a"b')),
        "database": choice.choice(("postgres", "postgres", "template1", "")),
        "options": choice.choice(_OPTIONS),
    }
    if choice.random() < 0.3:
        given[choice.choice(("replication", "_pq_.x", "role", "client_encoding", "REPLICATION"))] = "true"
    client.send(wire.startup(given))
    client.send(
        choice.choice(
            (
                wire.password(token(cluster, given["user"] or "admin")),
                wire.password("x"),
                wire.query("SELECT 1"),
                wire.message(b"p", b""),
                b"p" + struct.pack("!I", 2**31),
            )
        )
    )
    harmless = given["options"] in ACCEPTED_OPTIONS and given["user"] == "admin"
    client.send(wire.query("SELECT 1") + wire.message(b"X"))
    _read_on(client, lambda message: not _is_wrongly_in(message, harmless=harmless))


def _is_wrongly_in(message: wire.Message, *, harmless: bool) -> bool:
    if message.kind == messages.BACKEND_KEY and not harmless:
        raise AssertionError("logged in with what must be refused")
    return False


def _session(client: Client, cluster: LocalCluster, choice: random.Random) -> None:
    """Log in, and send messages in any order and any shape."""
    client.ask(wire.SSL_REQUEST)
    client.encrypt()
    client.send(wire.startup({"user": "admin", "database": "postgres"}))
    client.send(wire.password(token(cluster)))
    _read_on(client, lambda message: message.kind != wire.READY_FOR_QUERY)
    for _ in range(choice.randrange(1, 25)):
        client.send(_message(choice))
    # Whatever went before, these end it: data that are read, a block of messages, a transaction.
    client.send(wire.message(b"f", b"end\0") + wire.message(b"S") + wire.query("ROLLBACK"))
    client.send(wire.query("SELECT 'the end'"))
    _read_on(client, lambda message: b"the end" not in message.body)


def _read_on(client: Client, more: Callable[[wire.Message], bool]) -> None:
    """Read until there is no more, or the connection ends."""
    while (message := client.read()) is not None:
        if not more(message):
            return


def _message(choice: random.Random) -> bytes:
    """Make up a message; one in ten is malformed."""
    text = choice.choice(STATEMENTS).replace("@", str(choice.randrange(3))).encode("utf-8", "surrogatepass")
    name, portal = choice.choice(_NAMES), choice.choice(_NAMES)
    made = choice.choice(
        (
            *[wire.message(b"Q", text + b"\0")] * 4,
            *[messages.parse(Parsed(name, text, b"\0\0"))] * 4,
            *[messages.bind(Bound(portal, name, b"\0\0\0\0\0\0"))] * 4,
            *[messages.execute(portal)] * 4,
            *[wire.message(b"S")] * 3,
            wire.message(b"D", choice.choice((b"S", b"P", b"x")) + name + b"\0"),
            messages.close(choice.choice((b"S", b"P")), name),
            wire.message(b"H"),
            wire.message(b"F", struct.pack("!IHHH", choice.choice((2078, 1598)), 0, 0, 0)),
            wire.message(b"d", b"3\n"),
            wire.message(b"c"),
            wire.message(b"f", b"no\0"),
            wire.message(choice.choice((b"p", b"X", b"z", b"\0", b"W")), choice.randbytes(3)),
        )
    )
    if choice.random() < 0.1:
        kind, body = made[:1], made[5:]
        made = wire.message(kind, choice.choice((b"", body[:-1], body + b"x", choice.randbytes(5))))
    return made
