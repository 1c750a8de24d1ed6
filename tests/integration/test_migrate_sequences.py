"""What ``migrate`` says of sequences that a script leaves behind the numbers that it gives."""

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.client_helpers import call
from support.direct_connection import run

TABLE = "CREATE TABLE seq_left (id serial PRIMARY KEY, a text);"
COPY = f"{TABLE}\nCOPY seq_left (id, a) FROM stdin;\n1\tx\n7\ty\n\\.\n"


@pytest.mark.parametrize(
    ("script", "is_told"),
    [
        (COPY, True),
        (f"{TABLE} INSERT INTO seq_left VALUES (1, 'x')", True),  # noqa: S608 - a constant
        (f"{TABLE} INSERT INTO seq_left (a) VALUES ('x')", False),  # noqa: S608 - a constant
        (f"{TABLE} INSERT INTO seq_left VALUES (DEFAULT, 'x')", False),  # noqa: S608 - a constant
        (f"{COPY}SELECT pg_catalog.setval('public.seq_left_id_seq', 7, true);", False),
        (f"{COPY}SELECT pg_catalog.setval('public.seq_left_id_seq', 8, false);", False),
        (f"{COPY}SELECT pg_catalog.setval('public.seq_left_id_seq', 7, false);", True),
        (f"{COPY}ALTER SEQUENCE seq_left_id_seq RESTART WITH 8;", False),
    ],
)
async def test_a_number_that_is_taken_is_told_with_what_moves_the_sequence(
    writer: Client,
    cluster: LocalCluster,
    script: str,
    is_told: bool,  # noqa: FBT001 - a case of a table
) -> None:
    await run(cluster, "DROP TABLE IF EXISTS seq_left")
    done = await call(writer, "migrate", statements=script)
    assert not done.is_error, done.text
    (_, _, catch_up) = done.text.partition("before rows without id are inserted: ")
    assert bool(catch_up) is is_told
    added = await call(writer, "transact", sql_list=["INSERT INTO seq_left (a) VALUES ('z') RETURNING id"])
    assert added.is_error is is_told, added.text
    if is_told:
        moved = await call(writer, "transact", sql_list=[catch_up.partition("\n")[0]])
        assert not moved.is_error, moved.text
        added = await call(writer, "transact", sql_list=["INSERT INTO seq_left (a) VALUES ('z')"])
        assert not added.is_error, added.text


async def test_a_comparison_alone_does_not_list_the_steps_once_more(
    writer: Client, cluster: LocalCluster
) -> None:
    await run(cluster, "DROP TABLE IF EXISTS seq_left")
    done = await call(writer, "migrate", statements=COPY)
    assert "1. CREATE TABLE" in done.text
    handle = done.text.partition("resume_from=")[2].split(" ", 1)[0]
    compared = await call(writer, "migrate", statements=COPY, resume_from=handle, verify=True)
    assert not compared.is_error, compared.text
    assert "1. CREATE TABLE" not in compared.text
    assert "before rows without id are inserted: SELECT setval(" in compared.text
