"""Domains: over types that Aurora DSQL stores, with the CHECKs that say the same of those.

(PostgreSQL documentation, CREATE DOMAIN and ALTER DOMAIN.)
"""

from collections.abc import Iterable
from typing import Final, cast

from awslabs_dsql_mcp.migration.analysis.user_types import TypeReplacement
from awslabs_dsql_mcp.migration.conversion import BY_HAND, Conversion, ConvertedStatement
from awslabs_dsql_mcp.migration.rules.tables import columns
from awslabs_dsql_mcp.migration.rules.tables.constraints import settle
from awslabs_dsql_mcp.migration.script.mentions import Name, object_name, qualified_name
from awslabs_dsql_mcp.sql.definitions import items
from awslabs_dsql_mcp.sql.parse_tree import Node, strings

LEFT_OUT: Final = "a constraint that is left out"


def create_domain(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry a CREATE DOMAIN over."""
    has_extensions = bool(conversion.survey.lacking.extensions)
    change = columns.convert_domain(draft.top, conversion.types, has_extensions=has_extensions)
    if change.problem:
        conversion.skip(draft, change.problem, blocks=True)
        return
    domain = qualified_name(strings(draft.top["domainname"]))
    given = items(draft.top.get("constraints"))
    kept, notes = _settle(conversion, domain, given, change.replaced)
    if kept != given:
        draft.top["constraints"] = kept
    if not any(columns.gives_value(one["Constraint"]) for one in kept) and any(
        columns.gives_value(one["Constraint"]) for one in given
    ):
        conversion.lost.domains[domain] = draft.line
    if change.notes or notes:
        draft.changed(*change.notes, *notes)
    conversion.statements.append(draft)


def _settle(
    conversion: Conversion, domain: Name, constraints: Iterable[Node], change: TypeReplacement | None
) -> tuple[list[Node], list[str]]:
    """Settle the constraints of a domain, in which VALUE is what a column is in those of a table.

    No table has its name: each has a type of its own name, and types have different ones.
    """
    if change is not None:
        conversion.columns[domain] = {"value": change}
    kept, notes = settle(conversion, domain, constraints)
    conversion.columns.pop(domain, None)
    return kept, [note.replace(BY_HAND, f"{BY_HAND}{domain[1]}: ", 1) for note in notes]


def alter_domain(conversion: Conversion, draft: ConvertedStatement) -> None:
    """Carry an ALTER DOMAIN over, unless it is about a constraint that is left out."""
    lost = conversion.lost_constraints.get(qualified_name(strings(draft.top["typeName"])), ())
    if "def" not in draft.top and draft.top.get("name") in lost:
        conversion.skip(draft, LEFT_OUT)
    else:
        conversion.statements.append(draft)


def lacks(conversion: Conversion, named: Node) -> bool:
    """Say if a constraint of a domain is left out, given the name of the domain and its own."""
    domain, constraint = named["List"]["items"]
    lost = conversion.lost_constraints.get(qualified_name(object_name(domain)), ())
    return constraint["String"]["sval"] in lost


def rename(conversion: Conversion, old: Name, new: Name) -> None:
    """Know a domain by its new name from now on."""
    parts = [conversion.types.domains, conversion.lost_constraints, conversion.lost.domains]
    for named in cast("list[dict[Name, object]]", parts):
        if old in named:
            named[new] = named.pop(old)
