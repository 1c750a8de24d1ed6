"""Findings of this server's own rules in a script, where dsql-lint has none.

dsql-lint 0.2.22 does not report MERGE, SELECT INTO, columns of type money or xml, operator classes and some
more. The guard checks each statement by itself; a rule counts only when it is Aurora DSQL's, not when it is
this server's (SET, for instance, or a role's password).
"""

from collections.abc import Iterator, Sequence
from typing import Final

from awslabs_dsql_mcp.guard import guard
from awslabs_dsql_mcp.lint.model import UNPARSED, Diagnostic
from awslabs_dsql_mcp.sql.scripts import ScriptItem, split_script
from awslabs_dsql_mcp.text import one_line

DSQL_RULES: Final = frozenset(
    {
        "alter-table",
        "column-type",
        "create-from-query",
        "function-language",
        "grant",
        "index",
        "index-async",
        "limit",
        "lock-strength",
        "lock-table",
        "merge",
        "no-extensions",
        "no-materialized-views",
        "no-procedures",
        "no-triggers",
        "no-types",
        "one-database",
        "query-clause",
        "query-function",
        "sequence-cache",
        "table",
        "temporary",
        "truncate",
        "unsupported-statement",
    }
)
"""Rules of the guard that are Aurora DSQL's."""


def own_diagnostics(script: str, found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Check the statements that dsql-lint reported nothing of, or could not parse.

    Args:
        script: SQL text without NUL and lone surrogates.
        found: The findings of dsql-lint in it.
    """
    said = {finding.line for finding in found if finding.rule != UNPARSED}
    return tuple(
        finding
        for item in split_script(script)
        if not item.meta and said.isdisjoint(range(item.line, item.line + item.text.count("\n") + 1))
        for finding in _check(item)
    )


def _check(item: ScriptItem) -> Iterator[Diagnostic]:
    refusal = guard.check_statement(item.text, writes=True).refusal
    if refusal is not None and refusal.rule in DSQL_RULES:
        line = item.line + refusal.line - 1
        yield Diagnostic(refusal.rule, line, refusal.why, refusal.instead, statement=one_line(item.text))
