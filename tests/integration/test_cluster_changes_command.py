"""Clusters created, changed and deleted at a command line, in the account of a local cluster."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import mcp
import pytest

from awslabs_dsql_mcp.aws.api import Answer, AwsApi
from awslabs_dsql_mcp.cluster_changes_command.command import main
from awslabs_dsql_mcp.errors import ConnectionFailed
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from conftest import server
from support.client_helpers import call
from support.local_cluster.api import Client
from support.local_cluster.api import client as api_client
from support.local_cluster.waiting import wait_until
from support.pseudo_terminal import Session, at_terminal

PROGRAM: Final = (sys.executable, "-m", "awslabs_dsql_mcp")
PROMPT: Final = "to go on: "
CTRL_C, CTRL_D = "\x03", "\x04"
REGIONS: Final = ("us-east-1", "us-east-2")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")


class Shell:
    """Somebody's command line, on one account."""

    def __init__(self, folder: Path, account: LocalCluster) -> None:
        self.account = account
        self.local = ("--local", "--local-data", str(folder))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``clusters`` without a terminal."""
        return run(["clusters", *words, *self.local])

    def json(self, *words: str, status: int = 0) -> dict[str, Any]:
        """Run ``clusters``; give what it prints for programs."""
        done = self.run(*words, "--json")
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def at_terminal(self, *words: str, typed: str, after: str = PROMPT) -> Session:
        """Run ``clusters`` at a terminal."""
        return at_terminal((*PROGRAM, "clusters", *words, *self.local), (after, typed))

    def api(self, region: str = "us-east-1") -> Client:
        """The account's own API."""
        return api_client(self.account, region)

    def there(self, identifier: str, region: str = "us-east-1") -> dict[str, Any]:
        """Ask the account itself for a cluster; empty if it is not there."""
        api = self.api(region)
        with suppress(api.exceptions.ResourceNotFoundException):
            return api.get_cluster(identifier=identifier)
        return {}

    def foreign(self, *, protected: bool = True) -> str:
        """Make a cluster by AWS's API; give its id once it can be used."""
        api = self.api()
        made = api.create_cluster(tags={"Name": "prod"}, deletionProtectionEnabled=protected)["identifier"]
        wait_until(lambda: self.there(made)["status"] == "ACTIVE")
        return made


def run(words: Sequence[str], environ: Mapping[str, str] = os.environ) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def commands(text: str) -> list[str]:
    """The commands of ours that a text names."""
    return re.findall(r"`awslabs-dsql-mcp ([^`]+)`", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("own") / "data"


@pytest.fixture(scope="module")
async def shell(folder: Path) -> AsyncIterator[Shell]:
    async with local_cluster(folder, ClusterConfig(transition_seconds=0.3)) as account:
        yield Shell(folder, account)


def test_a_cluster_is_created_once(shell: Shell) -> None:
    made = shell.json("create", "once", "--tag", "team=a")
    assert made["ready"] is True
    (cluster,) = made["clusters"]
    seen = shell.there(cluster["identifier"])
    assert seen["tags"]["team"] == "a"
    assert seen["tags"]["managed_by"] == "awslabs-dsql-mcp"
    assert seen["deletionProtectionEnabled"]
    again = shell.run("create", "once")
    assert again.returncode == 0
    assert f"Was there already: cluster {cluster['identifier']}" in again.stdout
    assert "cluster_status" not in again.stdout + again.stderr


def test_a_cluster_is_named_by_its_name_where_one_has_it(shell: Shell) -> None:
    made = shell.json("create", "by-name", "--without-protection")["clusters"][0]
    assert made["encryption"] is None, "a machine encrypts nothing"
    assert shell.json("show", "by-name")["identifier"] == made["identifier"]
    assert "Encryption: none on this machine." in shell.run("show", "by-name").stdout
    assert shell.json("protect", "by-name")["identifier"] == made["identifier"]
    asked = shell.at_terminal("unprotect", "by-name", typed=f"{made['identifier']}\n")
    assert asked.status == 0, asked.text
    assert not shell.there(made["identifier"])["deletionProtectionEnabled"]
    missing = shell.run("show", "not-by-name")
    assert missing.returncode == 1
    assert "No cluster is named 'not-by-name' in us-east-1" in missing.stderr
    assert commands(missing.stderr)[0].startswith("clusters list")
    gone = shell.run("delete", "by-name", "--yes", "--without-backup")
    assert gone.returncode == 0, gone.stderr


def test_a_name_that_two_clusters_have_names_neither(shell: Shell) -> None:
    both = [shell.api().create_cluster(tags={"Name": "twice"})["identifier"] for _ in range(2)]
    for words in (("show", "twice"), ("unprotect", "twice", "--yes"), ("delete", "twice", "--yes")):
        refused = shell.json(*words, status=1)["error"]
        assert refused["code"] == "name_taken"
        assert all(each in refused["message"] for each in both)
        assert commands(refused["hint"])[0].startswith("clusters list")
    assert all(shell.there(each)["deletionProtectionEnabled"] for each in both)


def test_what_is_asked_for_is_not_done(shell: Shell) -> None:
    asked = shell.run("create", "later", "--no-wait")
    assert asked.returncode == 3, asked
    assert "CREATING" in asked.stdout
    (follow,) = commands(asked.stdout)
    assert run(shlex.split(follow)).returncode == 0


def test_a_job_and_a_deletion_that_are_asked_for_are_not_done(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    backup = shell.run("back-up", identifier, "--no-wait")
    assert backup.returncode == 3
    assert "not done" in backup.stdout
    (follow,) = commands(backup.stdout)
    done = run(shlex.split(follow))
    assert done.returncode == 0
    assert "COMPLETED" in done.stdout
    gone = shell.run("delete", identifier, "--yes", "--no-wait")
    assert gone.returncode == 3
    assert "DELETING" in gone.stdout
    follow, restore = commands(gone.stdout)
    assert restore.startswith("clusters restore NAME arn:aws:backup:us-east-1:")
    assert run(shlex.split(follow)).returncode == 0
    again = shell.run("delete", identifier, "--yes")
    assert again.returncode == 1
    restore, follow = commands(again.stderr)
    assert restore.startswith("clusters restore NAME arn:aws:backup:us-east-1:")
    assert run(shlex.split(follow)).returncode == 0
    assert not shell.there(identifier)


def test_a_pair_waits_for_the_deletion_of_its_other_half(shell: Shell) -> None:
    pair = shell.json(
        "pair", "both", "--regions", ",".join(REGIONS), "--witness", "us-west-2", "--without-protection"
    )
    one, two = pair["clusters"]
    assert one["peers"] == [{"identifier": two["identifier"], "region": "us-east-2"}]
    first = shell.run("delete", one["arn"], "--yes", "--without-backup")
    assert first.returncode == 3
    assert "PENDING_DELETE" in first.stdout
    assert "its storage is billed until then" in first.stdout
    second = shell.run("delete", two["arn"], "--yes", "--without-backup")
    assert second.returncode == 0
    assert "is deleted" in second.stdout
    wait_until(lambda: not shell.there(one["identifier"]))


def test_a_pair_that_has_failed_is_not_gone_on_with(shell: Shell) -> None:
    assert run(["local", "fail", "create", *shell.local[1:]]).returncode == 0
    words = ("pair", "failed", "--regions", ",".join(REGIONS), "--witness", "us-west-2")
    failed = shell.json(*words, status=1)["error"]
    assert failed["code"] == "cluster_failed"
    assert "its storage and DPUs are billed" in failed["message"]  # the other half
    assert "another name" in failed["hint"]
    assert "goes on" not in failed["hint"]
    assert shell.json(*words, status=1)["error"]["code"] == "name_taken"


def test_a_person_types_the_id(shell: Shell) -> None:
    identifier = shell.foreign()
    for typed in ("yes\n", CTRL_D):
        refused = shell.at_terminal("unprotect", identifier, typed=typed)
        assert refused.status == 1, refused
        assert "not the cluster's id" in refused.text
    left = shell.at_terminal("unprotect", identifier, typed=CTRL_C)
    assert left.status == 130
    assert "AWS was asked for no change" in left.text
    assert shell.there(identifier)["deletionProtectionEnabled"]
    done = shell.at_terminal("unprotect", identifier, typed=f"{identifier}\n")
    assert done.status == 0, done
    assert "deletion protection off" in done.text
    assert not shell.there(identifier)["deletionProtectionEnabled"]


def test_a_person_is_told_what_is_deleted(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    gone = shell.at_terminal("delete", identifier, "--without-backup", typed=f"{identifier}\n")
    assert gone.status == 0, gone
    assert not shell.there(identifier)
    for told in (
        f"DELETE cluster {identifier} with all its data",
        'named "prod", account 000000000000, Region us-east-1',
        "Not made by awslabs-dsql-mcp",
        " min ago",
        "Size: 0.0",
        "Tables: 0",
        "Connections: ",
        "Recovery points: NONE",
    ):
        assert told in gone.text
    assert "This server" not in gone.text


def test_what_changes_while_it_is_asked_about_is_not_changed(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    command = (*PROGRAM, "clusters", "delete", identifier, "--without-backup", *shell.local)
    arn = shell.there(identifier)["arn"]

    class Meanwhile(str):
        """What is typed, after somebody else has renamed the cluster."""

        __slots__ = ()

        def encode(self, *_: str, **__: str) -> bytes:
            shell.api().tag_resource(resourceArn=arn, tags={"Name": "renamed"})
            return super().encode()

    stopped = at_terminal(command, (PROMPT, Meanwhile(f"{identifier}\n")))
    assert stopped.status == 1
    assert "has changed meanwhile" in stopped.text
    assert shell.there(identifier)["status"] == "ACTIVE"


def test_a_script_says_yes_and_the_other_rules_stay(shell: Shell) -> None:
    identifier = shell.foreign()
    unasked = shell.json("unprotect", identifier, status=1)
    assert unasked["error"]["code"] == "not_confirmed"
    assert "--yes" in unasked["error"]["hint"]
    assert shell.there(identifier)["deletionProtectionEnabled"]
    kept = shell.json("delete", identifier, "--yes", "--without-backup", status=1)
    assert kept["error"]["code"] == "protected"
    assert shell.json("unprotect", identifier, "--yes")["done"] is True
    assert shell.json("delete", identifier, "--yes", status=1)["error"]["code"] == "no_backup"
    assert shell.json("back-up", identifier)["state"] == "COMPLETED"
    gone = shell.json("delete", identifier, "--yes")
    assert (gone["status"], gone["done"]) == ("DELETED", True)
    assert not shell.there(identifier)


def test_tags_are_set_and_removed_but_for_those_that_tell_the_maker(shell: Shell) -> None:
    identifier = shell.foreign()
    assert shell.json("tag", identifier, "env=test", "a=b=c")["tags"] == {
        "Name": "prod",
        "env": "test",
        "a": "b=c",
    }
    assert shell.json("tag", identifier, "env=test")["outcome"] == "unchanged"
    assert shell.json("untag", identifier, "env", "a")["tags"] == {"Name": "prod"}
    assert shell.run("untag", identifier, "env").stdout.startswith("Was so already; nothing was asked of AWS")
    reserved = shell.json("tag", identifier, "managed_by=awslabs-dsql-mcp", status=1)
    assert reserved["error"]["code"] == "reserved_tag"
    assert shell.json("protect", identifier)["deletion_protection"] is True


def test_an_interrupt_tells_what_was_asked_for_and_how_to_go_on(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    slow = shell.at_terminal("back-up", identifier, typed=CTRL_C, after="Waiting")
    assert slow.status == 130
    assert "AWS was asked for StartBackupJob in us-east-1" in slow.text
    assert f"awslabs-dsql-mcp clusters back-up {identifier} --local" in slow.text


def test_a_person_who_follows_the_hints_gets_there(shell: Shell) -> None:
    """Each step is a command that the refusal before has named, word for word."""
    identifier = shell.foreign()
    step = f"clusters delete {identifier} {shlex.join(shell.local)}"
    taken = list[str]()
    for _ in range(8):
        words = shlex.split(step)
        taken.append(words[1])
        session = at_terminal((*PROGRAM, *words), (PROMPT, f"{identifier}\n"))
        if session.status == 0 and words[1] == "delete":
            break
        step = next(
            iter(commands(session.text.replace("\n", " "))),
            f"clusters delete {identifier} {shlex.join(shell.local)}",
        )
    assert taken == ["delete", "unprotect", "delete", "back-up", "delete"]
    assert not shell.there(identifier)


async def test_the_command_that_a_tool_leaves_to_a_person_works(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    async with mcp.Client(server(*shell.local, "--allow-cluster-changes", "all")) as client:
        arguments = {"cluster_id": identifier, "action": "delete", "without_backup": True}
        refused = await call(client, "change_cluster", **arguments)
        assert refused.is_error
        (named,) = commands(refused.text)
        (first,) = (each["identifier"] for each in shell.json("list")["clusters"] if not each["tags"])
        own = await call(client, "change_cluster", cluster_id=first, action="delete")
        assert own.facts["code"] == "connected_cluster"
        (theirs,) = commands(own.text)
    assert f"cluster/{first} " in theirs
    unasked = run(shlex.split(theirs))
    assert unasked.returncode == 1
    assert f"Cluster {first} " in unasked.stderr
    session = at_terminal((*PROGRAM, *shlex.split(named), "--without-backup"), (PROMPT, f"{identifier}\n"))
    assert session.status == 0, session
    assert not shell.there(identifier)


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (("creat", "x"), 2, "expected create?"),
        (("create",), 2, "NAME"),
        (("create", "a b"), 1, "name is none for a cluster"),
        (("pair", "x", "--regions", "us-east-1", "--witness", "us-west-2"), 2, "two different AWS Regions"),
        (("pair", "x", "--regions", "us-east-1,us-east-2"), 2, "--witness: got nothing"),
        (("pair", "x", "--regions", "us-east-1,us-east-2", "--witness", "us-east-2"), 1, "a third Region"),
        (("restore", "x", "arn:nothing"), 1, "no ARN of a recovery point"),
        (("protect", "x"), 1, "no cluster"),
        (("delete", "a" * 26, "--yes"), 1, "There is no cluster"),
        (("protect", "a" * 26, "--yes"), 2, "--yes"),
        (("tag", "a" * 26, "key"), 2, "KEY=VALUE"),
        (("untag", "a" * 26, "key=value"), 2, "its key alone"),
        (("create", "x", "--no-wait", "--seconds", "3"), 2, "expected one of them"),
    ],
    ids=str,
)
def test_wrong_arguments(words: tuple[str, ...], status: int, told: str, shell: Shell) -> None:
    refused = shell.run(*words)
    assert (refused.returncode, refused.stdout) == (status, "")
    assert told in refused.stderr
    assert len(refused.stderr.splitlines()) <= 3


def test_a_pair_is_restored_from_one_point(shell: Shell) -> None:
    identifier = shell.foreign(protected=False)
    point = shell.json("back-up", identifier)["recovery_point"]
    words = ("restore", "both again", point, "--regions", ",".join(REGIONS), "--witness", "us-west-2")
    assert "name is none" in shell.run(*words).stderr
    made = shell.json("restore", "both-again", *words[2:])
    assert [each["region"] for each in made["clusters"]] == list(REGIONS)
    for each, other in zip(made["clusters"], reversed(made["clusters"]), strict=True):
        seen = shell.there(each["identifier"], each["region"])
        assert seen["tags"]["restored_from"] == point
        assert other["arn"] in seen["multiRegionProperties"]["clusters"]
        assert seen["deletionProtectionEnabled"]


def test_a_shell_in_which_local_env_was_evaluated_needs_no_option(shell: Shell) -> None:
    told = run(["local", "--env", "--format", "json", *shell.local[1:]])
    environ = os.environ | {name: value for name, value in json.loads(told.stdout).items() if value}

    def clusters(*words: str) -> str:
        done = run(["clusters", *words], environ)
        assert done.returncode == 0, done
        return done.stdout

    made = clusters("create", "here", "--without-protection")
    assert "Account 000000000000." in made
    (identifier,) = re.findall(r"cluster (\w{26}) ", made)
    assert "COMPLETED" in clusters("back-up", identifier)
    assert "ACTIVE" in clusters("show", identifier)
    assert "is deleted" in clusters("delete", identifier, "--yes")
    assert not shell.there(identifier)


def test_the_policy_holds_the_line_of_own() -> None:
    printed = run(["clusters", "policy"])
    statements = {each["Sid"]: each for each in json.loads(printed.stdout)["Statement"]}
    ours = {"aws:ResourceTag/managed_by": "awslabs-dsql-mcp"}
    assert statements["ChangeOwn"]["Condition"] == {"StringEquals": ours}
    assert "dsql:DeleteCluster" in statements["ChangeOwn"]["Action"]
    created = statements["CreateTagged"]["Condition"]["StringEquals"]
    assert created == {"aws:RequestTag/managed_by": "awslabs-dsql-mcp"}
    unheld = {action for each in statements.values() if "Condition" not in each for action in each["Action"]}
    assert not unheld & {"dsql:CreateCluster", "dsql:UpdateCluster", "dsql:DeleteCluster", "dsql:TagResource"}
    for told in ("can be given it", "Peers and witness", "Backups and restores", "dsql:DbConnectAdmin"):
        assert told in printed.stderr


def test_a_region_of_the_environment_is_a_default_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = shell.there(shell.foreign())["arn"]
    monkeypatch.setenv("DSQL_REGION", "us-east-2")
    assert shell.run("protect", arn).returncode == 0
    assert shell.run("show", arn).returncode == 0
    elsewhere = shell.run("protect", arn.rpartition("/")[2])
    assert elsewhere.returncode == 1
    assert "in us-east-2" in elsewhere.stderr
    contradicted = shell.run("protect", arn, "--region", "us-east-2")
    assert contradicted.returncode == 1
    assert "looked up in one Region" in contradicted.stderr
    assert shell.json("create", "elsewhere", "--no-wait", status=3)["clusters"][0]["region"] == "us-east-2"


def test_an_outcome_that_is_not_known_has_a_status_of_its_own(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    identifier = shell.foreign()
    asked = AwsApi.call

    async def lose(self: AwsApi, service: str, operation: str, region: str, **members: object) -> Answer:
        if operation == "UpdateCluster":
            raise ConnectionFailed("AWS did not answer.", code="aws_timeout")
        return await asked(self, service, operation, region, **members)

    monkeypatch.setattr(AwsApi, "call", lose)
    status = main("unprotect", [identifier, "--yes", "--json", *shell.local], {})
    printed = capsys.readouterr()
    assert status == 3, printed
    error = json.loads(printed.out)["error"]
    assert (error["remedy"], error["outcome"]) == ("check_outcome", "unknown")
    assert "the change may still come" in error["message"]
    (look,) = commands(error["hint"])
    monkeypatch.undo()
    assert identifier in run(shlex.split(look)).stdout
