"""Anomalies in a history of transactions that append to lists and read them.

The order of a list's elements is the order in which their transactions committed, so that each read tells
which transactions it saw and which it did not (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies
from Experimental Observations"). Snapshot isolation holds if no cycle is left of the dependencies, each
followed by at most one anti-dependency (Cerone and Gotsman, "Analysing Snapshot Isolation"): write skew
passes, lost updates and torn reads do not.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal

State = tuple[int, ...]
Edges = dict[int, set[int]]


@dataclass
class Transaction:
    """One transaction as its client saw it.

    Attributes:
        begun: When it was begun, in seconds.
        ended: When its client knew the outcome, in seconds.
        outcome: ``unknown`` where the connection was lost during COMMIT.
        appends: The elements that it added, by the list's key, in order.
        reads: What it read: key, the list, and the number of its own elements that it had added before.
        logged: The elements that it wrote into the log too.
        reason: Why it failed, such as ``OC001``.
    """

    begun: float = 0.0
    ended: float = float("inf")
    outcome: Literal["committed", "failed", "unknown"] = "unknown"
    appends: dict[int, list[int]] = field(default_factory=lambda: defaultdict[int, list[int]](list))
    reads: list[tuple[int, State, int]] = field(default_factory=list[tuple[int, State, int]])
    logged: list[int] = field(default_factory=list[int])
    reason: str = ""


def anomalies(history: Sequence[Transaction], final: dict[int, State]) -> list[str]:
    """Find what snapshot isolation, with real time in it, forbids.

    Args:
        history: The transactions, in any order.
        final: The lists at the end, by key.
    """
    found = [*_of_lists(history, final), *_of_reads(history, final)]
    return found or list(_of_order(history, final))


def anomalies_of_log(
    history: Iterable[Transaction], final: dict[int, State], log: Sequence[int]
) -> list[str]:
    """Compare a log with the lists that its rows refer to: a transaction is in both or in neither.

    Args:
        history: The transactions.
        final: The lists at the end, by key.
        log: The elements in the log at the end.
    """
    stored = {element for state in final.values() for element in state}
    expected = sorted(e for transaction in history for e in transaction.logged if e in stored)
    return [] if expected == sorted(log) else [f"the log differs: {set(expected) ^ set(log) or 'twice'}"]


def _of_lists(history: Iterable[Transaction], final: dict[int, State]) -> Iterator[str]:
    """Compare the lists with what was committed."""
    stored = {key: set(state) for key, state in final.items()}
    for key, state in final.items():
        if len(stored[key]) < len(state):
            yield f"list {key} has an element twice"
    for transaction in history:
        for key, added in transaction.appends.items():
            there = [element for element in added if element in stored.get(key, ())]
            if transaction.outcome == "committed" and there != added:
                yield f"lost: {added} of list {key}, committed"
            elif transaction.outcome == "failed" and there:
                yield f"stored: {there} of list {key}, which failed"
            elif there not in ([], added):
                yield f"torn: {there} of {added} in list {key}"


def _of_reads(history: Iterable[Transaction], final: dict[int, State]) -> Iterator[str]:
    """Compare each read with the list at the end: it is the list's beginning, and the reader's own."""
    ends = _last_of_each(history)
    for transaction in history:
        for key, read, own in transaction.reads:
            others, mine = read[: len(read) - own], list(read[len(read) - own :])
            if mine != transaction.appends.get(key, [])[:own]:
                yield f"list {key}: {read} is without its reader's own {own}"
            elif others != final.get(key, ())[: len(others)]:
                yield f"list {key}: {read} was never the beginning of {final.get(key)}"
            elif others and others[-1] not in ends:
                yield f"list {key}: {read} ends in the middle of a transaction"


def _last_of_each(history: Iterable[Transaction]) -> set[int]:
    return {added[-1] for transaction in history for added in transaction.appends.values() if added}


def _of_order(history: Sequence[Transaction], final: dict[int, State]) -> Iterator[str]:
    """Look for a cycle of dependencies, each followed by at most one anti-dependency."""
    follows, misses = _dependencies(history, final)
    _add_real_time(history, follows)
    graph: dict[int, set[int]] = defaultdict(set)
    for after, earlier in follows.items():
        graph[after] |= earlier
        for missed in misses.get(after, ()):
            graph[missed] |= earlier
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        numbers: list[int] = cycle.args[1]
        yield f"cycle: {[history[number] for number in numbers if number >= 0]}"


def _dependencies(history: Sequence[Transaction], final: dict[int, State]) -> tuple[Edges, Edges]:
    """Find whom each transaction follows, since it saw or overwrote it, and whom it did not see."""
    writers = {
        element: number
        for number, transaction in enumerate(history)
        for added in transaction.appends.values()
        for element in added
    }
    follows: Edges = defaultdict(set)
    misses: Edges = defaultdict(set)
    for state in final.values():
        for before, after in pairwise(writers[element] for element in state):
            follows[after] |= {before} - {after}
    for number, transaction in enumerate(history):
        for key, read, own in transaction.reads if transaction.outcome != "failed" else ():
            seen = len(read) - own
            state = [writers[element] for element in final.get(key, ())]
            follows[number] |= set(state[seen - 1 : seen]) if seen else set()
            misses[number] |= set([other for other in state[seen:] if other != number][:1])
    return follows, misses


def _add_real_time(history: Sequence[Transaction], follows: Edges) -> None:
    """Let what was begun after a COMMIT's answer follow it, by a chain of moments, numbered below 0."""
    events = [(one.ended, 0, number) for number, one in enumerate(history) if one.outcome == "committed"]
    events += [(one.begun, 1, number) for number, one in enumerate(history) if one.outcome != "failed"]
    moment = -1
    for _, begins, number in sorted(events):
        if begins:
            follows[number].add(moment)
        else:
            follows[moment - 1] |= {moment, number}
            moment -= 1
