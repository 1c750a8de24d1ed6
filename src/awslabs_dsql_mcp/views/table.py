"""The table of views: which tools' answers each shows."""

from dataclasses import dataclass
from typing import Final

_ADDRESS: Final = "ui://aurora-dsql/"


@dataclass(frozen=True)
class View:
    """One view.

    Attributes:
        name: Name of its page, ``pages/NAME.html``.
        title: For people.
        description: For people.
        tools: The tools whose answers it shows.
    """

    name: str
    title: str
    description: str
    tools: tuple[str, ...]

    @property
    def uri(self) -> str:
        """Address of its page."""
        return f"{_ADDRESS}{self.name}.html"


VIEWS: Final = (
    View("rows", "Rows", "Rows of a read: sorted, filtered, paged, as CSV, as a chart.", ("readonly_query",)),
    View(
        "transaction", "Transaction", "A transaction: its preview, with a button; its outcome.", ("transact",)
    ),
    View(
        "steps",
        "Steps",
        "A migration, a change in batches, a load: steps, progress, forecast, a button.",
        ("migrate", "batch_write", "load_rows"),
    ),
    View("plan", "Plan", "A query's plan as a tree, with what costs in it.", ("explain_query",)),
    View("schema", "Schema", "Tables: columns, keys, indexes, a diagram, a search.", ("get_schema",)),
    View(
        "status",
        "Status",
        "Jobs, and what to do about them; clusters, their usage and cost by day.",
        ("job_status", "cluster_status"),
    ),
)


def view_at(uri: str) -> View | None:
    """Find the view whose page is at an address."""
    return next((view for view in VIEWS if view.uri == uri), None)
