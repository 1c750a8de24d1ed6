"""Refused connections: from libpq's text to what the operator can do."""

import pytest

from awslabs_dsql_mcp.database.connect_errors import login_error
from awslabs_dsql_mcp.database.connection import connect_failure
from awslabs_dsql_mcp.errors import Busy, DsqlError

AT = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '
DENIED = AT + "FATAL:  unable to accept connection, access denied"


@pytest.mark.parametrize(
    ("text", "code", "quoted"),
    [
        (
            f"{DENIED}\nHINT:  Signature expired: 20260101T000000Z is now earlier",
            "token_expired",
            "20260101T",
        ),
        (
            f"{DENIED}\nHINT:  Wrong user to action mapping. user: admin, action: DbConnect",
            "wrong_action",
            "admin",
        ),
        (
            f"{DENIED}\nHINT:  User: arn:x is not authorized to perform: dsql:DbConnect",
            "not_authorized",
            "arn:x",
        ),
        (DENIED, "access_denied", "access denied"),
        (f'{AT}FATAL:  IAM authentication failed for user "app"', "access_denied", "app"),
        (
            f"{AT}FATAL:  unable to accept connection, waking up cluster, please retry later",
            "waking_up",
            "waking",
        ),
        (
            f"{AT}FATAL:  unable to accept connection, cluster not available\nHINT: It is CREATING.",
            "cluster_not_available",
            "is CREATING",
        ),
        (f"{AT}FATAL:  unable to accept connection, cluster not found", "cluster_not_found", "not found"),
        (
            f"{AT}FATAL:  Unable to accept connection, too many open connections.",
            "too_many_connections",
            "too many",
        ),
        (f"{AT}FATAL:  sorry, too many clients already", "too_many_connections", "sorry"),
        (f"{AT}FATAL:  Unable to accept connection, rate exceeded.", "connection_rate", "rate"),
        (f"{AT}FATAL:  unable to accept connection, sni was not received", "no_sni", "sni"),
        (f"{AT}FATAL:  SSL is mandatory", "tls_failed", "mandatory"),
        (f'{AT}FATAL:  role "app" does not exist', "no_such_role", "app"),
        (f'{AT}FATAL:  role "app" is not permitted to log in', "role_without_login", "app"),
        (f'{AT}FATAL:  database "postgres" does not exist', "no_such_database", "postgres"),
        (f"{DENIED}\nHINT:  Signature not yet current: 20260101T000000Z is", "clock_ahead", "20260101T"),
        (f"{DENIED}\nHINT:  No IAM identity is mapped to role app", "not_mapped", "app"),
        (f"{AT}SSL error: certificate verify failed", "tls_untrusted", "verify"),
        (f'{AT}root certificate file "/x" does not exist', "tls_untrusted", "/x"),
        (
            f'{AT}server certificate for "a" does not match host name "b"',
            "tls_name_mismatch",
            '"b"',
        ),
        (f"{AT}server does not support SSL, but SSL was required", "tls_failed", "support"),
        (f"{AT}SSL error: tlsv1 alert no application protocol", "tls_failed", "alert"),
        (f"{AT}Connection refused\n\tIs the server running on that host?", "refused", "refused"),
        (f"{AT}Network is unreachable", "no_route", "unreachable"),
        ("failed to resolve host 'x': [Errno -2] Name or service not known", "unknown_host", "'x'"),
        ("[Errno -3] Temporary failure in name resolution", "unknown_host", "resolution"),
        ("connection timeout expired", "connect_timeout", "timeout"),
        (f"{AT}server closed the connection unexpectedly", "connection_closed", "unexpectedly"),
        (f"{AT}SSL SYSCALL error: EOF detected", "connection_closed", "EOF"),
        (f"{AT}SSL error: unexpected eof while reading", "connection_closed", "eof"),
        (f"{AT}something that nobody has heard of", "connection_failed", "nobody"),
    ],
)
def test_cause(text: str, code: str, quoted: str) -> None:
    error = login_error(connect_failure(text))
    assert error.code == code
    assert quoted in error.message
    assert error.hint
    assert "127.0.0.1" not in error.message


@pytest.mark.parametrize(
    ("said", "busy"),
    [("waking up cluster", True), ("too many open connections", True), ("access denied", False)],
)
def test_what_time_may_heal_is_busy(said: str, *, busy: bool) -> None:
    assert isinstance(login_error(connect_failure(f"{AT}FATAL:  {said}")), Busy) is busy


def test_the_state_that_is_advised_to_be_looked_at_is_that_of_the_cluster_that_refused() -> None:
    text, host = (
        f"{AT}FATAL:  unable to accept connection, cluster not available",
        f"{'a' * 26}.dsql.us-east-1.on.aws",
    )
    assert f"cluster_status(cluster_id='{host}') tells" in (
        login_error(connect_failure(text, host)).hint or ""
    )
    other = login_error(connect_failure(text, "dsql.internal.example"))
    assert "cluster_status(cluster_id='this') tells" in (other.hint or "")


def test_of_several_addresses_the_servers_own_word_counts() -> None:
    text = (
        'connection failed: connection to server at "::1", port 5432 failed: Connection refused\n'
        "Multiple connection attempts failed. All failures were:\n"
        f"- host: 'x', hostaddr: '::1': {AT}Connection refused\n"
        f"- host: 'x', hostaddr: '127.0.0.1': {DENIED}"
    )
    error: DsqlError = login_error(connect_failure(text))
    assert error.code == "access_denied"
