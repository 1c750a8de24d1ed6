"""The guard's rules that are Aurora DSQL's, and not this server's alone."""

from collections.abc import Collection
from typing import Final

from awslabs_dsql_mcp.dsql.unsupported import STATEMENTS

DSQL_RULES: Final = frozenset(
    (
        *("alter-table", "column-type", "create-from-query", "function-language", "function-large-object"),
        *("function-lock", "grant", "index", "index-async", "limit", "lock-strength", "lock-table", "merge"),
        *("no-extensions", "no-materialized-views", "no-procedures", "no-triggers", "no-types"),
        *("one-database", "query-clause", "query-function", "sequence-cache", "table", "temporary"),
        *("truncate", "unsupported-statement"),
    )
)


def is_of_aurora_dsql(rule: str, kinds: Collection[str] = ()) -> bool:
    """Say if Aurora DSQL, too, refuses what the guard refuses.

    Args:
        rule: The guard's rule.
        kinds: Node types of the statement, where they are known: a cursor, for instance, is refused as what
            stays in a session.
    """
    return rule in DSQL_RULES or not STATEMENTS.keys().isdisjoint(kinds)
