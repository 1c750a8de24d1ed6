"""Settings, transactions and psql's commands of a script: carried into the steps, left out, or a stop."""

import pytest

from awslabs_dsql_mcp.lint.examination import examine
from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import ScriptSyntaxError, convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan

DROP = "DROP TABLE t"
_OFF = "SET standard_conforming_strings = off;"
FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT a FROM t'"


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def carried(script: str) -> list[tuple[str, ...]]:
    """The settings of each step."""
    return [step.settings for step in planned(script).steps]


def stops(script: str) -> list[int]:
    """Lines of what stops the script."""
    return [left.line for left in planned(script).blocked]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"SET DateStyle TO ISO, DMY; {DROP}", ["SET LOCAL datestyle TO iso, dmy"]),
        (f"SET SESSION datestyle = 'German'; {DROP}", ['SET LOCAL datestyle TO "German"']),
        (f"SET TIME ZONE 'Asia/Tokyo'; {DROP}", ['SET LOCAL TIME ZONE "Asia/Tokyo"']),
        (f"SET TIME ZONE -3; {DROP}", ["SET LOCAL TIME ZONE -3"]),
        (
            f"SELECT set_config('IntervalStyle', 'iso_8601', false); {DROP}",
            ["SET LOCAL intervalstyle TO 'iso_8601'"],
        ),
        (
            f"SELECT pg_catalog.set_config('timezone', 'UTC', false), set_config('x.y', NULL, true); {DROP}",
            None,
        ),
        (f"SET timezone = 'UTC'; SET timezone = 'CET'; {DROP}", ['SET LOCAL timezone TO "CET"']),
        (f"SET timezone = 'UTC'; RESET timezone; {DROP}", []),
        (f"SET timezone = 'UTC'; SET TIME ZONE LOCAL; {DROP}", []),
        (f"SET timezone = 'UTC'; SET timezone TO DEFAULT; {DROP}", []),
        (f"SET timezone = 'UTC'; RESET ALL; {DROP}", []),
        (f"SET timezone = 'UTC'; DISCARD ALL; {DROP}", []),
        (f"SET extra_float_digits = -3; {DROP}", ["SET LOCAL extra_float_digits TO -3"]),
        (f"SET extra_float_digits = -3; SET extra_float_digits = 3; {DROP}", []),
        (f"SET timezone = 'UTC';\n\\connect x\n{DROP}", []),
        (f"BEGIN; SET LOCAL timezone = 'UTC'; {DROP}; COMMIT;", ['SET LOCAL timezone TO "UTC"']),
        (f"BEGIN; SET LOCAL timezone = 'UTC'; COMMIT; {DROP}", []),
        (f"BEGIN; SELECT set_config('timezone', 'UTC', true); COMMIT AND CHAIN; {DROP}; END", []),
        (
            f"SET timezone = 'CET'; BEGIN; SET LOCAL timezone = 'UTC'; END; {DROP}",
            ['SET LOCAL timezone TO "CET"'],
        ),
        (f"SET timezone = 'CET'; BEGIN; SET LOCAL timezone TO DEFAULT; {DROP}; END", []),
        (
            f"BEGIN; SET LOCAL timezone = 'CET'; SET timezone = 'UTC'; {DROP}; END",
            ['SET LOCAL timezone TO "UTC"'],
        ),
    ],
)
def test_a_setting_that_decides_goes_into_each_step_that_follows(
    script: str, expected: list[str] | None
) -> None:
    if expected is None:
        assert stops(script) == [1]
        return
    assert carried(script) == [tuple(expected)]
    assert not planned(script).blocked


@pytest.mark.parametrize(
    ("reset", "told"),
    [
        ("RESET ALL", "all settings are the defaults again"),
        ("DISCARD ALL", "all settings are the defaults again"),
        ("RESET timezone", "timezone is the default again"),
        ("SET TIME ZONE DEFAULT", "timezone is the default again"),
        ("RESET standard_conforming_strings", "standard_conforming_strings is the default again"),
        ("RESET bytea_output", "bytea_output is the default again"),
        ("RESET statement_timeout", "change nothing that is stored"),
        ("DISCARD PLANS", "change nothing that is stored"),
    ],
)
def test_what_sets_the_defaults_again_is_said(reset: str, told: str) -> None:
    assert told in planned(f"{reset};").skipped[-1].why


def test_steps_of_other_settings_stay_apart() -> None:
    insert = "INSERT INTO t VALUES ('1/2/2024')"
    steps = planned(f"{insert}; SET datestyle = dmy; {insert}; {insert}; RESET datestyle; {insert}").steps
    assert [(len(step.queries), len(step.settings)) for step in steps] == [(1, 0), (2, 1), (1, 0)]
    plain = planned(f"{insert}; {insert}")
    assert planned(f"SET datestyle = dmy; {insert}; {insert}").fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    "setting",
    [
        *("array_nulls = off", "transform_null_equals = on", "lc_monetary = 'de_DE'", "app.tenant = '7'"),
        *("LOCAL timezone = 'UTC'", "search_path = app, public", "datestyle FROM CURRENT"),
        "standard_conforming_strings = maybe",
    ],
)
def test_a_setting_that_cannot_be_carried_stops_the_script(setting: str) -> None:
    assert stops(f"{DROP};\nSET {setting}") == [2]


@pytest.mark.parametrize(
    "setting",
    [
        *("statement_timeout = 0", "lock_timeout = 0", "client_encoding = 'UTF8'", "row_security = off"),
        *("standard_conforming_strings = on", "check_function_bodies = false", "xmloption = content"),
        *("client_min_messages = warning", "default_tablespace = ''", "default_table_access_method = heap"),
        *("transaction_timeout = 0", "idle_in_transaction_session_timeout = 0", "bytea_output = 'hex'"),
        *('search_path TO "$user", public', "search_path = ''", "escape_string_warning = off"),
        *("TRANSACTION ISOLATION LEVEL SERIALIZABLE", "enable_seqscan = off", "work_mem = '1GB'"),
    ],
)
def test_a_setting_that_changes_nothing_passes(setting: str) -> None:
    plan = planned(f"SET {setting}; {DROP}")
    assert not any(left.needs_review for left in plan.skipped)
    assert plan.steps[0].settings == ()


@pytest.mark.parametrize(
    "script",
    [
        "SET client_encoding = latin1",
        "SET bytea_output = 'escape'",
        "SET lc_time = 'de_DE.utf8'",
        "SET lc_numeric = 'de_DE'",
        "SET session_replication_role = replica",
        "SET CONSTRAINTS ALL DEFERRED",
    ],
)
def test_what_may_matter_is_said(script: str) -> None:
    assert [left.needs_review for left in planned(script).skipped] == [True]


def test_literals_are_read_as_standard_conforming_strings_says() -> None:
    insert = r"INSERT INTO t VALUES ('C:\\dir', 'it\'s; x', E'\n', $$\$$, 'plain')"
    script = f"SET standard_conforming_strings TO off; {insert}; RESET standard_conforming_strings; {DROP}"
    escaped = r"INSERT INTO t VALUES (E'C:\\dir', E'it\'s; x', E'\n', $$\$$, 'plain')"
    assert [step.queries for step in planned(script).steps] == [(escaped,), (DROP,)]
    on = r"INSERT INTO t VALUES ('C:\')"
    script = f"SELECT set_config('standard_conforming_strings', 'on', false); {on}; {DROP}"
    assert [step.queries for step in planned(script).steps] == [(on,), (DROP,)]


@pytest.mark.parametrize(
    "line",
    [
        *(r"\i a.sql", r"\ir a.sql", r"\include a.sql", r"\copy t FROM 'f.csv' CSV", r"\if :x", r"\!ls"),
        *(
            r"\set x `ls`",
            r"\o out",
            r"\g",
            r"\gx",
            r"\gexec",
            r"\gset",
            r"\bind 1 \g",
            r"\password",
            r"\; SELECT 1",
        ),
        *(
            r"\lo_import f",
            r"\prompt x",
            r"\unknown",
            r"\q",
            r"\connect y",
            r"\echo a \i b",
            r"\echo a \\ SELECT 1",
        ),
        *(r"\set SINGLELINE on", r"\r", r"\reset"),
    ],
)
def test_psql_commands_that_bring_or_decide_stop_the_script(line: str) -> None:
    assert stops(f"{DROP};\n{line}\n{DROP};") == [2]


@pytest.mark.parametrize(
    "line",
    [
        *(
            r"\restrict a",
            r"\unrestrict a",
            r"\set ON_ERROR_STOP on",
            r"\echo '\i a'",
            r"\pset null x",
            r"\timing",
        ),
        *(r"\encoding UTF8", r"\connect - me", r"\dt+", r"\d t", r"\warn x", r"\unset x", r"\x", r"\?"),
    ],
)
def test_psql_commands_that_change_nothing_pass(line: str) -> None:
    plan = planned(f"{DROP};\n{line}\n{DROP};\n\\q\n")
    assert len(plan.steps) == 2
    assert not any(left.needs_review for left in plan.skipped)


@pytest.mark.parametrize(
    ("line", "goes_on"),
    [
        *((rf"\set ON_ERROR_STOP {value}", True) for value in ("off", "0", "OFF", "'no'", "fal")),
        *((rf"\set ON_ERROR_STOP {value}", False) for value in ("on", "1", "True", "'yes'", "")),
        *((rf"\set ON_ERROR_ROLLBACK {value}", value == "on") for value in ("on", "off", "interactive")),
        (r"\unset ON_ERROR_STOP", True),
        (r"\set 'ON_ERROR_STOP' off \set QUIET on", True),
        (r"\set QUIET off", False),
    ],
)
def test_that_psql_would_go_on_after_an_error_is_said(line: str, goes_on: bool) -> None:  # noqa: FBT001 - a column
    (left,) = planned(f"{line}\n{DROP};").skipped
    assert ("psql goes on after an error" in left.why) == goes_on
    assert not left.needs_review
    assert examine(f"{line}\n{DROP};").fixed_sql == f"{line}\n{DROP};"  # psql runs that itself


@pytest.mark.parametrize(
    ("script", "is_open"),
    [
        (f"BEGIN; {DROP}", True),
        (f"BEGIN; {DROP}; COMMIT; {DROP}", False),
        (f"BEGIN; {DROP}; COMMIT AND CHAIN; {DROP}; SET timezone = 'UTC'", True),
        (f"BEGIN; {DROP}; COMMIT AND CHAIN", False),
        (f"\\set AUTOCOMMIT off\n{DROP};", True),
        (f"\\set AUTOCOMMIT 'off'\n{DROP}; COMMIT;\n\\echo done\n", False),
        (f"\\set AUTOCOMMIT off\n{DROP}; COMMIT; {DROP};", True),
        (f"\\set AUTOCOMMIT off\n{DROP}; COMMIT;\n\\set AUTOCOMMIT on\nCOMMIT;{DROP};", False),
        (f"\\set AUTOCOMMIT off\n{DROP}; COMMIT;\n\\set AUTOCOMMIT on\n{DROP};", False),
        (f"\\set AUTOCOMMIT off\n{DROP};\n\\set AUTOCOMMIT on\n{DROP};", True),
        (f"\\set AUTOCOMMIT on\n{DROP};", False),
        (f"\\set AUTOCOMMIT\n{DROP};", False),
        (f"\\unset AUTOCOMMIT\n{DROP};", True),
    ],
)
def test_what_no_commit_follows_stops_the_script(script: str, is_open: bool) -> None:  # noqa: FBT001 - a column
    assert bool(planned(script).blocked) == is_open


def test_the_first_database_of_a_script_is_the_clusters() -> None:
    assert not stops(f"\\connect shop\n{DROP};")


@pytest.mark.parametrize(
    ("query", "line"),
    [("SELECT 1 \\gset", 1), ("SELECT 'DROP TABLE t'\n\\gexec", 2), ("SELECT 1 \\g out", 1)],
)
def test_a_command_ends_a_statement(query: str, line: int) -> None:
    assert stops(f"{query}\n{DROP};") == [line]


@pytest.mark.parametrize("text", ["DROP TABLE :t", 'DROP TABLE :"t"', "INSERT INTO t VALUES (:'x')"])
def test_a_variable_of_psql_is_named(text: str) -> None:
    with pytest.raises(ScriptSyntaxError, match="variable of psql"):
        convert(text)


def test_what_stops_is_said_beside_an_error_of_syntax() -> None:
    with pytest.raises(ScriptSyntaxError, match=r"line 2: .*line 1, \\if"):
        convert("\\if x\nCREATE;")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("PREPARE TRANSACTION 'x'", True),
        ("COMMIT PREPARED 'x'", True),
        ("ROLLBACK", True),
        ("SAVEPOINT s", True),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE; END", False),
    ],
)
def test_what_undoes_stops_the_script(script: str, *, expected: bool) -> None:
    assert bool(stops(script)) is expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"SET check_function_bodies = off; {FUNCTION}", [1]),
        (f"SET check_function_bodies TO false; {DROP}; {FUNCTION}", [2]),
        (f"SELECT set_config('check_function_bodies', 'no', false); {FUNCTION}", [1]),
        (f"SET check_function_bodies = off; SET check_function_bodies = on; {FUNCTION}", []),
        (f"SET check_function_bodies = off; RESET check_function_bodies; {FUNCTION}", []),
        (f"SET check_function_bodies = off; RESET ALL; {FUNCTION}", []),
        (f"BEGIN; SET LOCAL check_function_bodies = off; {FUNCTION}; COMMIT", [1]),
        (f"BEGIN; SET LOCAL check_function_bodies = off; COMMIT; {FUNCTION}", []),
        (
            f"SET check_function_bodies = off; BEGIN; SET LOCAL check_function_bodies = on; {FUNCTION}; END",
            [],
        ),
        (FUNCTION, []),
    ],
)
def test_functions_that_postgresql_takes_unchecked_are_known(script: str, expected: list[int]) -> None:
    steps = planned(script).steps
    assert [number for number, step in enumerate(steps, 1) if step.is_unchecked] == expected


OFF = "ALTER TABLE c DISABLE TRIGGER ALL"


@pytest.mark.parametrize(
    ("script", "is_said"),
    [
        (f"{OFF}; COMMENT ON TABLE c IS 'rows'; ALTER TABLE c ENABLE TRIGGER ALL", True),
        (f"CREATE TABLE c (a int REFERENCES p (id)); {OFF}", True),
        (f"CREATE TABLE c (a int); {OFF}; ALTER TABLE c ADD FOREIGN KEY (a) REFERENCES p (id)", True),
        (f"CREATE TABLE c (a int); {OFF}; ALTER TABLE c ADD b int REFERENCES c (a)", True),
        (f"CREATE TABLE c (a int PRIMARY KEY); {OFF}; CREATE TABLE d (a int REFERENCES c)", True),
        (f"CREATE TABLE b (a int REFERENCES p (id)); ALTER TABLE b RENAME TO c; {OFF}", True),
        (f"CREATE TABLE IF NOT EXISTS c (a int); {OFF}", True),
        (f"CREATE TABLE c (a int); CREATE TABLE d (a int REFERENCES p (id)); {OFF}", False),
        ("CREATE TABLE c (a int REFERENCES p (id)); ALTER TABLE c DISABLE TRIGGER USER", False),
        ("CREATE TABLE c (a int REFERENCES p (id)); ALTER TABLE c DISABLE TRIGGER touched", False),
        ("CREATE TABLE c (a int REFERENCES p (id)); ALTER TABLE c ENABLE TRIGGER ALL", False),
    ],
)
def test_foreign_keys_that_a_script_switches_off_are_checked(script: str, *, is_said: bool) -> None:
    plan = planned(script)
    assert not plan.blocked
    assert any(left.needs_review and "must come in an order" in left.why for left in plan.skipped) is is_said


@pytest.mark.parametrize(
    ("before", "function"),
    [
        (_OFF, r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'q\n'::text $$;"),
        (_OFF, r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'it\'s'::text $$;"),
        (_OFF, r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS 'SELECT \'q\\n\'::text';"),
        (
            "",
            rf"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'q\n'::text $$; {_OFF} SELECT g();",
        ),
        (
            "",
            r"CREATE FUNCTION g() RETURNS text LANGUAGE sql " + _OFF[:-1] + r" AS $$ SELECT 'q\n'::text $$;",
        ),
    ],
)
def test_a_body_that_is_read_by_the_setting_of_its_caller_stops_the_script(
    before: str, function: str
) -> None:
    stops = [left.why for left in convert(f"{before} {function}").skipped if left.is_blocking]
    assert len(stops) == 1
    assert "E'…'" in stops[0]


@pytest.mark.parametrize(
    "function",
    [
        r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT E'q\n'::text $$;",
        r"CREATE FUNCTION g() RETURNS text LANGUAGE sql RETURN 'q\n'::text;",
        r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'q'::text $$;",
        (
            r"SET standard_conforming_strings TO on;"
            r"CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'q\n'::text $$;"
        ),
    ],
)
def test_a_body_that_says_the_same_under_each_setting_is_carried_over(function: str) -> None:
    assert not any(left.is_blocking for left in convert(f"{_OFF} {function}").skipped)


def test_a_literal_inside_of_a_do_block_is_read_as_the_script_sets_it() -> None:
    made = r"CREATE TABLE t (a text DEFAULT 'q\n')"
    block = f"DO $$ BEGIN {made}; EXCEPTION WHEN duplicate_table THEN NULL; END $$;"
    assert "'q\n'" in convert(f"{_OFF} {block}").statements[-1].sql


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("BEGIN;\nDROP TABLE t;\nBEGIN;", [2]),
        ("BEGIN;\nDROP TABLE t;\nCOMMIT;\nDROP TABLE u;\nBEGIN;", []),
        ("BEGIN;\nDROP TABLE t;\nSTART TRANSACTION;\nDROP TABLE u;", [4]),
        ("BEGIN;\nDROP TABLE t;\nSAVEPOINT s;\nRELEASE s;", [2, 3]),
        ("\\set AUTOCOMMIT off\nDROP TABLE t;\nBEGIN;", [2]),
    ],
)
def test_a_transaction_that_is_open_at_the_end_stops(script: str, lines: list[int]) -> None:
    assert sorted(stops(script)) == lines
