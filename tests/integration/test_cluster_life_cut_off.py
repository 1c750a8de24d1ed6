"""The whole life of a pair and its rows, over stdio, cut off around each change and gone on with.

A server is killed, and a new one is sent the same call; or AWS's answer to a change is lost; or the client
goes away from its call, and what AWS was asked for may still come. The account lives on in the local cluster,
as AWS would.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, default_identifier, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from conftest import held, server
from support.aws.cutting_proxy import CuttingProxy, cutting_proxy, server_behind
from support.client_helpers import Reply, call
from support.local_cluster.api import client as api_client
from support.local_cluster.logins import login

TESTS: Final = Path(__file__).parents[1]
EAST: Final = "us-east-1"
REGIONS: Final = [EAST, "us-east-2"]
PAIR: Final[dict[str, Any]] = {"name": "life", "regions": REGIONS, "witness_region": "us-west-2"}
SIDES: Final = ("before", "behind")
ROWS: Final = [(number, f"row {number}") for number in range(500)]
_MOST_CUTS: Final = 12


async def _agree(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    assert context
    assert "life" in params.message
    return ElicitResult(action="accept", content={"run": True})


class Life(ABC):
    """Sends calls that are cut off, until each has answered.

    Attributes:
        sides: Where changes are cut off.
        steps: The cuts of each call.
    """

    sides: tuple[str, ...] = SIDES

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        self.folder, self.account = folder, account
        self.steps: list[set[str]] = []

    async def each(self, tool: str, **arguments: object) -> Reply:
        """Call a tool, cut off once at each side of each change, until it answers."""
        for number in range(_MOST_CUTS):
            if (reply := await self.cut(tool, arguments, is_first=not number)) is not None:
                self.steps.append(self.cuts())
                return reply
        pytest.fail(f"{tool} goes on for ever: {self.cuts()}")

    @abstractmethod
    def cuts(self) -> set[str]:
        """Tell the cuts of the call that was begun last."""

    @abstractmethod
    async def cut(self, tool: str, arguments: dict[str, object], *, is_first: bool) -> Reply | None:
        """Call a tool; `None` if it is to be called again."""

    def unnamed(self, region: str) -> list[dict[str, Any]]:
        """Ask the account for the clusters that nobody has tagged, but for the one that it begins with."""
        first = default_identifier(self.folder)
        return [each for each in self.there(None, region) if each["identifier"] != first]

    def there(self, name: str | None, region: str) -> list[dict[str, Any]]:
        """Ask the account for the clusters of a name that are not being deleted."""
        api: Any = api_client(self.account, region)
        found = list[dict[str, Any]]()
        for each in api.list_clusters()["clusters"]:
            with suppress(api.exceptions.ResourceNotFoundException):
                found.append(api.get_cluster(identifier=each["identifier"]))
        return [
            each
            for each in found
            if each["tags"].get("Name") == name and each["status"] not in ("DELETING", "PENDING_DELETE")
        ]

    def rows(self, cluster: dict[str, Any]) -> list[Any]:
        """Read the rows of a cluster."""
        with login(self.account, cluster["endpoint"], region=cluster["arn"].split(":")[3]) as session:
            return session.execute("SELECT id, note FROM kept ORDER BY id").fetchall()


class Killed(Life):
    """Its servers are killed."""

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        super().__init__(folder, account)
        self._record = folder

    def cuts(self) -> set[str]:
        return set(self._lines())

    def _lines(self) -> Counter[str]:
        return Counter(self._record.read_text().splitlines() if self._record.exists() else [])

    def _start(self) -> StdioServerParameters:
        options = (
            "--local",
            "--local-data",
            str(self.folder),
            "--allow-cluster-changes",
            "own",
            "--max-clusters",
            "100",
        )
        started = server(*options, PYTHONPATH=str(TESTS))
        started.args[1:2] = ["support.aws.killed_server", str(self._record)]
        return started

    async def cut(self, tool: str, arguments: dict[str, object], *, is_first: bool) -> Reply | None:
        if is_first:
            self._record = self.folder.with_name(f"cuts-{len(self.steps)}")
        before = self._lines().total()
        async with Client(self._start(), elicitation_callback=_agree) as client:
            with suppress(MCPError):
                return await asyncio.wait_for(call(client, tool, **arguments), 60)
        assert self._lines().total() == before + 1, "it ended otherwise"
        return None


class Proxied(Life):
    """Its one server reaches the account's API through a proxy."""

    def __init__(self, folder: Path, account: LocalCluster, proxy: CuttingProxy, client: Client) -> None:
        super().__init__(folder, account)
        self.proxy, self.client = proxy, client

    def cuts(self) -> set[str]:
        return set(self.proxy.cuts)


class Lost(Proxied):
    """Answers of AWS do not come; that nothing was asked for is not one of the things that are said then."""

    sides = ("behind",)

    async def cut(self, tool: str, arguments: dict[str, object], *, is_first: bool) -> Reply | None:
        if is_first:
            self.proxy.forget()
            self.proxy.go_on.set()
        before = len(self.proxy.cuts)
        reply = await call(self.client, tool, **arguments)
        if not reply.is_error or len(self.proxy.cuts) == before:
            return reply
        assert reply.facts["code"] == "outcome_unknown", reply.text
        assert "made nothing" not in reply.text
        assert "Nothing was" not in reply.text
        return None


class Cancelled(Proxied):
    """The client goes away while AWS is asked; the SDK repeats that, and it comes by beside the next call.

    So a change that was cut off once may be there before it would be cut off at its other side.
    """

    async def cut(self, tool: str, arguments: dict[str, object], *, is_first: bool) -> Reply | None:
        if is_first:
            self.proxy.forget()
        self.proxy.cut.clear()
        self.proxy.go_on.clear()
        replies = list[Reply]()

        async def ask() -> None:
            replies.append(await call(self.client, tool, **arguments))
            self.proxy.cut.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await self.proxy.cut.wait()
            if not replies:
                tasks.cancel_scope.cancel()
        self.proxy.go_on.set()
        return replies[0] if replies else None


@asynccontextmanager
async def _killed(folder: Path, account: LocalCluster) -> AsyncGenerator[Life]:
    yield Killed(folder, account)


def _proxied(way: type[Proxied]) -> Callable[[Path, LocalCluster], AbstractAsyncContextManager[Life]]:
    @asynccontextmanager
    async def proxied(folder: Path, account: LocalCluster) -> AsyncGenerator[Life]:
        async with (
            cutting_proxy(account.api_url or "", way.sides, is_final=way is Lost) as (proxy, url),
            held(Client(server_behind(url, folder, account), elicitation_callback=_agree)) as client,
        ):
            yield way(folder, account, proxy, client)

    return proxied


WAYS: Final = {"killed": _killed, "lost": _proxied(Lost), "cancelled": _proxied(Cancelled)}


@pytest.fixture(params=WAYS)
async def life(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Life]:
    folder = tmp_path / "data"
    async with (
        local_cluster(folder, ClusterConfig(transition_seconds=0.1)) as account,
        WAYS[request.param](folder, account) as life,
    ):
        yield life


@pytest.mark.timeout(300)  # some thirty servers
async def test_rows_come_back_through_a_life_whose_every_change_is_cut_off(life: Life) -> None:
    pair = await life.each("create_cluster", **PAIR)
    assert pair.facts["ready"] is True, pair.text
    (one,), (two,) = (life.there("life", region) for region in REGIONS)
    assert {each["arn"] for each in pair.facts["clusters"]} == {one["arn"], two["arn"]}
    assert one["arn"] in two["multiRegionProperties"]["clusters"]
    assert two["arn"] in one["multiRegionProperties"]["clusters"]
    with login(life.account, one["endpoint"]) as session:
        session.execute("CREATE TABLE kept (id int PRIMARY KEY, note text)")
        session.cursor().executemany("INSERT INTO kept VALUES (%s, %s)", ROWS)

    saved = await life.each("change_cluster", cluster_id=one["arn"], action="back_up")
    assert saved.facts["state"] == "COMPLETED", saved.text
    for half in (one, two):
        off = await life.each("change_cluster", cluster_id=half["arn"], action="unprotect")
        assert "deletion protection off" in off.text
    (now,) = life.there("life", EAST)
    assert now["deletionProtectionEnabled"] is False
    unsaved = await life.each("change_cluster", cluster_id=two["arn"], action="delete")
    assert unsaved.facts["code"] == "no_backup"
    assert len(life.there("life", REGIONS[1])) == 1
    first = await life.each("change_cluster", cluster_id=one["arn"], action="delete")
    assert first.facts["status"] == "PENDING_DELETE", first.text
    assert life.rows(two) == ROWS
    last = await life.each("change_cluster", cluster_id=two["arn"], action="delete", without_backup=True)
    assert last.facts.get("status") in ("DELETING", "DELETED") or "There is no cluster" in last.text
    assert not life.there("life", EAST) + life.there("life", REGIONS[1])

    restore = PAIR | {"name": "life-again", "recovery_point_arn": saved.facts["recovery_point"]}
    back = await life.each("create_cluster", **restore)
    assert back.facts["ready"] is True, back.text
    (near,), (far,) = (life.there("life-again", region) for region in REGIONS)
    assert [each["arn"] for each in back.facts["clusters"]] == [near["arn"], far["arn"]]
    assert far["arn"] in near["multiRegionProperties"]["clusters"]
    with login(life.account, near["endpoint"]) as session:
        session.execute("INSERT INTO kept VALUES (500, 'row 500')")
    assert life.rows(far) == [*ROWS, (500, "row 500")]
    assert not [each for region in REGIONS for each in life.unnamed(region)]
    backup: Any = api_client(life.account, EAST, service="backup")
    assert len(backup.list_copy_jobs()["CopyJobs"]) == 1
    assert len(backup.list_restore_jobs()["RestoreJobs"]) == 1

    expected = [
        [*_in(REGIONS, "CreateCluster"), f"UpdateCluster in {EAST}"],
        [f"StartBackupJob in {EAST}"],
        *[[change] for change in _in(REGIONS, "UpdateCluster")],
        [],
        *[[change] for change in _in(REGIONS, "DeleteCluster")],
        [f"StartCopyJob in {EAST}", f"StartRestoreJob in {EAST}", *_in(REGIONS, "TagResource")],
    ]
    for changes, cuts in zip(expected, life.steps, strict=True):
        everywhere = {f"{change} {side}" for change in changes for side in life.sides}
        assert cuts <= everywhere if isinstance(life, Cancelled) else cuts == everywhere
        assert {cut.rpartition(" ")[0] for cut in cuts} == set(changes)


def _in(regions: list[str], change: str) -> list[str]:
    return [f"{change} in {region}" for region in regions]
