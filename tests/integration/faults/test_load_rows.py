"""Rows into a table through a real server, with a network and a cluster that fail."""

import csv
import json
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

from mcp import Client

from support.client_helpers import call
from support.wire.fault_plans import Opens, kill_while, make_schema, parameters, rain, resume_in
from support.wire.faults import At, Hold, Often
from support.wire.harness import Harness

pyarrow: Any = import_module("pyarrow")  # without types
parquet: Any = import_module("pyarrow.parquet")
ROWS = 50_000
NOTE = 'a "b", c\\d\ne {f} é'


def make_table(bed: Harness, columns: str) -> None:
    """Make the table that is loaded."""
    bed.postgres.query(f"CREATE TABLE bulk.t ({columns}); ALTER TABLE bulk.t OWNER TO admin")


def write_csv(file: Path, rows: int, first: int = 1) -> None:
    """Write rows with a number, a text that is hard to quote, and an amount that may be absent."""
    with file.open("w", newline="") as opened:
        lines = csv.writer(opened)
        lines.writerow(["id", "note", "amount"])
        lines.writerows(
            [n, f"{NOTE}{n}", "" if n % 10 == 0 else f"{n}.25"] for n in range(first, first + rows)
        )


SUMS = (
    "SELECT count(*), count(DISTINCT id), sum(id)::bigint, sum(amount), "
    "count(*) FILTER (WHERE note = convert_from('\\x{}', 'UTF8') || id) FROM bulk.t"
)


def sums(bed: Harness) -> tuple[object, ...]:
    """Count and sum what is stored."""
    return tuple(map(str, bed.postgres.query(SUMS.format(NOTE.encode().hex()))[0]))


def expected(rows: int) -> tuple[object, ...]:
    """What `sums` gives for rows of `write_csv`."""
    amounts = sum(n * 100 + 25 for n in range(1, rows + 1) if n % 10)
    total = rows * (rows + 1) // 2
    return tuple(map(str, (rows, rows, total, f"{amounts // 100}.{amounts % 100:02d}", rows)))


async def test_a_file_is_loaded_whole_in_all_weathers(bed: Harness, opens: Opens, tmp_path: Path) -> None:
    make_table(bed, "id bigint PRIMARY KEY, note text NOT NULL, amount numeric(12,2)")
    write_csv(tmp_path / "rows.csv", ROWS)
    rain(bed)
    async with opens("--load-dir", str(tmp_path)) as client:
        reply = await call(client, "load_rows", table="bulk.t", path="rows.csv")
    assert not reply.is_error, reply.text
    assert reply.facts["status"] == "finished"
    assert reply.facts["rows"] == ROWS
    assert sums(bed) == expected(ROWS)


async def test_a_load_that_is_killed_goes_on_though_rows_have_no_key(
    bed: Harness, certificate: Path, tmp_path: Path
) -> None:
    make_schema(bed)
    make_table(
        bed, "id bigint, note text, amount numeric(12,2), own uuid PRIMARY KEY DEFAULT gen_random_uuid()"
    )
    write_csv(tmp_path / "rows.csv", 12_000)
    held = bed.proxy.add(Often(At.ANSWERED, Hold(), "COMMIT", every=3))
    kept = parameters(bed, certificate, "--load-dir", str(tmp_path))
    arguments = {"table": "bulk.t", "path": "rows.csv"}
    await kill_while(held, kept, "load_rows", arguments)
    bed.proxy.clear()
    rain(bed)
    async with Client(kept) as client:
        again = await call(client, "load_rows", **arguments)
        assert again.facts["code"] == "unfinished_run", again.text
        reply = await call(client, "load_rows", **arguments, resume=resume_in(again.text))
    assert reply.facts["status"] == "finished", reply.text
    assert sums(bed) == expected(12_000)


async def test_a_bad_row_is_named_and_nothing_of_its_batch_is_stored(
    bed: Harness, opens: Opens, tmp_path: Path
) -> None:
    make_table(bed, "id bigint PRIMARY KEY, note varchar(5)")
    lines = ["id,note", *(f"{n},ok" for n in range(1, 4001))]
    lines[3500] = "3500,too long a text"
    lines[3600] = "3599,twice"
    lines[3700] = "3700,one,more"
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    async with opens("--load-dir", str(tmp_path)) as client:
        stopped = await call(client, "load_rows", table="bulk.t", path="rows.csv")
        assert stopped.is_error
        assert "Row 3,700" in stopped.text
        handle = resume_in(stopped.text)
        assert "2,900 rows in 1 batch committed, up to row 2,900" in stopped.text
        rest = {"table": "bulk.t", "path": "rows.csv", "skip_bad_rows": True, "resume": handle}
        reply = await call(client, "load_rows", **rest)
        assert reply.facts["rows"] == 3997
        assert reply.facts["bad_rows"] == 3
        assert [one["row"] for one in reply.facts["reasons"]] == [3500, 3600, 3700]
        assert "too long" in reply.facts["reasons"][0]["reason"]
        assert "duplicate key" in reply.facts["reasons"][1]["reason"]
        (stored,) = bed.postgres.query("SELECT count(*), count(*) FILTER (WHERE note = 'ok') FROM bulk.t")
        assert stored == (3997, 3997)
        # The answer may have been lost: the run is told once more.
        told = await call(client, "load_rows", **rest)
        assert told.facts["rows"] == 3997
        assert "Nothing was run now: it had ended before this call." in told.text
        lines[3500] = "3500,short"
        (tmp_path / "rows.csv").write_text("\n".join(lines))
        mended = await call(client, "load_rows", **rest)
        assert mended.facts["code"] == "already_done"
        assert "Nothing was run now, and the rows are no longer those" in mended.text
        rest |= {"resume": "new", "on_conflict": "skip"}
        reply = await call(client, "load_rows", **rest)
    assert not reply.is_error, reply.text
    assert bed.postgres.query("SELECT count(*) FROM bulk.t WHERE note = 'short'") == [(1,)]


async def test_a_row_that_only_the_server_refuses_stops_a_load(bed: Harness, opens: Opens) -> None:
    make_table(bed, "id int PRIMARY KEY, n smallint CHECK (n > 0)")
    rows = [{"id": n, "n": 0 if n == 77 else n} for n in range(1, 101)]
    async with opens() as client:
        reply = await call(client, "load_rows", table="bulk.t", rows=rows)
    assert reply.is_error
    assert "Row 77: " in reply.text
    assert reply.facts["sqlstate"] == "23514"
    assert bed.postgres.query("SELECT count(*) FROM bulk.t") == [(0,)]


async def test_values_arrive_as_they_are(bed: Harness, opens: Opens, tmp_path: Path) -> None:
    make_table(
        bed,
        "id int PRIMARY KEY, t text, n numeric, b boolean, j jsonb, d timestamptz, u uuid, x bytea, f float8",
    )
    row = {
        "id": 1,
        "t": NOTE,
        "n": 0.1,
        "b": True,
        "j": {"a": [1, None, 'q"\\']},
        "d": "2026-11-24 10:00:00.5+00",
        "u": "0193a3c5-0000-7000-8000-000000000001",
        "x": "\\x00ff",
        "f": 1e300,
    }
    text = json.dumps({**row, "id": 2}).replace('"n": 0.1', '"n": 12345678901234567890.12345')
    (tmp_path / "rows.jsonl").write_text(f"{text}\n\n" + json.dumps({"id": 3, "j": "text"}) + "\n")
    async with opens("--load-dir", str(tmp_path)) as client:
        given = await call(client, "load_rows", table="bulk.t", rows=[row])
        assert not given.is_error, given.text
        read = await call(client, "load_rows", table="bulk.t", path="rows.jsonl")
        assert not read.is_error, read.text
    stored = bed.postgres.query("SELECT t, n::text, b, j::text, d::text, x, f FROM bulk.t ORDER BY id")
    first = (NOTE, "0.1", True, '{"a": [1, null, "q\\"\\\\"]}', "2026-11-24 10:00:00.5+00", b"\0\xff", 1e300)
    assert stored[0] == first
    assert stored[1] == (NOTE, "12345678901234567890.12345", *first[2:])
    assert stored[2] == (None, None, None, '"text"', None, None, None)


async def test_what_happens_to_a_row_that_is_there_is_chosen(bed: Harness, opens: Opens) -> None:
    make_table(bed, "id int PRIMARY KEY, n int")
    table = {"table": "bulk.t", "columns": ["id", "n"]}
    async with opens() as client:
        await call(client, "load_rows", **table, rows=[[1, 1], [2, 2]])
        failed = await call(client, "load_rows", **table, rows=[[3, 3], [1, 5]])
        assert failed.facts["sqlstate"] == "23505"
        assert "Row 2: " in failed.text
        await call(client, "load_rows", **table, rows=[[1, 5], [4, 4]], on_conflict="skip")
        await call(client, "load_rows", **table, rows=[[2, 6], [5, 5]], on_conflict="update")
    assert bed.postgres.query("SELECT id, n FROM bulk.t ORDER BY id") == [(1, 1), (2, 6), (4, 4), (5, 5)]


async def test_a_load_is_tried_before_it_is_done(bed: Harness, opens: Opens, tmp_path: Path) -> None:
    make_table(bed, "id bigint PRIMARY KEY, note text NOT NULL, amount numeric(12,2)")
    write_csv(tmp_path / "rows.csv", 6000)
    async with opens("--load-dir", str(tmp_path), "--confirm", "always") as client:
        asked = await call(client, "load_rows", table="bulk.t", path="rows.csv")
        assert asked.facts["code"] == "not_confirmed"
        dry = await call(client, "load_rows", table="bulk.t", path="rows.csv", dry_run=True)
        assert (dry.facts["rows"], dry.facts["batches"]) == (6000, 3)
        assert bed.postgres.query("SELECT count(*) FROM bulk.t") == [(0,)]
        token = dry.facts["dry_run_token"]
        done = await call(client, "load_rows", table="bulk.t", path="rows.csv", dry_run_token=token)
        again = await call(client, "load_rows", table="bulk.t", path="rows.csv", dry_run_token=token)
        unasked = await call(client, "load_rows", table="bulk.t", path="rows.csv", resume="bulk-e30-44136f")
    assert unasked.facts["code"] == "not_confirmed"
    assert done.facts["rows"] == 6000
    assert again.facts["code"] == "dry_run_token_invalid"


async def test_a_load_that_takes_longer_than_a_call_goes_on_in_the_next(
    bed: Harness, opens: Opens, tmp_path: Path
) -> None:
    make_table(bed, "id bigint PRIMARY KEY, note text NOT NULL, amount numeric(12,2)")
    write_csv(tmp_path / "rows.csv", 900)
    arguments = {"table": "bulk.t", "path": "rows.csv", "rows_per_second": 300}
    calls, resume = 0, ""
    async with opens("--load-dir", str(tmp_path), "--call-timeout", "2.5") as client:
        while True:
            reply = await call(client, "load_rows", **arguments, resume=resume)
            assert not reply.is_error, reply.text
            calls += 1
            if reply.facts["status"] == "finished":
                break
            resume = reply.facts["resume"]
    assert calls > 1
    assert reply.facts["rows"] == 900
    assert sums(bed) == expected(900)


async def test_files_outside_of_the_folder_are_not_read(bed: Harness, opens: Opens, tmp_path: Path) -> None:
    make_table(bed, "id bigint PRIMARY KEY")
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "out.csv").write_text("id\n1\n")
    (folder / "link.csv").symlink_to(tmp_path / "out.csv")
    (folder / "far").symlink_to(tmp_path)
    (folder / "dir.csv").mkdir()
    paths = [
        "../out.csv",
        str(tmp_path / "out.csv"),
        "link.csv",
        "far/out.csv",
        "dir.csv",
        "no.csv",
        "\0.csv",
    ]
    async with opens("--load-dir", str(folder)) as client:
        replies = [await call(client, "load_rows", table="bulk.t", path=path) for path in paths]
        unknown = await call(client, "load_rows", table="bulk.t", path="rows.xlsx")
    async with opens() as client:
        nowhere = await call(client, "load_rows", table="bulk.t", path="out.csv")
    assert [reply.facts["code"] for reply in replies] == [*["outside_load_dir"] * 4, *["request_invalid"] * 3]
    assert not any(str(tmp_path) in reply.text for reply in replies if reply is not replies[1])
    assert ".jsonl" in unknown.text
    assert nowhere.facts["code"] == "no_load_dir"
    assert bed.postgres.query("SELECT count(*) FROM bulk.t") == [(0,)]


async def test_a_parquet_file_is_loaded(bed: Harness, opens: Opens, tmp_path: Path) -> None:
    make_table(bed, "id bigint PRIMARY KEY, note text NOT NULL, amount numeric(12,2)")
    numbers = range(1, 7_001)
    amounts = [None if n % 10 == 0 else Decimal(n) + Decimal("0.25") for n in numbers]
    notes = [f"{NOTE}{n}" for n in numbers]
    table = pyarrow.table({"id": list(numbers), "note": notes, "amount": amounts})
    parquet.write_table(table, tmp_path / "rows.parquet")
    async with opens("--load-dir", str(tmp_path)) as client:
        reply = await call(client, "load_rows", table="bulk.t", path="rows.parquet")
    assert not reply.is_error, reply.text
    assert sums(bed) == expected(7_000)
