"""Check of options and environment."""

from collections.abc import Mapping

from awslabs_dsql_mcp.config.options import LIBPQ_VARIABLES, OPTIONS
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.doctor.report import CheckOutcome, failed
from awslabs_dsql_mcp.option_parser import SettingsError


def describe(settings: Settings, environ: Mapping[str, str]) -> CheckOutcome:
    """Describe the cluster, the role and the mode, and the variables that were used."""
    if not settings.local and settings.cluster_endpoint is None:
        return failed(
            "No cluster is configured: only dsql_lint and the documentation tools would work.",
            code="no_cluster",
            remedy="Give --cluster_endpoint <id>.dsql.<region>.on.aws, or --local for a cluster on this "
            "machine.",
        )
    for option, folder in (("--load-dir", settings.load_dir), ("--export-dir", settings.export_dir)):
        if folder is not None and not folder.is_dir():
            return failed(
                f"The directory of {option} is not there: {folder}.",
                code="no_directory",
                remedy=f"Create it, or change {option}.",
            )
    used = _used(environ)
    from_environment = f" From the environment: {', '.join(used)}." if used else ""
    says = f"{settings.cluster_in_words}.{from_environment}"
    port = environ.get("PGPORT", "")
    if port and not settings.local and not port.isdigit():
        return failed(
            f"PGPORT is {port!r}, which is not a port.",
            code="settings_invalid",
            remedy="Unset PGPORT: Aurora DSQL's port is 5432.",
        )
    ignored = sorted(name for name in environ if name.startswith("PG") and name not in LIBPQ_VARIABLES)
    return CheckOutcome(f"{says} Ignored: {', '.join(ignored)}." if ignored else says)


def _used(environ: Mapping[str, str]) -> list[str]:
    ours = [name for option in OPTIONS for name in option.variables]
    return [name for name in dict.fromkeys([*ours, *LIBPQ_VARIABLES]) if environ.get(name)]


def refuse(error: SettingsError) -> CheckOutcome:
    """Outcome for settings with which the server would not start."""
    wrong, expected, fits = str(error).partition(", expected ")
    remedy = f"Give {fits}." if expected else "See awslabs-dsql-mcp --help."
    code = "region_mismatch" if "as in the endpoint's name" in fits else "settings_invalid"
    return failed(f"{wrong}.", code=code, remedy=remedy)
