"""Findings in a script, and what AWS's program dsql-lint says of one.

Source of the program's output: dsql-lint 0.2.22, ``--format json``, schema version 1.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast

MAX_LINTED: Final = 1_000_000
"""Longest script that is linted, in UTF-8 bytes: as much as the guard parses."""

MAX_STATEMENTS: Final = 20_000
"""Most statements that are linted: some ten seconds."""

WAIT: Final = "-- Here the job of index"
"""Beginning of the comment that stands for a wait in a fixed script."""

_TOKEN_ERROR: Final = re.compile(r"Failed to tokenize SQL: .* at Line: (\d+), Column: ", re.DOTALL)

Fix = Literal["fixed", "fixed_with_warning", "unfixable"]
"""Work that is left: none, something to mind, or to mend by hand."""


@dataclass(frozen=True)
class Finding:
    """A part of a script that Aurora DSQL does not take as it is.

    Attributes:
        line: Its line, from 1.
        message: Description of it, and of what is written instead or has to be done.
        fix: Work that is left for a person.
        rule: dsql-lint's id of it, where only that program finds it.
    """

    line: int
    message: str
    fix: Fix
    rule: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """A finding of dsql-lint.

    Attributes:
        rule: Its stable id, in snake case.
        line: Its line in the text that the program was given, from 1.
        message: Description of the fault.
        suggestion: The form to write instead; may be empty.
    """

    rule: str
    line: int
    message: str
    suggestion: str = ""

    @property
    def unreadable_line(self) -> int | None:
        """The line of the token that made dsql-lint give up the whole text; ``None`` if there was none."""
        place = _TOKEN_ERROR.match(self.message)
        return int(place[1]) if place else None


class Linter(Protocol):
    """Finds what Aurora DSQL does not support in SQL text."""

    async def lint(self, sql: str, *, timeout: float) -> tuple[Diagnostic, ...]:
        """Lint statements, within so many seconds.

        Raises:
            NotConfigured: There is nothing to lint with.
            TimedOut: It took too long.
        """
        ...


def parse(output: str) -> tuple[Diagnostic, ...]:
    """Read the output of ``dsql-lint --format json`` for one text.

    Raises:
        ValueError: It is not of that shape.
    """
    try:
        (file,) = json.loads(output)["files"]
        if file["error"]:
            raise ValueError(str(file["error"]))
        return tuple(map(_diagnostic, cast("list[Mapping[str, object]]", file["diagnostics"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no output of dsql-lint: {error!r}") from None


def _diagnostic(diagnostic: Mapping[str, object]) -> Diagnostic:
    return Diagnostic(
        rule=str(diagnostic["rule"]),
        line=int(str(diagnostic["line"])),
        message=str(diagnostic["message"]),
        suggestion=str(diagnostic.get("suggestion") or ""),
    )
