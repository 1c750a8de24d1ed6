"""Programs in a shell of ``local --env`` that ask who they are get the local account's answer, not AWS's."""

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster.cli import main
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster

ARN = "arn:aws:iam::000000000000:user/local"


@pytest.fixture
def environment(
    account: LocalCluster, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> dict[str, str]:
    """The variables that the shell has, and a home without a profile."""
    assert account.api_url
    assert main(["--env", "--format", "json", "--local-data", str(folder)], {}) == 0
    told: dict[str, str | None] = json.loads(capsys.readouterr().out)
    return {"HOME": str(tmp_path), **{name: value for name, value in told.items() if value}}


def sts(environment: dict[str, str], **keys: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
    given = {"aws_access_key_id": environment["AWS_ACCESS_KEY_ID"]}
    given["aws_secret_access_key"] = environment["AWS_SECRET_ACCESS_KEY"]
    where = {"region_name": "us-east-1", "endpoint_url": environment["AWS_ENDPOINT_URL_STS"]}
    return import_module("boto3").client("sts", **where, **(given | keys))


def refusal(call: Any) -> tuple[int, str, str]:  # noqa: ANN401 - as above
    with pytest.raises(import_module("botocore.exceptions").ClientError) as refused:
        call()
    response: Any = refused.value
    error, status = response.response["Error"], response.response["ResponseMetadata"]["HTTPStatusCode"]
    return status, error["Code"], error["Message"]


def test_boto3_is_told_who_asks_by_its_environment_alone(environment: dict[str, str]) -> None:
    program = "import boto3, json; print(json.dumps(boto3.client('sts').get_caller_identity()))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert (told["Arn"], told["Account"]) == (ARN, "000000000000")
    assert told["UserId"] == environment["AWS_ACCESS_KEY_ID"]
    assert told["ResponseMetadata"]["RequestId"]


def test_the_cli_is_told_too(environment: dict[str, str]) -> None:
    aws = which("aws")
    if aws is None:
        pytest.skip("the AWS CLI is not on this machine")
    path = f"{Path(aws).parent}:/usr/local/bin:/usr/bin:/bin"
    done = subprocess.run(
        [aws, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
        env={"PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == (ARN, 0), done.stderr


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}, "InvalidClientTokenId"),
        ({"aws_session_token": "old"}, "InvalidClientTokenId"),
    ],
)
def test_other_keys_are_refused_in_sts_s_words(
    environment: dict[str, str], changed: dict[str, str], code: str
) -> None:
    assert refusal(sts(environment, **changed).get_caller_identity)[:2] == (403, code)


def test_an_operation_that_is_not_there_is_named(environment: dict[str, str]) -> None:
    status, code, text = refusal(sts(environment).get_session_token)
    assert (status, code) == (400, "InvalidAction")
    assert "GetCallerIdentity alone, not GetSessionToken" in text
