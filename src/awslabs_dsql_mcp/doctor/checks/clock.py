"""Check of this machine's clock against the Date header of the documentation server.

A token is refused if its time is 15 minutes behind the cluster's, or five ahead.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_MAX_WAIT = 5.0  # seconds; the login detects a wrong clock as well
_EARLIEST, _LATEST = timedelta(minutes=-15), timedelta(minutes=5)
_NOTICEABLE = timedelta(seconds=60)


async def clock(context: CheckContext) -> CheckOutcome:
    """Compare the clock with the documentation server's."""
    server = context.settings.knowledge_server
    there = await _time_at(server, min(_MAX_WAIT, context.settings.knowledge_timeout))
    if there is None:
        return CheckOutcome("No time to compare with: the documentation server sent none.", "skipped")
    return compare(context.environment.now() - there)


async def _time_at(server: str, limit: float) -> datetime | None:
    import httpx  # noqa: PLC0415 - importing it takes 100 ms

    try:
        async with httpx.AsyncClient(timeout=limit, follow_redirects=False) as client:
            reply = await client.head(server)
        return parsedate_to_datetime(reply.headers.get("date", ""))
    except (httpx.HTTPError, httpx.InvalidURL, TypeError, ValueError):
        return None


def compare(ahead: timedelta) -> CheckOutcome:
    """Evaluate a difference; positive if this machine's clock is ahead."""
    says = f"This machine's clock is {format_offset(ahead)}."
    if not _EARLIEST < ahead < _LATEST:
        return failed(
            f"{says} The cluster refuses tokens with such a time.",
            code="clock_wrong",
            remedy="Set it: switch time synchronisation on (Linux: `timedatectl set-ntp true`; macOS and "
            "Windows: Date & Time settings).",
        )
    if abs(ahead) > _NOTICEABLE:
        return warning(
            says,
            code="clock_uneasy",
            remedy="Switch time synchronisation on: tokens are refused from 15 minutes behind and 5 ahead.",
        )
    return CheckOutcome("Within a minute of the documentation server's.")


def format_offset(ahead: timedelta) -> str:
    """Format a difference."""
    seconds = round(abs(ahead.total_seconds()))
    amount = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"  # noqa: PLR2004 - two minutes
    return f"{amount} {'ahead' if ahead > timedelta() else 'behind'}"
