"""The configured cluster, connected to at the first need, and prepared for it after the first response."""

import asyncio
import importlib
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.activity import ActivityRecord
from awslabs_dsql_mcp.database.transaction import Report, UnitOfWork
from awslabs_dsql_mcp.errors import ConnectionFailed, DsqlError, TransactionConflict
from awslabs_dsql_mcp.guard import guard

if TYPE_CHECKING:
    from awslabs_dsql_mcp.database.connector import Connector
    from awslabs_dsql_mcp.database.executor import PooledDatabase

_TARGET: Final = "awslabs_dsql_mcp.target"  # and the driver with it
_LOCAL_GONE: Final = frozenset({"refused", "connection_closed"})
_RESPONSE_TIME: Final = 0.05  # seconds after which the response that was just made is on its way


class LazyDatabase:
    """The configured cluster: its driver is imported, and connections are opened, at the first need.

    Args:
        settings: Settings of the cluster.
        stack: Closes the connections.

    Attributes:
        activity: What this server saw on the cluster.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self.activity = ActivityRecord()
        self._settings = settings
        self._stack = stack
        self._lock = asyncio.Lock()
        self._pooled: PooledDatabase | None = None
        self._connector: Connector | None = None

    async def run(self, unit: UnitOfWork) -> Report:
        """Run a unit of work.

        Raises:
            NotConfigured: No cluster is configured, or no PostgreSQL is there for a local one.
            DsqlError: What `PooledDatabase.run` raises.
        """
        try:
            return await self._run(unit)
        except DsqlError as failed:
            if failed.outcome is None and not unit.read_only:
                failed.outcome = "rolled_back"  # where COMMIT was sent, the outcome is known, or `unknown`
            if isinstance(failed, TransactionConflict):
                failed.hint = await self._advice(unit) or failed.hint
            raise

    async def _advice(self, unit: UnitOfWork) -> str | None:
        """Tell what repeated conflicts have in common; a failure there must not hide the error itself."""
        from awslabs_dsql_mcp.diagnosis.contention_advice import (  # noqa: PLC0415 - most sessions have no conflict
            contention_advice,
        )

        return await contention_advice(self, self.activity, unit)

    async def _run(self, unit: UnitOfWork) -> Report:
        database = await self._database()
        try:
            return await database.run(unit)
        except ConnectionFailed as failed:
            if not (self._settings.local and failed.code in _LOCAL_GONE):
                raise
        # The process that ran the local cluster has died. No COMMIT was sent, so the unit may be run again.
        async with self._lock:
            if self._pooled is database:
                self._pooled = None
        return await (await self._database()).run(unit)

    async def warm_up(self) -> None:
        """Import the driver and read credentials; no connection is opened, which would wake the cluster."""
        if self._settings.local or self._settings.cluster_endpoint:
            await self._database()
        if self._connector is not None:
            await self._connector.prepare()

    async def _database(self) -> "PooledDatabase":
        async with self._lock:
            if self._pooled is None:
                self._pooled = await self._create()
            return self._pooled

    async def _create(self) -> "PooledDatabase":
        await asyncio.to_thread(importlib.import_module, _TARGET)
        from awslabs_dsql_mcp.target import open_database  # noqa: PLC0415 - imported above, off the loop

        opened = await open_database(self._settings, self._stack, self.activity)
        self._connector = opened.connector
        return opened.database


class WarmUp:
    """Middleware that prepares for the first call once the first response is sent.

    Args:
        database: The cluster that calls mean by default; ``None`` for none.
    """

    def __init__(self, database: LazyDatabase | None) -> None:
        self._database = database
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a message on; after the first one, begin."""
        result = await call_next(ctx)
        if self._task is None:
            self._task = asyncio.ensure_future(self._warm_up())
        return result

    async def _warm_up(self) -> None:
        await asyncio.sleep(_RESPONSE_TIME)
        await asyncio.to_thread(guard.check, "SELECT 1", writes=False)
        if self._database is None:
            return
        try:
            await self._database.warm_up()
        except Exception:  # noqa: BLE001 - the call that needs it fails again, with the reason
            return
