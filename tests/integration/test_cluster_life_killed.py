"""A pair's creation, and its rows' whole life, over stdio, cut off by killing the server around each change.

A new server is sent the same call each time. The account lives on in the local cluster, as AWS would.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client, MCPError, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.types import ElicitRequestParams, ElicitResult

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, default_identifier, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from conftest import server
from support.client_helpers import Reply, call
from support.local_cluster.api import client as api_client
from support.local_cluster.logins import login

TESTS: Final = Path(__file__).parents[1]
EAST: Final = "us-east-1"
REGIONS: Final = [EAST, "us-east-2"]
PAIR: Final[dict[str, Any]] = {"name": "life", "regions": REGIONS, "witness_region": "us-west-2"}
SIDES: Final = ("before", "behind")
ROWS: Final = [(number, f"row {number}") for number in range(500)]


class Life:
    """Sends calls to servers that are killed, and keeps what their user was asked."""

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        self.account = account
        self.record = folder.with_name("cuts")
        self.steps: list[set[str]] = []
        self._folder = folder
        self._options = ("--local", "--local-data", str(folder), "--allow-cluster-changes", "own")

    async def _answer(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert context
        assert "life" in params.message
        return ElicitResult(action="accept", content={"run": True})

    def _start(self, side: str) -> StdioServerParameters:
        started = server(*self._options, PYTHONPATH=str(TESTS))
        started.args[1:2] = ["support.aws.killed_server", side, str(self.record)]
        return started

    @property
    def cuts(self) -> Counter[str]:
        """Count the kills by operation and side."""
        return Counter(self.record.read_text().splitlines() if self.record.exists() else [])

    async def _cut(self, side: str, tool: str, arguments: dict[str, object]) -> Reply | None:
        """Call a tool of a server that is killed at its first change; `None` if it was."""
        before = self.cuts.total()
        async with Client(self._start(side), elicitation_callback=self._answer) as client:
            with suppress(MCPError):
                return await asyncio.wait_for(call(client, tool, **arguments), 60)
        assert self.cuts.total() == before + 1, "it ended otherwise"
        return None

    async def cut(self, tool: str, **arguments: object) -> Reply:
        """Call a tool of servers that are killed before and behind each change, until one answers."""
        for _ in range(6):
            for side in SIDES:
                if (reply := await self._cut(side, tool, arguments)) is not None:
                    return reply
        pytest.fail(f"{tool} goes on for ever: {self.cuts}")

    async def each(self, tool: str, **arguments: object) -> Reply:
        """Call a tool of servers that are killed once at each side of each change, until one answers."""
        self.record = self.record.with_name(f"cuts-{len(self.steps)}")
        for _ in range(12):
            if (reply := await self._cut("each", tool, arguments)) is not None:
                self.steps.append(set(self.cuts))
                return reply
        pytest.fail(f"{tool} goes on for ever: {self.cuts}")

    def unnamed(self, region: str) -> list[dict[str, Any]]:
        """Ask the account for the clusters that nobody has tagged, but for the one that it begins with."""
        first = default_identifier(self._folder)
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


@pytest.fixture
async def life(tmp_path: Path) -> AsyncIterator[Life]:
    folder = tmp_path / "data"
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.1)) as account:
        yield Life(folder, account)


async def test_a_pair_whose_creation_is_cut_off_everywhere_is_there_once(life: Life) -> None:
    pair = await life.cut("create_cluster", **PAIR)
    assert not pair.is_error, pair.text
    assert pair.facts["ready"] is True
    (one,), (two,) = (life.there("life", region) for region in REGIONS)
    assert one["arn"] in two["multiRegionProperties"]["clusters"]
    assert two["arn"] in one["multiRegionProperties"]["clusters"]
    assert set(life.cuts) == _sides(*_in(REGIONS, "CreateCluster"), f"UpdateCluster in {EAST}")


def _rows(life: Life, cluster: dict[str, Any]) -> list[Any]:
    region = cluster["arn"].split(":")[3]
    with login(life.account, cluster["endpoint"], region=region) as session:
        return session.execute("SELECT id, note FROM kept ORDER BY id").fetchall()


def _in(regions: list[str], change: str) -> list[str]:
    return [f"{change} in {region}" for region in regions]


def _sides(*changes: str) -> set[str]:
    return {f"{change} {side}" for change in changes for side in SIDES}


@pytest.mark.timeout(300)  # some thirty servers
async def test_rows_come_back_through_a_life_whose_every_change_is_cut_off(life: Life) -> None:
    pair = await life.each("create_cluster", **PAIR)
    assert pair.facts["ready"] is True, pair.text
    (one,), (two,) = (life.there("life", region) for region in REGIONS)
    assert {each["arn"] for each in pair.facts["clusters"]} == {one["arn"], two["arn"]}
    with login(life.account, one["endpoint"]) as session:
        session.execute("CREATE TABLE kept (id int PRIMARY KEY, note text)")
        session.cursor().executemany("INSERT INTO kept VALUES (%s, %s)", ROWS)

    saved = await life.each("change_cluster", cluster_id=one["arn"], action="back_up")
    assert saved.facts["state"] == "COMPLETED", saved.text
    for half in (one, two):
        off = await life.each("change_cluster", cluster_id=half["arn"], action="unprotect")
        assert "deletion protection off" in off.text
    (now,) = life.there("life", REGIONS[0])
    assert now["deletionProtectionEnabled"] is False
    unsaved = await life.each("change_cluster", cluster_id=two["arn"], action="delete")
    assert unsaved.facts["code"] == "no_backup"
    assert len(life.there("life", REGIONS[1])) == 1
    first = await life.each("change_cluster", cluster_id=one["arn"], action="delete")
    assert first.facts["status"] == "PENDING_DELETE", first.text
    assert _rows(life, two) == ROWS
    last = await life.each("change_cluster", cluster_id=two["arn"], action="delete", without_backup=True)
    assert last.facts.get("status") in ("DELETING", "DELETED") or "There is no cluster" in last.text
    assert not life.there("life", REGIONS[0]) + life.there("life", REGIONS[1])

    restore = PAIR | {"name": "life-again", "recovery_point_arn": saved.facts["recovery_point"]}
    back = await life.each("create_cluster", **restore)
    assert back.facts["ready"] is True, back.text
    (near,), (far,) = (life.there("life-again", region) for region in REGIONS)
    assert [each["arn"] for each in back.facts["clusters"]] == [near["arn"], far["arn"]]
    assert far["arn"] in near["multiRegionProperties"]["clusters"]
    with login(life.account, near["endpoint"]) as session:
        session.execute("INSERT INTO kept VALUES (500, 'row 500')")
    assert _rows(life, far) == [*ROWS, (500, "row 500")]
    assert not [each for region in REGIONS for each in life.unnamed(region)]
    assert life.steps == [
        _sides(*_in(REGIONS, "CreateCluster"), f"UpdateCluster in {EAST}"),
        _sides(f"StartBackupJob in {EAST}"),
        *[_sides(change) for change in _in(REGIONS, "UpdateCluster")],
        set(),
        *[_sides(change) for change in _in(REGIONS, "DeleteCluster")],
        _sides(f"StartCopyJob in {EAST}", f"StartRestoreJob in {EAST}", *_in(REGIONS, "TagResource")),
    ]
