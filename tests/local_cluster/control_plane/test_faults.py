"""Faults of the account on demand, so that what meets them can be rehearsed."""

from pathlib import Path

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.option_parser import SettingsError
from support.local_cluster.api import Client, Clients, refusal
from support.local_cluster.backups import back_up, copy, delete, made_by, recovery_point, restore
from support.local_cluster.logins import login


def local(folder: Path, *words: str) -> int:
    """The command, on this account."""
    return main([*words, "--local-data", str(folder)])


def test_the_next_cluster_ends_in_failed(account: LocalCluster, api: Client, folder: Path) -> None:
    assert local(folder, "fail", "create") == 0
    failed, made = (api.create_cluster(deletionProtectionEnabled=False) for _ in range(2))
    assert api.get_cluster(identifier=failed["identifier"])["status"] == "FAILED"
    assert api.get_cluster(identifier=made["identifier"])["status"] == "ACTIVE"
    with pytest.raises(psycopg.OperationalError, match="The cluster is FAILED"):
        login(account, failed["endpoint"])
    for cluster in (failed, made):
        delete(api, cluster["identifier"])


def test_the_next_jobs_fail_and_leave_nothing(api: Client, backup: Client, folder: Path) -> None:
    first, *_ = api.list_clusters()["clusters"]
    assert local(folder, "fail", "backup", "--times", "2") == 0
    for _ in range(2):
        job = back_up(backup, first["arn"])
        assert (job["State"], job["StatusMessage"]) == (
            "FAILED",
            "The local cluster was told to let this backup job fail.",
        )
    assert backup.list_recovery_points_by_resource(ResourceArn=first["arn"])["RecoveryPoints"] == []
    point = recovery_point(backup, first["arn"])
    for kind in ("copy", "restore"):
        assert local(folder, "fail", kind) == 0
    assert copy(backup, point, "us-east-2")["State"] == "FAILED"
    assert restore(backup, point)["Status"] == "FAILED"
    assert [cluster["arn"] for cluster in api.list_clusters()["clusters"]] == [first["arn"]]
    assert copy(backup, point, "us-east-2")["State"] == "COMPLETED"
    delete(api, made_by(api, restore(backup, point))["identifier"])


def test_the_next_calls_are_throttled(api: Client, backup: Client, folder: Path) -> None:
    assert local(folder, "fail", "throttle", "--times", "2") == 0
    for call in (api.list_clusters, backup.list_backup_vaults):
        refused = refusal(call)
        assert (refused.code, refused.message) == ("ThrottlingException", "Rate exceeded")
    assert api.list_clusters()["clusters"]


def test_any_cluster_is_put_to_sleep(
    account: LocalCluster, api_in: Clients, backup_in: Clients, folder: Path
) -> None:
    api = api_in("eu-west-3")
    one, other = (api.create_cluster(deletionProtectionEnabled=False) for _ in range(2))
    assert local(folder, "sleep", "--host", one["endpoint"]) == 0
    states = [api.get_cluster(identifier=each["identifier"])["status"] for each in (one, other)]
    assert states == ["INACTIVE", "ACTIVE"]
    assert back_up(backup_in("eu-west-3"), one["arn"])["State"] == "FAILED"
    with pytest.raises(psycopg.OperationalError, match="waking up cluster"):
        login(account, one["endpoint"], region="eu-west-3")
    login(account, one["endpoint"], region="eu-west-3").close()
    assert api.get_cluster(identifier=one["identifier"])["status"] == "ACTIVE"
    assert back_up(backup_in("eu-west-3"), one["arn"])["State"] == "COMPLETED"
    for cluster in (one, other):
        delete(api, cluster["identifier"])


def test_what_is_not_there_is_not_put_to_sleep(
    account: LocalCluster, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account.port
    assert local(folder, "sleep", "--host", f"{'a' * 26}.dsql.us-east-1.on.aws") == 1
    said = capsys.readouterr().err
    assert "There is no cluster aaaaaaaaaaaaaaaaaaaaaaaaaa.dsql" in said
    assert f"awslabs-dsql-mcp clusters list --local --local-data {folder}" in said
    with pytest.raises(SettingsError, match="expected create or backup"):
        local(folder, "fail")
    with pytest.raises(SettingsError, match="--times: got it with local sleep, expected it with local fail"):
        local(folder, "sleep", "--times", "2")
