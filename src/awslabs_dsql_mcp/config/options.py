"""The options of the server: one row for each.

The flags, the environment variables, the table of ``docs/options.md`` and the checks of ``config-examples/``
follow from this table. A flag takes precedence over its variables, a variable over the default.
"""

from typing import Final

from awslabs_dsql_mcp.config import parsers
from awslabs_dsql_mcp.config.parsers import LOG_LEVELS
from awslabs_dsql_mcp.config.settings import DEFAULT_KNOWLEDGE_SERVER, TOOLSETS
from awslabs_dsql_mcp.option_parser import Option, read_switch

LIBPQ_VARIABLES: Final = ("PGHOSTADDR", "PGPORT", "PGSSLNEGOTIATION", "PGSSLROOTCERT")
"""libpq's variables that apply. The others could change a login, the time zone or the reading of dates."""

CLUSTER_ONLY_OPTIONS: Final = frozenset(
    {
        "cluster_endpoint",
        "region",
        "allow_writes",
        "allow_cluster_changes",
        "local",
        "local_data",
        "local_session_minutes",
    }
)
"""Fields that identify a cluster and permit changes to it; with ``--config`` only the file may set them."""

PER_CLUSTER_OPTIONS: Final = CLUSTER_ONLY_OPTIONS | {
    "database_user",
    "profile",
    "confirm",
    "max_dpu",
    "load_dir",
    "export_dir",
    "max_connections",
    "connect_timeout",
    "statement_timeout",
    "call_timeout",
    "retry_attempts",
    "retry_time",
    "retry_delay",
    "ssl_root_cert",
}
"""Fields that a file of clusters may set for each cluster."""


def _read_toolsets(text: str) -> tuple[str, ...]:
    """Read names of toolsets, separated by commas; the result is in the order of ``TOOLSETS``."""
    named = {name.strip().lower() for name in text.split(",") if name.strip()}
    if not named or not named.issubset(TOOLSETS):
        raise ValueError("some of " + ", ".join(TOOLSETS) + ", separated by commas")
    return tuple(toolset for toolset in TOOLSETS if toolset in named)


OPTIONS: tuple[Option, ...] = (
    Option(
        "--cluster_endpoint",
        ("DSQL_CLUSTER_ENDPOINT",),
        parsers.read_host,
        "Host name of the Aurora DSQL cluster, or another name or address that leads to it.",
        "HOST",
    ),
    Option(
        "--config",
        ("DSQL_CONFIG",),
        parsers.read_config_file,
        "TOML file that describes several clusters; it replaces the options that name one.",
        "FILE",
    ),
    Option(
        "--region",
        ("DSQL_REGION",),
        parsers.read_region,
        "AWS Region of the cluster.",
        "REGION",
        "from the endpoint",
    ),
    Option(
        "--database_user",
        ("DSQL_DATABASE_USER",),
        parsers.read_text,
        "Database role to log in as. Use a role that has only the privileges that the agent needs.",
        "ROLE",
        "admin",
    ),
    Option(
        "--profile",
        ("AWS_PROFILE",),
        parsers.read_text,
        "AWS profile whose credentials sign the login token.",
        "NAME",
    ),
    Option(
        "--allow-writes",
        ("DSQL_ALLOW_WRITES",),
        read_switch,
        "Permit the tools to change data and schema. Without this flag every tool only reads.",
    ),
    Option(
        "--allow-cluster-changes",
        ("DSQL_ALLOW_CLUSTER_CHANGES",),
        parsers.read_cluster_gate,
        "Permit the tools to create clusters, and to change and delete them: `own` those that they created, "
        "known by a tag; `all` any of the account. Without it they only look.",
        "WHICH",
    ),
    Option(
        "--max-clusters",
        ("DSQL_MAX_CLUSTERS",),
        parsers.read_count,
        "Maximum number of clusters that servers of this kind may have created and not deleted, together.",
        "N",
        "3",
    ),
    Option(
        "--confirm",
        ("DSQL_CONFIRM",),
        parsers.read_confirm,
        "Which changes need confirmation: `always` (every transaction, by the user or by the token of a dry "
        "run), `auto` (statements that drop an object or have no WHERE, if the client can ask the user), "
        "`never`. A cluster is not deleted or unprotected without it under any of them.",
        "WHICH",
        "auto",
    ),
    Option(
        "--max-dpu",
        ("DSQL_MAX_DPU",),
        parsers.read_dpu,
        "Refuse a call of `load_rows`, `batch_write` or `migrate` before anything is written if its forecast "
        "is above so many DPU, or cannot be made. Compute is not forecast.",
        "N",
    ),
    Option(
        "--tools",
        ("DSQL_TOOLS",),
        _read_toolsets,
        "Toolsets to offer, separated by commas; fewer tools use less of the agent's context. `core`: "
        "queries, transactions, schema, plans; `docs`: documentation; `schema-changes`: lint, jobs, "
        "migrations; `bulk`: many rows; `clusters`: state, backups and cost of clusters.",
        "LIST",
        ",".join(TOOLSETS),
    ),
    Option(
        "--load-dir",
        ("DSQL_LOAD_DIR",),
        parsers.read_existing_folder,
        "Directory whose CSV, JSON and Parquet files `load_rows` may read; without it, none.",
        "DIR",
    ),
    Option(
        "--export-dir",
        ("DSQL_EXPORT_DIR",),
        parsers.read_existing_folder,
        "Directory in which `export_query` creates files. Without it, that tool is not offered.",
        "DIR",
    ),
    Option(
        "--knowledge-server",
        ("DSQL_KNOWLEDGE_SERVER",),
        parsers.read_knowledge_url,
        "URL of the server that answers the documentation tools.",
        "URL",
        DEFAULT_KNOWLEDGE_SERVER,
    ),
    Option(
        "--knowledge-timeout",
        ("DSQL_KNOWLEDGE_TIMEOUT",),
        parsers.read_seconds,
        "Maximum time to wait for the documentation server, retries included.",
        "s",
        "30.0",
    ),
    Option(
        "--max-connections",
        ("DSQL_MAX_CONNECTIONS",),
        parsers.read_count,
        "Maximum number of open connections. A second one is opened only while calls overlap.",
        "N",
        "4",
    ),
    Option(
        "--connect-timeout",
        ("DSQL_CONNECT_TIMEOUT",),
        parsers.read_seconds,
        "Maximum time to open a connection.",
        "s",
        "10.0",
    ),
    Option(
        "--statement-timeout",
        ("DSQL_STATEMENT_TIMEOUT",),
        parsers.read_seconds,
        "Maximum run time of the statements of a transaction. Aurora DSQL ends a transaction after 300 s, "
        "which is the limit of `export_query`.",
        "s",
        "45.0",
    ),
    Option(
        "--call-timeout",
        ("DSQL_CALL_TIMEOUT",),
        parsers.read_seconds,
        "Maximum time of a tool call, connecting and retries included; of `export_query`, 300 s. Many "
        "clients stop waiting after 60 s.",
        "s",
        "55.0",
    ),
    Option(
        "--retry-attempts",
        ("DSQL_RETRY_ATTEMPTS",),
        parsers.read_count,
        "Maximum number of attempts of a transaction that conflicts with another one.",
        "N",
        "6",
    ),
    Option(
        "--retry-time",
        ("DSQL_RETRY_TIME",),
        parsers.read_seconds,
        "Maximum time during which a transaction is retried.",
        "s",
        "15.0",
    ),
    Option(
        "--retry-delay",
        ("DSQL_RETRY_DELAY",),
        parsers.read_seconds,
        "Upper bound of the random delay before the first retry; it doubles with each retry, up to 2 s.",
        "s",
        "0.02",
    ),
    Option(
        "--max-rows",
        ("DSQL_MAX_ROWS",),
        parsers.read_size,
        "Maximum number of rows shown of a result. A truncated result says so before its rows.",
        "N",
        "100",
    ),
    Option(
        "--max-result-chars",
        ("DSQL_MAX_RESULT_CHARS",),
        parsers.read_size,
        "Maximum number of characters of rows in a response. Clients cut a response at about 25,000 tokens.",
        "N",
        "30000",
    ),
    Option(
        "--max-cell-chars",
        ("DSQL_MAX_CELL_CHARS",),
        parsers.read_size,
        "Maximum number of characters shown of a value.",
        "N",
        "2000",
    ),
    Option(
        "--ssl-root-cert",
        ("DSQL_SSL_ROOT_CERT", "PGSSLROOTCERT"),
        parsers.read_roots,
        "File of trusted root certificates in PEM format, or `system` for those of OpenSSL.",
        "FILE",
        "certifi's",
    ),
    Option(
        "--log-level",
        ("DSQL_LOG_LEVEL", "FASTMCP_LOG_LEVEL"),
        parsers.read_log_level,
        "Lowest level of the messages that are logged to standard error: " + ", ".join(LOG_LEVELS) + ".",
        "LEVEL",
        "WARNING",
    ),
    Option(
        "--audit-log",
        ("DSQL_AUDIT_LOG",),
        parsers.read_log_file,
        "File to which each tool call is appended as a line of JSON. At 10 MiB it is renamed to FILE.1; five "
        "such files are kept.",
        "FILE",
    ),
    Option(
        "--audit-parameters",
        ("DSQL_AUDIT_PARAMETERS",),
        read_switch,
        "Record parameter values, and other arguments besides SQL, in the audit log.",
    ),
    Option(
        "--local",
        ("DSQL_LOCAL",),
        read_switch,
        "Use a cluster on this machine (extra `local`). It needs no AWS account and no network.",
    ),
    Option(
        "--local-data",
        ("DSQL_LOCAL_DATA",),
        parsers.read_folder,
        "Directory of the local cluster's data.",
        "DIR",
        "the user's data directory",
    ),
    Option(
        "--local-session-minutes",
        ("DSQL_LOCAL_SESSION_MINUTES",),
        parsers.read_minutes,
        "Minutes after which the local cluster closes a connection, as Aurora DSQL does.",
        "MIN",
        "60.0",
    ),
)
