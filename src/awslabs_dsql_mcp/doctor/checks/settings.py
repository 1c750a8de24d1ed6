"""Check of options and environment."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from awslabs_dsql_mcp.config.options import LIBPQ_VARIABLES, OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed
from awslabs_dsql_mcp.option_parser import SettingsError

_MAX_PORT: Final = 65_535


def describe(settings: Settings, environ: Mapping[str, str]) -> CheckOutcome:
    """Describe the cluster, the role and the mode, and the variables that were used."""
    if not settings.local and settings.cluster_endpoint is None:
        return failed(
            "No cluster is configured: only dsql_lint and the documentation tools would work.",
            code="no_cluster",
            remedy="Give --cluster_endpoint <id>.dsql.<region>.on.aws, or --local for a cluster on this "
            "machine.",
        )
    used = _used(environ)
    from_environment = f" From the environment: {', '.join(used)}." if used else ""
    cluster = settings.cluster_in_words
    cluster = "The " + cluster.removeprefix("the ") if cluster.startswith("the ") else cluster
    says = f"{cluster}.{from_environment}"
    port, address = environ.get("PGPORT", ""), environ.get("PGHOSTADDR", "")
    if port and not settings.local and not _is_port(port):
        return failed(
            f"PGPORT is {port!r}, which is not a port.",
            code="settings_invalid",
            remedy="Unset PGPORT: Aurora DSQL's port is 5432.",
        )
    if address and not settings.local and not _is_address(address):
        return failed(
            f"PGHOSTADDR is {address!r}, which is not an IP address.",
            code="settings_invalid",
            remedy="Give PGHOSTADDR an address, not a name, or unset it.",
        )
    ignored = sorted(name for name in environ if name.startswith("PG") and name not in LIBPQ_VARIABLES)
    return CheckOutcome(f"{says} Ignored: {', '.join(ignored)}." if ignored else says)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= _MAX_PORT


def _is_address(text: str) -> bool:
    try:
        ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _used(environ: Mapping[str, str]) -> list[str]:
    ours = [name for option in OPTIONS for name in option.variables]
    return [name for name in dict.fromkeys([*ours, *LIBPQ_VARIABLES]) if environ.get(name)]


def refuse(error: SettingsError) -> CheckOutcome:
    """Outcome for settings with which the server would not start."""
    wrong, expected, fits = str(error).partition(", expected ")
    remedy = f"Give {fits}." if expected else "See awslabs-dsql-mcp --help."
    code = "region_mismatch" if "as in the endpoint's name" in fits else "settings_invalid"
    return failed(f"{wrong}.", code=code, remedy=remedy)
