"""What a session is like when it comes back: the same as new, or gone."""

import asyncio

import pytest

from awslabs_dsql_mcp.database.executor import Limits
from awslabs_dsql_mcp.database.transaction import Query, UnitOfWork
from awslabs_dsql_mcp.errors import StatementFailed
from support.wire.faults import At, Fault, Kill
from support.wire.harness import Harness, cells, insert, read, until, write


def leaving_traces(sql: str) -> UnitOfWork:
    return UnitOfWork((Query(sql),), read_only=False, may_change_session=True)


async def test_what_a_function_set_is_gone_for_the_next_call(bed: Harness) -> None:
    database = bed.connect(limits=Limits(max_connections=1))
    await database.run(leaving_traces("SELECT set_config('search_path', 'elsewhere', false)"))
    assert cells(await database.run(read("SHOW search_path"))) == ['"$user", public']
    assert bed.proxy.connected == 1


LEAVES = (
    "CREATE FUNCTION leaves() RETURNS text LANGUAGE sql VOLATILE AS "
    "$$SELECT set_config('search_path', 'elsewhere', false)$$"
)


@pytest.mark.parametrize(
    ("prepare", "sql"),
    [
        ("ALTER TABLE t ADD trace text DEFAULT leaves()", "INSERT INTO t VALUES (1)"),
        ("ALTER TABLE t ADD CHECK (id > 0 AND leaves() <> '')", "INSERT INTO t VALUES (1)"),
        ("CREATE DOMAIN d AS int CHECK (leaves() <> '')", "INSERT INTO t SELECT 1::d"),
        ("CREATE VIEW v AS SELECT leaves()", "INSERT INTO t SELECT 1 FROM v WHERE leaves <> ''"),
    ],
)
async def test_what_a_users_code_set_in_a_write_is_gone_for_the_next_call(
    bed: Harness, prepare: str, sql: str
) -> None:
    bed.postgres.query(LEAVES)
    try:
        bed.postgres.query(prepare)
        bed.postgres.query("GRANT ALL ON ALL TABLES IN SCHEMA public TO admin")
        database = bed.connect()
        assert (await database.run(write(sql))).outcome == "committed"
        assert cells(await database.run(read("SHOW search_path"))) == ['"$user", public']
        assert bed.proxy.connected == 1
        assert bed.ids() == [1]
    finally:
        bed.postgres.query("DROP FUNCTION leaves() CASCADE; DROP DOMAIN IF EXISTS d CASCADE")


LEFT = {
    "role": "pg_monitor",
    "search_path": "elsewhere",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "application_name": "another",
    "work_mem": "64",
    "bytea_output": "escape",
    "extra_float_digits": "-5",
    "enable_seqscan": "off",
    "mine.own": "x",
}
STATE = (
    "SELECT name || '=' || setting FROM pg_settings WHERE name NOT LIKE '%.%' ORDER BY name",
    "SELECT current_user, session_user, current_setting('mine.own', true) IS DISTINCT FROM 'x'",
    "SELECT count(*) FROM pg_prepared_statements",
)


async def test_no_setting_of_any_kind_is_left_in_a_session(bed: Harness) -> None:
    bed.postgres.query(
        "CREATE FUNCTION leaves(text, text) RETURNS text LANGUAGE sql VOLATILE AS "
        "'SELECT pg_catalog._dsql_set_config($1, $2, false)'; GRANT pg_monitor TO admin"
    )
    try:
        database = bed.connect(limits=Limits(max_connections=1))
        before = cells(await database.run(read(*STATE)))
        for sql in (
            "SELECT public.leaves('{}', '{}')",
            "INSERT INTO public.t SELECT 1 WHERE public.leaves('{}', '{}') = ''",
        ):
            settings = [
                sql.format(*each) for each in LEFT.items() if each[0] != "role" or "INSERT" not in sql
            ]
            assert (await database.run(write(*settings))).outcome == "committed"
            assert cells(await database.run(read(*STATE))) == before
        assert bed.proxy.connected == 2  # one for the role, which is not reset: that session was given up
    finally:
        bed.postgres.query("DROP FUNCTION leaves(text, text); REVOKE pg_monitor FROM admin")


async def test_a_session_that_cannot_be_cleaned_is_not_used_again(bed: Harness) -> None:
    database = bed.connect(limits=Limits(max_connections=1))
    bed.proxy.add(Fault(At.ASKED, Kill(), "RESET ALL"))
    await database.run(leaving_traces("SELECT set_config('search_path', 'elsewhere', false)"))
    assert cells(await database.run(read("SHOW search_path"))) == ['"$user", public']
    assert bed.proxy.connected == 2


async def test_a_session_is_replaced_between_calls_before_the_cluster_ends_it(bed: Harness) -> None:
    now = [0.0]
    database = bed.connect(clock=lambda: now[0])
    await database.run(insert(1))
    now[0] += 3600.0 - 60.0 - 300.0 - 1.0
    await database.run(insert(2))
    assert bed.proxy.connected == 1
    now[0] += 1.0
    await database.run(insert(3))
    assert bed.proxy.connected == 2
    await until(lambda: len(bed.states()) == 1)
    await bed.still_works(database)


@pytest.mark.parametrize(
    "query",
    [
        Query("SELECT $1::text", ("a\0b",)),
        Query("SELECT $1::text", (object(),)),
        Query("SELECT $1::text, $2::text", ("a",)),
        Query("SELECT 1; SELECT 2"),
        Query("SELECT 1/0"),
    ],
    ids=["NUL", "no type", "too few", "two statements", "division"],
)
async def test_a_statement_that_cannot_be_sent_or_run_is_that_statements_fault(
    bed: Harness, query: Query
) -> None:
    database = bed.connect()
    with pytest.raises(StatementFailed) as told:
        await database.run(UnitOfWork((*insert(1).queries, query, *insert(2).queries), read_only=False))
    assert told.value.message.startswith("Statement 2: ")
    assert told.value.outcome == "rolled_back"
    assert bed.ids() == []
    await bed.still_works(database)


async def test_a_commit_that_the_server_turns_into_a_rollback_is_no_success(bed: Harness) -> None:
    bed.postgres.query(
        "CREATE TABLE child (id int REFERENCES t DEFERRABLE INITIALLY DEFERRED);"
        "ALTER TABLE child OWNER TO admin"
    )
    try:
        database = bed.connect()
        with pytest.raises(StatementFailed) as told:
            await database.run(write("INSERT INTO t VALUES (1)", "INSERT INTO child VALUES (2)"))
        assert (told.value.sqlstate, told.value.outcome) == ("23503", "rolled_back")
        assert bed.ids() == []
        await bed.still_works(database)
    finally:
        bed.postgres.query("DROP TABLE child")


async def test_a_read_only_transaction_cannot_write(bed: Harness) -> None:
    database = bed.connect()
    with pytest.raises(StatementFailed) as told:
        await database.run(read("INSERT INTO t VALUES (1)"))
    assert told.value.sqlstate == "25006"
    assert bed.ids() == []
    await bed.still_works(database)


async def test_units_of_many_and_large_statements_arrive_whole(bed: Harness) -> None:
    database = bed.connect()
    many = await database.run(insert(*range(500)))
    assert (many.outcome, len(many.results)) == ("committed", 500)
    large = await database.run(read(*(f"SELECT repeat('{n % 10}', 1000000)" for n in range(20))))
    assert [str(cell)[0] + str(len(str(cell))) for cell in cells(large)] == [
        f"{n % 10}1000000" for n in range(20)
    ]
    await asyncio.sleep(0)
    await bed.still_works(database)


async def test_text_is_stored_as_it_is_whatever_the_environment_says(
    bed: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    database = bed.connect()
    seen = await database.run(
        UnitOfWork((Query("SELECT length('é€'), length($1::text)", ("é€",)),), read_only=True)
    )
    assert cells(seen) == ["2", "2"]
    await bed.still_works(database)


async def test_no_text_is_read_in_another_way_than_it_was_checked(bed: Harness) -> None:
    body = "SELECT pg_catalog._dsql_set_config($1, $2, true)"
    bed.postgres.query(f"CREATE FUNCTION sets(text, text) RETURNS text LANGUAGE sql AS '{body}'")
    insert_7 = "b AS (INSERT INTO public.t VALUES (7) RETURNING 1)"
    hidden = rf"WITH a AS (SELECT '\', ' x), {insert_7} SELECT 1 --') SELECT 1"
    try:
        database = bed.connect()
        with pytest.raises(StatementFailed, match="standard_conforming_strings was changed"):
            await database.run(write("SELECT public.sets('standard_conforming_strings', 'off')", hidden))
        assert bed.ids() == []
        await bed.still_works(database)
    finally:
        bed.postgres.query("DROP FUNCTION sets(text, text)")
