"""Rules for one transaction: one DDL statement, alone with queries, or any number of changes.

(Aurora DSQL user guide, "DDL and distributed transactions"; GRANT and REVOKE count as DDL, seen on a cluster
in 2026-10. The cluster's own answers are 0A000 "multiple ddl statements not supported in a transaction" and
"ddl and dml are not supported in the same transaction".)
"""

from collections.abc import Sequence

from awslabs_dsql_mcp.guard.refusal import Violation
from awslabs_dsql_mcp.sql.statements import StatementInfo


def check(statements: Sequence[StatementInfo]) -> tuple[int, Violation] | None:
    """Say what in a list cannot be one transaction.

    Args:
        statements: The transaction's statements, each allowed by itself.

    Returns:
        The index of the first statement that does not go with those before it, and why; ``None`` if all do.
    """
    if not statements:
        instead = "Give a list of one or more statements."
        return 0, Violation("no-statement", 0, "The list holds no statement.", instead)
    first: dict[str, int] = {}
    for index, statement in enumerate(statements):
        if statement.category == "ddl" and "ddl" in first:
            return index, _apart(statements, "multiple-ddl", "A transaction holds at most one DDL statement")
        first.setdefault(statement.category, index)
        if {"ddl", "dml"} <= first.keys():
            return index, _apart(
                statements, "ddl-with-dml", "DDL and changes of data do not go in one transaction"
            )
    return None


def _apart(statements: Sequence[StatementInfo], rule: str, why: str) -> Violation:
    calls = "; ".join(
        f"{number}. {_name(statements, call)}" for number, call in enumerate(_calls(statements), 1)
    )
    hint = " CREATE INDEX ASYNC and GRANT are DDL too." if rule == "multiple-ddl" else ""
    return Violation(
        rule, 0, f"{why} on Aurora DSQL.{hint}", f"Separate calls of `transact`, in this order: {calls}."
    )


def _calls(statements: Sequence[StatementInfo]) -> list[list[int]]:
    calls: list[list[int]] = []
    for index, statement in enumerate(statements):
        alone = statement.category == "ddl" or not calls or statements[calls[-1][-1]].category == "ddl"
        if alone:
            calls.append([index])
        else:
            calls[-1].append(index)
    return calls


def _name(statements: Sequence[StatementInfo], call: Sequence[int]) -> str:
    if len(call) == 1:
        return f"statement {call[0] + 1} ({statements[call[0]].kind})"
    return f"statements {call[0] + 1} to {call[-1] + 1}"
