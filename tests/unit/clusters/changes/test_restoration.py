"""What is told of restores whose cluster cannot be tagged or read back, and of what is there already."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.aws.api_errors import ApiCall
from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.create import CreateCluster
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
    assert f'{only(aws)} does not have these tags that were asked for: "cost": "1", "team": "b".' in told.text
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
