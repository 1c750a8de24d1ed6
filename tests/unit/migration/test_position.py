"""A call begins where the record is; without one, where its handle says."""

import pytest

from awslabs_dsql_mcp.bulk.jobs.progress_table import RESTART
from awslabs_dsql_mcp.errors import RequestInvalid
from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import Doubt, MigrationPlan
from awslabs_dsql_mcp.migration.position import Position, position

SCRIPT = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE VIEW v AS SELECT id FROM t;"
ALL = 4  # one more than the last step


@pytest.fixture
def plan() -> MigrationPlan:
    return migration.plan(convert(SCRIPT))


@pytest.mark.parametrize("doubt", ["", "?", "+"])
@pytest.mark.parametrize("number", [1, 3, ALL])
def test_without_a_record_the_handle_decides(plan: MigrationPlan, number: int, doubt: Doubt) -> None:
    assert position(plan, None, None) == Position(1)
    assert position(plan, plan.resume_token(number, doubt), None) == Position(number, doubt)


@pytest.mark.parametrize(
    ("handle", "recorded", "begins"),
    [
        ((2, ""), 2, Position(2, "", is_known=True)),
        ((2, "?"), 2, Position(2, "?", is_known=True)),
        ((1, "+"), 3, Position(3, "+", is_known=True)),
        ((3, "+"), 2, Position(3, "+", is_known=True, passed=2)),
        ((1, "+"), ALL, Position(ALL, "?", is_known=True)),
        ((1, ""), 3, Position(3, "?", is_known=True)),
        ((1, ""), ALL, Position(ALL, "?", is_known=True)),
        ((3, ""), 2, Position(3, "", is_known=True, passed=2)),
    ],
)
def test_the_record_decides(
    plan: MigrationPlan, handle: tuple[int, Doubt], recorded: int, begins: Position
) -> None:
    assert position(plan, plan.resume_token(*handle), recorded) == begins


def test_no_step_that_is_not_applied_is_skipped_but_one(plan: MigrationPlan) -> None:
    with pytest.raises(RequestInvalid, match="step 1 is the next one, of 3"):
        position(plan, plan.resume_token(3), 1)


def test_a_script_that_was_run_is_not_run_again_unasked(plan: MigrationPlan) -> None:
    with pytest.raises(RequestInvalid, match="not finished, at noon: 1 step of 3 applied") as unfinished:
        position(plan, None, 2, "at noon")
    assert plan.resume_token(2, "?") in str(unfinished.value.hint)
    with pytest.raises(RequestInvalid, match="done already, at noon: all 3 steps are applied"):
        position(plan, None, ALL, "at noon")
    assert position(plan, RESTART, 2) == position(plan, RESTART, ALL) == Position(1)


@pytest.mark.parametrize("handle", ["", "1", "x-123456789abc", "1-000000000000", "9999999-0"])
def test_a_handle_of_another_script_is_refused(plan: MigrationPlan, handle: str) -> None:
    with pytest.raises(RequestInvalid, match="not a resume token of exactly this script"):
        position(plan, handle, None)
