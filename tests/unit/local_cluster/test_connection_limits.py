"""Whether one more connection is let in: rate, number, and a cluster that sleeps; the time is ours."""

from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.endpoint.connection_limits import (
    TOO_FAST,
    TOO_MANY,
    WAKING,
    ConnectionLimits,
    SleepState,
    TokenBucket,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_thousand_at_once_then_a_hundred_a_second() -> None:
    clock = Clock()
    limits = ConnectionLimits(ClusterConfig(max_connections=10_000), clock)
    assert [limits.enter() for _ in range(1001)] == [None] * 1000 + [TOO_FAST]
    clock.now += 0.5
    assert [limits.enter() for _ in range(51)] == [None] * 50 + [TOO_FAST]


@given(
    st.integers(1, 50),
    st.floats(0.1, 100),
    st.lists(st.tuples(st.floats(0, 10), st.integers(1, 30)), max_size=20),
)
def test_never_more_than_the_burst_and_what_came_back(
    burst: int, rate: float, arrivals: list[tuple[float, int]]
) -> None:
    clock = Clock()
    bucket, start, taken = TokenBucket(rate, burst, clock), clock.now, 0
    for rest, count in arrivals:
        clock.now += rest
        now = [bucket.take() for _ in range(count)]
        assert now == sorted(now, reverse=True)  # once empty, it stays empty while no time goes by
        taken += sum(now)
        assert sum(now) <= burst
        assert taken <= burst + rate * (clock.now - start) + 1e-6


def test_too_many_are_refused_until_one_leaves() -> None:
    limits = ConnectionLimits(ClusterConfig(max_connections=2), Clock())
    assert [limits.enter() for _ in range(3)] == [None, None, TOO_MANY]
    limits.leave()
    assert [limits.enter() for _ in range(2)] == [None, TOO_MANY]


def test_who_is_refused_for_their_number_does_not_count() -> None:
    limits = ConnectionLimits(ClusterConfig(max_connections=1), Clock())
    for _ in range(3):
        limits.enter()
    limits.leave()
    assert limits.enter() is None


def test_the_first_knock_begins_to_wake_it_up() -> None:
    clock = Clock()
    sleep = SleepState(clock)
    assert sleep.wake()
    sleep.begin(2.0)
    clock.now += 60
    assert not sleep.wake()
    clock.now += 1.9
    assert not sleep.wake()
    clock.now += 0.1
    assert sleep.wake()


def test_it_may_wake_up_at_once_but_the_first_is_refused() -> None:
    limits = ConnectionLimits(ClusterConfig(connection_burst=1), Clock())
    limits.sleep.begin(0)
    assert [limits.enter() for _ in range(3)] == [WAKING, None, TOO_FAST]
