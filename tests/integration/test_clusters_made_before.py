"""Clusters that another server of the same kind has made, and what is kept of the changes of clusters."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from mcp import Client

from support.aws.agents import NO, YES, Agents, User, change, made
from support.client_helpers import call
from support.local_cluster.api import client as api_client

PAIR: Final[dict[str, Any]] = {"regions": "us-east-1, us-east-2", "witness_region": "us-west-2"}


async def test_a_cluster_that_an_earlier_server_made_is_used_at_once(agents: Agents) -> None:
    first = await agents.open("--allow-writes", user=User(YES))
    pair = (await call(first, "create_cluster", name="before", **PAIR)).facts["clusters"]
    near, far = pair[0], pair[1]
    table = ["CREATE TABLE there (id int PRIMARY KEY)"]
    assert not (await call(first, "transact", sql_list=table, cluster=near["arn"])).is_error
    later = await agents.open()
    tools = await later.list_tools()
    count = "SELECT count(*) FROM there"
    for name in (near["identifier"], near["arn"], near["endpoint"], far["arn"].upper(), far["identifier"]):
        answer = await call(later, "readonly_query", sql=count, cluster=name)
        assert not answer.is_error, answer.text
        assert answer.facts["rows"] == [[0]]
    refused = await call(later, "transact", sql_list=["DROP TABLE there"], cluster=near["arn"])
    assert "only reads" in refused.text
    assert "[clusters." not in refused.text
    assert await later.list_tools() == tools


async def test_a_cluster_that_cannot_be_taken_is_told_why(agents: Agents) -> None:
    api: Any = api_client(agents.account, "us-east-1")
    foreign = api.create_cluster(tags={"Name": "prod", "managed_by": "terraform"})
    far = api_client(agents.account, "us-east-2").create_cluster(tags={"managed_by": "awslabs-dsql-mcp"})
    client = await agents.open("--allow-writes", gate="all")

    async def told(cluster: str) -> str:
        answer = await call(client, "transact", sql_list=["CREATE TABLE x (id int)"], cluster=cluster)
        assert answer.is_error, answer.text
        return answer.text

    assert "was not made by awslabs-dsql-mcp" in await told(foreign["identifier"])
    assert "give its ARN" in await told(far["identifier"])
    own = api.create_cluster(tags={"managed_by": "awslabs-dsql-mcp"}, deletionProtectionEnabled=False)
    other = own["arn"].replace(":000000000000:", ":999999999999:")
    assert "of another account" in await told(other)
    api.delete_cluster(identifier=own["identifier"])
    assert "to use: it is DELETING" in await told(own["identifier"])
    (connected,) = [each for each in agents.clusters() if not each["tags"]]
    assert "Call it with no argument cluster." in await told(connected["arn"])
    assert "taken by their id or ARN" in await told("prod")


async def test_a_cluster_that_was_deleted_elsewhere_is_not_said_to_be_there(agents: Agents) -> None:
    client = await agents.open()
    identifier = await made(client, "was-here")
    api: Any = api_client(agents.account, "us-east-1")
    api.update_cluster(identifier=identifier, deletionProtectionEnabled=False)
    api.delete_cluster(identifier=identifier)
    refused = await call(client, "readonly_query", sql="SELECT 1", cluster="prod")
    assert "There are: the connected one, without the argument. Used so far, too: " in refused.text
    assert identifier in refused.text.partition("Used so far, too: ")[2]


async def test_of_several_clusters_each_keeps_what_is_permitted(agents: Agents, tmp_path: Path) -> None:
    first = await agents.open("--allow-writes")
    identifier = await made(first, "several")
    (cluster,) = agents.named("several")
    file = tmp_path / "clusters.toml"
    local = f"local = true\nlocal-data = {json.dumps(str(agents.folder))}\n"
    file.write_text(
        f"[clusters.dev]\n{local}allow-writes = true\nallow-cluster-changes = 'own'\n"
        f"[clusters.prod]\ncluster_endpoint = '{cluster['endpoint']}'\n"
    )
    client = await agents.start("--config", str(file), "--max-clusters", "100")
    table = ["CREATE TABLE x (id int PRIMARY KEY)"]
    refused = await call(client, "transact", sql_list=table, cluster=identifier)
    assert "cluster='prod'" in refused.text
    again = await call(client, "create_cluster", name="several", regions=["us-east-1"], cluster="dev")
    assert not again.is_error, again.text
    refused = await call(client, "transact", sql_list=table, cluster=cluster["arn"])
    assert "cluster='prod'" in refused.text
    other = await call(client, "create_cluster", name="of-dev", regions=["us-east-1"], cluster="dev")
    written = await call(client, "transact", sql_list=table, cluster=other.facts["clusters"][0]["identifier"])
    assert not written.is_error, written.text


async def test_diagnose_is_for_a_new_cluster_too(agents: Agents) -> None:
    client = await agents.open()
    identifier = await made(client, "diagnosed")
    answer = await call(client, "diagnose", cluster=identifier)
    assert not answer.is_error, answer.text
    assert answer.text.startswith(f"Cluster: {identifier}\n")


async def test_a_restored_cluster_tells_from_where(agents: Agents) -> None:
    client = await agents.open(user=User(YES))
    identifier = await made(client, "source")
    saved = await change(client, identifier, "back_up")
    point = saved.facts["recovery_point"]
    await call(client, "create_cluster", name="target", regions="us-east-1", recovery_point_arn=point)
    (cluster,) = agents.named("target")
    told = await call(client, "cluster_status", cluster_id=cluster["identifier"])
    assert f"Restored from recovery point {point}, as its tag says." in told.text
    assert told.facts["restored_from"] == point
    source = await call(client, "cluster_status", cluster_id=identifier)
    assert "Restored from" not in source.text


async def test_the_audit_log_tells_changes_with_their_clusters(agents: Agents, tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    user = User(YES)
    client = await agents.open("--audit-log", str(audit), user=user)
    identifier = await made(client, "audited")
    await made(client, "audited")
    await change(client, identifier, "delete")
    await change(client, identifier, "protect")
    user.answer = NO
    await change(client, identifier, "unprotect")
    user.answer = YES
    await change(client, identifier, "unprotect")
    await change(client, identifier, "delete", without_backup=True)
    lines = [json.loads(line) for line in audit.read_text().splitlines()]
    ended = [
        (line.get("action"), line["outcome"])
        for line in lines
        if line["outcome"] != "asked"  # in the later era each question is a call's end
    ]
    assert ended == [
        ("create", "changed"),
        ("create", "done"),
        ("delete", "failed"),
        ("protect", "done"),
        ("unprotect", "failed"),
        ("unprotect", "changed"),
        ("delete", "requested"),
    ]
    assert all(identifier in str(line["clusters"]) for line in lines)
    assert lines[0]["name"] == "audited"
    assert "arguments" not in lines[0]


async def test_a_creation_that_is_cancelled_when_it_was_asked_for_is_told_so(
    agents: Agents, tmp_path: Path
) -> None:
    audit = tmp_path / "audit"
    client = await agents.open("--audit-log", str(audit), user=User(YES))
    task = asyncio.create_task(call(client, "create_cluster", name="given-up", regions=["us-east-1"]))
    while not agents.named("given-up"):  # noqa: ASYNC110 - the account is asked from outside
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait({task})
    while not (audit.exists() and audit.read_text()):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0.02)
    (line,) = map(json.loads, audit.read_text().splitlines())
    assert (line["action"], line["name"]) == ("create", "given-up")
    assert line["outcome"] in ("requested", "unknown")  # AWS's answer is on its way, or was there
    assert len(agents.named("given-up")) == 1


# ---- Agreement: to one change, of one server


async def _dry(client: Client, identifier: str) -> str:
    return (await change(client, identifier, "unprotect")).facts["dry_run_token"]


async def test_a_token_of_another_server_is_none(agents: Agents) -> None:
    one, two = await agents.open(), await agents.open()
    identifier = await made(one, "tokens")
    token = await _dry(one, identifier)
    refused = await change(two, identifier, "unprotect", dry_run_token=token)
    assert refused.facts["code"] == "dry_run_token_invalid"
    assert agents.named("tokens")[0]["deletionProtectionEnabled"]
    assert not (await change(one, identifier, "unprotect", dry_run_token=token)).is_error


async def test_a_token_is_good_no_more_once_another_server_has_changed_it(agents: Agents) -> None:
    one, two = await agents.open(), await agents.open()
    identifier = await made(one, "changed-between")
    token = await _dry(one, identifier)
    await change(two, identifier, "unprotect", dry_run_token=await _dry(two, identifier))
    so_already = await change(one, identifier, "unprotect", dry_run_token=token)
    assert so_already.facts["outcome"] == "unchanged"
    await change(two, identifier, "protect")
    api: Any = api_client(agents.account, "us-east-1")
    (cluster,) = agents.named("changed-between")
    api.tag_resource(resourceArn=cluster["arn"], tags={"Name": "production"})
    stale = await change(one, identifier, "unprotect", dry_run_token=token)
    assert stale.facts["code"] == "dry_run_token_invalid"
    assert agents.named("production")[0]["deletionProtectionEnabled"]


async def test_a_client_that_can_ask_cannot_send_a_token_instead(agents: Agents) -> None:
    silent, user = await agents.open(), User(NO)
    identifier = await made(silent, "no-way-round")
    token = await _dry(silent, identifier)
    asking = await agents.open(user=user)
    refused = await change(asking, identifier, "unprotect", dry_run_token=token)
    assert refused.facts["code"] == "not_confirmed"
    assert "Nothing was changed." in refused.text
    assert len(user.questions) == 1
    assert agents.named("no-way-round")[0]["deletionProtectionEnabled"]


async def test_calls_of_one_server_back_up_a_cluster_in_turns(agents: Agents) -> None:
    one = await agents.open()
    identifier = await made(one, "shared")
    (cluster,) = agents.named("shared")
    answers = await asyncio.gather(*(change(one, identifier, "back_up") for _ in range(3)))
    assert len({answer.facts["job"] for answer in answers}) == 1
    assert sorted(answer.facts["outcome"] for answer in answers) == ["changed", "unchanged", "unchanged"]
    backup: Any = api_client(agents.account, service="backup")
    assert len(backup.list_backup_jobs(ByResourceArn=cluster["arn"])["BackupJobs"]) == 1
    second = await change(one, identifier, "back_up")
    assert second.facts["job"] not in {answer.facts["job"] for answer in answers}, "a new one, when none runs"
