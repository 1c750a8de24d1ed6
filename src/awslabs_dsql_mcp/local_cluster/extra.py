"""The packages of the extra ``local``, without which there is no local cluster."""

from importlib.util import find_spec
from typing import Final

from awslabs_dsql_mcp.errors import NotConfigured

# Apart from PostgreSQL, which the system may have.
_PACKAGES: Final = ("cryptography", "platformdirs", "psutil")
_WITH_EXTRA: Final = "uvx --from 'awslabs-dsql-mcp[local]' awslabs-dsql-mcp"


def missing_packages() -> list[str]:
    """List the packages of the extra that are not installed."""
    return [name for name in _PACKAGES if find_spec(name) is None]


def require_extra() -> None:
    """Refuse to go on without the extra.

    Raises:
        NotConfigured: A package of it is missing.
    """
    if missing := missing_packages():
        raise NotConfigured(
            f"The extra `local` is incomplete: {', '.join(missing)} cannot be found.",
            code="no_local_extra",
            hint=f"Start it with the extra: {_WITH_EXTRA}; in a checkout, --from '.[local]'.",
        )
