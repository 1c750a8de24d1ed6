"""The options of the server, as one table, and the frozen values they become.

``OPTIONS`` is the source: the flags, the environment variables, the README's table and the checks of
``config-examples/`` all follow it. A flag beats its variables, a variable beats the default.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from awslabs_dsql_mcp.config import parsers
from awslabs_dsql_mcp.config.parsers import LOG_LEVELS

Toolset = Literal["core", "docs", "schema-changes", "bulk"]
"""What operators choose tools by."""

TOOLSETS: Final[tuple[Toolset, ...]] = ("core", "docs", "schema-changes", "bulk")

DEFAULT_KNOWLEDGE_SERVER = "https://xmfe3hc3pk.execute-api.us-east-2.amazonaws.com"

CLUSTER_ONLY_OPTIONS: Final = frozenset(
    {"cluster_endpoint", "region", "allow_writes", "local", "local_data", "local_session_minutes"}
)
"""Fields that say which cluster it is and whether it may be changed: a file of clusters says it for each."""

PER_CLUSTER_OPTIONS: Final = CLUSTER_ONLY_OPTIONS | {
    "database_user",
    "profile",
    "confirm",
    "load_dir",
    "max_connections",
    "connect_timeout",
    "statement_timeout",
    "call_timeout",
    "retry_attempts",
    "retry_time",
    "retry_delay",
    "ssl_root_cert",
}
"""Fields that may differ from cluster to cluster."""

_CLUSTER_NAME = re.compile(r"\.dsql(?:-[a-z0-9]+)?\.([a-z]{2}(?:-[a-z]+)+-\d)\.", re.IGNORECASE)


class SettingsError(ValueError):
    """A value that cannot be used; the text is one line that names the option, the value and what fits."""


@dataclass(frozen=True)
class Settings:
    """What the operator decided.

    Attributes:
        cluster_endpoint: Host name or address of the cluster; ``None`` when none is configured.
        config: File that names several clusters instead; `clusters` reads it.
        region: AWS region of the cluster, for signing tokens.
        database_user: Role to log in as; ``admin`` signs ``DbConnectAdmin``, any other ``DbConnect``.
        profile: Named profile of the AWS configuration; ``None`` for boto3's own search.
        allow_writes: Whether ``transact`` may change anything.
        confirm: Which changes want a yes: ``always``, ``auto`` or ``never``.
        tools: Families of tools that clients are offered.
        load_dir: Folder whose files ``load_rows`` may read; ``None`` for none.
        knowledge_server: URL of the documentation server.
        knowledge_timeout: Longest wait for an answer of it, in seconds, retries included.
        max_connections: Connections open at once, at most.
        connect_timeout: Longest wait for one connection, in seconds.
        statement_timeout: Longest run of one transaction's statements, in seconds.
        call_timeout: Longest wait of a call in all, turns, connecting and retries included, in seconds.
        retry_attempts: How often a transaction is tried at most when it conflicts.
        retry_time: How long it is tried again at most, in seconds.
        retry_delay: Upper bound of the first random delay between tries, in seconds; it doubles.
        max_rows: Rows of a result that are shown, at most.
        max_result_chars: Characters of rows in an answer, at most.
        max_cell_chars: Characters of one value that are shown, at most.
        ssl_root_cert: File of trusted root certificates (PEM) or ``system``; ``None`` for certifi's.
        log_level: A name of ``LOG_LEVELS``.
        audit_log: File that gets a record of each call; ``None`` for none.
        audit_parameters: Whether records tell values and other arguments beside SQL.
        local: Whether to use the cluster on this machine instead.
        local_data: Folder of that cluster's data; ``None`` for the user's data folder.
        local_session_minutes: Minutes after which that cluster ends a connection; ``None`` to take a
            running one as it is.
    """

    cluster_endpoint: str | None = None
    config: Path | None = None
    region: str | None = None
    database_user: str = "admin"
    profile: str | None = None
    allow_writes: bool = False
    confirm: Literal["always", "auto", "never"] = "auto"
    tools: tuple[Toolset, ...] = TOOLSETS
    load_dir: Path | None = None
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


@dataclass(frozen=True)
class Option:
    """One option.

    Attributes:
        flag: Its documented spelling; dashes and underscores are taken alike.
        variables: Environment variables, the first that is set wins.
        read: Turns the text given into the value, or raises ``ValueError`` saying what is expected.
        help: One sentence.
        unit: Unit of the value, or what stands for it in help: ``s``, ``HOST``; empty for a switch.
        default: The default as documentation shows it.
    """

    flag: str
    variables: tuple[str, ...]
    read: Callable[[str], object]
    help: str
    unit: str = ""
    default: str = ""

    @property
    def name(self) -> str:
        """The field of ``Settings``."""
        return self.flag.lstrip("-").replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether the flag stands alone."""
        return self.read is parsers.read_switch

    @property
    def spellings(self) -> tuple[str, ...]:
        """The flag with dashes and with underscores, the documented one first."""
        other = "--" + (self.name if "-" in self.flag[2:] else self.name.replace("_", "-"))
        return (self.flag,) if other == self.flag else (self.flag, other)


def _read_toolsets(text: str) -> tuple[str, ...]:
    """Read the families of tools, separated by commas, into the usual order."""
    named = {name.strip().lower() for name in text.split(",") if name.strip()}
    if not named or not named.issubset(TOOLSETS):
        raise ValueError("some of " + ", ".join(TOOLSETS) + ", separated by commas")
    return tuple(family for family in TOOLSETS if family in named)


OPTIONS: tuple[Option, ...] = (
    Option(
        "--cluster_endpoint",
        ("DSQL_CLUSTER_ENDPOINT",),
        parsers.read_host,
        "Endpoint of the Aurora DSQL cluster: its host name, or any name or address that leads to it.",
        "HOST",
    ),
    Option(
        "--config",
        ("DSQL_CONFIG",),
        parsers.read_config_file,
        "TOML file of several clusters, instead of the flags that name one.",
        "FILE",
    ),
    Option(
        "--region",
        ("DSQL_REGION",),
        parsers.read_region,
        "AWS region of the cluster; taken from the endpoint's name when absent.",
        "REGION",
        "from the endpoint",
    ),
    Option(
        "--database_user",
        ("DSQL_DATABASE_USER",),
        parsers.read_text,
        "Role to log in as; prefer one with only the privileges that the agent needs.",
        "ROLE",
        "admin",
    ),
    Option(
        "--profile",
        ("AWS_PROFILE",),
        parsers.read_text,
        "Profile of the AWS configuration whose credentials sign the login.",
        "NAME",
    ),
    Option(
        "--allow-writes",
        ("DSQL_ALLOW_WRITES",),
        parsers.read_switch,
        "Let `transact` change data and schema; without it every tool only reads.",
    ),
    Option(
        "--confirm",
        ("DSQL_CONFIRM",),
        parsers.read_confirm,
        "What needs a yes: `always` each transaction (of the user, or by a dry run's token), `auto` what "
        "drops something or has no WHERE, where the client can ask, `never`.",
        "WHICH",
        "auto",
    ),
    Option(
        "--tools",
        ("DSQL_TOOLS",),
        _read_toolsets,
        "Families of tools that clients are offered; fewer leave an agent more room: `core` (queries, "
        "transactions, schema, plans), `docs`, `schema-changes` (lint, jobs), `bulk` (many rows).",
        "LIST",
        ",".join(TOOLSETS),
    ),
    Option(
        "--load-dir",
        ("DSQL_LOAD_DIR",),
        parsers.read_folder,
        "Folder whose CSV, JSON Lines and Parquet files `load_rows` may read; none by default.",
        "DIR",
    ),
    Option(
        "--knowledge-server",
        ("DSQL_KNOWLEDGE_SERVER",),
        parsers.read_knowledge_url,
        "Server that answers the documentation tools.",
        "URL",
        DEFAULT_KNOWLEDGE_SERVER,
    ),
    Option(
        "--knowledge-timeout",
        ("DSQL_KNOWLEDGE_TIMEOUT",),
        parsers.read_seconds,
        "Longest wait for it in all, retries included.",
        "s",
        "30.0",
    ),
    Option(
        "--max-connections",
        ("DSQL_MAX_CONNECTIONS",),
        parsers.read_count,
        "Connections open at once at most; a second one opens only while calls overlap.",
        "N",
        "4",
    ),
    Option(
        "--connect-timeout",
        ("DSQL_CONNECT_TIMEOUT",),
        parsers.read_seconds,
        "Longest wait for one connection to open.",
        "s",
        "10.0",
    ),
    Option(
        "--statement-timeout",
        ("DSQL_STATEMENT_TIMEOUT",),
        parsers.read_seconds,
        "Longest run of one transaction's statements; DSQL itself ends one after 300 s.",
        "s",
        "45.0",
    ),
    Option(
        "--call-timeout",
        ("DSQL_CALL_TIMEOUT",),
        parsers.read_seconds,
        "Longest wait of a call in all, connecting and retries included; many clients give up at 60 s.",
        "s",
        "55.0",
    ),
    Option(
        "--retry-attempts",
        ("DSQL_RETRY_ATTEMPTS",),
        parsers.read_count,
        "How often a transaction that conflicts is tried in all.",
        "N",
        "6",
    ),
    Option(
        "--retry-time",
        ("DSQL_RETRY_TIME",),
        parsers.read_seconds,
        "How long a transaction is tried again at most.",
        "s",
        "15.0",
    ),
    Option(
        "--retry-delay",
        ("DSQL_RETRY_DELAY",),
        parsers.read_seconds,
        "Upper bound of the first random delay between two tries; it doubles each time, up to 2 s.",
        "s",
        "0.02",
    ),
    Option(
        "--max-rows",
        ("DSQL_MAX_ROWS",),
        parsers.read_size,
        "Rows of a result that are shown at most; what is cut is said first.",
        "N",
        "100",
    ),
    Option(
        "--max-result-chars",
        ("DSQL_MAX_RESULT_CHARS",),
        parsers.read_size,
        "Characters of rows in an answer at most; clients cut at 25,000 tokens or so.",
        "N",
        "30000",
    ),
    Option(
        "--max-cell-chars",
        ("DSQL_MAX_CELL_CHARS",),
        parsers.read_size,
        "Characters of one value that are shown at most.",
        "N",
        "2000",
    ),
    Option(
        "--ssl-root-cert",
        ("DSQL_SSL_ROOT_CERT", "PGSSLROOTCERT"),
        parsers.read_roots,
        "File of trusted root certificates in PEM form, or `system`.",
        "FILE",
        "certifi's",
    ),
    Option(
        "--log-level",
        ("DSQL_LOG_LEVEL", "FASTMCP_LOG_LEVEL"),
        parsers.read_log_level,
        "How much goes to stderr: " + ", ".join(LOG_LEVELS) + ".",
        "LEVEL",
        "WARNING",
    ),
    Option(
        "--audit-log",
        ("DSQL_AUDIT_LOG",),
        parsers.read_log_file,
        "File that gets a line of JSON for each call of a tool; at 10 MiB it becomes FILE.1, and five such "
        "are kept.",
        "FILE",
    ),
    Option(
        "--audit-parameters",
        ("DSQL_AUDIT_PARAMETERS",),
        parsers.read_switch,
        "Let the audit log tell values and other arguments beside SQL.",
    ),
    Option(
        "--local",
        ("DSQL_LOCAL",),
        parsers.read_switch,
        "Use a cluster on this machine (extra `local`): no AWS account, no network.",
    ),
    Option(
        "--local-data",
        ("DSQL_LOCAL_DATA",),
        parsers.read_folder,
        "Folder of the local cluster's data.",
        "DIR",
        "the user's data folder",
    ),
    Option(
        "--local-session-minutes",
        ("DSQL_LOCAL_SESSION_MINUTES",),
        parsers.read_minutes,
        "Minutes after which the local cluster ends a connection, as Aurora DSQL does.",
        "MIN",
        "60.0",
    ),
)


def region_of(endpoint: str) -> str | None:
    """Take the region out of a cluster's host name.

    Names look like ``<26 characters>.dsql.us-east-1.on.aws`` (Aurora DSQL user guide, "Accessing
    Aurora DSQL"); private links put more labels around ``dsql``. ``None`` for any other name.
    """
    match = _CLUSTER_NAME.search(endpoint)
    return match.group(1).lower() if match else None
