"""Two servers that create or restore one name: both have looked, seen none, and ask AWS in one moment."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult, Implementation

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.aws.cutting_proxy import MeetingPoint, server_behind, serving
from support.client_helpers import Reply, call
from support.local_cluster.api import client as api_client

EAST: Final = "us-east-1"
PAIR: Final = {"regions": [EAST, "us-east-2"], "witness_region": "us-west-2"}


async def _agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    assert context
    assert params
    return ElicitResult(action="accept", content={"run": True})


class Servers:
    """Servers whose clients have names of their own, on one account."""

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        self.folder, self.account = folder, account

    async def ask(self, meeting: str, *makers: str, **order: object) -> list[Reply]:
        """Let a server for each maker create the same; their requests for an operation meet before AWS."""
        point = MeetingPoint(self.account.api_url or "", meeting, len(makers))
        async with serving(point) as url, AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    Client(
                        server_behind(url, self.folder, self.account),
                        client_info=Implementation(name=maker, version="1"),
                        elicitation_callback=_agree,
                    )
                )
                for maker in makers
            ]
            return await asyncio.gather(*(call(each, "create_cluster", **order) for each in clients))

    def named(self, name: str, region: str = EAST) -> list[str]:
        """Ask the account itself for the identifiers of a name."""
        api: Any = api_client(self.account, region)
        pages = api.get_paginator("list_clusters").paginate()
        listed = [each["identifier"] for page in pages for each in page["clusters"]]
        return [each for each in listed if api.get_cluster(identifier=each)["tags"].get("Name") == name]


@pytest.fixture(scope="module")
async def servers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    folder = tmp_path_factory.mktemp("at-once") / "data"
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.1)) as account:
        yield Servers(folder, account)


@pytest.mark.parametrize("makers", [("one", "one"), ("one", "two")], ids=" and ".join)
@pytest.mark.parametrize("regions", [{"regions": [EAST]}, PAIR], ids=["one", "pair"])
async def test_one_is_created(servers: Servers, makers: tuple[str, str], regions: dict[str, Any]) -> None:
    name = f"of-{'-'.join(makers)}-{len(regions['regions'])}"
    replies = await servers.ask(f"CreateCluster in {EAST}", *makers, name=name, **regions)
    there = [servers.named(name, region) for region in regions["regions"]]
    assert [len(each) for each in there] == [1] * len(there)
    for reply in replies:
        assert not reply.is_error, reply.text
        assert [[each["identifier"]] for each in reply.facts["clusters"]] == there


@pytest.mark.parametrize("makers", [("one", "one"), ("one", "two")], ids=" and ".join)
async def test_one_is_restored(servers: Servers, makers: tuple[str, str]) -> None:
    name = f"back-of-{'-'.join(makers)}"
    async with Client(
        server_behind(servers.account.api_url or "", servers.folder, servers.account)
    ) as client:
        made = await call(client, "create_cluster", name=f"{name}-source", regions=[EAST])
        arn = made.facts["clusters"][0]["arn"]
        saved = await call(client, "change_cluster", cluster_id=arn, action="back_up")
    replies = await servers.ask(
        f"StartRestoreJob in {EAST}",
        *makers,
        name=name,
        regions=[EAST],
        recovery_point_arn=saved.facts["recovery_point"],
    )
    (there,) = servers.named(name)
    for reply in replies:
        assert not reply.is_error, reply.text
        assert [each["identifier"] for each in reply.facts["clusters"]] == [there]


async def test_a_pair_and_one_cluster_of_a_name_are_both_told(servers: Servers) -> None:
    point = MeetingPoint(servers.account.api_url or "", f"CreateCluster in {EAST}", 2)
    async with serving(point) as url:
        start = server_behind(url, servers.folder, servers.account)
        async with (
            Client(start, elicitation_callback=_agree) as one,
            Client(start, elicitation_callback=_agree) as two,
        ):
            replies = await asyncio.gather(
                call(one, "create_cluster", name="twins", regions=[EAST]),
                call(two, "create_cluster", name="twins", **PAIR),
            )
            again = await call(one, "create_cluster", name="twins", regions=[EAST])
    there = servers.named("twins")
    assert len(there) == 2
    for text in (*(reply.text for reply in replies), again.text):
        assert all(each in text for each in there), text
    assert again.facts["code"] == "name_taken"
