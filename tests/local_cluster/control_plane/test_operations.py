"""Every operation of AWS's model is answered, or refused by its name, as the table says."""

import re
from pathlib import Path
from typing import Any

import pytest

from support.local_cluster.api import Client, refusal
from support.local_cluster.requirements import TOML

TABLE: dict[str, Any] = TOML.loads(Path(__file__).with_name("operations.toml").read_text(encoding="utf-8"))
SOURCES = TABLE.pop("sources")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    """The cluster of this file's tests."""
    return {}


@pytest.fixture
def cluster(api: Client, made: dict[str, str]) -> dict[str, str]:
    if not made:
        answer = api.create_cluster()
        made.update(IDENTIFIER=answer["identifier"], ARN=answer["arn"])
    return made


def test_the_table_has_each_operation_of_the_model(api: Client) -> None:
    assert TABLE.keys() == set(api.meta.service_model.operation_names)
    assert SOURCES.keys() == {row["source"] for row in TABLE.values()}
    assert all(("answer" in row) != ("refused" in row and bool(row["why"])) for row in TABLE.values())


@pytest.mark.parametrize("operation", TABLE)
def test_an_operation_is_answered_or_refused(operation: str, api: Client, cluster: dict[str, str]) -> None:
    row = TABLE[operation]
    given = {
        name: cluster.get(value, value) if isinstance(value, str) else value
        for name, value in row["input"].items()
    }
    call = getattr(api, re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower())
    if "answer" in row:
        answer = call(**given)
        answer.pop("ResponseMetadata")
        assert list(answer) == row["answer"]
        return
    refused = refusal(lambda: call(**given))
    assert [part for part in (refused.code, refused.reason) if part] == row["refused"]
    if "unknownOperation" in row["refused"]:
        assert (
            f"does not offer {operation}. It {row['why'].removeprefix('The local cluster ')}"
            in refused.message
        )
