"""``migrate(verify=true)``: what is stored is compared with the script, and each difference is told."""

import re

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
DROP = tuple(f"DROP TABLE IF EXISTS v_{name}" for name in "abce")


async def migrated(writer: Client, cluster: LocalCluster, script: str, **arguments: object) -> Reply:
    await run(cluster, *DROP)
    reply = await call(writer, "migrate", statements=script, **arguments)
    assert not reply.is_error, reply.text
    return reply


async def again(writer: Client, reply: Reply, script: str) -> dict[str, list[str]]:
    """Compare once more, after a change."""
    token = reply.text.partition("resume_from=")[2].split(" ", 1)[0] or None
    compared = await call(writer, "migrate", statements=script, resume_from=token, verify=True)
    assert not compared.is_error, compared.text
    found = compared.facts["compared"]
    assert all(one in compared.text for one in found["differences"] + found["not_compared"])
    return found


async def test_values_are_compared_that_only_some_rows_have(writer: Client, cluster: LocalCluster) -> None:
    script = (
        "CREATE TABLE v_a (id int PRIMARY KEY, a text, b int, c int); INSERT INTO v_a VALUES (1, 'x', 5); "
        "INSERT INTO v_a (id, b) VALUES (2, 6)"
    )
    reply = await migrated(writer, cluster, script, verify=True)
    told = reply.facts["compared"]
    assert (told["differences"], told["not_compared"]) == (
        [],
        [
            "public.v_a: columns that have no constant in the script: c",
            "public.v_a: rows without a constant for: a",
        ],
    )
    await run(cluster, "UPDATE v_a SET a = 'y'")
    (difference,) = (await again(writer, reply, script))["differences"]
    assert difference == "public.v_a, step 2: 1 row differs in a, such as id 1"


async def test_what_is_stored_as_meant_has_no_difference(writer: Client, cluster: LocalCluster) -> None:
    reply = await migrated(writer, cluster, DUMP, verify=True)
    found = reply.facts["compared"]
    assert (found["rows"], found["tables"], found["differences"], found["not_compared"]) == (7, 2, [], [])
    assert found["objects"] == 2
    assert "7 rows of 2 tables" in reply.text
    assert reply.text.startswith("No difference in what was compared.")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE v_a SET note = 'its' WHERE id = 1", ["1 row differs in note, such as id 1"]),
        ("UPDATE v_a SET at = at + interval '5 hours', f = f + 1", ["1 row differs in at, f, such as id 1"]),
        (
            "DELETE FROM v_a WHERE id > 2",
            ["4 rows were meant, 2 stored", "2 rows are missing, such as id 3"],
        ),
        (
            "WITH gone AS (DELETE FROM v_a WHERE id = 4) UPDATE v_a SET note = 'its' WHERE id = 1",
            ["1 row is missing, such as id 4", "1 row differs in note, such as id 1"],
        ),
        ("INSERT INTO v_a (id) VALUES (9)", ["4 rows were meant, 5 stored"]),
        ("UPDATE v_b SET b = 'y' WHERE a = 1", ["2 rows are missing or differ", "2 rows are stored that"]),
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
        CREATE TABLE v_e (id int PRIMARY KEY DEFAULT 1);
        INSERT INTO v_a (n, at) VALUES (1, now()), (2, now());
        INSERT INTO v_b SELECT g, g FROM generate_series(1, 3) g;
        INSERT INTO v_c VALUES (1, 1), (2, 2);
        UPDATE v_c SET n = n + 1;
        INSERT INTO v_e DEFAULT VALUES;
    """
    found = (await migrated(writer, cluster, script, verify=True)).facts["compared"]
    assert not found["differences"]
    assert (found["rows"], found["tables"]) == (4, 2)
    listed = "\n".join(found["not_compared"])
    assert "v_a: columns that have no constant in the script: id, at" in listed
    assert "rows of public.v_b: the INSERT … SELECT of line 7 computes its rows" in listed
    assert "rows of public.v_e: the INSERT … DEFAULT VALUES of line 10 computes its rows" in listed
    assert "v_c: columns that have no constant in the script: n" in listed


async def test_many_rows_are_compared_by_their_keys(writer: Client, cluster: LocalCluster) -> None:
    rows = "".join(f"{number}\trow {number}\n" for number in range(4_500))
    script = f"CREATE TABLE v_a (id int PRIMARY KEY, b text);\nCOPY v_a FROM stdin;\n{rows}\\.\n"
    reply = await migrated(writer, cluster, script)
    await run(cluster, "UPDATE v_a SET b = 'other' WHERE id = 4321")
    found = await again(writer, reply, script)
    assert found["rows"] == 4_500
    assert found["differences"] == ["public.v_a, step 6: 1 row differs in b, such as id 4321"]


DEFINED = """\
CREATE SEQUENCE v_s START 5 INCREMENT 2 CACHE 1;
SELECT setval('v_s', 15);
CREATE DOMAIN v_dom AS text DEFAULT 'x' NOT NULL CHECK (value <> '');
CREATE TABLE v_d (
    id bigint GENERATED BY DEFAULT AS IDENTITY (START 100) PRIMARY KEY, a int NOT NULL DEFAULT 0,
    b varchar(30) DEFAULT 'x', c numeric(6) CHECK (c BETWEEN 1 AND 9), d timestamptz DEFAULT now(),
    f bool DEFAULT 'true', g text CHECK (g IN ('x', 'y') OR g LIKE 'z%'), h char, j int, k v_dom,
    l double precision DEFAULT 1e3, m int DEFAULT nextval('v_s'), n text DEFAULT NULL,
    o varchar(5) CHECK (o NOT IN ('a', 'b')), p uuid DEFAULT gen_random_uuid(),
    q timestamp(3) DEFAULT CURRENT_TIMESTAMP,
    r int GENERATED ALWAYS AS (a * 2) STORED,
    UNIQUE (a, b), CONSTRAINT v_ck CHECK (NOT (a IS NULL AND b != 'q') AND a IS NOT DISTINCT FROM a)
);
CREATE INDEX v_i ON v_d (a, b);
CREATE UNIQUE INDEX v_u ON v_d (g);
CREATE VIEW v_v AS
    SELECT t.a, count(*), max(b) AS m FROM v_d t WHERE t.a > 3 AND b IN ('q', 'r') GROUP BY t.a;
CREATE VIEW v_w (one, two) AS SELECT a, upper(b) FROM v_d WHERE b = 'x';
CREATE FUNCTION v_f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select a + 1';
CREATE ROLE v_r;
GRANT SELECT, INSERT ON v_d TO v_r;
COMMENT ON TABLE v_d IS 'it''s';
COMMENT ON COLUMN v_d.a IS 'a column';
"""
UNDEFINED = (
    "DROP VIEW IF EXISTS v_v, v_w",
    "DROP TABLE IF EXISTS v_d",
    "DROP FUNCTION IF EXISTS v_f",
    "DROP SEQUENCE IF EXISTS v_s",
    "DROP DOMAIN IF EXISTS v_dom",
    "DROP ROLE IF EXISTS v_r",
)


async def compared(writer: Client, cluster: LocalCluster, *changes: str) -> tuple[str, dict[str, list[str]]]:
    """Migrate, change what is stored, and compare."""
    await run(cluster, *UNDEFINED)
    reply = await call(writer, "migrate", statements=DEFINED)
    assert not reply.is_error, reply.text
    await run(cluster, *changes)
    token = reply.text.partition("resume_from=")[2].split(" ", 1)[0]
    reply = await call(writer, "migrate", statements=DEFINED, resume_from=token, verify=True)
    return reply.text, reply.facts["compared"]


async def test_definitions_that_the_cluster_prints_otherwise_are_the_same(
    writer: Client, cluster: LocalCluster
) -> None:
    _, found = await compared(writer, cluster)
    assert (found["differences"], found["not_compared"]) == ([], [])


CHANGES: tuple[dict[str, str], ...] = (
    {
        "ALTER TABLE v_d DROP COLUMN d": "column d is not there",
        "ALTER TABLE v_d ADD COLUMN z text": "column z is there, and is not in the script",
        "ALTER TABLE v_d DROP COLUMN j; ALTER TABLE v_d ADD COLUMN j bigint": "column j is bigint, was",
        "ALTER TABLE v_d DROP COLUMN h; ALTER TABLE v_d ADD COLUMN h char(2)": "column h is char(2), was",
        "ALTER TABLE v_d ALTER COLUMN a DROP NOT NULL": "column a is without NOT NULL",
        "ALTER TABLE v_d ALTER COLUMN a SET DEFAULT 1": "default of column a is 1, was meant as 0",
        "ALTER TABLE v_d ALTER COLUMN n SET DEFAULT 'y'": "default of column n is 'y'::text",
        "ALTER TABLE v_d ALTER COLUMN id SET GENERATED ALWAYS": "identity of column id is ALWAYS",
        "ALTER TABLE v_d DROP CONSTRAINT v_d_c_check": "constraint CHECK (c BETWEEN 1 AND 9) is not there",
        "ALTER TABLE v_d DROP CONSTRAINT v_ck; ALTER TABLE v_d ADD CONSTRAINT v_ck CHECK (a>0) NOT VALID": (
            "constraint v_ck is CHECK (a > 0) NOT VALID"
        ),
        "ALTER TABLE v_d ADD CONSTRAINT v_new CHECK (a>0) NOT VALID": "constraint v_new is there, and is not",
        "DROP INDEX v_i; CREATE INDEX ASYNC v_i ON v_d (b)": "index v_i is CREATE INDEX v_i ON public.v_d",
        "CREATE INDEX ASYNC v_more ON v_d (b)": "index v_more is there, and is not in the script",
        "CREATE OR REPLACE VIEW v_w AS SELECT a one, lower(b) two FROM v_d WHERE b = 'x'": "v_w: is the",
        "SELECT setval('v_s', 7)": "v_s: it stands at 7, was set to 15",
        "CREATE OR REPLACE FUNCTION v_f(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select 2'": "its body",
        "ALTER DOMAIN v_dom DROP NOT NULL": "v_dom: its NOT NULL",
        "REVOKE INSERT ON v_d FROM v_r": "v_d: v_r lacks INSERT",
        "COMMENT ON TABLE v_d IS 'other'": "v_d: comment is 'other'",
    },
    {
        "ALTER TABLE v_d ALTER COLUMN d DROP DEFAULT": "default of column d is none, was meant as now()",
        "ALTER TABLE v_d ALTER COLUMN id DROP IDENTITY": "identity of column id is none",
        "ALTER TABLE v_d ALTER COLUMN r DROP EXPRESSION": "generated of column r is none",
        "DROP INDEX v_i; CREATE INDEX ASYNC v_i ON v_e (a)": "index v_i is not there as the script has it",
        "CREATE OR REPLACE VIEW v_w AS SELECT a one, upper(b) two FROM v_d WHERE b = 'y'": "v_w: is the",
        "ALTER SEQUENCE v_s INCREMENT 3": "v_s: increment is 3, was meant as 2",
        "CREATE OR REPLACE FUNCTION v_f(a int) RETURNS int LANGUAGE sql AS 'select a + 1'": "its volatility",
        "COMMENT ON COLUMN v_d.a IS NULL": "v_d: comment of column a is none",
        "DROP VIEW v_v": "public.v_v: the view is not there",
    },
)


@pytest.mark.parametrize("changes", CHANGES)
async def test_each_definition_that_differs_is_told(
    writer: Client, cluster: LocalCluster, changes: dict[str, str]
) -> None:
    await run(cluster, "DROP TABLE IF EXISTS v_e", "CREATE TABLE v_e (a int)")
    text, found = await compared(writer, cluster, *(one for change in changes for one in change.split("; ")))
    for told in changes.values():
        assert any(told in one for one in found["differences"]), (told, found)
    built = [one for one in found["differences"] if "is not valid" not in one]  # jobs may go on
    assert len(built) == len(changes), "\n".join(built)
    assert text.startswith("What is stored is not what the script means: ")
    assert "Next: mend what differs" in text


async def test_a_finished_script_is_compared_without_a_handle(writer: Client, cluster: LocalCluster) -> None:
    script = "CREATE TABLE v_a (id int PRIMARY KEY, note text); INSERT INTO v_a VALUES (1, 'a')"
    await migrated(writer, cluster, script)
    told = await call(writer, "migrate", statements=script)
    assert told.facts["code"] == "already_done"
    assert "To compare what is stored with it: the same with resume_from=" in told.text
    reply = await call(writer, "migrate", statements=script, verify=True)
    assert reply.text.startswith("No difference in what was compared.\nNothing was run now")
    await run(cluster, "UPDATE v_a SET note = 'z' WHERE id = 1")
    reply = await call(writer, "migrate", statements=script, verify=True)
    assert reply.text.startswith("What is stored is not what the script means: 1 difference.")
    assert "leave what was changed or inserted since on purpose" in reply.text


async def test_what_cannot_be_decided_is_no_agreement(writer: Client, cluster: LocalCluster) -> None:
    script = (
        "CREATE TABLE v_a (id int PRIMARY KEY); CREATE VIEW v_b1 AS SELECT id FROM v_a WHERE id > 1; "
        "CREATE SEQUENCE v_s1 CACHE 1; REVOKE ALL ON v_a FROM PUBLIC"
    )
    gone = ("DROP VIEW IF EXISTS v_b1", "DROP SEQUENCE IF EXISTS v_s1")
    await run(cluster, *gone)
    reply = await migrated(writer, cluster, script)
    (token,) = re.findall(r"resume_from=(\S+) and verify=true", reply.text)

    async def compared_again() -> Reply:
        return await call(writer, "migrate", statements=script, resume_from=token, verify=True)

    assert (await compared_again()).text.startswith("No difference in what was compared.")
    await run(cluster, "CREATE OR REPLACE VIEW v_b1 AS SELECT id FROM v_a WHERE id > 1 OR true")
    told = (await compared_again()).text
    assert told.startswith("No certain difference; 1 definition could not be decided"), told
    await run(cluster, "ALTER SEQUENCE v_s1 MAXVALUE 10", "GRANT SELECT ON v_a TO PUBLIC")
    found = (await compared_again()).facts["compared"]["differences"]
    assert any("maxvalue is 10" in one for one in found), found
    assert any("public has SELECT" in one for one in found), found
    await run(cluster, *gone)


async def test_a_table_in_the_place_of_a_view_is_told(writer: Client, cluster: LocalCluster) -> None:
    script = "CREATE TABLE v_c (a int); CREATE VIEW v_kind AS SELECT a FROM v_c"
    reply = await migrated(writer, cluster, script)
    await run(cluster, "DROP VIEW v_kind", "CREATE TABLE v_kind (a int)")
    found = await again(writer, reply, script)
    await run(cluster, "DROP TABLE v_kind")
    assert found["differences"] == ["public.v_kind: is a table, was meant as a view"]
