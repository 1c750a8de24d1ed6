"""Scripts of migration tools and of other databases are named as what they are."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import ScriptSyntaxError, convert

UP, DOWN = "CREATE TABLE t (id int PRIMARY KEY);", "DROP TABLE t;"


def stops(script: str) -> list[int]:
    """Lines of what stops a script."""
    return [left.line for left in migration.plan(convert(script)).blocked]


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        ("-- +goose Up", "-- +goose Down"),
        ("-- +migrate Up notransaction", "-- +migrate Down"),
        ("-- +micrate Up", "-- +micrate Down"),
        ("-- migrate:up", "-- migrate:down"),
        ("-- migrate:up transaction:false", "-- migrate:down transaction:false"),
        ("-- rambler up", "-- rambler down"),
        ("-- Up Migration", "-- Down Migration"),
        ("-- ====UP====", "-- ====DOWN===="),
        ("-- !Ups", "-- !Downs"),
        ("-- UP", "-- DOWN"),
        ("-- // create t", "-- //@UNDO"),
        ("--// create t", "--//@UNDO"),
        ("", "---- create above / drop below ----"),
    ],
)
def test_a_script_of_two_directions_stops(forward: str, back: str) -> None:
    assert stops(f"{forward}\n{UP}\n{back}\n{DOWN}\n") == [3]
    assert stops(f"{forward}\n{UP}\n{back}\n") == []
    assert stops(f"{back}\n{DOWN}\n") == []


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        ("-- +goose Up", "--+goose Down"),
        ("-- +goose Up", "-- +goose  Down"),
        ("--+goose up", "--   +goose   DOWN"),
        ("-- +goose Up", "-- Down"),
        ("-- UP", "-- DOWN (rollback)"),
        ("-- UP: creates the table", "-- DOWN - drops what the half above has made, and its rows"),
        ("-- ==== Up migration ====", "-- **** Down migration ****"),
        ("-- This is the UP migration", "-- The DOWN migration is here:"),
        ("-- mytool:up", "-- mytool: down"),
        ("-- MigrateUp", "-- MigrateDown"),
        ("-- table t, up", "-- Table t: down"),
        ("-- Do", "-- Undo"),
        ("-- apply", "-- revert"),
        ("-- Apply 0012", "-- Revert 0012"),
        ("-- migrate", "-- rollback"),
        ("-- migrate", "-- roll back"),
        ("-- Forwards", "-- Backwards"),
        ("-- deploy", "-- Deploy:revert"),
        ("-- Install script", "-- Uninstall script"),
        ("-- upgrade", "-- downgrade"),
        ("-- set up", "-- tear down"),
        ("/* UP */", "/* DOWN */"),
        ("/* migrate:up */", "-- migrate:down"),
        ("/*** UP ***/", "/*** Down: take it back ***/"),
    ],
)
def test_two_directions_are_told_by_words(forward: str, back: str) -> None:
    assert stops(f"{forward}\n{UP}\n{back}\n{DOWN}\n") == [3]
    assert stops(f"{forward}\n{UP} {back}\n{DOWN}\n") == [2]
    assert stops(f"{forward}\n{UP}\n{back}\n") == []
    assert stops(f"{back}\n{DOWN}\n") == []


def test_a_marker_stands_behind_a_statement_and_over_several_lines() -> None:
    inline = f"CREATE TABLE g (a int); -- migrate:up\nINSERT INTO g VALUES (1);\n  -- migrate:down\n{DOWN}"
    assert stops(inline) == [3]
    assert stops(f"/*\n * Up\n */\n{UP}\n/*\n * Down\n */\n{DOWN}") == [5]
    assert stops(f"/* UP */ {UP} /* DOWN */ {DOWN}") == [1]


@pytest.mark.parametrize("back", ["-- rollback", "-- +mytool Down", "/* Undo */", "-- Revert:"])
@pytest.mark.parametrize(
    ("make", "take"),
    [
        (UP, DOWN),
        (UP, "BEGIN; DELETE FROM public.t; COMMIT;"),
        ("INSERT INTO t VALUES (1);", "TRUNCATE t;"),
        ("ALTER TABLE t ADD COLUMN b int;", "ALTER TABLE t DROP COLUMN b;"),
        ("CREATE INDEX i ON t (a);", "DROP INDEX i;"),
        ("CREATE SCHEMA s;", "DROP SCHEMA s CASCADE;"),
        ("CREATE DOMAIN d AS int;", "DROP DOMAIN d;"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "DROP FUNCTION f();"),
    ],
)
def test_a_lone_marker_stops_where_what_follows_takes_back(back: str, make: str, take: str) -> None:
    assert 2 in stops(f"{make}\n{back}\n{take}")
    assert 2 not in stops(f"{make}\n{back}\nDROP TABLE another;")
    assert 2 not in stops(f"{make}\n-- the table goes down with what undoes it\n{take}")


@pytest.mark.parametrize(
    "prose",
    [
        "-- sets up the table",
        "-- scale down later",
        "-- undo the mistake of last week's import",
        "-- up next: the users",
        "-- up and down are directions",
        "-- UP/DOWN",
        "-- do not run in production",
        "-- to roll back, run 0012_down.sql",
        "-- Name: undo; Type: TABLE; Schema: public; Owner: -",
        "/* rolls\n * back\n * nothing that counts */",
    ],
)
def test_prose_is_no_marker(prose: str) -> None:
    assert stops(f"-- UP\n{UP}\n{prose}\n{DOWN}") == []
    assert stops(f"{UP} {prose}\n{DOWN}") == []


@pytest.mark.parametrize(
    "script",
    [
        f"-- +goose Up\n-- +goose StatementBegin\n{UP}\n-- +goose StatementEnd",
        f"-- the table goes up\n{UP}\n-- it goes down, as it should\n{DOWN}",
        f"-- migrate:up\nINSERT INTO t VALUES ('\n-- migrate:down\n');\n{DOWN}",
        f"--liquibase formatted sql\n--changeset me:1\n{UP}\n--rollback {DOWN}",
    ],
)
def test_a_script_of_one_direction_runs(script: str) -> None:
    assert stops(script) == []


def test_marks_that_decide_are_said() -> None:
    assert stops(f"--changeset me:1 endDelimiter:/\n{UP}") == [1]
    (left,) = migration.plan(convert(f"--changeset me:1 context:test\n{UP}")).skipped
    assert (left.line, left.needs_review, left.is_blocking) == (1, True, False)


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("CREATE TABLE `t` (id int)", "MySQL"),
        ("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY)", "MySQL"),
        ("CREATE TABLE t (id int) ENGINE=InnoDB", "MySQL"),
        ("# a comment\nDROP TABLE t", "MySQL"),
        ("DELIMITER //\nSELECT 1 //", "MySQL"),
        ("CREATE TABLE t (id int)\nGO\nDROP TABLE t\nGO\n", "T-SQL"),
        ("CREATE TABLE [dbo].[t] (id int)", "T-SQL"),
        ("CREATE TABLE t (id VARCHAR2(3))\n/\n", "Oracle"),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)", "SQLite"),
        ("CREATE TABLE ${schema}.t (id int)", "migration tool"),
        ("CREATE TABLE {{ schema }}.t (id int)", "migration tool"),
    ],
)
def test_another_database_is_named(script: str, words: str) -> None:
    with pytest.raises(ScriptSyntaxError, match=words):
        convert(script)


@pytest.mark.parametrize(
    "aside",
    [
        "-- `t` is unsigned",
        "/*\nengine = none\n*/",
        "COMMENT ON TABLE t IS 'engine=`x`';",
        "DO $$ BEGIN\n# engine =\nEND $$;",
    ],
)
def test_words_in_comments_and_strings_name_no_database(aside: str) -> None:
    with pytest.raises(ScriptSyntaxError) as caught:
        convert(f"{aside}\nCREATE TABEL t (id int);")
    assert "seems to be" not in str(caught.value)
