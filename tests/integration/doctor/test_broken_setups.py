"""For each thing that can be wrong with a configuration, the doctor names the cause."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.cli import main as local
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from integration.doctor.conftest import Practice, Report, listening, silent
from support.local_cluster.logins import connect, keys
from support.wire import messages

SESSION = {"AWS_SESSION_TOKEN": "t"}
NAME = "abcdefghijklmnopqrstuvwxyz.dsql.us-east-1.on.aws"


def only(report: Report, name: str, code: str) -> str:
    """Assert that one check failed, with this cause; give what is said and advised."""
    assert report.worst() == [(name, code)], [f for f in report.findings if f.state == "failed"]
    return f"{report[name].outcome.message} {report[name].outcome.remedy}"


# ---- flags and environment


@pytest.mark.parametrize("endpoint", [f"https://{NAME}", f"{NAME}:5432", "a b", ""])
async def test_a_malformed_endpoint(practice: Practice, endpoint: str) -> None:
    report = await practice.examine(endpoint=endpoint)
    assert "without scheme, port or path" in only(report, "Settings", "settings_invalid")
    assert {f.state for f in report.findings[1:]} == {"skipped"}


@pytest.mark.parametrize(
    ("variable", "value", "names"),
    [
        ("PGPORT", "abc", "PGPORT is 'abc', which is not a port"),
        ("PGPORT", "0", "PGPORT is '0', which is not a port"),
        ("PGHOSTADDR", "localhost", "PGHOSTADDR is 'localhost', which is not an IP address"),
    ],
)
async def test_a_wrong_variable_of_libpq(practice: Practice, variable: str, value: str, names: str) -> None:
    practice.set(**{variable: value})
    assert names in only(await practice.examine(), "Settings", "settings_invalid")


async def test_a_directory_that_is_not_there(practice: Practice) -> None:
    report = await practice.examine("--load-dir", "/nowhere/at-all")
    assert "--load-dir: got '/nowhere/at-all'. Give a directory that exists." in only(
        report, "Settings", "settings_invalid"
    )


async def test_no_cluster(practice: Practice) -> None:
    report = await practice.examine_only(["--knowledge-server", practice.knowledge])
    assert "--cluster_endpoint" in only(report, "Settings", "no_cluster")
    assert report["Knowledge server"].state == "ok"


async def test_a_region_that_is_not_the_endpoints(practice: Practice) -> None:
    report = await practice.examine(endpoint=NAME, region="eu-west-1")
    assert "us-east-1" in only(report, "Settings", "region_mismatch")


async def test_an_unknown_flag(practice: Practice) -> None:
    assert "--allow-writes" in only(await practice.examine("--allow-write"), "Settings", "settings_invalid")


async def test_a_port_that_is_none(practice: Practice) -> None:
    practice.set(PGPORT="https")
    assert "PGPORT" in only(await practice.examine(), "Settings", "settings_invalid")


# ---- AWS


async def test_an_unknown_profile(practice: Practice) -> None:
    assert "nobody" in only(
        await practice.examine("--profile", "nobody"), "AWS credentials", "unknown_profile"
    )


async def test_no_credentials(practice: Practice) -> None:
    practice.unset("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    report = await practice.examine()
    assert "AWS_PROFILE" in only(report, "AWS credentials", "no_credentials")
    assert report["Login"].state == "skipped"
    assert report["TLS"].state == "ok"


async def test_half_of_the_credentials(practice: Practice) -> None:
    practice.unset("AWS_SECRET_ACCESS_KEY")
    assert "incomplete" in only(await practice.examine(), "AWS credentials", "no_credentials")


async def test_expired_session_credentials(practice: Practice) -> None:
    practice.set(**SESSION, AWS_CREDENTIAL_EXPIRATION="2020-01-01T00:00:00Z")
    assert "have expired" in only(await practice.examine(), "AWS credentials", "credentials_expired")


async def test_an_sso_login_that_is_over(practice: Practice, tmp_path: Path) -> None:
    practice.unset("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    config = tmp_path / "config"
    config.write_text(
        "[profile work]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://x.awsapps.com/start\n"
    )
    practice.set(AWS_CONFIG_FILE=str(config))
    report = await practice.examine("--profile", "work")
    assert "aws sso login" in only(report, "AWS credentials", "credentials_expired")


async def test_credentials_that_do_not_come(practice: Practice, tmp_path: Path) -> None:
    practice.unset("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    config = tmp_path / "config"
    config.write_text("[default]\ncredential_process = /bin/sleep 2\n")
    practice.set(AWS_CONFIG_FILE=str(config))
    report = await practice.examine("--connect-timeout", "0.3")
    assert ("AWS credentials", "credentials_timeout") in report.worst()


async def test_credentials_that_end_soon(practice: Practice) -> None:
    soon = datetime.now(timezone.utc) + timedelta(minutes=12)
    practice.set(AWS_CREDENTIAL_EXPIRATION=soon.isoformat(), **SESSION)
    finding = (await practice.examine())["AWS credentials"]
    assert finding.outcome.code == "credentials_expire"
    assert "environment variables; they expire in 11 min" in finding.outcome.message


async def test_a_region_that_nothing_tells(practice: Practice) -> None:
    flags = ["--cluster_endpoint", "localhost", "--knowledge-server", practice.knowledge]
    assert "--region" in only(await practice.examine_only(flags), "Region", "no_region")


async def test_an_address_for_an_endpoint(practice: Practice) -> None:
    assert "SNI" in only(await practice.examine(endpoint="127.0.0.1"), "Region", "no_sni")


async def test_another_region_than_the_clusters(practice: Practice) -> None:
    report = await practice.examine(region="eu-west-9")
    assert "--region" in only(report, "Login", "access_denied")
    assert report["Region"].outcome.code == "region_unsure"


async def test_a_key_that_the_cluster_does_not_know(practice: Practice) -> None:
    practice.set(AWS_SECRET_ACCESS_KEY="wrong")  # noqa: S106 - of nobody
    said = only(await practice.examine(), "Login", "access_denied")
    assert "wrong" not in said


# ---- the way to the endpoint


async def test_a_name_without_an_address(practice: Practice) -> None:
    report = await practice.examine(endpoint="nowhere.invalid")
    assert "nowhere.invalid" in only(report, "DNS", "unknown_host")
    assert report["TCP"].state == "skipped"


async def test_a_closed_port(practice: Practice) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        practice.set(PGPORT=str(holder.getsockname()[1]))
        assert "PGPORT" in only(await practice.examine(), "TCP", "refused")


@pytest.fixture
def black_hole() -> Iterator[str]:
    """A port whose queue is full: Linux then drops what knocks, as a firewall does."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            knocking = stack.enter_context(socket.socket())
            knocking.settimeout(0)
            knocking.connect_ex(listener.getsockname())
        yield str(listener.getsockname()[1])


async def test_a_black_hole(practice: Practice, black_hole: str) -> None:
    practice.set(PGPORT=black_hole, PGHOSTADDR="127.0.0.1")
    report = await practice.examine("--connect-timeout", "0.5")
    assert ("TCP", "connect_timeout") in report.worst()
    assert "firewall" in report["TCP"].outcome.remedy


async def test_one_address_of_two_does_not_answer(practice: Practice) -> None:
    async with listening(silent) as port:
        practice.set(PGPORT=port)
        report = await practice.examine("--connect-timeout", "1")
    finding = report["TCP"]
    if "::1" in report["DNS"].outcome.message:
        assert finding.outcome.code == "address_unreachable"
        assert "PGHOSTADDR=127.0.0.1" in finding.outcome.remedy


async def test_a_port_that_says_nothing(practice: Practice) -> None:
    async with listening(silent) as port:
        practice.set(PGPORT=port, PGHOSTADDR="127.0.0.1")
        report = await practice.examine("--connect-timeout", "1")
    assert ("TLS", "connect_timeout") in report.worst()
    assert "does not answer" in report["TLS"].outcome.message


# ---- TLS


async def test_a_root_that_does_not_fit(practice: Practice, localhost_pem: Path) -> None:
    practice.set(PGSSLROOTCERT=str(localhost_pem))
    assert "--ssl-root-cert" in only(await practice.examine(), "TLS", "tls_untrusted")


async def test_a_file_of_roots_without_any(practice: Practice, tmp_path: Path) -> None:
    file = tmp_path / "roots.pem"
    file.write_text("nothing")
    practice.set(PGSSLROOTCERT=str(file))
    assert str(file) in only(await practice.examine(), "TLS", "tls_roots_unreadable")


async def test_a_certificate_for_another_name(practice: Practice) -> None:
    practice.set(PGHOSTADDR="127.0.0.1")
    said = only(await practice.examine(endpoint="elsewhere.example"), "TLS", "tls_name_mismatch")
    assert "is for localhost" in said


async def test_postgresql_without_tls(practice: Practice) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(b"N")
        await silent(reader, writer)

    async with listening(refuse) as port:
        practice.set(PGPORT=port, PGHOSTADDR="127.0.0.1")
        assert "does not accept TLS" in only(await practice.examine(), "TLS", "tls_failed")


async def test_something_else_answers(practice: Practice) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await silent(reader, writer)

    async with listening(ssh) as port:
        practice.set(PGPORT=port, PGHOSTADDR="127.0.0.1")
        assert "SSH-2.0-O" in only(await practice.examine(), "TLS", "not_postgresql")


async def test_a_port_that_hangs_up(practice: Practice) -> None:
    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)

    async with listening(hang_up) as port:
        practice.set(PGPORT=port, PGHOSTADDR="127.0.0.1")
        only(await practice.examine(), "TLS", "connection_closed")


# ---- the clock


async def test_a_clock_an_hour_off(practice: Practice, hour_ahead: str) -> None:
    report = await practice.examine("--knowledge-server", hour_ahead)
    assert "60 min behind" in only(report, "Clock", "clock_wrong")


class Shifted(TokenSource):
    """Tokens as a machine makes them whose clock is off, or that were made long ago."""

    def __init__(self, cluster: LocalCluster, off: timedelta) -> None:
        super().__init__(Identity())
        self._cluster, self._off = cluster, off

    async def token(self, host: str, user: str) -> str:
        return iam_token.issue(host, user, keys(self._cluster), datetime.now(timezone.utc) + self._off)


def shifted(cluster: LocalCluster, off: timedelta) -> Callable[[Identity], TokenSource]:
    return lambda _: Shifted(cluster, off)


@pytest.mark.parametrize(("hours", "says"), [(-1, "60 min behind"), (1, "60 min ahead")])
async def test_a_clock_an_hour_off_is_told_by_the_login_too(
    practice: Practice, cluster: LocalCluster, hours: int, says: str
) -> None:
    off = timedelta(hours=hours)
    report = await practice.examine(
        "--knowledge-server",
        "http://127.0.0.1:9/",
        now=lambda: datetime.now(timezone.utc) + off,
        tokens=shifted(cluster, off),
    )
    assert says in only(report, "Login", "clock_wrong")
    assert report["Clock"].state == "skipped"


async def test_an_expired_token(practice: Practice, cluster: LocalCluster) -> None:
    report = await practice.examine(tokens=shifted(cluster, timedelta(hours=-1)))
    assert "had expired" in only(report, "Login", "token_expired")


# ---- the login


async def test_a_role_that_does_not_exist(practice: Practice) -> None:
    report = await practice.examine("--database_user", "nobody_here")
    assert "nobody_here" in only(report, "Login", "no_such_role")


def role(
    cluster: LocalCluster, name: str, attributes: str = "LOGIN", *grants: str, mapped: bool = True
) -> None:
    with connect(cluster) as admin:
        if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone():
            return
        admin.execute(f"CREATE ROLE {name} WITH {attributes}".encode())
        if mapped:
            admin.execute(f"AWS IAM GRANT {name} TO 'arn:aws:iam::123456789012:role/agent'".encode())
        for grant in grants:
            admin.execute(grant.encode())


async def test_a_role_without_login(practice: Practice, cluster: LocalCluster) -> None:
    role(cluster, "doctor_nologin", "NOLOGIN", mapped=False)
    report = await practice.examine("--database_user", "doctor_nologin")
    assert "WITH LOGIN" in only(report, "Login", "role_without_login")


async def test_a_role_without_a_mapping(practice: Practice, cluster: LocalCluster) -> None:
    role(cluster, "doctor_unmapped", mapped=False)
    report = await practice.examine("--database_user", "doctor_unmapped")
    assert "AWS IAM GRANT" in only(report, "Login", "not_mapped")


class Misdirected(TokenSource):
    """Tokens of the other action, which something between made."""

    async def token(self, host: str, user: str) -> str:
        return await super().token(host, "app" if user == "admin" else "admin")


async def test_a_token_of_the_other_action(practice: Practice) -> None:
    report = await practice.examine(tokens=Misdirected)
    assert "--database_user" in only(report, "Token", "wrong_action")


@pytest.mark.parametrize(
    ("sqlstate", "message", "hint", "code"),
    [
        ("3D000", 'database "postgres" does not exist', None, "no_such_database"),
        ("08006", "unable to accept connection, access denied",
         "Wrong user to action mapping. user: app, action: DbConnectAdmin", "wrong_action"),
        ("08006", "unable to accept connection, access denied",
         "User: arn:aws:iam::123456789012:user/x is not authorized to perform: dsql:DbConnectAdmin",
         "not_authorized"),
        ("53400", "Unable to accept connection, rate exceeded.", None, "connection_rate"),
    ],
)  # fmt: skip
async def test_what_only_another_server_says(
    practice: Practice,
    localhost_pem: Path,
    tls_context: ssl.SSLContext,
    sqlstate: str,
    message: str,
    hint: str | None,
    code: str,
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await messages.read_first(reader)  # for TLS
        writer.write(b"S")
        inner = asyncio.StreamReader()
        encrypted = await asyncio.get_running_loop().start_tls(
            writer.transport, asyncio.StreamReaderProtocol(inner), tls_context, server_side=True
        )
        assert encrypted is not None
        await messages.read_first(inner)
        encrypted.write(messages.error(sqlstate, message, severity="FATAL", hint=hint).wire)
        await silent(inner, writer)
        encrypted.abort()

    async with listening(refuse) as port:
        practice.set(PGPORT=port, PGHOSTADDR="127.0.0.1", PGSSLROOTCERT=str(localhost_pem))
        only(await practice.examine(), "Login", code)


async def test_too_many_connections(practice: Practice, tmp_path: Path) -> None:
    async with local_cluster(tmp_path / "small", ClusterConfig(max_connections=1)) as small:
        practice.set(
            AWS_ACCESS_KEY_ID=small.access_key,
            AWS_SECRET_ACCESS_KEY=small.secret_key,
            PGPORT=str(small.port),
            PGSSLROOTCERT=str(small.ca_file),
        )
        with connect(small):
            only(await practice.examine(), "Login", "too_many_connections")


async def test_a_cluster_that_wakes_up(practice: Practice, cluster_folder: Path) -> None:
    assert local(["sleep", "--local-data", str(cluster_folder)]) == 0
    assert "in a few seconds" in only(await practice.examine(), "Login", "waking_up")
    assert (await practice.examine())["Login"].state == "ok"


# ---- privileges


async def test_admin_is_told_of_a_smaller_role(practice: Practice) -> None:
    finding = (await practice.examine())["Privileges"]
    assert (finding.state, finding.outcome.code) == ("warning", "is_admin")
    assert "AWS IAM GRANT agent TO" in finding.outcome.details
    assert '"Action": "dsql:DbConnect"' in finding.outcome.details


async def test_admin_of_a_cluster_of_this_machine_is_no_fault(
    practice: Practice, cluster_folder: Path
) -> None:
    where = ["--local", "--local-data", str(cluster_folder), "--knowledge-server", practice.knowledge]
    finding = (await practice.examine_only(where))["Privileges"]
    assert (finding.state, finding.outcome.details) == ("ok", "")


async def test_a_role_that_may_not_read(practice: Practice, cluster: LocalCluster) -> None:
    with connect(cluster) as admin:
        admin.execute("CREATE SCHEMA IF NOT EXISTS doctor_hidden")
        admin.execute("CREATE TABLE IF NOT EXISTS doctor_hidden.t (id int PRIMARY KEY)")
    role(cluster, "doctor_blind")
    report = await practice.examine("--database_user", "doctor_blind")
    assert "GRANT SELECT" in only(report, "Privileges", "may_not_read")


async def test_a_role_that_may_write_for_a_server_that_only_reads(
    practice: Practice, cluster: LocalCluster
) -> None:
    with connect(cluster) as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS doctor_written (id int PRIMARY KEY)")
        for number in range(4):
            admin.execute(f"CREATE SCHEMA IF NOT EXISTS doctor_{number}".encode())
            admin.execute(f"CREATE TABLE IF NOT EXISTS doctor_{number}.t (id int PRIMARY KEY)".encode())
    role(cluster, "doctor_writer", "LOGIN", "GRANT SELECT, INSERT ON doctor_written TO doctor_writer")
    finding = (await practice.examine("--database_user", "doctor_writer"))["Privileges"]
    assert finding.outcome.code == "may_write"
    told = finding.outcome.details
    granted = re.findall(r"GRANT SELECT ON ALL TABLES IN SCHEMA (\w+)", told)
    further = re.findall(r"for each further schema that it is to read: (.*)", told)[0].split(", ")
    assert {"public", *(f"doctor_{number}" for number in range(4))} <= {*granted, *further}
    assert len(granted) == 3
    written = (await practice.examine("--database_user", "doctor_writer", "--allow-writes"))["Privileges"]
    assert written.state == "ok"


# ---- the documentation server


async def test_a_documentation_server_that_is_not_there(practice: Practice) -> None:
    report = await practice.examine("--knowledge-server", "http://127.0.0.1:9/")
    assert report["Knowledge server"].outcome.code == "knowledge_unavailable"
    assert report["Knowledge server"].state == "warning"


async def test_a_slow_documentation_server(practice: Practice) -> None:
    async with listening(silent) as port:
        slow = ["--knowledge-server", f"http://127.0.0.1:{port}/", "--knowledge-timeout", "0.5"]
        report = await practice.examine(*slow)
    assert report["Knowledge server"].outcome.code == "knowledge_timeout"
