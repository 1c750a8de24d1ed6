"""Numbers of JSON reach PostgreSQL with the digits that were sent, as values and as rows."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from awslabs_dsql_mcp.json_reader import LARGE
from conftest import ServerOn
from support.wire.served import Served

NUMBERS: Final = [
    "1.10", "-0.0", "0.30000000000000004441", "12345678901234567890.123", "1e400", "-1.5E-300", "2E+3",
    "9" * 300, "-" + "7" * 5000, "9007199254740993", "1e-400", "100000000000000000000000",
]  # fmt: skip
HUGE: Final = "1e99999999999999999999"


@asynccontextmanager
async def served(on_cluster: ServerOn) -> AsyncGenerator[Served]:
    start = on_cluster("--allow-writes")
    process = await asyncio.create_subprocess_exec(
        start.command, *start.args, env=start.env, stdin=PIPE, stdout=PIPE, limit=2**24
    )
    server = Served(process)
    await server.shake_hands()
    try:
        yield server
    finally:
        server.input.close()
        await process.wait()


async def call(server: Served, tool: str, arguments: str) -> tuple[str, list[list[object]]]:
    """Call a tool with arguments written as JSON; give its text and its rows."""
    result = await server.ask("tools/call", f'{{"name": "{tool}", "arguments": {arguments}}}', 2)
    return result["content"][0]["text"], result.get("structuredContent", {}).get("rows", [])


async def test_values_keep_their_digits(on_cluster: ServerOn) -> None:
    async with served(on_cluster) as server:
        literals = ", ".join(f"md5(({number}::numeric)::text)" for number in NUMBERS)
        _, expected = await call(server, "readonly_query", json.dumps({"sql": f"SELECT {literals}"}))
        sql = "SELECT " + ", ".join(["md5((%s::numeric)::text)"] * len(NUMBERS))
        as_list = f"[{', '.join(NUMBERS)}]"
        for params in (as_list, json.dumps(as_list)):  # some clients send lists as text
            for blanks in ("", " " * LARGE):  # a large line has another reader
                arguments = f'{{"sql": "{sql}", {blanks}"params": {params}}}'
                _, rows = await call(server, "readonly_query", arguments)
                assert rows == expected
        array = "SELECT md5(n::text) FROM unnest(%s::numeric[]) AS a(n)"
        _, rows = await call(server, "readonly_query", f'{{"sql": "{array}", "params": [{as_list}]}}')
        assert [row[0] for row in rows] == expected[0]
        document = f'{{"a": [1.10, {{"b": {NUMBERS[3]}}}]}}'
        sql = "SELECT (%s::jsonb)::text"
        _, rows = await call(server, "readonly_query", f'{{"sql": "{sql}", "params": [{document}]}}')
        assert rows == [['{"a": [1.10, {"b": 12345678901234567890.123}]}']]


async def test_a_number_beyond_numeric_is_refused_by_the_cluster(on_cluster: ServerOn) -> None:
    async with served(on_cluster) as server:
        told, _ = await call(server, "readonly_query", f'{{"sql": "SELECT %s", "params": [{HUGE}]}}')
        assert "22" in told
        assert "numeric" in told


async def test_rows_keep_their_digits(on_cluster: ServerOn) -> None:
    async with served(on_cluster) as server:
        made = "CREATE TABLE digits (id int PRIMARY KEY, n numeric(1000, 400), j jsonb, t text)"
        await call(server, "transact", json.dumps({"sql_list": [made]}))
        fitting = [n if len(n) < 1000 else "null" for n in NUMBERS]
        numbered = list(enumerate(zip(NUMBERS, fitting, strict=True)))
        rows = ", ".join(f'{{"id": {i}, "n": {m}, "j": [{n}], "t": {n}}}' for i, (n, m) in numbered)
        for given in (f"[{rows}]", json.dumps(f"[{rows}]")):
            loaded, _ = await call(
                server, "load_rows", f'{{"table": "digits", "on_conflict": "update", "rows": {given}}}'
            )
            assert "finished" in loaded, loaded
            values = ", ".join(f"({i}, {m}::numeric, '[{n}]'::jsonb, '{n}')" for i, (n, m) in numbered)
            compared = (
                f"SELECT count(*) FROM digits d JOIN (VALUES {values}) v(id, n, j, t) USING (id) "  # noqa: S608 - our numbers
                "WHERE d.n IS NOT DISTINCT FROM v.n AND d.j::text = v.j::text AND d.t = v.t"
            )
            _, found = await call(server, "readonly_query", json.dumps({"sql": compared}))
            assert found == [[len(NUMBERS)]]
        rows = f'[{{"id": 98, "n": 1}}, {{"id": 99, "n": {HUGE}}}]'
        told, _ = await call(server, "load_rows", f'{{"table": "digits", "rows": {rows}}}')
        assert "Row 2" in told
