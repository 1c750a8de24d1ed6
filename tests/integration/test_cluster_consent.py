"""Agreement to a change of clusters that comes with another call is for that change, in that state, once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.tools.spec import FACTS
from conftest import server
from support.aws.agents import Agents
from support.line_client import MODERN, LineClient, line_client
from support.local_cluster.api import client as api_client

CAN_ASK: Final[dict[str, object]] = {"elicitation": {"form": {}}}
YES: Final = {"action": "accept", "content": {"run": True}}
REGIONS: Final = ["us-east-1", "us-east-2"]


class Asked:
    """A client of the revision in which a question ends its call, on one account."""

    def __init__(self, agents: Agents, client: LineClient) -> None:
        self.agents, self.client = agents, client

    async def call(
        self,
        tool: str,
        more: Mapping[str, object] | None = None,
        **arguments: Any,  # noqa: ANN401 - any of a tool
    ) -> dict[str, Any]:
        """Call a tool; give its result, or its error."""
        answer = await self.client.call(tool, more, **arguments)
        return answer.get("result") or answer

    async def agreement(self, tool: str, **arguments: Any) -> dict[str, object]:  # noqa: ANN401 - any of a tool
        """Call a tool that asks; give what agrees to that."""
        question = await self.call(tool, **arguments)
        assert list(question["inputRequests"]) == [f"confirm:{tool}"], question
        return {"requestState": question["requestState"], "inputResponses": {f"confirm:{tool}": YES}}

    async def make(self, name: str) -> str:
        """Make a cluster; give its id."""
        made = await self.call("create_cluster", name=name, regions=["us-east-1"])
        return facts(made)["clusters"][0]["identifier"]

    def protected(self, name: str) -> bool:
        """Ask the account whether the one cluster of a name is protected."""
        (cluster,) = self.agents.named(name)
        return cluster["deletionProtectionEnabled"]


def facts(result: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values for programs."""
    return result["_meta"][FACTS]


def is_unanswered(result: Mapping[str, Any]) -> bool:
    """Return true of a question that is asked anew, and of an error of the protocol."""
    return "inputRequests" in result or "error" in result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("asked") / "data"


@pytest.fixture(scope="module")
async def account(folder: Path) -> AsyncIterator[LocalCluster]:
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.1)) as running:
        yield running


async def _open(folder: Path, account: LocalCluster) -> AsyncIterator[Asked]:
    options = (
        "--local",
        "--local-data",
        str(folder),
        "--allow-cluster-changes",
        "own",
        "--max-clusters",
        "9",
    )
    async with AsyncExitStack() as stack, line_client(server(*options), MODERN, CAN_ASK) as client:
        yield Asked(Agents(folder, account, stack), client)


@pytest.fixture(scope="module")
async def asked(folder: Path, account: LocalCluster) -> AsyncIterator[Asked]:
    async for each in _open(folder, account):
        yield each


async def test_a_yes_to_a_creation_makes_one_pair_and_no_other_later(asked: Asked) -> None:
    pair: dict[str, Any] = {"name": "both", "regions": REGIONS, "witness_region": "us-west-2"}
    yes = await asked.agreement("create_cluster", **pair)
    for other in ({"name": "both-2"}, {"witness_region": "ca-west-1"}, {"deletion_protection": False}):
        assert is_unanswered(await asked.call("create_cluster", yes, **pair | other))
    made = await asked.call("create_cluster", yes, **pair)
    assert len(facts(made)["made"]) == 2
    again = await asked.call("create_cluster", yes, **pair)
    assert facts(again)["outcome"] == "unchanged"
    for region in REGIONS:
        (cluster,) = asked.agents.named("both", region)
        api: Any = api_client(asked.agents.account, region)
        api.update_cluster(identifier=cluster["identifier"], deletionProtectionEnabled=False)
        api.delete_cluster(identifier=cluster["identifier"])
    for _ in range(2):
        assert is_unanswered(await asked.call("create_cluster", yes, **pair))
    assert not [each for region in REGIONS for each in asked.agents.named("both", region)]
    assert not asked.agents.named("both-2")


async def test_a_yes_to_an_unprotection_is_good_once_and_for_nothing_else(asked: Asked) -> None:
    one, two = await asked.make("one"), await asked.make("two")
    off: dict[str, Any] = {"cluster_id": one, "action": "unprotect"}
    yes = await asked.agreement("change_cluster", **off)
    assert is_unanswered(await asked.call("change_cluster", yes, **off | {"cluster_id": two}))
    for other in ("delete", "protect"):
        more = {"without_backup": True} if other == "delete" else {}
        await asked.call("change_cluster", yes, **off | {"action": other}, **more)
    assert asked.protected("one")
    assert asked.protected("two")
    yes = await asked.agreement("change_cluster", **off)
    assert facts(await asked.call("change_cluster", yes, **off))["outcome"] == "changed"
    assert not asked.protected("one")
    await asked.call("change_cluster", cluster_id=one, action="protect")
    for _ in range(2):
        assert is_unanswered(await asked.call("change_cluster", yes, **off))
    assert asked.protected("one")


async def test_a_yes_to_a_deletion_is_none_once_the_cluster_is_another(asked: Asked) -> None:
    identifier = await asked.make("gone")
    off: dict[str, Any] = {"cluster_id": identifier, "action": "unprotect"}
    await asked.call("change_cluster", await asked.agreement("change_cluster", **off), **off)
    deletion: dict[str, Any] = {"cluster_id": identifier, "action": "delete", "without_backup": True}
    yes = await asked.agreement("change_cluster", **deletion)
    api: Any = api_client(asked.agents.account)
    (cluster,) = asked.agents.named("gone")
    api.tag_resource(resourceArn=cluster["arn"], tags={"Name": "production"})
    for _ in range(2):
        assert is_unanswered(await asked.call("change_cluster", yes, **deletion))
    assert asked.agents.named("production")
    yes = await asked.agreement("change_cluster", **deletion)
    gone = await asked.call("change_cluster", yes, **deletion)
    assert facts(gone)["status"] in ("DELETING", "DELETED")


async def test_a_yes_that_another_server_was_given_is_none(
    asked: Asked, folder: Path, account: LocalCluster
) -> None:
    identifier = await asked.make("theirs")
    off: dict[str, Any] = {"cluster_id": identifier, "action": "unprotect"}
    yes = await asked.agreement("change_cluster", **off)
    async for other in _open(folder, account):
        assert is_unanswered(await other.call("change_cluster", yes, **off))
    assert asked.protected("theirs")
