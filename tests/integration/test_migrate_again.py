"""``migrate`` on a cluster that has something of the script already: said before the first step."""
# ruff: noqa: S608 - SQL is put together from constants

import re

import pytest
from mcp import Client

from support.client_helpers import Reply, call, rows, write

OBJECTS = (
    "DROP TABLE IF EXISTS again_log, again_made, again_seed",
    "DROP VIEW IF EXISTS again_view",
    "DROP SEQUENCE IF EXISTS again_seq",
    "DROP DOMAIN IF EXISTS again_domain",
    "DROP SCHEMA IF EXISTS again_schema CASCADE",
    "DROP ROLE IF EXISTS again_role",
    "CREATE TABLE again_log (id int, a int)",
)
LOG = "INSERT INTO again_log VALUES (1, 1)"


@pytest.fixture(autouse=True)
async def only_a_log(writer: Client) -> None:
    """Each test begins with an empty table."""
    for statement in OBJECTS:
        await write(writer, statement)


async def logged(writer: Client) -> int:
    """Count the rows of the table."""
    ((count,),) = await rows(writer, "SELECT count(*) FROM again_log")
    return int(count)


def handle_of(reply: Reply) -> str:
    """Read the handle that an answer offers."""
    return reply.text.split("resume_from=")[-1].split()[0].rstrip(".,;")


@pytest.mark.parametrize(
    ("there", "step", "named"),
    [
        ("CREATE TABLE again_made (a int)", "CREATE TABLE again_made (b int)", "public.again_made"),
        ("CREATE TABLE again_made (a int)", "CREATE VIEW again_made AS SELECT 1", "public.again_made"),
        ("CREATE INDEX ASYNC again_i ON again_log (a)", "CREATE INDEX again_i ON again_log (id)", "again_i"),
        ("CREATE SEQUENCE again_seq CACHE 1", "CREATE SEQUENCE again_seq", "public.again_seq"),
        ("CREATE SCHEMA again_schema", "CREATE SCHEMA again_schema", "schema again_schema"),
        ("CREATE DOMAIN again_domain AS int", "CREATE DOMAIN again_domain AS text", "type public.again_dom"),
        ("CREATE ROLE again_role", "CREATE ROLE again_role", "role again_role"),
        ("SELECT 1", "ALTER TABLE again_log ADD COLUMN a int", "column public.again_log.a"),
        (
            "ALTER TABLE again_log ADD CONSTRAINT again_c CHECK (a > 0) NOT VALID",
            "ALTER TABLE again_log ADD CONSTRAINT again_c CHECK (a > 1) NOT VALID",
            "constraint public.again_log.again_c",
        ),
    ],
)
async def test_what_is_there_is_named_before_the_first_step(
    writer: Client, there: str, step: str, named: str
) -> None:
    await write(writer, there)
    script = f"{LOG}; {step}"
    shown = await call(writer, "migrate", statements=script, dry_run=True)
    assert "There already: " in shown.text
    assert named in shown.text.split("There already: ")[1].split("\n")[0]
    assert "resume_from" not in shown.facts
    for handle in (None, handle_of(shown).replace("2+", "1")):
        reply = await call(writer, "migrate", statements=script, resume_from=handle)
        assert reply.is_error
        assert reply.facts["code"] == "already_there"
        assert named in reply.text
        assert await logged(writer) == 0
    await write(writer, "DROP TABLE again_log")
    await write(writer, OBJECTS[-1])


@pytest.mark.parametrize(
    ("step", "named"),
    [
        ("INSERT INTO again_seed VALUES (1)", "again_seed (step 1)"),
        ("UPDATE again_log SET a = (SELECT max(a) FROM again_schema.x)", "again_schema.x (step 2)"),
        ("CREATE VIEW again_view AS SELECT * FROM again_seed", "again_seed (step 2)"),
        ("ALTER TABLE again_seed ADD COLUMN a int", "again_seed (step 2)"),
        ("CREATE TABLE again_made (a int REFERENCES again_seed)", "again_seed (step 2)"),
        ("CREATE FUNCTION again_f() RETURNS int LANGUAGE sql AS 'SELECT again_g()'", "function again_g"),
    ],
)
async def test_what_is_needed_and_not_there_is_named_before_the_first_step(
    writer: Client, step: str, named: str
) -> None:
    script = f"{LOG}; {step}"
    shown = await call(writer, "migrate", statements=script, dry_run=True)
    assert named in shown.text.split("Needed, and not there: ")[1].split("\n")[0]
    assert "resume_from" not in shown.facts
    reply = await call(writer, "migrate", statements=script, resume_from="new")
    assert reply.facts["code"] == "not_there"
    assert named in reply.text
    assert await logged(writer) == 0


async def test_what_is_made_too_late_is_named_with_its_step(writer: Client) -> None:
    tables = (
        "CREATE TABLE late_a (id int PRIMARY KEY, b int REFERENCES late_b)",
        "CREATE TABLE late_b (id int PRIMARY KEY)",
    )
    script = "; ".join(tables)
    reply = await call(writer, "migrate", statements=script, dry_run=True)
    assert "Needed, and not there: late_b (step 1, made only in step 2)." in reply.text
    assert "Move what makes it in front of the step that needs it." in reply.text


async def test_what_the_script_drops_first_is_no_obstacle(writer: Client) -> None:
    script = (
        "DROP TABLE IF EXISTS again_made; CREATE TABLE again_made (a int); CREATE INDEX ON again_made (a)"
    )
    for _ in range(2):
        reply = await call(writer, "migrate", statements=script)
        assert not reply.is_error, reply.text
        assert "All 3 steps are applied." in reply.text


async def test_a_script_that_stopped_goes_on_where_nothing_is_there(writer: Client) -> None:
    await write(writer, "CREATE TABLE again_seed (a int PRIMARY KEY)")
    await write(writer, "INSERT INTO again_seed VALUES (1)")
    script = f"CREATE TABLE again_made (a int); {LOG}; INSERT INTO again_seed VALUES (1)"
    first = await call(writer, "migrate", statements=script)
    assert first.is_error
    assert await logged(writer) == 0
    again = await call(writer, "migrate", statements=script)
    assert again.facts["code"] == "unfinished_run"
    await write(writer, "DELETE FROM again_seed WHERE a = 1")
    resumed = await call(writer, "migrate", statements=script, resume_from=handle_of(first))
    assert not resumed.is_error, resumed.text
    assert await logged(writer) == 1


async def test_a_change_of_data_alone_does_not_run_without_a_handle(writer: Client) -> None:
    asked = await call(writer, "migrate", statements=LOG)
    assert asked.facts["code"] == "run_before_unknown"
    assert await logged(writer) == 0
    done = await call(writer, "migrate", statements=LOG, resume_from=handle_of(asked))
    assert not done.is_error, done.text
    again = await call(writer, "migrate", statements=LOG)
    assert again.facts["code"] == "run_before_unknown"
    assert await logged(writer) == 1


@pytest.mark.parametrize(
    "script", [f"{LOG}; UPDATE again_log SET a = a + 1", f"COMMENT ON TABLE again_log IS 'x'; {LOG}"]
)
async def test_a_script_of_data_that_is_recorded_runs_once(writer: Client, script: str) -> None:
    done = await call(writer, "migrate", statements=script, resume_from="new")
    assert not done.is_error, done.text
    again = await call(writer, "migrate", statements=script)
    assert again.facts["code"] == "already_done"
    assert await logged(writer) == 1


MADE = "CREATE TABLE again_made (a int); INSERT INTO again_made VALUES (1)"


async def test_a_start_that_is_refused_forgets_nothing(writer: Client) -> None:
    assert not (await call(writer, "migrate", statements=MADE)).is_error
    refused = await call(writer, "migrate", statements=MADE, resume_from="new")
    assert refused.facts["code"] == "already_there"
    again = await call(writer, "migrate", statements=MADE)
    assert again.facts["code"] == "already_done"


async def test_rows_of_a_run_that_nothing_records_any_longer_are_asked_for(writer: Client) -> None:
    assert not (await call(writer, "migrate", statements=MADE)).is_error
    await write(writer, "DROP TABLE dsql_mcp_progress")
    there = await call(writer, "migrate", statements=MADE)
    assert there.facts["code"] == "already_there"
    doubted = await call(writer, "migrate", statements=MADE, resume_from=handle_of(there))
    assert doubted.facts["code"] == "step_in_doubt"
    assert await rows(writer, "SELECT count(*) FROM again_made") == [[1]]


async def test_rows_for_a_table_that_may_be_there_are_stored_once(writer: Client) -> None:
    script = "CREATE TABLE IF NOT EXISTS again_seed (a int); INSERT INTO again_seed VALUES (1)"
    first = await call(writer, "migrate", statements=script)
    assert not first.is_error, first.text
    again = await call(writer, "migrate", statements=script)
    assert again.facts["code"] == "already_done"
    assert await rows(writer, "SELECT count(*) FROM again_seed") == [[1]]


DONE = (
    f"CREATE TABLE again_made (id int PRIMARY KEY, a int); {LOG}; CREATE INDEX again_i ON again_made (a); "
    "CREATE FUNCTION again_f(a int, b text[], c varchar(3)) RETURNS int LANGUAGE sql AS 'SELECT 1'; "
    "COMMENT ON TABLE again_made IS 'made'; GRANT SELECT ON again_made TO again_role"
)


async def test_a_finished_script_says_so_whatever_its_last_step_is(writer: Client) -> None:
    await write(writer, "CREATE ROLE again_role")
    first = await call(writer, "migrate", statements=DONE)
    assert first.facts["state"] == "done", first.text
    assert "keeps for a day that it is done" in first.text
    for _ in range(2):
        again = await call(writer, "migrate", statements=DONE)
        assert again.facts["code"] == "already_done", again.text
        handle = handle_of(again).strip("'")
        assert handle == "new"
        refused = await call(writer, "migrate", statements=DONE, resume_from=handle)
        assert "A run of this script has made them: to run it once more, drop them first." in refused.text
    assert await logged(writer) == 1
    await forget(writer)


async def test_a_run_that_nothing_records_any_longer_is_gone_through_step_by_step(writer: Client) -> None:
    await write(writer, "CREATE ROLE again_role")
    first = await call(writer, "migrate", statements=DONE)
    await write(writer, "DROP TABLE dsql_mcp_progress")
    there = await call(writer, "migrate", statements=DONE)
    assert there.facts["code"] == "already_there"
    stopped = await call(writer, "migrate", statements=DONE, resume_from=handle_of(there).split()[0])
    assert stopped.facts["code"] == "step_in_doubt", stopped.text
    assert "Step 2 of 6" in stopped.text
    end = first.text.partition("resume_from=")[2].split(" ", 1)[0]
    compared = await call(writer, "migrate", statements=DONE, resume_from=end, verify=True)
    assert not compared.is_error, compared.text
    rest = await call(writer, "migrate", statements=DONE, resume_from=handle_of(stopped).split()[0])
    assert rest.facts["state"] == "done", rest.text
    assert rest.text.count("was there already") == 2
    assert await logged(writer) == 1
    done = await call(writer, "migrate", statements=DONE)
    assert done.facts["code"] == "already_done"
    await forget(writer)


async def forget(writer: Client) -> None:
    """Drop what the script has made, and its record."""
    for statement in ("DROP FUNCTION again_f", "DROP TABLE again_made", "DROP TABLE dsql_mcp_progress"):
        await write(writer, statement)


async def test_what_may_run_twice_runs_twice(writer: Client) -> None:
    script = "DELETE FROM again_log WHERE id = 7; COMMENT ON TABLE again_log IS 'x'"
    for _ in range(2):
        reply = await call(writer, "migrate", statements=script)
        assert not reply.is_error, reply.text


async def test_a_long_plan_is_read_page_by_page(writer: Client) -> None:
    column = ", ".join(f"column_{number} text" for number in range(40))
    script = ";".join(f"CREATE TABLE again_{number} (id int PRIMARY KEY, {column})" for number in range(90))
    shown = await call(writer, "migrate", statements=script, dry_run=True)
    found = [shown.text]
    while "show_from" in shown.facts:
        assert f"show_from='{shown.facts['show_from']}'" in shown.text
        shown = await call(writer, "migrate", statements=script, show_from=shown.facts["show_from"])
        found.append(shown.text)
    assert len(found) > 2
    assert sum(text.count("column_39 text") for text in found) == 90
    assert all("resume_from=1-" in text for text in found)
    wrong = await call(writer, "migrate", statements=script, show_from="x")
    assert wrong.facts["code"] == "show_from_invalid"


@pytest.mark.parametrize(
    ("there", "step", "told"),
    [
        (
            "CREATE VIEW again_view AS SELECT 1 AS a",
            "CREATE TABLE again_view (a int)",
            "is a view, was meant as",
        ),
        ("CREATE TABLE again_made (a int)", "CREATE TABLE again_made (b int)", "column b is not there"),
        (
            "CREATE TABLE again_made (a int, b int)",
            "CREATE TABLE again_made (a int)",
            "column b is there, and is",
        ),
        (
            "CREATE TABLE again_made (a text)",
            "CREATE VIEW again_made AS SELECT 1 AS a",
            "is a table, was meant",
        ),
        (
            "CREATE INDEX ASYNC again_i ON again_log (a)",
            "CREATE INDEX again_i ON again_log (id)",
            "again_i is",
        ),
        ("CREATE TABLE again_i (a int)", "CREATE SEQUENCE again_i", "is a table, was meant as a sequence"),
        (
            "CREATE DOMAIN again_domain AS int",
            "CREATE DOMAIN again_domain AS text",
            "is int, was meant as text",
        ),
        ("SELECT 1", "ALTER TABLE again_log ADD COLUMN a text", "column a is int, was meant as text"),
        (
            "ALTER TABLE again_log ADD CONSTRAINT again_c CHECK (a > 0) NOT VALID",
            "ALTER TABLE again_log ADD CONSTRAINT again_c CHECK (a > 1) NOT VALID",
            "constraint again_c is CHECK (a > 0)",
        ),
    ],
)
async def test_another_object_of_the_name_is_not_taken_for_the_step(
    writer: Client, there: str, step: str, told: str
) -> None:
    await write(writer, there)
    refused = await call(writer, "migrate", statements=step)
    assert refused.is_error
    handle = re.findall(r"resume_from=(\S+)", refused.text)[0].rstrip(".,;")
    resumed = await call(writer, "migrate", statements=step, resume_from=handle)
    if there.startswith("CREATE TABLE again_i"):
        await write(writer, "DROP TABLE again_i")
    assert resumed.is_error, resumed.text
    assert told in resumed.text


async def test_the_step_is_known_by_what_later_steps_leave_of_it(writer: Client) -> None:
    script = (
        "CREATE TABLE again_made (id int PRIMARY KEY, a int DEFAULT 1 NOT NULL, b text); "
        "CREATE INDEX ON again_made (a); ALTER TABLE again_made DROP COLUMN b; "
        "ALTER TABLE again_made ALTER COLUMN a SET DEFAULT 2; "
        "CREATE VIEW again_view AS SELECT a FROM again_made"
    )
    assert not (await call(writer, "migrate", statements=script)).is_error
    refused = await call(writer, "migrate", statements=script)
    handle = re.findall(r"resume_from=(\S+)", refused.text)[0].rstrip(".,;")
    again = await call(writer, "migrate", statements=script, resume_from=handle)
    assert not again.is_error, again.text
    assert "was there already" in again.text
