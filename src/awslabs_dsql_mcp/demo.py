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
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from awslabs_dsql_mcp.option_parser import SettingsError
from awslabs_dsql_mcp.terminal import coloured, takes_colours, working
from awslabs_dsql_mcp.text import as_line

_TIMEOUT = 58.0
_CUSTOMERS, _PRODUCTS, _ORDERS = 300, 60, 2_400
_ROWS_PER_STATEMENT = 500
_MAX_LINES = 60
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
_STARTING = "Starting a server on a local cluster, which takes some seconds"
_SCRIPT = """\
CREATE TABLE shop.reviews (
  id serial PRIMARY KEY,
  product_id bigint NOT NULL,
  stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
  body text
);
CREATE INDEX reviews_by_product ON shop.reviews (product_id);
INSERT INTO shop.reviews (product_id, stars, body) VALUES (1, 5, 'Bright'), (2, 3, NULL);
"""
_NEXT = """\
  {program} install claude-code --local --allow-writes
  {program} install claude-code --cluster_endpoint YOUR-ENDPOINT
Without a name it asks for which client."""


class DemoFailed(Exception):
    """A call had an unexpected result."""


def main(argv: Sequence[str], program: str) -> int:
    """Run the demonstration.

    Args:
        argv: Must be empty.
        program: How the user starts this program, for what to do next.

    Returns:
        0, or 1 after printing the failure.
    """
    if list(argv) in (["--help"], ["-h"]):
        _say("usage: awslabs-dsql-mcp demo\n\nDemonstrate every tool on a local cluster, in under a minute.")
        return 0
    if argv:
        raise SettingsError(f"demo: got {argv[0]!r}, expected no arguments")
    try:
        asyncio.run(asyncio.wait_for(_demonstrate(), _TIMEOUT))
    except asyncio.TimeoutError:
        return _fail(f"not done after {_TIMEOUT:.0f} s")
    except Exception as error:
        # Tasks raise it within a group; a pipe that nobody reads is the command line's own matter.
        failed = _cause(error)
        if not isinstance(failed, (DemoFailed, OSError)) or isinstance(failed, BrokenPipeError):
            raise
        return _fail(as_line(str(failed)))
    _say(_head("\nDone. Next, give your MCP client such a server:\n") + _NEXT.format(program=program))
    return 0


def _cause(error: BaseException) -> BaseException:
    inner: Sequence[BaseException] = getattr(error, "exceptions", ())
    return _cause(inner[0]) if inner else error


async def _demonstrate() -> None:
    with tempfile.TemporaryDirectory(prefix="awslabs-dsql-mcp-") as folder:
        await _with_writes(folder, _files(folder))


def _files(folder: str) -> str:
    """Make the folder that the server may read and write."""
    files = Path(folder, "files")
    files.mkdir()
    (files / "new.csv").write_text("id,name,price\n61,Lamp XL,89.90\n62,Rug XL,240.00\n")
    return str(files)


async def _with_writes(folder: str, files: str) -> None:
    flags = ("--allow-writes", "--confirm", "never", "--load-dir", files, "--export-dir", files)
    async with AsyncExitStack() as stack:
        with working(_STARTING, sys.stderr, os.environ):  # noqa: TID251 - of a command
            client = await stack.enter_async_context(_client(folder, *flags))
            tools = [tool.name for tool in (await client.list_tools()).tools]
        _say(_head("A server on a local cluster, with writes allowed and a folder of files:"))
        _say("  tools: " + ", ".join(tools))
        called = set[str]()
        await _build(client, called)
        await _look(client, called)
        await _change(client, called)
        await _documentation(client, called)
        if missing := [name for name in tools if name not in called]:
            raise DemoFailed(f"not called: {', '.join(missing)}")
        await _without_writes(folder)


async def _build(client: Any, called: set[str]) -> None:  # noqa: ANN401 - the SDK is imported late
    for statement in _TABLES:  # one DDL statement per transaction
        await _call(client, called, "transact", sql_list=[statement])
    await _load(client, called)
    await _call(client, called, "load_rows", table="shop.products", path="new.csv")


async def _look(client: Any, called: set[str]) -> None:  # noqa: ANN401 - as above
    await _call(client, called, "get_schema")
    await _call(client, called, "get_schema", table_name="shop.orders")
    await _call(client, called, "readonly_query", sql=_BEST_SELLERS, params=["DE"])
    await _call(client, called, "explain_query", sql=_BEST_SELLERS, params=["DE"])
    await _call(
        client, called, "export_query", sql="SELECT * FROM shop.products ORDER BY id", path="products.csv"
    )
    await _call(client, called, "readonly_query", fails=True, sql="SELECT * FROM shop.order")
    await _call(client, called, "cluster_status", cluster_id="this")
    await _call(client, called, "diagnose")


async def _change(client: Any, called: set[str]) -> None:  # noqa: ANN401 - as above
    _say(_head("\nA transaction is atomic: the second statement fails, so the first is rolled back."))
    await _call(
        client,
        called,
        "transact",
        fails=True,
        sql_list=[
            "UPDATE shop.products SET price = price * 2",
            "INSERT INTO shop.products VALUES (1, 'twice', 1)",
        ],
    )
    await _call(client, called, "readonly_query", sql="SELECT min(price), max(price) FROM shop.products")
    _say(_head("\nA PostgreSQL script: what Aurora DSQL does not take of it, and the script carried out."))
    await _call(client, called, "dsql_lint", sql=_SCRIPT)
    await _call(client, called, "migrate", statements=_SCRIPT)
    await _call(client, called, "job_status")
    _say(_head("\nOne UPDATE of any number of rows, in batches that can be resumed:"))
    await _call(client, called, "batch_write", sql="UPDATE shop.orders SET quantity = quantity + 1")


async def _without_writes(folder: str) -> None:
    _say(_head("\nA second server on the same cluster, started without --allow-writes:"))
    called = set[str]()
    async with _client(folder) as client:
        await _call(client, called, "readonly_query", fails=True, sql="DELETE FROM shop.orders")
        await _call(client, called, "transact", fails=True, sql_list=["DELETE FROM shop.orders"])
        counts = ["SELECT count(*) FROM shop.orders", "SELECT count(*) FROM shop.customers"]
        await _call(client, called, "transact", sql_list=counts)


async def _documentation(client: Any, called: set[str]) -> None:  # noqa: ANN401 - as above
    found = await _call(
        client, called, "dsql_search_documentation", search_phrase="rows in a transaction", limit=3
    )
    urls = [word for word in found.split() if word.startswith(("https://", "dsql://"))]
    if urls:
        await _call(client, called, "dsql_read_documentation", url=urls[0], max_length=900)
        await _call(client, called, "dsql_recommend", url=urls[0])


async def _load(client: Any, called: set[str]) -> None:  # noqa: ANN401 - as above
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
        called,
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


async def _call(client: Any, called: set[str], name: str, *, fails: bool = False, **arguments: object) -> str:  # noqa: ANN401 - as above
    given = textwrap.shorten(json.dumps(arguments, ensure_ascii=False), 300, placeholder=" …")
    _say(f"\n{_head(f'→ {name}')} {given}")
    called.add(name)
    result = await client.call_tool(name, arguments)
    text = "\n".join(
        str(getattr(part, "text", "")) or f"({part.type}: {part.uri})" for part in result.content
    )
    _say(textwrap.indent(_bounded(text), "  "))
    if result.is_error is not fails:
        raise DemoFailed(f"{name} " + ("succeeded, but should be refused" if fails else "failed"))
    return text


def _bounded(text: str) -> str:
    """Leave lines out of the middle of a long answer: its beginning and its end have its point."""
    lines = text.splitlines()
    if len(lines) <= _MAX_LINES:
        return text
    left_out = len(lines) - _MAX_LINES
    half = _MAX_LINES // 2
    return "\n".join([*lines[:half], f"… {left_out} lines are left out here …", *lines[-half:]])


def _head(text: str) -> str:
    wanted = takes_colours(sys.stdout, os.environ)  # noqa: TID251 - of a command
    return coloured(text, "bold", wanted=wanted)


def _fail(reason: str) -> int:
    print(f"awslabs-dsql-mcp demo: {reason}", file=sys.stderr)  # noqa: T201 - output of a command
    return 1


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - output of a command
