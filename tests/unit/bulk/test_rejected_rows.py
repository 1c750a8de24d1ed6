"""The first row of a batch that a server rejects is found, whatever its errors quote, in few trials."""

from collections.abc import Callable, Generator

from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.loading.rejected_rows import first_rejected, likely_row
from awslabs_dsql_mcp.errors import StatementFailed

Rows = list[tuple[str | None, ...]]
Search = Generator[int, StatementFailed | None, tuple[int, StatementFailed] | None]


def failure(rows: Rows) -> StatementFailed | None:
    """Fail as PostgreSQL does: the first row that is no number, else the first key that was there."""
    seen: set[str | None] = set()
    for _, value in rows:
        if value is not None and not value.isdigit():
            return StatementFailed(f'invalid input syntax for type integer: "{value}"', sqlstate="22P02")
    for key, value in rows:
        if value is None:
            told = f"null value violates not-null constraint. Failing row contains ({key}, null)."
            return StatementFailed(told, sqlstate="23502")
        if key in seen:
            told = f"duplicate key violates unique constraint. Key (id)=({key}) already exists."
            return StatementFailed(told, sqlstate="23505")
        seen.add(key)
    return None


def find(rows: Rows, *, guessing: bool) -> tuple[tuple[int, StatementFailed] | None, int]:
    """Search as a load does; give what is found and the number of trials."""
    error = failure(rows)
    assert error is not None
    search = first_rejected(
        len(rows), error, lambda told, low, high: likely_row(told, rows, low, high) if guessing else None
    )
    return answered(search, lambda count: failure(rows[:count]))


def answered(
    search: Search, answer: Callable[[int], StatementFailed | None]
) -> tuple[tuple[int, StatementFailed] | None, int]:
    """Answer a search until it ends; give its result and the number of trials."""
    tries = 0
    try:
        count = next(search)
        while True:
            tries += 1
            count = search.send(answer(count))
    except StopIteration as ended:
        return ended.value, tries


KEYS = st.integers(1, 40).map(str)
ROWS = st.lists(st.tuples(KEYS, st.none() | st.sampled_from(["1", "2", "x", "1 y", ""])), min_size=1)


@given(rows=ROWS.filter(failure), guessing=st.booleans())
def test_the_first_rejected_row_is_found_with_its_own_error(rows: Rows, *, guessing: bool) -> None:
    found, tries = find(rows, guessing=guessing)
    assert found is not None
    index, error = found
    assert failure(rows[:index]) is None
    own = failure(rows[: index + 1])
    assert own is not None
    assert (error.message, error.sqlstate) == (own.message, own.sqlstate)
    assert tries <= len(rows).bit_length() + 8


def test_a_value_that_is_quoted_costs_two_trials() -> None:
    rows: Rows = [(str(n), "x" if n == 1700 else str(n)) for n in range(2900)]
    found, tries = find(rows, guessing=True)
    assert found is not None
    assert (found[0], tries) == (1700, 2)


def test_rows_that_are_accepted_by_now_are_not_blamed() -> None:
    search = first_rejected(8, StatementFailed("late"), lambda _error, _low, _high: None)
    assert answered(search, lambda _: None) == (None, 4)
