"""The checks of what signs a login: credentials, region, token. The network is asked only by their source."""

import asyncio
import re
from datetime import datetime, timedelta
from ipaddress import ip_address

from awslabs_dsql_mcp.aws.identity import describe_credentials
from awslabs_dsql_mcp.config.settings import region_of
from awslabs_dsql_mcp.doctor.context import CheckContext, run_in_daemon_thread
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed, warning

_SOON = timedelta(minutes=15)
# Aurora DSQL user guide, "Accessing Aurora DSQL".
_CLUSTER_ID = re.compile(r"[a-z0-9]{26}\.")


async def credentials(patient: CheckContext) -> CheckOutcome:
    """Find the AWS credentials: where they come from, whose they are, until when."""
    limit = patient.settings.connect_timeout
    try:
        known = await asyncio.wait_for(
            run_in_daemon_thread(lambda: describe_credentials(patient.cluster.identity)), limit
        )
    except asyncio.TimeoutError:
        return failed(
            f"The AWS credentials did not come within {limit:g} s.",
            code="credentials_timeout",
            remedy="Check what serves them: an SSO login, a credential process, the instance's metadata.",
        )
    patient.known = known
    says = f"{known.kind} (…{known.key_suffix}), from {known.source}"
    if known.expires_at is None:
        return CheckOutcome(f"{says}.")
    left = known.expires_at - patient.world.now()
    if left < _SOON:
        return warning(
            f"{says}; they expire in {_minutes(left)}.",
            code="credentials_expire",
            remedy="Renew them soon where they come from (such as `aws sso login --profile NAME`).",
        )
    return CheckOutcome(f"{says}; they expire in {_minutes(left)}.")


def _minutes(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours


async def region(patient: CheckContext) -> CheckOutcome:
    """Hold the region against the endpoint's name."""
    host, chosen = patient.cluster.host, patient.cluster.identity.region
    if _is_address(host):
        return failed(
            f"The endpoint {host} is an address: TLS sends no name (SNI) then, which Aurora DSQL demands.",
            code="no_sni",
            remedy="Give --cluster_endpoint as the cluster's name; PGHOSTADDR may hold the address.",
        )
    named = region_of(host)
    if named is None and not chosen and patient.known is not None:
        chosen = patient.known.region
    if not chosen:
        return failed(
            f"Neither the endpoint's name nor the AWS configuration tells the region of {host}.",
            code="no_region",
            remedy="Give --region, such as us-east-1.",
        )
    if patient.settings.local:
        return CheckOutcome(f"{chosen}, as the local cluster says.")
    if named is None:
        return warning(
            f"{chosen}, not from the endpoint's name: a wrong one is refused only at the login.",
            code="region_unsure",
            remedy="Make sure that the cluster is in that region; else give --region.",
        )
    if not _CLUSTER_ID.match(host):
        return warning(
            f"{chosen}, as in the endpoint's name; that does not begin with a cluster's id.",
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


async def token(patient: CheckContext) -> CheckOutcome:
    """Make a login token."""
    target = patient.cluster
    patient.tokens = source = patient.world.tokens(target.identity)
    made = await source.token(target.host, target.user)
    action = "DbConnectAdmin" if target.user == "admin" else "DbConnect"
    if f"Action={action}&" not in made:
        return failed(
            f"The token does not carry dsql:{action}, which the role {target.user} needs.",
            code="wrong_action",
            remedy="Set --database_user to the role that is meant: `admin` alone takes DbConnectAdmin.",
        )
    return CheckOutcome(f"Made for the role {target.user} (dsql:{action}), for this host.")


def signing_time(said: str) -> datetime | None:
    """Read when a token was signed, as its refusal tells."""
    return _time(re.search(r"(\d{8}T\d{6}Z)", said))


def cluster_time(said: str) -> datetime | None:
    """Read the cluster's time out of its refusal: the one in parentheses."""
    return _time(re.search(r"\((\d{8}T\d{6}Z)", said))


def _time(found: re.Match[str] | None) -> datetime | None:
    return datetime.strptime(found.group(1) + "+0000", "%Y%m%dT%H%M%SZ%z") if found else None
