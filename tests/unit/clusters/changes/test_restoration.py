"""What is told of restores whose cluster cannot be tagged or read back, and of what is there already."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.aws.api_errors import ApiCall
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.creation.create import CreateCluster
from awslabs_dsql_mcp.clusters.changes.order import read_order
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, PermissionDenied
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from support.aws.in_memory import ACCOUNT_ID, Fault, InMemory

EAST: Final = "us-east-1"
POINT: Final = f"arn:aws:backup:{EAST}:{ACCOUNT_ID}:recovery-point:p"


class Yes:
    """Somebody who agrees to all."""

    def is_needed(self, weight: str) -> bool:
        return weight != "light"

    async def ask(self, proposal: object) -> bool:
        return bool(proposal)


async def _quiet(_done: float, _total: float | None, _told: str | None) -> None:
    """Hear of progress."""


async def create(aws: InMemory, registry: Registry | None = None, **order: Any) -> ToolOutput | DsqlError:  # noqa: ANN401
    """Call the tool of a new server, whatever comes of it."""

    async def account() -> Account:
        return Account(aws, EAST)

    made = CreateCluster(account, registry or Registry(3), now=aws.clock, sleep=aws.sleep)
    usual: dict[str, Any] = {"name": "back", "regions": (EAST,)}
    given = read_order(**usual | order)
    try:
        return (await made.create(given, "test", Yes(), _quiet, 45.0))[0]
    except DsqlError as error:
        return error


def refusing(aws: InMemory, refused: str, error: DsqlError, after: str = "", times: int = 99) -> None:
    """Let calls of an operation fail, so many times, once another was called."""
    left = [times]

    def before(operation: str, _members: Mapping[str, Any]) -> None:
        began = not after or after in [asked for asked, _, _ in aws.asked]
        if operation == refused and began and left[0]:
            left[0] -= 1
            raise error

    aws.before = before


def only(aws: InMemory) -> str:
    """Give the id of the only cluster."""
    (identifier,) = aws.state.clusters
    return identifier


DENIED: Final = PermissionDenied(
    f"Not permitted: {ApiCall('dsql', 'TagResource', EAST).action}.",
    code="aws_access_denied",
    hint="The operator can permit it.",
)


async def test_a_restored_cluster_that_may_not_be_tagged_is_told_with_who_can_help() -> None:
    aws = InMemory()
    refusing(aws, "TagResource", DENIED)
    ended = await create(aws, point=POINT)
    assert isinstance(ended, DsqlError)
    assert ended.outcome == "partial"
    assert only(aws) in ended.text
    assert "counts as another's" in ended.text
    assert (ended.hint or "").startswith("The operator can permit it. Then call create_cluster")
    aws.before = lambda _operation, _members: None
    told = await create(aws, point=POINT)
    assert isinstance(told, ToolOutput)
    assert aws.state.clusters[only(aws)].tags["Name"] == "back"
    assert aws.state.clusters[only(aws)].tags["restored_from"] == POINT


@pytest.mark.parametrize("code", ["aws_timeout", "aws_throttled"])
async def test_a_tag_that_fails_by_the_way_is_set_all_the_same(code: str) -> None:
    aws = InMemory()
    refusing(aws, "TagResource", ConnectionFailed("Not now.", code=code), times=2)
    told = await create(aws, point=POINT)
    assert isinstance(told, ToolOutput)
    assert told.structured["ready"]
    assert told.structured["outcome"] == "changed"


async def test_a_restored_cluster_that_cannot_be_read_back_is_told_by_its_id_and_counted() -> None:
    aws, registry = InMemory(), Registry(1)
    lost = ConnectionFailed("AWS did not answer.", code="aws_timeout")
    refusing(aws, "GetCluster", lost, after="TagResource")
    ended = await create(aws, registry, point=POINT)
    assert isinstance(ended, DsqlError)
    assert ended.code == "outcome_unknown"
    assert only(aws) in ended.text
    assert "made nothing" not in ended.text
    aws.before = lambda _operation, _members: None
    refused = await create(aws, registry, name="other")
    assert isinstance(refused, DsqlError)
    assert refused.code == "too_many_clusters"


async def test_a_restore_under_way_is_not_said_to_have_done_nothing() -> None:
    aws = InMemory()
    refusing(aws, "DescribeRestoreJob", ConnectionFailed("AWS did not answer.", code="aws_timeout"))
    ended = await create(aws, point=POINT)
    assert isinstance(ended, DsqlError)
    assert ended.outcome == "partial"
    assert "The restore is job restore-1." in ended.text


async def test_a_restored_cluster_that_was_deleted_is_restored_anew() -> None:
    aws = InMemory()
    first = await create(aws, point=POINT, is_protected=False)
    assert isinstance(first, ToolOutput)
    identifier = only(aws)
    await aws.call("dsql", "UpdateCluster", EAST, identifier=identifier, deletionProtectionEnabled=False)
    await aws.call("dsql", "DeleteCluster", EAST, identifier=identifier)
    again = await create(aws, point=POINT)
    assert isinstance(again, ToolOutput), again
    assert again.structured["made"] != [identifier]
    assert [name for name, _, _ in aws.living()] == ["back"]


async def test_tags_and_protection_of_what_is_there_already_are_not_said_to_be_set() -> None:
    aws = InMemory()
    await create(aws, tags={"team": "a"})
    told = await create(aws, tags={"team": "b", "cost": "1"}, is_protected=False)
    assert isinstance(told, ToolOutput)
    assert told.structured["outcome"] == "unchanged"
    assert (
        f'{only(aws)} does not have these tags that were asked for: "cost": "1", "team": "b"; ' in told.text
    )
    assert "; change_cluster(" in told.text
    assert "asked for off, and is not changed" in told.text
    same = await create(aws, tags={"team": "a"})
    assert isinstance(same, ToolOutput)
    assert "tags" not in same.text


async def test_a_cluster_that_cannot_be_used_is_not_advised() -> None:
    aws = InMemory()
    refusing(aws, "UpdateCluster", DENIED)
    half = await create(aws, regions=(EAST, "us-east-2"), witness="us-west-2")
    assert isinstance(half, DsqlError)
    assert (half.hint or "").count("create_cluster with the same arguments") == 1
    lost = InMemory()
    refusing(lost, "CreateCluster", ConnectionFailed("x", code="aws_timeout"))
    unknown = await create(lost, regions=(EAST, "us-east-2"), witness="us-west-2")
    assert isinstance(unknown, DsqlError)
    assert (unknown.hint or "").count("create_cluster with the same arguments") == 1


async def test_another_point_and_another_cluster_of_the_name_stop_a_restore() -> None:
    aws = InMemory()
    await create(aws, point=POINT)
    asked = len(aws.changes())
    other = await create(aws, point=f"{POINT}2")
    empty = await create(aws, name="empty")
    assert isinstance(empty, ToolOutput)
    into = await create(aws, name="empty", point=POINT)
    for ended in (other, into):
        assert isinstance(ended, DsqlError)
        assert ended.code == "name_taken"
        assert "not restored from this recovery point" in ended.message
    assert aws.changes()[asked:] == ["CreateCluster"]


async def test_a_region_named_twice_is_said_so() -> None:
    ended = pytest.raises(DsqlError)
    with ended as raised:
        read_order("x", (EAST, EAST), "us-west-2")
    assert raised.value.message == "regions names us-east-1 twice."


async def test_a_cluster_whose_answer_was_lost_is_not_said_to_be_of_this_call() -> None:
    aws, registry = InMemory(faults=[Fault(0, "lost", is_done=True)]), Registry(1)
    told = await create(aws, registry)
    assert isinstance(told, ToolOutput)
    assert (
        "Is there (AWS's answer was lost: made by this call or, in the same moment, by another)" in told.text
    )
    assert "Made:" not in told.text
    assert "Was there already" not in told.text
    assert told.structured["made"] == []
    assert told.structured["may_have_made"] == [only(aws)]
    assert told.structured["outcome"] == "changed"
    refused = await create(aws, registry, name="other")
    assert isinstance(refused, DsqlError)
    assert refused.code == "too_many_clusters", "it counts as made"
    again = await create(aws, registry)
    assert isinstance(again, ToolOutput)
    assert "Was there already" in again.text
    assert "may_have_made" not in again.structured


BOTH: Final[dict[str, Any]] = {"regions": (EAST, "us-east-2"), "witness": "us-west-2", "point": POINT}


async def test_a_pair_is_restored_from_a_point_and_its_copy() -> None:
    aws = InMemory()
    told = await create(aws, **BOTH, tags={"team": "a"})
    assert isinstance(told, ToolOutput), told
    assert told.structured["ready"]
    assert aws.changes() == ["StartCopyJob", "StartRestoreJob", "TagResource", "TagResource"]
    assert "copied to us-east-2 (job copy-1)" in told.text
    one, two = aws.state.clusters.values()
    assert told.structured["made"] == [one.identifier, two.identifier]
    assert one.tags == two.tags
    assert one.tags["restored_from"] == POINT
    assert one.tags["team"] == "a"
    (asked,) = (members for operation, _, members in aws.asked if operation == "StartRestoreJob")
    assert asked["Metadata"] == {
        "regionalConfig": '[{"region": "us-east-1", "isDeletionProtectionEnabled": true}, '
        '{"region": "us-east-2", "isDeletionProtectionEnabled": true}]',
        "witnessRegion": "us-west-2",
        "peerRegion": '["us-east-2"]',
        "useMultiRegionOrchestration": "true",
    }


async def test_a_copy_that_is_there_is_used() -> None:
    aws, registry = InMemory(), Registry(4)
    await create(aws, registry, **BOTH)
    told = await create(aws, registry, name="again", **BOTH)
    assert isinstance(told, ToolOutput)
    assert aws.changes().count("StartCopyJob") == 1
    assert "copied" not in told.text


async def test_a_copy_that_others_are_making_is_waited_for() -> None:
    aws = InMemory(transition=30.0)
    first = await create(aws, **BOTH)  # copied, and under way when the time is over
    assert isinstance(first, ToolOutput)
    assert not first.structured["ready"]
    aws.jobs.clear()
    aws.jobs["of a plan"] = {"copy": "us-east-2", "began": aws.now, "is_failing": False}
    told = await create(aws, name="again", **BOTH)
    assert isinstance(told, ToolOutput)
    assert aws.changes().count("StartCopyJob") == 1


async def test_a_copy_under_way_is_not_said_to_be_a_restore() -> None:
    aws = InMemory(transition=60.0)
    told = await create(aws, **BOTH)
    assert isinstance(told, ToolOutput)
    assert "The copy to us-east-2 copy-1 is RUNNING: nothing is restored yet." in told.text
    assert told.structured["job_kind"] == "copy"
    assert told.structured["ready"] is False
    assert not aws.state.clusters
    await aws.sleep(60)
    assert isinstance(await create(aws, **BOTH), ToolOutput)
    assert aws.changes().count("StartCopyJob") == 1


async def test_without_a_vault_to_copy_to_a_person_is_told_what_to_do() -> None:
    aws = InMemory(vaults=("own",))
    ended = await create(aws, **BOTH)
    assert isinstance(ended, DsqlError)
    assert ended.code == "no_vault"
    assert "aws backup create-backup-vault --backup-vault-name Default --region us-east-2" in (
        ended.hint or ""
    )
    assert aws.changes() == []


async def test_a_copy_that_is_made_is_told_when_the_restore_is_refused() -> None:
    aws = InMemory()
    refusing(aws, "StartRestoreJob", DENIED)
    ended = await create(aws, **BOTH)
    assert isinstance(ended, DsqlError)
    assert ended.outcome == "partial"
    assert "copied to us-east-2 (job copy-1): that stays, billed." in ended.text
    assert "made nothing" not in ended.text


@pytest.mark.parametrize("order", [{"point": POINT}, BOTH], ids=["one", "pair"])
async def test_a_restore_that_failed_is_tried_anew_by_the_next_call_alone(order: dict[str, Any]) -> None:
    aws = InMemory()
    aws.jobs["copy-0"] = {"copy": "us-east-2", "began": aws.now, "is_failing": False}
    aws.failing = True
    failed = await create(aws, **order)
    assert isinstance(failed, DsqlError)
    assert failed.code == "restore_failed"
    assert aws.changes() == ["StartRestoreJob"], "it fails once a call"
    assert "begins a new restore" in (failed.hint or "")
    aws.failing = True
    again = await create(aws, **order)
    assert isinstance(again, DsqlError)
    assert len([job for job in aws.jobs if job.startswith("restore")]) == 2
    told = await create(aws, **order)
    assert isinstance(told, ToolOutput), told
    assert told.structured["ready"]
    assert len(aws.state.clusters) == len(order.get("regions", (EAST,)))
    assert len([job for job in aws.jobs if job.startswith("restore")]) == 3


async def test_a_restore_that_failed_and_left_its_cluster_is_not_tried_anew() -> None:
    aws = InMemory(transition=20.0)
    under_way = await create(aws, point=POINT)
    assert isinstance(under_way, ToolOutput)
    aws.jobs["restore-1"]["told"] = {
        "Status": "FAILED",
        "StatusMessage": "No link.",
        "CreatedResourceArn": aws.jobs["restore-1"]["arn"],
    }
    for cluster in list(aws.state.clusters.values()):
        await aws.call("dsql", "UntagResource", EAST, resourceArn=cluster.arn, tagKeys=list(cluster.tags))
    for _ in range(2):
        ended = await create(aws, point=POINT)
        assert isinstance(ended, DsqlError)
        assert "It has left cluster" in ended.text
        assert only(aws) in ended.text
    assert aws.changes().count("StartRestoreJob") == 3
    assert len(aws.state.clusters) == 1


async def test_the_peer_of_a_restored_pair_that_somebody_tagged_is_left_alone() -> None:
    aws = InMemory()

    def tag(operation: str, _members: Mapping[str, Any]) -> None:
        if operation == "TagResource" and not [c for c in aws.state.clusters.values() if c.tags]:
            two = list(aws.state.clusters.values())[1]
            aws.before = lambda _operation, _members: None
            call = aws.call("dsql", "TagResource", "us-east-2", resourceArn=two.arn, tags={"Name": "prod"})
            with pytest.raises(StopIteration):
                call.send(None)

    aws.before = tag
    ended = await create(aws, **BOTH)
    assert isinstance(ended, DsqlError)
    assert ended.code == "name_taken"
    assert "tagged as another's" in ended.text
    assert list(aws.state.clusters.values())[1].tags == {"Name": "prod"}


@pytest.mark.parametrize(
    "order", [{"point": POINT}, {"regions": (EAST, "us-east-2"), "witness": "us-west-2"}]
)
async def test_what_vanishes_behind_the_look_that_asked_nobody_is_not_made_anew(
    order: dict[str, Any],
) -> None:
    aws = InMemory()
    await create(aws, **order)
    finds = iter(range(99))

    def vanish(operation: str, _members: Mapping[str, Any]) -> None:
        regions = len(order.get("regions", (EAST,)))
        if operation == "ListClusters" and next(finds) == regions:  # the look for the question is over
            aws.state = replace(aws.state, clusters={})

    aws.before = vanish
    made = len(aws.changes())
    ended = await create(aws, **order)
    assert isinstance(ended, DsqlError)
    assert ended.code == "state_changed"
    assert "Nothing was made." in ended.text
    assert len(aws.changes()) == made
    assert isinstance(await create(InMemory(), **order), ToolOutput)


async def test_restores_of_one_point_under_two_names_share_its_copy() -> None:
    aws = InMemory(transition=200.0)
    for name in ("one", "two"):
        told = await create(aws, name=name, **BOTH)
        assert isinstance(told, ToolOutput)
        for job in aws.jobs.values():
            job["copy"] = ""  # no list has it yet
    assert list(aws.jobs) == ["copy-1"]


def test_the_regions_of_a_pair_have_no_order() -> None:
    one, two = (
        read_order("x", regions, "us-west-2") for regions in ((EAST, "us-east-2"), ("us-east-2", EAST))
    )
    assert one == two
