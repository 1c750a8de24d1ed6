"""The whole life of a pair's data at a command line, each command of which is killed and run again.

The account is that of a local cluster, which lives on, as AWS would.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.local_cluster.api import client as api_client
from support.local_cluster.logins import login

TESTS: Final = Path(__file__).parents[1]
EAST, OHIO = REGIONS = ("us-east-1", "us-east-2")
KILLED: Final = -9
ROWS: Final = [(number, f"row {number}") for number in range(500)]
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL"),
    pytest.mark.timeout(400),  # some thirty processes
]


class Life:
    """Runs commands that are killed, on one account."""

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        self.account = account
        self._folder = folder
        self._chance = random.Random(20)  # noqa: S311 - no secret
        self.kills: list[str] = []

    def killed(self, *words: str, reads: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run a command, killed at some reads and around each change, until it ends by itself."""
        record = self._folder.with_name(f"kills-{words[0]}-{words[1][-30:].replace('/', '-')}")
        numbers = [self._chance.randint(1, 6) for _ in range(reads)]
        for attempt in range(20):
            number = numbers[attempt] if attempt < reads else 0
            done = subprocess.run(
                (
                    *(sys.executable, "-m", "support.aws.killed_command", str(record), str(number)),
                    *("clusters", *words, "--json", "--local", "--local-data", str(self._folder)),
                ),
                env=os.environ | {"PYTHONPATH": str(TESTS)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            if done.returncode != KILLED:
                self.kills += record.read_text().splitlines() if record.exists() else []
                return done
            assert done.stdout == ""  # a command that is cut off claims nothing
        pytest.fail(f"{words} goes on for ever: {record.read_text()}")

    def there(self) -> dict[str, dict[str, Any]]:
        """Ask the account for all clusters that are not being deleted, whoever made them, by id."""
        found = dict[str, dict[str, Any]]()
        for region in REGIONS:
            api: Any = api_client(self.account, region)
            for each in api.list_clusters()["clusters"]:
                with suppress(api.exceptions.ResourceNotFoundException):
                    cluster = api.get_cluster(identifier=each["identifier"])
                    if cluster["status"] not in ("DELETING", "PENDING_DELETE"):
                        found[each["identifier"]] = cluster
        return found

    def rows(self, endpoint: str) -> list[Any]:
        """Read the rows of a cluster."""
        with login(self.account, endpoint) as session:
            return session.execute("SELECT id, note FROM kept ORDER BY id").fetchall()


@pytest.fixture
async def life(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Life]:
    folder = tmp_path_factory.mktemp("own") / "data"
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.2)) as account:
        yield Life(folder, account)


async def test_a_life_whose_every_command_is_killed_and_run_again(life: Life) -> None:
    before = set(life.there())
    made = life.killed("pair", "life", "--regions", f"{EAST},{OHIO}", "--witness", "us-west-2", reads=2)
    assert made.returncode == 0, made
    pair = {each: cluster for each, cluster in life.there().items() if each not in before}
    assert sorted(cluster["arn"].split(":")[3] for cluster in pair.values()) == [EAST, OHIO]
    assert all(
        cluster["status"] == "ACTIVE" and cluster["tags"]["Name"] == "life" for cluster in pair.values()
    )
    one, two = sorted(pair.values(), key=lambda cluster: cluster["arn"])
    assert two["arn"] in one["multiRegionProperties"]["clusters"]
    assert one["arn"] in two["multiRegionProperties"]["clusters"]

    with login(life.account, one["endpoint"]) as session:
        session.execute("CREATE TABLE kept (id int PRIMARY KEY, note text)")
        session.cursor().executemany("INSERT INTO kept VALUES (%s, %s)", ROWS)
    assert life.rows(one["endpoint"]) == ROWS

    saved = life.killed("back-up", one["arn"], reads=1)
    assert saved.returncode == 0, saved
    point = json.loads(saved.stdout)["recovery_point"]

    protected = life.killed("delete", one["arn"], "--yes")
    assert protected.returncode == 1
    assert '"protected"' in protected.stdout
    for half in (one, two):
        assert life.killed("unprotect", half["arn"], "--yes").returncode == 0
    unsaid = life.killed("delete", two["arn"])
    assert '"no_backup"' in unsaid.stdout  # the point is one of the other half
    unasked = life.killed("delete", one["arn"])
    assert '"not_confirmed"' in unasked.stdout
    assert set(life.there()) == {*before, *pair}
    waits = life.killed("delete", one["arn"], "--yes", reads=1)
    assert waits.returncode == 3, waits
    assert '"PENDING_DELETE"' in waits.stdout
    gone = life.killed("delete", two["arn"], "--yes", "--without-backup")
    assert gone.returncode == 0 or "There is no cluster" in gone.stdout, gone
    assert set(life.there()) == before

    restored = life.killed("restore", "again", point, reads=1)
    assert restored.returncode == 0, restored
    (back,) = (cluster for each, cluster in life.there().items() if each not in before)
    assert back["tags"]["Name"] == "again"
    assert back["tags"]["restored_from"] == point
    assert life.rows(back["endpoint"]) == ROWS
    for change in ("CreateCluster", "UpdateCluster", "StartBackupJob", "DeleteCluster", "StartRestoreJob"):
        assert {f"{side} {change} in {EAST}" for side in ("before", "behind")} <= set(life.kills), life.kills
    assert f"behind TagResource in {EAST}" in life.kills
