"""The checks of a login and of what its session can do."""

from contextlib import suppress
from datetime import datetime, timedelta

from awslabs_dsql_mcp.database.connect_errors import login_error
from awslabs_dsql_mcp.database.connector import Connector
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.doctor.checks.aws import cluster_time, signing_time
from awslabs_dsql_mcp.doctor.checks.clock import off
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_STALE = timedelta(minutes=1)
# What a server says that takes no pipeline: protocol violation, or feature not supported.
_PIPELINE_REFUSED = frozenset({"08P01", "0A000"})
_VERSION = Query("SELECT current_setting('server_version'), sys.dsql_major_version()")
_READ_ONLY = Query("SELECT current_setting('transaction_read_only')")


async def login(patient: CheckContext) -> CheckOutcome:
    """Log in as the role."""
    target, source = patient.cluster, patient.tokens
    dialer = Connector(
        target,
        timeout=patient.settings.connect_timeout,
        tokens=patient.world.tokens if source is None else lambda _: source,
    )
    try:
        patient.connection = await dialer.connect()
    except DatabaseError as refused:
        return _refused(patient, refused.failure)
    patient.stack.push_async_callback(patient.connection.close)
    return CheckOutcome(f"Logged in as {target.user}.")


def _refused(patient: CheckContext, failure: Failure) -> CheckOutcome:
    return _mistimed(patient, failure.hint or "") or _named(failure)


def _mistimed(patient: CheckContext, hint: str) -> CheckOutcome | None:
    """Tell a wrong clock from a token that was old already; ``None`` where time is not the matter."""
    signed, there = signing_time(hint), cluster_time(hint)
    if signed is None or there is None:
        return None
    if _is_stale(signed, patient):
        return failed(
            f"The login token had expired: it was signed at {signed:%H:%M:%S} UTC, long before it was used.",
            code="token_expired",
            remedy="Renew the AWS credentials (such as `aws sso login`), and let nothing keep tokens.",
        )
    return failed(
        f"This machine's clock is {off(signed - there)}: the cluster takes no token with such a time.",
        code="clock_wrong",
        remedy="Set this machine's clock, with time synchronisation (Linux: `timedatectl set-ntp true`).",
    )


def _is_stale(signed: datetime, patient: CheckContext) -> bool:
    return patient.world.now() - signed > _STALE


def _named(failure: Failure) -> CheckOutcome:
    error = login_error(failure)
    return failed(error.message.rstrip(".") + ".", code=error.code, remedy=error.hint or "")


async def version(patient: CheckContext) -> CheckOutcome:
    """Ask which server it is."""
    try:
        result = await ask(patient, _VERSION)
    except DatabaseError as refused:
        return warning(
            f"It does not say which Aurora DSQL it is: {refused.failure.message}.",
            code="not_dsql",
            remedy="Check that --cluster_endpoint is an Aurora DSQL cluster's, not another PostgreSQL's.",
        )
    (row,) = result.rows
    return CheckOutcome(f"Aurora DSQL {row[1]}, compatible with PostgreSQL {row[0]}.")


async def read_only(patient: CheckContext) -> CheckOutcome:
    """Read in a READ ONLY transaction, and make sure that it is one."""
    try:
        result = await ask(patient, _READ_ONLY)
    except DatabaseError as refused:
        return failed(
            f"A read in BEGIN READ ONLY failed: {refused.failure.message}.",
            code="read_failed",
            remedy="Run doctor again; if it stays so, give this line to your administrator.",
        )
    if result.rows != (("on",),):
        return failed(
            "The server took BEGIN READ ONLY, yet the transaction is not read-only.",
            code="not_read_only",
            remedy="Do not use this server's reads on it before a role of least privilege is given to it.",
        )
    return CheckOutcome("The transaction was read-only, and was rolled back.")


async def pipelining(patient: CheckContext) -> CheckOutcome:
    """Send a transaction in one round trip."""
    try:
        await patient.session.run((Query("SELECT 1"), Query("SELECT 2")), read_only=True, pipelined=True)
    except DatabaseError as refused:
        says = f"The server takes no pipeline: {refused.failure.message}."
        if refused.failure.sqlstate in _PIPELINE_REFUSED:
            return warning(
                says,
                code="no_pipeline",
                remedy="Nothing to do: statements go one by one, each in a round trip of its own.",
            )
        return failed(says, code="pipeline_failed", remedy="Check what stands between: a pooler, a proxy.")
    return CheckOutcome("BEGIN, two statements and ROLLBACK went in one round trip.")


async def ask(patient: CheckContext, query: Query) -> Result:
    """Run one statement, read-only, one by one.

    Raises:
        DatabaseFailed: The server refused it, or the connection was lost.
    """
    try:
        (result,) = await patient.session.run((query,), read_only=True, pipelined=False)
    except DatabaseError:
        with suppress(DatabaseError):
            await patient.session.rollback()
        raise
    return result
