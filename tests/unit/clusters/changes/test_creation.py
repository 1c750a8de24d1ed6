"""The generators of a creation, driven by any replies: they end, and never say or ask what is not so."""

from collections.abc import Generator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.clusters.changes.creation.empty import creation
from awslabs_dsql_mcp.clusters.changes.creation.restoration import restoration
from awslabs_dsql_mcp.clusters.changes.creation.settling import GONE
from awslabs_dsql_mcp.clusters.changes.creation.steps import (
    Copy,
    Create,
    Done,
    Failed,
    Find,
    FindCopy,
    Job,
    Look,
    LookAtJob,
    Made,
    Mark,
    NamePeer,
    Pause,
    Paused,
    Reply,
    Report,
    Reserve,
    Seen,
    Started,
    StartJob,
    Step,
)
from awslabs_dsql_mcp.clusters.changes.order import Order, read_order
from awslabs_dsql_mcp.clusters.changes.ownership import own_tags
from awslabs_dsql_mcp.clusters.model import Cluster
from awslabs_dsql_mcp.dsql.cluster_names import ClusterName
from awslabs_dsql_mcp.errors import (
    Busy,
    ConnectionFailed,
    DsqlError,
    OutcomeUnknown,
    PermissionDenied,
    RequestInvalid,
)

REGIONS = ("us-east-1", "us-east-2")
PAIR = read_order("pair", REGIONS, "us-west-2")
ONE = read_order("pair", REGIONS[:1])
POINT = "arn:aws:backup:us-east-1:000000000000:recovery-point:p"
RESTORE = read_order("pair", REGIONS[:1], point=POINT)
RESTORE_PAIR = read_order("pair", REGIONS, "us-west-2", POINT)
STATES = (
    "CREATING",
    "ACTIVE",
    "IDLE",
    "UPDATING",
    "PENDING_SETUP",
    "PENDING_DELETE",
    "DELETING",
    "DELETED",
    "FAILED",
    "SOMETHING_NEW",
)
_A, _B, _C = "a" * 26, "b" * 26, "c" * 26
KNOWN_GONE = st.frozensets(st.sampled_from([_A, _B, _C]))
NAMES = [ClusterName(identifier, region) for identifier in (_A, _B, _C) for region in REGIONS]


def cluster(name: ClusterName, **more: Any) -> Cluster:  # noqa: ANN401 - fields of a cluster
    plain = Cluster(
        name,
        f"arn:aws:dsql:{name.region}:000000000000:cluster/{name.identifier}",
        "ACTIVE",
        datetime(2026, 11, 29, tzinfo=timezone.utc),
        True,  # noqa: FBT003 - a field
        f"{name.identifier}.dsql.{name.region}.on.aws",
        tags=own_tags("pair", "test", {}),
    )
    return replace(plain, **more)


clusters = st.builds(
    cluster,
    st.sampled_from(NAMES),
    status=st.sampled_from(STATES),
    witness=st.sampled_from(["", "us-west-2", "ca-west-1"]),
    peers=st.lists(st.sampled_from(NAMES), max_size=2).map(tuple),
    tags=st.sampled_from([own_tags("pair", "test", {}), {"Name": "pair"}, {}]),
)
errors = st.sampled_from(
    [
        ConnectionFailed("lost", code="aws_timeout"),
        ConnectionFailed("unreachable", code="aws_unreachable"),
        ConnectionFailed("keys", code="credentials_expired"),
        Busy("500", code="aws_failed"),
        Busy("429", code="aws_throttled"),
        PermissionDenied("no", code="aws_access_denied"),
        RequestInvalid("409", code="aws_conflict"),
        RequestInvalid("402", code="aws_quota"),
        RequestInvalid("404", code="aws_not_found"),
        DsqlError("a bug"),
    ]
)
anything = st.one_of(
    errors.map(Failed),
    st.lists(clusters, max_size=4).map(tuple).map(Seen),
    st.builds(Made, st.sampled_from(NAMES), st.floats(-600, 1e6)),
    st.just(Done()),
    st.builds(Started, st.just("job")),
    st.builds(
        Job,
        st.sampled_from(["PENDING", "RUNNING", "COMPLETED", "FAILED", "ABORTED", ""]),
        st.just("told"),
        st.none() | st.sampled_from(NAMES),
        st.floats(0, 1e6),
        st.booleans(),
    ),
    st.sampled_from([Copy("COMPLETED", is_usable=True), Copy("CREATING"), Copy("")]),
)


def fitting(step: Step, data: st.DataObject, elapsed: float) -> Reply:  # noqa: PLR0911 - a table
    """Draw a reply: mostly one of the step's kind, sometimes any."""
    if isinstance(step, Pause):
        return Paused(elapsed)
    if data.draw(st.integers(0, 9)) == 0:
        return data.draw(anything)
    failed = errors.map(Failed)
    match step:
        case Find():
            return data.draw(failed | st.lists(clusters, max_size=3).map(tuple).map(Seen))
        case Look(names):
            seen = [
                data.draw(clusters.map(lambda each, name=name: replace(each, name=name)))
                for name in names
                if data.draw(st.integers(0, 5))
            ]
            return data.draw(st.just(Seen(tuple(seen))) | failed)
        case Create(region):
            made = st.builds(
                Made, st.sampled_from([n for n in NAMES if n.region == region]), st.floats(-600, 1e6)
            )
            return data.draw(made | failed)
        case StartJob():
            return data.draw(st.just(Started("job")) | failed)
        case NamePeer() | Mark() | Reserve():
            return data.draw(st.just(Done()) | failed)
        case FindCopy():
            return data.draw(anything.filter(lambda reply: isinstance(reply, Copy)) | failed)
        case LookAtJob():
            return data.draw(anything.filter(lambda reply: isinstance(reply, Job)) | failed)


Trace = list[tuple[Step, Reply]]


def driven(steps: Generator[Step, Reply, Report], data: st.DataObject, wait: float) -> tuple[Report, Trace]:
    """Drive a generator to its end."""
    trace: Trace = []
    elapsed = 0.0
    try:
        step = next(steps)
        while True:
            assert len(trace) < 400, "it does not end"
            if isinstance(step, Pause):
                assert 0 <= step.seconds <= max(wait, 5.0)
                elapsed += min(step.seconds, max(0.0, step.until - elapsed))
            reply = fitting(step, data, elapsed)
            trace.append((step, reply))
            step = steps.send(reply)
    except StopIteration as end:
        return end.value, trace


@given(st.data(), st.sampled_from([ONE, PAIR]), st.sampled_from([0.0, 5.0, 45.0]), KNOWN_GONE)
def test_a_creation_of_any_replies(
    data: st.DataObject,
    order: Order,
    wait: float,
    gone: frozenset[str],
) -> None:
    report, trace = driven(creation(order, wait, gone), data, wait)
    assert isinstance(trace[0][0], Find)
    made = [reply.name for step, reply in trace if isinstance(step, Create) and isinstance(reply, Made)]
    assert set(report.made) <= set(made)
    assert set(report.may_have_made) <= _after_doubt(trace)
    assert len({*report.made, *report.may_have_made}) <= len(order.regions)
    asked = [(step.region, step.nonce) for step, _ in trace if isinstance(step, Create)]
    assert len(set(asked)) == len(asked), "the same request was sent twice"
    for index, (step, reply) in enumerate(trace):
        if isinstance(step, Create):
            _create_is_due(trace[:index], step)
            if isinstance(reply, Failed) and reply.is_in_doubt:
                later = [each for each, _ in trace[index + 1 :]]
                assert not [each for each in later if isinstance(each, Create) and each.region == step.region]
        if isinstance(step, NamePeer):
            assert order.is_pair
            assert step.cluster.status == "PENDING_SETUP"
            assert step.peer.name not in step.cluster.peers
            assert {step.cluster.name.region, step.peer.name.region} == set(REGIONS)
    assert not {name.identifier for name in report.made} & gone
    _is_true(report, trace)


def _after_doubt(trace: Trace) -> set[ClusterName]:
    """Give the clusters that were seen by name in a Region where the answer to a creation was lost."""
    regions, names = set[str](), set[ClusterName]()
    for step, reply in trace:
        if isinstance(step, Create) and (not isinstance(reply, Failed) or reply.is_in_doubt):
            regions |= set() if isinstance(reply, Made) else {step.region}
        if isinstance(step, Find) and isinstance(reply, Seen):
            names |= {cluster.name for cluster in reply.clusters if cluster.name.region in regions}
    return names


def _create_is_due(before: Trace, step: Create) -> None:
    """Assert that the last look by name showed nothing living there."""
    finds = [reply for each, reply in before if isinstance(each, Find) and isinstance(reply, Seen)]
    assert finds, "created without a look"
    living = [c for c in finds[-1].clusters if c.name.region == step.region and c.status not in GONE]
    assert not living


def _is_true(report: Report, trace: Trace) -> None:
    """Assert that what a report tells was seen last, and that doubt is told."""
    seen: dict[ClusterName, Cluster] = {}
    for _, reply in trace:
        if isinstance(reply, Seen):
            seen |= {each.name: each for each in reply.clusters}
    for told in (*report.clusters, *report.twins):
        assert told.name in seen
    assert not {told.name for told in report.twins} & {told.name for told in report.clusters}
    if report.error is None and report.clusters:
        last = [reply for step, reply in trace if isinstance(step, Look)][-1]
        assert isinstance(last, Seen)
        assert all(told in last.clusters for told in report.clusters)
        assert not [each for each in report.clusters if each.status in (*GONE, "FAILED")]
    if report.in_doubt:
        assert isinstance(report.error, OutcomeUnknown)


@given(st.data(), st.sampled_from([RESTORE, RESTORE_PAIR]), st.sampled_from([0.0, 5.0, 45.0]), KNOWN_GONE)
def test_a_restoration_of_any_replies(
    data: st.DataObject,
    order: Order,
    wait: float,
    gone: frozenset[str],
) -> None:
    report, trace = driven(restoration(order, wait, gone), data, wait)
    asked = [(step.kind, step.nonce) for step, _ in trace if isinstance(step, StartJob)]
    assert len(set(asked)) == len(asked)
    assert not [step for step, _ in trace if isinstance(step, (Create, NamePeer))]
    told = {reply.made for _, reply in trace if isinstance(reply, Job)}
    seen = [each for _, reply in trace if isinstance(reply, Seen) for each in reply.clusters]
    peers = {peer for each in seen for peer in each.peers} if order.is_pair else set[ClusterName]()
    marked = {step.cluster for step, _ in trace if isinstance(step, Mark)}
    assert marked <= told | peers
    assert set(report.made) <= marked
    for index, (step, reply) in enumerate(trace):
        if not isinstance(step, StartJob):
            continue
        if isinstance(reply, Failed):
            assert not [each for each, _ in trace[index + 1 :] if isinstance(each, StartJob)]
        if step.kind == "copy":
            assert order.is_pair
            assert [each for each, there in trace[:index] if there == Copy("") and isinstance(each, FindCopy)]
        elif order.is_pair:
            before = [each for _, each in trace[:index]]
            is_copied = [each for each in before if isinstance(each, Job) and each.state == "COMPLETED"]
            assert Copy("COMPLETED", is_usable=True) in before or is_copied
        _is_due(trace[:index], step, gone)
    _is_true(report, trace)


def _is_due(before: Trace, step: StartJob, gone: frozenset[str]) -> None:
    """Assert that what the job before has made is not there, or that it failed before the call."""
    jobs = [i for i, (each, _) in enumerate(before) if isinstance(each, LookAtJob) and each.kind == step.kind]
    if not jobs:
        return
    last = before[jobs[-1]][1]
    assert isinstance(last, Job)
    if last.state in ("FAILED", "ABORTED"):
        assert last.is_earlier
    if last.made is not None and last.made.identifier not in gone and step.kind == "restore":
        looks = [there for each, there in before[jobs[-1] :] if isinstance(each, Look)]
        assert isinstance(looks[0], Seen)
        assert not [each for each in looks[0].clusters if each.name == last.made and each.status not in GONE]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ([cluster(NAMES[0], tags={"Name": "pair"}, witness="us-west-2")], "was not made by awslabs-dsql-mcp"),
        (
            [cluster(NAMES[0], tags={"Name": "pair", "managed_by": "terraform"})],
            "was not made by awslabs-dsql-mcp",
        ),
        ([cluster(NAMES[0])], "it has no witness"),
        ([cluster(NAMES[0], witness="ca-west-1")], "its witness is ca-west-1"),
        ([cluster(NAMES[0], witness="us-west-2", status="PENDING_DELETE")], "it is PENDING_DELETE"),
        ([cluster(NAMES[0], witness="us-west-2", status="FAILED")], "it is FAILED"),
        ([cluster(NAMES[0], witness="us-west-2", peers=(NAMES[5],))], f"its peer is {_C}"),
        (
            [cluster(name, witness="us-west-2", status="PENDING_SETUP") for name in (NAMES[0], NAMES[2])],
            f"so is {_A}",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_name_that_is_taken_stops_it_before_anything_is_made(there: list[Cluster], told: str) -> None:
    steps = creation(PAIR, 45)
    assert isinstance(next(steps), Find)
    with pytest.raises(StopIteration) as ended:
        steps.send(Seen(tuple(there)))
    report: Report = ended.value.value
    assert report.error is not None
    assert report.error.code == "name_taken"
    assert told in report.error.message
    assert "Nothing was made." in report.error.message


def test_a_pair_is_two_creations_and_an_update() -> None:
    one, two = NAMES[0], NAMES[3]
    waiting = {"witness": "us-west-2", "status": "PENDING_SETUP"}
    replies: list[tuple[type[Step], Reply]] = [
        (Find, Seen(())),
        (Reserve, Done()),
        (Create, Made(one, 0.1)),
        (Look, Seen((cluster(one, **waiting),))),
        (Create, Made(two, 0.1)),
        (Look, Seen((cluster(two, peers=(one,), **waiting),))),
        (NamePeer, Done()),
        (Look, Seen(tuple(cluster(each, witness="us-west-2", status="CREATING") for each in (one, two)))),
        (Pause, Paused(2.0)),
        (Look, Seen(tuple(cluster(each, witness="us-west-2") for each in (one, two)))),
        (Find, Seen(tuple(cluster(each, witness="us-west-2") for each in (one, two)))),
    ]
    steps = creation(PAIR, 45)
    step: Step = next(steps)
    for kind, reply in replies[:-1]:
        assert isinstance(step, kind)
        step = steps.send(reply)
    with pytest.raises(StopIteration) as ended:
        steps.send(replies[-1][1])
    assert ended.value.value.made == (one, two)
    assert ended.value.value.twins == ()
    assert ended.value.value.error is None


def test_a_look_that_tells_of_another_cluster_shows_nothing() -> None:
    replies: dict[type[Step], Reply] = {
        Find: Seen(()),
        Create: Made(NAMES[0], 0.1),
        Look: Seen((cluster(NAMES[2]),)),
        Pause: Paused(2.0),
    }
    report = _told(creation(ONE, 45), replies)
    assert report.clusters == report.made == ()
    assert isinstance(report.error, OutcomeUnknown)
    assert report.in_doubt == "us-east-1"


def _told(steps: Generator[Step, Reply, Report], replies: dict[type[Step], Reply]) -> Report:
    """Answer each step by its kind; give the end."""
    try:
        step = next(steps)
        for _ in range(50):
            step = steps.send(replies.get(type(step), Done()))
    except StopIteration as end:
        return end.value
    pytest.fail("it does not end")
