"""Results written to files through a real server, compared with what PostgreSQL itself writes."""

import asyncio
import csv
import json
import stat
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from mcp.types import ResourceLink, TextContent

from support.client_helpers import call
from support.wire.fault_plans import Opens
from support.wire.faults import At, Fault, Kill, Say
from support.wire.harness import Harness, until
from support.wire.typed_values import VALUES

parquet: Any = import_module("pyarrow.parquet")  # without types
ALL_TYPES = "SELECT v.* FROM (VALUES (true), (false)) AS row(has) LEFT JOIN bulk.v ON has"
QUERIES = (
    ALL_TYPES,
    r"SELECT * FROM (VALUES ('\.'), (''), (NULL), ('a')) AS v(c)",
    'SELECT 1 AS "a,""b", \'x\' AS " ", NULL AS "a,""b"',
    "SELECT FROM generate_series(1, 2)",
    "SELECT 1 AS a WHERE false",
    "SELECT g, repeat('é', 1000) FROM generate_series(1, 3000) g",
    "SELECT g, repeat('x', 2000000) AS long FROM generate_series(1, 5) g",
    "TABLE bulk.v",
)
SLOW = "SELECT g, repeat('x', 100), bulk.pause(g) FROM generate_series(1, 20000) g"
PAUSE = (
    "CREATE FUNCTION bulk.pause(n int) RETURNS int LANGUAGE plpgsql AS "
    "'BEGIN IF n = 15000 THEN PERFORM pg_sleep(60); END IF; RETURN n; END'"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The directory for exports."""
    made = tmp_path / "out"
    made.mkdir()
    return made


@pytest.fixture
def exports(bed: Harness, opens: Opens, folder: Path) -> Opens:
    """Opens a client of a server that exports, beside a view of all types and a function that waits."""
    columns = ", ".join(f"{value} AS c{n}" for n, value in enumerate(VALUES))
    bed.postgres.query(f"CREATE VIEW bulk.v AS SELECT {columns}")
    bed.postgres.query(PAUSE)
    bed.postgres.query("GRANT SELECT ON bulk.v TO admin")
    return partial(opens, "--export-dir", str(folder))


def left(folder: Path) -> list[str]:
    """All that is in a directory, hidden names too."""
    return sorted(entry.name for entry in folder.iterdir())


async def test_csv_is_what_postgresql_writes(bed: Harness, exports: Opens, folder: Path) -> None:
    async with exports() as client:
        for number, sql in enumerate(QUERIES):
            reply = await call(client, "export_query", sql=sql, path=f"{number}.csv")
            assert not reply.is_error, reply.text
            assert (folder / f"{number}.csv").read_bytes() == bed.postgres.csv(sql), sql
    assert left(folder) == [f"{number}.csv" for number in range(len(QUERIES))]


class Number(str):
    """A number of JSON, by its digits."""

    __slots__ = ()


def text_of(value: object, text: str) -> object:
    """PostgreSQL's text of a JSON value; of a document, the document that PostgreSQL's text is."""
    if isinstance(value, bool):
        return "t" if value else "f"
    if value is None:
        return ""
    return text if value in (text, read_json(text)) else value


def read_json(text: str) -> object:
    """Read a JSON document with numbers as their digits; a text that is none is itself."""
    try:
        return json.loads(text, parse_int=Number, parse_float=Number)
    except ValueError:
        return text


def read_lines(file: Path) -> list[dict[str, object]]:
    """Read JSON Lines."""
    return [cast("dict[str, object]", read_json(line)) for line in file.read_text().splitlines()]


async def test_json_lines_hold_every_digit(bed: Harness, exports: Opens, folder: Path) -> None:
    async with exports() as client:
        for number, sql in enumerate(("TABLE bulk.v", *QUERIES[4:6])):
            reply = await call(client, "export_query", sql=sql, path=f"{number}.jsonl")
            assert not reply.is_error, reply.text
            rows = read_lines(folder / f"{number}.jsonl")
            head, *lines = csv.reader(StringIO(bed.postgres.csv(sql).decode(), ""))
            assert len(rows) == reply.facts["rows"] == len(lines)
            for row, line in zip(rows, lines, strict=True):
                assert list(row) == head
                assert [text_of(v, text) for v, text in zip(row.values(), line, strict=True)] == line
    (values,) = read_lines(folder / "0.jsonl")
    assert [type(values[f"c{n}"]) for n in range(12)] == [Number] * 4 + [str] * 2 + [Number] * 4 + [
        str,
        Number,
    ]


CARRIED = """
SELECT g::smallint AS a, -g::int AS b, g * 4611686018427387904::bigint - 1 AS c, g / 3::real AS d,
    CASE g WHEN 1 THEN 'NaN' WHEN 0 THEN '-Infinity' ELSE '1e-300' END::float8 AS e, g = 1 AS f,
    'é' || g AS g, date '0001-01-02' + g AS h,
    timestamp '2024-02-29 12:00:00.000001' + g * interval '1 day' AS i,
    timestamptz '2024-02-29 12:00:00.000001+02' AS j, convert_to('é' || g, 'UTF8') AS k,
    (g / 7.0)::numeric(38,20) AS l, NULL::date AS m
FROM generate_series(-1, 1) g
"""
AS_TEXT = """
SELECT gen_random_uuid() AS a, 1.5::numeric AS b, 2::numeric(50,2) AS c, '{}'::jsonb AS d, time '12:00' AS e
"""


async def test_parquet_holds_the_same_values_in_types_of_its_own(
    bed: Harness, exports: Opens, folder: Path
) -> None:
    async with exports() as client:
        reply = await call(client, "export_query", sql=CARRIED, path="rows.parquet")
        text = await call(client, "export_query", sql=AS_TEXT, path="text.parquet")
        await call(client, "export_query", sql="SELECT 1 AS a WHERE false", path="empty.parquet")
    assert not reply.is_error, reply.text
    table = parquet.read_table(folder / "rows.parquet")
    for row, expected in zip(table.to_pylist(), bed.postgres.query(CARRIED), strict=True):
        assert list(map(str, row.values())) == list(map(str, expected))
    assert reply.facts["columns"][11] == "l numeric(38,20) as decimal128(38, 20)"
    assert "l numeric(38,20) as decimal128(38, 20)" in reply.text
    assert [str(kind) for kind in parquet.read_table(folder / "text.parquet").schema.types] == ["string"] * 5
    assert all(column.endswith(" as string") for column in text.facts["columns"])
    assert parquet.read_table(folder / "empty.parquet").num_rows == 0


FAILING = (
    ("SELECT date 'infinity' AS a", "rows.parquet", "not_in_parquet"),
    ("SELECT 'NaN'::numeric(5,2) AS a", "rows.parquet", "not_in_parquet"),
    ("SELECT timestamptz '0044-03-15 BC' AS a", "rows.parquet", "not_in_parquet"),
    ("SELECT 1 AS a, 2 AS a", "rows.parquet", "duplicate_column"),
    ("SELECT 1 AS a, 2 AS a", "rows.jsonl", "duplicate_column"),
    ("SELECT", "rows.parquet", "request_invalid"),
    ("SELECT 1; SELECT 2", "rows.csv", "multiple-statements"),
    ("DELETE FROM bulk.v", "rows.csv", "not-a-read"),
    ("SELECT nope FROM bulk.v", "rows.csv", "statement_failed"),
    (
        "SELECT repeat('x', 100), 1 / (g - 15000) FROM generate_series(1, 20000) g",
        "rows.csv",
        "statement_failed",
    ),
    ("SELECT 1", "../rows.csv", "outside_export_dir"),
    ("SELECT 1", "/tmp/rows.csv", "outside_export_dir"),  # noqa: S108 - refused
    ("SELECT 1", "a\nb.csv", "request_invalid"),
    ("SELECT 1", "rows", "request_invalid"),
    ("SELECT 1", "absent/rows.csv", "request_invalid"),
    ("SELECT 1", "x" * 300 + ".csv", "request_invalid"),
)


async def test_an_export_that_fails_leaves_no_file(exports: Opens, folder: Path) -> None:
    async with exports() as client:
        for sql, path, code in FAILING:
            reply = await call(client, "export_query", sql=sql, path=path)
            assert (reply.is_error, reply.facts["code"]) == (True, code), (sql, path)
            assert left(folder) == []


async def test_the_answer_names_the_file_in_both_halves_and_links_to_it(exports: Opens, folder: Path) -> None:
    async with exports() as client:
        seen: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            assert (total, message is not None) == (None, True)
            seen.append(progress)

        sql = "SELECT g AS id, repeat('x', %s) AS t FROM generate_series(1, 10000) g"
        arguments = {"sql": sql, "params": [100], "path": "Grüße 1.csv", "format": "csv"}
        result = await client.call_tool("export_query", arguments, progress_callback=note)
        written = folder / "Grüße 1.csv"
        said, link = result.content
        assert isinstance(said, TextContent)
        assert isinstance(link, ResourceLink)
        facts = result.structured_content
        size = written.stat().st_size
        assert facts == {
            "path": "Grüße 1.csv",
            "uri": written.as_uri(),
            "rows": 10_000,
            "bytes": size,
            "columns": ["id int4", "t text"],
        }
        assert (link.uri, link.size, link.mime_type) == (written.as_uri(), size, "text/csv")
        for part in ("Grüße 1.csv", written.as_uri(), "10,000 rows", f"{size:,} bytes", "id int4, t text"):
            assert part in said.text
        assert seen == sorted(set(seen))
        assert len(seen) > 1
        assert stat.S_IMODE(written.stat().st_mode) == 0o600


async def test_a_file_is_replaced_only_when_that_is_asked_for(exports: Opens, folder: Path) -> None:
    async with exports() as client:
        for sql, overwrite in (("SELECT 1 AS a", False), ("SELECT 2 AS a", False), ("SELECT nope", True)):
            await call(client, "export_query", sql=sql, path="a.csv", overwrite=overwrite)
            assert (folder / "a.csv").read_text() == "a\n1\n"
        taken = await call(client, "export_query", sql="SELECT 2 AS a", path="a.csv")
        assert taken.facts["code"] == "file_exists"
        assert "overwrite=true" in taken.text
        await call(client, "export_query", sql="SELECT 2 AS a", path="a.csv", overwrite=True)
        assert (folder / "a.csv").read_text() == "a\n2\n"
        both = (call(client, "export_query", sql=f"SELECT {n} AS a", path="b.csv") for n in (1, 2))
        assert sorted(reply.is_error for reply in await asyncio.gather(*both)) == [False, True]
        assert left(folder) == ["a.csv", "b.csv"]


async def test_an_export_whose_connection_is_lost_begins_again(
    bed: Harness, exports: Opens, folder: Path
) -> None:
    async with exports() as client:
        sql = "SELECT g AS id, repeat('x', 100) AS t FROM generate_series(1, 20000) g"
        lost = bed.proxy.add(Fault(At.ANSWERED, Kill(), "generate_series"))
        reply = await call(client, "export_query", sql=sql, path="a.parquet")
        assert (lost.struck, reply.facts["rows"]) == (1, 20_000)
        assert parquet.read_table(folder / "a.parquet").num_rows == 20_000
        bed.proxy.add(Fault(At.ANSWERED, Kill(), "generate_series", times=None))
        failed = await call(client, "export_query", sql=sql, path="b.csv")
        assert "No file was written" in failed.text
        assert left(folder) == ["a.parquet"]


async def test_an_export_that_takes_too_long_is_to_be_cut_into_parts(
    bed: Harness, exports: Opens, folder: Path
) -> None:
    async with exports() as client:
        bed.proxy.add(Fault(At.ASKED, Say("54000", "transaction age limit of 300s exceeded"), "SELECT 7"))
        reply = await call(client, "export_query", sql="SELECT 7", path="a.csv")
        assert "by ranges of the key" in reply.facts["hint"]
        assert left(folder) == []


async def test_a_cancelled_export_ends_at_the_cluster_and_leaves_nothing(
    bed: Harness, exports: Opens, folder: Path
) -> None:
    async with exports() as client:
        export = asyncio.ensure_future(call(client, "export_query", sql=SLOW, path="a.csv"))
        await until(lambda: any(entry.stat().st_size for entry in folder.iterdir()))
        assert not (folder / "a.csv").exists()
        export.cancel()
        await asyncio.gather(export, return_exceptions=True)
        await until(lambda: not left(folder) and not bed.states())
        assert not (await call(client, "export_query", sql="SELECT 1", path="a.csv")).is_error
