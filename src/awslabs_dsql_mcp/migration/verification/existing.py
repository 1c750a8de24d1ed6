"""Look at the cluster before the first step: objects that are there, those that are not, second runs.

A plan whose objects are there, or that needs what is not, would fail in the middle; one that makes no object
by which an earlier run can be seen would add its rows twice.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from typing_extensions import LiteralString

from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import RequestInvalid, StatementRefused
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.verification.creations import Creation, Kind, creations, repeated_step
from awslabs_dsql_mcp.migration.verification.needs import Need, needs
from awslabs_dsql_mcp.text import pluralize

_NAMED: Final = "n.nspname = ANY ($1::text[]) AND c.relname = ANY ($2::text[])"
_OF_TABLES: Final = "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_COLUMNS: Final = f"{_OF_TABLES} JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped"
_CONSTRAINTS: Final = f"{_OF_TABLES} JOIN pg_constraint k ON k.conrelid = c.oid"
# By kind; each part of the names is an array.
_QUERIES: Final[dict[Kind | Literal["function"], LiteralString]] = {
    "relation": f"SELECT n.nspname, c.relname {_OF_TABLES} WHERE {_NAMED}",
    "schema": "SELECT nspname FROM pg_namespace WHERE nspname = ANY ($1::text[])",
    "type": "SELECT n.nspname, t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
    "WHERE n.nspname = ANY ($1::text[]) AND t.typname = ANY ($2::text[])",
    "function": "SELECT n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
    "WHERE n.nspname = ANY ($1::text[]) AND p.proname = ANY ($2::text[])",
    "role": "SELECT rolname FROM pg_roles WHERE rolname = ANY ($1::text[])",
    "column": f"SELECT n.nspname, c.relname, a.attname {_COLUMNS} WHERE {_NAMED} "
    "AND a.attname = ANY ($3::text[])",
    "constraint": f"SELECT n.nspname, c.relname, k.conname {_CONSTRAINTS} WHERE {_NAMED} "
    "AND k.conname = ANY ($3::text[])",
}
_MAX_NAMED: Final = 10


@dataclass(frozen=True)
class Existing:
    """What the cluster has of a plan's objects.

    Attributes:
        plan: The plan.
        there: Objects that are there and that a step is to make.
        missing: Objects that are not there, and that a step needs.
        is_unclear: Nothing shows if the plan was run before: it makes no object, or none that is not there.
    """

    plan: MigrationPlan
    there: tuple[Creation, ...] = ()
    missing: tuple[Need, ...] = ()
    is_unclear: bool = False

    @property
    def line(self) -> str:
        """The objects that are there or missing, as lines; empty for none."""
        lines = [
            f"There already: {_names(self.there)}." if self.there else "",
            f"Needed, and not there: {_names(self.missing)}." if self.missing else "",
        ]
        return "\n".join(filter(None, lines))

    @property
    def is_clear(self) -> bool:
        """Nothing stands in the way of the plan."""
        return not (self.there or self.missing)

    @property
    def advice(self) -> str:
        """What to do about objects that are there, or missing."""
        if not self.there and any(one.made_in for one in self.missing):
            return "Move what makes it in front of the step that needs it."
        if not self.there and all(one.kind == "result" for one in self.missing):
            return "Mend the body, or leave the function and what needs it out of the script."
        if not self.there:
            return "Make it first, or leave it and what needs it out of the script."
        handle = self.plan.resume_token(self.there[0].step, "+")
        return (
            f"If an earlier run of the same script made them, resume_from={handle} looks at each step from "
            "there on before it runs it; if not, drop or rename them, or leave them out of the script."
        )

    def require_new(self, *, is_resumed: bool, is_done: bool) -> None:
        """Refuse a run that would fail in the middle, or may be the second.

        Args:
            is_resumed: The caller has said where to begin.
            is_done: It is recorded that a run has made them.

        Raises:
            StatementRefused: Objects that it makes are there, or such as it needs are not.
            RequestInvalid: Nothing shows if the script was run before.
        """
        if self.there:
            raise StatementRefused(
                f"Nothing was run: {pluralize(len(self.there), 'object')} of the plan "
                f"{'is' if len(self.there) == 1 else 'are'} there already: {_names(self.there)}.",
                code="already_there",
                hint="A run of this script has made them: to run it once more, drop them first."
                if is_done
                else self.advice,
            )
        if self.missing:
            raise StatementRefused(
                f"Nothing was run: {pluralize(len(self.missing), 'object')} that the plan needs "
                f"{'is' if len(self.missing) == 1 else 'are'} not there: {_names(self.missing)}.",
                code="not_there",
                hint=self.advice,
            )
        number = repeated_step(self.plan) if self.is_unclear and not is_resumed else None
        if number is not None:
            step = self.plan.steps[number - 1]
            raise RequestInvalid(
                f"Nothing was run: nothing on the cluster shows if this script was run before, and step "
                f"{number} ({step.title}) would change data once more.",
                code="run_before_unknown",
                hint=f"If it was not run yet, send the same with resume_from={self.plan.resume_token(1)}.",
            )


async def find_existing(database: Database, plan: MigrationPlan, first: int = 1) -> Existing:
    """Ask the catalog for the objects that a plan makes from a step on.

    Raises:
        DsqlError: What `Database.run` raises.
    """
    made, needed = await asyncio.to_thread(_named, plan, first)  # thousands of steps take their time
    names: dict[Kind | Literal["function"], list[tuple[str, ...]]] = {}
    for one in made:
        names.setdefault(one.kind, []).append(one.name)
    for one in needed:
        if one.kind not in ("column", "result"):
            names.setdefault(one.kind, []).extend(one.names)
    queries = [_query(kind, named) for kind, named in names.items()]
    report = await database.run(UnitOfWork(tuple(queries), read_only=True)) if queries else None
    found = {
        (kind, *map(str, row))
        for kind, result in zip(names, report.results if report else (), strict=True)
        for row in result.rows
    }
    there = [one for one in made if (one.kind, *one.name) in found]
    missing = (
        one for one in needed if one.is_lacking or not any((one.kind, *name) in found for name in one.names)
    )
    return Existing(
        plan,
        tuple(one for one in there if not one.optional),
        tuple(missing),
        is_unclear=len(there) == len(made),
    )


def _named(plan: MigrationPlan, first: int) -> tuple[list[Creation], list[Need]]:
    return (
        [one for one in creations(plan) if one.step >= first],
        [one for one in needs(plan) if one.step >= first],
    )


def _names(objects: Sequence[Creation] | Sequence[Need]) -> str:
    shown = ", ".join(one.title for one in objects[:_MAX_NAMED])
    more = len(objects) - _MAX_NAMED
    return f"{shown} and {more:,} more" if more > 0 else shown


def _query(kind: Kind | Literal["function"], names: Sequence[tuple[str, ...]]) -> Query:
    places = tuple(list(dict.fromkeys(parts)) for parts in zip(*names, strict=True))
    return Query(_QUERIES[kind], places)
