"""Each function of pg_catalog on the local cluster: refused as the table says, else PostgreSQL's answer."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from support.local_cluster.forms import FunctionClass, function_classes

CLASSES = function_classes()
_SAMPLES = {
    **dict.fromkeys(("anyelement", "anynonarray", "anycompatible", "anycompatiblenonarray"), "int4"),
    **dict.fromkeys(("anyarray", "anycompatiblearray"), "int4[]"),
    **dict.fromkeys(("anyrange", "anycompatiblerange"), "int4range"),
    **dict.fromkeys(("anymultirange", "anycompatiblemultirange"), "int4multirange"),
    **dict.fromkeys(("anyenum", '"any"'), "int4"),
}
_FUNCTIONS = """
SELECT proname, prokind::text, proretset, format_type(prorettype, NULL),
       ARRAY(SELECT format_type(type, NULL) FROM unnest(proargtypes) WITH ORDINALITY a (type, n) ORDER BY n)
FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND NOT starts_with(proname, '_dsql_')
ORDER BY 1, oid
"""
Row = tuple[str, str, bool, str, list[str]]


@pytest.fixture
async def past(superuser: psycopg.AsyncConnection[Any]) -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection past the endpoint, as admin: PostgreSQL's own answers."""
    await superuser.execute("SET ROLE admin")
    yield superuser
    await superuser.execute("RESET ROLE")


async def test_each_function_is_refused_or_answers_as_postgresql_does(
    admin: psycopg.Connection, past: psycopg.AsyncConnection[Any]
) -> None:
    wrong: dict[str, tuple[str, str]] = {}
    counts = Counter[FunctionClass]()
    rows: list[Row] = await (await past.execute(_FUNCTIONS)).fetchall()
    for row in rows:
        found = _class_of(row)
        counts[found] += 1
        if found is CLASSES[0]:
            continue
        call = _call(row)
        answer = _answer(admin, call)
        expected = found.refused or (await _own_answer(past, call),)
        if answer not in expected:
            wrong[call] = (answer, " or ".join(expected))
    assert wrong == {}
    assert {one.says: counts[one] for one in CLASSES} == {one.says: one.count for one in CLASSES}


def _class_of(row: Row) -> FunctionClass:
    name, _, _, result, arguments = row
    signature = f"{name}({', '.join(arguments)}) {result}"
    return next(one for one in CLASSES if one.holds(name, signature))


def _call(row: Row) -> str:
    """Write a call with NULLs, which runs no strict function."""
    name, kind, returns_set, _, arguments = row
    nulls = ", ".join(f"NULL::{_SAMPLES.get(argument, argument)}" for argument in arguments)
    call = f'"{name}"({"*" if kind == "a" and not arguments else nulls})'
    if kind == "w":
        call += " OVER ()"
    begin = "SELECT * FROM" if returns_set else "SELECT"
    return f"{begin} {call}"


def _answer(connection: psycopg.Connection, call: str) -> str:
    try:
        connection.execute(call.encode())
    except psycopg.Error as refusal:
        return refusal.sqlstate or str(refusal)
    return ""


async def _own_answer(connection: psycopg.AsyncConnection[Any], call: str) -> str:
    try:
        await connection.execute(call.encode())
    except psycopg.Error as refusal:
        return refusal.sqlstate or str(refusal)
    return ""
