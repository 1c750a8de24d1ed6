"""The frozen settings of a server."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Toolset = Literal["core", "docs", "schema-changes", "bulk", "clusters"]
"""Name of a group of tools, for ``--tools``."""

TOOLSETS: Final[tuple[Toolset, ...]] = ("core", "docs", "schema-changes", "bulk", "clusters")

DEFAULT_KNOWLEDGE_SERVER = "https://xmfe3hc3pk.execute-api.us-east-2.amazonaws.com"


@dataclass(frozen=True)
class Settings:
    """The values of all options.

    Attributes:
        cluster_endpoint: Host name or address of the cluster; ``None`` when none is configured.
        config: File that describes several clusters instead; read by `config.clusters`.
        region: AWS Region of the cluster, for signing tokens.
        database_user: Database role; ``admin`` signs ``DbConnectAdmin``, any other ``DbConnect``.
        profile: AWS profile; ``None`` for the default credential chain of botocore.
        allow_writes: Permit changes of data and schema.
        allow_cluster_changes: Clusters of the account that may be changed, ``own`` or ``all``, or none.
        max_clusters: The most clusters that one server may have made at once.
        confirm: Which writes need confirmation: ``always``, ``auto`` or ``never``.
        max_dpu: DPUs of a call's forecast above which it is refused; ``None`` for no limit.
        tools: Toolsets to offer.
        load_dir: Directory whose files ``load_rows`` may read; ``None`` for none.
        export_dir: Directory in which ``export_query`` creates files; ``None`` for none.
        knowledge_server: URL of the documentation server.
        knowledge_timeout: Maximum time to wait for the documentation server, in seconds, retries included.
        max_connections: Maximum number of open connections.
        connect_timeout: Maximum time to open a connection, in seconds.
        statement_timeout: Maximum run time of the statements of a transaction, in seconds.
        call_timeout: Maximum time of a call, waiting, connecting and retries included, in seconds.
        retry_attempts: Maximum number of attempts of a transaction that conflicts.
        retry_time: Maximum time during which a transaction is retried, in seconds.
        retry_delay: Upper bound of the random delay before the first retry, in seconds; it doubles.
        max_rows: Maximum number of rows shown of a result.
        max_result_chars: Maximum number of characters of rows in a response.
        max_cell_chars: Maximum number of characters shown of a value.
        ssl_root_cert: File of trusted root certificates (PEM) or ``system``; ``None`` for certifi's.
        log_level: A name in ``LOG_LEVELS``.
        audit_log: File to which each call is appended; ``None`` for none.
        audit_parameters: Record parameter values, and other arguments besides SQL, in the audit log.
        local: Use the cluster on this machine; with ``cluster_endpoint`` another one of its account.
        local_data: Directory of the local cluster's data; ``None`` for the user's data directory.
        local_session_minutes: Minutes after which the local cluster closes a connection; ``None`` keeps
            the value of a cluster that is already running.
    """

    cluster_endpoint: str | None = None
    config: Path | None = None
    region: str | None = None
    database_user: str = "admin"
    profile: str | None = None
    allow_writes: bool = False
    allow_cluster_changes: Literal["own", "all"] | None = None
    max_clusters: int = 3
    confirm: Literal["always", "auto", "never"] = "auto"
    max_dpu: float | None = None
    tools: tuple[Toolset, ...] = TOOLSETS
    load_dir: Path | None = None
    export_dir: Path | None = None
    knowledge_server: str = DEFAULT_KNOWLEDGE_SERVER
    knowledge_timeout: float = 30.0
    max_connections: int = 4
    connect_timeout: float = 10.0
    statement_timeout: float = 45.0
    call_timeout: float = 55.0
    retry_attempts: int = 6
    retry_time: float = 15.0
    retry_delay: float = 0.02
    max_rows: int = 100
    max_result_chars: int = 30_000
    max_cell_chars: int = 2_000
    ssl_root_cert: str | None = None
    log_level: str = "WARNING"
    audit_log: Path | None = None
    audit_parameters: bool = False
    local: bool = False
    local_data: Path | None = None
    local_session_minutes: float | None = None

    @property
    def cluster_in_words(self) -> str:
        """The cluster, the role and what may be done, as a clause without secrets."""
        cluster = "the local cluster" if self.local else self.cluster_endpoint or "no cluster"
        mode = "reading and writing" if self.allow_writes else "reading only"
        changes = {
            "own": ", changing clusters that such a server made",
            "all": ", changing any cluster of the account",
        }
        also = changes.get(self.allow_cluster_changes or "", "")
        return f"{cluster}, as {self.database_user}, {mode}{also}"
