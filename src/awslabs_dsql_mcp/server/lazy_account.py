"""The AWS account of the configured cluster, asked at the first need."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from awslabs_dsql_mcp.config.settings import Settings

if TYPE_CHECKING:
    from awslabs_dsql_mcp.clusters.account import Account


class LazyAccount:
    """Gives the account; for a local cluster it is that of this machine, and the cluster is started.

    Args:
        settings: Settings of the cluster.
        stack: Disconnects from the local cluster.
    """

    def __init__(self, settings: Settings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._lock = asyncio.Lock()
        self._account: Account | None = None

    async def __call__(self) -> "Account":
        """Give the account.

        Raises:
            NotConfigured: No Region is known, or the local cluster cannot be started.
        """
        from awslabs_dsql_mcp.server.calls.recorded_api import (  # noqa: PLC0415 - most sessions ask nothing of AWS
            RecordedApi,
        )
        from awslabs_dsql_mcp.target import resolve_account  # noqa: PLC0415 - as above

        async with self._lock:
            if self._account is None:
                account = await resolve_account(self._settings, self._stack)
                self._account = replace(account, api=RecordedApi(account.api))
            return self._account
