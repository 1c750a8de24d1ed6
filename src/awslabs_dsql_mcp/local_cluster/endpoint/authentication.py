"""Checks of a new connection, in the order and with the texts of Aurora DSQL, without I/O.

Texts and SQLSTATEs: Aurora DSQL user guide, "Troubleshooting", and records of live clusters; where
neither gives the SQLSTATE (no SNI) it is 08006, as in its neighbours. A name that PostgreSQL itself
would refuse gets PostgreSQL's text. The error for a role without an IAM mapping is not documented: it is
that of other refused identities, with a hint of ours.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from awslabs_dsql_mcp.local_cluster import iam_token
from awslabs_dsql_mcp.local_cluster.endpoint import startup_parameters
from awslabs_dsql_mcp.local_cluster.postgres.server import RESERVED_ROLES
from awslabs_dsql_mcp.local_cluster.protocol import wire
from awslabs_dsql_mcp.local_cluster.protocol.wire import Refusal
from awslabs_dsql_mcp.sql.identifiers import quote_identifier

DATABASE = "postgres"
_DENIED = "unable to accept connection, access denied"


@dataclass(frozen=True)
class Request:
    """A request to connect.

    Attributes:
        encrypted: True if it came over TLS.
        host: Host name in TLS (SNI).
        startup: Startup packet.
    """

    encrypted: bool
    host: str | None
    startup: wire.Packet

    @property
    def user(self) -> str:
        """Database role."""
        return self.startup.parameters().get("user", "")

    @property
    def database(self) -> str:
        """Database; by default the name of the role, as in PostgreSQL."""
        return self.startup.parameters().get("database", self.user)


def refuse_request(request: Request) -> Refusal | None:
    """Check a request before the password is requested; return the refusal, if any."""
    if request.startup.code >> 16 != wire.PROTOCOL_MAJOR:
        version = f"{request.startup.code >> 16}.{request.startup.code & 0xFFFF}"
        return Refusal("0A000", f"unsupported frontend protocol {version}: server supports 3.0 to 3.0")
    if not request.encrypted:
        return Refusal("08P01", "SSL is mandatory")
    if not request.host:
        return Refusal("08006", "unable to accept connection, sni was not received")
    if not request.user:
        return Refusal("28000", "no PostgreSQL user name specified in startup packet")
    return startup_parameters.refuse(request.startup.parameters())


def refuse_login(
    request: Request,
    token: str,
    names: Collection[str],
    credentials: iam_token.Credentials,
    now: datetime,
) -> Refusal | None:
    """Check the token that the client sent as its password, then the role and the database.

    Args:
        request: The request.
        token: The password.
        names: The cluster's names: a token for one of them is good for each.
        credentials: The keys that must have signed the token.
        now: The time, with its zone.
    """
    host = (request.host or "").lower()
    try:
        iam_token.check(token, names if host in names else (host,), request.user, credentials, now)
    except iam_token.TokenRefused as refused:
        return Refusal("08006", _DENIED, refused.hint)
    if request.user in RESERVED_ROLES:
        return _no_role(request.user)
    if request.database != DATABASE:
        return Refusal("3D000", f'database "{request.database}" does not exist')
    return None


def _no_role(role: str) -> Refusal:
    """Refuse a role that does not exist, with the SQLSTATE that AWS's connector for asyncpg expects."""
    return Refusal("08P01", f'role "{role}" does not exist')


def refuse_role(role: str, *, mapped: bool | None) -> Refusal | None:
    """Check that an IAM identity may log in as the role; the one pair of keys stands for all of them.

    Args:
        role: The role to log in as.
        mapped: True if ``sys.iam_pg_role_mappings`` has a row of it; `admin` needs none. `None` if there is
            no such role.
    """
    if mapped is None:
        return _no_role(role)
    if role == iam_token.ADMIN or mapped:
        return None
    grant = f"AWS IAM GRANT {quote_identifier(role)} TO 'arn:aws:iam::…'"
    hint = f"No IAM identity is mapped to role {role}: as admin, run {grant}"
    return Refusal("08006", _DENIED, hint)
