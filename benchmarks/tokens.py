"""Tokens of our answers beside the closest peer's and plain CSV: ``python benchmarks/tokens.py``.

Both servers answer the same calls on one local cluster. Tokens are of o200k_base, counted by bpe-openai; it
and the peer, awslabs-aurora-dsql-mcp-server, are installed from PyPI into virtual environments of their own.
An answer has a text and structured content; clients feed the model one of them (CONTRIBUTING.md,
"Decisions"), so each is counted by itself, with all notices and markers. CSV has a header and nothing else.
"""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from startup import Server, client_of, peer_in

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster

TOKENIZER = "bpe-openai==0.1.4"
COUNT = """
import json, sys, bpe_openai
encoding = bpe_openai.get_encoding("o200k_base")
json.dump([len(encoding.encode(text)) for text in json.load(sys.stdin)], sys.stdout)
"""
ORDERS = (
    "CREATE TABLE orders (id uuid PRIMARY KEY, customer_id bigint NOT NULL, status text NOT NULL,"
    " quantity int NOT NULL CHECK (quantity > 0), total numeric(12,2) NOT NULL,"
    " ordered_at timestamptz NOT NULL)"
)
FILL = (
    "INSERT INTO orders SELECT md5(n::text)::uuid, 1000 + n * 7919 % 9000,"
    " (array['paid', 'shipped', 'open', 'returned'])[1 + n % 4], 1 + n % 9, (n * 7717 % 100000) / 100.0,"
    " timestamptz '2026-03-01 08:00:00Z' + n * interval '1 hour 23 minutes 45.678901 seconds'"
    " FROM generate_series(1, 1000) n"
)
WIDE = "CREATE TABLE wide (" + ", ".join(f"reading_{n:02} double precision" for n in range(60)) + ")"
FILL_WIDE = "INSERT INTO wide VALUES (" + ", ".join(f"{n} / 7.0" for n in range(60)) + ")"  # noqa: S608 - numbers
HUNDRED = "SELECT * FROM orders ORDER BY id LIMIT 100"
THOUSAND = "SELECT * FROM orders ORDER BY id"
RAISED = ("--max-rows", "1000", "--max-result-chars", "1000000")


@dataclass(frozen=True)
class Said:
    """What a server answered, as the two texts of which clients feed the model one."""

    text: str
    structured: str


@dataclass(frozen=True)
class Case:
    """A call, and what it is called in the table."""

    name: str
    tool: str
    arguments: dict[str, Any]
    csv_of: str | None = None


CASES = (
    Case("100 x 6 orders", "readonly_query", {"sql": HUNDRED}, HUNDRED),
    Case("1,000 x 6, cut", "readonly_query", {"sql": THOUSAND}),
    Case("1,000 x 6, limits raised", "readonly_query", {"sql": THOUSAND}, THOUSAND),
    Case("schema of a table", "get_schema", {"table_name": "orders"}),
    Case("a row of 60 columns", "readonly_query", {"sql": "SELECT * FROM wide"}, "SELECT * FROM wide"),
    Case("an error", "readonly_query", {"sql": "SELECT id FROM ordrs"}),
)


def compact(value: object) -> str:
    """Write JSON as clients do that hand it to a model."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def ask(server: Server, tool: str, arguments: dict[str, Any]) -> Said:
    """Call a tool."""
    answer = server.ask("tools/call", {"name": tool, "arguments": arguments})
    text = "\n".join(part["text"] for part in answer["content"])
    structured = answer.get("structuredContent")
    return Said(text, "" if structured is None else compact(structured))


def tool_list(server: Server) -> Said:
    """Give what a model reads of the tools: as text; with output schemas and all else: as structured."""
    tools = server.ask("tools/list", {})["tools"]
    fed = [{key: tool[key] for key in ("name", "description", "inputSchema")} for tool in tools]
    return Said(compact(fed), compact(tools))


def csv_of(server: Server, sql: str) -> str:
    """Write a query's rows as CSV."""
    answer = server.ask("tools/call", {"name": "readonly_query", "arguments": {"sql": sql}})
    facts = answer["structuredContent"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.split(" ")[0] for column in facts["columns"]])
    writer.writerows(facts["rows"])
    return out.getvalue()


def fill(command: Sequence[str], environment: dict[str, str]) -> None:
    """Make the tables."""
    with client_of([*command, "--allow-writes"], environment) as server:
        for statement in (ORDERS, FILL, WIDE, FILL_WIDE):
            answer = server.ask("tools/call", {"name": "transact", "arguments": {"sql_list": [statement]}})
            if answer.get("isError"):
                raise SystemExit(str(answer))


class Counter:
    """Counts tokens, in a virtual environment of its own."""

    def __init__(self, folder: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        self._python = str(folder / "bin" / "python")
        subprocess.run([self._python, "-m", "pip", "install", "--quiet", TOKENIZER], check=True)

    def __call__(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""
        command = [self._python, "-c", COUNT]
        done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def answers(ours: Server, raised: Server, peer: Server) -> dict[str, tuple[Said, Said, str]]:
    """Give for each case our answer, the peer's, and CSV where it is rows."""
    told = {
        case.name: (
            ask(raised if "raised" in case.name else ours, case.tool, case.arguments),
            ask(peer, case.tool, case.arguments),
            csv_of(raised, case.csv_of) if case.csv_of else "",
        )
        for case in CASES
    }
    return told | {"list of tools": (tool_list(ours), tool_list(peer), "")}


def report(told: dict[str, tuple[Said, Said, str]], count: Counter) -> None:
    """Print a row for each case: the text and the structured content of both, and what ours are of theirs."""
    print(f"{'':26}{'ours':>14}{'peer':>14}{'CSV':>7}{'of peer':>14}{'of CSV':>14}")
    for name, (ours, peer, plain) in told.items():
        *sizes, rows = count([ours.text, ours.structured, peer.text, peer.structured, plain])
        of_peer = [ratio(mine, theirs) for mine, theirs in zip(sizes[:2], sizes[2:], strict=True)]
        of_csv = [ratio(mine, rows) for mine in sizes[:2]]
        cells = "".join(f"{size:>7}" for size in (*sizes, rows or ""))
        print(f"{name:26}{cells}" + "".join(f"{part:>7}" for part in (*of_peer, *of_csv)))
    print("Pairs are of the text and of the structured content.")


def ratio(mine: int, theirs: int) -> str:
    """Write what share one number is of another."""
    return f"{mine / theirs:.2f}" if theirs else ""


def compare(cluster: LocalCluster, folder: Path) -> None:
    """Ask both servers, and count."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": cluster.access_key,
        "AWS_SECRET_ACCESS_KEY": cluster.secret_key,
        "PGPORT": str(cluster.port),
        "PGSSLROOTCERT": str(cluster.ca_file),
    }
    target = ["--cluster_endpoint", cluster.host, "--region", cluster.region, "--database_user", "admin"]
    ours = [str(Path(sys.executable).parent / "awslabs-dsql-mcp"), *target]
    peer = [*peer_in(folder / "peer", cluster.port), *target]
    fill(ours, environment)
    with (
        client_of(ours, environment) as first,
        client_of([*ours, *RAISED], environment) as second,
        client_of(peer, environment) as third,
    ):
        told = answers(first, second, third)
    report(told, Counter(folder / "tokenizer"))


async def main() -> None:
    """Run it on one local cluster."""
    with tempfile.TemporaryDirectory() as name:
        async with local_cluster(Path(name) / "data") as cluster:
            await asyncio.to_thread(compare, cluster, Path(name))


if __name__ == "__main__":
    asyncio.run(main())
