"""Effects of the functions that come with the database.

The names are PostgreSQL 16's own (`sql/function_catalog.py`, from its catalog). An immutable or stable
function changes nothing (PostgreSQL documentation, "Function Volatility Categories") but for two that
assign a transaction id, and those that run a user's code by name; a volatile one counts as changing
something unless it is listed here with a reason. What it changes follows from the family that its name
belongs to.

A name that nobody knows is the user's own: a read may call it, since the READ ONLY transaction stops what it
writes, and `is_user_defined` says so that the session can be treated as touched.
"""

import re
from enum import Enum
from functools import cache
from typing import Final

from awslabs_dsql_mcp.sql.function_catalog import OPERATORS, SIDE_EFFECT_FREE, VOLATILE


class Effect(Enum):
    """Something that a call changes, or reaches outside the transaction."""

    SEQUENCE = "sequence"
    TRANSACTION_ID = "transaction-id"
    SETTING = "setting"
    LOCK = "lock"
    SLEEP = "sleep"
    NOTIFY = "notify"
    SIGNAL = "signal"
    FILE = "file"
    LARGE_OBJECT = "large-object"
    RUNS_TEXT = "runs-text"
    BY_NAME = "by-name"
    JOB = "job"
    SERVER = "server"


_FAMILIES: Final = tuple(
    (effect, re.compile(pattern))
    for effect, pattern in (
        (Effect.SEQUENCE, "nextval|setval"),
        (Effect.TRANSACTION_ID, "txid_current|pg_current_xact_id"),
        (Effect.SETTING, "set_config|setseed"),
        (Effect.LOCK, "pg_(try_)?advisory_.*"),
        (Effect.SLEEP, "pg_sleep.*"),
        (Effect.NOTIFY, "pg_notify"),
        (
            Effect.SIGNAL,
            "pg_(cancel|terminate)_backend|pg_reload_conf|pg_rotate_logfile.*|pg_promote|pg_log_.*",
        ),
        (Effect.FILE, "pg_(ls|read|file)_.*|pg_stat_file|pg_logdir_ls|lo_(im|ex)port"),
        (Effect.LARGE_OBJECT, "lo_.*|loread|lowrite"),
        (
            Effect.RUNS_TEXT,
            "(query|cursor)_to_xml.*|ts_stat|ts_rewrite|dblink.*|crosstab.*|connectby|xpath_table",
        ),
        (Effect.SERVER, ".*"),
    )
)

_EXTENSIONS: Final = re.compile(
    "dblink.*|crosstab[234n]?|connectby|xpath_table|lo_manage|postgres_fdw_disconnect.*"
)
"""Functions of PostgreSQL's own extensions that run text or keep state; they live in any schema."""

_RESERVED_PREFIXES: Final = re.compile("pg_.*|lo_.*|binary_upgrade_.*|txid_.*")
"""Names that PostgreSQL keeps to itself: an unknown one belongs to another release."""

_HARMLESS: Final = frozenset(
    # another value at each call, and nothing kept: the generator of random() is not part of a session's
    # settings (setseed is)
    "array_sample array_shuffle bernoulli clock_timestamp gen_random_uuid random random_normal system "  # noqa: SIM905 - a wall of quotes reads worse
    "timeofday "
    # the session's own state, read
    "current_query currval lastval pg_replication_origin_session_is_setup "
    "pg_replication_origin_session_progress "
    # tuples, transactions and large objects, read
    "currtid2 lo_get pg_get_multixact_members pg_last_committed_xact pg_prepared_xact "
    "pg_xact_commit_timestamp pg_xact_commit_timestamp_origin pg_xact_status txid_status "
    # sizes and the shape of relations
    "pg_database_size pg_indexes_size pg_partition_ancestors pg_partition_tree pg_relation_size "
    "pg_sequence_last_value pg_table_size pg_tablespace_size pg_total_relation_size "
    # what PostgreSQL's own views show of the server and its settings
    "pg_blocking_pids pg_collation_actual_version pg_control_checkpoint pg_control_init "
    "pg_control_recovery pg_control_system pg_current_logfile pg_current_wal_flush_lsn "
    "pg_current_wal_insert_lsn pg_current_wal_lsn pg_database_collation_actual_version "
    "pg_get_backend_memory_contexts pg_get_shmem_allocations pg_get_wal_replay_pause_state "
    "pg_get_wal_resource_managers pg_hba_file_rules pg_ident_file_mappings pg_is_in_recovery "
    "pg_is_wal_replay_paused pg_isolation_test_session_is_blocked pg_jit_available "
    "pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_lock_status "
    "pg_notification_queue_usage pg_replication_origin_progress pg_safe_snapshot_blocking_pids "
    "pg_show_all_file_settings pg_show_replication_origin_status "
    # counters of the statistics collector, read
    "pg_stat_get_io pg_stat_get_recovery_prefetch pg_stat_get_xact_blocks_fetched "
    "pg_stat_get_xact_blocks_hit pg_stat_get_xact_function_calls pg_stat_get_xact_function_self_time "
    "pg_stat_get_xact_function_total_time pg_stat_get_xact_numscans pg_stat_get_xact_tuples_deleted "
    "pg_stat_get_xact_tuples_fetched pg_stat_get_xact_tuples_hot_updated pg_stat_get_xact_tuples_inserted "
    "pg_stat_get_xact_tuples_newpage_updated pg_stat_get_xact_tuples_returned "
    "pg_stat_get_xact_tuples_updated pg_stat_have_stats".split()
)

_BY_NAME: Final = frozenset(
    {
        # SELECT * FROM the relations that they are given, or all of a schema or database; views among them
        "table_to_xml",
        "table_to_xmlschema",
        "table_to_xml_and_xmlschema",
        "schema_to_xml",
        "schema_to_xmlschema",
        "schema_to_xml_and_xmlschema",
        "database_to_xml",
        "database_to_xmlschema",
        "database_to_xml_and_xmlschema",
        # text read as a value of a type that they are given, a domain with its CHECKs among them
        "array_in",
        "domain_in",
        "multirange_in",
        "pg_input_error_info",
        "pg_input_is_valid",
        "range_in",
        "record_in",
    }
)
"""Functions that run a user's views or CHECKs by the name or oid of a relation or type.

Their volatility does not show it. A test calls every function of the catalog to find them.
"""

_VOLATILE_BY_NATURE: Final = frozenset({"txid_current", "pg_current_xact_id"})
"""Stable, and yet they assign a transaction id where there is none."""

_STATE: Final = re.compile(
    "currval|lastval|pg_sequence_last_value|pg_.*_size|pg_stat_.*|txid_.*|pg_.*(xact|snapshot).*|"
    "(table|schema|database|query|cursor)_to_xml.*"
)
"""Functions whose result follows from what transactions have done, rather than from their arguments."""

_OWN: Final = ("", "pg_catalog", "information_schema")

_SYS_READS: Final = frozenset(
    "base32_str_to_uuid base_type_oid cluster_size cluster_size_limit current_session_id "  # noqa: SIM905 - a wall of quotes reads worse
    "current_transaction_id decode_job_ext_status decode_job_statement decode_job_status "
    "dsql_major_version fetch_seq_data_tuple get_key_desc iam_session_user job_err_msg supported_datatypes "
    "uuid_to_base32_str".split()
)
"""Functions that a cluster shows in schema ``sys``; ``wait_for_job`` is a procedure (seen 2026-09)."""


def effect(name: list[str], arguments: int, *, executed: bool = True) -> Effect | None:
    """Say what calling a function changes.

    Args:
        name: The parts of its dotted name, unquoted.
        arguments: How many it is given.
        executed: False when it is only planned (EXPLAIN without ANALYZE): the planner runs no volatile one.

    Returns:
        ``None`` when it changes nothing, or is the user's own.
    """
    schema, bare = _split(name)
    if schema in ("", "pg_catalog") and bare in _harmless():
        return None
    if schema == "sys":
        return None if bare in _SYS_READS else Effect.JOB if "job" in bare else Effect.SERVER
    if _EXTENSIONS.fullmatch(bare):
        return _family(bare) if executed else None
    if schema not in ("", "pg_catalog") or not _changes(bare, arguments):
        return None
    return _family(bare) if executed or bare in _VOLATILE_BY_NATURE | _BY_NAME else None


def is_user_defined(name: list[str]) -> bool:
    """Tell whether a function is neither PostgreSQL's nor Aurora DSQL's."""
    schema, bare = _split(name)
    if schema == "sys":
        return False
    if schema not in _OWN:
        return True
    return bare not in _side_effect_free() and bare not in _volatile()


def takes(name: list[str], arguments: int) -> bool:
    """Tell whether a function of PostgreSQL 16 with this name takes so many arguments."""
    schema, bare = _split(name)
    found = _side_effect_free().get(bare) or _volatile().get(bare) or ()
    return schema in _OWN and arguments in found


def is_volatile(name: list[str]) -> bool:
    """Tell whether a function may give another value at each call, or changes something."""
    return is_user_defined(name) or _split(name)[1] in _volatile()


def reads_database_state(name: list[str]) -> bool:
    """Tell whether a function reads sequences, sizes, transactions, statistics, or the rows of a table."""
    schema, bare = _split(name)
    return schema == "sys" or _STATE.fullmatch(bare) is not None


def is_user_defined_operator(name: list[str]) -> bool:
    """Tell whether an operator is not PostgreSQL's; like a function, it may do anything."""
    schema, bare = _split(name)
    return schema not in ("", "pg_catalog") or bare not in _operators()


def _split(name: list[str]) -> tuple[str, str]:
    return (name[-2] if len(name) > 1 else "", name[-1])


def _changes(bare: str, arguments: int) -> bool:
    if bare in _VOLATILE_BY_NATURE or bare in _BY_NAME:
        return True
    if bare == "ts_rewrite":
        return arguments != 3  # noqa: PLR2004 - with three it rewrites a query it is given; with two it runs SQL
    return bare in _volatile() or bool(_RESERVED_PREFIXES.fullmatch(bare))


def _family(bare: str) -> Effect:
    if bare in _BY_NAME:
        return Effect.BY_NAME
    return next(effect for effect, names in _FAMILIES if names.fullmatch(bare))


@cache
def _harmless() -> frozenset[str]:
    """Names of PostgreSQL's functions that change nothing, whatever their arguments are."""
    names = _HARMLESS.union(_side_effect_free()) - _VOLATILE_BY_NATURE - _BY_NAME
    return frozenset(name for name in names if not _EXTENSIONS.fullmatch(name))


@cache
def _side_effect_free() -> dict[str, range]:
    return _read(SIDE_EFFECT_FREE)


@cache
def _volatile() -> dict[str, range]:
    return _read(VOLATILE)


def _read(catalog: str) -> dict[str, range]:
    """Read names, each with the numbers of arguments that its overloads take: ``age:1-2``."""
    named = [entry.partition(":")[::2] for entry in catalog.split()]
    counts = [(name, *map(int, count.split("-"))) for name, count in named]
    return {name: range(between[0], between[-1] + 1) for name, *between in counts}


@cache
def _operators() -> frozenset[str]:
    return frozenset(OPERATORS.split())
