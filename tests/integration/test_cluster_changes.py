"""Clusters created, changed and deleted by an agent, in the account of a local cluster, over stdio."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from mcp import Client
from mcp.types import ElicitResult

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from conftest import held
from support.aws.agents import CLOSED, NO, YES, Agents, User, change, made
from support.aws.cutting_proxy import CuttingProxy, server_behind, serving
from support.client_helpers import call, hints_of
from support.local_cluster.api import client as api_client

ERAS: Final = pytest.mark.parametrize("era", ["legacy", "2026-07-28"])


async def test_without_the_option_there_are_no_such_tools(agents: Agents) -> None:
    client = await agents.open(gate=None)
    names = {tool.name for tool in (await client.list_tools()).tools}
    assert "cluster_status" in names
    assert not names & {"create_cluster", "change_cluster"}
    answer = await call(client, "create_cluster", name="x", regions=["us-east-1"])
    assert answer.is_error
    assert "--allow-cluster-changes" in answer.text
    argument = await call(client, "readonly_query", sql="SELECT 1", cluster="x")
    assert "takes no argument 'cluster'" in argument.text


async def test_what_the_tools_say_of_themselves(agents: Agents) -> None:
    client = await agents.open()
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    create, change_it = hints_of(tools["create_cluster"]), hints_of(tools["change_cluster"])
    assert (create.reads, create.is_destructive, create.is_idempotent) == (False, False, True)
    assert (change_it.reads, change_it.is_destructive) == (False, True)


async def test_a_cluster_is_created_once_and_used_at_once(agents: Agents) -> None:
    client = await agents.open("--allow-writes")
    tools = await client.list_tools()
    first = await call(client, "create_cluster", name="used", regions=["us-east-1"], tags={"team": "a"})
    assert not first.is_error, first.text
    (cluster,) = agents.named("used")
    identifier = cluster["identifier"]
    assert first.facts["ready"] is True
    assert first.facts["made"] == [identifier]
    assert f"Made: cluster {identifier}" in first.text
    assert "ACTIVE" in first.text
    assert cluster["tags"]["managed_by"] == "awslabs-dsql-mcp"
    assert cluster["tags"]["team"] == "a"
    assert cluster["tags"]["created_by"]
    assert cluster["deletionProtectionEnabled"]
    again = await call(client, "create_cluster", name="used")  # in this server's Region
    assert again.facts["made"] == []
    assert f"Was there already: cluster {identifier}" in again.text
    assert "one role" not in again.text, "others may have made more"
    assert len(agents.named("used")) == 1
    made_table = await call(
        client, "transact", sql_list=["CREATE TABLE only_there (id int PRIMARY KEY)"], cluster=identifier
    )
    assert not made_table.is_error, made_table.text
    there = await call(client, "get_schema", cluster=identifier)
    assert "only_there" in there.text
    assert f"Cluster: {identifier}" in there.text
    index = ["CREATE INDEX ASYNC there ON only_there (id)"]
    begun = await call(client, "transact", sql_list=index, cluster=identifier)
    job = begun.facts["job_id"]
    assert f'Next: job_status(cluster="{identifier}", job_id="{job}")' in begun.text
    followed = await call(client, "job_status", cluster=identifier, job_id=job)
    assert not followed.is_error, followed.text
    elsewhere = await call(client, "get_schema")
    assert "only_there" not in elsewhere.text
    assert "Cluster:" not in elsewhere.text
    unknown = await call(client, "readonly_query", sql="SELECT 1", cluster="a" * 26)
    assert "There is no cluster" in unknown.text
    assert identifier in unknown.text
    assert await client.list_tools() == tools


async def test_a_new_cluster_is_only_read_where_writes_are_not_allowed(agents: Agents) -> None:
    client = await agents.open()
    identifier = await made(client, "read")
    answer = await call(client, "transact", sql_list=["CREATE TABLE t (id int)"], cluster=identifier)
    assert answer.is_error
    assert "only reads" in answer.text
    absent = await call(client, "migrate", script="CREATE TABLE t (id int)", cluster=identifier)
    assert absent.is_error


@ERAS
async def test_deletion_takes_two_calls_and_two_answers(agents: Agents, era: str) -> None:
    user = User(YES)
    client = await agents.open(user=user, era=era)
    identifier = await made(client, f"gone-{era}")
    assert not user.questions
    refused = await change(client, identifier, "delete", without_backup=True)
    assert refused.facts["code"] == "protected"
    assert not user.questions
    off = await change(client, identifier, "unprotect")
    assert not off.is_error, off.text
    assert "deletion protection off" in off.text
    unsaved = await change(client, identifier, "delete")
    assert unsaved.facts["code"] == "no_backup"
    gone = await change(client, identifier, "delete", without_backup=True)
    assert not gone.is_error, gone.text
    assert gone.facts["status"] in ("DELETING", "DELETED")
    assert not agents.named(f"gone-{era}")
    unprotecting, deleting = user.questions
    assert "OFF" in unprotecting
    for told in (
        identifier,
        "account 000000000000",
        "Region us-east-1",
        f'"gone-{era}"',
        "0 min ago",
        "Tables: 0",
    ):
        assert told in deleting
    assert "DELETE cluster" in deleting
    assert "Made by awslabs-dsql-mcp" in deleting


@ERAS
@pytest.mark.parametrize(
    "answer", [NO, CLOSED, ElicitResult(action="accept", content={"run": False})], ids=str
)
async def test_anything_but_yes_changes_nothing(agents: Agents, era: str, answer: ElicitResult) -> None:
    user = User(answer)
    client = await agents.open("--confirm", "never", user=user, era=era)
    identifier = await made(client, "kept")
    for action, more in (("unprotect", {}), ("delete", {"without_backup": True})):
        refused = await change(client, identifier, action, **more)
        assert refused.facts["code"] == "not_confirmed"
        assert len(agents.named("kept")) == 1
        assert agents.named("kept")[0]["deletionProtectionEnabled"] is (action == "unprotect")
        if action == "unprotect":
            user.answer = YES
            assert not (await change(client, identifier, "unprotect")).is_error
            user.answer = answer
    assert len(user.questions) == 3
    await change(client, identifier, "protect")


async def test_a_client_that_cannot_ask_needs_a_dry_run(agents: Agents) -> None:
    client = await agents.open("--confirm", "never")
    identifier = await made(client, "dry")
    dry = await change(client, identifier, "unprotect")
    assert "Nothing was changed." in dry.text
    assert identifier in dry.text
    assert agents.named("dry")[0]["deletionProtectionEnabled"]
    token = dry.facts["dry_run_token"]
    other = await made(client, "dry-other")
    for cluster, action in ((other, "unprotect"), (identifier, "delete")):
        wrong = await change(client, cluster, action, dry_run_token=token)
        assert wrong.facts["code"] in ("dry_run_token_invalid", "protected")
    done = await change(client, identifier, "unprotect", dry_run_token=token)
    assert "deletion protection off" in done.text
    assert not agents.named("dry")[0]["deletionProtectionEnabled"]
    await change(client, identifier, "protect")
    replayed = await change(client, identifier, "unprotect", dry_run_token=token)
    assert replayed.facts["code"] == "dry_run_token_invalid"
    assert agents.named("dry")[0]["deletionProtectionEnabled"]


async def test_others_clusters_are_others(agents: Agents) -> None:
    api: Any = api_client(agents.account, "us-east-1")
    foreign = api.create_cluster(tags={"Name": "prod"}, deletionProtectionEnabled=False)["identifier"]
    own = await agents.open(user=User(YES))
    for action in ("delete", "unprotect", "protect", "back_up", "tag", "untag"):
        tags = {"tags": {"a": "b"}} if "tag" in action else {}
        answer = await change(own, foreign, action, **tags)
        assert answer.facts["code"] == "not_own", answer.text
        assert "--allow-cluster-changes all" in answer.text
    everything = await agents.open("--confirm", "never", gate="all")
    refused = await change(everything, foreign, "delete", without_backup=True)
    assert refused.facts["code"] == "not_confirmed"
    assert (
        f"`awslabs-dsql-mcp clusters delete arn:aws:dsql:us-east-1:000000000000:cluster/{foreign}"
        in refused.text
    )
    assert len(agents.named("prod")) == 1
    user = User(YES)
    asking = await agents.open(user=user, gate="all")
    assert not (await change(asking, foreign, "delete", without_backup=True)).is_error
    assert "Not made by awslabs-dsql-mcp" in user.questions[0]
    assert not agents.named("prod")


async def test_the_connected_cluster_stays(agents: Agents) -> None:
    client = await agents.open(user=User(YES), gate="all")
    (first,) = [each for each in agents.clusters() if "managed_by" not in each["tags"] and not each["tags"]]
    for name in ("this", first["identifier"], first["arn"], first["endpoint"]):
        answer = await change(client, name, "delete", without_backup=True)
        assert answer.facts["code"] == "connected_cluster", answer.text


@ERAS
async def test_a_pair_is_asked_for_and_made(agents: Agents, era: str) -> None:
    user = User(YES)
    client = await agents.open(user=user, era=era)
    regions = ["us-east-1", "us-east-2"]
    pair = {"name": f"pair-{era}", "regions": regions, "witness_region": "us-west-2"}
    answer = await call(client, "create_cluster", **pair)
    assert not answer.is_error, answer.text
    assert len(user.questions) == 1
    assert "storage is billed in both Regions" in user.questions[0]
    one, two = (agents.named(f"pair-{era}", region) for region in regions)
    assert [len(one), len(two)] == [1, 1]
    assert one[0]["arn"] in two[0]["multiRegionProperties"]["clusters"]
    assert {one[0]["status"], two[0]["status"]} == {"ACTIVE"}
    assert answer.facts["ready"] is True
    again = await call(client, "create_cluster", **pair)
    assert again.facts["made"] == []
    assert len(user.questions) == 1
    first, second = one[0]["identifier"], two[0]["arn"]
    for cluster in (first, second):
        await change(client, cluster, "unprotect")
    half = await change(client, first, "delete", without_backup=True)
    assert half.facts["status"] == "PENDING_DELETE"
    assert "billed" in half.text
    assert "PENDING_DELETE, and its storage is billed" in user.questions[-1]
    rest = await change(client, second, "delete", without_backup=True)
    assert rest.facts["status"] in ("DELETING", "DELETED")
    assert "BOTH ARE DELETED NOW" in user.questions[-1]
    assert "the peer stays" not in user.questions[-1]


async def test_so_many_are_there_however_many_servers_make_them(tmp_path: Path) -> None:
    """Each conversation starts a server: a limit that it forgets holds nothing."""
    async with (
        local_cluster(tmp_path, ClusterConfig(transition_seconds=0)) as account,
        AsyncExitStack() as stack,
    ):
        agents = Agents(tmp_path, account, stack)
        user = User(YES)
        one = await made(await agents.open("--max-clusters", "1"), "one")
        later = await agents.open("--max-clusters", "1", user=user)
        for server in (later, await agents.open("--max-clusters", "1")):
            refused = await call(server, "create_cluster", name="two", regions=["us-east-1"])
            assert refused.facts["code"] == "too_many_clusters"
            assert f"there are 1 (one {one} in us-east-1), and this would make 1 more" in refused.text
            assert "Ask the user which of them to delete" in refused.text
            assert not agents.named("two")
            assert await made(server, "one") == one
        await change(later, one, "unprotect")
        await change(later, one, "delete", without_backup=True)
        await made(await agents.open("--max-clusters", "1"), "two")


async def test_two_servers_at_once_make_one(agents: Agents) -> None:
    clients = [await agents.open() for _ in range(3)]
    answers = await asyncio.gather(
        *(call(each, "create_cluster", name="race", regions=["us-east-1"]) for each in clients)
    )
    assert not [answer.text for answer in answers if answer.is_error]
    assert len(agents.named("race")) == 1
    assert len({answer.facts["clusters"][0]["identifier"] for answer in answers}) == 1


class Meeting(CuttingProxy):
    """A proxy that hands the first backups on together: whoever asks for one has listed those before."""

    def __init__(self, upstream: str, expected: int) -> None:
        super().__init__(upstream, (), is_final=True)
        self._missing = expected
        self._all = asyncio.Event()

    async def hand_on(self, request: bytes) -> bytes:
        if request.startswith(b"PUT /backup-jobs"):
            self._missing -= 1
            if not self._missing:
                self._all.set()
            await self._all.wait()
        return await super().hand_on(request)


async def test_two_servers_at_once_make_one_backup(agents: Agents) -> None:
    identifier = await made(await agents.open(), "kept-once")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(serving(Meeting(agents.account.api_url or "", 2)))
        starts = [server_behind(url, agents.folder, agents.account) for _ in range(2)]
        clients = [await stack.enter_async_context(held(Client(start))) for start in starts]
        saved = await asyncio.gather(*(change(each, identifier, "back_up") for each in clients))
    assert {reply.facts["state"] for reply in saved} == {"COMPLETED"}, saved
    assert len({reply.facts["recovery_point"] for reply in saved}) == 1
    (cluster,) = agents.named("kept-once")
    backup: Any = api_client(agents.account, service="backup")
    assert len(backup.list_backup_jobs(ByResourceArn=cluster["arn"])["BackupJobs"]) == 1


async def test_a_cluster_is_backed_up_deleted_and_restored(agents: Agents) -> None:
    user = User(YES)
    client = await agents.open("--allow-writes", "--max-clusters", "10", user=user)
    identifier = await made(client, "saved")
    table = ["CREATE TABLE kept (id int PRIMARY KEY)"]
    assert not (await call(client, "transact", sql_list=table, cluster=identifier)).is_error
    saved = await change(client, identifier, "back_up")
    assert not saved.is_error, saved.text
    assert saved.facts["state"] == "COMPLETED"
    assert not user.questions
    await change(client, identifier, "unprotect")
    gone = await change(client, identifier, "delete")
    assert not gone.is_error, gone.text
    assert "Last recovery point: 2" in user.questions[-1]
    assert "Tables: 1" in user.questions[-1]
    again = {"name": "again", "regions": ["us-east-1"], "recovery_point_arn": saved.facts["recovery_point"]}
    restored = await call(client, "create_cluster", **again)
    assert not restored.is_error, restored.text
    assert saved.facts["recovery_point"] in user.questions[-1]
    assert "one role" not in restored.text, "it has those of the backup"
    (cluster,) = agents.named("again")
    assert cluster["tags"]["managed_by"] == "awslabs-dsql-mcp"
    assert restored.facts["clusters"][0]["identifier"] == cluster["identifier"]
    there = await call(client, "get_schema", cluster=cluster["identifier"])
    assert "kept" in there.text
    more = await call(client, "create_cluster", **again)
    assert more.facts["made"] == []
    assert len(agents.named("again")) == 1
