"""What a plan is meant to leave."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
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


@pytest.mark.parametrize(
    ("action", "change", "is_reached"),
    [
        ("ON DELETE CASCADE", "DELETE FROM t", True),
        ("ON DELETE SET NULL", "DELETE FROM t", True),
        ("ON UPDATE CASCADE", "UPDATE t SET id = 5", True),
        ("ON UPDATE CASCADE", "DELETE FROM t", False),
        ("ON DELETE CASCADE", "UPDATE t SET id = 5", False),
        ("", "DELETE FROM t", False),
    ],
)
def test_rows_that_a_foreign_key_reaches_are_not_known(action: str, change: str, *, is_reached: bool) -> None:
    refers = (
        f"CREATE TABLE u (id int PRIMARY KEY, t int REFERENCES t (id) {action}); "
        "CREATE TABLE w (id int PRIMARY KEY REFERENCES u (t) ON DELETE CASCADE ON UPDATE CASCADE); "
    )
    rows = "INSERT INTO t VALUES (1, 'a'); INSERT INTO u VALUES (1, 1); INSERT INTO w VALUES (1); "
    tables = meant(TABLE + refers + rows + change).tables
    for name in ("u", "w"):
        assert ("by a foreign key" in tables["public", name].unknown) is is_reached


def test_a_delete_in_a_table_that_was_there_may_reach_others_that_were() -> None:
    tables = meant(
        "INSERT INTO u VALUES (1); CREATE TABLE n (a int); INSERT INTO n VALUES (1); DELETE FROM t"
    )
    assert "may reach" in tables.tables["public", "u"].unknown
    assert not tables.tables["public", "n"].unknown


def test_nothing_is_left_of_a_schema_that_is_dropped() -> None:
    script = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY); INSERT INTO s.t VALUES (1); "
    found = meant(f"{script} CREATE FUNCTION s.f() RETURNS int LANGUAGE sql RETURN 1; DROP SCHEMA s CASCADE")
    assert (found.tables, found.definitions.relations, found.definitions.functions) == ({}, {}, {})
    assert {name: one.check.expect_absent for name, one in found.objects.items()} in ({}, {("s",): True})
