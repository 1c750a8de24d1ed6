"""The guard's knowledge of functions against PostgreSQL 16's own catalog."""

import runpy
from pathlib import Path

import psycopg

from awslabs_dsql_mcp.sql import function_catalog, functions

SCRIPT = Path(__file__).parents[1] / "support" / "regenerate_functions.py"


def test_the_committed_table_is_the_catalog_s(session: psycopg.Connection) -> None:
    script = runpy.run_path(str(SCRIPT))
    assert script["TABLE"].read_text() == script["render"](session)


def test_no_builtin_operator_or_cast_reaches_a_function_that_changes_something(
    session: psycopg.Connection,
) -> None:
    reached = session.execute(
        "select proname from pg_operator join pg_proc p on p.oid in (oprcode, oprrest, oprjoin) "
        "union select proname from pg_cast join pg_proc p on p.oid = castfunc "
        "union select proname from pg_type join pg_proc p on p.oid in (typinput, typoutput, typmodin)"
    ).fetchall()
    assert len(reached) > 500
    # A cast names the type that it converts to; a call of the type's input function hides it.
    harmless = {None, functions.Effect.BY_NAME}
    assert [name for (name,) in reached if functions.effect([name], 3) not in harmless] == []


def test_no_aggregate_runs_a_function_that_changes_something(session: psycopg.Connection) -> None:
    reached = session.execute(
        "select proname from pg_aggregate join pg_proc p on p.oid in (aggtransfn, aggfinalfn, aggcombinefn)"
    ).fetchall()
    assert [name for (name,) in reached if functions.effect([name], 3)] == []


def test_every_harmless_name_is_a_volatile_function_of_the_catalog() -> None:
    volatile = {entry.partition(":")[0] for entry in function_catalog.VOLATILE.split()}
    harmless = {name for name in volatile if functions.effect([name], 0) is None}
    assert "random" in harmless
    assert len(harmless) > 50
    assert "set_config" not in harmless


def test_a_function_that_takes_a_row_changes_nothing(session: psycopg.Connection) -> None:
    """`row.function` calls it as well, and looks like a column: only names that take a row can be meant."""
    takes_a_row = session.execute(
        "select proname from pg_proc where pronargs - pronargdefaults <= 1 and proargtypes[0] in "
        "('record'::regtype, '\"any\"'::regtype, 'anyelement'::regtype, 'anycompatible'::regtype)"
    ).fetchall()
    assert len(takes_a_row) > 10
    assert [name for (name,) in takes_a_row if functions.effect([name], 1)] == []
