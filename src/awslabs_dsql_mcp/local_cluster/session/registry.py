"""The sessions of a cluster, and what they share: the catalog's version, the limits, the faults on demand."""

from __future__ import annotations

import asyncio
import secrets
import time
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from awslabs_dsql_mcp.local_cluster import dialect
from awslabs_dsql_mcp.local_cluster.protocol import messages
from awslabs_dsql_mcp.local_cluster.session.prepared import Prepared
from awslabs_dsql_mcp.local_cluster.session.response_router import UNKNOWN
from awslabs_dsql_mcp.local_cluster.session.state import Content
from awslabs_dsql_mcp.local_cluster.session.transaction import Now, SessionTransaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from awslabs_dsql_mcp.local_cluster.config import ClusterConfig
    from awslabs_dsql_mcp.local_cluster.dialect import Refusal, TranslatedStatement

_MAX_CACHED: Final = 500
_MAX_CACHED_SQL: Final = 10_000  # characters, or bytes


class BackendControl(Protocol):
    """The superuser's way to PostgreSQL."""

    async def is_mapped(self, role: str, /) -> bool | None:
        """Return true if an IAM identity is mapped to a role; `None` if there is no such role."""
        ...

    async def blockers(self, process: int, /) -> list[int]:
        """Name the processes that another waits for."""
        ...

    async def cancel(self, process: int, /) -> bool:
        """End what a process is doing."""
        ...


class RegisteredSession(Protocol):
    """A session, as the others see it."""

    @property
    def transaction(self) -> SessionTransaction | None:
        """The open transaction."""
        ...

    def fail_transaction(self, refusal: Refusal, /) -> None:
        """Abort the open transaction in favour of another session."""
        ...


class SessionRegistry:
    """All sessions of one cluster.

    Args:
        control: The superuser's connection.
        config: Configuration of the cluster.
        clock: Monotonic seconds.
    """

    def __init__(
        self, control: BackendControl, config: ClusterConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.nonce = secrets.token_hex(8)
        self.max_transaction_seconds = config.max_transaction_seconds
        self.honours_cancel = config.honour_cancel
        self.is_mapped = control.is_mapped
        self._control, self._clock = control, clock
        self._numbers = count(1)
        self._catalog = self._commits = 0
        self._ending: WeakSet[SessionTransaction] = WeakSet()
        self._locked: dict[str, int] = {}
        self._sessions: dict[int, RegisteredSession] = {}
        # A text alone decides what becomes of it: neither settings nor the catalog do.
        self._known_texts = lru_cache(_MAX_CACHED)(self._translate)
        self._known_parses = lru_cache(_MAX_CACHED)(self._read_parse)
        self._tasks: set[asyncio.Task[bool]] = set()

    def count(self) -> int:
        """Number one more session."""
        return next(self._numbers)

    def now(self) -> Now:
        """Read what transactions are measured by."""
        return Now(self._clock(), self._catalog, self._commits)

    def catalog_changed(self) -> None:
        """Let all transactions that are open now end in OC001."""
        self._catalog += 1

    def ending(self, transaction: SessionTransaction) -> None:
        """Take note that the last statement of a transaction is on its way to PostgreSQL."""
        if transaction.content.state is Content.SCHEMA:
            self._ending.add(transaction)

    def catalog_moves(self, transaction: SessionTransaction) -> bool:
        """Return true if the catalog has changed since a transaction began, or another may just change it."""
        others = (one for one in self._ending if one is not transaction and not one.has_ended)
        return self._catalog != transaction.began.catalog or any(others)

    def data_changed(self, locked: set[str]) -> None:
        """Count one more commit of changed data, or of locked rows.

        Args:
            locked: The tables of which it had locked rows.
        """
        self._commits += 1
        self._locked.update(dict.fromkeys(locked, self._commits))

    def were_locked(self, tables: set[str], since: Now) -> bool:
        """Return true if another transaction has locked rows of a table, and has committed, since then."""
        return any(self._locked.get(table, 0) > since.commits for table in tables)

    def translate(self, sql: str) -> tuple[TranslatedStatement, ...]:
        """Translate a text, or remember how it was translated."""
        return (self._known_texts if len(sql) <= _MAX_CACHED_SQL else self._translate)(sql)

    def _translate(self, sql: str) -> tuple[TranslatedStatement, ...]:
        return dialect.translate(sql, self.nonce)

    def read_parse(self, body: bytes) -> Prepared:
        """Read the body of a Parse message and translate its text, or remember what came of it.

        Raises:
            messages.WrongFormat: It does not have the fields of a Parse.
        """
        return (self._known_parses if len(body) <= _MAX_CACHED_SQL else self._read_parse)(body)

    def _read_parse(self, body: bytes) -> Prepared:
        messages.check_format(messages.PARSE, body)
        parsed = messages.read_parse(body)
        statements = self.translate(messages.decode(parsed.sql))
        statement = statements[0] if len(statements) == 1 else UNKNOWN
        if statement.changed or statement.inserted:
            parsed = parsed._replace(sql=messages.encode(statement.sql))
        return Prepared(parsed, statement, messages.parse(parsed))

    def enter(self, session: RegisteredSession, pid: int) -> None:
        """Take in a session whose backend is known now."""
        self._sessions[pid] = session

    def leave(self, pid: int | None) -> None:
        """Forget a session."""
        if pid is not None:
            self._sessions.pop(pid, None)

    async def abort_blockers(self, pid: int, refusal: Refusal, goes_on: Callable[[], bool]) -> None:
        """Let those lose for whom a backend waits.

        Args:
            pid: The backend.
            refusal: What they are told.
            goes_on: Says whether what the backend waited for when it was asked is still under way.
        """
        blockers = await self._control.blockers(pid)
        for blocker in blockers if goes_on() else ():
            if (session := self._sessions.get(blocker)) is not None:
                session.fail_transaction(refusal)

    def lock_holders(self, tables: set[str], other: SessionTransaction) -> list[SessionTransaction]:
        """Find the open transactions, but for one, that have locked rows of tables."""
        found = [session.transaction for session in self._sessions.values()]
        return [one for one in found if one is not None and one is not other and one.locked & tables]

    def cancel(self, pid: int) -> asyncio.Future[bool]:
        """End what a backend is doing; the future is done once it has been told."""
        task = asyncio.ensure_future(self._control.cancel(pid))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
