"""Of which kind a failure is, and whether a COMMIT that met it may have committed."""

import pytest

from awslabs_dsql_mcp.database.failure import Failure, FailureKind


@pytest.mark.parametrize(
    ("failure", "kind", "unknown"),
    [
        (Failure("change conflicts with another transaction (OC000)", "40001"), FailureKind.CONFLICT, False),
        (
            Failure("schema has been updated by another transaction (OC001)", "40001"),
            FailureKind.CONFLICT,
            False,
        ),
        (Failure("x", "OC000"), FailureKind.CONFLICT, False),
        (Failure("x", "OC001"), FailureKind.CONFLICT, False),
        (Failure("x", "40001", session_lost=True), FailureKind.CONFLICT, True),
        (Failure("deadlock detected", "40P01"), FailureKind.FINAL, False),
        (Failure("statement completion unknown", "40003"), FailureKind.FINAL, True),
        (Failure("server closed the connection", session_lost=True), FailureKind.CONNECTION_LOST, True),
        (Failure("terminating connection", "57P01", session_lost=True), FailureKind.CONNECTION_LOST, True),
        (Failure("terminating connection", "57P05", session_lost=True), FailureKind.CONNECTION_LOST, True),
        (Failure("server unavailable", "XX000"), FailureKind.UNAVAILABLE, True),
        (Failure("something else", "XX000"), FailureKind.FINAL, True),
        (Failure("io error", "58030"), FailureKind.FINAL, True),
        (Failure("x", "53300"), FailureKind.OVERLOADED, False),
        (Failure("x", "53400"), FailureKind.OVERLOADED, False),
        (Failure("no answer", session_lost=True, timed_out=True), FailureKind.TIMED_OUT, True),
        (Failure("no turn", timed_out=True), FailureKind.TIMED_OUT, True),
        (Failure("transaction row limit exceeded", "54000"), FailureKind.FINAL, False),
        (Failure("could not obtain lock on row", "55P03"), FailureKind.FINAL, False),
        (Failure("violates foreign key constraint", "23503"), FailureKind.FINAL, False),
        (Failure("canceling statement due to user request", "57014"), FailureKind.FINAL, False),
        (Failure("out of disk", "53100"), FailureKind.FINAL, False),
        (Failure("COMMIT was answered with ROLLBACK", "25P02"), FailureKind.FINAL, False),
        (Failure("feature not supported", "0A000"), FailureKind.FINAL, True),
        (Failure("the server answered fewer statements than were sent"), FailureKind.FINAL, True),
    ],
    ids=lambda value: value.message if isinstance(value, Failure) else "",
)
def test_kind_in_a_session(failure: Failure, kind: FailureKind, *, unknown: bool) -> None:
    assert (failure.kind, failure.leaves_commit_unknown) == (kind, unknown)


@pytest.mark.parametrize(
    ("message", "hint", "kind"),
    [
        ("unable to accept connection, waking up cluster, please retry later", None, FailureKind.OVERLOADED),
        ("Unable to accept connection, too many open connections.", None, FailureKind.OVERLOADED),
        ("Unable to accept connection, rate exceeded.", None, FailureKind.OVERLOADED),
        ("sorry, too many clients already", None, FailureKind.OVERLOADED),
        ("unable to accept connection, access denied", "Signature expired: 2026…", FailureKind.LOGIN_EXPIRED),
        ("unable to accept connection, access denied", None, FailureKind.FINAL),
        ("unable to accept connection, sni was not received", None, FailureKind.FINAL),
        ("Connection refused", None, FailureKind.FINAL),
        ("no answer within 10 s", None, FailureKind.FINAL),
    ],
)
def test_kind_of_a_refused_connection(message: str, hint: str | None, kind: FailureKind) -> None:
    assert Failure(message, hint=hint, connecting=True).kind is kind


@pytest.mark.parametrize(
    ("message", "refused"),
    [
        ("unable to accept connection, access denied", True),
        ("IAM authentication failed", True),
        ("User: arn:x is not authorized to perform: dsql:DbConnect", True),
        ("Signature expired: 20260101T000000Z is now earlier", True),
        ("The security token included in the request is invalid", True),
        ("unable to accept connection, waking up cluster, please retry later", False),
        ("unable to accept connection, sni was not received", False),
        ("Connection refused", False),
        ("a message that nobody knows", False),
    ],
)
def test_renewed_credentials_are_tried_after_a_refused_token_alone(message: str, *, refused: bool) -> None:
    assert Failure(message, connecting=True).login_refused is refused
    assert not Failure(message).login_refused
