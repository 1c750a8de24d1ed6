"""Backups that several servers ask for, and those that AWS Backup does not list yet."""

import asyncio
from typing import Any, Final

from awslabs_dsql_mcp.aws.api import Answer
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.backups import BackUp
from awslabs_dsql_mcp.clusters.changes.pace import Pace
from awslabs_dsql_mcp.clusters.model import Cluster, read_cluster
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from support.aws.in_memory import InMemory

EAST: Final = "us-east-1"


class Awake:
    """Connects to nothing: the clusters are awake."""

    async def wake(self, cluster: Cluster) -> None:
        raise AssertionError(cluster)


async def _quiet(_done: float, _total: float | None, _told: str | None) -> None:
    """Hear of progress."""


class Together:
    """An account whose servers have all listed the backups before any of them begins one."""

    def __init__(self, aws: InMemory, servers: int) -> None:
        self._aws, self._missing = aws, servers
        self._all = asyncio.Event()

    async def call(self, service: str, operation: str, region: str, **members: object) -> Answer:
        if operation == "StartBackupJob":
            self._missing -= 1
            if not self._missing:
                self._all.set()
            await self._all.wait()
        return await self._aws.call(service, operation, region, **members)


async def _cluster(aws: InMemory) -> Cluster:
    made = await aws.call("dsql", "CreateCluster", EAST, deletionProtectionEnabled=False)
    await aws.sleep(60)
    return read_cluster(await aws.call("dsql", "GetCluster", EAST, identifier=made["identifier"]), EAST)


async def _back_up(aws: InMemory, cluster: Cluster, api: Any = None) -> ToolOutput:  # noqa: ANN401 - an `Api`
    pace = Pace(aws.clock, aws.sleep, _quiet, aws.now, 45.0)
    return await BackUp(Account(api or aws, EAST), Awake(), pace).run(cluster)


async def test_servers_that_back_up_at_the_same_moment_are_given_one_job() -> None:
    aws = InMemory()
    cluster = await _cluster(aws)
    await _back_up(aws, cluster)
    together = Together(aws, 3)
    told = await asyncio.gather(*(_back_up(aws, cluster, together) for _ in range(3)))
    assert {answer.structured["job"] for answer in told} == {"job-2"}
    assert {answer.structured["state"] for answer in told} == {"COMPLETED"}
    assert list(aws.jobs) == ["job-1", "job-2"]


async def test_one_backup_after_the_other_is_a_new_one() -> None:
    aws = InMemory()
    cluster = await _cluster(aws)
    told = [await _back_up(aws, cluster) for _ in range(3)]
    assert [answer.structured["job"] for answer in told] == ["job-1", "job-2", "job-3"]
    assert {answer.structured["outcome"] for answer in told} == {"changed"}


async def test_a_backup_that_has_ended_and_is_not_listed_yet_is_not_taken_for_a_new_one() -> None:
    aws = InMemory()
    cluster = await _cluster(aws)
    await _back_up(aws, cluster)
    await _back_up(aws, cluster)
    for job in aws.jobs.values():
        job["of"] = ""  # no list has it yet
    assert (await _back_up(aws, cluster)).structured["job"] == "job-3"
    assert list(aws.jobs) == ["job-1", "job-2", "job-3"]
