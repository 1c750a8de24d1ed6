"""Scripts of migration tools and of other databases are named as what they are."""

import pytest

from awslabs_dsql_mcp.migration import plan as migration
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
