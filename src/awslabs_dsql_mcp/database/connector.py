"""Connections to a cluster: address, trusted roots and a fresh token for each."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.database.connection import PostgresConnection, supports_direct_tls
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.errors import ConnectionFailed

# A dead path, as behind a NAT or after a laptop's sleep, is detected in seconds instead of minutes
# (PostgreSQL documentation, "Parameter Key Words"). libpq ignores tcp_user_timeout outside Linux.
_KEEPALIVES = {
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


@dataclass(frozen=True)
class Target:
    """A cluster and the role to log in as.

    Attributes:
        host: Host name or address; the token, the certificate and SNI are for it.
        user: Role to log in as.
        identity: AWS identity that signs the token.
        root_cert: File of trusted root certificates (PEM), or ``system``.
        port: Port; ``None`` for libpq's default: PGPORT, else 5432.
        address: Address to connect to; ``None`` for libpq's default: PGHOSTADDR, else by DNS.
        direct_tls: The server is known to accept a TLS handshake without libpq's request for it.
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
        timeout: Maximum time to get a token, and to open a connection, in seconds each.
        tokens: Creates the token source of an identity.
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
        """Import boto3 and create its client, which is slow and needs no network."""
        self._tokens.prepare()

    async def connect(self) -> PostgresConnection:
        """Open a connection with a fresh token.

        Raises:
            ConnectionFailed: No token could be created; the cluster was not contacted.
            NotConfigured: The AWS profile or the region is unknown.
            DatabaseError: The network or the cluster refused the connection.
        """
        try:
            with anyio.fail_after(self._timeout):
                password = await self._tokens.token(self._target.host, self._target.user)
        except TimeoutError:
            raise ConnectionFailed(
                f"Loading the AWS credentials took longer than {self._timeout:g} s.",
                code="credentials_timeout",
                hint="Check their source: an SSO login, a credential process, the instance's metadata.",
            ) from None
        try:
            with anyio.fail_after(self._timeout):
                return await PostgresConnection.connect(self._parameters() | {"password": password})
        except TimeoutError:
            raise DatabaseError(
                Failure(f"no answer within {self._timeout:g} s (--connect-timeout)", connecting=True)
            ) from None

    def _parameters(self) -> dict[str, str]:
        """Build libpq's parameters; PGHOSTADDR and PGPORT apply where they are not set."""
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
            "options": "",  # PGOPTIONS may have settings that Aurora DSQL refuses
            "client_encoding": "UTF8",  # with PGCLIENTENCODING the server would misread statements
        }
        if target.port is not None:
            parameters["port"] = str(target.port)
        if target.address is not None:
            parameters["hostaddr"] = target.address
        if target.direct_tls and supports_direct_tls():
            parameters["sslnegotiation"] = "direct"
        return parameters
