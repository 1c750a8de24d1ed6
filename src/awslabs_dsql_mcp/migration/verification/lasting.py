"""Steps of a plan that the catalog shows until the plan's end, because no later step undoes them."""

from collections.abc import Iterator
from typing import Final

from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.verification.applied import AppliedCheck, check_for
from awslabs_dsql_mcp.sql.dsql_syntax import trees
from awslabs_dsql_mcp.sql.parse_tree import Tree

_MOVES: Final = frozenset({"RenameStmt", "AlterObjectSchemaStmt"})
_TAKES_MORE: Final = frozenset({"OBJECT_TABLE", "OBJECT_SCHEMA"})  # and indexes and constraints with them


def lasting_steps(plan: MigrationPlan) -> frozenset[int]:
    """Numbers of the steps whose effect is there if they were applied, whatever was applied after them."""
    return frozenset(_lasting(plan))


def _lasting(plan: MigrationPlan) -> Iterator[int]:
    """Find the steps that last, from the last one on."""
    touched: set[tuple[object, ...]] = set()
    for number, step in reversed(list(enumerate(plan.steps, 1))):
        if not step.is_ddl:
            continue
        (tree,) = trees(step.queries[0])
        check = check_for(step.queries[0])
        if check is not None and check.query is not None:
            if check.query.params not in touched:
                yield number
            if step.statements[0].kind != "ALTER TABLE ASYNC":  # a validation undoes nothing
                touched.add(check.query.params)
        if _undoes_more(tree, check):
            return


def _undoes_more(tree: Tree, check: AppliedCheck | None) -> bool:
    """Tell whether a statement may undo more than the object that it names."""
    if tree.kind == "DropStmt":
        cascades = tree.root.get("behavior") == "DROP_CASCADE"
        return check is None or cascades or tree.root.get("removeType") in _TAKES_MORE
    return tree.kind in _MOVES
