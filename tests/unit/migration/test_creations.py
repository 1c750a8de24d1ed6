"""Objects that a plan makes, without those that it drops before, and steps that must not run twice."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.verification.creations import creations, repeated_step


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


@pytest.mark.parametrize(
    ("script", "made"),
    [
        ("CREATE TABLE t (a int)", ["public.t (step 1)"]),
        ("CREATE SCHEMA s; CREATE TABLE s.t (a int)", ["schema s (step 1)", "s.t (step 2)"]),
        ("CREATE DOMAIN d AS int; CREATE ROLE r", ["type public.d (step 1)", "role r (step 2)"]),
        ("CREATE SEQUENCE q; CREATE INDEX i ON t (a)", ["public.q (step 1)", "public.i (step 2)"]),
        ("CREATE VIEW v AS SELECT 1; CREATE OR REPLACE VIEW w AS SELECT 1", ["public.v (step 1)"]),
        ("ALTER TABLE t ADD COLUMN b int", ["column public.t.b (step 1)"]),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", ["constraint public.t.c (step 1)"]),
        ("DROP TABLE IF EXISTS t; CREATE TABLE t (a int)", []),
        ("DROP TABLE t; CREATE TABLE t (a int); CREATE INDEX i ON t (a)", []),
        ("DROP TABLE t, u; CREATE TABLE u (a int); CREATE TABLE v (a int)", ["public.v (step 3)"]),
        ("DROP SCHEMA s CASCADE; CREATE SCHEMA s; CREATE TABLE s.t (a int)", []),
        ("ALTER TABLE t RENAME TO old; CREATE TABLE t (a int)", []),
        ("ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t ADD COLUMN a int", []),
        ("ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a int", []),
        ("ALTER TABLE t SET SCHEMA s; CREATE TABLE t (a int)", []),
        ("DROP ROLE r; CREATE ROLE r", []),
        ("INSERT INTO t VALUES (1); DROP TABLE t; GRANT SELECT ON u TO r", []),
    ],
)
def test_what_a_plan_makes(script: str, made: list[str]) -> None:
    assert [one.title for one in creations(planned(script))] == made


@pytest.mark.parametrize(
    ("script", "optional"),
    [
        ("CREATE TABLE IF NOT EXISTS t (a int)", True),
        ("CREATE SCHEMA IF NOT EXISTS s", True),
        ("CREATE INDEX IF NOT EXISTS i ON t (a)", True),
        ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int", True),
        ("ALTER TABLE t ADD COLUMN a int", False),
        ("CREATE TABLE t (a int)", False),
    ],
)
def test_what_may_be_there_is_optional(script: str, optional: bool) -> None:  # noqa: FBT001 - a column
    assert [one.optional for one in creations(planned(script))] == [optional]


@pytest.mark.parametrize(
    ("script", "step"),
    [
        ("INSERT INTO t VALUES (1)", 1),
        ("CREATE TABLE u (a int); INSERT INTO u VALUES (1); INSERT INTO t SELECT a FROM u", 3),
        ("COPY t FROM stdin;\n1\n\\.\n", 1),
        ("DELETE FROM t; UPDATE t SET a = a + 1", 2),
        ("CREATE TABLE IF NOT EXISTS t (a int); INSERT INTO t VALUES (1)", 2),
        ("CREATE TABLE t (a int); INSERT INTO t VALUES (1); UPDATE t SET a = 2", None),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING; DELETE FROM t", None),
        ("SELECT setval('q', 3); COMMENT ON TABLE t IS 'x'", None),
    ],
)
def test_the_first_step_that_would_change_data_twice(script: str, step: int | None) -> None:
    assert repeated_step(planned(script)) == step


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text DEFAULT 'x'",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text NOT NULL",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a text CHECK (a > 'a')",
        "CREATE TYPE e AS ENUM ('a'); ALTER TABLE t ADD COLUMN IF NOT EXISTS a e",
        "CREATE TABLE IF NOT EXISTS t (i serial); ALTER TABLE t ALTER i SET DEFAULT 7",
    ],
)
def test_a_condition_that_would_hold_for_its_first_step_alone_is_looked_at_before_all(script: str) -> None:
    made = planned(script)
    assert len(made.steps) > 1
    assert not any("IF NOT EXISTS" in query for step in made.steps for query in step.queries)
    assert any("nothing runs if it is there already" in note for step in made.steps for note in step.notes)
    assert not any(creation.optional for creation in creations(made))
