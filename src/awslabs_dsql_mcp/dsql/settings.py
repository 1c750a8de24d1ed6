"""Parameters of a session: those that Aurora DSQL lets a client set, and those that change nothing there.

Sources: Aurora DSQL user guide, "Supported session parameters" (a cluster answers to the others ``setting
configuration parameter "…" not supported``); PostgreSQL 18, chapter "Server Configuration".
"""

from typing import Final

SETTABLE: Final = frozenset(
    (
        *("application_name", "client_encoding", "datestyle", "dsql.enable_batched_nestloop"),
        *("disable_sync_create_index", "extra_float_digits", "intervalstyle", "search_path", "timezone"),
    )
)

TEXT: Final = frozenset(("datestyle", "intervalstyle", "timezone", "extra_float_digits"))
"""Those that can be set and decide how texts of dates, times, intervals and floats are read or written."""

_HARMLESS: Final = frozenset(
    (
        *("allow_in_place_tablespaces", "allow_system_table_mods", "application_name"),
        *("check_function_bodies", "client_min_messages", "compute_query_id", "constraint_exclusion"),
        *("createrole_self_grant", "deadlock_timeout", "default_statistics_target"),
        *("default_table_access_method", "default_tablespace", "default_text_search_config"),
        *("default_toast_compression", "default_transaction_deferrable", "default_transaction_isolation"),
        *("default_transaction_read_only", "default_with_oids", "disable_sync_create_index"),
        *("dynamic_library_path", "escape_string_warning", "event_triggers", "exit_on_error"),
        *("from_collapse_limit", "fsync", "full_page_writes", "hash_mem_multiplier"),
        *("idle_in_transaction_session_timeout", "idle_session_timeout", "ignore_checksum_failure", "jit"),
        *("join_collapse_limit", "lc_messages", "lo_compat_privileges"),
        *("local_preload_libraries", "lock_timeout", "maintenance_io_concurrency", "maintenance_work_mem"),
        *("max_stack_depth", "operator_precedence_warning", "optimize_bounded_sort", "password_encryption"),
        *("plan_cache_mode", "quote_all_identifiers", "restrict_nonsystem_relation_kind", "row_security"),
        *("seq_page_cost", "session_preload_libraries", "sql_inheritance", "statement_timeout"),
        *("synchronize_seqscans", "synchronous_commit", "temp_buffers", "temp_file_limit"),
        *("temp_tablespaces", "transaction_deferrable", "transaction_isolation", "transaction_read_only"),
        *("transaction_timeout", "update_process_title", "work_mem", "xmlbinary", "xmloption"),
        *("zero_damaged_pages", "effective_cache_size", "effective_io_concurrency", "random_page_cost"),
        *("cursor_tuple_fraction", "recursive_worktable_factor", "commit_delay", "commit_siblings"),
    )
)
_HARMLESS_FAMILIES: Final = (
    *("auto_explain.", "autovacuum", "backend_flush_", "client_connection_check", "cpu_", "debug_"),
    *("enable_", "geqo", "gin_", "io_", "jit_", "log_", "logical_decoding_", "max_parallel_"),
    *("min_parallel_", "parallel_", "pg_stat_statements.", "plpgsql.", "stats_", "tcp_", "trace_"),
    *("track_", "vacuum_", "wal_", "dsql.enable_"),
)


def is_settable(name: str) -> bool:
    """Say whether SET works for a parameter: those of the planner, ``enable_*``, do too."""
    return name.lower() in SETTABLE or name.lower().startswith("enable_")


def may_be_of_role(name: str) -> bool:
    """Say whether ALTER ROLE … SET works for a parameter and leaves alone how later sessions read texts.

    Source: AWS's sample for TypeORM, which sets ``search_path`` of a role.
    """
    return is_settable(name) and name.lower() not in TEXT | {"client_encoding"}


def is_harmless(name: str) -> bool:
    """Say that a parameter changes neither how a script is read nor what it stores, on Aurora DSQL."""
    return name.lower() in _HARMLESS or name.lower().startswith(_HARMLESS_FAMILIES)
