"""Checks of credentials, region and token; only the credentials' source may use the network."""

import asyncio
import re
from datetime import datetime, timedelta
from ipaddress import ip_address
from shlex import quote

from awslabs_dsql_mcp.aws.identity import describe_credentials
from awslabs_dsql_mcp.daemon_thread import run_in_daemon_thread
from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning
from awslabs_dsql_mcp.dsql.cluster_names import begins_with_identifier, region_of

_EXPIRES_SOON = timedelta(minutes=15)


async def credentials(context: CheckContext) -> CheckOutcome:
    """Load the AWS credentials and report source, kind and expiry."""
    limit = context.settings.connect_timeout
    try:
        info = await asyncio.wait_for(
            run_in_daemon_thread(lambda: describe_credentials(context.cluster.identity)), limit
        )
    except asyncio.TimeoutError:
        return failed(
            f"The AWS credentials were not loaded within {limit:g} s.",
            code="credentials_timeout",
            remedy="Check their source: an SSO login, a credential process, the instance's metadata.",
        )
    context.credentials = info
    message = f"{info.kind} (…{info.key_suffix}), from {info.source}"
    if info.expires_at is None:
        return CheckOutcome(f"{message}.")
    remaining = info.expires_at - context.environment.now()
    if remaining < _EXPIRES_SOON:
        return warning(
            f"{message}; they expire in {_minutes(remaining)}.",
            code="credentials_expire",
            remedy=f"Renew them soon at their source (such as `aws sso login{_profile(context)}`).",
        )
    return CheckOutcome(f"{message}; they expire in {_minutes(remaining)}.")


def _profile(context: CheckContext) -> str:
    profile = context.cluster.identity.profile
    return f" --profile {quote(profile)}" if profile else ""


def _minutes(remaining: timedelta) -> str:
    minutes = int(remaining.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours


async def region(context: CheckContext) -> CheckOutcome:
    """Compare the region with the endpoint's name."""
    host, chosen = context.cluster.host, context.cluster.identity.region
    if _is_address(host):
        return failed(
            f"The endpoint {host} is an address: TLS then sends no name (SNI), which Aurora DSQL requires.",
            code="no_sni",
            remedy="Give --cluster_endpoint as the cluster's name; PGHOSTADDR may be the address.",
        )
    named = region_of(host)
    problem = "the AWS configuration is not read"
    if named is None and not chosen and context.credentials is not None:
        chosen, problem = context.credentials.region.name, context.credentials.region.problem
    if not chosen:
        return failed(
            f"The region of {host} is not known: it is not in the endpoint's name, and {problem}.",
            code="no_region",
            remedy="Give --region, such as us-east-1.",
        )
    if context.settings.local:
        return CheckOutcome(f"{chosen}, the local cluster's region.")
    if named is None:
        return warning(
            f"{chosen}, not from the endpoint's name: a wrong region is detected only at the login.",
            code="region_unsure",
            remedy="Make sure that the cluster is in that region; else give --region.",
        )
    if not begins_with_identifier(host):
        return warning(
            f"{chosen}, as in the endpoint's name, which does not begin with a cluster's id.",
            code="endpoint_unusual",
            remedy="Compare --cluster_endpoint with the console: 26 letters and digits, .dsql.REGION.on.aws.",
        )
    return CheckOutcome(f"{chosen}, as in the endpoint's name.")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def token(context: CheckContext) -> CheckOutcome:
    """Create a login token."""
    target = context.cluster
    context.tokens = source = context.environment.tokens(target.identity)
    signed = await source.token(target.host, target.user)
    action = "DbConnectAdmin" if target.user == "admin" else "DbConnect"
    if f"Action={action}&" not in signed:
        return failed(
            f"The token does not have dsql:{action}, which the role {target.user} needs.",
            code="wrong_action",
            remedy="Set --database_user to the right role: only `admin` uses DbConnectAdmin.",
        )
    return CheckOutcome(f"Created for the role {target.user} (dsql:{action}), for this host.")


def signing_time(said: str) -> datetime | None:
    """Extract the token's signing time from the server's message."""
    return _time(re.search(r"(\d{8}T\d{6}Z)", said))


def cluster_time(said: str) -> datetime | None:
    """Extract the cluster's time, in parentheses, from its message."""
    return _time(re.search(r"\((\d{8}T\d{6}Z)", said))


def _time(found: re.Match[str] | None) -> datetime | None:
    return datetime.strptime(found.group(1) + "+0000", "%Y%m%dT%H%M%SZ%z") if found else None
