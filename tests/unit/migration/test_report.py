"""The plan as text: each step whole, what stops it apart from remarks, alike items in one line."""

import re

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.report import PlanPage, plan_page, skipped_lines, steps_lines

LONG = f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'column_{number} text' for number in range(40))})"


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def pages(plan: MigrationPlan, place: str = "") -> list[str]:
    """Read a plan from a place to its end."""
    page = plan_page(plan, place)
    found = [text_of(page)]
    while page.following:
        page = plan_page(plan, page.following)
        found.append(text_of(page))
    return found


def text_of(page: PlanPage) -> str:
    return "\n".join(line for title, entries in page.sections for line in (title, *entries))


def test_the_sql_of_each_step_is_shown() -> None:
    plan = planned(f"SET DateStyle = dmy; {LONG}; DROP TABLE u")
    shown = text_of(plan_page(plan))
    assert "column_39 text)" in shown
    assert "SET LOCAL datestyle TO dmy" in shown
    assert "column_39" not in "\n".join(steps_lines(plan, {}))


def test_all_of_a_plan_is_reached_page_by_page() -> None:
    script = ";".join(
        f"{LONG.replace('TABLE t', f'TABLE t{number}')}; SET CONSTRAINTS c{number} DEFERRED; "
        f"REINDEX TABLE t{number}; COMMENT ON EXTENSION e{number} IS 'x'"
        for number in range(300)
    )
    read = pages(planned(script))
    assert len(read) > 3
    assert max(map(len, read)) < 26_000
    whole = "\n".join(read)
    assert [int(number) for number in re.findall(r"^(\d+)\. ", whole, re.MULTILINE)] == list(range(1, 301))
    assert whole.count("column_39 text)") == 300
    assert all(page.count("Steps:") == 1 for page in read[:-1])


@pytest.mark.parametrize("size", [2_100, 23_000, 60_000])
def test_a_long_step_is_cut_and_reached_as_a_whole(size: int) -> None:
    literal = "".join(f"{number:08d}" for number in range(size // 8))
    insert = f"INSERT INTO t VALUES ('{literal}')"  # noqa: S608 - digits
    plan = planned(f"SET CONSTRAINTS ALL DEFERRED; {insert}; DROP TABLE u")
    first = pages(plan)
    assert len(first) == 1
    assert literal not in first[0]
    assert "2. DROP TABLE u" in first[0]
    (place,) = re.findall(r"show_from='(\d+)' gives all", first[0])
    read = pages(plan, place)
    assert max(map(len, read)) < 26_000
    assert literal in "".join(page.removeprefix("Steps:\n") for page in read)
    assert "2. DROP TABLE u" in read[-1]


@pytest.mark.parametrize("place", ["0", "3", "1.99999", "x", "-1", "1.", "1.5.5", "99999999999999"])
def test_a_place_that_the_plan_does_not_have_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        plan_page(planned("DROP TABLE t; SELECT 1"), place)


def test_steps_that_remove_are_marked() -> None:
    script = "DROP TABLE a; ALTER TABLE b DROP COLUMN c; DELETE FROM d; DELETE FROM e WHERE f = 1; SELECT 1"
    marked = [line.split(".")[0] for line in steps_lines(planned(script), {}) if "REMOVES" in line]
    assert marked == ["1", "2", "3"]


def test_what_stops_is_apart_from_what_is_to_be_looked_at() -> None:
    plan = planned("\\i a.sql\nSET CONSTRAINTS ALL DEFERRED; SET CONSTRAINTS ALL DEFERRED; SET work_mem = 1")
    text = "\n".join(skipped_lines(plan))
    stops, remarks, rest = (
        text.index(title) for title in ("Stops the run", "Left out, needs a human:", "Left out:")
    )
    assert stops < text.index("\\i a.sql") < remarks < text.index("SET CONSTRAINTS") < rest
    assert text.count("SET CONSTRAINTS:") == 1
    assert "line 2 (2 times), SET CONSTRAINTS:" in text


def test_what_stops_for_one_reason_is_one_line() -> None:
    change = "ALTER TABLE t ALTER COLUMN {} TYPE date USING now();"
    script = f"CREATE TABLE t (a int, b int); TABLE t; {change.format('a')} {change.format('b')}"
    (line,) = (line for line in skipped_lines(planned(script)) if "SET DATA TYPE" in line)
    assert line.startswith(
        "- line 1 (2 times), ALTER TABLE t ALTER COLUMN a TYPE date USING now() and 1 more"
    )
