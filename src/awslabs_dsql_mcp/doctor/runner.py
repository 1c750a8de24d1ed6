"""Runner of the checks: in order, each only if its prerequisites succeeded."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from awslabs_dsql_mcp import __version__
from awslabs_dsql_mcp.config.arguments import read_settings
from awslabs_dsql_mcp.config.clusters import read_clusters
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.doctor.checks import account, aws, environment, network, session
from awslabs_dsql_mcp.doctor.checks.clock import clock
from awslabs_dsql_mcp.doctor.checks.identity import identity
from awslabs_dsql_mcp.doctor.checks.privileges import privileges
from awslabs_dsql_mcp.doctor.checks.settings import describe, refuse
from awslabs_dsql_mcp.doctor.checks.tls import tls
from awslabs_dsql_mcp.doctor.context import CheckContext, Environment
from awslabs_dsql_mcp.doctor.report import CheckOutcome, CheckResult, State
from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.option_parser import SettingsError
from awslabs_dsql_mcp.target import resolve_target

SETTINGS = "Settings"
LOCAL = "Local PostgreSQL"
_CONNECTING: frozenset[str] = frozenset({"DNS", "TCP", "TLS", "Login"})
_BAD: frozenset[State] = frozenset({"failed", "skipped"})


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: Name shown.
        run: Runs the check; an exception in `errors` is a failure with its message and hint.
        requires: Names of checks that must succeed first.
    """

    name: str
    run: Callable[[CheckContext], Awaitable[CheckOutcome]]
    requires: tuple[str, ...] = ()


_CLUSTER_CHECKS = (
    Check("AWS credentials", aws.credentials, (SETTINGS, LOCAL)),
    Check("Region", aws.region, (SETTINGS, LOCAL)),
    Check("Cluster", account.state, ("AWS credentials", "Region")),
    Check("DNS", network.dns, (SETTINGS, LOCAL)),
    Check("TCP", network.tcp, ("DNS",)),
    Check("TLS", tls, ("TCP",)),
    Check("Clock", clock, ()),
    Check("Token", aws.token, ("AWS credentials", "Region")),
    Check("Login", session.login, ("TLS", "Token")),
    Check("Identity", identity, ("AWS credentials", "Region")),
    Check("Server", session.version, ("Login",)),
    Check("Privileges", privileges, ("Login",)),
    Check("Read-only read", session.read_only, ("Login",)),
    Check("Pipelining", session.pipelining, ("Login",)),
    Check("Knowledge server", environment.knowledge),
)


def checks_of(settings: Settings) -> tuple[Check, ...]:
    """List the checks for settings; a local cluster is started first, as the others depend on it."""
    lint = () if environment.lint_is_installed() else (Check("dsql-lint", environment.no_lint),)
    if settings.local:
        return (Check(LOCAL, environment.local_cluster, (SETTINGS,)), *_CLUSTER_CHECKS, *lint)
    if environment.local_is_installed():
        return (*_CLUSTER_CHECKS, Check(LOCAL, environment.embedded_postgres), *lint)
    return (*_CLUSTER_CHECKS, *lint)


async def run_checks(argv: Sequence[str], environment: Environment) -> AsyncGenerator[CheckResult, None]:
    """Check everything that a server with these arguments needs; yield results as they arrive.

    Args:
        argv: The server's options.
        environment: Environment, clock and token source.

    Raises:
        SystemExit: After ``--version``.
    """
    started_at = time.perf_counter()
    try:
        clusters = read_clusters(read_settings(argv, environment.environ, version=__version__))
    except SettingsError as error:
        yield CheckResult(
            SETTINGS, time.perf_counter() - started_at, _with(environment.origin, refuse(error))
        )
        for check in _CLUSTER_CHECKS:
            yield _skipped(check, SETTINGS)
        return
    for cluster in clusters.all:
        async for result in _run_checks(cluster.settings, environment):
            yield replace(result, cluster=cluster.name if clusters.several else "")


async def _run_checks(settings: Settings, environment: Environment) -> AsyncGenerator[CheckResult, None]:
    started_at = time.perf_counter()
    described = _with(environment.origin, describe(settings, environment.environ))
    first = CheckResult(SETTINGS, time.perf_counter() - started_at, described)
    yield first
    async with AsyncExitStack() as stack:
        context = CheckContext(settings, environment, stack)
        if not settings.local and first.state != "failed":
            context.target = await resolve_target(settings, stack)
        states: dict[str, State] = {SETTINGS: first.state}
        for check in checks_of(settings):
            result = await _run_check(check, context, states)
            states[check.name] = result.state
            yield result


async def _run_check(check: Check, context: CheckContext, states: Mapping[str, State]) -> CheckResult:
    missing = next((name for name in check.requires if states.get(name) in _BAD), None)
    if missing is not None:
        return _skipped(check, missing)
    started_at = time.perf_counter()
    try:
        with context.environment.during(check.name):
            outcome = await check.run(context)
    except DsqlError as error:
        outcome = CheckOutcome(error.message, "failed", error.code, error.hint or "")
    except Exception as bug:  # noqa: BLE001 - the other checks still run
        outcome = CheckOutcome(
            f"The check itself failed ({type(bug).__name__}).",
            "failed",
            "bug",
            "Report it with this line and the version of awslabs-dsql-mcp.",
        )
    return CheckResult(check.name, time.perf_counter() - started_at, _explained(check, outcome, context))


def _with(origin: str, outcome: CheckOutcome) -> CheckOutcome:
    return replace(outcome, message=f"{origin} {outcome.message}") if origin else outcome


def _explained(check: Check, outcome: CheckOutcome, context: CheckContext) -> CheckOutcome:
    """Lead a failed connection back to the state of the cluster, where that takes none."""
    if outcome.state != "failed" or not context.unusable or check.name not in _CONNECTING:
        return outcome
    return replace(
        outcome,
        message=f"{outcome.message} The cluster is {context.unusable}, which explains it.",
        remedy="See what the check Cluster advises.",
    )


def _skipped(check: Check, missing: str) -> CheckResult:
    return CheckResult(check.name, 0.0, CheckOutcome(f"Skipped: it needs {missing}.", "skipped"))
