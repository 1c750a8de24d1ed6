"""``migrate(verify=true)``: what is stored is compared with the script, and each difference is told."""

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.client_helpers import Reply, call
from support.direct_connection import run

DUMP = """\
SET TIME ZONE 'America/New_York';
CREATE TABLE v_a (
    id integer NOT NULL, note text, price money, at timestamptz, n numeric(6,2), d bytea, f real, j json
);
CREATE TABLE v_b (a integer, b text);
COPY v_a (id, note, price, at, n, d, f, j) FROM stdin;
1\tit's\t$1,234.50\t2024-01-01 00:00:00\t1.5\t\\\\xff00\t0.1\t{"a":  1}
2\t\\N\t\\N\t\\N\t\\N\t\\N\tNaN\t\\N
\\.
INSERT INTO v_a VALUES (3, 'c', NULL, '2024-07-01', -1.005, NULL, 1e3, '[]'),
    (4, '', NULL, NULL, 0, '', -0.0, '1');
INSERT INTO v_b VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
ALTER TABLE v_a ADD CONSTRAINT v_a_pkey PRIMARY KEY (id);
CREATE INDEX v_a_note ON v_a (note);
ALTER TABLE v_a ADD CONSTRAINT v_a_n CHECK (n < 100);
"""
DROP = ("DROP TABLE IF EXISTS v_a", "DROP TABLE IF EXISTS v_b", "DROP TABLE IF EXISTS v_c")


async def migrated(writer: Client, cluster: LocalCluster, script: str, **arguments: object) -> Reply:
    await run(cluster, *DROP)
    reply = await call(writer, "migrate", statements=script, **arguments)
    assert not reply.is_error, reply.text
    return reply


async def again(writer: Client, reply: Reply, script: str) -> dict[str, list[str]]:
    """Compare once more, after a change."""
    token = reply.text.partition("resume_from=")[2].split(" ", 1)[0]
    compared = await call(writer, "migrate", statements=script, resume_from=token, verify=True)
    assert not compared.is_error, compared.text
    found = compared.facts["compared"]
    assert all(one in compared.text for one in found["differences"] + found["not_compared"])
    return found


async def test_what_is_stored_as_meant_has_no_difference(writer: Client, cluster: LocalCluster) -> None:
    reply = await migrated(writer, cluster, DUMP, verify=True)
    found = reply.facts["compared"]
    assert (found["rows"], found["tables"], found["differences"], found["not_compared"]) == (7, 2, [], [])
    assert found["objects"] >= 4
    assert "7 rows of 2 tables" in reply.text
    assert "no difference" in reply.text


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE v_a SET note = 'its' WHERE id = 1", ["1 rows differ in note, such as id 1"]),
        ("UPDATE v_a SET at = at + interval '5 hours', f = f + 1", ["rows differ in at, f, such as id 1"]),
        (
            "DELETE FROM v_a WHERE id > 2",
            ["4 rows were meant, 2 are stored", "2 rows are missing, such as id 3"],
        ),
        ("INSERT INTO v_a (id) VALUES (9)", ["4 rows were meant, 5 are stored"]),
        ("UPDATE v_b SET b = 'y' WHERE a = 1", ["2 rows are missing or differ", "2 rows are stored"]),
        ("DROP INDEX v_a_note", ["v_a_note", "not there"]),
        ("ALTER TABLE v_a DROP CONSTRAINT v_a_n", ["v_a_n", "not there"]),
        ("DROP TABLE v_b", ["v_b: the table is not there, and 3 rows with it"]),
    ],
)
async def test_each_difference_is_told(
    writer: Client, cluster: LocalCluster, change: str, told: list[str]
) -> None:
    reply = await migrated(writer, cluster, DUMP)
    await run(cluster, change)
    found = await again(writer, reply, DUMP)
    for one in told:
        assert any(one in difference for difference in found["differences"]), found["differences"]


async def test_what_cannot_be_compared_is_told(writer: Client, cluster: LocalCluster) -> None:
    script = """
        CREATE TABLE v_a (id bigserial PRIMARY KEY, n int, at timestamptz);
        CREATE TABLE v_b (id int PRIMARY KEY, n int);
        CREATE TABLE v_c (id int PRIMARY KEY, n int);
        INSERT INTO v_a (n, at) VALUES (1, now()), (2, now());
        INSERT INTO v_b SELECT g, g FROM generate_series(1, 3) g;
        INSERT INTO v_c VALUES (1, 1), (2, 2);
        UPDATE v_c SET n = n + 1;
    """
    found = (await migrated(writer, cluster, script, verify=True)).facts["compared"]
    assert not found["differences"]
    assert (found["rows"], found["tables"]) == (4, 2)
    listed = "\n".join(found["not_compared"])
    assert "v_a: columns that have no constant in the script: id, at" in listed
    assert "rows of public.v_b: the INSERT … SELECT of line 6 computes its rows" in listed
    assert "v_c: columns that have no constant in the script: n" in listed


async def test_many_rows_are_compared_by_their_keys(writer: Client, cluster: LocalCluster) -> None:
    rows = "".join(f"{number}\trow {number}\n" for number in range(4_500))
    script = f"CREATE TABLE v_a (id int PRIMARY KEY, b text);\nCOPY v_a FROM stdin;\n{rows}\\.\n"
    reply = await migrated(writer, cluster, script)
    await run(cluster, "UPDATE v_a SET b = 'other' WHERE id = 4321")
    found = await again(writer, reply, script)
    assert found["rows"] == 4_500
    assert found["differences"] == ["public.v_a, step 6: 1 rows differ in b, such as id 4321"]
