"""PostgreSQL as the judge: what the guard lets pass as a read leaves database and session as they were.

Everything runs in autocommit, *outside* of a READ ONLY transaction: there is nothing behind the guard here.
"""

import random
from collections.abc import Callable, Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.guard.guard import check

SETUP = """
drop schema if exists app, other cascade;
create schema app; create schema other;
set search_path = app, public;
create table orders(id int primary key, customer_id int, total numeric, note text, doc jsonb, tags text[]);
insert into orders select g, g % 3, g * 1.5, 'note ' || g, '{"a": [1, 2]}', array['x', 'y']
  from generate_series(1, 9) g;
create table "update"("set" int, "delete" text);
insert into "update" values (1, 'x');
create sequence seq cache 1;
create view big_orders as select id, total from orders where total > 5;
create function f_read(int) returns int language sql stable as 'select $1 + 1';
select set_config('guard.probe', 'untouched', false);
set statement_timeout = '2s';
"""

# Whoever writes, locks a row or notifies takes a transaction id (PostgreSQL documentation, "Transaction
# Identifiers"): with autovacuum off nobody else does. The rest is what changes without one.
STATE = """
select pg_snapshot_xmax(pg_current_snapshot())::text,
  (select last_value::text || is_called from app.seq),
  (select md5(string_agg(name || '=' || coalesce(setting, ''), ',' order by name)) from pg_settings),
  current_setting('guard.probe', true), current_setting('guard.other', true), current_user, session_user,
  (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors),
  (select count(*) from pg_locks where locktype in ('advisory', 'object') or (locktype = 'relation'
     and mode not in ('AccessShareLock'))),
  (select count(*) from pg_listening_channels()), (select count(*) from pg_largeobject_metadata),
  (select count(*) from pg_replication_slots), (select count(*) from pg_replication_origin),
  pg_my_temp_schema()
"""


class Oracle:
    """A session, and what it looked like before."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.ran = 0
        self.connection.execute(SETUP.encode(), prepare=False)
        self.before = self.state()

    def state(self) -> object:
        return self.connection.execute(STATE.encode()).fetchone()

    def leaves_no_trace(self, sql: str) -> None:
        try:
            self.connection.execute(sql.encode()).fetchmany(1)
            self.ran += 1
        except psycopg.Error:
            pass
        assert self.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE, sql
        assert self.state() == self.before, sql


@pytest.fixture(scope="module")
def oracle(postgres16: str) -> Iterator[Oracle]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        yield Oracle(connection)


@pytest.mark.parametrize(
    "sql",
    [
        "select nextval('seq')",
        "insert into orders(id) values (99)",
        "select * from orders for update",
        "select set_config('guard.probe', 'x', false)",
        "select pg_advisory_lock(1)",
        "select pg_notify('c', 'x')",
        "select lo_create(0)",
        "select txid_current()",
        "select c.nextval from to_regclass('seq') c",
        "create temp table t(a int)",
        "prepare p as select 1",
        "listen c",
        "set work_mem = '5MB'",
    ],
)
def test_the_judge_sees(postgres16: str, sql: str) -> None:
    with psycopg.connect(postgres16, autocommit=True) as connection:
        judge = Oracle(connection)
        connection.execute(sql.encode())
        assert judge.state() != judge.before
        assert check(sql, writes=False) is not None


SAMPLES = {
    "int2": "1", "int4": "1", "int8": "1", "oid": "1", "float4": "0.01", "float8": "0.01", "numeric": "1",
    "text": "'orders'", "name": "'orders'", "varchar": "'a'", "bpchar": "'a'", "bool": "false",
    "bytea": "'\\x00'", "regclass": "'seq'::regclass", "cstring": "'a'", "jsonb": "'{}'::jsonb",
    "json": "'{}'::json", "jsonpath": "'$'::jsonpath", "date": "'2024-01-01'::date",
    "timestamp": "'2024-01-01'::timestamp", "timestamptz": "now()", "interval": "'0.01 s'::interval",
    "anyelement": "1", "anyarray": "array[1]", "anycompatible": "1", "anycompatiblearray": "array[1]",
    "any": "1", "_text": "array['a']", "_int4": "array[1]", "uuid": "gen_random_uuid()",
    "xml": "'<a/>'::xml", "tsvector": "'a'::tsvector", "tsquery": "'a'::tsquery", "char": "'r'",
    "pg_lsn": "'0/0'::pg_lsn", "xid": "'3'::xid", "inet": "'10.0.0.1'::inet", "record": "row(1)",
}  # fmt: skip


def builtin_calls(connection: psycopg.Connection) -> list[str]:
    """A call of every function overload in the catalog that a query can call."""
    rows = connection.execute(
        """
        select proname, array(select typname::text from unnest(proargtypes) with ordinality a(t, n)
                              join pg_type on oid = t order by n), prokind::text
        from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and prokind in ('f', 'a', 'w')
          and not starts_with(proname, '_dsql_')  -- the local cluster's
          and not exists (
            select from pg_type where oid = any (prorettype || proargtypes::oid[]) and typname in
              ('internal', 'trigger', 'event_trigger', 'language_handler', 'index_am_handler', 'tsm_handler'))
        """
    ).fetchall()
    return [_call(name, types, kind) for name, types, kind in rows]


def _call(name: str, types: list[str], kind: str) -> str:
    arguments = ", ".join(SAMPLES.get(kind_of, f"null::{kind_of}") for kind_of in types)
    return f'"{name}"({arguments})' + (" over ()" if kind == "w" else "")


def test_every_builtin_function_that_a_read_may_call_changes_nothing(oracle: Oracle) -> None:
    calls = builtin_calls(oracle.connection)
    allowed = [call for call in calls if check(f"select {call}", writes=False) is None]
    for call in allowed:
        oracle.leaves_no_trace(f"select {call}")
    assert len(allowed) > 2000
    assert oracle.ran > 1200


SET_BY_SESSIONS = {
    "application_name", "client_encoding", "DateStyle", "extra_float_digits", "IntervalStyle", "search_path",
    "TimeZone",
}  # fmt: skip
"""Settings of PostgreSQL that Aurora DSQL lets a session set; those of the planner besides."""


@pytest.mark.parametrize(
    "sql", ["set local {} = 'UTF8'", "set local {} to default", "select set_config('{}', 'UTF8', true)"]
)
def test_of_all_settings_a_change_sets_those_of_a_short_list(oracle: Oracle, sql: str) -> None:
    """The others change how texts are read or what they mean, such as standard_conforming_strings."""
    names = [str(name) for (name,) in oracle.connection.execute("select name from pg_settings")]
    passed = {name for name in names if check(sql.format(name), writes=True) is None}
    assert {name for name in passed if not name.startswith("enable_")} == SET_BY_SESSIONS
    assert len(names) > 300


CHANGING = (
    "nextval('seq')", "setval('seq', 7)", "set_config('guard.probe', 'x', false)", "pg_notify('c', 'x')",
    "pg_advisory_lock(1)", "pg_try_advisory_lock_shared(2)", "lo_create(0)", "txid_current()",
    "pg_current_xact_id()", "lo_from_bytea(0, '')",
    "query_to_xml('delete from orders returning 1', true, true, '')", "setseed(0.5)",
    "ts_stat('select app.nextval_text()')", "pg_export_snapshot()",
    "pg_logical_emit_message(true, 'a', 'b')", "('seq'::regclass).nextval",
    "set_config('guard.other', 'x', false)", "pg_stat_reset()",
)  # fmt: skip
HARMLESS = (
    "1", "'a'", "null", "id", "total", "note", "doc", "now()", "random()", "lower(note)", "doc->'a'",
    "f_read(1)", "row_number() over (order by id)", "count(*)", "max(id) filter (where id > 1)",
    "doc @> '{}'", "tags[1]", "current_setting('guard.probe')", "cast(id as text)", "o",
    "pg_relation_size('orders')", "length('set x')", "'delete from orders'", "$q$; drop table orders; $q$",
    "coalesce(note, 'x')", "id between 1 and 3", "extract(year from now())", "array(select id from orders)",
    "gen_random_uuid()", "to_jsonb(o)",
)  # fmt: skip
UTILITIES = (
    "set guard.probe = x", "set local guard.probe = x", "reset all", "begin", "commit", "rollback",
    "listen c", "prepare p as select 1", "deallocate all", "discard all", "lock table orders",
    "declare c cursor with hold for table orders", "create table t(a int)", "drop table orders",
    "truncate orders", "vacuum", "notify c", "copy orders to stdout", "do 'begin perform 1; end'",
    "call p()", "create temp table t(a int)", "grant select on orders to public",
    "alter table orders add x int", "comment on table orders is 'x'", "analyze orders", "set role postgres",
    "security label on table orders is 'x'", "checkpoint", "reindex table orders", "alter system reset all",
    "show all", "show search_path", "set transaction read only", "create table t as select 1", "savepoint a",
)  # fmt: skip
WRITES = (
    "insert into orders(id) values (99) returning id", "update orders set note = 'x' returning id",
    "delete from orders returning id", "insert into orders(id) select id + 100 from orders",
    "merge into orders o using big_orders b on o.id = b.id when matched then delete",
)  # fmt: skip
PLAIN = (
    "select {0} from orders o", "select {0}", "values ({0}, {1})", "table orders",
    "select id from orders where ({0}) is not null", "select {0} from orders o order by {1} limit 3",
    "select distinct {0} from orders o", "select * from big_orders",
    "select {0} from orders o group by id, total, note, doc, tags, o having {1} is not null",
    "select case when {0} is null then 1 else 2 end from orders o",
    "select * from generate_series(1, 3) g where {0} is not null",
    "select * from orders o left join lateral (select {0} as x) l on true",
    "select id from orders union all select 1 where {0} is null",
    "with q as (select {0} as x from orders o) select * from q",
    "with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select n, {0} from r",
    "select (select {0} limit 1), array[{1}]::text from orders o",
    "select * from (select {0} as x from orders o) s offset 1",
    "select xmlelement(name e, {0}), json_build_object('k', {1}) from orders o",
    "select * from rows from (generate_series(1, 2)) g, orders o where ({0}) is null",
    "explain select {0} from orders o",
    "explain (analyze, timing off) select {0} from orders o where {1} is not null",
)  # fmt: skip
SHAPES = (
    "select {0} from orders o for update", "select {0} as x into stolen from orders o", "{2}",
    "explain analyze {2}", "explain (verbose) {2}", "explain (analyze false, analyze) {2}",
    "with w as ({2}) select 1", "select * from (with w as ({2}) select {0}) s", "{3}", "explain analyze {3}",
    "{3}; select 1", "select 1; {2}", "select 1 /* */; {3}", "select c.nextval from to_regclass('seq') c",
    "select * from nextval('seq') n", "copy ({2}) to stdout", "create view v as select {0}",
    "explain (analyze) create table t as select {0}", "prepare p as {2}", "select 'a' -- '\n; {2}",
    "select $a$ $a$; {2}; select '$a$'",
)  # fmt: skip


def expressions(leaves: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            inner.map("({})".format),
            inner.map("({})::text".format),
            st.tuples(inner, inner).map(lambda two: f"coalesce({two[0]}, {two[1]})"),
            st.tuples(inner, inner).map(lambda two: f"(({two[0]}) is distinct from ({two[1]}))"),
            inner.map("(select {} limit 1)".format),
            inner.map("exists (select {})".format),
            inner.map("case when true then {} end".format),
            inner.map("json_build_array({})".format),
        ),
        max_leaves=4,
    )


def statements(shapes: tuple[str, ...], leaves: tuple[str, ...]) -> st.SearchStrategy[str]:
    parts = (expressions(leaves), expressions(leaves), st.sampled_from(WRITES), st.sampled_from(UTILITIES))
    return st.tuples(st.sampled_from(shapes), st.tuples(*parts), st.integers(0, 2**31)).map(
        lambda drawn: _disguise(drawn[0].format(*drawn[1]), random.Random(drawn[2]))  # noqa: S311 - looks only
    )


def _disguise(sql: str, chance: random.Random) -> str:
    """The same statement in another dress."""
    changes: tuple[Callable[[str], str], ...] = (
        lambda text: text,
        lambda text: text.replace("nextval(", 'U&"\\006eextval"(').replace(
            "set_config(", 'pg_catalog."set_config"('
        ),
        lambda text: f"/* select */ {text} ;",
        lambda text: text.replace("select ", "SELECT\n", 1),
        lambda text: f"-- delete\n{text} -- ' \n",
        lambda text: text.replace("pg_", "pg_catalog . pg_").replace("seq'", "app.seq'"),
    )
    return chance.choice(changes)(sql)


COMMON = settings(
    max_examples=settings().max_examples * 5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@COMMON
@given(sql=statements(PLAIN + SHAPES, HARMLESS + CHANGING))
def test_what_passes_as_a_read_leaves_no_trace(oracle: Oracle, sql: str) -> None:
    if check(sql, writes=False) is None:
        oracle.leaves_no_trace(sql)


@COMMON
@given(sql=statements(PLAIN, HARMLESS))
def test_no_plain_read_is_refused(oracle: Oracle, sql: str) -> None:
    assert check(sql, writes=False) is None, sql
    oracle.leaves_no_trace(sql)
