"""The doctor says who logs in as which role, and what lets the one in who was refused."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from integration.doctor.conftest import Practice
from support.aws.account import ORDERS
from support.aws.account import cluster as described
from support.direct_connection import run

SESSION = "arn:aws:sts::123456789012:assumed-role/agent/i-0123"
SINGLE_SIGN_ON = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/ann"
USER = "arn:aws:iam::123456789012:user/ann"
ENDPOINT = f"{ORDERS}.dsql.us-east-1.on.aws"


class Aws(ThreadingHTTPServer):
    """STS, IAM and Aurora DSQL's API, as far as the doctor asks them.

    Attributes:
        caller: ARN that STS tells.
        role: ARN that IAM tells of a role; `None` if it may not be asked.
        status: State of every cluster.
    """

    caller, status = USER, "ACTIVE"
    role: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)

    def answer(self, asked: str) -> tuple[int, str]:
        if "Action=GetCallerIdentity" in asked:
            return 200, _xml("GetCallerIdentity", f"<Arn>{self.caller}</Arn><Account>1</Account>")
        if "Action=GetRole" in asked and self.role is None:
            return 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"
        if "Action=GetRole" in asked:
            of = f"<Path>/</Path><RoleName>r</RoleName><RoleId>i</RoleId><Arn>{self.role}</Arn>"
            return 200, _xml("GetRole", f"<Role>{of}<CreateDate>2026-01-01T00:00:00Z</CreateDate></Role>")
        whole = described(ORDERS, self.status)
        return 200, json.dumps({**whole, "creationTime": whole["creationTime"].timestamp()})


def _xml(operation: str, inner: str) -> str:
    return f"<{operation}Response><{operation}Result>{inner}</{operation}Result></{operation}Response>"


class _Answer(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        asked = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        status, body = server.answer(asked)
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    do_GET = do_POST  # noqa: N815 - http.server's name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        assert format or args


@pytest.fixture
def aws(practice: Practice) -> Iterator[Aws]:
    server = Aws()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    practice.set(AWS_ENDPOINT_URL_STS=url, AWS_ENDPOINT_URL_IAM=url, AWS_ENDPOINT_URL_DSQL=url)
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
async def role(cluster: LocalCluster) -> str:
    await run(cluster, "DROP ROLE IF EXISTS unmapped", "CREATE ROLE unmapped WITH LOGIN")
    return "unmapped"


@pytest.mark.parametrize(
    ("caller", "known", "granted", "doubt"),
    [
        (USER, None, USER, False),
        (SESSION, None, "arn:aws:iam::123456789012:role/agent", True),
        (
            SESSION,
            "arn:aws:iam::123456789012:role/team/agent",
            "arn:aws:iam::123456789012:role/team/agent",
            False,
        ),
        (SESSION, "arn:aws:iam::123456789012:role/other", "arn:aws:iam::123456789012:role/agent", True),
        (
            SINGLE_SIGN_ON,
            None,
            "arn:aws:iam::123456789012:role/<path>/AWSReservedSSO_Dev_0123456789abcdef",
            True,
        ),
    ],
    ids=["user", "session", "session with its path", "another role", "single sign-on"],
)
async def test_who_is_not_mapped_gets_the_statement_for_admin(
    aws: Aws, practice: Practice, role: str, caller: str, known: str | None, granted: str, *, doubt: bool
) -> None:
    aws.caller, aws.role = caller, known
    report = await practice.examine("--database_user", role)
    assert report.worst() == [("Login", "not_mapped")]
    told = report["Identity"].outcome
    assert (told.state, told.code) == ("warning", "identity_refused")
    assert told.message.startswith(f"{granted} was refused as {role}: only admin can see")
    assert f"\n  AWS IAM GRANT {role} TO '{granted}';" in told.details
    assert ("aws iam get-role --role-name" in told.message) == doubt


async def test_a_role_that_is_not_there_is_made_first(aws: Aws, practice: Practice) -> None:
    told = (await practice.examine("--database_user", "Nobody"))["Identity"].outcome
    assert told.details.splitlines()[-2:] == [
        '  CREATE ROLE "Nobody" WITH LOGIN;',
        f"  AWS IAM GRANT \"Nobody\" TO '{aws.caller}';",
    ]


async def test_root_can_be_mapped_to_no_role(aws: Aws, practice: Practice, role: str) -> None:
    aws.caller = "arn:aws:iam::123456789012:root"
    told = (await practice.examine("--database_user", role))["Identity"].outcome
    assert told.code == "identity_unfit"


async def test_who_is_refused_as_admin_gets_the_policy(aws: Aws, practice: Practice) -> None:
    practice.set(AWS_ACCESS_KEY_ID="AKIAANOTHERKEY000000")
    report = await practice.examine()
    told = report["Identity"].outcome
    assert (
        told.message
        == f"{aws.caller} was refused as admin, which takes whoever has dsql:DbConnectAdmin on the cluster."
    )
    assert '"Action": "dsql:DbConnectAdmin"' in told.details


async def test_what_sts_does_not_tell_is_left_blank(practice: Practice, role: str) -> None:
    practice.set(AWS_ENDPOINT_URL_STS="http://127.0.0.1:9")
    told = (await practice.examine("--database_user", role))["Identity"].outcome
    assert told.state == "warning"
    assert (
        "Whose login was refused, is not known: AWS could not be reached for sts:GetCallerIdentity"
        in told.message
    )
    assert f"AWS IAM GRANT {role} TO 'arn:aws:iam::<account>:role/<name>';" in told.details


async def test_who_is_logged_in_is_compared_with_the_mappings(
    practice: Practice, cluster: LocalCluster, cluster_folder: Path, role: str
) -> None:
    arn = "arn:aws:iam::123456789012:role/team/agent"
    await run(cluster, f"AWS IAM GRANT {role} TO '{arn}'")
    report = await practice.examine("--database_user", role)
    assert report["Identity"].outcome.message == f"{arn}; {role} is mapped to {arn}."
    admin = await practice.examine()
    assert "admin takes whoever has dsql:DbConnectAdmin." in admin["Identity"].outcome.message
    where = ["--local", "--local-data", str(cluster_folder), "--knowledge-server", practice.knowledge]
    local = await practice.examine_only([*where, "--database_user", role])
    assert local["Identity"].outcome.message == (
        f"The local cluster's key stands for any identity; {role} is mapped to {arn}."
    )
    await run(cluster, f"AWS IAM REVOKE {role} FROM '{arn}'")
    refused = await practice.examine_only([*where, "--database_user", role])
    assert (
        f"AWS IAM GRANT {role} TO 'arn:aws:iam::000000000000:user/local';"
        in refused["Identity"].outcome.details
    )


async def test_a_login_that_fails_otherwise_asks_nobody(practice: Practice) -> None:
    practice.set(PGPORT="9")
    assert (await practice.examine())["Identity"].state == "skipped"


async def test_the_proposed_role_is_for_the_identity_that_logs_in(practice: Practice) -> None:
    details = (await practice.examine())["Privileges"].outcome.details
    assert "AWS IAM GRANT agent TO 'arn:aws:iam::000000000000:user/local';" in details
    assert ":000000000000:cluster/" in details


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        ("IDLE", "ok", "IDLE: the login below wakes it up"),
        ("INACTIVE", "ok", "INACTIVE: the login below wakes it up"),
        ("UPDATING", "ok", "UPDATING; deletion protection is on"),
        ("CREATING", "failed", "CREATING: it takes no connections"),
        ("PENDING_SETUP", "failed", "PENDING_SETUP: it waits for its peer"),
        ("PENDING_DELETE", "failed", "PENDING_DELETE: it goes when its peer is deleted too"),
        ("DELETING", "failed", "DELETING: it takes no connections"),
        ("DELETED", "failed", "DELETED: it takes no connections"),
        ("FAILED", "failed", "FAILED: it could not be created or changed"),
    ],
)
async def test_states_are_told_apart_and_explain_a_failed_connection(
    aws: Aws, practice: Practice, status: str, state: str, says: str
) -> None:
    aws.status = status
    practice.set(PGHOSTADDR="127.0.0.1", PGPORT="9")
    report = await practice.examine(endpoint=ENDPOINT)
    assert report["Cluster"].state == state
    assert report["Cluster"].outcome.message.startswith(says)
    explained = re.search(rf"The cluster is {status}, which explains it\.", report["TCP"].outcome.message)
    assert bool(explained) == (state == "failed")
