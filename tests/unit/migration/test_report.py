"""The plan as text: each step whole, what stops it apart from remarks, alike items in one line."""

from awslabs_dsql_mcp.migration import plan as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.report import skipped_text, steps_text

LONG = f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'column_{number} text' for number in range(40))})"


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def test_the_sql_of_each_step_is_shown_whole_if_there_is_room() -> None:
    plan = planned(f"SET DateStyle = dmy; {LONG}; DROP TABLE u")
    shown = steps_text(plan, {}, whole=True)
    assert "column_39 text)" in shown
    assert "SET LOCAL datestyle TO dmy" in shown
    assert "column_39" not in steps_text(plan, {})
    many = planned(";".join(LONG.replace("TABLE t", f"TABLE t{number}") for number in range(60)))
    assert "column_39" not in steps_text(many, {}, whole=True)


def test_steps_that_remove_are_marked() -> None:
    script = "DROP TABLE a; ALTER TABLE b DROP COLUMN c; DELETE FROM d; DELETE FROM e WHERE f = 1; SELECT 1"
    marked = [
        line.split(".")[0] for line in steps_text(planned(script), {}).splitlines() if "REMOVES" in line
    ]
    assert marked == ["1", "2", "3"]


def test_what_stops_is_apart_from_what_is_to_be_looked_at() -> None:
    text = skipped_text(
        planned("\\i a.sql\nSET CONSTRAINTS ALL DEFERRED; SET CONSTRAINTS ALL DEFERRED; SET work_mem = 1")
    )
    stops, remarks, rest = (text.index(title) for title in ("Stops the run", "Needs a human:", "Left out:"))
    assert stops < text.index("\\i a.sql") < remarks < text.index("SET CONSTRAINTS") < rest
    assert text.count("SET CONSTRAINTS:") == 1
    assert "line 2 (2 times), SET CONSTRAINTS:" in text


def test_what_stops_for_one_reason_is_one_line() -> None:
    change = "ALTER TABLE t ALTER COLUMN {} TYPE date USING now();"
    script = f"CREATE TABLE t (a int, b int); TABLE t; {change.format('a')} {change.format('b')}"
    (line,) = (line for line in skipped_text(planned(script)).splitlines() if "SET DATA TYPE" in line)
    assert line.startswith(
        "- line 1 (2 times), ALTER TABLE t ALTER COLUMN a TYPE date USING now() and 1 more"
    )
