"""Search for the first row of a batch that the server rejects, in few trials.

Each trial is a transaction that is rolled back, since Aurora DSQL has no savepoints. A rejection often quotes
the value at fault: that row is tried first, and two trials prove it. Otherwise the search is a bisection.
"""

import re
from collections.abc import Callable, Generator, Sequence
from typing import Final

from awslabs_dsql_mcp.errors import StatementFailed

_MAX_GUESSES: Final = 6
_VALUE: Final = re.compile(r': "([^"]*)"')
_KEY: Final = re.compile(r"\)=\((.*)\) (?:already exists|is not present|conflicts)", re.DOTALL)
_ROW: Final = re.compile(r"Failing row contains \((.*?)(?:\)\.?|…)$", re.DOTALL | re.MULTILINE)

Guess = Callable[[StatementFailed, int, int], int | None]
"""Finds the row that an error seems to speak of, among those from one index up to another."""


def first_rejected(
    count: int, error: StatementFailed, guess: Guess
) -> Generator[int, StatementFailed | None, tuple[int, StatementFailed] | None]:
    """Find the first row that the server rejects.

    Yields the number of rows to try, from the first on, and is sent the error, or ``None``.

    Args:
        count: Number of rows.
        error: The error that they failed with together.
        guess: Finds the row that an error speaks of.

    Returns:
        The index of the row and its error: the rows before it are accepted, and with it they are not.
        ``None`` if the server accepts all by now.
    """
    low, high, guesses = 0, count, 0  # rows up to low are accepted, up to high they are not
    while high - low > 1:
        middle = (low + high) // 2
        likely = guess(error, low, high) if guesses < _MAX_GUESSES else None
        if likely is not None:
            guesses += 1
            middle = likely + 1 if likely + 1 < high else likely
        if (rejection := (yield middle)) is None:
            low = middle
        else:
            high, error = middle, rejection
    if high == count > 1:  # the only error seen is of all rows, some time ago
        rejection = yield count
        if rejection is None:
            return None
        error = rejection
    return low, error


def likely_row(
    error: StatementFailed, rows: Sequence[Sequence[str | None]], low: int, high: int
) -> int | None:
    """Find the row that an error speaks of, if it quotes a value, a key or a row.

    Args:
        error: The error.
        rows: The cells of all rows.
        low: The first row to look at.
        high: The end of the rows to look at.
    """
    if value := _VALUE.search(error.text):
        wanted = {value[1]}
        return next((n for n in range(low, high) if wanted.intersection(rows[n])), None)
    if key := _KEY.search(error.text):
        wanted = set(key[1].split(", "))
        return next((n for n in range(low, high) if wanted.issubset(rows[n])), None)
    if row := _ROW.search(error.text):
        known = {None, *row[1].split(", ")}
        return next((n for n in range(low, high) if known.issuperset(rows[n])), None)
    return None
