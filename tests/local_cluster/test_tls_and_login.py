"""The local cluster's endpoint as clients meet it: who gets in, and that nothing is lost on the way."""

import json
import socket
import ssl
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import pytest_asyncio
from psycopg import sql

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from awslabs_dsql_mcp.local_cluster.protocol import wire
from support.direct_connection import run_inside
from support.local_cluster.logins import connect, keys, token
from support.local_cluster.raw_client import Client, answer_to, dial, fatal

DENIED = "unable to accept connection, access denied"
CHUNK = b"x" * 999 + b"\n"
CHUNKS = 50_000  # 50 MB


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster") / "data"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cluster(data: Path) -> AsyncGenerator[LocalCluster, None]:
    """A cluster whose transactions may be as large as what the tests of COPY send."""
    async with local_cluster(
        data, ClusterConfig(max_rows=CHUNKS, max_bytes=2 * CHUNKS * len(CHUNK))
    ) as running:
        yield running


@pytest.fixture
def admin(cluster: LocalCluster) -> Iterator[psycopg.Connection]:
    with connect(cluster) as connection:
        yield connection


def one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def wait_for_activity(cluster: LocalCluster, pid: int, wait_event: str) -> None:
    """Return once the session waits for this; sessions of one role see each other."""
    asked = threading.Event()
    with connect(cluster) as watcher:
        for _ in range(3000):
            query = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s"
            if watcher.execute(query, [pid]).fetchone() == (wait_event,):
                return
            asked.wait(0.01)
    pytest.fail(f"the session never waited for {wait_event}")


# ---- who gets in


def test_a_token_of_boto3_opens_a_verified_connection(cluster: LocalCluster) -> None:
    boto3: Any = import_module("boto3")  # untyped
    client = boto3.client(
        "dsql",
        region_name=cluster.region,
        aws_access_key_id=cluster.access_key,
        aws_secret_access_key=cluster.secret_key,
    )
    password = client.generate_db_connect_admin_auth_token(cluster.host, cluster.region)
    with connect(cluster, password=password) as connection:
        assert one(connection, "SELECT current_user") == "admin"


def test_tls_may_begin_at_once(cluster: LocalCluster) -> None:
    with connect(cluster, sslnegotiation="direct") as connection:
        assert one(connection, "SELECT 1") == 1


def test_the_session_is_as_in_dsql(admin: psycopg.Connection) -> None:
    settings = {
        name: admin.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone()
        for name in ("transaction_isolation", "timezone", "server_encoding", "is_superuser")
    }
    assert settings == {
        "transaction_isolation": ("repeatable read",),
        "timezone": ("UTC",),
        "server_encoding": ("UTF8",),
        "is_superuser": ("off",),
    }
    assert one(admin, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"


def test_admin_makes_schemas_tables_and_roles_that_log_in(
    cluster: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE app LOGIN")
    admin.execute("AWS IAM GRANT app TO 'arn:aws:iam::123456789012:role/app'")
    admin.execute("CREATE SCHEMA shop")
    admin.execute("GRANT USAGE ON SCHEMA shop TO app")
    admin.execute("CREATE TABLE shop.item (id int)")
    admin.execute("CREATE TABLE public.item (id int)")
    with connect(cluster, "app") as app:
        assert one(app, "SELECT current_user") == "app"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT * FROM shop.item")


@pytest.mark.parametrize("statement", ["CREATE ROLE more SUPERUSER", "COPY (SELECT 1) TO PROGRAM 'true'"])
async def test_admin_is_no_superuser_and_makes_none(
    data: Path, admin: psycopg.Connection, statement: str
) -> None:
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        admin.execute(statement.encode())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await run_inside(data, "SET SESSION AUTHORIZATION admin", statement)


def test_psycopg_shows_the_hint(cluster: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError) as refused:
        connect(cluster, password=token(cluster, "app"))
    assert DENIED in str(refused.value)
    assert "HINT:  Wrong user to action mapping. user: admin, action: DbConnect" in str(refused.value)


def test_an_address_sends_no_name_and_is_refused(cluster: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match=r"FATAL:.* sni was not received"):
        connect(cluster, host="127.0.0.1")


def test_no_tls_is_refused(cluster: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="FATAL:  SSL is mandatory"):
        connect(cluster, sslmode="disable")


def test_a_role_without_login_gets_postgresqls_answer(
    cluster: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE idle NOLOGIN")
    with pytest.raises(psycopg.OperationalError, match='FATAL:  role "idle" is not permitted to log in'):
        connect(cluster, "idle")


# ---- the exact answers, byte by byte


def forgeries(cluster: LocalCluster) -> dict[str, str]:
    now, known = datetime.now(timezone.utc), keys(cluster)
    return {
        "no token": "password",
        "signature": token(cluster)[:-1] + "x",
        "host": iam_token.issue("other", "admin", known, now),
        "key": iam_token.issue("localhost", "admin", replace(known, access_key="UNKNOWN"), now),
        "secret": iam_token.issue("localhost", "admin", replace(known, secret_key="another"), now),  # noqa: S106  a wrong one
        "region": iam_token.issue("localhost", "admin", replace(known, region="eu-west-1"), now),
    }


@pytest.mark.parametrize("forgery", ["no token", "signature", "host", "key", "secret", "region"])
def test_a_bad_token_is_denied_without_a_hint(cluster: LocalCluster, forgery: str) -> None:
    assert answer_to(cluster, forgeries(cluster)[forgery]) == fatal("08006", DENIED)


def test_an_expired_token_is_denied_with_dsqls_hint(cluster: LocalCluster) -> None:
    old = iam_token.issue(
        "localhost", "admin", keys(cluster), datetime.now(timezone.utc) - timedelta(seconds=1000)
    )
    answer = answer_to(cluster, old)
    hint = answer.pop("H")
    assert hint.startswith("Signature expired: ")
    assert answer == fatal("08006", DENIED)


@pytest.mark.parametrize(
    ("user", "issued_for", "action"), [("admin", "app", "DbConnect"), ("app", "admin", "DbConnectAdmin")]
)
def test_a_token_of_the_other_kind_is_denied_with_dsqls_hint(
    cluster: LocalCluster, user: str, issued_for: str, action: str
) -> None:
    hint = f"Wrong user to action mapping. user: {user}, action: {action}"
    assert answer_to(cluster, token(cluster, issued_for), user=user) == fatal("08006", DENIED, hint)


@pytest.mark.parametrize("database", ["template1", "shop"])
def test_there_is_one_database(cluster: LocalCluster, database: str) -> None:
    expected = fatal("3D000", f'database "{database}" does not exist')
    assert answer_to(cluster, token(cluster), database=database) == expected


@pytest.mark.parametrize("role", [SUPERUSER, "nobody", 'a"b'])
def test_a_role_that_is_none_and_the_superuser_do_not_come_in(cluster: LocalCluster, role: str) -> None:
    expected = fatal("08P01", f'role "{role}" does not exist')
    assert answer_to(cluster, token(cluster, role), user=role) == expected


def test_no_tls_is_answered_in_clear(cluster: LocalCluster) -> None:
    with dial(cluster) as client:
        client.send(wire.startup({"user": "admin", "database": "postgres"}))
        assert client.read_error() == fatal("08P01", "SSL is mandatory")
        assert client.read() is None


def test_no_name_is_answered_in_tls(cluster: LocalCluster) -> None:
    with dial(cluster) as client:
        assert client.ask(wire.SSL_REQUEST) == b"S"
        client.encrypt(name=None)
        client.send(wire.startup({"user": "admin", "database": "postgres"}))
        assert client.read_error() == fatal("08006", "unable to accept connection, sni was not received")


def test_gss_encryption_is_declined_before_tls(cluster: LocalCluster) -> None:
    with dial(cluster) as client:
        assert client.ask(wire.GSSENC_REQUEST) == b"N"
        assert client.ask(wire.SSL_REQUEST) == b"S"
        client.encrypt()


def hangs_up(client: Client) -> bool:
    try:
        return client.read() is None
    except (ConnectionError, ssl.SSLError):
        return True


def test_tls_at_once_needs_postgresqls_name(cluster: LocalCluster) -> None:
    with dial(cluster) as client:
        client.encrypt(alpn="http/1.1")
        assert hangs_up(client)


class Records:
    """A client whose TLS records can be cut and joined on their way."""

    def __init__(self, cluster: LocalCluster) -> None:
        context = ssl.create_default_context(cafile=cluster.ca_file)
        context.set_alpn_protocols(["postgresql"])
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=cluster.host)
        self.socket = socket.create_connection(("127.0.0.1", cluster.port), timeout=20)

    def run(self, step: Callable[[], object]) -> object:
        """Run a step of TLS that may need more bytes of the server's."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:  # noqa: PERF203  that is how it asks
                self.socket.sendall(self._out.read())
                received = self.socket.recv(65536)
                assert received, "the server closed the connection"
                self._in.write(received)

    def records(self, *messages: bytes) -> bytes:
        """Encrypt each message as a record."""
        for message in messages:
            self.tls.write(message)
        return self._out.read()

    def until(self, end: bytes) -> bytes:
        shown = b""
        while not shown.endswith(end):
            read = self.run(lambda: self.tls.read(65536))
            assert isinstance(read, bytes)
            shown += read
        return shown


def test_records_come_in_pieces_and_together(cluster: LocalCluster) -> None:
    client = Records(cluster)
    client.run(client.tls.do_handshake)
    login = client.records(
        wire.startup({"user": "admin", "database": "postgres"}), wire.password(token(cluster))
    )
    for at in range(0, len(login), 7):
        client.socket.sendall(login[at : at + 7])
    ready = wire.message(wire.READY_FOR_QUERY, b"I")
    client.until(ready)
    numbers = [str(number) for number in range(1000, 1200)]
    client.socket.sendall(client.records(*(wire.query(f"SELECT '{number}'") for number in numbers)))
    shown = client.until(b"1199" + wire.message(b"C", b"SELECT 1\0") + ready)
    assert [shown.count(number.encode()) for number in numbers] == [1] * len(numbers)
    client.socket.close()


def test_a_goodbye_is_answered(cluster: LocalCluster) -> None:
    client = Records(cluster)
    client.run(client.tls.do_handshake)
    client.run(client.tls.unwrap)
    assert client.socket.recv(1) == b""
    client.socket.close()


def test_an_error_at_the_end_is_readable_behind_what_it_does_not_take(cluster: LocalCluster) -> None:
    """A connection that is closed with bytes left to read would be reset, and take the error with it."""
    for _ in range(20):
        client = Records(cluster)
        client.run(client.tls.do_handshake)
        begun = wire.startup({"user": "admin", "database": "postgres"}) + wire.password("no token")
        client.socket.sendall(client.records(begun, *[wire.query("SELECT 1")] * 50))
        assert DENIED.encode() in client.until(b"\0\0")
        assert client.run(lambda: client.tls.read(1)) == b""  # noqa: B023  called at once
        client.socket.close()


def test_noise_is_dropped_and_does_no_harm(cluster: LocalCluster, admin: psycopg.Connection) -> None:
    with dial(cluster) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read() is None
    assert one(admin, "SELECT 1") == 1


# ---- nothing is lost on the way


def test_a_simple_query_answers_each_statement(admin: psycopg.Connection) -> None:
    results = admin.pgconn
    results.send_query(b"SELECT 1; SELECT 2; SELECT nonsense")
    answers: list[bytes | str] = []
    while result := results.get_result():
        answers.append(
            result.get_value(0, 0) or result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or ""
        )
    assert answers == [b"1", b"2", b"42703"]


def test_a_pipeline_answers_in_order_and_skips_after_an_error(admin: psycopg.Connection) -> None:
    with admin.pipeline():
        cursors = [admin.execute("SELECT %s::int", [number]) for number in range(50)]
    assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(50)]
    with pytest.raises(psycopg.errors.DivisionByZero), admin.pipeline():
        _ = admin.execute("SELECT 1/0"), admin.execute("SELECT 1")
    assert one(admin, "SELECT 1") == 1


def test_prepared_statements_and_binary_values_pass(admin: psycopg.Connection) -> None:
    with admin.cursor(binary=True) as cursor:
        for _ in range(3):
            row = cursor.execute("SELECT %b::bytea", [bytes(range(256))], prepare=True).fetchone()
            assert row == (bytes(range(256)),)


SLACK = 25_000_000  # bytes: what buffers, allocator and a late import may take


def memory(data: Path) -> int:
    """Give the largest size that the daemon's memory had, in bytes; its size now, where that is not known."""
    daemon = psutil.Process(json.loads((data / "daemon.json").read_bytes())["pid"])
    if sys.platform == "linux":
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    return daemon.memory_info().rss


def test_much_goes_in_by_copy_without_being_held(data: Path, admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE bulk (line text)")
    before = memory(data)
    with admin.cursor() as cursor:
        with cursor.copy("COPY bulk FROM STDIN") as copy:
            for _ in range(CHUNKS):
                copy.write(CHUNK)
        assert cursor.rowcount == CHUNKS
    assert memory(data) - before < SLACK


@pytest.mark.parametrize(
    ("query", "sqlstate"),
    [
        ("SELECT repeat('x', 60000000)", None),
        ("SELECT repeat('é', 30000000)::int", "22P02"),
        ("SELECT jsonb_object_agg(g, repeat('é', 3000)) #>> '{}' FROM generate_series(1, 9000) g", None),
    ],
)
def test_a_long_row_or_error_is_not_held(
    data: Path, admin: psycopg.Connection, query: str, sqlstate: str | None
) -> None:
    before = memory(data)
    if sqlstate is None:
        row = admin.execute(query.encode()).fetchone()
        assert row is not None
        assert len(row[0]) > 20_000_000
    else:
        with pytest.raises(psycopg.Error) as told:
            admin.execute(query.encode())
        assert told.value.sqlstate == sqlstate
        assert len(str(told.value)) > 500_000
    assert memory(data) - before < SLACK
    assert one(admin, "SELECT 1") == 1


def test_a_reader_that_pauses_stops_the_server_not_the_memory(
    cluster: LocalCluster, data: Path, admin: psycopg.Connection
) -> None:
    before = memory(data)
    line = "SELECT repeat('x', 999) FROM generate_series(1, 50000)"
    with admin.cursor() as cursor, cursor.copy(f"COPY ({line}) TO STDOUT") as copy:
        blocks = iter(copy)
        received = len(next(blocks))
        wait_for_activity(cluster, admin.info.backend_pid, "ClientWrite")
        assert memory(data) - before < SLACK
        received += sum(len(block) for block in blocks)
    assert received == len(CHUNK) * CHUNKS


def test_a_failed_copy_leaves_the_session_usable(admin: psycopg.Connection) -> None:
    admin.execute("CREATE TABLE numbers (number int)")
    with (
        pytest.raises(psycopg.errors.InvalidTextRepresentation),
        admin.cursor() as cursor,
        cursor.copy("COPY numbers FROM STDIN") as copy,
    ):
        copy.write(b"no number\n")
    assert one(admin, "SELECT count(*) FROM numbers") == 0
