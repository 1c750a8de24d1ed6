"""The tools that a server offers, by which advice is worded: no text names a tool that cannot be called."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from awslabs_dsql_mcp.config.settings import TOOLSETS, Toolset

FAMILIES: Final[dict[str, Toolset]] = {
    "readonly_query": "core",
    "transact": "core",
    "get_schema": "core",
    "explain_query": "core",
    "job_status": "schema-changes",
    "dsql_lint": "schema-changes",
    "migrate": "schema-changes",
    "batch_write": "bulk",
    "load_rows": "bulk",
    "cluster_status": "clusters",
    "diagnose": "clusters",
    "create_cluster": "clusters",
    "change_cluster": "clusters",
    "dsql_search_documentation": "docs",
    "dsql_read_documentation": "docs",
    "dsql_recommend": "docs",
}
"""The toolset of each tool."""

WRITING: Final = frozenset({"transact", "migrate", "batch_write", "load_rows"})
"""Tools that change data; without writes only ``transact`` is offered, and reads."""

CHANGING_CLUSTERS: Final = frozenset({"create_cluster", "change_cluster"})
"""Tools that change the account's clusters."""

NO_CLUSTER_CHANGES: Final = (
    "This server changes no clusters: the operator alone can allow it (--allow-cluster-changes)."
)

NO_WRITES: Final = (
    "This server only reads: the operator chose so, who alone can allow writes (--allow-writes)."
)

NO_EXPORTS: Final = (
    "This server writes no files: the operator alone can name a directory for them (--export-dir)."
)

_NAMED: Final = re.compile(rf"\b(?:{'|'.join(FAMILIES)})\b")
_ON_CLUSTERS: Final = (
    "readonly_query",
    "transact",
    "get_schema",
    "explain_query",
    "job_status",
    "diagnose",
    "migrate",
    "batch_write",
    "load_rows",
)
_CALL: Final = re.compile(rf"\b(?:{'|'.join(_ON_CLUSTERS)})\((?=\w+=)(?!cluster=)")
_SENTENCE_END: Final = re.compile(r"(?<=[.?]) (?!Or\b)(?=[A-Z`])")  # "Or, …" goes with what is before it


@dataclass(frozen=True)
class OfferedTools:
    """The tools of a server, or of one of its clusters.

    Attributes:
        families: Toolsets that are offered.
        allow_writes: True if tools may change data.
        cluster: Name of the cluster in the file of ``--config``, where alone writes are allowed; empty for
            none.
        changes_clusters: True if clusters may be created, changed and deleted.
        called: What calls give as their argument ``cluster``; empty where they need none.
    """

    families: Collection[Toolset] = TOOLSETS
    allow_writes: bool = True
    cluster: str = ""
    changes_clusters: bool = True
    called: str = ""

    @property
    def no_writes(self) -> str:
        """Say who can allow writes, and where."""
        if not self.cluster:
            return NO_WRITES
        return (
            f"Cluster {self.cluster} only reads: the operator chose so, who alone can allow writes "
            f"(allow-writes = true under [clusters.{self.cluster}])."
        )

    def can(self, tool: str) -> bool:
        """Return true for a tool that is offered; for ``transact``, if it may change data."""
        if tool in CHANGING_CLUSTERS and not self.changes_clusters:
            return False
        return FAMILIES[tool] in self.families and (self.allow_writes or tool not in WRITING)

    def advise(self, advice: str) -> str:
        """Leave out the sentences that name a tool which is not offered, and let calls name their cluster.

        Args:
            advice: One or more sentences.

        Returns:
            The rest of them; if there is none, who can offer the tool.
        """
        sentences = _SENTENCE_END.split(advice)
        kept = [sentence for sentence in sentences if self._missing(sentence) is None]
        missing = self._missing(advice)
        return self.led(" ".join(kept)) if kept or missing is None else self.absence(missing)

    def led(self, text: str) -> str:
        """Let calls that are written out go to the same cluster."""
        return _CALL.sub(rf'\g<0>cluster="{self.called}", ', text) if self.called else text

    def absence(self, tool: str) -> str:
        """Say who can offer a tool that is not offered."""
        if not self.allow_writes and tool in WRITING:
            return self.no_writes
        if not self.changes_clusters and tool in CHANGING_CLUSTERS:
            return NO_CLUSTER_CHANGES
        return f"{tool} is not offered here: the operator alone can add it (--tools {FAMILIES[tool]})."

    def _missing(self, text: str) -> str | None:
        return next((name for name in _NAMED.findall(text) if not self.can(name)), None)
