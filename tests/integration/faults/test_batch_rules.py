"""What ``batch_write`` cuts, what it refuses, and what it says beforehand."""

from mcp import Client

from support.client_helpers import Reply, call
from support.wire.fault_plans import Opens, insert, resume_in
from support.wire.harness import Harness

TABLES = """
CREATE TABLE bulk.t (id int PRIMARY KEY, up int, n int NOT NULL DEFAULT 0, s text);
CREATE TABLE bulk.o (id int PRIMARY KEY, n int, s text);
CREATE TABLE bulk.copy (id int PRIMARY KEY, n int, s text);
CREATE TABLE bulk.keyless (id int);
CREATE VIEW bulk.v AS SELECT * FROM bulk.t;
CREATE FUNCTION bulk.f(int) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM bulk.t WHERE id < $1';
CREATE FUNCTION bulk.gone(bulk.o) RETURNS int LANGUAGE sql AS 'SELECT $1.n - count(*)::int FROM bulk.t';
CREATE FUNCTION bulk.initcap(int) RETURNS int LANGUAGE sql AS 'SELECT count(*)::int + $1 FROM bulk.t';
CREATE TABLE bulk.dflt (id int PRIMARY KEY, n int DEFAULT bulk.f(1));
CREATE TABLE bulk.rounded (id numeric(9,0) PRIMARY KEY, n int);
ALTER TABLE bulk.dflt OWNER TO admin; ALTER TABLE bulk.rounded OWNER TO admin;
ALTER TABLE bulk.t OWNER TO admin; ALTER TABLE bulk.o OWNER TO admin; ALTER TABLE bulk.copy OWNER TO admin;
ALTER TABLE bulk.keyless OWNER TO admin; ALTER VIEW bulk.v OWNER TO admin
"""


def fill(bed: Harness) -> None:
    """Make the tables, with their rows."""
    bed.postgres.query(TABLES)
    insert(bed, "INSERT INTO bulk.t SELECT g, g % 10, 0, 's' || g", 7000)
    insert(bed, "INSERT INTO bulk.o SELECT g, g, 'o'", 7000, 2)


async def run(client: Client, sql: str, *params: object, **more: object) -> Reply:
    """Call the tool."""
    return await call(client, "batch_write", sql=sql, params=list(params), **more)


async def test_what_can_be_cut_does_what_it_would_do_whole(bed: Harness, opens: Opens) -> None:
    fill(bed)
    async with opens() as client:
        updated = await run(
            client,
            "UPDATE bulk.t AS x SET n = o.n, s = %s /* from where */ FROM bulk.o AS o "
            "WHERE o.id = x.id AND (x.up = %s OR x.s IS DISTINCT FROM %s) -- all",
            "it's",
            3,
            "none",
        )
        deleted = await run(client, "DELETE FROM bulk.t WHERE up IN (SELECT n FROM bulk.o WHERE n < %s)", 6)
        copied = await run(
            client,
            "INSERT INTO bulk.copy (id, n, s) SELECT o.id, t.n, 'é' FROM bulk.o o "
            "LEFT JOIN bulk.t t USING (id) WHERE o.id > 10 ON CONFLICT (id) DO UPDATE SET n = 0",
        )
    assert [reply.facts["rows"] for reply in (updated, deleted, copied)] == [3500, 2100, 3495]
    assert bed.postgres.query("SELECT count(*) FROM bulk.t WHERE s = 'it''s' AND n = id") == [(1400,)]
    assert bed.postgres.query("SELECT count(*), count(n) FROM bulk.copy") == [(3495, 1400 - 2)]


REFUSED = {
    "UPDATE bulk.t SET n = (SELECT max(n) FROM bulk.t)": "also reads the table",
    "UPDATE bulk.t SET n = 1 FROM bulk.t b WHERE b.id = t.up": "also reads the table",
    "UPDATE bulk.t SET n = 1 WHERE id IN (SELECT id FROM bulk.v)": "view",
    "UPDATE bulk.t SET id = id + 1": "part of the primary key",
    "UPDATE bulk.t SET n = 1 RETURNING id": "RETURNING",
    "UPDATE bulk.t SET n = bulk.f(id)::int": "user-defined function",
    "WITH x AS (SELECT 1) UPDATE bulk.t SET n = 1": "WITH",
    "UPDATE bulk.keyless SET id = 1": "no primary key",
    "UPDATE bulk.v SET n = 1": "not a table",
    "INSERT INTO bulk.t (id) SELECT id + 10000 FROM bulk.t": "also reads the table",
    "INSERT INTO bulk.copy (id) SELECT DISTINCT n FROM bulk.o": "DISTINCT",
    "INSERT INTO bulk.copy (id) SELECT max(n) FROM bulk.o": "max()",
    "INSERT INTO bulk.copy (id) SELECT count(*) FROM bulk.o": "aggregate",
    "INSERT INTO bulk.copy (id) SELECT n FROM bulk.o GROUP BY n": "GROUP BY",
    "INSERT INTO bulk.copy (id) SELECT row_number() OVER () FROM bulk.o": "window",
    "INSERT INTO bulk.copy (id) SELECT id FROM bulk.o ORDER BY n LIMIT 10": "LIMIT",
    "INSERT INTO bulk.copy (id) SELECT id FROM bulk.o UNION SELECT id FROM bulk.t": "UNION",
    "INSERT INTO bulk.copy (id) SELECT o.id FROM bulk.t RIGHT JOIN bulk.o ON o.id = t.id": "primary key",
    "INSERT INTO bulk.copy (id) VALUES (1)": "VALUES",
    "INSERT INTO bulk.copy (id) SELECT g FROM generate_series(1, 9) g": "primary key",
    "UPDATE bulk.t SET n = (SELECT o.gone FROM bulk.o o WHERE o.id = t.id)": "gone is a user-defined",
    "UPDATE bulk.t SET n = initcap(n)": "initcap is a user-defined",
    "INSERT INTO bulk.dflt (id) SELECT id FROM bulk.o": "bulk.f, in a default of bulk.dflt,",
    "UPDATE bulk.dflt SET n = DEFAULT": "bulk.f, in a default of bulk.dflt,",
    "UPDATE bulk.t SET n = (SELECT (random() * 9)::int)": "random() in FROM or a subquery",
    "UPDATE bulk.t SET n = 1 FROM bulk.o TABLESAMPLE bernoulli (9)": "TABLESAMPLE",
    "DELETE FROM bulk.t WHERE id IN (SELECT id FROM bulk.o LIMIT 9)": "LIMIT without ORDER BY",
    "UPDATE bulk.t SET n = pg_table_size('bulk.t')": "a state of the database",
    "INSERT INTO bulk.copy (id, n) SELECT n, 1 FROM bulk.o ON CONFLICT (id) DO UPDATE SET n = 9": "same row",
    "INSERT INTO bulk.copy SELECT o.id + 1 FROM bulk.o ON CONFLICT (id) DO UPDATE SET n = 0": "same row",
    "INSERT INTO bulk.copy SELECT * FROM bulk.o ON CONFLICT (id) DO UPDATE SET id = 1": "DO UPDATE sets",
    "INSERT INTO bulk.copy SELECT * FROM bulk.o ON CONFLICT ON CONSTRAINT c DO UPDATE SET n = 0": "Name",
    "INSERT INTO bulk.rounded SELECT * FROM bulk.t ON CONFLICT (id) DO UPDATE SET n = 0": "same row",
    "SELECT 1": "Only a single UPDATE",
    "TRUNCATE bulk.t": "TRUNCATE",
}


async def test_what_cannot_be_cut_is_refused_with_the_reason(bed: Harness, opens: Opens) -> None:
    fill(bed)
    async with opens() as client:
        for sql, why in REFUSED.items():
            reply = await call(client, "batch_write", sql=sql)
            assert reply.is_error, sql
            assert why in reply.text, (sql, reply.text)
            assert reply.facts["remedy"] == "fix_statement"
    assert bed.postgres.query("SELECT sum(n), count(*), sum(id) FROM bulk.t") == [(0, 7000, 24503500)]
    assert bed.postgres.query("SELECT count(*) FROM bulk.copy") == [(0,)]


async def test_rows_that_change_with_others_by_foreign_keys_are_not_looked_at(
    bed: Harness, opens: Opens
) -> None:
    bed.postgres.query("CREATE TABLE bulk.p (id int PRIMARY KEY, code int UNIQUE, up int)")
    bed.postgres.query("ALTER TABLE bulk.p ADD FOREIGN KEY (up) REFERENCES bulk.p (code) ON UPDATE CASCADE")
    bed.postgres.query("CREATE TABLE bulk.q (id int PRIMARY KEY, p int REFERENCES bulk.p ON DELETE CASCADE)")
    bed.postgres.query("CREATE TABLE bulk.r (id int PRIMARY KEY, q int REFERENCES bulk.q ON DELETE SET NULL)")
    bed.postgres.query("CREATE TABLE bulk.c (p int REFERENCES bulk.p (code) ON UPDATE CASCADE, n int)")
    bed.postgres.query("GRANT ALL ON ALL TABLES IN SCHEMA bulk TO admin")
    refused = {
        "DELETE FROM bulk.p WHERE EXISTS (SELECT FROM bulk.q WHERE q.p = 4001 - p.id)": "reads bulk.q,",
        "DELETE FROM bulk.p USING bulk.r WHERE r.q = p.id": "reads bulk.r,",
        "UPDATE bulk.p SET code = c.n FROM bulk.c WHERE c.p = p.id": "reads bulk.c,",
        "UPDATE bulk.p SET code = -code": "Foreign keys lead from bulk.p back to it",
    }
    async with opens() as client:
        for sql, why in refused.items():
            reply = await call(client, "batch_write", sql=sql)
            assert reply.is_error, sql
            assert why in reply.text, (sql, reply.text)


async def test_columns_that_have_other_names_in_from_are_followed(bed: Harness, opens: Opens) -> None:
    fill(bed)
    bed.postgres.query("UPDATE bulk.o SET n = n % 7 WHERE id <= 3500")
    bed.postgres.query("UPDATE bulk.o SET n = n % 7 WHERE id > 3500")
    async with opens() as client:
        copied = await run(
            client,
            "INSERT INTO bulk.copy (id, n) SELECT x.n, x.id FROM bulk.o AS x (n, id) "
            "JOIN bulk.t ON t.id = x.n ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n",
        )
    assert copied.facts["rows"] == 3500, copied.text
    assert bed.postgres.query("SELECT count(*) FROM bulk.copy c JOIN bulk.o USING (id, n)") == [(3500,)]


async def test_a_change_that_a_computed_column_may_depend_on_is_marked(bed: Harness, opens: Opens) -> None:
    bed.postgres.query(
        "CREATE TABLE bulk.gen (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a) STORED)"
    )
    bed.postgres.query("GRANT ALL ON bulk.gen TO admin")
    insert(bed, "INSERT INTO bulk.gen SELECT g, g", 3100)
    async with opens() as client:
        reply = await call(
            client, "batch_write", sql="UPDATE bulk.gen SET a = g + 1 WHERE true", dry_run=True
        )
    assert "recorded in bulk.dsql_mcp_progress" in reply.text


async def test_a_dry_run_counts_and_changes_nothing(bed: Harness, opens: Opens) -> None:
    fill(bed)
    sql = "UPDATE bulk.t SET n = n + %s WHERE id > %s"
    async with opens("--confirm", "always") as client:
        asked = await run(client, sql, 1, 100)
        dry = await run(client, sql, 1, 100, dry_run=True)
        assert bed.postgres.query("SELECT sum(n) FROM bulk.t") == [(0,)]
        other = await run(client, sql, 2, 100, dry_run_token=dry.facts["dry_run_token"])
        done = await run(client, sql, 1, 100, dry_run_token=dry.facts["dry_run_token"])
    assert asked.facts["code"] == "not_confirmed"
    assert (dry.facts["rows"], dry.facts["batches"]) == (6900, 3)
    assert other.facts["code"] == "dry_run_token_invalid"
    assert done.facts["rows"] == 6900
    assert bed.postgres.query("SELECT sum(n) FROM bulk.t") == [(6900,)]


async def test_a_dry_run_on_a_cluster_that_aws_tells_nothing_of_has_the_published_price(
    bed: Harness, opens: Opens
) -> None:
    fill(bed)
    sql = "DELETE FROM bulk.t"
    async with opens("--max-dpu", "100") as client:
        dry = await run(client, sql, dry_run=True)
        unclear = await run(client, sql)
    told = (
        "Forecast: about 48.7 DPU, under $0.01 at $8.00 a million (us-east-1, 2026-04), or 92.4 DPU if multi-"
    )
    assert told in dry.text
    assert not unclear.is_error, unclear.text
    async with opens("--max-dpu", "50") as client:
        insert(bed, "INSERT INTO bulk.t SELECT g, g % 10, 0, 's' || g", 7000)
        refused = await run(client, sql)
    assert "92.4 DPU if the cluster is multi-Region, is above 50 DPU" in refused.text
    assert "dsql:GetCluster lets this server ask" in refused.text
    assert bed.postgres.query("SELECT count(*) FROM bulk.t") == [(7000,)]


async def test_a_dry_run_says_that_batches_have_each_their_own_time(bed: Harness, opens: Opens) -> None:
    fill(bed)
    sql = "UPDATE bulk.t SET n = 1 WHERE {} IS NOT NULL"
    told = "now() and the like differ from batch to batch"
    async with opens() as client:
        for clock in ("now()", "pg_catalog.now()", "current_timestamp(3)", "localtime", "CURRENT_DATE"):
            assert told in (await run(client, sql.format(clock), dry_run=True)).text
        for other in ("current_user", "n"):
            assert told not in (await run(client, sql.format(other), dry_run=True)).text
        one = await run(client, sql.format("now()") + " AND id = 1", dry_run=True)
    assert told not in one.text


async def test_the_first_error_stops_it_with_a_true_account(bed: Harness, opens: Opens) -> None:
    fill(bed)
    bed.postgres.query("ALTER TABLE bulk.t ADD CHECK (n <> -5000)")
    sql = "UPDATE bulk.t SET n = -id"
    async with opens() as client:
        stopped = await run(client, sql)
        bed.postgres.query("ALTER TABLE bulk.t DROP CONSTRAINT t_n_check")
        other = await run(client, "UPDATE bulk.t SET n = 1", resume=resume_in(stopped.text))
        done = await run(client, sql, resume=resume_in(stopped.text))
    assert stopped.facts["sqlstate"] == "23514"
    assert "2,900 rows in 1 batch committed, up to key (2900)" in stopped.text
    assert "nothing of it was stored" in stopped.text
    assert other.facts["code"] == "resume_mismatch"
    assert done.facts["rows"] == 7000
    assert bed.postgres.query("SELECT count(*) FROM bulk.t WHERE n = -id") == [(7000,)]


async def test_a_statement_that_may_be_repeated_makes_no_table(bed: Harness, opens: Opens) -> None:
    fill(bed)
    async with opens() as client:
        await run(client, "UPDATE bulk.t SET s = up::text WHERE n = 0")
        assert bed.postgres.query("SELECT to_regclass('bulk.dsql_mcp_progress')::text") == [(None,)]
        done = await run(client, "UPDATE bulk.t SET n = n + 1", rows_per_second=100_000)
    assert "bulk.dsql_mcp_progress" in done.text
    assert bed.postgres.query("SELECT count(*) FROM bulk.dsql_mcp_progress") == [(1,)]


async def test_a_role_that_may_not_make_the_table_hears_what_to_ask_for(bed: Harness, opens: Opens) -> None:
    fill(bed)
    bed.postgres.query("ALTER SCHEMA bulk OWNER TO CURRENT_USER; GRANT USAGE ON SCHEMA bulk TO admin")
    async with opens() as client:
        reply = await run(client, "UPDATE bulk.t SET n = n + 1")
    assert reply.facts["code"] == "permission_denied"
    assert "CREATE TABLE IF NOT EXISTS bulk.dsql_mcp_progress" in reply.text
    assert bed.postgres.query("SELECT sum(n) FROM bulk.t") == [(0,)]
