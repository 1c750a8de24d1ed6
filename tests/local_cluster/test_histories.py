"""Snapshot isolation of the local cluster, checked on histories of many sessions, with and without faults."""

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from awslabs_dsql_mcp.local_cluster.cluster import local_cluster
from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
from support.local_cluster import list_append
from support.local_cluster.histories import State, Transaction, anomalies, anomalies_of_log

_SESSIONS = 16
_TRANSACTIONS = int(os.environ.get("DSQL_TEST_TRANSACTIONS", 10 * settings().max_examples))


@pytest.mark.parametrize(
    "config",
    [ClusterConfig(), ClusterConfig(conflict_rate=0.1, disconnect_rate=0.01, seed=4)],
    ids=["quiet", "faults"],
)
async def test_no_history_has_what_snapshot_isolation_forbids(tmp_path: Path, config: ClusterConfig) -> None:
    async with local_cluster(tmp_path / "data", config) as cluster:
        await list_append.create(cluster)
        history = await list_append.play(cluster, _TRANSACTIONS, _SESSIONS, seed=1)
        final, log = await list_append.stored(cluster), await list_append.logged(cluster)
    assert anomalies(history, final) == []
    assert anomalies_of_log(history, final, log) == []
    outcomes = Counter(one.outcome for one in history)
    assert outcomes["committed"] > _TRANSACTIONS / 10
    assert {"OC000", "OC001"} <= {one.reason for one in history if one.outcome == "failed"}
    assert bool(outcomes["unknown"]) is bool(config.disconnect_rate)


def _transaction(
    *reads: tuple[int, State],
    adds: dict[int, list[int]] | None = None,
    at: tuple[float, float] = (0, 9),
    failed: bool = False,
) -> Transaction:
    shown = [(key, state, 0) for key, state in reads]
    return Transaction(*at, "failed" if failed else "committed", adds or {}, shown)


_SKEW = [_transaction((1, ()), (2, ()), adds={1: [1]}), _transaction((1, ()), (2, ()), adds={2: [2]})]


@pytest.mark.parametrize(
    ("history", "final", "found"),
    [
        ([], {}, ""),
        (_SKEW, {1: (1,), 2: (2,)}, ""),  # write skew
        ([_transaction(adds={1: [1]})], {}, "lost"),
        ([_transaction(adds={1: [1]})], {1: (1, 1)}, "twice"),
        ([_transaction(adds={1: [1]}, failed=True)], {1: (1,)}, "which failed"),
        ([_transaction(adds={1: [1, 2]}), _transaction((1, (1,)))], {1: (1, 2)}, "middle of a transaction"),
        ([_transaction(adds={1: [1]}, failed=True), _transaction((1, (1,)))], {1: ()}, "never the beginning"),
        # Each saw what the other wrote.
        (
            [_transaction((2, (2,)), adds={1: [1]}), _transaction((1, (1,)), adds={2: [2]})],
            {1: (1,), 2: (2,)},
            "cycle",
        ),
        # Both read the list as it was before either wrote to it.
        (
            [_transaction((1, ()), adds={1: [1]}), _transaction((1, ()), adds={1: [2]})],
            {1: (1, 2)},
            "cycle",
        ),
        # Half of what another wrote is seen.
        (
            [_transaction(adds={1: [1], 2: [2]}), _transaction((1, (1,)), (2, ()))],
            {1: (1,), 2: (2,)},
            "cycle",
        ),
        # Two readers see two writers in different orders.
        (
            [
                _transaction(adds={1: [1]}),
                _transaction(adds={2: [2]}),
                _transaction((1, (1,)), (2, ())),
                _transaction((1, ()), (2, (2,))),
            ],
            {1: (1,), 2: (2,)},
            "cycle",
        ),
        # What had been committed before the reader began is not seen.
        (
            [_transaction(adds={1: [1]}, at=(0, 1)), _transaction((1, ()), at=(2, 3))],
            {1: (1,)},
            "cycle",
        ),
        ([_transaction(adds={1: [1]}, at=(0, 2)), _transaction((1, ()), at=(1, 3))], {1: (1,)}, ""),
    ],
)
def test_each_anomaly_is_found(history: list[Transaction], final: dict[int, State], found: str) -> None:
    told = anomalies(history, final)
    assert bool(told) is bool(found)
    assert found in "".join(told)


@pytest.mark.parametrize(
    ("logged", "final", "log", "differs"),
    [
        ([1], {5: (1,)}, [1], False),
        ([1], {5: ()}, [], False),  # rolled back
        ([1], {5: (1,)}, [], True),
        ([1], {5: ()}, [1], True),
        ([1], {5: (1,)}, [1, 1], True),
        ([], {5: (1,)}, [1], True),
    ],
)
def test_a_log_that_differs_is_found(
    logged: list[int], final: dict[int, State], log: list[int], *, differs: bool
) -> None:
    one = _transaction(adds={5: [1]})
    one.logged = logged
    assert bool(anomalies_of_log([one], final, log)) is differs
