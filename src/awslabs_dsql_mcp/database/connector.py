"""How to reach a cluster: its address, its trust, and a fresh token for each connection."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.database.connection import PostgresConnection, speaks_direct_tls
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.errors import ConnectionFailed

# A path that died in silence, as behind a NAT or a laptop's lid, is found out in seconds, not minutes
# (PostgreSQL documentation, "Parameter Key Words"); the last one is Linux's and left alone elsewhere.
_KEEPALIVES = {
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


@dataclass(frozen=True)
class Target:
    """A cluster, and who logs in.

    Attributes:
        host: Host name or address; the token, the certificate and SNI are for it.
        user: Role to log in as.
        identity: Whose AWS credentials sign the token.
        root_cert: File of trusted roots (PEM), or ``system``.
        port: Port; ``None`` for libpq's own choice: PGPORT, else 5432.
        address: Address to connect to; ``None`` for libpq's own choice: PGHOSTADDR, else the name's.
        direct_tls: Whether the server is known to take TLS without libpq's request for it.
    """

    host: str
    user: str
    identity: Identity
    root_cert: str
    port: int | None = None
    address: str | None = None
    direct_tls: bool = False


class Connector:
    """Opens connections to one cluster.

    Args:
        target: The cluster.
        timeout: Longest wait for a token, and for a connection, in seconds each.
        tokens: Makes tokens for an identity.
    """

    def __init__(
        self,
        target: Target,
        *,
        timeout: float,
        tokens: Callable[[Identity], TokenSource] = TokenSource,
    ) -> None:
        self._target = target
        self._timeout = timeout
        self._tokens = tokens(target.identity)

    def prepare(self) -> None:
        """Do what needs no network and takes long: import boto3, make its client."""
        self._tokens.prepare()

    async def connect(self) -> PostgresConnection:
        """Open a connection with a fresh token.

        Raises:
            ConnectionFailed: No token could be made; nobody was asked.
            NotConfigured: The AWS profile or the region is unknown.
            DatabaseFailed: The network or the cluster refused.
        """
        try:
            with anyio.fail_after(self._timeout):
                password = await self._tokens.token(self._target.host, self._target.user)
        except TimeoutError:
            raise ConnectionFailed(
                f"The AWS credentials took longer than {self._timeout:g} s to come.",
                code="credentials_timeout",
                hint="Check what serves them: an SSO login, a credential process, the instance's metadata.",
            ) from None
        try:
            with anyio.fail_after(self._timeout):
                return await PostgresConnection.connect(self._parameters() | {"password": password})
        except TimeoutError:
            raise DatabaseError(
                Failure(f"no answer within {self._timeout:g} s (--connect-timeout)", connecting=True)
            ) from None

    def _parameters(self) -> dict[str, str]:
        """Give libpq's parameters; those left out keep their variables: PGHOSTADDR, PGPORT."""
        target = self._target
        parameters = {
            "host": target.host,
            "dbname": "postgres",
            "user": target.user,
            "sslmode": "verify-full",
            "sslrootcert": target.root_cert,
            "gssencmode": "disable",
            "target_session_attrs": "any",
            "application_name": f"awslabs-dsql-mcp/{__version__}",
            **_KEEPALIVES,
            "options": "",  # PGOPTIONS may hold settings that Aurora DSQL refuses
            "client_encoding": "UTF8",  # PGCLIENTENCODING would have the server misread statements
        }
        if target.port is not None:
            parameters["port"] = str(target.port)
        if target.address is not None:
            parameters["hostaddr"] = target.address
        if target.direct_tls and speaks_direct_tls():
            parameters["sslnegotiation"] = "direct"
        return parameters
