"""The whole answer of an EXPLAIN in text format."""

from collections.abc import Sequence
from typing import Final

from awslabs_dsql_mcp.local_cluster.dialect import OWN_PREFIX, Explanation
from awslabs_dsql_mcp.local_cluster.plans import storage_nodes
from awslabs_dsql_mcp.local_cluster.plans.dpu_estimate import estimate
from awslabs_dsql_mcp.local_cluster.plans.plan_text import read_plan
from awslabs_dsql_mcp.local_cluster.plans.relations import Relations
from awslabs_dsql_mcp.sql import parser

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_IDENTIFIER_LENGTH: Final = 13
_OWN_TRIGGERS: Final = f"Trigger {OWN_PREFIX}"  # they hold a cluster's limits


def explained(lines: Sequence[str], options: Explanation, relations: Relations, *, writes: bool) -> list[str]:
    """Write the lines of a plan as Aurora DSQL does.

    Args:
        lines: PostgreSQL's plan with VERBOSE.
        options: Options of the EXPLAIN.
        relations: Indexes of the tables.
        writes: The statement changes data.
    """
    plan = read_plan(lines)
    if plan is None:
        return list(lines)
    measured = options.analyze and options.verbose
    costs = estimate(plan, relations, writes=writes) if measured else ()
    drawn = storage_nodes.draw(plan, relations, verbose=options.verbose)
    if measured:
        place = next((at for at, line in enumerate(drawn.summary) if line.startswith("Planning")), 0)
        drawn.summary.insert(place, f"Query Identifier: {_identifier(options.sql)}")
    return [line for line in (*drawn.lines(), *costs) if not line.startswith(_OWN_TRIGGERS)]


def _identifier(sql: str) -> str:
    """Number of a statement, whatever its constants are, in the form of Aurora DSQL's."""
    number, digits = parser.fingerprint(sql), ""
    while len(digits) < _IDENTIFIER_LENGTH:
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
