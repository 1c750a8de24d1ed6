"""Of which kind a failure is, and whether a COMMIT that met it may have committed."""

import pytest

from awslabs_dsql_mcp.database.failure import Failure, Kind


@pytest.mark.parametrize(
    ("failure", "kind", "unknown"),
    [
        (Failure("change conflicts with another transaction (OC000)", "40001"), Kind.CONFLICT, False),
        (Failure("schema has been updated by another transaction (OC001)", "40001"), Kind.CONFLICT, False),
        (Failure("x", "OC000"), Kind.CONFLICT, False),
        (Failure("x", "OC001"), Kind.CONFLICT, False),
        (Failure("x", "40001", session_lost=True), Kind.CONFLICT, True),
        (Failure("deadlock detected", "40P01"), Kind.FINAL, False),
        (Failure("statement completion unknown", "40003"), Kind.FINAL, True),
        (Failure("server closed the connection", session_lost=True), Kind.LOST, True),
        (Failure("terminating connection", "57P01", session_lost=True), Kind.LOST, True),
        (Failure("terminating connection", "57P05", session_lost=True), Kind.LOST, True),
        (Failure("server unavailable", "XX000"), Kind.UNAVAILABLE, True),
        (Failure("something else", "XX000"), Kind.FINAL, True),
        (Failure("io error", "58030"), Kind.FINAL, True),
        (Failure("x", "53300"), Kind.CROWDED, False),
        (Failure("x", "53400"), Kind.CROWDED, False),
        (Failure("no answer", session_lost=True, timed_out=True), Kind.TIMED_OUT, True),
        (Failure("no turn", timed_out=True), Kind.TIMED_OUT, True),
        (Failure("transaction row limit exceeded", "54000"), Kind.FINAL, False),
        (Failure("could not obtain lock on row", "55P03"), Kind.FINAL, False),
        (Failure("violates foreign key constraint", "23503"), Kind.FINAL, False),
        (Failure("canceling statement due to user request", "57014"), Kind.FINAL, False),
        (Failure("out of disk", "53100"), Kind.FINAL, False),
        (Failure("COMMIT was answered with ROLLBACK", "25P02"), Kind.FINAL, False),
    ],
    ids=lambda value: value.message if isinstance(value, Failure) else "",
)
def test_kind_in_a_session(failure: Failure, kind: Kind, *, unknown: bool) -> None:
    assert (failure.kind, failure.leaves_commit_unknown) == (kind, unknown)


@pytest.mark.parametrize(
    ("message", "hint", "kind"),
    [
        ("unable to accept connection, waking up cluster, please retry later", None, Kind.CROWDED),
        ("Unable to accept connection, too many open connections.", None, Kind.CROWDED),
        ("Unable to accept connection, rate exceeded.", None, Kind.CROWDED),
        ("unable to accept connection, access denied", "Signature expired: 2026…", Kind.EXPIRED),
        ("unable to accept connection, access denied", None, Kind.FINAL),
        ("unable to accept connection, sni was not received", None, Kind.FINAL),
        ("Connection refused", None, Kind.FINAL),
        ("no answer within 10 s", None, Kind.FINAL),
    ],
)
def test_kind_of_a_refused_connection(message: str, hint: str | None, kind: Kind) -> None:
    assert Failure(message, hint=hint, connecting=True).kind is kind
