"""A token is for one change, for ten minutes, of one server: time is injected."""

from dataclasses import replace

import pytest

from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.tools.consent.confirmation import TOKEN_LIFE, Change, ChangeConfirmation

CHANGE = Change("transact", [Query("DELETE FROM t WHERE id = $1", (1,))], [StatementInfo("DELETE", "dml")])


class Clock:
    """A clock that stands still unless it is set."""

    def __init__(self) -> None:
        self.now = 5_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("after", "is_good"),
    [(0.0, True), (TOKEN_LIFE, True), (TOKEN_LIFE + 2.0, False), (10.0 * TOKEN_LIFE, False), (-2.0, False)],
)
def test_a_token_has_its_time(after: float, is_good: bool) -> None:  # noqa: FBT001 - a case of a table
    clock = Clock()
    confirmation = ChangeConfirmation("always", clock=clock)
    token = confirmation.token(CHANGE)
    clock.now += after
    assert (confirmation.fault(token, CHANGE) == "") is is_good
    assert confirmation.take(token, CHANGE) is is_good
    assert not confirmation.take(token, CHANGE)


def test_a_token_that_was_used_stays_used_as_long_as_it_would_be_good() -> None:
    clock = Clock()
    confirmation = ChangeConfirmation("always", clock=clock)
    token = confirmation.token(CHANGE)
    assert confirmation.take(token, CHANGE)
    for _ in range(TOKEN_LIFE // 50):
        clock.now += 50
        assert confirmation.take(confirmation.token(CHANGE), CHANGE)
        assert not confirmation.take(token, CHANGE)


@pytest.mark.parametrize(
    "other",
    [
        replace(CHANGE, tool="batch_write"),
        replace(CHANGE, queries=[Query("DELETE FROM t WHERE id = $1", (2,))]),
        replace(CHANGE, queries=[Query("DELETE FROM t WHERE id = $1", ("1",))]),
        replace(CHANGE, queries=[Query("DELETE FROM t WHERE id = $1", (True,))]),
        replace(CHANGE, queries=[*CHANGE.queries, *CHANGE.queries]),
        replace(CHANGE, queries=[]),
    ],
)
def test_a_token_is_for_one_change(other: Change) -> None:
    confirmation = ChangeConfirmation("always", clock=Clock())
    assert confirmation.fault(confirmation.token(CHANGE), other)
    assert confirmation.fault(confirmation.token(other), CHANGE)


def test_a_token_is_of_one_server_and_for_one_purpose() -> None:
    clock = Clock()
    confirmation, other = (ChangeConfirmation("always", clock=clock) for _ in range(2))
    assert other.fault(confirmation.token(CHANGE), CHANGE)
    assert confirmation.fault(confirmation.token(CHANGE, purpose="question"), CHANGE)
    assert confirmation.fault(confirmation.token(CHANGE), CHANGE, purpose="question")


@pytest.mark.parametrize(
    "forged",
    ["", "1", "5000-00000000-0000000000000000", f"{'9' * 5_000}-00000000-0000000000000000", "\u0665000"],
)
def test_what_is_no_token_is_none(forged: str) -> None:
    assert ChangeConfirmation("always", clock=Clock()).fault(forged, CHANGE)


def test_a_token_that_cannot_be_taken_says_why() -> None:
    clock = Clock()
    before = ChangeConfirmation("always", clock=clock).token(CHANGE)
    clock.now += 30
    confirmation = ChangeConfirmation("always", clock=clock)
    used, old = confirmation.token(CHANGE), confirmation.token(CHANGE)
    confirmation.redeem(used, CHANGE)
    clock.now += TOKEN_LIFE + 2
    wrong = confirmation.token(replace(CHANGE, tool="batch_write"))
    told = {
        "1": "dry_run_token is none that this server gives; nothing was run.",
        before: "dry_run_token was given before this server was started, or for another cluster; nothing",
        used: "dry_run_token was used already; nothing was run.",
        old: "dry_run_token is older than 10 minutes; nothing was run.",
        wrong: "dry_run_token is of something else: of other arguments or another state, or of another",
    }
    for token, reason in told.items():
        with pytest.raises(RequestInvalid) as refused:
            confirmation.redeem(token, CHANGE)
        assert refused.value.text.startswith(reason)
        stored = "The answer of the call that used it says what is stored. " if token == used else ""
        assert (
            refused.value.hint == f"{stored}Call transact again with dry_run=true, and without dry_run_token."
        )
