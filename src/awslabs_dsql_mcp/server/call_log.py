"""The end of each call of a tool: a line in the log, and a record in the audit log."""

import asyncio
import logging
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from mcp.types import CallToolResult, InputRequiredResult

from awslabs_dsql_mcp.database.call_context import CallContext, call_context
from awslabs_dsql_mcp.server.audit_record import AuditTrail, CallRecord, CallStatus, build_record
from awslabs_dsql_mcp.tools.spec import facts_of

log = logging.getLogger(__name__)

_PROTOCOL_ERROR = {"code": "protocol_error"}


@dataclass
class ActiveCall:
    """A call that has begun.

    Attributes:
        tool: Its name.
        account: What it does on a cluster.
        result: Its answer, once there is one.
    """

    tool: str
    context: CallContext
    result: CallToolResult | InputRequiredResult | None = None

    def __str__(self) -> str:
        """Name it, and its cluster where there are several."""
        cluster = self.context.cluster
        return self.tool if cluster is None else f"{self.tool} on cluster {cluster}"

    def end(self, *, cancelled: bool) -> tuple[CallStatus, Mapping[str, object]]:
        """Tell how it ended, and what its answer or error says to programs."""
        if cancelled:
            return "cancelled", {}
        match self.result:
            case CallToolResult(is_error=failed):
                return "failed" if failed else "answered", facts_of(self.result)
            case InputRequiredResult():
                return "asked", {}
            case None:
                return "failed", _PROTOCOL_ERROR


class CallLog:
    """Notes how calls end.

    Args:
        audit: Takes a record of each; ``None`` for none.
    """

    def __init__(self, audit: AuditTrail | None = None) -> None:
        self._audit = audit

    @contextmanager
    def track(self, tool: str, arguments: dict[str, Any]) -> Generator[ActiveCall]:
        """Note the end of a call, however it comes.

        Args:
            tool: Its name.
            arguments: As the client sent them.
        """
        began, clock = datetime.now(timezone.utc), time.monotonic()
        with call_context() as account:
            call = ActiveCall(tool, account)
            cancelled = False
            try:
                yield call
            except asyncio.CancelledError:
                cancelled = True
                raise
            finally:
                took = 1000 * (time.monotonic() - clock)
                how, facts = call.end(cancelled=cancelled)
                log.info("%s: %s in %.0f ms", call, how, took)
                if self._audit is not None:
                    ended = CallRecord(
                        tool, arguments, began, took, account.cluster, account.attempts, how, facts
                    )
                    self._audit.write(build_record(ended, parameters=self._audit.parameters))
