"""The tools that change much, of one cluster."""

from dataclasses import dataclass

from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner
from awslabs_dsql_mcp.bulk.loading.row_files import LoadDirectory
from awslabs_dsql_mcp.clusters.budget import Budget
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.large_changes.batch_write import BatchWrite
from awslabs_dsql_mcp.tools.large_changes.load_rows import LoadRows
from awslabs_dsql_mcp.tools.large_changes.migrate import Migrate


@dataclass(frozen=True)
class LargeChanges:
    """The work of ``batch_write``, ``load_rows`` and ``migrate``."""

    batch_write: BatchWrite
    load_rows: LoadRows
    migrate: Migrate


def large_changes(
    settings: Settings,
    database: Database,
    suggesting: Database,
    confirmation: ChangeConfirmation,
    budget: Budget,
) -> LargeChanges:
    """Put the tools together.

    Args:
        settings: Settings of the cluster.
        database: The cluster.
        suggesting: The same; its errors name what is near.
        confirmation: Asks for confirmation.
        budget: Forecasts what a call costs.
    """
    # Handles and marks of one cluster must not be taken for another's.
    name = settings.cluster_endpoint or f"local {settings.local_data or ''}"
    runner = BatchRunner(suggesting, call_time=settings.call_timeout)
    files = LoadDirectory(settings.load_dir)
    return LargeChanges(
        BatchWrite(suggesting, runner, confirmation, name, budget),
        LoadRows(suggesting, runner, confirmation, files, name, budget),
        Migrate(
            database, confirmation=confirmation, call_time=settings.call_timeout, cluster=name, budget=budget
        ),
    )
