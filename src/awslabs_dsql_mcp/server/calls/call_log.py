"""The end of each call of a tool: a line in the log, and a record in the audit log."""

import asyncio
import logging
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from mcp.types import CallToolResult, InputRequiredResult

from awslabs_dsql_mcp.database.call_context import CallContext, call_context
from awslabs_dsql_mcp.server.calls.audit_record import AuditTrail, CallRecord, CallStatus, build_record
from awslabs_dsql_mcp.tools.spec import facts_of

log = logging.getLogger(__name__)

_PROTOCOL_ERROR = {"code": "protocol_error"}


@dataclass(eq=False)
class ActiveCall:
    """A call that has begun.

    Attributes:
        tool: Its name.
        arguments: As the client sent them.
        context: What it does on a cluster.
        began: When.
        clock: The same in monotonic seconds.
        result: Its answer, once there is one.
    """

    tool: str
    arguments: Mapping[str, Any]
    context: CallContext
    began: datetime
    clock: float
    result: CallToolResult | InputRequiredResult | None = None

    def __str__(self) -> str:
        """Name it, and its cluster where there are several."""
        cluster = self.context.cluster
        return self.tool if cluster is None else f"{self.tool} on cluster {cluster}"

    def end(self, *, cancelled: bool) -> CallRecord:
        """Make the record of its end, with what its answer or error says to programs."""
        how: CallStatus
        facts: Mapping[str, Any] = {}
        match self.result:
            case _ if cancelled:
                how = "cancelled"
            case CallToolResult(is_error=failed):
                how, facts = "failed" if failed else "answered", facts_of(self.result)
            case InputRequiredResult():
                how = "asked"
            case None:
                how, facts = "failed", _PROTOCOL_ERROR
        context, took = self.context, 1000 * (time.monotonic() - self.clock)
        return CallRecord(
            self.tool,
            self.arguments,
            self.began,
            took,
            context.cluster,
            context.attempts,
            how,
            facts,
            context.commits,
            context.commits_in_doubt,
            context.requests,
            context.requests_in_doubt,
        )


class CallLog:
    """Notes how calls end.

    Args:
        audit: Takes a record of each; ``None`` for none.
    """

    def __init__(self, audit: AuditTrail | None = None) -> None:
        self._audit = audit
        self._active: set[ActiveCall] = set()
        self._lock = threading.Lock()  # the end of the process may come in another thread

    @contextmanager
    def track(self, tool: str, arguments: dict[str, Any]) -> Generator[ActiveCall]:
        """Note the end of a call, however it comes.

        Args:
            tool: Its name.
            arguments: As the client sent them.
        """
        with call_context() as context:
            call = ActiveCall(tool, arguments, context, datetime.now(timezone.utc), time.monotonic())
            with self._lock:
                self._active.add(call)
            cancelled = False
            try:
                yield call
            except asyncio.CancelledError:
                cancelled = True
                raise
            finally:
                self._end(call, cancelled=cancelled)

    def end_all(self) -> None:
        """Note the end of the calls that are under way when the process ends; from any thread."""
        for call in tuple(self._active):
            self._end(call, cancelled=True)

    def _end(self, call: ActiveCall, *, cancelled: bool) -> None:
        with self._lock:
            if call not in self._active:
                return
            self._active.discard(call)
            record = call.end(cancelled=cancelled)
            log.info("%s: %s in %.0f ms", call, record.status, record.milliseconds)
            if self._audit is not None:
                self._audit.write(build_record(record, parameters=self._audit.parameters))
