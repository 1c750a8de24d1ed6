"""Parameters of a session that Aurora DSQL lets a client set.

Source: Aurora DSQL user guide, "Supported session parameters". A cluster answers to the others ``setting
configuration parameter "…" not supported``.
"""

from typing import Final

SETTABLE: Final = frozenset(
    (
        *("application_name", "client_encoding", "datestyle", "dsql.enable_batched_nestloop"),
        *("disable_sync_create_index", "extra_float_digits", "intervalstyle", "search_path", "timezone"),
    )
)


def is_settable(name: str) -> bool:
    """Say whether SET works for a parameter: those of the planner, ``enable_*``, do too."""
    return name.lower() in SETTABLE or name.lower().startswith("enable_")
