"""Views and queries: a view that needs what is left out is left out too."""

from collections.abc import Iterable
from typing import Final

from awslabs_dsql_mcp.dsql.limits import MAX_ROWS
from awslabs_dsql_mcp.migration.analysis.row_counts import Rows
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.expressions import (
    changed_results,
    folded,
    lost_collation,
    obstacle,
    unknown_function,
)
from awslabs_dsql_mcp.migration.rules.lost_effects import lost_effect
from awslabs_dsql_mcp.migration.rules.operations import Difference, differences, outputs, retyped
from awslabs_dsql_mcp.migration.script.mentions import Mentions, mentions, relation_name
from awslabs_dsql_mcp.sql.parse_tree import strings

_STATISTICS: Final = frozenset(
    (
        *("pg_restore_relation_stats", "pg_restore_attribute_stats"),
        *("pg_clear_relation_stats", "pg_clear_attribute_stats"),
    )
)
"""Functions of PostgreSQL 18 with which ``pg_dump --statistics`` carries statistics over."""


def create_view(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE VIEW over."""
    view, query = relation_name(draft.top["view"]), draft.top["query"]
    changed = differences(conversion, "", query)
    if (why := obstacle(conversion, query) or folded(changed)) is not None:
        conversion.survey.lacking.relations[view] = draft.line
        conversion.skip(draft, f"{view[1]}: {why}", human=True)
        return
    found = mentions(query)
    draft.notes += changed_results(changed)
    draft.notes += unknown_function(conversion, found)
    conversion.survey.lacking.relations.pop(view, None)
    conversion.taken(view[0]).add(view[1])
    columns = outputs(conversion, query)
    aliases = strings(draft.top.get("aliases"))
    names = [*aliases, *(name for name, _ in columns[len(aliases) :])]
    conversion.view_columns[view] = names
    draft.notes += retyped(conversion, query, names)
    conversion.lost.add_view(view, query)
    conversion.other_rows.pop(view, None)
    if (why := _other_rows(conversion, changed, found)) is not None:
        conversion.other_rows[view] = why
    changes = {name: change for name, (_, change) in zip(names, columns, strict=False) if change}
    conversion.columns.pop(view, None)
    if changes:
        conversion.columns[view] = changes
    conversion.statements.append(draft)


def create_from_query(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Make a plain view of a materialized one; a table from a query stops the script."""
    into = draft.top["into"]
    if draft.top.get("objtype") != "OBJECT_MATVIEW":
        why = "Aurora DSQL makes no table from a query: CREATE TABLE, then INSERT … SELECT"
        conversion.skip(draft, why, blocks=True)
        return
    view = {"view": into["rel"], "query": draft.top["query"], "withCheckOption": "NO_CHECK_OPTION"}
    if "colNames" in into:
        view["aliases"] = into["colNames"]
    made = ConvertedStatement("ViewStmt", view, draft.line, None)
    made.notes.append(f"{BY_HAND}a materialized view is a plain view: it is computed at each read")
    conversion.views.add(relation_name(into["rel"]))
    create_view(conversion, made)


def select(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a SELECT over, which may do something by calling functions."""
    called = {strings(call.get("funcname"))[-1] for call in conversion.statement.mentions.calls}
    if called and called <= _STATISTICS:
        conversion.skip(draft, "statistics, which follow changes of the data by themselves")
        return
    change_data(conversion, draft)


def change_data(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a query or a change of data over; it stops the script if it needs what is left out."""
    found = mentions(draft.top) if draft.text is None else conversion.statement.mentions
    if (why := obstacle(conversion, found) or lost_collation(conversion, draft.top)) is not None:
        conversion.skip(draft, why, blocks=True)
        return
    changed = differences(conversion, draft.kind, draft.top)
    if draft.kind != "SelectStmt" and (why := _other_rows(conversion, changed, found)) is not None:
        conversion.skip(draft, f"{why}: write it for that", blocks=True)
        return
    if (why := lost_effect(conversion, draft)) is not None:
        conversion.skip(draft, why, blocks=True)
        return
    draft.notes += changed_results(changed)
    conversion.statements.append(draft)


def _other_rows(conversion: Conversion, changed: Iterable[Difference], found: Mentions) -> str | None:
    """Say why a query gives other rows than PostgreSQL, by itself or by a view; ``None`` if it does not."""
    views = (relation_name(relation) for relation in found.relations)
    other = conversion.other_rows
    through = (f"{view[1]}: {other[view]}" for view in views if view in other)
    own = (one.clause for one in changed if not one.is_form)
    return next(own, None) or next(through, None)


def keeps_limit(conversion: Conversion, draft: ConvertedStatement, rows: Rows) -> bool:
    """Note if a change of data may have more rows than a transaction can have; stop it if it has.

    Args:
        conversion: The script.
        draft: The statement.
        rows: The rows that it changes.

    Returns:
        False if it is left out.
    """
    if rows.most is None:
        draft.notes.append(f"fails above {MAX_ROWS:,} rows: it is one transaction")
    elif rows.most > MAX_ROWS and rows.exact:
        why = f"it changes {rows.most:,} rows, a transaction at most {MAX_ROWS:,}: cut it by ranges of a key"
        conversion.skip(draft, why, blocks=True)
        return False
    elif rows.most > MAX_ROWS:
        draft.notes.append(f"{BY_HAND}it may change {rows.most:,} rows, and fails above {MAX_ROWS:,}")
    return True
