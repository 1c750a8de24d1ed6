"""A cluster by its endpoint, as a real one is reached; and for each thing that can be wrong, its name."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from mcp import Client
from mcp.client.stdio import stdio_client
from psycopg.pq import Conninfo

from awslabs_dsql_mcp.config.options import LIBPQ_VARIABLES
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import server
from support.client_helpers import Reply, call, rows, write


def environment(cluster: LocalCluster, **changes: str) -> dict[str, str]:
    """What an operator would set to reach the local cluster as if it were AWS's."""
    return {
        "AWS_ACCESS_KEY_ID": cluster.access_key,
        "AWS_SECRET_ACCESS_KEY": cluster.secret_key,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nowhere/config",
        "AWS_SHARED_CREDENTIALS_FILE": "/nowhere/credentials",
        "PGPORT": str(cluster.port),
        "PGSSLROOTCERT": str(cluster.ca_file),
        **changes,
    }


async def asked(environ: dict[str, str], *flags: str, endpoint: str = "localhost") -> Reply:
    start = server("--cluster_endpoint", endpoint, *flags, **environ)
    async with Client(start) as client:
        return await call(client, "readonly_query", sql="SELECT current_user, 1")


async def test_a_cluster_is_reached_by_its_endpoint(cluster: LocalCluster) -> None:
    reply = await asked(environment(cluster), "--region", cluster.region)
    assert reply.facts["rows"] == [["admin", 1]]


async def test_an_address_may_be_given_apart_from_the_name(cluster: LocalCluster) -> None:
    reply = await asked(environment(cluster, PGHOSTADDR="127.0.0.1"), "--region", cluster.region)
    assert reply.facts["rows"] == [["admin", 1]]


async def test_another_role_logs_in_with_its_own_action(cluster: LocalCluster, writer: Client) -> None:
    role = "connecting_agent"
    if await rows(writer, "SELECT count(*) FROM pg_roles WHERE rolname = %s", role) == [[0]]:
        await write(writer, f"CREATE ROLE {role} WITH LOGIN")
        await write(writer, f"AWS IAM GRANT {role} TO 'arn:aws:iam::123456789012:role/{role}'")
    reply = await asked(environment(cluster), "--region", cluster.region, "--database_user", role)
    assert reply.facts["rows"] == [[role, 1]]


async def test_the_local_cluster_needs_nothing_of_the_aws_configuration(
    cluster: LocalCluster, cluster_folder: Path
) -> None:
    hostile = {"AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": "/nowhere", "PGHOSTADDR": "127.0.0.9"}
    start = server("--local", "--local-data", str(cluster_folder), **hostile)
    async with Client(start) as client:
        assert cluster.port
        assert await rows(client, "SELECT 1") == [[1]]


async def test_a_local_cluster_that_died_is_started_again(tmp_path: Path) -> None:
    async with Client(server("--local", "--local-data", str(tmp_path), "--allow-writes")) as client:
        await call(client, "transact", sql_list=["CREATE TABLE kept (id int)"])
        daemon = json.loads((tmp_path / "daemon.json").read_text())["pid"]
        os.kill(daemon, signal.SIGKILL)
        assert await rows(client, "SELECT count(*) FROM kept") == [[0]]


async def test_the_cluster_sees_who_connects(reader: Client) -> None:
    ((name,),) = await rows(reader, "SELECT current_setting('application_name')")
    assert name.startswith("awslabs-dsql-mcp/")


async def test_one_connection_serves_call_after_call(reader: Client) -> None:
    sessions = [await rows(reader, "SELECT sys.current_session_id()") for _ in range(3)]
    assert sessions[0] == sessions[1] == sessions[2]


@pytest.fixture
def closed_port() -> Iterator[str]:
    """A port that nothing listens on, held so that nothing will."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield str(holder.getsockname()[1])


@pytest.fixture
def silent_port() -> Iterator[str]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield str(listener.getsockname()[1])


GONE_WITHIN = 4.0  # 2 s are the promise; the rest is for a loaded machine
NO_KEYS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


@pytest.mark.parametrize(
    ("changes", "flags", "code", "says"),
    [
        (NO_KEYS, [], "no_credentials", "No AWS credentials were found"),
        ({}, ["--profile", "nobody"], "unknown_profile", "nobody"),
        ({}, ["--region", "eu-west-9"], "access_denied", "--region"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, [], "access_denied", "refused the login token"),
        ({"AWS_ACCESS_KEY_ID": "AKIAUNKNOWN"}, [], "access_denied", "refused the login token"),
        ({}, ["--database_user", "nobody_here"], "no_such_role", "does not exist"),
    ],
)
async def test_each_fault_of_a_login_is_named(
    cluster: LocalCluster, changes: dict[str, str], flags: list[str], code: str, says: str
) -> None:
    chosen = flags if "--region" in flags else ["--region", cluster.region, *flags]
    reply = await asked(environment(cluster, **changes), *chosen)
    assert reply.facts["code"] == code
    assert says in reply.text
    assert "Next: " in reply.text
    assert reply.facts["remedy"] == "ask_operator"


async def test_credentials_renewed_while_the_server_runs_are_used(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    keys = tmp_path / "credentials"
    template = f"[default]\naws_access_key_id = {cluster.access_key}\naws_secret_access_key = "
    keys.write_text(f"{template}old\n")
    environ = environment(cluster, AWS_SHARED_CREDENTIALS_FILE=str(keys), **NO_KEYS)
    start = server("--cluster_endpoint", "localhost", "--region", cluster.region, **environ)
    async with Client(start) as client:
        refused = await call(client, "readonly_query", sql="SELECT 1")
        keys.write_text(f"{template}{cluster.secret_key}\n")
        answered = await rows(client, "SELECT 1")
    assert (refused.facts["code"], answered) == ("access_denied", [[1]])


LIBPQ = {
    "PGGEQO": "x",
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGCHANNELBINDING": "require",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGSSLCERTMODE": "require",
    "PGSSLSNI": "0",
    "PGSSLCERT": "/nowhere/cert.pem",
    "PGCONNECT_TIMEOUT": "x",
    "PGSERVICE": "nowhere",
    "PGMINPROTOCOLVERSION": "3.2",
}


@pytest.mark.parametrize("variable", LIBPQ)
async def test_no_variable_of_libpq_breaks_a_login_or_changes_a_value(
    cluster: LocalCluster, variable: str
) -> None:
    environ = environment(cluster, **{variable: LIBPQ[variable]})
    start = server("--cluster_endpoint", "localhost", "--region", cluster.region, **environ)
    async with Client(start) as client:
        told = await rows(client, "SELECT current_setting('TimeZone'), '2026-01-02'::date")
    assert told == [["UTC", "2026-01-02"]]


async def test_all_variables_that_libpq_knows_change_nothing(cluster: LocalCluster) -> None:
    """Those of a newer libpq too."""
    known = {option.envvar.decode() for option in Conninfo.get_defaults() if option.envvar}
    hostile = dict.fromkeys(known - set(LIBPQ_VARIABLES), "x")
    start = server(
        "--cluster_endpoint", "localhost", "--region", cluster.region, **environment(cluster), **hostile
    )
    async with Client(start) as client:
        assert await rows(client, "SELECT 1") == [[1]]


@pytest.mark.skipif(sys.platform == "win32", reason="there libpq's files are not below HOME")
async def test_no_file_of_libpq_breaks_a_login(cluster: LocalCluster, tmp_path: Path) -> None:
    own = tmp_path / ".postgresql"
    own.mkdir()
    (own / "postgresql.crt").write_text("no certificate")
    (own / "root.crl").write_bytes(_revocations_of_another())
    reply = await asked(environment(cluster, HOME=str(tmp_path)), "--region", cluster.region)
    assert reply.facts["rows"] == [["admin", 1]]


def _revocations_of_another() -> bytes:
    now = datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another")])
    unsigned = x509.CertificateRevocationListBuilder(name, now, now + timedelta(days=1))
    return unsigned.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM)


async def test_an_untrusted_certificate_is_named(cluster: LocalCluster) -> None:
    environ = environment(cluster)
    del environ["PGSSLROOTCERT"]
    reply = await asked(environ, "--region", cluster.region)
    assert reply.facts["code"] == "tls_untrusted"
    assert "--ssl-root-cert" in reply.text


async def test_a_certificate_for_another_name_is_named(cluster: LocalCluster) -> None:
    environ = environment(cluster, PGHOSTADDR="127.0.0.1")
    reply = await asked(environ, "--region", cluster.region, endpoint="elsewhere.example")
    assert reply.facts["code"] == "tls_name_mismatch"


async def test_a_name_without_an_address_is_named(cluster: LocalCluster) -> None:
    reply = await asked(environment(cluster), "--region", cluster.region, endpoint="nowhere.invalid")
    assert reply.facts["code"] == "unknown_host"


async def test_a_closed_port_is_named(cluster: LocalCluster, closed_port: str) -> None:
    reply = await asked(environment(cluster, PGPORT=closed_port), "--region", cluster.region)
    assert reply.facts["code"] == "refused"


async def test_a_black_hole_is_named(cluster: LocalCluster, silent_port: str) -> None:
    environ = environment(cluster, PGPORT=silent_port, PGHOSTADDR="127.0.0.1")
    reply = await asked(environ, "--region", cluster.region, "--connect-timeout", "5")
    assert reply.facts["code"] == "connect_timeout"
    assert "--connect-timeout" in reply.text
    assert f"port {silent_port}" in reply.text
    assert "5432" not in reply.text


async def test_an_unknown_region_is_named(cluster: LocalCluster) -> None:
    reply = await asked(environment(cluster))
    assert reply.facts["code"] == "no_region"


def test_slow_credentials_do_not_hold_up_the_end(cluster: LocalCluster, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = /bin/sleep 8\n")
    slow = environment(cluster, AWS_CONFIG_FILE=str(config), **NO_KEYS)
    start = server("--cluster_endpoint", "localhost", "--region", cluster.region, **slow)
    query = {"name": "readonly_query", "arguments": {"sql": "SELECT 1"}}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    with subprocess.Popen(
        [start.command, *start.args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=start.env, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        print(
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}),
            file=process.stdin,
        )
        print(
            json.dumps({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": query}),
            file=process.stdin,
        )
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdin.close()
        assert process.wait(GONE_WITHIN) == 0


async def test_no_secret_is_told(cluster: LocalCluster, tmp_path: Path) -> None:
    log = tmp_path / "log"
    start = server(
        "--cluster_endpoint",
        "localhost",
        "--region",
        "eu-west-9",
        "--log-level",
        "DEBUG",
        **environment(cluster),
    )
    with log.open("w") as errors:
        async with Client(stdio_client(start, errlog=errors)) as client:
            reply = await call(client, "readonly_query", sql="SELECT 1")
    told = reply.text + log.read_text()
    assert reply.is_error
    assert cluster.secret_key not in told
    assert "X-Amz-Signature" not in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("variable", "value", "names"),
    [
        ("PGPORT", "abc", "PGPORT is not a port"),
        ("PGPORT", "99999", "PGPORT is not a port"),
        ("PGHOSTADDR", "localhost", "PGHOSTADDR is not an IP address"),
    ],
)
async def test_a_variable_of_libpq_that_is_wrong_is_named(
    cluster: LocalCluster, variable: str, value: str, names: str
) -> None:
    reply = await asked(environment(cluster, **{variable: value}), "--region", cluster.region)
    assert names in reply.text
    assert "unset" in reply.text


async def test_a_session_is_kept_between_writes_on_the_local_cluster(cluster: LocalCluster) -> None:
    """What is sent to clean a session is taken there, as on AWS: no call has to connect anew."""
    flags = ("--cluster_endpoint", "localhost", "--region", cluster.region, "--allow-writes")
    start = server(*flags, **environment(cluster))
    async with Client(start) as client:
        sessions: set[object] = set()
        for number in range(4):
            await write(client, f"CREATE TABLE kept_{number} (id int PRIMARY KEY)")
            ((session,),) = await rows(client, "SELECT sys.current_session_id()")
            sessions.add(session)
            await write(client, f"DROP TABLE kept_{number}")
    assert len(sessions) == 1
