"""What a call will cost, said before it is made, and refused above the operator's limit."""

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from conftest import ServerOn, held
from support.client_helpers import Reply, call, rows
from support.direct_connection import run

LIMIT = 100  # DPU: some 15,000 rows


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """Tables with and without an index, empty and with rows."""
    await run(
        cluster,
        "CREATE SCHEMA costs",
        "CREATE TABLE costs.plain (id bigint PRIMARY KEY, name text)",
        "CREATE TABLE costs.indexed (id bigint PRIMARY KEY, name text)",
        "CREATE INDEX ASYNC ON costs.indexed (name)",
        "CREATE INDEX ASYNC ON costs.indexed (name) INCLUDE (id)",
        "CREATE TABLE costs.full (id bigint PRIMARY KEY, up int, name text)",
        "CREATE INDEX ASYNC ON costs.full (up)",
        "INSERT INTO costs.full SELECT g, g % 10, 'x' FROM generate_series(1, 2000) g",
        "ANALYZE costs.full",
        "CREATE TABLE costs.wide (id bigint PRIMARY KEY, note text)",
        "INSERT INTO costs.wide SELECT g, repeat('x', 1016) FROM generate_series(1, 1000) g",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files to load: one of 20,000 rows, one of 10,000."""
    folder = tmp_path_factory.mktemp("files")
    for name, count in {"many": 20_000, "few": 10_000}.items():
        with (folder / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("id", "name"), *((n, f"name {n}") for n in range(count))])
    return folder


@pytest.fixture(scope="module")
async def limited(on_cluster: ServerOn, folder: Path) -> AsyncIterator[Client]:
    """A client of a server with a limit."""
    flags = ("--allow-writes", "--max-dpu", str(LIMIT), "--load-dir", str(folder))
    async with held(Client(on_cluster(*flags))) as client:
        yield client


@pytest.fixture(scope="module")
async def priced(on_cluster: ServerOn, folder: Path) -> AsyncIterator[Client]:
    """A client of a server without a limit, whose operator has named a Region."""
    flags = ("--allow-writes", "--region", "us-east-1", "--load-dir", str(folder))
    async with held(Client(on_cluster(*flags))) as client:
        yield client


def forecast(reply: Reply) -> str:
    """The line of a forecast, which both halves have."""
    assert not reply.is_error, reply.text
    (line,) = (line for line in reply.text.splitlines() if line.startswith("Forecast:"))
    if "message" in reply.facts:
        assert line in reply.facts["message"]
    assert len(line) <= 130
    return line


async def stored(client: Client, table: str) -> int:
    """Count what a table has."""
    ((count,),) = await rows(client, f"SELECT count(*) FROM costs.{table}")  # noqa: S608 - a test's own name
    return int(count)


async def test_a_dry_run_of_a_load_says_what_it_will_cost(writer: Client) -> None:
    given = [[n, "x"] for n in range(100)]
    reply = await call(
        writer, "load_rows", table="costs.plain", columns=["id", "name"], rows=given, dry_run=True
    )
    # 100 rows of 128 bytes, and as many keys that are read.
    assert forecast(reply) == "Forecast: about 0.648 DPU on AWS; compute is not counted."
    assert reply.facts["forecast"] == {
        "dpu": 0.64846,
        "read": 0.02344,
        "write": 0.62502,
        "multi_region_write": 0,
    }


async def test_indexes_cost_an_entry_for_each_row(writer: Client) -> None:
    given = [[n, "x"] for n in range(100)]
    more = {"columns": ["id", "name"], "rows": given, "dry_run": True}
    plain = await call(writer, "load_rows", table="costs.plain", **more)
    indexed = await call(writer, "load_rows", table="costs.indexed", **more)
    assert indexed.facts["forecast"]["write"] == pytest.approx(3 * plain.facts["forecast"]["write"], abs=1e-4)


async def test_money_is_told_where_the_operator_has_named_a_region(priced: Client) -> None:
    reply = await call(priced, "load_rows", table="costs.plain", path="many.csv", dry_run=True)
    price = "at $8.00 a million (us-east-1, 2026-04)"
    assert forecast(reply) == f"Forecast: about 130 DPU, under $0.01 {price}; compute is not counted."
    assert reply.facts["forecast"]["usd"] == pytest.approx(0.001038, abs=1e-5)


async def test_a_load_above_the_limit_stores_nothing_and_says_whose_limit_it_is(limited: Client) -> None:
    reply = await call(limited, "load_rows", table="costs.plain", path="many.csv")
    assert reply.is_error
    assert reply.facts["code"] == "max_dpu"
    assert "about 130 DPU, is above 100 DPU, the operator's limit of a call (--max-dpu)" in reply.text
    assert "Nothing was run by this call." in reply.text
    assert "Next: Ask for a smaller part (about 15,400 rows fit), or the operator for more." in reply.text
    assert reply.facts["forecast"]["limit"] == LIMIT
    assert await stored(limited, "plain") == 0


async def test_a_dry_run_above_the_limit_says_so_and_gives_no_token(limited: Client) -> None:
    reply = await call(limited, "load_rows", table="costs.plain", path="many.csv", dry_run=True)
    assert forecast(reply).startswith("Forecast: about 130 DPU")
    assert "is above 100 DPU, the operator's limit" in reply.text
    assert "dry_run_token" not in reply.text
    assert "dry_run_token" not in reply.facts
    assert reply.facts["forecast"]["limit"] == LIMIT
    assert reply.facts["forecast"]["refused"] is True


async def test_as_many_rows_as_are_said_to_fit_do(limited: Client, folder: Path) -> None:
    lines = (folder / "many.csv").read_text().splitlines(keepends=True)
    (folder / "fits.csv").write_text("".join(lines[: 1 + 15_400]))
    reply = await call(limited, "load_rows", table="costs.plain", path="fits.csv", dry_run=True)
    assert reply.facts["forecast"]["refused"] is False


async def test_an_upsert_counts_what_an_update_of_all_its_rows_does(writer: Client) -> None:
    given = [{"id": n, "name": "x"} for n in range(1_000)]
    more = {"table": "costs.indexed", "rows": given, "dry_run": True}
    new = await call(writer, "load_rows", **more)
    upsert = await call(writer, "load_rows", **more, on_conflict="update")
    assert new.facts["forecast"]["write"] == pytest.approx(3_000 * ROW, rel=1e-3)
    assert upsert.facts["forecast"]["write"] == pytest.approx(5_000 * ROW, rel=1e-3)
    assert "Each row counts as one that is there" in upsert.text
    assert "Each row counts" not in new.text


async def test_the_limit_is_held_against_an_upsert_of_rows_that_are_there(on_cluster: ServerOn) -> None:
    given = [{"id": n, "name": "x"} for n in range(1_000)]
    async with Client(on_cluster("--allow-writes", "--max-dpu", "20.5")) as client:
        new = await call(client, "load_rows", table="costs.indexed", rows=given, dry_run=True)
        upsert = await call(client, "load_rows", table="costs.indexed", rows=given, on_conflict="update")
    assert new.facts["forecast"]["refused"] is False
    assert upsert.facts["code"] == "max_dpu"
    assert "is above 20.5 DPU" in upsert.text


async def test_a_change_of_no_row_has_a_forecast_of_nothing(writer: Client) -> None:
    sql = "DELETE FROM costs.full WHERE id < 0"
    reply = await call(writer, "batch_write", sql=sql, dry_run=True)
    assert forecast(reply).startswith("Forecast: about 0 DPU")
    assert reply.facts["forecast"]["dpu"] == 0


async def test_what_is_left_of_a_load_counts_and_a_mended_part_goes_on(
    limited: Client, priced: Client, folder: Path
) -> None:
    text = (folder / "many.csv").read_text()
    (folder / "part.csv").write_text(text.replace("10000,", "no number,"))
    stopped = await call(priced, "load_rows", table="costs.plain", path="part.csv")
    assert stopped.is_error
    (folder / "part.csv").write_text(text)
    handle = stopped.text.partition("resume='")[2].partition("'")[0]
    assert handle
    anew = await call(limited, "load_rows", table="costs.plain", path="part.csv", resume="new")
    assert anew.facts["code"] == "max_dpu"
    done = await call(limited, "load_rows", table="costs.plain", path="part.csv", resume=handle)
    assert done.facts["status"] == "finished", done.text
    assert await stored(limited, "plain") == 20_000


async def test_what_is_below_the_limit_is_done_at_once(limited: Client) -> None:
    reply = await call(limited, "load_rows", table="costs.indexed", rows=[{"id": 1, "name": "x"}])
    assert reply.facts["status"] == "finished", reply.text
    assert "Forecast" not in reply.text
    assert "DPU" not in reply.text


async def test_a_run_above_the_limit_is_said_where_a_plan_is_explained(on_cluster: ServerOn) -> None:
    sql = "SELECT count(*) FROM generate_series(1, 2000000) a"
    async with Client(on_cluster("--max-dpu", "1")) as client:
        above = await call(client, "explain_query", sql=sql, analyze=True)
        below = await call(client, "explain_query", sql="SELECT 1", analyze=True)
    told = "One run is above the operator's limit of 1 DPU (--max-dpu)."
    assert told in above.text
    assert told not in below.text


ROW = 128 * 0.00004883
READ = 128 * 0.00000183105


@pytest.mark.parametrize(
    ("sql", "changed", "entries", "scanned"),
    [
        ("UPDATE costs.full SET name = 'y'", 2_000, 1, 2_000),
        ("UPDATE costs.full SET up = 1", 2_000, 3, 2_000),
        ("DELETE FROM costs.full", 2_000, 2, 2_000),
        ("DELETE FROM costs.full WHERE id <= 500", 500, 2, 500),
        ("DELETE FROM costs.full WHERE name = 'y' OR up = 3", 200, 2, 2_000),
        (
            (
                "INSERT INTO costs.indexed (id, name) SELECT id, name FROM costs.full "
                "ON CONFLICT (id) DO UPDATE SET name = 'z'"
            ),
            2_000,
            5,
            2_000,
        ),
        ("INSERT INTO costs.plain (id, name) SELECT id + 100000, name FROM costs.full", 2_000, 1, 2_000),
    ],
)
async def test_a_dry_run_of_a_change_counts_its_entries_and_what_it_looks_at(
    writer: Client, sql: str, changed: int, entries: int, scanned: int
) -> None:
    reply = await call(writer, "batch_write", sql=sql, dry_run=True)
    assert forecast(reply).startswith("Forecast: about ")
    assert reply.facts["rows"] == changed
    costs = reply.facts["forecast"]
    assert costs["write"] == pytest.approx(changed * entries * ROW, rel=1e-3)
    # Each row is read by its key; what is looked at is looked at twice, to find the batch and to change it.
    assert costs["read"] == pytest.approx((changed + 2 * scanned) * READ, rel=0.05)


async def test_rows_are_as_wide_as_they_are_though_nobody_has_counted(writer: Client) -> None:
    reply = await call(writer, "batch_write", sql="UPDATE costs.wide SET note = note || 'y'", dry_run=True)
    assert reply.facts["forecast"]["write"] == pytest.approx(1_000 * 1_024 * 0.00004883, rel=0.02)


async def test_a_change_above_the_limit_changes_nothing(on_cluster: ServerOn) -> None:
    sql = "UPDATE costs.wide SET note = 'gone'"
    async with Client(on_cluster("--allow-writes", "--max-dpu", "20")) as client:
        refused = await call(client, "batch_write", sql=sql)
        dry = await call(client, "batch_write", sql=sql, dry_run=True)
        part = await call(client, "batch_write", sql=f"{sql} WHERE id <= 100")
        changed = await stored(client, "wide WHERE note = 'gone'")
    assert refused.facts["code"] == "max_dpu"
    assert "is above 20 DPU, the operator's limit of a call (--max-dpu). Nothing was run" in refused.text
    assert "is above 20 DPU" in dry.text
    assert "dry_run_token" not in dry.facts
    assert part.facts["rows"] == 100, part.text
    assert changed == 100


def dump(table: str, count: int) -> str:
    """A script as pg_dump writes it, with a table of rows and two indexes."""
    lines = "".join(f"{n}\tname {n}\n" for n in range(count))
    return (
        f"CREATE TABLE costs.{table} (id bigint NOT NULL, name text);\n"
        f"COPY costs.{table} (id, name) FROM stdin;\n{lines}\\.\n"
        f"ALTER TABLE ONLY costs.{table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id);\n"
        f"CREATE INDEX {table}_name ON costs.{table} (name);\n"
    )


async def test_a_plan_says_what_its_rows_and_indexes_cost(writer: Client) -> None:
    reply = await call(writer, "migrate", statements=dump("planned", 3_000), dry_run=True)
    assert forecast(reply).endswith(" on AWS; compute is not counted.")
    # The rows, an entry of each in the index that is built over them, and some transactions of definitions.
    assert reply.facts["forecast"]["write"] == pytest.approx(2 * 3_000 * ROW, rel=0.02)


async def test_a_plan_counts_the_rows_of_tables_that_are_there(writer: Client) -> None:
    reply = await call(writer, "migrate", statements="CREATE INDEX ON costs.full (name)", dry_run=True)
    assert reply.facts["forecast"]["write"] == pytest.approx(2_000 * ROW, rel=0.02)
    assert reply.facts["forecast"]["read"] == pytest.approx(2_000 * READ, rel=0.02)


async def test_a_migration_above_the_limit_changes_nothing_and_its_rest_counts(
    on_cluster: ServerOn, writer: Client
) -> None:
    script = dump("moved", 6_000)
    async with Client(on_cluster("--allow-writes", "--max-dpu", "60")) as client:
        refused = await call(client, "migrate", statements=script)
        dry = await call(client, "migrate", statements=script, dry_run=True)
        there = await call(client, "get_schema", table="costs.moved")
        begun = await call(writer, "migrate", statements=script + "CREATE INDEX ON costs.nowhere (id);")
        small = await call(client, "migrate", statements=dump("small", 1_000))
    assert refused.facts["code"] == "max_dpu"
    assert "DPU, is above 60 DPU, the operator's limit of a call (--max-dpu)" in refused.text
    assert "is above 60 DPU" in dry.text
    assert "resume_from" not in dry.facts
    assert dry.text.rstrip().endswith("Next: Ask for a smaller part, or the operator for more.")
    assert there.is_error
    assert begun.is_error
    assert small.facts["state"] == "done", small.text


async def test_what_has_no_forecast_is_named_and_refused_under_a_limit(
    on_cluster: ServerOn, writer: Client, cluster: LocalCluster
) -> None:
    await run(
        cluster,
        "CREATE TABLE costs.uncounted (id int PRIMARY KEY)",
        "CREATE FUNCTION costs.work() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    )
    script = "INSERT INTO costs.uncounted SELECT costs.work()"
    reply = await call(writer, "migrate", statements=script, dry_run=True)
    named = "costs.work() in step 1"
    assert forecast(reply).endswith(f"; compute and {named} are not counted.")
    assert "1 change of unknown size: up to 3,000 rows each are counted." in reply.text
    async with Client(on_cluster("--allow-writes", "--max-dpu", "1000000")) as client:
        refused = await call(client, "migrate", statements=script)
    assert f"There is no forecast of {named}, to be held against 1,000,000 DPU" in refused.text
    assert refused.facts["code"] == "no_forecast"
    assert refused.facts["forecast"]["uncounted"] == named
    assert "Leave out the calls of functions; or let the operator start the server without" in refused.text
    assert "smaller" not in refused.text
    assert await stored(writer, "uncounted") == 0


async def test_a_small_table_without_statistics_is_counted_and_a_large_one_named(
    on_cluster: ServerOn, cluster: LocalCluster
) -> None:
    fill = "INSERT INTO costs.{0} SELECT g FROM generate_series({1}, {1} + 2999) g"
    await run(
        cluster,
        "CREATE TABLE costs.some (id int PRIMARY KEY)",
        "CREATE TABLE costs.lots (id int PRIMARY KEY)",
        "CREATE TABLE costs.copied (id int PRIMARY KEY)",
        fill.format("some", 1),
        *(fill.format("lots", start) for start in (1, 4_000, 8_000, 12_000)),
    )
    sql = "INSERT INTO costs.copied SELECT id FROM costs.{}"
    async with Client(on_cluster("--allow-writes", "--max-dpu", "1000")) as client:
        large = await call(client, "migrate", statements=sql.format("lots"))
        small = await call(client, "migrate", statements=sql.format("some"))
    assert large.facts["code"] == "no_forecast", large.text
    assert "no forecast of the rows of costs.lots in step 1" in large.text
    assert "Let the operator run ANALYZE costs.lots; or let the operator start" in large.text
    assert small.facts["code"] == "run_before_unknown", small.text
    assert "resume_from=1-" in small.text


async def test_a_handle_of_another_script_is_told_before_the_forecast(on_cluster: ServerOn) -> None:
    async with Client(on_cluster("--allow-writes", "--max-dpu", "1")) as client:
        reply = await call(client, "migrate", statements=dump("unresumed", 3_000), resume_from="5")
    assert reply.facts["code"] == "resume_from_invalid"


async def test_the_rest_of_a_migration_that_stopped_goes_on_under_a_limit(
    on_cluster: ServerOn, writer: Client, cluster: LocalCluster
) -> None:
    await run(cluster, "CREATE TABLE costs.gate (id int PRIMARY KEY)", "INSERT INTO costs.gate VALUES (1)")
    script = f"{dump('rest', 3_000)}INSERT INTO costs.gate VALUES (1);"  # noqa: S608 - a script
    stopped = await call(writer, "migrate", statements=script)
    assert stopped.is_error
    assert stopped.facts["applied"] == stopped.facts["steps"] - 1
    handle = stopped.facts["resume_from"]
    assert f"resume_from={handle}" in stopped.text
    await run(cluster, "DELETE FROM costs.gate")
    async with Client(on_cluster("--allow-writes", "--max-dpu", "1")) as client:
        whole = await call(client, "migrate", statements=script, resume_from="new")
        rest = await call(client, "migrate", statements=script, resume_from=handle)
    assert whole.facts["code"] == "max_dpu"
    assert not rest.is_error, rest.text


async def test_the_rest_of_a_change_that_stopped_goes_on_under_a_limit(
    on_cluster: ServerOn, writer: Client, cluster: LocalCluster
) -> None:
    await run(
        cluster,
        "CREATE TABLE costs.stops (id int PRIMARY KEY, n int)",
        "INSERT INTO costs.stops SELECT g, 1 FROM generate_series(1, 2999) g",
        "INSERT INTO costs.stops SELECT g, (g <> 3100)::int FROM generate_series(3000, 3200) g",
    )
    sql = "UPDATE costs.stops SET n = 1 / n"
    stopped = await call(writer, "batch_write", sql=sql)
    assert stopped.is_error
    handle = stopped.facts["resume"]
    assert f"resume='{handle}'" in stopped.text
    await run(cluster, "UPDATE costs.stops SET n = 1 WHERE id = 3100")
    async with Client(on_cluster("--allow-writes", "--max-dpu", "10")) as client:
        whole = await call(client, "batch_write", sql=sql, resume="new")
        rest = await call(client, "batch_write", sql=sql, resume=handle)
    assert whole.facts["code"] == "max_dpu"
    assert rest.facts["status"] == "finished", rest.text
    assert rest.facts["rows"] == 3_200
