"""A cluster that is deleted, and restored by somebody who knows nothing but its id: in a new conversation."""

import asyncio
import json
import re
import shlex
import subprocess
import sys
from typing import Final

from mcp import Client

from support.aws.agents import YES, Agents, User, change, made
from support.client_helpers import call
from support.local_cluster.waiting import wait_until

PROGRAM: Final = (sys.executable, "-m", "awslabs_dsql_mcp")


async def _deleted(agents: Agents, client: Client, name: str) -> tuple[str, str, str]:
    """Make a cluster, back it up and delete it; give its id, the recovery point and the last answer."""
    identifier = await made(client, name, deletion_protection=False)
    saved = await change(client, identifier, "back_up")
    assert saved.facts["done"] is True, saved.text
    point = saved.facts["recovery_point"]
    shown = await call(client, "cluster_status", cluster_id=identifier)
    assert f"in vault Default: {point}." in shown.text
    assert shown.facts["recovery_point"] == point
    gone = await change(client, identifier, "delete")
    assert gone.facts["recovery_point"] == point
    await asyncio.to_thread(
        wait_until, lambda: identifier not in {each["identifier"] for each in agents.clusters()}
    )
    return identifier, point, gone.text


async def test_a_deleted_cluster_is_restored_in_a_new_conversation(agents: Agents) -> None:
    first = await agents.open("--max-clusters", "100", user=User(YES))
    identifier, point, last = await _deleted(agents, first, "lost")
    wanted = f'create_cluster(name=…, regions=["us-east-1"], recovery_point_arn="{point}")'
    assert "To restore it, as of 2" in last
    assert wanted in last
    second = await agents.open("--max-clusters", "100", user=User(YES))
    for each in (
        await call(second, "cluster_status", cluster_id=identifier),
        await change(second, identifier, "back_up"),
    ):
        assert each.facts["code"] == "no_such_cluster"
        assert each.facts["recovery_points"] == [point]
        assert f"AWS Backup has 1 recovery point of it: {point} (2" in each.text
        assert f"To restore it: {wanted}." in each.text
    restored = await call(
        second, "create_cluster", name="found", regions=["us-east-1"], recovery_point_arn=point
    )
    assert not restored.is_error, restored.text
    unknown = await call(second, "cluster_status", cluster_id="b" * 26)
    assert "AWS Backup has no recovery point of it." in unknown.text


async def test_a_deleted_cluster_is_restored_at_a_command_line(agents: Agents) -> None:
    client = await agents.open("--max-clusters", "100", user=User(YES))
    identifier, point, _ = await _deleted(agents, client, "lost-by-hand")

    def run(words: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=100, check=False)

    local = ["--local", "--local-data", str(agents.folder)]
    told = await asyncio.to_thread(run, ["clusters", "show", identifier, *local])
    assert told.returncode == 1
    (command,) = re.findall(r"To restore it: `awslabs-dsql-mcp ([^`]+)`", told.stderr)
    assert point in command
    restored = await asyncio.to_thread(run, [*shlex.split(command), "--json"])
    assert restored.returncode == 0, restored.stderr
    back = json.loads(restored.stdout)["clusters"][0]
    assert back["restored_from"] == point
    plain = ["clusters", "unprotect", back["identifier"], "--yes", *local]
    await asyncio.to_thread(run, plain)
    saved = await asyncio.to_thread(run, ["clusters", "back-up", back["identifier"], "--json", *local])
    newest = json.loads(saved.stdout)["recovery_point"]
    last = await asyncio.to_thread(run, ["clusters", "delete", back["identifier"], "--yes", *local])
    assert "is deleted" in last.stdout
    assert f"clusters restore NAME {newest}" in last.stdout
