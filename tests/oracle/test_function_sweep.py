"""Every function of PostgreSQL is called, to find those that run a user's code by a name or by text."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest

from awslabs_dsql_mcp.guard.guard import check

RUNS = "the code of a user ran"
USERS_OBJECTS = f"""
CREATE SCHEMA swept;
CREATE FUNCTION swept.mark() RETURNS int LANGUAGE plpgsql AS
  $$ BEGIN RAISE WARNING '{RUNS}'; RETURN 1; END $$;
CREATE VIEW swept.v AS SELECT swept.mark() AS a;
CREATE DOMAIN swept.d AS int CHECK (swept.mark() = 1);
CREATE TYPE swept.c AS (a swept.d);
CREATE TYPE swept.r AS RANGE (subtype = swept.d, multirange_type_name = swept.m);
"""


class Filling(NamedTuple):
    """Arguments of one try: for text, for the last text after another, and for oids of anything."""

    text: str
    last_text: str
    oid: str


FILLINGS = [
    Filling("swept.v", "swept.v", "'swept.v'::regclass"),
    Filling("SELECT * FROM swept.v", "SELECT * FROM swept.v", "'swept'::regnamespace"),
    Filling("SELECT 'a'::tsvector, swept.mark()", "", "'swept.mark'::regproc"),
    Filling("SELECT 'a'::tsquery, 'b'::tsquery FROM swept.v", "SELECT 'a'::tsquery, 'b' FROM swept.v", "0"),
    Filling("swept", "swept", "'swept'::regnamespace"),
    Filling("opened", "opened", "'swept.mark'::regproc"),
    Filling("1", "swept.d", "'swept.d'::regtype"),
    Filling("{1}", "swept.d[]", "'swept.d'::regtype"),
    Filling("(1)", "swept.c", "'swept.c'::regtype"),
    Filling("[1,1]", "swept.r", "'swept.r'::regtype"),
    Filling("{[1,1]}", "swept.m", "'swept.m'::regtype"),
]
NAMING = {
    *("text", "name", "cstring", "refcursor", "character varying", "character", "oid", "regclass"),
    *("regtype", "regproc", "regprocedure", "regnamespace"),
}
# These stop the server, or wait.
NOT_CALLED = "pg_sleep|pg_terminate|pg_cancel|pg_promote|pg_reload|pg_rotate|pg_advisory|pg_log"


class Function(NamedTuple):
    """One overload in pg_proc."""

    name: str
    qualified: str
    arguments: list[str]

    def calls(self) -> Iterator[str]:
        """SELECTs that call it, one a filling."""
        for filling in FILLINGS:
            values = [filled(filling, type_, place) for place, type_ in enumerate(self.arguments)]
            yield f"SELECT {self.qualified}({', '.join(values)})"


def filled(filling: Filling, type_: str, place: int) -> str:
    """An argument as SQL."""
    if type_.startswith("reg") or type_ == "oid":
        return f"({filling.oid})::oid::{type_}"
    if type_ in NAMING:
        text = filling.last_text if place else filling.text
        return "'" + text.replace("'", "''") + f"'::{type_}"
    if type_ == "boolean":
        return "true"
    if type_ in {"smallint", "integer", "bigint"}:
        return f"1::{type_}"
    if type_ == "tsquery":
        return "'a'::tsquery"
    return "NULL::text" if type_.startswith("any") else f"NULL::{type_}"


@pytest.fixture
def swept(session: psycopg.Connection) -> Iterator[dict[str, str]]:
    """A call that ran a user's code, by the name of the function that ran it."""
    told: list[str | None] = []
    session.add_notice_handler(lambda diagnostic: told.append(diagnostic.message_primary))
    session.execute(USERS_OBJECTS.encode())
    session.execute("SET statement_timeout = '1s'")
    found: dict[str, str] = {}
    rows = session.execute(
        "SELECT proname, pronamespace::regnamespace || '.' || quote_ident(proname), "
        "ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes) t) FROM pg_proc WHERE prokind = 'f' "
        "AND pronamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) "
        "AND proname !~ %s ORDER BY oid",
        [f"^({NOT_CALLED}|_dsql_)"],
    ).fetchall()
    for function in (Function(*row) for row in rows):
        if not NAMING.intersection(function.arguments) or "internal" in function.arguments:
            continue
        with session.transaction(force_rollback=True):
            session.execute("DECLARE opened CURSOR FOR SELECT * FROM swept.v")
            for call in function.calls():
                told.clear()
                try:
                    with session.transaction():
                        session.execute(call.encode())
                except psycopg.Error as error:
                    if error.diag.internal_query or (
                        # the embedded server has no libxml: what makes XML of relations ends here
                        "_to_xml" in function.name and "unsupported XML" in str(error)
                    ):
                        told.append(RUNS)
                if RUNS in told:
                    found.setdefault(function.name, call)
    yield found
    session.execute("DROP SCHEMA swept CASCADE")


def test_what_runs_a_user_s_code_by_name_or_by_text_is_refused(swept: dict[str, str]) -> None:
    assert {"query_to_xml", "cursor_to_xml", "schema_to_xml", "domain_in", "ts_stat"} <= swept.keys()
    for call in swept.values():
        refusal = check(call, writes=False)
        assert refusal is not None, call
        assert refusal.rule in {"function-by-name", "function-runs-text"}


def test_planning_runs_them_too() -> None:
    assert check("EXPLAIN SELECT 1 WHERE table_to_xml('v', true, true, '') IS NULL", writes=False) is not None


@pytest.mark.parametrize("type_", ["integer", "jsonb", "TIMESTAMP WITH TIME ZONE"])
def test_text_may_be_tried_as_a_type_of_postgresql_s(type_: str) -> None:
    assert check(f"TABLE t UNION SELECT pg_input_is_valid('1', '{type_}')", writes=False) is None


@pytest.mark.parametrize("type_", ["'swept.d'", "'d'", "kind", "'integer' || ''"])
def test_a_type_that_may_be_the_user_s_is_refused(type_: str) -> None:
    assert check(f"TABLE t UNION SELECT pg_input_is_valid('1', {type_})", writes=False) is not None
