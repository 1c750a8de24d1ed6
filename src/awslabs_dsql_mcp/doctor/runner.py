"""All checks in their order: each runs if what it needs is well, and is timed."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import read_clusters
from awslabs_dsql_mcp.config.option_parser import SettingsError
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.doctor.checks import aws, environment, network, session
from awslabs_dsql_mcp.doctor.checks.clock import clock
from awslabs_dsql_mcp.doctor.checks.privileges import privileges
from awslabs_dsql_mcp.doctor.checks.settings import described, refused
from awslabs_dsql_mcp.doctor.checks.tls import tls
from awslabs_dsql_mcp.doctor.context import CheckContext, Environment
from awslabs_dsql_mcp.doctor.report import CheckOutcome, CheckResult, State
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.target import resolve_target

SETTINGS = "Settings"
LOCAL = "Local PostgreSQL"
_BAD: frozenset[State] = frozenset({"failed", "skipped"})


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: As it is shown.
        look: Does it; what it raises of `errors` is a failure, told by its text and hint.
        needs: Names of checks without which it cannot be done.
    """

    name: str
    run: Callable[[CheckContext], Awaitable[CheckOutcome]]
    requires: tuple[str, ...] = ()


_OF_A_CLUSTER = (
    Check("AWS credentials", aws.credentials, (SETTINGS, LOCAL)),
    Check("Region", aws.region, (SETTINGS, LOCAL)),
    Check("DNS", network.dns, (SETTINGS, LOCAL)),
    Check("TCP", network.tcp, ("DNS",)),
    Check("TLS", tls, ("TCP",)),
    Check("Clock", clock, ()),
    Check("Token", aws.token, ("AWS credentials", "Region")),
    Check("Login", session.login, ("TLS", "Token")),
    Check("Server", session.version, ("Login",)),
    Check("Privileges", privileges, ("Login",)),
    Check("Read-only read", session.read_only, ("Login",)),
    Check("Pipelining", session.pipelining, ("Login",)),
    Check("Knowledge server", environment.knowledge),
)


def checks_of(settings: Settings) -> tuple[Check, ...]:
    """Say what is to be checked; a local cluster comes first, since all else is asked of it."""
    if settings.local:
        return (Check(LOCAL, environment.local_cluster, (SETTINGS,)), *_OF_A_CLUSTER)
    if environment.local_is_installed():
        return (*_OF_A_CLUSTER, Check(LOCAL, environment.embedded_postgres))
    return _OF_A_CLUSTER


async def run_checks(argv: Sequence[str], world: Environment) -> AsyncGenerator[CheckResult, None]:
    """Check all that a server started with these arguments needs; each finding comes when it is known.

    Args:
        argv: The server's flags.
        world: What is around it.

    Raises:
        SystemExit: After ``--version``.
    """
    began = time.perf_counter()
    try:
        clusters = read_clusters(read_settings(argv, world.environ, version=__version__))
    except SettingsError as error:
        yield CheckResult(SETTINGS, time.perf_counter() - began, refused(error))
        for check in _OF_A_CLUSTER:
            yield _skipped(check, SETTINGS)
        return
    for cluster in clusters.all:
        async for finding in _run_checks(cluster.settings, world):
            yield replace(finding, cluster=cluster.name if clusters.several else "")


async def _run_checks(settings: Settings, world: Environment) -> AsyncGenerator[CheckResult, None]:
    began = time.perf_counter()
    first = CheckResult(SETTINGS, time.perf_counter() - began, described(settings, world.environ))
    yield first
    async with AsyncExitStack() as stack:
        patient = CheckContext(settings, world, stack)
        if not settings.local and first.state != "failed":
            patient.target = await resolve_target(settings, stack)
        states: dict[str, State] = {SETTINGS: first.state}
        for check in checks_of(settings):
            finding = await _done(check, patient, states)
            states[check.name] = finding.state
            yield finding


async def _done(check: Check, patient: CheckContext, states: Mapping[str, State]) -> CheckResult:
    lacking = next((name for name in check.requires if states.get(name) in _BAD), None)
    if lacking is not None:
        return _skipped(check, lacking)
    began = time.perf_counter()
    try:
        verdict = await check.run(patient)
    except DsqlError as error:
        verdict = CheckOutcome(error.message, "failed", error.code, error.hint or "")
    except Exception as bug:  # noqa: BLE001 - the other checks are worth having all the same
        verdict = CheckOutcome(
            f"The check itself failed ({type(bug).__name__}).",
            "failed",
            "bug",
            "Report it with this line and the version of awslabs-dsql-mcp.",
        )
    return CheckResult(check.name, time.perf_counter() - began, verdict)


def _skipped(check: Check, lacking: str) -> CheckResult:
    return CheckResult(check.name, 0.0, CheckOutcome(f"Skipped: it needs {lacking}.", "skipped"))
