"""Checks of the login and of the session."""

from contextlib import suppress
from datetime import datetime, timedelta

from awslabs_dsql_mcp.database.connect_errors import login_error
from awslabs_dsql_mcp.database.connector import Connector
from awslabs_dsql_mcp.database.failure import DatabaseError, Failure
from awslabs_dsql_mcp.database.model import Result
from awslabs_dsql_mcp.database.transaction import Query
from awslabs_dsql_mcp.doctor.checks.aws import cluster_time, signing_time
from awslabs_dsql_mcp.doctor.checks.clock import format_offset
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_STALE = timedelta(minutes=1)
# SQLSTATEs of a server that refuses pipelines: protocol violation, feature not supported.
_PIPELINE_REFUSED = frozenset({"08P01", "0A000"})
_VERSION = Query("SELECT current_setting('server_version'), sys.dsql_major_version()")
_READ_ONLY = Query("SELECT current_setting('transaction_read_only')")


async def login(context: CheckContext) -> CheckOutcome:
    """Log in as the role."""
    target, source = context.cluster, context.tokens
    connector = Connector(
        target,
        timeout=context.settings.connect_timeout,
        tokens=context.environment.tokens if source is None else lambda _: source,
    )
    try:
        context.connection = await connector.connect()
    except DatabaseError as refused:
        return _refused(context, refused.failure)
    context.stack.push_async_callback(context.connection.close)
    return CheckOutcome(f"Logged in as {target.user}.")


def _refused(context: CheckContext, failure: Failure) -> CheckOutcome:
    if (wrong_clock := _clock_problem(context, failure.hint or "")) is not None:
        return wrong_clock
    error = login_error(failure)
    context.refusal = error.code
    return failed(error.message.rstrip(".") + ".", code=error.code, remedy=error.hint or "")


def _clock_problem(context: CheckContext, hint: str) -> CheckOutcome | None:
    """Distinguish a wrong clock from an old token; ``None`` if time is not the problem."""
    signed, there = signing_time(hint), cluster_time(hint)
    if signed is None or there is None:
        return None
    if _is_stale(signed, context):
        return failed(
            f"The login token had expired: it was signed at {signed:%H:%M:%S} UTC, long before it was used.",
            code="token_expired",
            remedy="Renew the AWS credentials (such as `aws sso login`); tokens must not be stored.",
        )
    return failed(
        f"This machine's clock is {format_offset(signed - there)}: the cluster refuses its tokens.",
        code="clock_wrong",
        remedy="Set this machine's clock, with time synchronisation (Linux: `timedatectl set-ntp true`).",
    )


def _is_stale(signed: datetime, context: CheckContext) -> bool:
    return context.environment.now() - signed > _STALE


async def version(context: CheckContext) -> CheckOutcome:
    """Query the server's version."""
    try:
        result = await ask(context, _VERSION)
    except DatabaseError as refused:
        return warning(
            f"The version of Aurora DSQL could not be read: {refused.failure.message}.",
            code="not_dsql",
            remedy="Check that --cluster_endpoint is an Aurora DSQL cluster's, not another PostgreSQL's.",
        )
    (row,) = result.rows
    return CheckOutcome(f"Aurora DSQL {row[1]}, compatible with PostgreSQL {row[0]}.")


async def read_only(context: CheckContext) -> CheckOutcome:
    """Read in a READ ONLY transaction, and verify that it is read-only."""
    try:
        result = await ask(context, _READ_ONLY)
    except DatabaseError as refused:
        return failed(
            f"A read in BEGIN READ ONLY failed: {refused.failure.message}.",
            code="read_failed",
            remedy="Run doctor again; if it persists, give this line to your administrator.",
        )
    if result.rows != (("on",),):
        return failed(
            "The server accepted BEGIN READ ONLY, but the transaction is not read-only.",
            code="not_read_only",
            remedy="Do not read from it through this server before it has a role with least privilege.",
        )
    return CheckOutcome("The transaction was read-only, and was rolled back.")


async def pipelining(context: CheckContext) -> CheckOutcome:
    """Send a transaction in one round trip."""
    try:
        await context.session.run((Query("SELECT 1"), Query("SELECT 2")), read_only=True, pipelined=True)
    except DatabaseError as refused:
        says = f"The server refuses pipelines: {refused.failure.message}."
        if refused.failure.sqlstate in _PIPELINE_REFUSED:
            return warning(
                says,
                code="no_pipeline",
                remedy="No action is needed: statements are sent one by one, each in its own round trip.",
            )
        return failed(says, code="pipeline_failed", remedy="Check for a pooler or a proxy in between.")
    return CheckOutcome("BEGIN, two statements and ROLLBACK took one round trip.")


async def ask(context: CheckContext, query: Query) -> Result:
    """Run one statement, read-only, one by one.

    Raises:
        DatabaseError: The server refused it, or the connection was lost.
    """
    try:
        (result,) = await context.session.run((query,), read_only=True, pipelined=False)
    except DatabaseError:
        with suppress(DatabaseError):
            await context.session.rollback()
        raise
    return result
