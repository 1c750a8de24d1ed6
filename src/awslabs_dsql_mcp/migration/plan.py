"""Migration plans: numbered steps, each one transaction, and the statements that are skipped.

A plan depends on the script alone, so the same script resumes where it stopped. A resume token has the number
of a step and the plan's fingerprint, so that a changed script is not resumed by mistake::

    7-3f2a90c1d0b4     continue with step 7
    7?-3f2a90c1d0b4    the same, but step 7 may have been applied already
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, cast

from awslabs_dsql_mcp.migration.analysis.deferrals import Whole
from awslabs_dsql_mcp.migration.conversion import BY_HAND, SkippedStatement
from awslabs_dsql_mcp.sql.statements import StatementInfo
from awslabs_dsql_mcp.text import one_line

_RESUME_TOKEN: Final = re.compile(r"(\d{1,6})([?+]?)-([0-9a-f]{12})")

Doubt = Literal["", "?", "+"]
"""Steps that may have been applied: none, the step itself, or it and steps that follow it."""


@dataclass(frozen=True)
class Step:
    """One transaction.

    Attributes:
        queries: SQL texts: one DDL statement, or changes of data.
        statements: Information about each.
        line: Line in the script.
        notes: Changes made, with their reasons.
        rows: Number of rows inserted; ``None`` if unknown.
        settings: Statements that set what decides how the queries are read, for this transaction.
        item: Position, among the parts of the script, of the one that it comes from.
        verbatim: The text of that part says the same, on Aurora DSQL too.
        is_unchecked: It makes a function whose body PostgreSQL does not check.
        lines: The line of each query, where they differ.
        whole: The changes of rows that it belongs to, if those have to be one transaction.
        counts: Rows that each query inserts, ``None`` where that is unknown; none for a single query that
            inserts all of them.
    """

    queries: tuple[str, ...]
    statements: Sequence[StatementInfo]
    line: int
    notes: tuple[str, ...] = ()
    rows: int | None = None
    settings: tuple[str, ...] = ()
    item: int | None = None
    verbatim: bool = False
    is_unchecked: bool = False
    lines: tuple[int, ...] = ()
    whole: Whole | None = None
    counts: tuple[int | None, ...] = ()

    @property
    def is_ddl(self) -> bool:
        """It changes definitions, and so is alone in its transaction."""
        return self.statements[0].category == "ddl"

    @property
    def remarks(self) -> list[str]:
        """The notes that need a human."""
        return [note.removeprefix(BY_HAND) for note in self.notes if note.startswith(BY_HAND)]

    @property
    def title(self) -> str:
        """The step as a short text."""
        first, *others = self.queries
        return one_line(first) + (f" and {len(others)} more" if others else "")


@dataclass(frozen=True)
class MigrationPlan:
    """The steps of a migration.

    Attributes:
        steps: In order.
        skipped: Statements that are skipped, in the script's order.
        cluster: Identifies the cluster: a resume token is valid on no other.
    """

    steps: tuple[Step, ...]
    skipped: tuple[SkippedStatement, ...]
    cluster: str = ""

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the cluster and the steps, as 12 hexadecimal digits."""
        text = json.dumps([self.cluster, [(step.settings, step.queries) for step in self.steps]])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def blocked(self) -> tuple[SkippedStatement, ...]:
        """Statements that must be corrected before the migration can run."""
        return tuple(skipped for skipped in self.skipped if skipped.is_blocking)

    def resume_token(self, number: int, doubt: Doubt = "") -> str:
        """Write the token for a step to continue with.

        Args:
            number: Number of the step, from 1; one more than the last after all steps.
            doubt: Steps that may have been applied.
        """
        return f"{number}{doubt}-{self.fingerprint}"

    def parse_resume_token(self, token: str) -> tuple[int, Doubt]:
        """Parse a token into the step's number and the steps that may have been applied.

        Raises:
            ValueError: The text is not a token, or belongs to another plan.
        """
        match = _RESUME_TOKEN.fullmatch(token.strip())
        if match is None or match.group(3) != self.fingerprint:
            raise ValueError("it is not a resume token of exactly this script")
        number = int(match.group(1))
        if not 1 <= number <= len(self.steps) + 1:
            raise ValueError(f"there is no step {number}")
        return number, cast("Doubt", match.group(2))
