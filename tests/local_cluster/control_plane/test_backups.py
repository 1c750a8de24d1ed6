"""A cluster is backed up, changed, deleted and restored; jobs say what becomes of them."""

from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from support.local_cluster.api import Answer, Client, Clients, refusal
from support.local_cluster.backups import ROLE, back_up, copy, delete, ended, made_by, recovery_point, restore
from support.local_cluster.logins import connect, login
from support.local_cluster.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

UNKNOWN = "abcdefghijklmnopqrstuvwxyz"
WHAT_IS_THERE = """
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
WHERE table_schema = 'shop'
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'shop'
UNION ALL SELECT 'constraint ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'shop'::regnamespace
UNION ALL SELECT 'grant ' || grantee || ' ' || privilege_type FROM information_schema.table_privileges
WHERE table_schema = 'shop'
UNION ALL SELECT 'role ' || rolname FROM pg_roles
UNION ALL SELECT 'mapping ' || arn || ' ' || pg_role_name FROM sys.iam_pg_role_mappings
UNION ALL SELECT 'job ' || job_id || ' ' || status FROM sys.jobs
UNION ALL SELECT 'sequence ' || last_value FROM pg_sequences WHERE schemaname = 'shop'
ORDER BY 1
"""


def catalog(connection: psycopg.Connection) -> list[str]:
    return [text for (text,) in connection.execute(WHAT_IS_THERE).fetchall()]


def rows(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT id, item, price FROM shop.orders ORDER BY id").fetchall()


def fill(connection: psycopg.Connection) -> None:
    """Rows, a schema, an index, a sequence, roles with a mapping, and a job that has ended."""
    for statement in (
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.orders (id int PRIMARY KEY, item text NOT NULL, price numeric, CHECK (id > 0))",
        "CREATE SEQUENCE shop.numbers CACHE 65536",
        "CREATE ROLE reader WITH LOGIN",
        "AWS IAM GRANT reader TO 'arn:aws:iam::123456789012:role/reader'",
        "GRANT USAGE ON SCHEMA shop TO reader",
        "GRANT SELECT ON shop.orders TO reader",
        "INSERT INTO shop.orders SELECT n, 'item ' || n, n FROM generate_series(1, 2000) AS n",
        "SELECT nextval('shop.numbers')",
    ):
        connection.execute(statement)
    (job,) = connection.execute("CREATE INDEX ASYNC ON shop.orders (item)").fetchone() or ("",)
    connection.execute(f"CALL sys.wait_for_job('{job}')".encode())


def test_a_deleted_cluster_is_restored_as_it_was(account: LocalCluster, api: Client, backup: Client) -> None:
    source = api.create_cluster(tags={"Name": "shop", "team": "orders"})
    with login(account, source["endpoint"]) as connection:
        fill(connection)
        before = catalog(connection), rows(connection)
        point = recovery_point(backup, source["arn"])
        connection.execute("DELETE FROM shop.orders WHERE id > 5")
        connection.execute("ALTER TABLE shop.orders ADD COLUMN later int")
        connection.execute("DROP ROLE IF EXISTS nobody_else")
    delete(api, source["identifier"])

    restored = made_by(api, restore(backup, point, {}, CopySourceTagsToRestoredResource=True))
    assert restored["identifier"] != source["identifier"]
    assert restored["endpoint"] != source["endpoint"]
    assert (restored["status"], restored["deletionProtectionEnabled"]) == ("ACTIVE", True)
    assert restored["tags"] == {"Name": "shop", "team": "orders"}
    with login(account, restored["endpoint"]) as connection:
        assert (catalog(connection), rows(connection)) == before
        connection.execute("INSERT INTO shop.orders VALUES (9999, 'new', 1)")
    with login(account, restored["endpoint"], user="reader") as reader:
        assert reader.execute("SELECT count(*) FROM shop.orders").fetchone() == (2001,)

    again = made_by(api, restore(backup, point))
    assert again["deletionProtectionEnabled"] is False
    assert again.get("tags", {}) == {}
    with login(account, again["endpoint"]) as connection:
        assert rows(connection) == before[1]
    for cluster in (restored, again):
        delete(api, cluster["identifier"])


def test_a_backup_is_of_one_moment_while_rows_change(
    account: LocalCluster, api: Client, backup: Client
) -> None:
    source = api.create_cluster(deletionProtectionEnabled=False)
    with login(account, source["endpoint"]) as connection:
        connection.execute("CREATE TABLE pairs (id int PRIMARY KEY, one int, other int)")
        connection.execute("INSERT INTO pairs SELECT n, 0, 0 FROM generate_series(1, 500) AS n")
        job = backup.start_backup_job(BackupVaultName="Default", ResourceArn=source["arn"], IamRoleArn=ROLE)
        count = 0
        while (told := backup.describe_backup_job(BackupJobId=job["BackupJobId"]))["State"] != "COMPLETED":
            count += 1
            connection.execute("UPDATE pairs SET one = %s, other = %s", [count, count])
            assert told["State"] != "FAILED", told
    cluster = made_by(api, restore(backup, told["RecoveryPointArn"]))
    with login(account, cluster["endpoint"]) as connection:
        seen = connection.execute("SELECT DISTINCT one, other FROM pairs").fetchall()
        assert len(seen) == 1
        assert seen[0][0] == seen[0][1] <= count
        assert connection.execute("SELECT count(*) FROM pairs").fetchone() == (500,)
    delete(api, cluster["identifier"])
    delete(api, source["identifier"])


def test_the_first_cluster_is_backed_up_too(account: LocalCluster, api: Client, backup: Client) -> None:
    first, *_ = api.list_clusters()["clusters"]
    with connect(account) as connection:
        connection.execute("CREATE TABLE of_the_first (id int PRIMARY KEY)")
        point = recovery_point(backup, first["arn"])
        connection.execute("DROP TABLE of_the_first")
    cluster = made_by(api, restore(backup, point))
    with login(account, cluster["endpoint"]) as connection:
        assert connection.execute("SELECT count(*) FROM of_the_first").fetchone() == (0,)
    delete(api, cluster["identifier"])


def test_a_cluster_that_was_never_connected_to_is_backed_up(
    account: LocalCluster, api: Client, backup: Client
) -> None:
    source = api.create_cluster(deletionProtectionEnabled=False)
    cluster = made_by(api, restore(backup, recovery_point(backup, source["arn"])))
    with login(account, cluster["endpoint"]) as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
    for made in (source, cluster):
        delete(api, made["identifier"])


def test_a_cluster_that_sleeps_is_not_backed_up(
    account: LocalCluster, api: Client, backup: Client, folder: Path
) -> None:
    first, *_ = api.list_clusters()["clusters"]
    assert main(["sleep", "--local-data", str(folder)]) == 0
    job = back_up(backup, first["arn"])
    assert job["State"] == "FAILED"
    assert job["StatusMessage"].startswith(
        f"Cluster '{first['identifier']}' is in state 'INACTIVE' and can't be backed up."
    )
    assert "RecoveryPointArn" not in job
    with pytest.raises(psycopg.OperationalError, match="waking up"):
        connect(account)
    connect(account).close()
    assert back_up(backup, first["arn"])["State"] == "COMPLETED"


def test_what_there_is_of_a_cluster_is_told(api: Client, backup: Client, backup_in: Clients) -> None:
    arn = api.create_cluster(deletionProtectionEnabled=False, tags={"Name": "stock"})["arn"]
    assert refusal(lambda: backup.describe_protected_resource(ResourceArn=arn)).code == NOT_FOUND
    assert backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"] == []
    began = datetime.now(timezone.utc) - timedelta(seconds=1)
    older, newer = (
        recovery_point(backup, arn, RecoveryPointTags={"n": str(n)}, Lifecycle={"DeleteAfterDays": 7})
        for n in range(2)
    )
    told = backup.describe_protected_resource(ResourceArn=arn)
    assert (told["LastRecoveryPointArn"], told["ResourceName"]) == (newer, "stock")
    assert told["LastBackupTime"] > began
    listed = backup.list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"]
    assert [point["RecoveryPointArn"] for point in listed] == [newer, older]
    assert {point["Status"] for point in listed} == {"COMPLETED"}
    point = backup.describe_recovery_point(BackupVaultName="Default", RecoveryPointArn=older)
    assert point["CalculatedLifecycle"]["DeleteAt"] - point["CreationDate"] == timedelta(days=7)
    assert backup.list_tags(ResourceArn=older)["Tags"] == {"n": "0"}
    jobs = backup.list_backup_jobs(ByResourceArn=arn, ByCreatedAfter=began, ByState="COMPLETED")
    assert [job["RecoveryPointArn"] for job in jobs["BackupJobs"]] == [newer, older]
    assert backup.list_backup_jobs(ByResourceArn=arn, ByCreatedBefore=began)["BackupJobs"] == []
    assert backup_in("us-west-2").list_recovery_points_by_resource(ResourceArn=arn)["RecoveryPoints"] == []
    pages = backup.get_paginator("list_recovery_points_by_resource").paginate(
        ResourceArn=arn, PaginationConfig={"PageSize": 1}
    )
    assert [each["RecoveryPointArn"] for page in pages for each in page["RecoveryPoints"]] == [newer, older]
    delete(api, arn.rpartition("/")[2])
    assert backup.describe_protected_resource(ResourceArn=arn)["LastRecoveryPointArn"] == newer


NOT_FOUND = "ResourceNotFoundException"
WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"BackupVaultName": "none"}, NOT_FOUND, "no backup vault none"),
    ({"BackupVaultName": "!"}, "InvalidParameterValueException", "BackupVaultName: does not match"),
    ({"BackupVaultName": None}, "MissingParameterValueException", "BackupVaultName: is required"),
    ({"IamRoleArn": None}, "MissingParameterValueException", "IamRoleArn: is required"),
    ({"ResourceArn": "arn:aws:dsql:us-east-1:000000000000:cluster/" + UNKNOWN}, NOT_FOUND, "no resource"),
    ({"StartWindowMinutes": 5}, "InvalidParameterValueException", "at least 60"),
    ({"StartWindowMinutes": "60"}, "InvalidParameterValueException", "not of type long"),
    ({"Lifecycle": {"DeleteAfterDays": 0}}, "InvalidParameterValueException", "at least 1"),
    ({"Lifecycle": {"MoveToColdStorageAfterDays": 9}}, "InvalidRequestException", "does not offer"),
    ({"BackupOptions": {"WindowsVSS": "enabled"}}, "InvalidRequestException", "does not offer"),
]


@pytest.mark.parametrize(("changed", "code", "told"), WRONG, ids=str)
def test_a_backup_that_cannot_be_is_refused(
    changed: dict[str, object], code: str, told: str, api: Client, backup: Client
) -> None:
    first, *_ = api.list_clusters()["clusters"]
    given = {"BackupVaultName": "Default", "ResourceArn": first["arn"], "IamRoleArn": ROLE} | changed
    asked = {name: value for name, value in given.items() if value is not None}
    refused = refusal(lambda: backup.start_backup_job(**asked))
    assert refused.code == code
    assert told in refused.message


def test_a_token_makes_a_repeated_request_the_same(api: Client, backup: Client) -> None:
    first, *_ = api.list_clusters()["clusters"]
    start: Callable[..., Answer] = partial(
        backup.start_backup_job, BackupVaultName="Default", ResourceArn=first["arn"], IdempotencyToken="once"
    )
    job = start(IamRoleArn=ROLE)["BackupJobId"]
    assert start(IamRoleArn=ROLE)["BackupJobId"] == job
    assert refusal(lambda: start(IamRoleArn="other")).code == "InvalidParameterValueException"
    # The tests behind this one look at the data of recovery points, which this job adds to.
    ended(lambda: backup.describe_backup_job(BackupJobId=job))


def test_vaults_are_made_and_deleted_once_they_are_empty(api: Client, backup: Client) -> None:
    first, *_ = api.list_clusters()["clusters"]
    made = backup.create_backup_vault(BackupVaultName="weekly", CreatorRequestId="one")
    assert made["BackupVaultArn"] == "arn:aws:backup:us-east-1:000000000000:backup-vault:weekly"
    again = backup.create_backup_vault(BackupVaultName="weekly", CreatorRequestId="one")
    assert again["CreationDate"] == made["CreationDate"]
    for name in ("weekly", "Default"):
        refused = refusal(partial(backup.create_backup_vault, BackupVaultName=name))
        assert refused.code == "AlreadyExistsException"
    point = recovery_point(backup, first["arn"], vault="weekly")
    listed = backup.list_recovery_points_by_backup_vault(BackupVaultName="weekly")["RecoveryPoints"]
    assert [each["RecoveryPointArn"] for each in listed] == [point]
    assert refusal(lambda: backup.delete_backup_vault(BackupVaultName="weekly")).code == (
        "InvalidRequestException"
    )
    refused = refusal(
        lambda: backup.describe_recovery_point(BackupVaultName="Default", RecoveryPointArn=point)
    )
    assert refused.code == NOT_FOUND
    backup.delete_recovery_point(BackupVaultName="weekly", RecoveryPointArn=point)
    backup.delete_backup_vault(BackupVaultName="weekly")
    names = [vault["BackupVaultName"] for vault in backup.list_backup_vaults()["BackupVaultList"]]
    assert names == ["Default"]


def test_the_data_go_with_the_last_recovery_point(api_in: Clients, backup_in: Clients, folder: Path) -> None:
    here, there = api_in("us-east-1"), api_in("us-east-2")
    backup, other = backup_in("us-east-1"), backup_in("us-east-2")
    first, *_ = here.list_clusters()["clusters"]
    kept = set(DataDir(folder).backups.glob("*"))
    point = recovery_point(backup, first["arn"])
    (data,) = set(DataDir(folder).backups.glob("*")) - kept
    copied = copy(backup, point, "us-east-2")["DestinationRecoveryPointArn"]
    backup.delete_recovery_point(BackupVaultName="Default", RecoveryPointArn=point)
    cluster = made_by(there, restore(other, copied))
    assert data.is_dir()
    other.delete_recovery_point(BackupVaultName="Default", RecoveryPointArn=copied)
    wait_until(lambda: not data.exists())
    delete(there, cluster["identifier"])
    refused = refusal(lambda: restore(backup, point))
    assert refused.code == NOT_FOUND
