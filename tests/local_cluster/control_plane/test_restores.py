"""A restore is told what to make: of one Region or two, and what it refuses."""

import json
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from support.local_cluster.api import Client, Clients, client
from support.local_cluster.backups import (
    copy,
    delete,
    made_by,
    recovery_point,
    refused_restore,
    restore,
    unprotected,
)
from support.local_cluster.logins import login
from support.local_cluster.waiting import wait_until


@pytest.fixture(scope="module")
def point(account: LocalCluster) -> str:
    """A recovery point of the first cluster."""
    first, *_ = client(account).list_clusters()["clusters"]
    return recovery_point(client(account, service="backup"), first["arn"])


def test_what_the_point_tells_is_no_input_of_a_restore(backup: Client, point: str) -> None:
    told = backup.get_recovery_point_restore_metadata(BackupVaultName="Default", RecoveryPointArn=point)
    metadata = told["RestoreMetadata"]
    assert all(key == key.lower() for key in metadata)
    refused = refused_restore(backup, point, metadata)
    assert refused.code == "InvalidParameterValueException"
    assert "no key cluster_id" in refused.message


PAIR = {"useMultiRegionOrchestration": "true", "witnessRegion": "us-west-2", "peerRegion": '["us-east-2"]'}


@pytest.mark.parametrize(
    ("metadata", "told"),
    [
        ({"region": "us-east-1"}, "no key region"),
        ({"regionalConfig": "us-east-1"}, "regionalConfig is a string of JSON"),
        ({"regionalConfig": '{"region": "us-east-1"}'}, "a list as JSON"),
        ({"regionalConfig": '["us-east-1"]'}, "a list of objects"),
        ({"regionalConfig": '[{"isDeletionProtectionEnabled": "false"}]'}, "not of its type"),
        ({"regionalConfig": '[{"protected": true}]'}, "protected is not known"),
        ({"regionalConfig": '[{"kmsKeyId": "mine"}]'}, "does not offer keys"),
        ({"regionalConfig": '[{"region": "us-east-2"}]'}, "where no cluster is restored"),
        ({"useMultiRegionOrchestration": "yes"}, '"true" or "false"'),
        ({"witnessRegion": "us-west-2"}, 'with useMultiRegionOrchestration "true" alone'),
        ({"peerRegion": '["us-east-2"]'}, 'with useMultiRegionOrchestration "true" alone'),
        ({**PAIR, "peerRegion": "us-east-2"}, "peerRegion is a string of JSON"),
        ({**PAIR, "peerRegion": '["us-east-2", "ca-west-1"]'}, "a list of one Region"),
        ({**PAIR, "peerRegion": '["us-east-1"]'}, "differ"),
        ({**PAIR, "witnessRegion": "us-east-2"}, "differ"),
        ({**PAIR, "peerRegion": '["eu-west-1"]'}, "not of one set"),
        ({"useMultiRegionOrchestration": "true"}, "witnessRegion and peerRegion"),
        (PAIR, "us-east-2 has no copy of the recovery point"),
    ],
    ids=str,
)
def test_metadata_that_do_not_fit_are_refused(
    metadata: dict[str, str], told: str, backup: Client, point: str
) -> None:
    refused = refused_restore(backup, point, metadata)
    assert refused.code == "InvalidParameterValueException"
    assert told in refused.message


def test_a_pair_is_restored_where_the_peer_has_a_copy(
    account: LocalCluster, api_in: Clients, backup_in: Clients
) -> None:
    here, there = api_in("eu-west-1"), api_in("eu-central-1")
    backup = backup_in("eu-west-1")
    source = here.create_cluster(deletionProtectionEnabled=False)
    with login(account, source["endpoint"], region="eu-west-1") as connection:
        connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        connection.execute("INSERT INTO t VALUES (7)")
    point = recovery_point(backup, source["arn"])
    copied = copy(backup, point, "eu-central-1")
    assert copied["State"] == "COMPLETED"
    told = backup_in("eu-central-1").describe_recovery_point(
        BackupVaultName="Default", RecoveryPointArn=copied["DestinationRecoveryPointArn"]
    )
    assert told["SourceBackupVaultArn"] == "arn:aws:backup:eu-west-1:000000000000:backup-vault:Default"
    metadata = {
        "useMultiRegionOrchestration": "true",
        "witnessRegion": "eu-west-2",
        "peerRegion": json.dumps(["eu-central-1"]),
        **unprotected("eu-west-1", "eu-central-1"),
    }
    one = made_by(here, restore(backup, point, metadata))
    properties = one["multiRegionProperties"]
    assert properties["witnessRegion"] == "eu-west-2"
    (peer,) = set(properties["clusters"]) - {one["arn"]}
    other = there.get_cluster(identifier=peer.rpartition("/")[2])
    assert (one["status"], other["status"]) == ("ACTIVE", "ACTIVE")
    with (
        login(account, one["endpoint"], region="eu-west-1") as near,
        login(account, other["endpoint"], region="eu-central-1") as far,
    ):
        near.execute("INSERT INTO t VALUES (8)")
        assert far.execute("SELECT id FROM t ORDER BY id").fetchall() == [(7,), (8,)]
    again = backup_in("eu-central-1")
    later = recovery_point(again, other["arn"])  # of a pair, by either of its clusters
    told = again.get_recovery_point_restore_metadata(BackupVaultName="Default", RecoveryPointArn=later)
    assert told["RestoreMetadata"]["witnessregion"] == "eu-west-2"
    alone = made_by(there, restore(again, later))
    assert "multiRegionProperties" not in alone
    with login(account, alone["endpoint"], region="eu-central-1") as single:
        assert single.execute("SELECT id FROM t ORDER BY id").fetchall() == [(7,), (8,)]
    there.delete_cluster(identifier=alone["identifier"])
    for client_, cluster in ((here, one), (there, other), (here, source)):
        client_.delete_cluster(identifier=cluster["identifier"])


def test_a_restore_into_a_full_region_fails_and_leaves_nothing(
    api_in: Clients, backup_in: Clients, folder: Path
) -> None:
    api, backup = api_in("sa-east-1"), backup_in("sa-east-1")
    made = [api.create_cluster(deletionProtectionEnabled=False) for _ in range(20)]
    job = restore(backup, recovery_point(backup, made[0]["arn"]))
    assert (job["Status"], job.get("CreatedResourceArn")) == ("FAILED", None)
    assert "You have reached the cluster limit" in job["StatusMessage"]
    for cluster in made:
        delete(api, cluster["identifier"])
    wait_until(lambda: not list(DataDir(folder).backups.glob("*.new")))
