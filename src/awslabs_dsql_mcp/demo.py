"""``awslabs-dsql-mcp demo``: a demonstration of the tools on a local cluster.

An MCP client starts this server over stdio, with a cluster in a temporary directory.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from awslabs_dsql_mcp.option_parser import SettingsError

_TIMEOUT = 28.0
_CUSTOMERS, _PRODUCTS, _ORDERS = 300, 60, 2_400
_ROWS_PER_STATEMENT = 500
_MAX_SHOWN = 1_200
_TABLES = (
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.customers (id bigint PRIMARY KEY, name text NOT NULL, country char(2) NOT NULL)",
    "CREATE TABLE shop.products (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10,2) NOT NULL)",
    (
        "CREATE TABLE shop.orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), customer_id bigint NOT NULL"
        " REFERENCES shop.customers, product_id bigint NOT NULL REFERENCES shop.products,"
        " quantity int NOT NULL CHECK (quantity > 0), ordered_at timestamptz NOT NULL)"
    ),
)
_BEST_SELLERS = (
    "SELECT p.name, sum(o.quantity) AS sold, sum(o.quantity * p.price) AS revenue"
    " FROM shop.orders o JOIN shop.products p ON p.id = o.product_id"
    " JOIN shop.customers c ON c.id = o.customer_id WHERE c.country = %s"
    " GROUP BY p.name ORDER BY revenue DESC LIMIT 3"
)


class DemoFailed(Exception):
    """A call had an unexpected result."""


def main(argv: Sequence[str]) -> int:
    """Run the demonstration.

    Args:
        argv: Must be empty.

    Returns:
        0, or 1 after printing the failure.
    """
    if list(argv) in (["--help"], ["-h"]):
        _say("usage: awslabs-dsql-mcp demo\n\nDemonstrate the tools on a local cluster, in under 30 s.")
        return 0
    if argv:
        raise SettingsError(f"demo: got {argv[0]!r}, expected no arguments")
    try:
        asyncio.run(asyncio.wait_for(_demonstrate(), _TIMEOUT))
    except asyncio.TimeoutError:
        return _fail(f"not done after {_TIMEOUT:.0f} s")
    except DemoFailed as failed:
        return _fail(str(failed))
    _say("\nDone. Configure your client with the same server: see README.md.")
    return 0


async def _demonstrate() -> None:
    with tempfile.TemporaryDirectory(prefix="awslabs-dsql-mcp-") as folder:
        await _with_writes(folder)


async def _with_writes(folder: str) -> None:
    _say("A server on a local cluster, with writes allowed:")
    async with _client(folder, "--allow-writes") as client:
        tools = await client.list_tools()
        _say("  tools: " + ", ".join(tool.name for tool in tools.tools))
        for statement in _TABLES:  # one DDL statement per transaction
            await _call(client, "transact", sql_list=[statement])
        await _load(client)
        await _call(client, "get_schema")
        await _call(client, "get_schema", table_name="shop.orders")
        await _call(client, "readonly_query", sql=_BEST_SELLERS, params=["DE"])
        await _call(client, "explain_query", sql=_BEST_SELLERS, params=["DE"])
        await _call(client, "readonly_query", fails=True, sql="SELECT * FROM shop.order")
        _say("A transaction is atomic: the second statement fails, so the first is rolled back.")
        await _call(
            client,
            "transact",
            fails=True,
            sql_list=[
                "UPDATE shop.products SET price = price * 2",
                "INSERT INTO shop.products VALUES (1, 'twice', 1)",
            ],
        )
        await _call(client, "readonly_query", sql="SELECT min(price), max(price) FROM shop.products")
        await _documentation(client)
        await _without_writes(folder)


async def _without_writes(folder: str) -> None:
    _say("A second server on the same cluster, started without --allow-writes:")
    async with _client(folder) as client:
        await _call(client, "readonly_query", fails=True, sql="DELETE FROM shop.orders")
        await _call(client, "transact", fails=True, sql_list=["DELETE FROM shop.orders"])
        await _call(
            client,
            "transact",
            sql_list=["SELECT count(*) FROM shop.orders", "SELECT count(*) FROM shop.customers"],
        )


async def _documentation(client: Any) -> None:  # noqa: ANN401 - the SDK is imported late
    found = await _call(client, "dsql_search_documentation", search_phrase="rows in a transaction", limit=3)
    urls = [word for word in found.split() if word.startswith(("https://", "dsql://"))]
    if urls:
        await _call(client, "dsql_read_documentation", url=urls[0], max_length=600)
        await _call(client, "dsql_recommend", url=urls[0])


async def _load(client: Any) -> None:  # noqa: ANN401 - as above
    choose = random.Random(7)  # noqa: S311 - a sample, the same each time
    goods = [
        f"{kind} {size}" for kind in ("Lamp", "Chair", "Desk", "Shelf", "Clock", "Rug") for size in range(10)
    ]
    customers = [
        [i, f"Customer {i}", choose.choice(["DE", "FR", "US", "JP"])] for i in range(1, _CUSTOMERS + 1)
    ]
    products = [[i + 1, goods[i], f"{choose.uniform(5, 500):.2f}"] for i in range(_PRODUCTS)]
    orders = [
        [choose.randint(1, _CUSTOMERS), choose.randint(1, _PRODUCTS), choose.randint(1, 5),
         f"2026-{choose.randint(1, 11):02}-{choose.randint(1, 28):02}T12:00:00Z"]
        for _ in range(_ORDERS)
    ]  # fmt: skip
    inserts = [
        *_inserts("shop.customers (id, name, country)", customers),
        *_inserts("shop.products (id, name, price)", products),
        *_inserts("shop.orders (customer_id, product_id, quantity, ordered_at)", orders),
    ]
    await _call(
        client,
        "transact",
        sql_list=[sql for sql, _ in inserts],
        params_list=[values for _, values in inserts],
    )


def _inserts(into: str, rows: Sequence[Sequence[object]]) -> Iterator[tuple[str, list[object]]]:
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        part = rows[start : start + _ROWS_PER_STATEMENT]
        placeholders = ", ".join("(" + ", ".join(["%s"] * len(row)) + ")" for row in part)
        yield f"INSERT INTO {into} VALUES {placeholders}", [value for row in part for value in row]  # noqa: S608 - constants


def _client(folder: str, *flags: str) -> Any:  # noqa: ANN401 - as above
    from mcp import Client, StdioServerParameters  # noqa: PLC0415 - only this command needs the client

    command = [
        "-m",
        "awslabs_dsql_mcp",
        "--local",
        "--local-data",
        folder,
        "--knowledge-timeout",
        "3",
        *flags,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DSQL_")}  # noqa: TID251 - a child's environment
    return Client(StdioServerParameters(command=sys.executable, args=command, env=environment))


async def _call(client: Any, name: str, *, fails: bool = False, **arguments: object) -> str:  # noqa: ANN401 - as above
    _say(f"\n→ {name} {textwrap.shorten(json.dumps(arguments, ensure_ascii=False), 300, placeholder=' …')}")
    result = await client.call_tool(name, arguments)
    text = "\n".join(part.text for part in result.content)
    _say(textwrap.indent(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + " …", "  "))
    if result.is_error is not fails:
        raise DemoFailed(f"{name} " + ("succeeded, but should be refused" if fails else "failed"))
    return text


def _fail(reason: str) -> int:
    print(f"awslabs-dsql-mcp demo: {reason}", file=sys.stderr)  # noqa: T201 - output of a command
    return 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - output of a command
