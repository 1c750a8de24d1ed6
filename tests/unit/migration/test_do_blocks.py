"""DO blocks whose statements are carried over, and those that stop a script."""
# ruff: noqa: S608 - SQL is put together from constants

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert

ADD = "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"


@pytest.mark.parametrize(
    "body",
    [
        f"BEGIN {ADD} EXCEPTION WHEN duplicate_object THEN null; END",
        f"BEGIN\n  {ADD}\nEXCEPTION\n  WHEN duplicate_object OR duplicate_table THEN NULL;\nEND;\n",
        f"begin {ADD} exception when sqlstate '42710' then raise notice 'there'; end;",
        f"BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'c') THEN {ADD} END IF; END",
        f"BEGIN IF NOT EXISTS (SELECT FROM information_schema.tables WHERE true) THEN {ADD} END IF; END",
    ],
)
def test_a_definition_is_taken_out(body: str) -> None:
    plan = migration.plan(convert(f"DO $x$ {body} $x$"))
    assert not plan.blocked
    assert [step.queries for step in plan.steps] == [(ADD.removesuffix(";"),)]
    assert any("DO block" in note for note in plan.steps[0].notes)


@pytest.mark.parametrize(
    "body",
    [
        f"BEGIN {ADD} END",
        f"BEGIN {ADD} EXCEPTION WHEN OTHERS THEN null; END",
        f"BEGIN {ADD} EXCEPTION WHEN duplicate_object THEN DELETE FROM t; END",
        f"BEGIN {ADD} EXCEPTION WHEN duplicate_object THEN null; WHEN OTHERS THEN null; END",
        "BEGIN INSERT INTO t VALUES (1); EXCEPTION WHEN duplicate_object THEN null; END",
        "BEGIN DROP TABLE t; EXCEPTION WHEN duplicate_object THEN null; END",
        "BEGIN EXECUTE 'DROP TABLE t'; EXCEPTION WHEN duplicate_object THEN null; END",
        f"DECLARE x int; BEGIN {ADD} EXCEPTION WHEN duplicate_object THEN null; END",
        f"BEGIN IF NOT EXISTS (SELECT 1 FROM t WHERE a = 1) THEN {ADD} END IF; END",
        f"BEGIN IF EXISTS (SELECT 1 FROM pg_class) THEN {ADD} END IF; END",
        f"BEGIN IF NOT EXISTS (SELECT 1 FROM pg_class) THEN {ADD} ELSE {ADD} END IF; END",
        f"BEGIN IF NOT EXISTS (SELECT 1 FROM pg_class) THEN IF true THEN {ADD} END IF; END IF; END",
    ],
)
def test_a_block_that_does_more_stops_the_script(body: str) -> None:
    assert migration.plan(convert(f"DO $x$ {body} $x$")).blocked


def test_another_language_stops_the_script() -> None:
    script = f"DO LANGUAGE plperl $x$ BEGIN {ADD} EXCEPTION WHEN duplicate_object THEN null; END $x$"
    assert migration.plan(convert(script)).blocked
