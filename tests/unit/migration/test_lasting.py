"""A step that a later one undoes is not one by which the catalog tells what was applied."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.verification.lasting import lasting_steps


@pytest.mark.parametrize(
    ("script", "lasting"),
    [
        (
            "CREATE TABLE t (id int); CREATE INDEX i ON t (id); CREATE VIEW v AS SELECT id FROM t;",
            {1, 2, 3},
        ),
        ("DROP VIEW v; CREATE VIEW v AS SELECT 1 AS a;", {2}),
        ("CREATE TABLE t (id int); INSERT INTO t VALUES (1); DROP TABLE t;", {3}),
        ("ALTER TABLE u DROP CONSTRAINT c; ALTER TABLE u ADD CONSTRAINT c CHECK (a > 0);", {2, 3}),
        ("CREATE TABLE t (id int); ALTER TABLE t RENAME TO u; CREATE TABLE t (a int);", {3}),
        ("CREATE TABLE a (id int); DROP VIEW v CASCADE; CREATE TABLE b (id int);", {2, 3}),
        ("CREATE TABLE a (id int); DROP INDEX i; CREATE TABLE b (id int);", {1, 2, 3}),
    ],
)
def test_steps_that_last(script: str, lasting: set[int]) -> None:
    assert lasting_steps(migration.plan(convert(script))) == lasting
