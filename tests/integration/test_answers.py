"""What an agent reads: values that are whole, cuts that are said first, and text and values that agree."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from mcp import Client

from conftest import ServerOn, held
from support.client_helpers import Reply, call, rows, write

_MEBIBYTE = 2**20

VALUES: list[tuple[str, object]] = [
    ("NULL::int", None),
    ("true", True),
    ("9007199254740992", 9007199254740992),
    ("9223372036854775807", "9223372036854775807"),
    ("'-9223372036854775808'::int8", "-9223372036854775808"),
    ("2.50", "2.50"),
    ("0.10 * 10", "1.00"),
    ("'NaN'::numeric", "NaN"),
    ("'-Infinity'::numeric", "-Infinity"),
    ("0.1::float4", 0.1),
    ("0.1::float8 + 0.2::float8", 0.30000000000000004),
    ("1e300::float8", 1e300),
    ("'NaN'::float8", "NaN"),
    ("'-Infinity'::float4", "-Infinity"),
    ("E'tab\\t \"quote\" \\\\ \\u2028 \\U0001F600'", 'tab\t "quote" \\ \u2028 \U0001f600'),
    ("''", ""),
    ("'\\x00ff'::bytea", "\\x00ff"),
    ("date '0044-03-15 BC'", "0044-03-15 BC"),
    ("date '10000-01-01'", "10000-01-01"),
    ("date '-infinity'", "-infinity"),
    ("time '24:00'", "24:00:00"),
    ("timetz '01:02:03.000004+05:30'", "01:02:03.000004+05:30"),
    ("timestamp '2026-01-02 03:04:05.000006'", "2026-01-02 03:04:05.000006"),
    ("timestamptz '2026-01-02 03:04:05+02'", "2026-01-02 01:04:05+00"),
    ("timestamptz 'infinity'", "infinity"),
    ("interval '1 month 30 days 25 hours 0.000001 seconds'", "1 mon 30 days 25:00:00.000001"),
    ("interval '12 months -3 days'", "1 year -3 days"),
    ("'5F3A9C1E-0000-4000-8000-00000000000a'::uuid", "5f3a9c1e-0000-4000-8000-00000000000a"),
    ('\'{"b": [1, 2.5, null], "a": "x"}\'::jsonb', {"a": "x", "b": [1, 2.5, None]}),
    ("'{\"a\": 12345678901234567890}'::jsonb", '{"a": 12345678901234567890}'),
    ('\'{"a": 1, "a": 2}\'::json', '{"a": 1, "a": 2}'),
    ("'null'::jsonb", "null"),
    ("'\"x\"'::jsonb", '"x"'),
    ("'[]'::json", []),
    ("ARRAY[[1, NULL], [3, 4]]", "{{1,NULL},{3,4}}"),
    ("'[0:1]={1,2}'::int[]", "[0:1]={1,2}"),
    ("ARRAY['a,b', 'NULL', '', NULL]", '{"a,b","NULL","",NULL}'),
    ("ROW(1, 'a,b', NULL)", '(1,"a,b",)'),
    ("inet '10.0.0.1/8'", "10.0.0.1/8"),
    ("cidr '::/0'", "::/0"),
    ("B'00101'", "00101"),
    ("int4range(1, 5)", "[1,5)"),
    ("numrange(NULL, 1.50, '(]')", "(,1.50]"),
    ("'{[1,3),[5,7)}'::int4multirange", "{[1,3),[5,7)}"),
    ("pg_typeof(1)", "integer"),
    ("pg_snapshot '10:20:10,14'", "10:20:10,14"),
]


def data_of(reply: Reply) -> list[object]:
    """The rows of a text: between markers where a value is text, else behind the first line."""
    if "<rows-" not in reply.text:
        return [json.loads(line) for line in reply.text.split("\n")[1:]]
    mark = reply.text.partition("<rows-")[2].partition(">")[0]
    lines = reply.text.partition(f"\n<rows-{mark}>\n")[2].partition(f"\n</rows-{mark}>")[0]
    return [json.loads(line) for line in lines.split("\n")]


@pytest.fixture(scope="module")
async def narrow(on_cluster: ServerOn) -> AsyncIterator[Client]:
    """A client of a server with small limits."""
    flags = ("--max-rows", "10", "--max-result-chars", "300", "--max-cell-chars", "20", "--allow-writes")
    async with held(Client(on_cluster(*flags))) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
async def numbers(writer: Client) -> None:
    """A table of 2,000 numbers."""
    await write(writer, "DROP TABLE IF EXISTS numbers")
    await write(writer, "CREATE TABLE numbers (n int PRIMARY KEY, name text)")
    await write(writer, "INSERT INTO numbers SELECT n, 'number ' || n FROM generate_series(1, 2000) n")


@pytest.mark.parametrize(("sql", "value"), VALUES)
async def test_a_value_arrives_whole(reader: Client, sql: str, value: object) -> None:
    reply = await call(reader, "readonly_query", sql=f"SELECT {sql}")
    assert not reply.is_error, reply.text
    assert reply.facts["rows"] == [[value]]
    assert data_of(reply) == [[value]]


async def test_void_has_a_name_and_is_empty(writer: Client) -> None:
    await write(
        writer, "CREATE OR REPLACE FUNCTION nothing() RETURNS void LANGUAGE sql AS $$ SELECT NULL::void $$"
    )
    reply = await call(writer, "readonly_query", sql="SELECT nothing(), nothing() IS NULL")
    assert reply.facts["columns"] == ["nothing void", "?column? bool"]


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT 1 AS a, 'x' AS a, 2.5::numeric(12,2) AS a", ["a int4", "a text", "a numeric(12,2)"]),
        ("SELECT 'x'::varchar(40) AS v, ARRAY['x'] AS l", ["v varchar(40)", "l text[]"]),
        ("SELECT numbers FROM numbers LIMIT 1", ["numbers numbers"]),
        ("SELECT ARRAY[numbers] AS l, numbers FROM numbers LIMIT 1", ["l numbers[]", "numbers numbers"]),
        ("SELECT FROM numbers LIMIT 2", []),
        ("SELECT n FROM numbers WHERE false", ["n int4"]),
    ],
)
async def test_columns_are_named_with_their_types(reader: Client, sql: str, columns: list[str]) -> None:
    reply = await call(reader, "readonly_query", sql=sql)
    assert reply.facts["columns"] == columns
    assert ", ".join(columns) in reply.text


async def test_columns_of_one_name_keep_their_values(reader: Client) -> None:
    assert await rows(reader, "SELECT 1 AS a, 2 AS a, 3 AS a") == [[1, 2, 3]]


async def test_a_query_without_limit_is_cut_and_says_so_first(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT n FROM numbers ORDER BY n -- all of them")
    assert reply.text.startswith("Cut: rows 1 to 100 of more. Next page: ")
    assert reply.facts["rows"] == [[n] for n in range(1, 101)]
    assert reply.facts["row_count"] is None
    assert reply.text.startswith(reply.facts["notice"])
    assert list(reply.facts) == ["notice", "command", "row_count", "columns", "rows"]
    page = await call(reader, "readonly_query", sql="SELECT n FROM numbers ORDER BY n OFFSET 100")
    assert page.facts["rows"][0] == [101]


async def test_a_query_with_its_own_limit_is_counted_to_the_end(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT n FROM numbers ORDER BY n LIMIT 1500")
    assert reply.text.startswith("Cut: rows 1 to 100 of 1,500. ")
    assert (reply.facts["row_count"], len(reply.facts["rows"])) == (1500, 100)


async def test_an_agent_can_ask_for_less(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="TABLE numbers", limit=3)
    assert len(reply.facts["rows"]) == 3
    assert "OFFSET 3" in reply.text


async def test_an_agent_cannot_ask_for_more_than_the_operator_allows(narrow: Client) -> None:
    reply = await call(narrow, "readonly_query", sql="SELECT n FROM numbers", limit=500)
    assert len(reply.facts["rows"]) == 10
    assert "This server shows at most 10 rows of a result." in reply.text
    assert "This server shows at most 10 rows of a result." in reply.facts["notice"]
    whole = await call(narrow, "readonly_query", sql="SELECT n FROM numbers WHERE n < 5", limit=500)
    assert "notice" not in whole.facts


async def test_a_limit_is_at_least_one(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="TABLE numbers", limit=0)
    assert reply.is_error
    assert "limit" in reply.text


async def test_a_result_that_fits_says_nothing_of_cuts(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT n FROM numbers WHERE n <= 100")
    assert "Cut" not in reply.text
    assert "notice" not in reply.facts
    assert reply.facts["row_count"] == 100


async def test_long_values_and_wide_rows_are_cut(narrow: Client) -> None:
    columns = ", ".join(f"repeat('{n % 10}', 50) AS c{n}" for n in range(40))
    reply = await call(narrow, "readonly_query", sql=f"SELECT {columns}")
    assert reply.text.startswith("40 values cut at 20 characters, in c0, c1, c2, c3, c4 …: substr(")
    assert reply.facts["rows"][0][7] == "7" * 20 + "… (50 characters)"


async def test_one_answer_has_one_allowance_of_characters(narrow: Client) -> None:
    query = "SELECT n, name FROM numbers ORDER BY n"
    reply = await call(narrow, "transact", sql_list=[query] * 8)
    shown = [len(statement["rows"]) for statement in reply.facts["statements"]]
    assert len(shown) == 8
    assert all(count >= 2 for count in shown)
    assert len(json.dumps([s["rows"] for s in reply.facts["statements"]])) < 300 + 8 * 20
    large, small = f"{query} LIMIT 9", "SELECT 1"
    reply = await call(narrow, "transact", sql_list=[small, large])
    assert [len(statement["rows"]) for statement in reply.facts["statements"]] == [1, 9]  # what one leaves


async def test_a_change_with_a_large_returning_is_committed_and_counted(writer: Client) -> None:
    reply = await write(writer, "UPDATE numbers SET name = repeat('x', 1000) || n RETURNING *")
    assert reply.facts["outcome"] == "committed"
    (statement,) = reply.facts["statements"]
    assert (statement["command"], statement["row_count"]) == ("UPDATE 2000", 2000)
    assert "do not run it again" in statement["notice"]
    assert len(statement["rows"]) < 100
    assert await rows(writer, "SELECT count(*) FROM numbers WHERE length(name) > 1000") == [[2000]]
    await write(writer, "UPDATE numbers SET name = 'number ' || n")


async def test_what_acts_on_each_row_is_not_limited(writer: Client) -> None:
    await write(writer, "DROP FUNCTION IF EXISTS touch(int)")
    await write(
        writer,
        "CREATE FUNCTION touch(int) RETURNS int LANGUAGE sql AS"
        " $$ UPDATE numbers SET name = 'touched' WHERE n = $1 RETURNING n $$",
    )
    reply = await write(writer, "SELECT touch(n) FROM numbers WHERE n <= 300")
    assert reply.facts["statements"][0]["row_count"] == 300
    assert await rows(writer, "SELECT count(*) FROM numbers WHERE name = 'touched'") == [[300]]
    await write(writer, "UPDATE numbers SET name = 'number ' || n")


async def test_reads_of_a_transaction_are_limited_too(reader: Client) -> None:
    reply = await call(reader, "transact", sql_list=["TABLE numbers", "SELECT 1"])
    first, second = reply.facts["statements"]
    assert (len(first["rows"]), first["row_count"]) == (100, None)
    assert "1. Cut: rows 1 to 100 of more." in reply.text
    assert second["rows"] == [[1]]


@pytest.mark.parametrize("tool", ["readonly_query", "transact"])
async def test_text_and_values_say_the_same_behind_the_same_mark(reader: Client, tool: str) -> None:
    sql = "SELECT n, name FROM numbers ORDER BY n LIMIT 2"
    arguments = {"sql": sql} if tool == "readonly_query" else {"sql_list": [sql]}
    reply = await call(reader, tool, **arguments)
    table = reply.facts if tool == "readonly_query" else reply.facts["statements"][0]
    assert f"</rows-{table['end']}>" in reply.text
    assert table["end"] in reply.facts["data"]
    assert list(table)[-2:] == ["rows", "end"]
    for row in table["rows"]:
        assert json.dumps(row, separators=(",", ":")) in reply.text


@pytest.mark.parametrize("tool", ["readonly_query", "transact"])
async def test_no_two_answers_have_the_same_mark(reader: Client, tool: str) -> None:
    """A row may hold the mark of an answer before, which its author has seen."""
    sql = "SELECT name FROM numbers LIMIT 1"
    arguments = {"sql": sql} if tool == "readonly_query" else {"sql_list": [sql]}
    replies = [await call(reader, tool, **arguments) for _ in range(5)]
    marks = {re.findall(r"</rows-(\d{12})>", reply.text)[-1] for reply in replies}
    assert len(marks) == len(replies)


@pytest.mark.parametrize("sql", ["SELECT 1 WHERE false", "SELECT count(*), true, NULL FROM numbers"])
async def test_where_no_text_comes_nothing_is_marked(reader: Client, sql: str) -> None:
    reply = await call(reader, "readonly_query", sql=sql)
    assert "<rows-" not in reply.text
    assert {"data", "end"}.isdisjoint(reply.facts)


def peak(server: psutil.Process) -> int:
    """The most memory that a process has had, in bytes; where the system does not tell, what it has."""
    if sys.platform != "linux":
        return server.memory_info().rss
    status = Path(f"/proc/{server.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


async def test_a_million_rows_leave_memory_flat(on_cluster: ServerOn) -> None:
    before = set(psutil.Process().children())
    async with held(Client(on_cluster("--allow-writes"))) as client:
        (server,) = set(psutil.Process().children()) - before
        await rows(client, "SELECT generate_series(1, 100)")
        await asyncio.gather(*(rows(client, "SELECT 1") for _ in range(4)))
        at_first = peak(server)
        for sql in (
            "SELECT generate_series(1, 1000000)",
            "SELECT generate_series(1, 1000000) LIMIT 1000000",
            "SELECT n, md5(n::text) FROM generate_series(1, 300000) n FETCH FIRST 300000 ROWS ONLY",
            "SELECT repeat('x', 1000000) FROM generate_series(1, 100) LIMIT 100",
        ):
            reply = await call(client, "readonly_query", sql=sql)
            assert not reply.is_error, reply.text
            assert reply.text.startswith(("Cut: ", "30 values cut"))
        assert peak(server) - at_first < 40 * _MEBIBYTE
