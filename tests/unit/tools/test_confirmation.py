"""A token is for one change, for ten minutes, of one server: time is injected."""

from dataclasses import replace

import pytest

from awslabs_dsql_mcp.database.transaction import Query
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
    assert confirmation.is_valid(token, CHANGE) is is_good
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
    assert not confirmation.is_valid(confirmation.token(CHANGE), other)
    assert not confirmation.is_valid(confirmation.token(other), CHANGE)


def test_a_token_is_of_one_server_and_for_one_purpose() -> None:
    clock = Clock()
    confirmation, other = (ChangeConfirmation("always", clock=clock) for _ in range(2))
    assert not other.is_valid(confirmation.token(CHANGE), CHANGE)
    assert not confirmation.is_valid(confirmation.token(CHANGE, purpose="question"), CHANGE)
    assert not confirmation.is_valid(confirmation.token(CHANGE), CHANGE, purpose="question")


@pytest.mark.parametrize(
    "forged",
    ["", "1", "5000-00000000-0000000000000000", f"{'9' * 5_000}-00000000-0000000000000000", "\u0665000"],
)
def test_what_is_no_token_is_none(forged: str) -> None:
    assert not ChangeConfirmation("always", clock=Clock()).is_valid(forged, CHANGE)
