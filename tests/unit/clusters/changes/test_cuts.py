"""A creation cut off anywhere, and gone on with: nothing is made twice, nothing is said that is not so."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.clusters.account import Account
from awslabs_dsql_mcp.clusters.changes.creation.create import CreateCluster
from awslabs_dsql_mcp.clusters.changes.order import Order, read_order
from awslabs_dsql_mcp.clusters.changes.ownership import own_tags
from awslabs_dsql_mcp.clusters.changes.registry import Registry
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from support.aws.in_memory import ACCOUNT_ID, Fault, InMemory, Killed

REGIONS = ("us-east-1", "us-east-2")
ONE = read_order("one", REGIONS[:1])
PAIR = read_order("pair", REGIONS, "us-west-2")
POINT = f"arn:aws:backup:us-east-1:{ACCOUNT_ID}:recovery-point:p"
RESTORE = read_order("back", REGIONS[:1], point=POINT)
BOTH = read_order("both", REGIONS, "us-west-2", POINT)
JOBS = {"back": ("restore",), "both": ("copy", "restore")}
ORDERS = [ONE, PAIR, RESTORE, BOTH]
LOST = [(kind, is_done) for kind in ("killed", "lost", "unreachable", "failed") for is_done in (False, True)]
REFUSED = [("throttled", False), ("denied", False)]


class Yes:
    """Somebody who agrees to all, and is asked only where it is due."""

    def __init__(self) -> None:
        self.questions: list[str] = []

    def is_needed(self, weight: str) -> bool:
        return weight != "light"

    async def ask(self, proposal: "object") -> bool:
        self.questions.append(str(proposal))
        return True


async def quiet(_done: float, _total: float | None, _told: str | None) -> None:
    """Hear of progress."""


class Server:
    """A server on an account; a new one knows nothing of what the one before has done."""

    def __init__(self, aws: InMemory, limit: int = 3) -> None:
        self.aws = aws

        async def account() -> Account:
            return Account(aws, "us-east-1")

        self.registry = Registry(limit)
        self._create = CreateCluster(account, self.registry, now=aws.clock, sleep=aws.sleep)

    async def create(self, order: Order, wait: float = 45.0) -> ToolOutput:
        """Call the tool."""
        answer, _ = await self._create.create(order, "test", Yes(), quiet, wait)
        return answer

    async def tried(self, order: Order, wait: float = 45.0) -> ToolOutput | DsqlError | Killed:
        """Call it, whatever comes of it."""
        try:
            return await self.create(order, wait)
        except (DsqlError, Killed) as ended:
            return ended


def holds(aws: InMemory, order: Order) -> None:
    """Assert that all that was ordered is there, once."""
    assert sorted(aws.living()) == sorted((order.name, region, "ACTIVE") for region in order.regions)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize(("kind", "is_done"), [*LOST, *REFUSED])
@pytest.mark.parametrize("restarted", [False, True])
async def test_a_cut_is_gone_on_with(
    order: Order, step: int, kind: str, *, is_done: bool, restarted: bool
) -> None:
    aws = InMemory(faults=[Fault(step, kind, is_done)])
    server = Server(aws)
    first = await server.tried(order)
    if isinstance(first, ToolOutput):
        assert first.structured["ready"]
    told = await (Server(aws) if restarted or isinstance(first, Killed) else server).create(order)
    assert told.structured["ready"]
    holds(aws, order)
    again = await Server(aws).create(order)
    assert again.structured["made"] == []
    holds(aws, order)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.name)
async def test_a_kill_at_any_call_is_gone_on_with(order: Order) -> None:
    """Also at reads, and between the looks at what changes by itself."""
    number = 0
    for number in range(200):
        aws = InMemory()
        calls = itertools.count()

        def kill(_operation: str, _members: object, at: int = number, calls: Iterator[int] = calls) -> None:
            if next(calls) == at:
                raise Killed

        aws.before = kill
        first = await Server(aws).tried(order)
        if not isinstance(first, Killed):
            break
        assert (await Server(aws).create(order)).structured["ready"]
        holds(aws, order)
        assert sorted(job.partition("-")[0] for job in aws.jobs) == sorted(JOBS.get(order.name, ()))
    assert number > 2 * len(order.regions)


@given(
    faults=st.lists(st.tuples(st.integers(0, 7), st.sampled_from([*LOST, *REFUSED])), max_size=5),
    order=st.sampled_from(ORDERS),
    restarts=st.lists(st.booleans(), min_size=9, max_size=9),
    waits=st.lists(st.sampled_from([0.0, 3.0, 45.0]), min_size=9, max_size=9),
)
async def test_any_faults_in_any_order_make_nothing_twice(
    faults: list[tuple[int, tuple[str, bool]]], order: Order, restarts: list[bool], waits: list[float]
) -> None:
    aws = InMemory(faults=[Fault(at, kind, is_done) for at, (kind, is_done) in faults])
    server = Server(aws)
    for restarted, wait in zip(restarts, waits, strict=True):
        if restarted:
            server = Server(aws)
        answer = await server.tried(order, wait)
        names = [name for name, _, _ in aws.living()]
        assert len(aws.living()) <= len(order.regions)
        if isinstance(answer, ToolOutput) and answer.structured["ready"]:
            holds(aws, order)
        if isinstance(answer, DsqlError) and "Nothing was made" in answer.text:
            assert order.name not in names
    await aws.sleep(60)
    aws.faults.clear()  # those that no call has come to yet
    assert (await Server(aws).create(order)).structured["ready"]
    holds(aws, order)


@pytest.mark.parametrize("step", range(3))
async def test_what_is_half_done_is_named(step: int) -> None:
    aws = InMemory(faults=[Fault(step, "denied")])
    ended = await Server(aws).tried(PAIR)
    assert isinstance(ended, DsqlError)
    assert "dsql:" in ended.message
    made = [(name, region) for name, region, _ in aws.living()]
    assert len(made) == step
    if not made:
        assert "This call made nothing." in ended.text
        return
    assert ended.outcome == "partial"
    for cluster in aws.state.clusters.values():
        assert f"{cluster.identifier} in {cluster.region}, PENDING_SETUP" in ended.text
    assert ended.text.count("no storage and no DPUs are billed") == step
    assert "goes on from there" in (ended.hint or "")


async def test_a_lost_answer_is_looked_up_and_not_repeated() -> None:
    aws = InMemory(faults=[Fault(0, "lost", is_done=False)])
    ended = await Server(aws).tried(ONE)
    assert isinstance(ended, DsqlError)
    assert (ended.code, ended.outcome) == ("outcome_unknown", "unknown")
    assert aws.changes() == ["CreateCluster"]
    assert "may still be made" in ended.text
    seen = InMemory(faults=[Fault(0, "lost", is_done=True)])
    assert (await Server(seen).create(ONE)).structured["ready"]
    assert seen.changes() == ["CreateCluster"]


async def test_the_token_is_of_the_account_the_regions_and_the_name() -> None:
    seen = list[str]()
    for number, name in itertools.product(("1" * 12, "2" * 12), ("one", "two")):
        aws = InMemory(number=number)
        await Server(aws).create(read_order(name, REGIONS[:1]))
        seen += _tokens(aws)
    assert len(set(seen)) == 4
    one, two = InMemory(), InMemory()
    await Server(one).create(ONE)
    await Server(two).create(ONE)
    assert _tokens(one) == _tokens(two)


async def _delete_all(aws: InMemory) -> None:
    for cluster in list(aws.state.clusters.values()):
        await aws.call("dsql", "DeleteCluster", cluster.region, identifier=cluster.identifier)


async def test_what_a_server_has_deleted_before_changes_no_token() -> None:
    aws, free = InMemory(), replace(ONE, is_protected=False)
    experienced = Server(aws)
    for _ in range(2):
        await experienced.create(free)
        *_, identifier = aws.state.clusters
        await _delete_all(aws)
        experienced.registry.deleted(free.name, REGIONS[0], identifier)
        await aws.sleep(20)
    aws.state = replace(aws.state, answers={})  # AWS does not remember tokens for ever
    tokens = list[list[str]]()
    for each in (experienced, Server(aws)):
        asked = len(aws.asked)
        await each.create(free)
        tokens.append(_tokens(aws, asked))
        aws.state = replace(aws.state, clusters={}, answers={})
    assert tokens[0] == tokens[1]


@pytest.mark.parametrize("later", [3, 400])
async def test_a_pair_that_was_deleted_is_made_anew_by_another_server(later: float) -> None:
    aws, free = InMemory(), replace(PAIR, is_protected=False)
    await Server(aws).create(free)
    await _delete_all(aws)
    await aws.sleep(later)
    answer = await Server(aws).create(free)
    assert answer.structured["ready"] is True
    assert len(aws.living()) == 2


async def test_another_cluster_of_the_name_is_told_with_both_ids() -> None:
    aws = InMemory()
    tags = own_tags("one", "another", {})

    def create_too(operation: str, members: Mapping[str, object]) -> None:
        if operation == "CreateCluster" and members.get("tags") != tags:
            call = aws.call("dsql", "CreateCluster", "us-east-1", tags=tags, deletionProtectionEnabled=True)
            with pytest.raises(StopIteration):
                call.send(None)

    aws.before = create_too
    answer = await Server(aws).create(ONE)
    twin, own = sorted(aws.state.clusters, key=lambda each: aws.state.clusters[each].tags["created_by"])
    assert answer.structured["made"] == [own]
    assert [each["identifier"] for each in answer.structured["twins"]] == [twin]  # type: ignore[attr-defined]
    assert f"There is another one named one: {twin} in us-east-1, " in answer.text
    assert f"Made: cluster {own}" in answer.text
    again = await Server(aws).tried(ONE)
    assert isinstance(again, DsqlError)
    assert (again.code, {own, twin} - set(again.text.replace(",", " ").replace(";", " ").split())) == (
        "name_taken",
        set(),
    )


def _tokens(aws: InMemory, since: int = 0) -> list[str]:
    return [
        members["clientToken"] for operation, _, members in aws.asked[since:] if operation == "CreateCluster"
    ]


@pytest.mark.parametrize(("later", "is_made"), [(60, False), (400, True)])
async def test_an_answer_of_a_cluster_that_is_gone_is_not_taken(later: float, *, is_made: bool) -> None:
    aws = InMemory()
    await Server(aws).create(read_order("one", REGIONS[:1], is_protected=False))
    (identifier,) = aws.state.clusters
    await aws.call("dsql", "DeleteCluster", "us-east-1", identifier=identifier)
    aws.now += timedelta(seconds=later)
    ended = await Server(aws).tried(read_order("one", REGIONS[:1], is_protected=False))
    if is_made:
        assert isinstance(ended, ToolOutput)
        assert len(aws.living()) == 1
    else:  # too new to tell whether it is gone or not seen yet
        assert isinstance(ended, DsqlError)
        assert ended.code == "outcome_unknown"
        assert identifier in ended.text
        assert not aws.living()


async def test_a_cluster_that_is_deleted_meanwhile_is_said() -> None:
    aws = InMemory()

    def delete(operation: str, _members: object) -> None:
        looks = sum(asked == "GetCluster" for asked, _, _ in aws.asked)
        if operation == "GetCluster" and looks == 3:
            (identifier,) = aws.state.clusters
            call = aws.call("dsql", "DeleteCluster", "us-east-1", identifier=identifier)
            with pytest.raises(StopIteration):
                call.send(None)

    aws.before = delete
    ended = await Server(aws).tried(read_order("one", REGIONS[:1], is_protected=False))
    assert isinstance(ended, DsqlError)
    assert "somebody else has done that" in ended.text


@pytest.mark.parametrize("wait", [0.0, 1.0, 2.5])
async def test_what_is_asked_for_is_not_done(wait: float) -> None:
    answer = await Server(InMemory()).create(PAIR, wait)
    assert answer.structured["ready"] is False
    assert "CREATING" in answer.text
    assert answer.text.count("wait_s=45") == 2
    assert "give cluster=" not in answer.text


def _fits(check: Callable[[], Order]) -> bool:
    try:
        check()
    except DsqlError:
        return False
    return True


@given(st.text(max_size=80))
def test_a_name_has_nothing_that_could_be_read_as_more(name: str) -> None:
    is_plain = name.isascii() and name.replace("_", "a").replace(".", "a").replace("-", "a").isalnum()
    fits = _fits(lambda: read_order(name, REGIONS[:1]))
    assert fits <= (is_plain and len(name) <= 63)
