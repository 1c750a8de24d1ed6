"""Faults on demand: as often as asked for, the same for the same seed, each connection's its own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from awslabs_dsql_mcp.local_cluster.session.fault_injection import Disconnect, FaultInjector

HALF = ClusterConfig(conflict_rate=0.5, disconnect_rate=0.5, seed=7)


def drawn(
    config: ClusterConfig, connection: int = 1, count: int = 200
) -> tuple[list[bool], list[Disconnect | None]]:
    faults = FaultInjector(config, connection)
    return [faults.conflict() for _ in range(count)], [faults.disconnect() for _ in range(count)]


@given(st.integers(), st.integers(1))
def test_without_a_rate_nothing_happens_and_with_all_it_always_does(seed: int, connection: int) -> None:
    never, always = ClusterConfig(seed=seed), ClusterConfig(conflict_rate=1, disconnect_rate=1, seed=seed)
    assert drawn(never, connection, 20) == ([False] * 20, [None] * 20)
    conflicts, cuts = drawn(always, connection, 20)
    assert all(conflicts)
    assert None not in cuts


def test_a_seed_repeats_them_and_another_does_not() -> None:
    assert drawn(HALF) == drawn(HALF)
    assert drawn(HALF) != drawn(replace(HALF, seed=8))
    assert drawn(HALF) != drawn(HALF, connection=2)


def test_without_a_seed_each_run_differs() -> None:
    assert drawn(replace(HALF, seed=None)) != drawn(replace(HALF, seed=None))


def test_a_cut_falls_on_either_side_of_the_message() -> None:
    _, cuts = drawn(replace(HALF, disconnect_rate=1))
    assert min(cuts.count(cut) for cut in Disconnect) > 50


def test_conflicts_come_as_often_as_asked_for_whatever_else_is_drawn() -> None:
    conflicts, _ = drawn(replace(HALF, conflict_rate=0.1), count=2000)
    assert 150 < sum(conflicts) < 250
    faults = FaultInjector(replace(HALF, conflict_rate=0.1), 1)
    mixed = [(faults.disconnect(), faults.conflict())[1] for _ in range(2000)]
    assert mixed == conflicts


@pytest.mark.parametrize(("latency_ms", "seconds"), [(0, 0), (40, 0.04), (2.5, 0.0025)])
def test_latency_is_told_in_seconds(latency_ms: float, seconds: float) -> None:
    assert FaultInjector(ClusterConfig(latency_ms=latency_ms), 1).delay() == seconds
