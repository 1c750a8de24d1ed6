"""Changes of more rows than a transaction can have: known ones stop a script, others are said."""
# ruff: noqa: S608 - SQL is put together from constants

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert

MADE = (
    "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE TABLE empty (a int); "
    "INSERT INTO t SELECT generate_series(1, 2000); INSERT INTO t SELECT generate_series(2001, 2500); "
    "INSERT INTO u VALUES (1), (2), (3); "
)
NONE, SAID, ASKED, STOPS = "none", "said", "asked", "stops"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ("INSERT INTO u SELECT generate_series(1, 3000)", NONE),
        ("INSERT INTO u SELECT generate_series(1, 3001)", STOPS),
        ("INSERT INTO u SELECT generate_series(0, -9000, -3)", STOPS),
        ("INSERT INTO u SELECT * FROM generate_series(1, 100) a, generate_series(1, 100) b", STOPS),
        (
            "INSERT INTO u SELECT a.n FROM generate_series(1, 100) a(n) CROSS JOIN generate_series(1, 40) b",
            STOPS,
        ),
        ("INSERT INTO u SELECT n FROM generate_series(1, 9000) n WHERE n < 5", ASKED),
        ("INSERT INTO u SELECT n FROM generate_series(1, 9000) n LIMIT 3000", NONE),
        ("INSERT INTO u SELECT 1 + generate_series(1, 9000)", SAID),
        ("INSERT INTO u SELECT n FROM generate_series(1, 3 * 2000) n", SAID),
        ("INSERT INTO u SELECT unnest(ARRAY[1, 2])", SAID),
        ("INSERT INTO u SELECT count(*) FROM generate_series(1, 9000)", NONE),
        ("INSERT INTO u SELECT a % 7 FROM generate_series(1, 9000) a GROUP BY 1", ASKED),
        ("INSERT INTO u SELECT 1", NONE),
        ("INSERT INTO u SELECT * FROM t", NONE),
        ("INSERT INTO u SELECT t.a FROM t, u", STOPS),
        ("INSERT INTO u SELECT t.a FROM t JOIN u ON t.a = u.a", ASKED),
        ("INSERT INTO u SELECT t.a FROM t LEFT JOIN empty ON true", NONE),
        ("INSERT INTO u SELECT t.a FROM t, empty", NONE),
        ("INSERT INTO u SELECT a FROM t UNION ALL SELECT a FROM t", STOPS),
        ("INSERT INTO u SELECT a FROM t UNION SELECT a FROM t", ASKED),
        ("INSERT INTO u SELECT a FROM t EXCEPT SELECT a FROM t", NONE),
        ("INSERT INTO u SELECT * FROM (SELECT a FROM t UNION ALL SELECT a FROM t) s", STOPS),
        ("WITH w AS (SELECT a FROM t) INSERT INTO u SELECT w.a FROM w, w x", STOPS),
        ("WITH w AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM w", SAID),
        ("INSERT INTO u SELECT * FROM elsewhere", SAID),
        ("INSERT INTO u SELECT * FROM elsewhere LIMIT 10", NONE),
        ("INSERT INTO u SELECT generate_series(1, 3001) ON CONFLICT DO NOTHING", ASKED),
        (
            "INSERT INTO t SELECT generate_series(1, 1000); DELETE FROM t WHERE a < 9; UPDATE t SET a = 0",
            ASKED,
        ),
        ("INSERT INTO t SELECT generate_series(1, 1000); DELETE FROM u; UPDATE t SET a = 0", ASKED),
        ("UPDATE t SET a = a + 1", NONE),
        ("DELETE FROM elsewhere", SAID),
        ("UPDATE elsewhere SET a = 1 WHERE a = 2", SAID),
        ("INSERT INTO t SELECT generate_series(1, 1000); UPDATE t SET a = 0", STOPS),
        ("INSERT INTO t SELECT generate_series(1, 1000); UPDATE t SET a = 0 WHERE a = 1", ASKED),
        ("INSERT INTO t SELECT generate_series(1, 1000); ALTER TABLE t RENAME TO v; DELETE FROM v", STOPS),
        ("CREATE TABLE IF NOT EXISTS w (a int); INSERT INTO w VALUES (1); DELETE FROM w", SAID),
        ("INSERT INTO t VALUES " + ", ".join(["(1)"] * 3001), NONE),
        ("INSERT INTO t VALUES " + ", ".join(["(1)"] * 3001) + "; DELETE FROM t", STOPS),
    ],
)
def test_a_change_of_many_rows_is_said_or_stopped(change: str, outcome: str) -> None:
    plan = migration.plan(convert(f"{MADE}{change}"))
    notes = [note for step in plan.steps for note in step.notes]
    found = (
        STOPS
        if any("a transaction at most 3,000" in left.why for left in plan.blocked)
        else ASKED
        if any(note.startswith("NEEDS A HUMAN: it may change") for note in notes)
        else SAID
        if any("fails above 3,000 rows" in note for note in notes)
        else NONE
    )
    assert found == outcome


def test_queries_of_any_depth_are_answered() -> None:
    deep = "SELECT a FROM t" + " UNION ALL SELECT a FROM t" * 900
    assert not migration.plan(convert(f"{MADE}INSERT INTO u {deep}")).blocked
