"""Connections to a cluster: address, trusted roots and a fresh token for each."""

import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import anyio

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.aws.credentials import Identity, TokenSource
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.database.connection import (
    DROP_TIME,
    PostgresConnection,
    address_of_environment,
    port_of_environment,
    supports_certificate_mode,
    supports_direct_tls,
)
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.errors import ConnectionFailed

T = TypeVar("T")

# A dead path, as behind a NAT or after a laptop's sleep, is detected in seconds instead of minutes
# (PostgreSQL documentation, "Parameter Key Words"). libpq ignores tcp_user_timeout outside Linux: there
# `connection.limit_retransmission` takes its place.
_KEEPALIVES = {
    "keepalives_idle": "60",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": str(DROP_TIME * 1000),
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


def _no_files_of_libpq() -> dict[str, str]:
    """Build parameters that keep libpq from the files in ~/.postgresql: others' revocation list and key."""
    without_key = {"sslcertmode": "disable"} if supports_certificate_mode() else {}
    return {"sslcrl": os.devnull, **without_key}


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

    async def prepare(self) -> None:
        """Import botocore and load the credentials, which is slow."""
        await self._tokens.prepare()

    async def connect(self) -> PostgresConnection:
        """Open a connection with a fresh token; once more if the credentials were renewed meanwhile.

        Raises:
            ConnectionFailed: No token could be created; the cluster was not contacted.
            NotConfigured: The AWS profile, the region or the AWS configuration is wrong.
            DatabaseError: The network or the cluster refused the connection.
        """
        host, user = self._target.host, self._target.user
        token = await self._in_time(self._tokens.token(host, user))
        try:
            return await self._open(token)
        except DatabaseError as refused:
            if not refused.failure.login_refused:
                raise
            renewed = await self._in_time(self._tokens.renewed_token(host, user))
            if renewed is None:
                raise
        return await self._open(renewed)

    async def _in_time(self, work: Awaitable[T]) -> T:
        try:
            with anyio.fail_after(self._timeout):
                return await work
        except TimeoutError:
            raise self._no_token() from None

    def _no_token(self) -> ConnectionFailed:
        if self._target.identity.access_key is not None:  # signing needs nothing but the processor
            what = "Signing a login token"
            hint = "This machine is busy: try again, or raise --connect-timeout."
        else:
            what = "Loading the AWS credentials"
            hint = "Check their source: an SSO login, a credential process, the instance's metadata."
        message = f"{what} took longer than {self._timeout:g} s."
        return ConnectionFailed(message, code="credentials_timeout", hint=hint)

    async def _open(self, token: str) -> PostgresConnection:
        """Try the addresses in turn, each for its share of the time that is left (RFC 8305)."""
        end = anyio.current_time() + self._timeout
        addresses = await self._addresses()
        failure = self._no_answer()
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            opened = await self._attempt(token, address, (end - anyio.current_time()) / left)
            if isinstance(opened, PostgresConnection):
                return opened
            failure = opened
            if failure.failure.login_refused:
                break
        raise failure

    async def _attempt(
        self, token: str, address: Mapping[str, str], limit: float
    ) -> PostgresConnection | DatabaseError:
        parameters = {**self._parameters(), **address, "password": token}
        try:
            with anyio.fail_after(limit):
                return await PostgresConnection.connect(parameters)
        except TimeoutError:
            return self._no_answer()
        except DatabaseError as failed:
            return failed

    def _no_answer(self) -> DatabaseError:
        port = self._target.port or port_of_environment()
        text = f"no answer within {self._timeout:g} s (--connect-timeout) from port {port}"
        return DatabaseError(Failure(text, connecting=True))

    async def _addresses(self) -> Sequence[Mapping[str, str]]:
        """Look the host's addresses up, unless one is given; libpq's parameter for each."""
        target = self._target
        if target.address is not None:
            return ({"hostaddr": target.address},)
        if address_of_environment() is not None:
            return ({},)
        try:
            with anyio.fail_after(self._timeout):
                found = await run_in_daemon_thread(
                    lambda: socket.getaddrinfo(target.host, None, type=socket.SOCK_STREAM)
                )
        except TimeoutError:
            raise self._no_answer() from None
        except OSError as error:
            text = f"failed to resolve host {target.host!r}: {error}"
            raise DatabaseError(Failure(text, connecting=True)) from error
        return [{"hostaddr": address} for address in dict.fromkeys(str(item[4][0]) for item in found)]

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
            **_no_files_of_libpq(),
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
