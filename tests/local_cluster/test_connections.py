"""Connections of the local cluster, beyond what `test_local_endpoint` shows: names, tokens, versions."""

import asyncio
import contextlib
import socket
import ssl
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio
import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.protocol import wire
from support.local_cluster.logins import connect, connect_raw, keys

DENIED = "unable to accept connection, access denied"


def one(connection: psycopg.Connection, statement: str) -> object:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_the_address_is_of_this_machine(dsql: LocalCluster) -> None:
    assert (dsql.host, dsql.region) == ("localhost", "us-east-1")
    assert dsql.port != 0
    with connect(dsql, hostaddr="127.0.0.1") as connection:
        assert connection.info.port == dsql.port


def test_a_websocket_is_not_opened(dsql: LocalCluster) -> None:
    trusted = ssl.create_default_context(cafile=str(dsql.ca_file))
    with (
        socket.create_connection((dsql.host, dsql.port), timeout=20) as tcp,
        trusted.wrap_socket(tcp, server_hostname=dsql.host) as client,
        contextlib.suppress(OSError),
    ):
        client.sendall(b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")
        assert client.recv(1) == b""


def test_the_certificate_is_of_the_clusters_own_authority(dsql: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        connect(dsql, sslrootcert="system")


def test_an_address_beside_the_name_is_taken(dsql: LocalCluster) -> None:
    with connect(dsql, hostaddr="127.0.0.1") as connection:
        assert one(connection, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="sni was not received"):
        connect(dsql, host="127.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_both_addresses_of_localhost_are_served(dsql: LocalCluster, address: str) -> None:
    if ":" in address and not has_ipv6():
        pytest.skip("this machine has no ::1")
    with connect(dsql, hostaddr=address) as connection:
        assert one(connection, "SELECT 1") == 1


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def test_a_client_of_protocol_3_2_is_brought_down_to_3_0(dsql: LocalCluster) -> None:
    with tls(dsql) as client:
        parameters = {"user": "admin", "database": "postgres"}
        body = b"".join(f"{key}\0{value}\0".encode() for key, value in parameters.items()) + b"\0"
        client.sendall(wire.packet(3 << 16 | 2, body))
        asked = receive(client)
        assert asked.kind in (b"v", wire.AUTHENTICATION)
        if asked.kind == b"v":
            assert asked.body[:4] == (3 << 16).to_bytes(4, "big")
            asked = receive(client)
        assert wire.asks_for_password(asked)


def test_a_token_may_live_a_week_and_no_longer(dsql: LocalCluster) -> None:
    day_old = datetime.now(timezone.utc) - timedelta(days=6)
    week = iam_token.issue(dsql.host, "admin", keys(dsql), day_old, 604_800)
    with connect(dsql, password=week) as connection:
        assert one(connection, "SELECT 1") == 1
    longer = iam_token.issue(dsql.host, "admin", keys(dsql), day_old, 604_801)
    with pytest.raises(psycopg.OperationalError, match=DENIED):
        connect(dsql, password=longer)


def test_a_session_outlives_its_token(dsql: LocalCluster) -> None:
    brief = iam_token.issue(dsql.host, "admin", keys(dsql), datetime.now(timezone.utc), lifetime=2)
    with connect(dsql, password=brief) as early:
        while not (refused := refusal(dsql, brief)):
            pass
        assert "Signature expired" in refused
        assert one(early, "SELECT 1") == 1


def refusal(cluster: LocalCluster, password: str) -> str:
    """Try a token; give the refusal, empty as long as there is none."""
    try:
        connect(cluster, password=password).close()
    except psycopg.OperationalError as refused:
        return str(refused)
    return ""


async def test_a_login_waits_while_a_catalog_is_locked(
    dsql: LocalCluster, superuser: psycopg.AsyncConnection[Any]
) -> None:
    await superuser.execute("BEGIN")
    await superuser.execute("LOCK TABLE pg_attribute IN ACCESS EXCLUSIVE MODE")
    joining = asyncio.ensure_future(asyncio.to_thread(connect, dsql))
    waiting = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted"
    while await (await superuser.execute(waiting)).fetchone() != (True,):
        assert not joining.done()
    await superuser.execute("ROLLBACK")
    (await joining).close()


def test_the_token_is_asked_for_in_clear_text(dsql: LocalCluster) -> None:
    with tls(dsql) as client:
        client.sendall(wire.startup({"user": "admin", "database": "postgres"}))
        assert wire.asks_for_password(receive(client))


def test_whoever_has_the_keys_comes_in(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    admin.execute("CREATE ROLE keyholder WITH LOGIN")
    admin.execute(b"AWS IAM GRANT keyholder TO 'arn:aws:iam::123456789012:role/somebody-else'")
    with connect(dsql, "keyholder") as connection:
        assert one(connection, "SELECT current_user") == "keyholder"


def test_a_role_without_a_mapping_is_refused(dsql: LocalCluster, admin: psycopg.Connection) -> None:
    admin.execute("CREATE ROLE unmapped WITH LOGIN")
    with pytest.raises(psycopg.OperationalError, match="FATAL"):
        connect(dsql, "unmapped")
    admin.execute(b"AWS IAM GRANT unmapped TO 'arn:aws:iam::123456789012:role/app'")
    with connect(dsql, "unmapped") as connection:
        assert one(connection, "SELECT current_user") == "unmapped"


def test_psycopg_gives_text_alone_for_a_refused_connection(dsql: LocalCluster) -> None:
    with pytest.raises(psycopg.OperationalError) as refused:
        connect(dsql, password="no token")  # noqa: S106  a wrong one
    assert DENIED in str(refused.value)
    assert refused.value.sqlstate is None
    assert refused.value.diag.message_hint is None


def tls(cluster: LocalCluster) -> ssl.SSLSocket:
    """Open a connection, and begin TLS at once."""
    context = ssl.create_default_context(cafile=cluster.ca_file)
    context.set_alpn_protocols(["postgresql"])
    plain = socket.create_connection(("127.0.0.1", cluster.port), timeout=20)
    return context.wrap_socket(plain, server_hostname=cluster.host)


def receive(client: ssl.SSLSocket) -> wire.Message:
    """Receive one message of a conversation that waits after each."""
    received = b""
    while (message := wire.read_message(received, 65536)) is None:
        head = client.recv(5 if len(received) < 5 else wire.message_size(received) - len(received))
        assert head
        received += head
    return message


@pytest.mark.skipif(sys.platform == "win32", reason="PostgreSQL does not look at its clients there")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i % 9 + 1 FROM n) SELECT count(*) FROM n",
        "BEGIN; SELECT pg_sleep(200)",
    ],
)
async def test_a_query_ends_with_its_client(
    dsql: LocalCluster, superuser: psycopg.AsyncConnection[Any], sql: str
) -> None:
    connection = connect_raw(dsql)
    pid = connection.backend_pid
    connection.send_query(sql.encode())
    connection.flush()
    running = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND state = 'active'"

    async def is_running() -> bool:
        return await (await superuser.execute(running, [pid])).fetchone() == (1,)

    while not await is_running():
        pass
    connection.finish()
    with anyio.fail_after(10):
        while await is_running():
            pass
