"""A script's session as ``migrate`` carries it over: the same text is stored as PostgreSQL would store it."""

import pytest
from mcp import Client

from support.client_helpers import call, rows, write

TABLE = "session_kept"


@pytest.fixture(autouse=True)
async def nothing_there(writer: Client) -> None:
    """Each test begins without the table."""
    await write(writer, f"DROP TABLE IF EXISTS {TABLE}")


SCRIPT = f"""
SET DateStyle TO ISO, DMY;
SET TIME ZONE 'America/New_York';
SET IntervalStyle = 'sql_standard';
CREATE TABLE {TABLE} (
    id int PRIMARY KEY, d date DEFAULT '05/06/2024', ts timestamptz, i interval
);
INSERT INTO {TABLE} VALUES (1, '03/04/2024', '2024-01-01 00:00:00', '-1 2:03:04');
COPY {TABLE} (id, d, ts, i) FROM stdin WITH CSV HEADER DELIMITER ';';
id;d;ts;i
2;03/04/2024;2024-01-01 00:00:00;-1 2:03:04
\\.
INSERT INTO {TABLE} (id) VALUES (3);
BEGIN;
SET LOCAL TIME ZONE 'UTC';
RESET DateStyle;
INSERT INTO {TABLE} VALUES (4, '03/04/2024', '2024-01-01 00:00:00', NULL);
COMMIT;
INSERT INTO {TABLE} VALUES (5, '03/04/2024', '2024-01-01 00:00:00', NULL);
"""  # noqa: S608 - the table of this module


async def test_settings_of_the_script_decide_what_is_stored_and_end_with_it(writer: Client) -> None:
    reply = await call(writer, "migrate", statements=SCRIPT)
    assert not reply.is_error, reply.text
    stored = await rows(
        writer,
        f"SELECT id, d::text, ts AT TIME ZONE 'UTC', i::text FROM {TABLE} ORDER BY id",  # noqa: S608 - as above
    )
    assert stored == [
        [1, "2024-04-03", "2024-01-01 05:00:00", "-1 days -02:03:04"],
        [2, "2024-04-03", "2024-01-01 05:00:00", "-1 days -02:03:04"],
        [3, "2024-06-05", None, None],
        [4, "2024-03-04", "2024-01-01 00:00:00", None],
        [5, "2024-03-04", "2024-01-01 05:00:00", None],
    ]
    settings = await rows(
        writer,
        "SELECT current_setting('datestyle'), current_setting('timezone'), current_setting('intervalstyle')",
    )
    assert settings == [["ISO, MDY", "UTC", "postgres"]]


@pytest.mark.parametrize(
    "line", ["\\i tables.sql", "\\copy t FROM 'f.csv' CSV", "SET array_nulls = off;", "SAVEPOINT s;"]
)
async def test_what_cannot_be_carried_over_stops_before_the_first_step(writer: Client, line: str) -> None:
    script = f"CREATE TABLE {TABLE} (id int PRIMARY KEY);\n{line}\nINSERT INTO {TABLE} VALUES (1);"
    reply = await call(writer, "migrate", statements=script)
    assert reply.is_error
    assert "nothing was run" in reply.text
    assert "Line 2" in reply.text
    assert await rows(writer, f"SELECT to_regclass('{TABLE}')") == [[None]]


async def test_a_script_that_ran_before_is_told_how_to_go_on(writer: Client) -> None:
    script = f"CREATE TABLE {TABLE} (id int PRIMARY KEY); CREATE INDEX session_kept_id ON {TABLE} (id);"
    first = await call(writer, "migrate", statements=script)
    assert "All 2 steps are applied." in first.text
    again = await call(writer, "migrate", statements=script)
    assert again.is_error
    handle = again.text.split("resume_from=")[-1].split()[0]
    resumed = await call(writer, "migrate", statements=script, resume_from=handle)
    assert not resumed.is_error, resumed.text
    assert resumed.text.count("was there already") == 2


async def test_a_plan_of_nothing_gives_no_handle(writer: Client) -> None:
    reply = await call(writer, "migrate", statements="SET work_mem = '1GB';", dry_run=True)
    assert "nothing to run" in reply.text
    assert "resume_from" not in reply.text
