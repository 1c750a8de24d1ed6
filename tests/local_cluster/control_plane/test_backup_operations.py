"""Every operation of AWS Backup's model is answered, or refused by its name, as the table says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.local_cluster.api import Client, client, refusal
from support.local_cluster.backups import back_up, copy, recovery_point, restore
from support.local_cluster.requirements import TOML

TABLE: dict[str, Any] = TOML.loads(
    Path(__file__).with_name("backup_operations.toml").read_text(encoding="utf-8")
)
SOURCES: dict[str, str] = TABLE.pop("sources")
NOT_OFFERED = [operation for group in TABLE.pop("not_offered").values() for operation in group]


@pytest.fixture(scope="module")
def made(account: LocalCluster) -> dict[str, str]:
    """What the table's inputs name."""
    backup = client(account, service="backup")
    arn = client(account).create_cluster(tags={"Name": "shop"})["arn"]
    job = back_up(backup, arn)
    point = job["RecoveryPointArn"]
    return {
        "ARN": arn,
        "POINT": point,
        "ANOTHER_POINT": recovery_point(backup, arn),
        "BACKUP_JOB": job["BackupJobId"],
        "COPY_JOB": copy(backup, point, "us-east-2")["CopyJobId"],
        "RESTORE_JOB": restore(backup, point)["RestoreJobId"],
    }


def ask(backup: Client, operation: str, given: dict[str, Any]) -> Any:  # noqa: ANN401  boto3 has no types
    return getattr(backup, method_of(operation))(**given)


def method_of(operation: str) -> str:
    """boto3's name of an operation."""
    return re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation.replace("AWSBackup", "AwsBackup")
    ).lower()


def test_the_tables_have_each_operation_of_the_model(backup: Client) -> None:
    assert {*TABLE, *NOT_OFFERED} == set(backup.meta.service_model.operation_names)
    assert len(TABLE) + len(NOT_OFFERED) == len({*TABLE, *NOT_OFFERED})
    assert SOURCES.keys() == {row["source"] for row in TABLE.values()}


@pytest.mark.parametrize("operation", TABLE)
def test_an_operation_is_answered(operation: str, backup: Client, made: dict[str, str]) -> None:
    row = TABLE[operation]
    given = {
        name: made.get(value, value) if isinstance(value, str) else value
        for name, value in row["input"].items()
    }
    answer = ask(backup, operation, given)
    answer.pop("ResponseMetadata")
    assert sorted(answer) == sorted([*row["answer"], *({"NextToken"} & answer.keys())])


@pytest.mark.parametrize("operation", NOT_OFFERED)
def test_an_operation_is_refused_by_its_name(operation: str, backup: Client) -> None:
    shape = backup.meta.service_model.operation_model(operation).input_shape
    given = dict(least(shape)) if shape else {}
    refused = refusal(lambda: ask(backup, operation, given))
    assert refused.code == "InvalidRequestException"
    assert f"does not offer {operation}." in refused.message


def least(shape: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401  botocore has no types
    """What an input must have."""
    values: dict[str, object] = {"list": [], "map": {}, "timestamp": 0, "long": 1, "integer": 1}
    for name in shape.required_members:
        kind = shape.members[name].type_name
        yield name, dict(least(shape.members[name])) if kind == "structure" else values.get(kind, "x")


def test_a_request_is_for_the_service_that_it_is_signed_for(
    account: LocalCluster, api: Client, backup: Client
) -> None:
    assert "BackupVaultList" in backup.list_backup_vaults()
    assert "clusters" in api.list_clusters()
    refused = refusal(client(account, service="opensearch").list_domain_names)
    assert refused.code == "InvalidSignatureException"
    assert "'dsql' or 'backup'" in refused.message
