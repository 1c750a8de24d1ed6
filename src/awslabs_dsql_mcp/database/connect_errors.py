"""Causes of a failed connection, in the operator's terms.

libpq reports a failed connection as text, without SQLSTATE. The texts of Aurora DSQL are from its user
guide, "Troubleshooting"; those of libpq from its sources (fe-connect, fe-secure). Case is ignored.
"""

from collections.abc import Callable
from dataclasses import dataclass

from awslabs_dsql_mcp.database.failure import Failure
from awslabs_dsql_mcp.errors import Busy, ConnectionFailed, DsqlError
from awslabs_dsql_mcp.text import truncate

_MAX_QUOTE = 160  # characters of the message; the rest repeats it


@dataclass(frozen=True)
class _Cause:
    """One known cause.

    Attributes:
        patterns: Texts of which one must be in the message, in lower case.
        code: The error's code.
        message: The problem.
        hint: The next step.
        error: The error's class.
    """

    patterns: tuple[str, ...]
    code: str
    message: str
    hint: str
    error: Callable[..., DsqlError] = ConnectionFailed


# The first match counts: specific causes come first.
_CAUSES = (
    _Cause(
        ("signature expired",),
        "token_expired",
        "The cluster reports, twice in a row, that the login token had expired",
        "Set this machine's clock (tokens are valid for 15 minutes from its time), or renew the AWS session.",
    ),
    _Cause(
        ("signature not yet current",),
        "clock_ahead",
        "The cluster reports that the login token is from the future",
        "Set this machine's clock: it is more than five minutes ahead.",
    ),
    _Cause(
        ("wrong user to action mapping",),
        "wrong_action",
        "The token's action does not fit the role",
        "Set --database_user to the right role: `admin` needs dsql:DbConnectAdmin, any other role "
        "dsql:DbConnect.",
    ),
    _Cause(
        ("is not authorized to",),
        "not_authorized",
        "The AWS identity may not connect to this cluster",
        "Allow it dsql:DbConnectAdmin (role admin) or dsql:DbConnect (any other role) on the cluster's ARN.",
    ),
    _Cause(
        ("waking up cluster",),
        "waking_up",
        "The cluster was inactive and is waking up",
        "Try again in a few seconds.",
        Busy,
    ),
    _Cause(
        ("too many open connections", "too many clients", "remaining connection slots"),
        "too_many_connections",
        "The cluster has no connection left",
        "Try again in a few seconds; the operator can lower --max-connections or raise the cluster's quota.",
        Busy,
    ),
    _Cause(
        ("rate exceeded",),
        "connection_rate",
        "The cluster receives too many new connections a second",
        "Try again in a few seconds.",
        Busy,
    ),
    _Cause(
        ("sni was not received",),
        "no_sni",
        "The cluster received no server name (SNI) in TLS",
        "Give --cluster_endpoint as a host name, not as an address (PGHOSTADDR may be the address).",
    ),
    _Cause(
        ("no iam identity is mapped",),
        "not_mapped",
        "The role is not mapped to an IAM identity",
        "As admin, run AWS IAM GRANT role TO 'arn:aws:iam::<account>:role/<name>'.",
    ),
    _Cause(
        ("access denied", "iam authentication failed"),
        "access_denied",
        "The cluster refused the login token",
        "Check that --region is the cluster's, that the AWS credentials are of its account, and that the "
        "role exists, may LOGIN and is mapped to this IAM identity (AWS IAM GRANT).",
    ),
    _Cause(
        ("certificate verify failed", "root certificate file", "unable to get local issuer"),
        "tls_untrusted",
        "The server's certificate is not trusted",
        "Give the right root certificates with --ssl-root-cert (Aurora DSQL uses Amazon Root CA 1); with a "
        "proxy in between, its CA must be among them.",
    ),
    _Cause(
        ('database "postgres" does not exist',),
        "no_such_database",
        "The server has no database `postgres`, which every Aurora DSQL cluster has",
        "Check that the endpoint and port are an Aurora DSQL cluster's.",
    ),
    _Cause(
        ("is not permitted to log in", "must have the login attribute"),
        "role_without_login",
        "The role may not log in",
        "As admin, run ALTER ROLE role WITH LOGIN, or correct --database_user.",
    ),
    _Cause(
        ("does not exist",),
        "no_such_role",
        "The cluster has no such role that may log in",
        "Create it WITH LOGIN and map it with AWS IAM GRANT, or correct --database_user.",
    ),
    _Cause(
        ("does not match host name", "certificate for"),
        "tls_name_mismatch",
        "The server's certificate is for another name",
        "Give --cluster_endpoint as the name in the certificate; PGHOSTADDR may be the address.",
    ),
    _Cause(
        ("does not support ssl", "ssl is mandatory", "ssl error", "direct ssl", "sslv3 alert", "tlsv1 alert"),
        "tls_failed",
        "The TLS handshake failed",
        "Check that the endpoint and port are an Aurora DSQL cluster's and that no proxy "
        "intercepts TLS.",
    ),
    _Cause(
        ("could not translate host", "name or service not known", "nodename nor servname", "getaddrinfo",
         "name resolution", "no address associated", "failed to resolve host"),
        "unknown_host",
        "The endpoint's name has no address",
        "Check --cluster_endpoint for a typing error, and this machine's DNS.",
    ),
    _Cause(
        ("connection refused",),
        "refused",
        "Nothing listens at the endpoint",
        "Check --cluster_endpoint and, if set, PGHOSTADDR and PGPORT.",
    ),
    _Cause(
        ("network is unreachable", "no route to host", "host is unreachable"),
        "no_route",
        "There is no route to the endpoint",
        "Check this machine's network and VPN; on a host without IPv6 set PGHOSTADDR to an IPv4 address.",
    ),
    _Cause(
        ("timeout", "timed out", "no answer within"),
        "connect_timeout",
        "The endpoint did not answer in time",
        "Check firewalls and security groups for port 5432; --connect-timeout sets how long to wait.",
    ),
    _Cause(
        ("closed the connection", "connection reset", "eof detected", "broken pipe"),
        "connection_closed",
        "The connection was closed while it opened",
        "Try again; if it persists, check the proxies and firewalls between this machine and the cluster.",
    ),
)  # fmt: skip


def login_error(failure: Failure) -> DsqlError:
    """Translate a failed connection into an error that names the cause.

    Args:
        failure: The failure that libpq or the server reported; its message may have several lines.
    """
    text = f"{failure.message}\n{failure.hint or ''}".lower()
    cause = next((c for c in _CAUSES if any(pattern in text for pattern in c.patterns)), None)
    if cause is None:
        return ConnectionFailed(
            f"No connection to the cluster: {truncate(failure.message, _MAX_QUOTE)}",
            sqlstate=failure.sqlstate,
            hint="Check the endpoint, the role and the network.",
        )
    quoted = truncate(failure.hint or failure.message, _MAX_QUOTE)
    return cause.error(
        f"{cause.message}: {quoted}", code=cause.code, sqlstate=failure.sqlstate, hint=cause.hint
    )
