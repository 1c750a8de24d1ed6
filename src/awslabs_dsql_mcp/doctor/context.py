"""Context of the checks: settings, environment, and results of earlier checks."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TypeVar

from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.aws.identity import CredentialInfo
from awslabs_dsql_mcp.catalog.iam_identity import IamIdentity
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.connection import PostgresConnection
from awslabs_dsql_mcp.database.connector import Target

T = TypeVar("T")
_PORT = 5432  # libpq's default


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


@dataclass(frozen=True)
class Environment:
    """Environment of the checks; tests replace parts of it.

    Attributes:
        environ: Environment variables.
        now: Returns the current time, with its zone.
        tokens: Creates the token source of an identity.
        origin: A sentence on where options and variables are from; empty if from this shell.
        during: Tells a person that a check runs, by its name.
    """

    environ: Mapping[str, str]
    now: Callable[[], datetime] = _utc_now
    tokens: Callable[[Identity], TokenSource] = TokenSource
    origin: str = ""
    during: Callable[[str], AbstractContextManager[object]] = nullcontext


@dataclass
class CheckContext:
    """State shared by the checks of one cluster.

    Attributes:
        settings: Settings of the server.
        environment: Environment, clock and token source.
        stack: Closes the resources that checks open.
        target: The cluster, once it is resolved.
        tokens: Token source of the cluster.
        credentials: Description of the credentials.
        addresses: Addresses of the endpoint.
        connection: The session, once logged in.
        refusal: Code of the cause of a login that was refused.
        caller: The AWS identity, once it is known.
        unusable: State of the cluster in which it takes no connections, with what to do; empty otherwise.
    """

    settings: Settings
    environment: Environment
    stack: AsyncExitStack
    target: Target | None = None
    tokens: TokenSource | None = None
    credentials: CredentialInfo | None = None
    addresses: tuple[str, ...] = field(default=())
    connection: PostgresConnection | None = None
    refusal: str | None = None
    caller: IamIdentity | None = None
    unusable: str = ""

    @property
    def cluster(self) -> Target:
        """The cluster; for checks that require it to be resolved."""
        if self.target is None:
            raise LookupError("no cluster is known yet")
        return self.target

    @property
    def port(self) -> int:
        """The port that libpq uses."""
        return self.cluster.port or int(self.environment.environ.get("PGPORT") or _PORT)

    @property
    def fixed_address(self) -> str | None:
        """The address that libpq uses instead of DNS."""
        return self.cluster.address or self.environment.environ.get("PGHOSTADDR") or None

    @property
    def session(self) -> PostgresConnection:
        """The session; for checks after the login."""
        if self.connection is None:
            raise LookupError("not logged in yet")
        return self.connection
