"""Causes of a failed connection, in the operator's terms, and what each means for another attempt.

libpq reports a failed connection as text, without SQLSTATE. The texts of Aurora DSQL are from its user
guide, "Troubleshooting"; those of libpq from its sources (fe-connect, fe-secure). Case is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from awslabs_dsql_mcp.errors import Busy, ConnectionFailed, DsqlError


class Remains(Enum):
    """What may still help."""

    NOTHING = "nothing"
    """Another attempt fails in the same way."""
    CREDENTIALS = "credentials"
    """The token was refused: one of renewed credentials may be taken."""
    SIGNATURE = "signature"
    """The signature of the token was too old: a fresh one may be taken."""
    TIME = "time"
    """Later attempts may succeed."""


@dataclass(frozen=True)
class LoginCause:
    """A known cause.

    Attributes:
        patterns: Texts of which one must be in the message, in lower case.
        code: The error's code.
        message: The problem.
        hint: The next step.
        error: The error's class.
        remains: What may still help.
    """

    patterns: tuple[str, ...]
    code: str
    message: str
    hint: str
    error: Callable[..., DsqlError] = ConnectionFailed
    remains: Remains = Remains.NOTHING


THIS: Final = "'this'"
"""What a hint names the cluster by, unless its endpoint is known."""
_LOOK: Final = (
    f"cluster_status(cluster_id={THIS}) tells its state and what that means. The operator sees it with "
    "`awslabs-dsql-mcp clusters show` and the server's options."
)

# The first match counts: specific causes come first.
_CAUSES: Final = (
    LoginCause(
        ("invalid port number", 'for connection option "port"'),
        "wrong_port",
        "PGPORT is not a port",
        "The operator can unset PGPORT where the client starts this server: Aurora DSQL's port is 5432.",
    ),
    LoginCause(
        ("could not parse network address",),
        "wrong_address",
        "PGHOSTADDR is not an IP address",
        "The operator can give PGHOSTADDR an address, not a name, or unset it where the client starts this "
        "server.",
    ),
    LoginCause(
        ("signature expired",),
        "token_expired",
        "The cluster reports, twice in a row, that the login token had expired",
        "Set this machine's clock (tokens are valid for 15 minutes from its time), or renew the AWS session.",
        remains=Remains.SIGNATURE,
    ),
    LoginCause(
        ("signature not yet current",),
        "clock_ahead",
        "The cluster reports that the login token is from the future",
        "Set this machine's clock: it is more than five minutes ahead.",
    ),
    LoginCause(
        ("wrong user to action mapping",),
        "wrong_action",
        "The token's action does not fit the role",
        "Set --database_user to the right role: `admin` needs dsql:DbConnectAdmin, any other role "
        "dsql:DbConnect.",
    ),
    LoginCause(
        ("is not authorized to",),
        "not_authorized",
        "The AWS identity may not connect to this cluster",
        "Allow it dsql:DbConnectAdmin (role admin) or dsql:DbConnect (any other role) on the cluster's ARN.",
        remains=Remains.CREDENTIALS,
    ),
    LoginCause(
        ("waking up cluster",),
        "waking_up",
        "The cluster was inactive and is waking up",
        "Try again in a few seconds.",
        Busy,
        Remains.TIME,
    ),
    LoginCause(
        ("cluster not available",),
        "cluster_not_available",
        "The cluster takes no connections in its present state",
        _LOOK,
    ),
    LoginCause(
        ("cluster not found",),
        "cluster_not_found",
        "There is no cluster of this name: it is deleted, or was never there",
        f"Check --cluster_endpoint. {_LOOK}",
    ),
    LoginCause(
        ("too many open connections", "too many clients", "remaining connection slots"),
        "too_many_connections",
        "The cluster has no connection left",
        "Try again in a few seconds; the operator can lower --max-connections or raise the cluster's quota.",
        Busy,
        Remains.TIME,
    ),
    LoginCause(
        ("rate exceeded",),
        "connection_rate",
        "The cluster receives too many new connections a second",
        "Try again in a few seconds.",
        Busy,
        Remains.TIME,
    ),
    LoginCause(
        ("sni was not received",),
        "no_sni",
        "The cluster received no server name (SNI) in TLS",
        "Give --cluster_endpoint as a host name, not as an address (PGHOSTADDR may be the address).",
    ),
    LoginCause(
        ("no iam identity is mapped",),
        "not_mapped",
        "The role is not mapped to an IAM identity",
        "As admin, run AWS IAM GRANT role TO 'arn:aws:iam::<account>:role/<name>'.",
    ),
    LoginCause(
        ("access denied", "iam authentication failed", "security token"),
        "access_denied",
        "The cluster refused the login token",
        "Check that --region is the cluster's, that the AWS credentials are of its account, and that the "
        "role exists, may LOGIN and is mapped to this IAM identity (AWS IAM GRANT).",
        remains=Remains.CREDENTIALS,
    ),
    LoginCause(
        ("certificate verify failed", "root certificate file", "unable to get local issuer"),
        "tls_untrusted",
        "The server's certificate is not trusted",
        "Give the right root certificates with --ssl-root-cert (Aurora DSQL uses Amazon Root CA 1); with a "
        "proxy in between, its CA must be among them.",
    ),
    LoginCause(
        ('database "postgres" does not exist',),
        "no_such_database",
        "The server has no database `postgres`, which every Aurora DSQL cluster has",
        "Check that the endpoint and port are an Aurora DSQL cluster's.",
    ),
    LoginCause(
        ("is not permitted to log in", "must have the login attribute"),
        "role_without_login",
        "The role may not log in",
        "As admin, run ALTER ROLE role WITH LOGIN, or correct --database_user.",
    ),
    LoginCause(
        ("does not exist",),
        "no_such_role",
        "The cluster has no such role that may log in",
        "Create it WITH LOGIN and map it with AWS IAM GRANT, or correct --database_user.",
    ),
    LoginCause(
        ("does not match host name", "certificate for"),
        "tls_name_mismatch",
        "The server's certificate is for another name",
        "Give --cluster_endpoint as the name in the certificate; PGHOSTADDR may be the address.",
    ),
    LoginCause(
        ("closed the connection", "connection reset", "eof detected", "unexpected eof", "broken pipe"),
        "connection_closed",
        "The connection was closed while it opened",
        "Try again; if it persists, check the proxies and firewalls between this machine and the cluster.",
    ),
    LoginCause(
        ("does not support ssl", "ssl is mandatory", "ssl error", "direct ssl", "sslv3 alert", "tlsv1 alert"),
        "tls_failed",
        "The TLS handshake failed",
        "Check that the endpoint and port are an Aurora DSQL cluster's and that no proxy "
        "intercepts TLS.",
    ),
    LoginCause(
        ("could not translate host", "name or service not known", "nodename nor servname", "getaddrinfo",
         "name resolution", "no address associated", "failed to resolve host"),
        "unknown_host",
        "The endpoint's name has no address",
        "Check --cluster_endpoint for a typing error, and this machine's DNS.",
    ),
    LoginCause(
        ("connection refused",),
        "refused",
        "Nothing listens at the endpoint",
        "Check --cluster_endpoint and, if set, PGHOSTADDR and PGPORT.",
    ),
    LoginCause(
        ("network is unreachable", "no route to host", "host is unreachable"),
        "no_route",
        "There is no route to the endpoint",
        "Check this machine's network and VPN; on a host without IPv6 set PGHOSTADDR to an IPv4 address.",
    ),
    LoginCause(
        ("timeout", "timed out", "no answer within"),
        "connect_timeout",
        "The endpoint did not answer in time",
        "Check firewalls and security groups for that port; --connect-timeout sets how long to wait.",
    ),
)  # fmt: skip


def find_cause(text: str) -> LoginCause | None:
    """Find the cause that a failed connection's message names; ``None`` for one that is not known."""
    lowered = text.lower()
    return next((cause for cause in _CAUSES if any(pattern in lowered for pattern in cause.patterns)), None)
