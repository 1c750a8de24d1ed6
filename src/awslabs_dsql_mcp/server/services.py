"""What lives as long as the server: the database, the documentation, the local cluster.

Nothing connects, and nothing heavy is imported, before the first need; once the first response is out,
the imports are warmed up.
"""

import asyncio
import importlib
from contextlib import AsyncExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.database.transaction import Report, RetryPolicy, UnitOfWork
from awslabs_dsql_mcp.errors import ConnectionFailed
from awslabs_dsql_mcp.output.tool_output import ToolOutput

if TYPE_CHECKING:
    from awslabs_dsql_mcp.bulk.runner import BatchRunner
    from awslabs_dsql_mcp.database.connector import Connector
    from awslabs_dsql_mcp.database.executor import PooledDatabase
    from awslabs_dsql_mcp.lint.model import LintReport
    from awslabs_dsql_mcp.lint.program import LintProgram
    from awslabs_dsql_mcp.tools.batch_write import BatchWrite
    from awslabs_dsql_mcp.tools.confirmation import BatchConfirmation
    from awslabs_dsql_mcp.tools.documentation import Documentation
    from awslabs_dsql_mcp.tools.dsql_lint import LintTools
    from awslabs_dsql_mcp.tools.explain_query import PlanTools
    from awslabs_dsql_mcp.tools.get_schema import SchemaTools
    from awslabs_dsql_mcp.tools.job_status import JobTools
    from awslabs_dsql_mcp.tools.load_rows import LoadRows
    from awslabs_dsql_mcp.tools.migrate import MigrateTools
    from awslabs_dsql_mcp.tools.resources import ResourceReader

_HEAVY = ("awslabs_dsql_mcp.database.connector", "awslabs_dsql_mcp.database.executor")
_LOCAL_GONE = frozenset({"refused", "connection_closed"})
_RESPONSE_TIME = 0.05  # seconds after which the response that was just made is on its way


class LazyDatabase:
    """The configured cluster, imported, joined and connected to when it is first needed.

    Args:
        settings: What the operator decided.
        stack: Closes what is opened here.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._making = asyncio.Lock()
        self._made: PooledDatabase | None = None
        self._dialer: Connector | None = None

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work.

        Raises:
            NotConfigured: No cluster is configured, or no PostgreSQL is there for a local one.
            DsqlError: What `PooledDatabase.run` raises.
        """
        database = await self._database()
        try:
            return await database.run(unit)
        except ConnectionFailed as failed:
            if not (self._settings.local and failed.code in _LOCAL_GONE):
                raise
        # Whatever held the local cluster up has died. No COMMIT was sent, so the unit may be run again.
        async with self._making:
            if self._made is database:
                self._made = None
        return await (await self._database()).run(unit)

    async def warm_up(self) -> None:
        """Do what the first call would wait for, connecting excepted: that wakes a sleeping cluster."""
        if self._settings.local or self._settings.cluster_endpoint:
            await self._database()
        if self._dialer is not None:
            await asyncio.to_thread(self._dialer.prepare)

    async def _database(self) -> "PooledDatabase":
        async with self._making:
            if self._made is None:
                self._made = await self._make()
            return self._made

    async def _make(self) -> "PooledDatabase":
        for name in _HEAVY:
            await asyncio.to_thread(importlib.import_module, name)
        from awslabs_dsql_mcp.database.connector import Connector  # noqa: PLC0415 - imported above, off the loop
        from awslabs_dsql_mcp.database.executor import Limits, PooledDatabase  # noqa: PLC0415 - as above
        from awslabs_dsql_mcp.target import resolve_target  # noqa: PLC0415 - as above

        chosen = self._settings
        target = await resolve_target(chosen, self._stack)
        self._dialer = Connector(target, timeout=chosen.connect_timeout)
        database = PooledDatabase(
            self._dialer.connect,
            policy=RetryPolicy(chosen.retry_attempts, chosen.retry_time, chosen.retry_delay),
            limits=Limits(chosen.statement_timeout, chosen.call_timeout, chosen.max_connections),
        )
        self._stack.push_async_callback(database.aclose)
        return database


class LateDocumentation:
    """The documentation tools, imported when they are first needed.

    Args:
        settings: What the operator decided.
        stack: Closes what is opened here.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._made: Documentation | None = None

    async def search(self, search_phrase: str, limit: int | None) -> ToolOutput:
        """Find pages by a phrase."""
        return await self._documentation().search(search_phrase, limit)

    async def read(self, url: str, start_index: int | None, max_length: int | None) -> ToolOutput:
        """Read a page, or a part of it."""
        return await self._documentation().read(url, start_index, max_length)

    async def recommend(self, url: str) -> ToolOutput:
        """Find pages that go with a page."""
        return await self._documentation().recommend(url)

    def _documentation(self) -> "Documentation":
        if self._made is None:
            from awslabs_dsql_mcp.documentation.client import DocumentationClient  # noqa: PLC0415 - see the class
            from awslabs_dsql_mcp.documentation.guide_pages import load_guide  # noqa: PLC0415 - see the class
            from awslabs_dsql_mcp.tools.documentation import Documentation  # noqa: PLC0415 - see the class

            knowledge = DocumentationClient(
                self._settings.knowledge_server, timeout=self._settings.knowledge_timeout
            )
            self._stack.push_async_callback(knowledge.aclose)
            self._made = Documentation(knowledge, load_guide())
        return self._made


class WarmUp:
    """Warms up once the first response is out.

    Args:
        database: What will surely be needed of the world; ``None`` for nothing.
    """

    def __init__(self, database: LazyDatabase | None) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on; behind the first one, begin."""
        result = await call_next(ctx)
        if self._task is None:
            self._task = asyncio.ensure_future(self._warm_up())
        return result

    async def _warm_up(self) -> None:
        await asyncio.sleep(_RESPONSE_TIME)
        from awslabs_dsql_mcp.guard import guard  # noqa: PLC0415 - this is where it is warmed up

        await asyncio.to_thread(guard.check, "SELECT 1", writes=False)
        if self._database is None:
            return
        try:
            await self._database.warm_up()
        except Exception:  # noqa: BLE001 - the call that needs it fails again, and is told why
            return


class LateTools:
    """The tools that a session may do without, imported and made when they are first needed.

    Args:
        database: Reads the catalog.
        teaching: Runs what agents wrote.
        settings: What the operator decided.
    """

    def __init__(self, database: Database, teaching: Database, settings: Settings) -> None:
        self._database = database
        self._teaching = teaching
        self._settings = settings

    @cached_property
    def _schema(self) -> "SchemaTools":
        from awslabs_dsql_mcp.tools.get_schema import SchemaTools  # noqa: PLC0415 - see the class

        return SchemaTools(self._database)

    @cached_property
    def _plan(self) -> "PlanTools":
        from awslabs_dsql_mcp.tools.explain_query import PlanTools  # noqa: PLC0415 - see the class

        return PlanTools(self._teaching)

    @cached_property
    def _resources(self) -> "ResourceReader":
        from awslabs_dsql_mcp.documentation.guide_pages import load_guide  # noqa: PLC0415 - see the class
        from awslabs_dsql_mcp.tools.resources import ResourceReader  # noqa: PLC0415 - see the class

        return ResourceReader(self._schema, load_guide)

    @cached_property
    def _linter(self) -> "LintProgram":
        from awslabs_dsql_mcp.lint.program import LintProgram  # noqa: PLC0415 - see the class

        return LintProgram()

    @cached_property
    def _lint(self) -> "LintTools":
        from awslabs_dsql_mcp.tools.dsql_lint import LintTools  # noqa: PLC0415 - see the class

        return LintTools(self, characters=self._settings.max_result_chars)

    @cached_property
    def _jobs(self) -> "JobTools":
        from awslabs_dsql_mcp.tools.job_status import JobTools  # noqa: PLC0415 - see the class

        return JobTools(self._database, call_time=self._settings.call_timeout)

    @cached_property
    def _migrate(self) -> "MigrateTools":
        from awslabs_dsql_mcp.tools.migrate import MigrateTools  # noqa: PLC0415 - see the class

        chosen = self._settings
        return MigrateTools(
            self._database,
            self,
            confirm=chosen.confirm,
            call_time=chosen.call_timeout,
            where=_named(chosen),
        )

    async def lint(self, sql: str, *, fix: bool, timeout: float) -> "LintReport":
        """Lint a text; see `core.ports.Linter`."""
        return await self._linter.lint(sql, fix=fix, timeout=timeout)

    def linting(self) -> "LintTools":
        """Give the lint tool."""
        return self._lint

    def jobs(self) -> "JobTools":
        """Give the tool for jobs."""
        return self._jobs

    def migration(self) -> "MigrateTools":
        """Give the tool for migrations."""
        return self._migrate

    def schema(self) -> "SchemaTools":
        """Give the schema tool."""
        return self._schema

    def plan(self) -> "PlanTools":
        """Give the plan tool."""
        return self._plan

    def resources(self) -> "ResourceReader":
        """Give the reader of resources."""
        return self._resources


class LateBulk:
    """The tools for many rows, imported and made when they are first needed.

    Args:
        database: Runs what agents wrote.
        settings: What the operator decided.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings

    @cached_property
    def _parts(self) -> "tuple[BatchRunner, BatchConfirmation]":
        from awslabs_dsql_mcp.bulk.runner import BatchRunner  # noqa: PLC0415 - see the class
        from awslabs_dsql_mcp.tools.confirmation import BatchConfirmation  # noqa: PLC0415 - see the class

        batches = BatchRunner(self._database, call_time=self._settings.call_timeout)
        return batches, BatchConfirmation(self._settings.confirm)

    @cached_property
    def _batch_write(self) -> "BatchWrite":
        from awslabs_dsql_mcp.tools.batch_write import BatchWrite  # noqa: PLC0415 - see the class

        return BatchWrite(self._database, *self._parts, _named(self._settings))

    @cached_property
    def _load_rows(self) -> "LoadRows":
        from awslabs_dsql_mcp.bulk.row_files import LoadDirectory  # noqa: PLC0415 - see the class
        from awslabs_dsql_mcp.tools.load_rows import LoadRows  # noqa: PLC0415 - see the class

        return LoadRows(
            self._database, *self._parts, LoadDirectory(self._settings.load_dir), _named(self._settings)
        )

    def batch_write(self) -> "BatchWrite":
        """Give what runs big changes."""
        return self._batch_write

    def load_rows(self) -> "LoadRows":
        """Give what loads rows."""
        return self._load_rows


def _named(settings: Settings) -> str:
    """Name a cluster, so that what belongs to one is not taken for another's."""
    return settings.cluster_endpoint or f"local {settings.local_data or ''}"
