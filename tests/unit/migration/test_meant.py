"""What a plan is meant to leave."""

import pytest

from awslabs_dsql_mcp.migration import plan as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.verification.meant import Meant, meant_by

TABLE = "CREATE TABLE t (id int PRIMARY KEY, a text); CREATE INDEX i ON t (a); "


def meant(script: str) -> Meant:
    return meant_by(migration.plan(convert(script)))


@pytest.mark.parametrize(
    ("later", "objects"),
    [
        ("", {("public", "t"), ("public", "i")}),
        ("DROP TABLE t", {("public", "t")}),
        ("DROP TABLE t; CREATE TABLE t (b int)", {("public", "t")}),
        ("DROP INDEX i", {("public", "t"), ("public", "i")}),
        ("ALTER TABLE t RENAME TO u", set[tuple[str, str]]()),
    ],
)
def test_objects_are_those_at_the_end(later: str, objects: set[tuple[str, str]]) -> None:
    found = meant(TABLE + later).objects
    assert set(found) == objects
    if later.startswith("DROP") and "CREATE" not in later:
        assert found[("public", later[-1])].check.expect_absent


@pytest.mark.parametrize(
    ("later", "unknown"),
    [
        ("INSERT INTO t VALUES (2, 'b')", ""),
        ("INSERT INTO t VALUES (2, 'b') ON CONFLICT DO NOTHING", "ON CONFLICT"),
        ("INSERT INTO t SELECT 2, 'b'", "INSERT … SELECT"),
        ("DELETE FROM t WHERE id = 1", "DELETE"),
    ],
)
def test_rows_are_known_where_the_script_gives_them(later: str, unknown: str) -> None:
    filled = "INSERT INTO t VALUES (1, 'a'); "
    table = meant(TABLE + filled + later).tables[("public", "t")]
    assert unknown in table.unknown
    assert bool(table.unknown) is bool(unknown)


def test_what_the_server_computes_is_no_constant() -> None:
    insert = "INSERT INTO t VALUES (1, now()), (2, 'now'), (-3, DEFAULT), ('4'::int, 'x' || 'y')"
    (batch,) = meant(TABLE + insert).tables[("public", "t")].batches
    assert batch.computed() == {1}
