"""Scripts carried over to a local cluster by ``migrate``, and the cluster emptied again."""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.local_cluster.data_dir import DataDir
from awslabs_dsql_mcp.local_cluster.postgres.server import SUPERUSER
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.large_changes.migrate import Migrate
from awslabs_dsql_mcp.tools.migrate import MigrateRequest
from support.migration.oracle import drop_roles

_EMPTY = Path(__file__).with_name("empty.sql").read_bytes()
_UNCHECKED = re.compile(
    r"^- steps? ([\d, ]+) makes? (?:a function|functions) under check_function_bodies", re.MULTILINE
)
_STEP = re.compile(r"Step (\d+) of ")
_DUPLICATE_FUNCTION = "42723"
_PAUSE = 0.05  # seconds: the longest pause between two looks at a job


@dataclass(frozen=True)
class Outcome:
    """What became of a script.

    Attributes:
        plan: The text of the dry run, or of the error that it ended in.
        state: ``done``; ``blocked`` by a plan or an error that said so before anything was run; ``empty`` of
            anything to run; ``stopped`` by an error during a run that nothing had announced; ``stopped by a
            body`` at a step of which the plan says that the body of its function may not fit.
        error: The error, if any.
        differences: What verify=true finds, which must be nothing of what a script has just made.
        not_compared: What it does not compare.
        retried: A transaction was tried again after a conflict. PostgreSQL does not roll sequences back, so
            that it has drawn other values from them than the script has on PostgreSQL.
    """

    plan: str
    state: str
    error: str = ""
    retried: bool = False
    differences: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()


class _Watched(LazyDatabase):
    """A database that remembers if a transaction was tried more than once."""

    retried = False

    async def run(self, unit: UnitOfWork) -> Report:
        report = await super().run(unit)
        self.retried |= report.attempts > 1
        return report


class Target:
    """A local cluster, as the tool uses it.

    Args:
        folder: Its data directory; the cluster runs.
        stack: Closes the connections.
        cluster: Its endpoint.
    """

    def __init__(self, folder: Path, stack: AsyncExitStack, cluster: LocalCluster) -> None:
        self._folder = folder
        self.cluster = cluster
        self._database = _Watched(Settings(local=True, local_data=folder), stack)
        self._tool = Migrate(
            self._database, confirmation=ChangeConfirmation("never"), call_time=60.0, sleep=_short_sleep
        )

    def connect(self) -> psycopg.Connection[Any]:
        """Open a session past the endpoint, as the superuser."""
        where = str(DataDir.of(self._folder).postgres)
        return psycopg.connect(
            host=where, user=SUPERUSER, dbname="postgres", autocommit=True, prepare_threshold=None
        )

    def empty(self) -> None:
        """Drop all that scripts made."""
        with self.connect() as connection:
            connection.execute(_EMPTY)
            drop_roles(connection)

    async def carry_over(self, script: str) -> Outcome:
        """Empty the cluster, plan a script, and carry it out if the plan says that nothing stops it."""
        self.empty()
        try:
            plan = await self._call(script, dry_run=True)
            text = await self._all_of(script, plan)
        except DsqlError as error:
            return Outcome(str(error), "blocked", _text(error))
        token = plan.structured.get("resume_from")
        if token is None or not plan.structured["steps"]:
            return Outcome(text, "blocked" if token is None else "empty")
        self._database.retried = False
        answer = plan
        try:
            while token is not None:
                answer = await self._call(script, str(token))
                token = answer.structured.get("resume_from")
        except DsqlError as error:
            state = "stopped by a body" if _is_of_a_body(text, error) else "stopped"
            return Outcome(text, state, _text(error), self._database.retried)
        found: Any = answer.structured["compared"]
        return Outcome(
            text,
            "done",
            retried=self._database.retried,
            differences=tuple(found["differences"]),
            not_compared=tuple(found["not_compared"]),
        )

    async def _all_of(self, script: str, plan: ToolOutput) -> str:
        """Read a plan to its end, as it tells to."""
        texts = [plan.text]
        while (place := plan.structured.get("show_from")) is not None:
            plan = await self._tool.migrate(MigrateRequest(script, show_from=str(place)), _ignore)
            texts.append(plan.text)
        return "\n".join(texts)

    async def _call(self, script: str, token: str | None = None, *, dry_run: bool = False) -> ToolOutput:
        return await self._tool.migrate(MigrateRequest(script, dry_run, token, verify=True), _ignore)


def _is_of_a_body(plan: str, error: DsqlError) -> bool:
    """Tell if it is about the body of a function of a step that the plan names for it."""
    named = _UNCHECKED.search(plan)
    step = _STEP.match(error.message)
    if named is None or step is None or error.sqlstate is None:
        return False
    is_of_a_body = error.sqlstate.startswith(("42", "22")) and error.sqlstate != _DUPLICATE_FUNCTION
    return (
        is_of_a_body and "without this function" in _text(error) and step[1] in re.findall(r"\d+", named[1])
    )


async def _short_sleep(seconds: float) -> None:
    await asyncio.sleep(min(seconds, _PAUSE))


async def _ignore(done: float, total: float | None, message: str | None) -> None:
    del done, total, message


def _text(error: DsqlError) -> str:
    return "\n".join(filter(None, [f"{error.code}: {error.message}", error.hint]))
