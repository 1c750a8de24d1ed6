"""Cost of a plan's steps, from what the catalog estimates of the tables that are there before them."""

import asyncio
from typing import Final

from awslabs_dsql_mcp.catalog.estimates import counted, estimates
from awslabs_dsql_mcp.database.port import Database
from awslabs_dsql_mcp.migration.cost import PlanCost, plan_cost, tables_before
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.sql.identifiers import qualified_name

_MAX_COUNTED: Final = 8  # tables


async def steps_cost(database: Database, plan: MigrationPlan, first: int) -> PlanCost:
    """Count what the steps of a plan cost from one on; small tables without estimates are counted.

    Args:
        database: Where it runs.
        plan: The plan.
        first: Number of the first step that counts, from 1.
    """
    names = await asyncio.to_thread(tables_before, plan)
    found = await estimates(database, [qualified_name(*name) for name in names]) if names else []
    known = dict(zip(names, found, strict=True))
    cost = await asyncio.to_thread(plan_cost, plan, known, first)
    unsized = [name for name in cost.tables if name in known][:_MAX_COUNTED]
    if not unsized:
        return cost
    for name in unsized:
        known[name] = await counted(database, qualified_name(*name), known[name])
    return await asyncio.to_thread(plan_cost, plan, known, first)
