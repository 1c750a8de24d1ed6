"""Whatever a request to AWS Backup says, it is answered or refused; what is kept is read again as it was."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.control_plane import service
from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment
from awslabs_dsql_mcp.local_cluster.control_plane.account_file import AccountFile
from awslabs_dsql_mcp.local_cluster.control_plane.backup import jobs
from awslabs_dsql_mcp.local_cluster.control_plane.backup.operations import SERVICE
from awslabs_dsql_mcp.local_cluster.control_plane.backup.state import INTERRUPTED
from awslabs_dsql_mcp.local_cluster.control_plane.errors import ServiceError
from awslabs_dsql_mcp.local_cluster.control_plane.service_model import ServiceModel
from awslabs_dsql_mcp.local_cluster.control_plane.signature import HttpRequest
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir

AT = Moment(100.0, 0)
CALL = service.Call("us-east-1", AT, lambda: "c" * 26)
MODEL = ServiceModel(SERVICE.model, SERVICE.refuse_input)
FIRST = Cluster("a" * 26, "us-east-1", 0.0, "a" * 26, set_up_at=0.0, tags={"Name": "shop"})


def run(account: Account, operation: str, **given_: object) -> tuple[Account, dict[str, object]]:
    return service.run(SERVICE, operation, account, CALL, given_)


def with_backup() -> tuple[Account, str]:
    """An account with a recovery point and a job of each kind, and the point's ARN."""
    account = Account(FIRST.identifier, {FIRST.identifier: FIRST})
    started = {"BackupVaultName": "Default", "ResourceArn": FIRST.arn, "IamRoleArn": "role"}
    account, _ = run(account, "StartBackupJob", **started, IdempotencyToken="once")
    (job,) = account.backups.jobs.values()
    account = jobs.end_backup(jobs.begin(account, job.identifier, AT), job.identifier, AT, 1000)
    (point,) = account.backups.points.values()
    account, _ = run(
        account,
        "StartRestoreJob",
        RecoveryPointArn=point.arn,
        IamRoleArn="role",
        Metadata={"regionalConfig": '[{"isDeletionProtectionEnabled": false}]'},
        CopySourceTagsToRestoredResource=True,
    )
    account, _ = run(account, "CreateBackupVault", BackupVaultName="weekly")
    return account, point.arn


ACCOUNT, POINT = with_backup()
WORDS = st.sampled_from([FIRST.arn, POINT, *ACCOUNT.backups.jobs, "Default", "weekly", "us-east-1", "", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["DeleteAfterDays", "region", "k"]), inner, max_size=2)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(["regionalConfig", "witnessRegion", "useMultiRegionOrchestration", "peerRegion", "x"])
METADATA = st.dictionaries(KEYS, WORDS | VALUES.map(json.dumps), max_size=4)
BODY = {
    "BackupVaultName": WORDS,
    "ResourceArn": WORDS,
    "IamRoleArn": WORDS,
    "RecoveryPointArn": WORDS,
    "SourceBackupVaultName": WORDS,
    "DestinationBackupVaultArn": WORDS
    | st.just("arn:aws:backup:us-east-2:000000000000:backup-vault:Default"),
    "Metadata": METADATA,
}
ROOTS = ["backup-jobs", "restore-jobs", "copy-jobs", "backup-vaults", "resources", "tags", "untag"]
LEAVES = st.sampled_from(["", "recovery-points", "restore-metadata", "restore-jobs"])


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
    path=st.tuples(st.sampled_from(ROOTS), st.lists(WORDS | LEAVES, max_size=4)),
    query=st.lists(
        st.tuples(
            st.sampled_from(["nextToken", "maxResults", "createdAfter", "managedByAWSBackupOnly", "state"]),
            WORDS | st.sampled_from(["true", "1", "2026-11-29T12:00:00Z", "COMPLETED"]),
        ),
        max_size=3,
    ),
    body=st.none() | st.fixed_dictionaries({}, optional={**BODY, "Lifecycle": VALUES, "Tags": VALUES}),
)
@example(method="GET", path=("backup-jobs", [""]), query=[("createdAfter", "1e999")], body=None)
def test_a_request_is_answered_or_refused(
    method: str, path: tuple[str, list[str]], query: list[tuple[str, str]], body: dict[str, object] | None
) -> None:
    root, rest = path
    parts = [root, *(quote(part, safe="", errors="replace") for part in rest)]
    pairs = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in query)
    content = b"" if body is None else json.dumps(body).encode()
    request = HttpRequest(method, "/" + "/".join(parts), pairs, {}, content)
    with suppress(ServiceError):
        if MODEL.operation(request) in SERVICE.operations:
            operation, given_ = MODEL.read(request)
            _, answer = service.run(SERVICE, operation, ACCOUNT, CALL, given_)
            json.dumps(MODEL.write(operation, answer))


@pytest.mark.parametrize("token", ["", "[", "unknown", "\udcff"])
def test_a_token_that_is_not_ours_is_refused(token: str) -> None:
    encoded = urlsafe_b64encode(token.encode(errors="surrogatepass")).decode()
    with pytest.raises(ServiceError, match="not one that this list has given"):
        run(ACCOUNT, "ListBackupJobs", NextToken=encoded)


def test_what_is_kept_is_read_again_and_what_was_under_way_has_failed(tmp_path: Path) -> None:
    kept = AccountFile(DataDir(tmp_path), lambda: 50.0, lambda: None)
    kept.change(lambda account: (replace(ACCOUNT, answers=account.answers), None))
    again = AccountFile(DataDir(tmp_path), lambda: 200.0, lambda: None).account
    assert again.clusters == ACCOUNT.clusters
    assert (again.backups.points, again.backups.vaults) == (ACCOUNT.backups.points, ACCOUNT.backups.vaults)
    done, cut = again.backups.jobs.values()
    assert done == next(iter(ACCOUNT.backups.jobs.values()))
    assert (cut.state, cut.failure, cut.ended_at) == ("FAILED", INTERRUPTED, 200.0)


def test_an_account_of_an_older_version_is_read(tmp_path: Path) -> None:
    AccountFile(DataDir(tmp_path), lambda: 50.0, lambda: None)
    file = DataDir(tmp_path).clusters_file
    content = json.loads(file.read_bytes())
    del content["backups"]
    file.write_text(json.dumps(content))
    assert not AccountFile(DataDir(tmp_path), lambda: 60.0, lambda: None).account.backups.points
