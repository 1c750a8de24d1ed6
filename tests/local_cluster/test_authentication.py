"""Who is let into a local cluster, when, and in which words: Aurora DSQL's rules of connections."""

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

import certifi
import psutil
import psycopg
import pytest
from psycopg import pq

from awslabs_dsql_mcp.dsql import limits
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.protocol import wire
from support.local_cluster.logins import connect, keys
from support.local_cluster.raw_client import answer_to, dial, fatal, fields
from support.local_cluster.waiting import wait_until

DENIED = "unable to accept connection, access denied"
WAKING = "unable to accept connection, waking up cluster, please retry later"
TOO_MANY = fatal("53300", "Unable to accept connection, too many open connections.")
TOO_FAST = fatal("53400", "Unable to accept connection, rate exceeded.")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("open") / "data"


@pytest.fixture(scope="module")
async def open_cluster(data: Path) -> AsyncIterator[LocalCluster]:
    """As Aurora DSQL is."""
    async with local_cluster(data) as running:
        yield running


@pytest.fixture(scope="module")
async def small_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalCluster]:
    """Two connections; cancel requests are honoured."""
    folder = tmp_path_factory.mktemp("small") / "data"
    async with local_cluster(folder, ClusterConfig(max_connections=2, honour_cancel=True)) as running:
        yield running


@pytest.fixture
def admin(open_cluster: LocalCluster) -> Iterator[psycopg.Connection]:
    with connect(open_cluster) as connection:
        yield connection


def first_answer(cluster: LocalCluster) -> dict[str, str] | None:
    """What comes before the password is asked for: a refusal, or nothing."""
    with dial(cluster) as client:
        client.encrypt(alpn="postgresql")
        client.send(wire.startup({"user": "admin", "database": "postgres"}))
        answer = client.read()
        assert answer is not None
        return None if wire.asks_for_password(answer) else fields(answer)


# ---- addresses and encryption


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_name_stays_the_hosts_when_the_address_is_given(open_cluster: LocalCluster, address: str) -> None:
    try:
        connection = connect(open_cluster, hostaddr=address)
    except psycopg.OperationalError as failed:
        if address == "127.0.0.1" or "Connection refused" not in str(failed):
            raise
        return  # a machine without IPv6
    with connection:
        assert connection.info.hostaddr == address


def test_a_name_like_aurora_dsqls_is_in_the_certificate(open_cluster: LocalCluster) -> None:
    host = f"localhost.dsql.{open_cluster.region}.on.aws"
    password = iam_token.issue(host, "admin", keys(open_cluster), datetime.now(timezone.utc))
    with connect(open_cluster, host=host, hostaddr="127.0.0.1", password=password) as connection:
        assert connection.info.host == host


def test_another_authority_does_not_vouch_for_it(open_cluster: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(open_cluster, sslrootcert=certifi.where())


def test_a_newer_protocol_is_negotiated_down(open_cluster: LocalCluster) -> None:
    if pq.version() < 180000:
        pytest.skip("libpq asks for 3.0 alone")
    with connect(open_cluster, max_protocol_version="latest") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


# ---- tokens


@pytest.mark.parametrize(("lifetime", "age"), [(900, 890), (limits.MAX_TOKEN_SECONDS, 6 * 86_400)])
def test_a_token_opens_until_it_expires(open_cluster: LocalCluster, lifetime: int, age: int) -> None:
    signed = datetime.now(timezone.utc) - timedelta(seconds=age)
    password = iam_token.issue("localhost", "admin", keys(open_cluster), signed, lifetime)
    with connect(open_cluster, password=password) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_no_token_lasts_longer_than_a_week(open_cluster: LocalCluster) -> None:
    now, longer = datetime.now(timezone.utc), limits.MAX_TOKEN_SECONDS + 1
    password = iam_token.issue("localhost", "admin", keys(open_cluster), now, longer)
    hint = "X-Amz-Expires must be less than a week (in seconds)"
    assert answer_to(open_cluster, password) == fatal("08006", DENIED, hint)


# ---- roles


def test_a_role_that_does_not_exist_gets_postgresqls_words(open_cluster: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match='FATAL:  role "nobody" does not exist'):
        connect(open_cluster, "nobody")


def test_a_role_without_login_gets_postgresqls_words(
    open_cluster: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE idle NOLOGIN")
    with pytest.raises(psycopg.OperationalError, match='FATAL:  role "idle" is not permitted to log in'):
        connect(open_cluster, "idle")


def test_iam_grant_opens_the_door_and_revoke_shuts_it(
    open_cluster: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE app WITH LOGIN")
    refusal = f"FATAL:  {DENIED}\nHINT:  No IAM identity is mapped to role app"
    with pytest.raises(psycopg.OperationalError, match=refusal):
        connect(open_cluster, "app")
    admin.execute("AWS IAM GRANT app TO 'arn:aws:iam::123456789012:role/app'")
    with connect(open_cluster, "app") as app:
        assert app.execute("SELECT current_user").fetchone() == ("app",)
    admin.execute("AWS IAM REVOKE app FROM 'arn:aws:iam::123456789012:role/app'")
    with pytest.raises(psycopg.OperationalError, match=refusal):
        connect(open_cluster, "app")


def test_mappings_are_looked_up_again_after_a_crash_of_postgresql(
    open_cluster: LocalCluster, admin: psycopg.Connection
) -> None:
    admin.execute("CREATE ROLE survivor WITH LOGIN")
    admin.execute("AWS IAM GRANT survivor TO 'arn:aws:iam::123456789012:role/survivor'")
    with connect(open_cluster, "survivor") as session:
        psutil.Process(session.info.backend_pid).kill()

    def gets_in() -> bool:
        with suppress(psycopg.OperationalError), connect(open_cluster, "survivor"):
            return True
        return False

    wait_until(gets_in)


# ---- how many, and how fast


def test_one_connection_too_many_is_refused(small_cluster: LocalCluster) -> None:
    with connect(small_cluster):
        second = connect(small_cluster)
        assert first_answer(small_cluster) == TOO_MANY
        with pytest.raises(psycopg.OperationalError, match="too many open connections"):
            connect(small_cluster)
        second.close()
        wait_until(lambda: first_answer(small_cluster) is None)


def test_who_was_refused_or_left_at_the_door_does_not_count(small_cluster: LocalCluster) -> None:
    for _ in range(5):
        with suppress(psycopg.OperationalError):
            connect(small_cluster, password="wrong")  # noqa: S106  a wrong one
        first_answer(small_cluster)

    def both_places_are_free() -> bool:
        with suppress(psycopg.OperationalError), connect(small_cluster), connect(small_cluster):
            return True
        return False

    wait_until(both_places_are_free)


async def test_connections_that_come_too_fast_are_refused(tmp_path: Path) -> None:
    async with local_cluster(
        tmp_path / "data", ClusterConfig(connection_burst=2, connection_rate=0)
    ) as cluster:
        assert [first_answer(cluster) for _ in range(4)] == [None, None, TOO_FAST, TOO_FAST]
        with pytest.raises(psycopg.OperationalError, match=r"Unable to accept connection, rate exceeded\."):
            connect(cluster)


# ---- sleep


def test_a_sleeping_cluster_refuses_until_it_is_awake(open_cluster: LocalCluster, data: Path) -> None:
    assert main(["sleep", "--local-data", str(data)]) == 0
    with pytest.raises(psycopg.OperationalError, match=WAKING):
        connect(open_cluster)
    with connect(open_cluster) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_refuses_as_long_as_it_wakes_up(open_cluster: LocalCluster, data: Path) -> None:
    assert main(["sleep", "--waking-ms", "60000", "--local-data", str(data)]) == 0
    assert [first_answer(open_cluster) for _ in range(3)] == [fatal("08006", WAKING)] * 3
    assert main(["sleep", "--local-data", str(data)]) == 0
    assert [first_answer(open_cluster) for _ in range(2)] == [fatal("08006", WAKING), None]


def test_open_connections_go_on_while_it_sleeps(
    open_cluster: LocalCluster, admin: psycopg.Connection, data: Path
) -> None:
    assert main(["sleep", "--local-data", str(data)]) == 0
    assert admin.execute("SELECT 1").fetchone() == (1,)
    assert first_answer(open_cluster) is not None


def test_a_cluster_that_does_not_run_cannot_sleep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = DataDir.of(tmp_path / "none")
    assert main(["sleep", "--local-data", str(folder.path)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.splitlines()[0]) == (
        "",
        f"awslabs-dsql-mcp local: No local cluster runs in {folder.path}.",
    )


# ---- cancel requests


def outcome_of_cancelling(cluster: LocalCluster, statement: str, how: str) -> str:
    """Run a statement and cancel it once it is under way; give its end."""
    ends: list[str] = []
    with connect(cluster) as sleeper, connect(cluster) as watcher:

        def run() -> None:
            try:
                sleeper.execute(statement.encode())
                ends.append("done")
            except psycopg.Error as error:
                ends.append(error.sqlstate or "?")

        def is_under_way() -> bool:
            query = "SELECT wait_event FROM pg_stat_activity WHERE pid = %s"
            return watcher.execute(query, [sleeper.info.backend_pid]).fetchone() == ("PgSleep",)

        thread = threading.Thread(target=run)
        thread.start()
        wait_until(is_under_way)
        getattr(sleeper, how)()
        thread.join(30)
    return ends[0]


@pytest.mark.parametrize("how", ["cancel", "cancel_safe"])
def test_a_cancel_request_changes_nothing(open_cluster: LocalCluster, how: str) -> None:
    assert outcome_of_cancelling(open_cluster, "SELECT pg_sleep(1)", how) == "done"


@pytest.mark.parametrize("how", ["cancel", "cancel_safe"])
def test_a_flag_lets_cancel_requests_through(small_cluster: LocalCluster, how: str) -> None:
    assert outcome_of_cancelling(small_cluster, "SELECT pg_sleep(50)", how) == "57014"


def test_a_cancel_request_is_answered_by_closing(open_cluster: LocalCluster) -> None:
    with dial(open_cluster) as client:
        client.send(wire.packet(wire.CANCEL_REQUEST, bytes(8)))
        assert client.read() is None
