"""States follow from times and peers; nothing but the clock moves them."""

from dataclasses import replace

import pytest

from awslabs_dsql_mcp.local_cluster.control_plane.account import Account, Cluster, Moment, Status

ONE = Cluster("a" * 26, "us-east-1", 100.0, "a" * 26, set_up_at=100.0)


def status(cluster: Cluster, now: float, *others: Cluster) -> Status:
    account = Account(cluster.identifier, {c.identifier: c for c in (cluster, *others)})
    return account.status(cluster, Moment(now, 10))


@pytest.mark.parametrize(
    ("cluster", "now", "expected"),
    [
        (ONE, 100, "CREATING"),
        (ONE, 109.9, "CREATING"),
        (ONE, 110, "ACTIVE"),
        (replace(ONE, updated_at=200.0), 205, "UPDATING"),
        (replace(ONE, updated_at=200.0), 210, "ACTIVE"),
        (replace(ONE, set_up_at=None, witness="us-west-2"), 1000, "PENDING_SETUP"),
        (replace(ONE, deleted_at=300.0), 305, "DELETING"),
        (replace(ONE, deleted_at=300.0), 310, "DELETED"),
        (replace(ONE, set_up_at=None, witness="us-west-2", deleted_at=300.0), 305, "DELETING"),
    ],
)
def test_a_state_follows_from_times(cluster: Cluster, now: float, expected: Status) -> None:
    assert status(cluster, now) == expected


def test_a_cluster_that_sleeps_is_inactive() -> None:
    account = Account(ONE.identifier, {ONE.identifier: ONE})
    assert account.status(ONE, Moment(1000, 10, frozenset((ONE.identifier,)))) == "INACTIVE"
    assert account.status(ONE, Moment(105, 10, frozenset((ONE.identifier,)))) == "CREATING"


def pair(first_deleted: float | None, second_deleted: float | None) -> tuple[Cluster, Cluster]:
    other = replace(ONE, identifier="b" * 26, region="us-east-2", witness="us-west-2", peers=(ONE.arn,))
    one = replace(ONE, witness="us-west-2", peers=(other.arn,), deleted_at=first_deleted)
    return one, replace(other, deleted_at=second_deleted)


@pytest.mark.parametrize(
    ("first", "second", "now", "expected"),
    [
        (None, None, 200, "ACTIVE"),
        (300.0, None, 9000, "PENDING_DELETE"),
        (None, 300.0, 9000, "ACTIVE"),
        (300.0, 400.0, 405, "DELETING"),
        (400.0, 300.0, 405, "DELETING"),
        (300.0, 400.0, 410, "DELETED"),
    ],
)
def test_a_pair_is_deleted_once_both_are(
    first: float | None, second: float | None, now: float, expected: Status
) -> None:
    one, other = pair(first, second)
    assert status(one, now, other) == expected


def test_what_is_deleted_is_forgotten() -> None:
    account = Account(ONE.identifier, {ONE.identifier: replace(ONE, deleted_at=300.0)})
    assert account.without_deleted(Moment(305, 10)).clusters
    assert not account.without_deleted(Moment(310, 10)).clusters
