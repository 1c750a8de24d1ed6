"""The transaction under any replies: what must never happen, does not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import (
    Commit,
    Done,
    Executed,
    Failed,
    Query,
    Reply,
    Report,
    RetryPolicy,
    Rollback,
    Run,
    Sleep,
    Step,
    UnitOfWork,
    transaction,
)
from awslabs_dsql_mcp.errors import DsqlError, OutcomeUnknown, TooManyRows, TransactionConflict

_TAGS = ("INSERT 0 {0}", "UPDATE {0}", "DELETE {0}", "MERGE {0}", "SELECT {0}", "CREATE TABLE")
_RETRIED_BESIDE_CONFLICTS = 2 + 1 + 20  # lost, expired, crowded
_LONGEST_DELAY = 2.0

failures = st.builds(
    Failure,
    message=st.sampled_from(
        ["server unavailable", "no answer", "too many open connections", "Signature expired: now", "x"]
    ),
    sqlstate=st.sampled_from(
        [None, "40001", "OC000", "OC001", "XX000", "53300", "53400", "42P01", "57P01", "40003", "08006"]
    ),
    connecting=st.booleans(),
    session_lost=st.booleans(),
    timed_out=st.booleans(),
)
units = st.builds(
    UnitOfWork,
    queries=st.lists(st.just(Query("SELECT 1")), min_size=1, max_size=4).map(tuple),
    read_only=st.booleans(),
    dry_run=st.booleans(),
    max_rows_affected=st.none() | st.integers(0, 5),
)
policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 9),
    time=st.sampled_from([0.0, 1.0, 15.0, float("inf")]),
    delay=st.sampled_from([0.0, 0.02, 5.0]),
)


@dataclass
class Play:
    """One transaction, played to its end."""

    unit: UnitOfWork
    policy: RetryPolicy
    steps: list[Step] = field(default_factory=list[Step])
    replies: list[Reply] = field(default_factory=list[Reply])
    report: Report | None = None
    error: DsqlError | None = None

    @property
    def runs(self) -> int:
        """How often the unit was run."""
        return sum(isinstance(step, Run) for step in self.steps)

    def after_failures(self) -> list[tuple[Failure, Step]]:
        """Give each failure with the step that followed it."""
        following = zip(self.replies, self.steps[1:], strict=False)
        return [(reply.failure, step) for reply, step in following if isinstance(reply, Failed)]


def results(draw: Callable[..., int], unit: UnitOfWork) -> tuple[Result, ...]:
    counts = [(draw(st.integers(0, 5)), draw(st.integers(0, len(_TAGS) - 1))) for _ in unit.queries]
    return tuple(Result(_TAGS[tag].format(count), count) for count, tag in counts)


def reply_to(draw: Callable[..., int], step: Step, unit: UnitOfWork, elapsed: float) -> Reply:
    """Answer as a driver may: a rollback and a sleep cannot fail, a statement's failure names it."""
    if isinstance(step, Rollback | Sleep):
        return Done()
    if draw(st.integers(0, 3)) == 0:
        return Executed(results(draw, unit)) if isinstance(step, Run) else Done()
    failure: Failure = draw(failures)  # pyright: ignore[reportAssignmentType] - draw gives what it is asked for
    return Failed(failure, elapsed)


@st.composite
def plays(draw: st.DrawFn) -> Play:
    play = Play(draw(units), draw(policies))
    plan = transaction(play.unit, play.policy, lambda: draw(st.floats(0, 1)))
    clock = 0.0
    try:
        step = next(plan)
        while True:
            play.steps.append(step)
            clock += draw(st.sampled_from([0.0, 0.01, 1.0]))
            play.replies.append(reply_to(draw, step, play.unit, clock))
            step = plan.send(play.replies[-1])
    except StopIteration as ended:
        play.report = ended.value
    except DsqlError as error:
        play.error = error
    return play


@given(plays())
def test_commit_is_sent_once_an_attempt_and_after_its_statements_alone(play: Play) -> None:
    steps = zip([None, *play.replies], play.steps, strict=False)
    assert all(isinstance(reply, Executed) for reply, step in steps if isinstance(step, Commit))


@given(plays())
def test_what_follows_a_failure_is_rollback_unless_the_session_is_lost(play: Play) -> None:
    for failure, step in play.after_failures():
        assert isinstance(step, Sleep if failure.session_lost else Rollback)


@given(plays())
def test_a_unit_runs_again_only_from_its_beginning(play: Play) -> None:
    for step in play.steps:
        if isinstance(step, Run):
            checks = [Query("SET CONSTRAINTS ALL IMMEDIATE")] if play.unit.dry_run else []
            assert [*step.queries] == [*play.unit.queries, *checks]
            assert step.read_only is play.unit.read_only


@given(plays())
def test_committed_is_said_exactly_when_commit_was_answered(play: Play) -> None:
    answered = bool(play.steps) and isinstance(play.steps[-1], Commit) and play.replies[-1] == Done()
    assert (play.report is not None and play.report.outcome == "committed") is answered
    done = [step for step, reply in zip(play.steps, play.replies, strict=True) if reply == Done()]
    assert sum(isinstance(step, Commit) for step in done) == int(answered)


@given(plays())
def test_an_unknown_outcome_ends_it(play: Play) -> None:
    unknown = [
        isinstance(step, Commit) and isinstance(reply, Failed) and reply.failure.leaves_commit_unknown
        for step, reply in zip(play.steps, play.replies, strict=True)
    ]
    assert True not in unknown[:-1]
    assert isinstance(play.error, OutcomeUnknown) is unknown[-1]


@given(plays())
def test_errors_tell_the_outcome(play: Play) -> None:
    if play.error is None:
        return
    if isinstance(play.error, OutcomeUnknown):
        assert play.error.outcome == "unknown"
    else:
        assert play.error.outcome == (None if play.unit.read_only else "rolled_back")


@given(plays())
def test_reads_and_dry_runs_never_commit(play: Play) -> None:
    if play.unit.read_only or play.unit.dry_run:
        assert not any(isinstance(step, Commit) for step in play.steps)
        assert play.report is None or play.report.outcome == "rolled_back"


@given(plays())
def test_more_rows_than_allowed_are_never_committed(play: Play) -> None:
    most = play.unit.max_rows_affected
    if most is not None and not play.unit.read_only:
        assert play.report is None or play.report.rows_affected <= most
        assert not isinstance(play.error, TooManyRows) or isinstance(play.steps[-1], Rollback)


@given(plays())
def test_attempts_are_bounded_and_counted(play: Play) -> None:
    again = 2 * (1 if play.unit.read_only else play.policy.attempts - 1)
    assert play.runs <= 1 + again + _RETRIED_BESIDE_CONFLICTS
    if play.report is not None:
        assert play.report.attempts == play.runs


@given(plays())
def test_nothing_is_begun_after_the_time_is_over(play: Play) -> None:
    for reply, step in zip(play.replies, play.steps[1:], strict=False):
        if isinstance(reply, Failed) and reply.elapsed >= play.policy.time:
            assert not isinstance(step, Sleep)


@given(plays())
def test_delays_have_full_jitter_within_bounds(play: Play) -> None:
    assert all(0.0 <= step.seconds <= _LONGEST_DELAY for step in play.steps if isinstance(step, Sleep))


def play_conflicts(unit: UnitOfWork, policy: RetryPolicy, jitter: float) -> Iterator[Step]:
    """Give the steps of a unit whose statements conflict for ever, until its error is raised."""
    plan = transaction(unit, policy, lambda: jitter)
    step = next(plan)
    while True:
        yield step
        conflict = Failed(Failure("(OC000)", "40001"), 0.0)
        step = plan.send(conflict if isinstance(step, Run) else Done())


@given(units, st.integers(1, 20) | st.just(1100), st.floats(0, 1))
def test_conflicts_for_ever_end_after_the_attempts_allowed(
    unit: UnitOfWork, attempts: int, jitter: float
) -> None:
    steps: list[Step] = []
    with pytest.raises(TransactionConflict):
        steps.extend(play_conflicts(unit, RetryPolicy(attempts, time=float("inf"), delay=0.02), jitter))
    runs = 2 if unit.read_only else attempts
    assert sum(isinstance(step, Run) for step in steps) == runs
    delays = [step.seconds for step in steps if isinstance(step, Sleep)]
    assert delays == [min(_LONGEST_DELAY, 0.02 * 2 ** min(n, 30)) * jitter for n in range(runs - 1)]
