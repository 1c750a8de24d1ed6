"""What is examined, and what the checks learn of it on the way."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TypeVar

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.aws.identity import CredentialInfo
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.connection import PostgresConnection
from awslabs_dsql_mcp.database.connector import Target

T = TypeVar("T")
_PORT = 5432  # libpq's own


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Environment:
    """What a check asks of the rest of the world; tests have their own.

    Attributes:
        environ: The environment.
        now: This machine's time, with its zone.
        tokens: Makes login tokens for an identity.
    """

    environ: Mapping[str, str]
    now: Callable[[], datetime] = _utc_now
    tokens: Callable[[Identity], TokenSource] = TokenSource


@dataclass
class CheckContext:
    """A server as it would start.

    Attributes:
        settings: What the operator decided.
        world: What is around it.
        stack: Closes what the checks open.
        target: The cluster; known once the settings, or the local cluster, are.
        tokens: Makes this target's tokens.
        known: What is known of the credentials.
        addresses: Where the endpoint's name leads, as texts.
        connection: The session, once logged in.
    """

    settings: Settings
    world: Environment
    stack: AsyncExitStack
    target: Target | None = None
    tokens: TokenSource | None = None
    known: CredentialInfo | None = None
    addresses: tuple[str, ...] = field(default=())
    connection: PostgresConnection | None = None

    @property
    def cluster(self) -> Target:
        """The cluster; only for checks that need it known."""
        if self.target is None:
            raise LookupError("no cluster is known yet")
        return self.target

    @property
    def port(self) -> int:
        """The port that libpq will choose."""
        return self.cluster.port or int(self.world.environ.get("PGPORT") or _PORT)

    @property
    def fixed_address(self) -> str | None:
        """The address that libpq takes without asking DNS."""
        return self.cluster.address or self.world.environ.get("PGHOSTADDR") or None

    @property
    def session(self) -> PostgresConnection:
        """The session; only for checks behind the login."""
        if self.connection is None:
            raise LookupError("nobody is logged in yet")
        return self.connection


async def run_in_daemon_thread(work: Callable[[], T]) -> T:
    """Do what blocks in a thread that holds up nobody's end: a name or a login may take minutes to fail."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)  # pyright: ignore[reportArgumentType] - a result, where there is no error
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except BaseException as raised:  # noqa: BLE001 - handed to who waits
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True).start()
    return await done
