"""Findings of AWS's dsql-lint in a script beyond what its migration plan mends.

The program (0.2.22) reads statements only: psql's commands, rows of COPY and a token that it does not know
end its reading. So it is given the statements of the fixed script alone, without those that a person has to
mend anyway; what it says of them is a finding of its own, and no second word on the same fault.
"""

import asyncio
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.lint.examination import Examination
from awslabs_dsql_mcp.lint.model import WAIT, Diagnostic, Finding, Linter
from awslabs_dsql_mcp.lint.session import is_transaction

_MAX_UNREADABLE: Final = 9  # statements without tokens: the program is run once more for each
_MAX_STATEMENT: Final = 5_000  # characters: the program's time grows with the square of a statement's length
_UNPARSED: Final = "parse_error"
_WRONG: Final = frozenset(
    (
        _UNPARSED,  # PostgreSQL's own grammar has read each of these statements
        "unsupported_alter_index",  # clusters accept ALTER INDEX … RENAME (AWS's dsql_grammar.json)
    )
)


@dataclass(frozen=True)
class _Text:
    """Statements for the program.

    Attributes:
        sql: Their text.
        places: For each line, from the first: the position of its part, and its line in the script.
    """

    sql: str
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, examined: Examination, withheld: Collection[int]) -> "_Text":
        """Write the statements, each in lines of its own."""
        lines: list[str] = []
        places: list[tuple[int, int]] = []
        for number, statement in _statements(examined):
            if number in withheld:
                continue
            part = examined.parts[number]
            for offset, line in enumerate(f"{statement}\n;".split("\n")):
                lines.append(line)
                places.append((number, part.item.line + (offset if part.queries is None else 0)))
        return cls("\n".join(lines), tuple(places))


async def second_opinion(examined: Examination, linter: Linter, *, timeout: float) -> tuple[Finding, ...]:
    """Ask dsql-lint about a script as it is fixed.

    Args:
        examined: The script.
        linter: dsql-lint.
        timeout: Seconds after which it is stopped.

    Raises:
        NotConfigured: There is no dsql-lint, or it does not work.
        TimedOut: It took too long.
    """
    deadline = time.monotonic() + timeout
    withheld: set[int] = set()
    while True:
        text = await asyncio.to_thread(_Text.of, examined, frozenset(withheld))
        if not text.sql:
            return ()
        found = await linter.lint(text.sql, timeout=max(deadline - time.monotonic(), 0))
        unread = next((place for one in found if (place := one.unreadable_line) is not None), None)
        if unread is None or len(withheld) == _MAX_UNREADABLE or not unread <= len(text.places):
            return tuple(_finding(one, text) for one in found if one.rule not in _WRONG)
        withheld.add(text.places[unread - 1][0])


def _statements(examined: Examination) -> Iterator[tuple[int, str]]:
    for number, part in enumerate(examined.parts):
        if not (part.is_open or part.item.meta or part.item.data is not None or is_transaction(part)):
            queries = (part.item.text,) if part.queries is None else part.queries
            yield from ((number, query) for query in queries if _is_read(query))


def _is_read(query: str) -> bool:
    return len(query) <= _MAX_STATEMENT and not query.startswith(WAIT)


def _finding(one: Diagnostic, text: _Text) -> Finding:
    _, line = text.places[min(one.line, len(text.places)) - 1]
    return Finding(line, f"{one.message} {one.suggestion}".rstrip(), "unfixable", one.rule)
