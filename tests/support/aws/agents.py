"""Agents of servers that may change the clusters of a local cluster's account, and their users."""

from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Final

from mcp import Client
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import held, server
from support.client_helpers import Reply, call
from support.local_cluster.api import client as api_client

YES: Final = ElicitResult(action="accept", content={"run": True})
NO: Final = ElicitResult(action="decline")
_MANY: Final = "100"  # tests share the account
CLOSED: Final = ElicitResult(action="cancel")


class User:
    """A user who answers all questions alike, and keeps them."""

    def __init__(self, answer: ElicitResult) -> None:
        self.answer = answer
        self.questions: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context
        self.questions.append(params.message)
        return self.answer


class Agents:
    """Opens clients of servers on one account."""

    def __init__(self, folder: Path, account: LocalCluster, stack: AsyncExitStack) -> None:
        self.folder, self.account = folder, account
        self._stack = stack

    async def open(
        self, *flags: str, user: User | None = None, era: str = "2026-07-28", gate: str | None = "own"
    ) -> Client:
        """Open a client; without a user it cannot ask."""
        changes = ("--allow-cluster-changes", gate) if gate else ()
        return await self.start(
            *("--local", "--local-data", str(self.folder), "--max-clusters", _MANY),
            *changes,
            *flags,
            user=user,
            era=era,
        )

    async def start(self, *flags: str, user: User | None = None, era: str = "2026-07-28") -> Client:
        """Open a client of a server of these options alone."""
        client = Client(server(*flags), mode=era, elicitation_callback=user)
        return await self._stack.enter_async_context(held(client))

    def clusters(self, region: str = "us-east-1") -> list[dict[str, Any]]:
        """Ask the account itself."""
        api: Any = api_client(self.account, region)
        found: list[dict[str, Any]] = []
        for page in api.get_paginator("list_clusters").paginate():
            for each in page["clusters"]:
                with suppress(api.exceptions.ResourceNotFoundException):  # deleted meanwhile
                    found.append(api.get_cluster(identifier=each["identifier"]))
        return found

    def named(self, name: str, region: str = "us-east-1") -> list[dict[str, Any]]:
        """Give the clusters of a name that are not being deleted."""
        return [
            each
            for each in self.clusters(region)
            if each["tags"].get("Name") == name and each["status"] != "DELETING"
        ]


async def made(client: Client, name: str, **more: object) -> str:
    """Create a cluster; give its id."""
    answer = await call(client, "create_cluster", name=name, regions=["us-east-1"], **more)
    assert not answer.is_error, answer.text
    return answer.facts["clusters"][0]["identifier"]


async def change(client: Client, cluster: str, action: str, **more: object) -> Reply:
    """Call change_cluster."""
    return await call(client, "change_cluster", cluster_id=cluster, action=action, **more)
