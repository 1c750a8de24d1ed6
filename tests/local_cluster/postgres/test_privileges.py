"""An audit of all that runs as the superuser, or that users may call: what is not listed here fails.

So a function that is added to sys.sql is looked at by whoever adds it, who gives a reason here.
"""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.local_cluster import postgres
from awslabs_dsql_mcp.local_cluster.postgres import server, superuser
from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.parse_tree import strings
from support.superuser import Connection, connected, refusal, rows

SEARCH_PATH = "search_path=pg_catalog, pg_temp"

DEFINERS = {
    "_dsql_doom": "inserts a row without columns into a table of the schema",
    "_dsql_interrupt_jobs": "cancels jobs",
    "_dsql_new_iam_oid": "draws a number",
    "_dsql_record_validation": "records a job of a constraint, if the session's user owns its table",
    "_dsql_when_dropped": "records a job",
    "_dsql_when_made": "writes pg_index and pg_trigger, and puts the limits' triggers on a table",
}
"""SECURITY DEFINER functions, and what for."""

DYNAMIC = {
    "_dsql_watch": "CREATE TRIGGER without WHEN on a table, named by its number",
    "_dsql_lend_role": "GRANT and REVOKE of roles, named by their numbers, and RESET of a worker's settings",
}
"""Functions of the superuser's, or of its SECURITY DEFINER functions, that run a text."""

CALLERS_NAMES = {
    "_dsql_create_index_async": "runs the caller's own statement",
    "_dsql_drop_from_table": "runs the caller's own statement",
    "_dsql_validate_constraint_async": "looks up the caller's own table",
    "wait_for_job": "commits, which a SET clause forbids",
    "_dsql_set_config": "PostgreSQL's own code, which looks up no name",
    "_dsql_own_setting": "the same",
    "_dsql_tablespace_size": "the same",
    "_dsql_function_is_visible": "the same",
    "_dsql_table_is_visible": "the same",
}
"""Functions that run with their caller's search_path, as their caller."""

FOR_ALL = {
    "Aurora DSQL's own": (
        *("dsql_major_version", "cluster_size", "cluster_size_limit", "uuid_to_base32_str"),
        *("base32_str_to_uuid", "current_session_id", "iam_session_user", "wait_for_job"),
    ),
    "what the dialect and the session make of a user's statements": (
        *(
            "_dsql_create_index_async",
            "_dsql_drop_from_table",
            "_dsql_validate_constraint_async",
            "_dsql_iam_grant",
            "_dsql_iam_revoke",
        ),
        *("_dsql_shadow", "_dsql_write_back"),
    ),
    "read the catalog or a limit, for those, the views and the triggers of a user's statements": (
        *(
            "_dsql_name",
            "_dsql_is_no_key",
            "_dsql_limit",
            "_dsql_is_mapped",
            "_dsql_trusting_role",
            "_dsql_key_size",
            "_dsql_wide_source",
        ),
        *(
            "_dsql_check_count",
            "_dsql_check_counts",
            "_dsql_check_columns",
            "_dsql_check_indexes",
            "_dsql_check_key",
        ),
        *("_dsql_stored_columns", "_dsql_can_be_copied", "_dsql_dependents", "_dsql_copies"),
        *("_dsql_numbered_columns",),
    ),
    "PostgreSQL's set_config, whose name passes through a check on its way to it": (
        "_dsql_set_config",
        "_dsql_set_checked",
        "_dsql_settable",
        "_dsql_refuse_setting",
    ),
    "PostgreSQL's current_setting, with the values that clusters show": (
        "_dsql_current_setting",
        "_dsql_own_setting",
        "_dsql_shown_setting",
    ),
    "PostgreSQL's, which read the catalog": ("_dsql_function_is_visible", "_dsql_table_is_visible"),
    "PostgreSQL's pg_tablespace_size, which checks its caller": ("_dsql_tablespace_size",),
    "definers that check their caller, or harm nobody else": (
        "_dsql_record_validation",
        "_dsql_doom",
        "_dsql_new_iam_oid",
    ),
}
"""Functions that everybody may call, by the reason."""

# Role admin is what sys.sql makes first.
_FUNCTIONS = """
SELECT proname, prosecdef, prosqlbody IS NOT NULL AS bound, coalesce(proconfig, '{}') AS settings,
       prorettype::regtype::text AS returns, proargtypes::regtype[]::text[] AS takes, prosrc,
       has_function_privilege('public', p.oid, 'EXECUTE') AS for_all
FROM pg_proc p
WHERE pronamespace IN ('sys'::regnamespace, 'pg_catalog'::regnamespace) AND oid > 'admin'::regrole
"""
_TEXTS = {"text", "name", "regclass", "json", "jsonb", "cstring", "character varying"}

REFUSED = """
COPY (SELECT 1) TO PROGRAM 'true'
COPY pg_catalog._dsql_oversize FROM PROGRAM 'true'
COPY (SELECT 1) TO '/tmp/never'
COPY lines FROM '/etc/hostname'
SELECT pg_read_file('PG_VERSION')
SELECT pg_read_binary_file('PG_VERSION')
SELECT pg_stat_file('PG_VERSION')
SELECT pg_ls_dir('.')
SELECT lo_import('/etc/hostname')
SELECT lo_export(1, '/tmp/never')
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_create_physical_replication_slot('s')
SELECT pg_create_logical_replication_slot('s', 'pgoutput')
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'pg_superuser'
SELECT rolpassword FROM pg_authid
SELECT * FROM pg_file_settings
SELECT * FROM pg_hba_file_rules
UPDATE pg_roles SET rolsuper = true
UPDATE pg_authid SET rolsuper = true
INSERT INTO pg_proc SELECT * FROM pg_proc LIMIT 1
ALTER SYSTEM SET log_statement = 'all'
ALTER DATABASE postgres SET search_path = public
LOAD 'auto_explain'
CREATE EXTENSION vector
CREATE EXTENSION plpgsql
ALTER EXTENSION plpgsql SET SCHEMA public
CREATE LANGUAGE plperl
CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS 'libc', 'getpid'
CREATE FUNCTION public.f(text, text, bool) RETURNS text LANGUAGE internal AS 'set_config_by_name'
CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'
CREATE FUNCTION public.f() RETURNS trigger LANGUAGE sql AS 'SELECT 1'
CREATE PROCEDURE public.f() LANGUAGE sql AS 'SELECT 1'
DO 'BEGIN NULL; END'
CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION pg_catalog._dsql_refuse_command()
ALTER EVENT TRIGGER dsql_command DISABLE
DROP EVENT TRIGGER dsql_command
CREATE RULE r AS ON SELECT TO sys.jobs DO ALSO NOTHING
CREATE OPERATOR public.+ (LEFTARG = text, RIGHTARG = text, FUNCTION = textcat)
CREATE CAST (text AS int) WITH INOUT AS IMPLICIT
CREATE TYPE public.t AS (a int)
CREATE TYPE public.t AS ENUM ('a')
CREATE AGGREGATE public.a (text) (SFUNC = textcat, STYPE = text)
CREATE COLLATION public.c FROM "C"
CREATE CONVERSION public.c FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8
CREATE TEXT SEARCH CONFIGURATION public.c (COPY = simple)
CREATE FOREIGN DATA WRAPPER w
CREATE SERVER s FOREIGN DATA WRAPPER w
CREATE ACCESS METHOD m TYPE INDEX HANDLER bthandler
CREATE PUBLICATION p
CREATE SUBSCRIPTION s CONNECTION 'host=localhost' PUBLICATION p WITH (connect = false)
CREATE MATERIALIZED VIEW public.m AS SELECT 1 AS a
CREATE TABLE public.m AS SELECT 1 AS a
SELECT 1 AS a INTO public.m
CREATE DATABASE d
CREATE TABLESPACE t LOCATION '/tmp'
CREATE ROLE r SUPERUSER
CREATE ROLE r REPLICATION
CREATE ROLE r BYPASSRLS
CREATE ROLE r IN ROLE pg_execute_server_program
CREATE ROLE r IN ROLE pg_superuser
ALTER ROLE admin SUPERUSER
ALTER ROLE pg_superuser PASSWORD 'x'
ALTER ROLE local_job_1 PASSWORD 'x'
ALTER ROLE pg_superuser SET search_path = public
DROP ROLE local_job_1
GRANT pg_superuser TO admin
GRANT local_job_1 TO admin
GRANT pg_execute_server_program TO admin
GRANT pg_read_server_files TO admin
GRANT ALL ON pg_authid TO admin
GRANT USAGE ON LANGUAGE plpgsql TO admin
GRANT SET ON PARAMETER session_preload_libraries TO admin
SET ROLE pg_superuser
SET SESSION AUTHORIZATION pg_superuser
SELECT set_config('role', 'pg_superuser', false)
SELECT ts_stat('SELECT NULL::tsvector')
SELECT ts_stat('SELECT NULL::tsvector', 'a')
SELECT ts_rewrite('a'::tsquery, 'SELECT NULL::tsquery, NULL::tsquery')
SELECT query_to_xml('SELECT 1', true, true, '')
SELECT query_to_xmlschema('SELECT 1', true, true, '')
SELECT query_to_xml_and_xmlschema('SELECT 1', true, true, '')
SET session_preload_libraries = 'x'
SET allow_system_table_mods = on
SET session_replication_role = replica
SET log_statement = 'all'
CREATE TABLE sys.mine (a int)
CREATE VIEW pg_catalog.mine AS SELECT 1
CREATE FUNCTION pg_catalog.now(text) RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE OR REPLACE FUNCTION pg_catalog._dsql_limit(text, bigint) RETURNS bigint LANGUAGE sql AS 'SELECT 1'
ALTER FUNCTION pg_catalog._dsql_doom() OWNER TO admin
ALTER SCHEMA sys RENAME TO s
DROP TABLE pg_catalog._dsql_jobs
INSERT INTO pg_catalog._dsql_jobs (job_type, class_id, object_id) VALUES ('INDEX_BUILD', 1, 1)
UPDATE pg_catalog._dsql_jobs SET status = 'submitted'
INSERT INTO pg_catalog._dsql_oversize DEFAULT VALUES
SELECT * FROM pg_catalog._dsql_job_statement('x')
SELECT pg_catalog._dsql_lend_role(10, 'admin')
SELECT pg_catalog._dsql_record_job('INDEX_BUILD', 1, 1, 'x')
SELECT pg_catalog._dsql_record_validation(1)
SELECT pg_catalog._dsql_put_off_index(1)
SELECT pg_catalog._dsql_watch('pg_class')
SELECT pg_catalog._dsql_count_changes()
CLUSTER pg_class
REINDEX TABLE pg_class
CHECKPOINT
SECURITY LABEL ON ROLE admin IS 'x'
COMMENT ON ROLE pg_superuser IS 'x'
REASSIGN OWNED BY pg_superuser TO admin
DROP OWNED BY pg_superuser
""".strip().splitlines()


@pytest.fixture
async def boss(inner: server.Server) -> Any:  # noqa: ANN401  a fixture of pytest's
    async with await superuser.connect(inner.address) as connection:
        yield connection


async def functions(boss: Connection) -> dict[str, dict[str, Any]]:
    cursor = await boss.execute(_FUNCTIONS)
    names = [column.name for column in cursor.description or ()]
    listed = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
    assert len({one["proname"] for one in listed}) == len(listed), "a name stands for one function here"
    return {one["proname"]: one for one in listed}


async def test_what_runs_as_the_superuser_is_listed_and_takes_no_text(boss: Connection) -> None:
    found = await functions(boss)
    definers = {name for name, one in found.items() if one["prosecdef"]}
    assert definers == set(DEFINERS)
    for name in definers:
        assert not _TEXTS & {kind.removesuffix("[]") for kind in found[name]["takes"]}, name
    reached = {name for name, one in found.items() if not one["for_all"]} | definers
    by_the_user = {
        "_dsql_count_changes",
        "_dsql_refuse_size",
        "_dsql_check_made",
        "_dsql_refuse_command",
    }  # triggers, not definers
    dynamic = {name for name in reached - by_the_user if re.search(r"\bEXECUTE\b", found[name]["prosrc"])}
    assert dynamic == set(DYNAMIC)


async def test_every_search_path_is_fixed(boss: Connection) -> None:
    loose = {
        name
        for name, one in (await functions(boss)).items()
        if SEARCH_PATH not in one["settings"] and not one["bound"]
    }
    assert loose == set(CALLERS_NAMES)
    assert not loose & set(DEFINERS)


async def test_what_everybody_may_call_is_listed(boss: Connection) -> None:
    found = await functions(boss)
    called = {name for name, one in found.items() if one["for_all"]}
    listed = [name for names in FOR_ALL.values() for name in names]
    assert called == set(listed)
    assert len(set(listed)) == len(listed)


async def test_nothing_else_of_the_superusers_is_in_reach(boss: Connection) -> None:
    assert await rows(
        boss,
        "SELECT relname, privilege_type FROM pg_class, aclexplode(relacl) "
        "WHERE relnamespace IN ('sys'::regnamespace, 'pg_catalog'::regnamespace) "
        "AND pg_class.oid > 'admin'::regrole AND grantee = 0 ORDER BY 1, 2",
    ) == [
        ("iam_pg_role_mappings", "SELECT"),
        ("jobs", "SELECT"),
        ("pg_db_role_setting", "SELECT"),
        ("pg_event_trigger", "SELECT"),
    ]
    assert await rows(
        boss, "SELECT rolname FROM pg_roles WHERE rolsuper OR rolreplication OR rolbypassrls"
    ) == [(server.SUPERUSER,)]
    assert (
        await rows(
            boss,
            "SELECT rolname FROM pg_auth_members JOIN pg_roles r ON r.oid = roleid "
            "WHERE member IN ('admin'::regrole) AND rolname ~ '^(pg_|local_)'",
        )
        == []
    )
    assert await rows(boss, "SELECT extname FROM pg_extension") == [("plpgsql",)]
    assert await rows(
        boss,
        "SELECT lanname FROM pg_language "
        "WHERE lanpltrusted AND has_language_privilege('admin', oid, 'USAGE')",
    ) == [("sql",)]


def _statements() -> dict[str, str]:
    """Find the SQL in the modules that speak to PostgreSQL, with where it stands."""
    found: dict[str, str] = {}
    for file in Path(postgres.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.match(node.value):
                found[" ".join(node.value.split())] = file.name
    return found


_SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|ALTER|CREATE|GRANT|REVOKE|LISTEN|SET|CALL|COPY|DO|TRUNCATE)\b"
)


def test_the_daemon_asks_nothing_that_evaluates_what_is_a_users() -> None:
    passwords = {text for text in _statements() if text.startswith("ALTER ROLE")}
    for text in _statements().keys() - passwords:
        for tree in parser.parse(text.replace("%s", "NULL")):
            assert tree.kind in ("SelectStmt", "UpdateStmt", "ListenStmt"), text
            for place in [place.node for place in tree.find("RangeVar")]:
                assert place.get("schemaname") in ("sys", "pg_catalog"), text
            for place in tree.find("UpdateStmt"):
                assert place.node["relation"]["relname"] == "_dsql_jobs", text
            for place in tree.find("FuncCall"):
                name = strings(place.node["funcname"])
                assert name[0] in ("sys", "pg_catalog") or name in (["unnest"], ["now"], ["date_trunc"]), text


def test_the_superuser_is_named_where_it_connects_and_where_it_is_refused() -> None:
    root = Path(postgres.__file__).parents[1]
    named = {
        str(file.relative_to(root)) for file in root.rglob("*.py") if "SUPERUSER" in file.read_text("utf-8")
    }
    assert named == {"postgres/server.py", "postgres/superuser.py", "postgres/connect.py"}


@pytest.mark.parametrize("statement", REFUSED)
async def test_postgresql_itself_refuses(inner: server.Server, statement: str) -> None:
    """Behind the dialect, which refuses most of it before."""
    async with connected(inner) as admin:
        code, *_ = await refusal(admin.execute(statement.encode()))
        assert code in (
            "0A000",
            "42501",
            "42939",
            "42809",
            "42704",
            "42P13",
            "55P02",
            "3F000",
            "22023",
            "42P17",
            "55000",
        ), code


async def test_nobody_records_a_job_about_what_is_anothers(admin: Connection, inner: server.Server) -> None:
    await admin.execute("CREATE ROLE onlooker WITH LOGIN")
    await admin.execute("CREATE TABLE anothers (v int CONSTRAINT positive CHECK (v > 0))")
    constraint = "SELECT oid FROM pg_constraint WHERE conname = 'positive'"
    async with connected(inner, "onlooker") as onlooker:
        recorded = onlooker.execute(f"SELECT pg_catalog._dsql_record_validation(({constraint}))".encode())
        assert (await refusal(recorded))[:2] == ("42501", "must be owner of table anothers")
    assert await rows(admin, "SELECT FROM sys.jobs WHERE object_name = 'public.positive'") == []
    await admin.execute("DROP TABLE anothers")
    await admin.execute("DROP ROLE onlooker")
