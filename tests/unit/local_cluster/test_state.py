"""The tables of a local session's states: each pair of state and event has a row or is refused."""

from enum import Enum
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster.session import state
from awslabs_dsql_mcp.local_cluster.session.state import ImpossibleEvent, Machine

MACHINES: list[tuple[state.Table[Any, Any], type[Enum], type[Enum], Enum]] = [
    (state.EXCHANGE, state.Exchange, state.ExchangeEvent, state.Exchange.AWAITING_READY),
    (state.RECOVERY, state.Recovery, state.RecoveryEvent, state.Recovery.NONE),
    (state.BLOCK, state.Block, state.BlockEvent, state.Block.IMPLICIT),
    (state.CONTENT, state.Content, state.ContentEvent, state.Content.EMPTY),
    (state.PROGRESS, state.Progress, state.ProgressEvent, state.Progress.NONE),
]
"""Each table with its states, its events and its first state."""

PAIRS = [
    pytest.param(table, start, event, id=f"{type(start).__name__}.{start.name}-{event.name}")
    for table, states, events, _ in MACHINES
    for start in states
    for event in events
]


def test_every_table_is_tested() -> None:
    assert [table for table, *_ in MACHINES] == list(state.EVENT_TRIGGERED_TRANSITIONS)


@pytest.mark.parametrize(("table", "start", "event"), PAIRS)
def test_a_pair_has_a_row_or_is_refused(table: state.Table[Any, Any], start: Enum, event: Enum) -> None:
    machine = Machine(table, start)
    if event in table[start]:
        assert machine.allows(event)
        machine.on(event)
        assert machine.state is table[start][event]
    else:
        assert not machine.allows(event)
        with pytest.raises(ImpossibleEvent, match=f"{event.name} in {start.name}"):
            machine.on(event)
        assert machine.state is start


@pytest.mark.parametrize(("table", "states", "events", "first"), MACHINES)
def test_every_state_is_reached_and_every_event_used(
    table: state.Table[Any, Any], states: type[Enum], events: type[Enum], first: Enum
) -> None:
    reached, waiting = {first}, [first]
    while waiting:
        fresh = set(table[waiting.pop()].values()) - reached
        reached |= fresh
        waiting += fresh
    assert reached == set(states) == set(table)
    assert {event for rows in table.values() for event in rows} == set(events)


def test_only_the_end_of_a_transaction_is_final() -> None:
    assert [one for one, rows in state.BLOCK.items() if not rows] == [state.Block.COMMITTED]
    assert all(rows for table, *_ in MACHINES if table is not state.BLOCK for rows in table.values())
