"""Text of others that tries to speak as the server, in all that leaves it.

Planted in: names of schemas, tables, columns, constraints, indexes, views, domains, functions and their
arguments, roles, settings; cells, defaults, predicates, comments, bodies of functions; files, their headers;
scripts; every argument and its name; names of tools, prompts, resources. Read in: text, structured content
and ``_meta`` of answers and errors, progress, questions to the user, resources, prompts, completions, logs.
"""

# ruff: noqa: S608 - statements are what is tested

import asyncio
import csv
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.client.stdio import stdio_client
from mcp.shared.exceptions import MCPError
from mcp.types import (
    ElicitRequestParams,
    ElicitResult,
    ResourceTemplateReference,
    TextContent,
    TextResourceContents,
)

from conftest import ServerOn, held
from support.canaries import CANARIES, SIGN, faults_in, faults_in_log, faults_in_text

PROMPTS = {
    "explore_database": "topic",
    "explain_slow_query": "sql",
    "design_table": "purpose",
    "grant_access": "who",
}
PLACES = 30
"""Canaries of an example."""


# An example is many calls: smaller ones say no more than the call that failed.
MANY_CALLS = settings(
    max_examples=max(2, settings().max_examples // 20),
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Nest:
    """A client, and canaries to be planted, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.canaries: Iterator[str] = iter(())
        self.heard: list[str] = []
        self.progress_quoted = 0
        self.client: Client

    async def agrees(self, context: object, params: ElicitRequestParams) -> ElicitResult:
        """Answer a question about a change, and keep it."""
        del context
        self.heard.append(params.message)
        return ElicitResult(action="accept", content={"run": True})

    def read_logs(self) -> None:
        """Read the log and the audit log, and empty them."""
        for name in ("log", "audit"):
            file = self.folder.parent / name
            faults = list(faults_in_log(file.read_bytes().decode()))
            os.truncate(file, 0)
            assert not faults, faults[:3]

    def text(self) -> str:
        """The next canary."""
        return next(self.canaries)

    def name(self) -> str:
        """The next canary as a name in quotes."""
        fitting = self.text().encode()[:60].decode(errors="ignore")
        return '"' + fitting.replace('"', '""') + '"'

    def literal(self) -> str:
        """The next canary as a string constant."""
        return "'" + self.text().replace("'", "''") + "'"

    async def call(self, tool: str, **arguments: object) -> bool:
        """Call a tool, and read all of its answer."""

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            del progress, total
            self.heard.append(message or "")
            self.progress_quoted += SIGN in (message or "")

        result = await self.client.call_tool(tool, arguments, progress_callback=heard)
        faults = faults_in(result) + [fault for message in self.heard for fault in faults_in_text(message)]
        assert not faults, (tool, arguments, faults)
        self.heard.clear()
        return not result.is_error

    async def read(self, uri: str) -> None:
        """Read a resource, or its error."""
        try:
            result = await self.client.read_resource(uri)
        except MCPError as error:
            texts = [error.message]
        else:
            texts = [part.text for part in result.contents if isinstance(part, TextResourceContents)]
        assert not [fault for text in texts for fault in faults_in_text(text)], (uri, texts)

    async def do(self, *statements: str) -> bool:
        """Run statements in a transaction, whatever comes of it."""
        return await self.call("transact", sql_list=list(statements))


@pytest.fixture(scope="module")
async def nest(on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Nest]:
    """A server that may do everything, and asks before each change."""
    folder = tmp_path_factory.mktemp("nest") / "files"
    folder.mkdir()
    told = ("--audit-log", str(folder.parent / "audit"), "--audit-parameters", "--log-level", "DEBUG")
    files = ("--load-dir", str(folder), "--export-dir", str(folder))
    start = on_cluster("--allow-writes", "--confirm", "always", *files, *told)
    made = Nest(folder)
    with (folder.parent / "log").open("a", encoding="utf-8") as errors:
        opening = Client(stdio_client(start, errlog=errors), elicitation_callback=made.agrees)
        async with held(opening) as made.client:
            yield made
        assert made.progress_quoted, "no canary has reached a progress message"


@given(st.lists(CANARIES, min_size=PLACES, max_size=PLACES))
@MANY_CALLS
async def test_no_text_of_others_speaks_as_the_server(nest: Nest, canaries: list[str]) -> None:
    nest.canaries = _again(canaries)
    schema, table, key, value = (nest.name() for _ in range(4))
    at = f"{schema}.{table}"
    dropped = [f"DROP TABLE IF EXISTS {at} CASCADE", f"DROP SCHEMA IF EXISTS {schema} CASCADE"]
    try:
        await nest.do(f"CREATE SCHEMA {schema}")
        await _plant(nest, schema, at, key, value)
        await _look(nest, at, key, value)
        await _fail(nest, schema, at, key, value)
        await _load(nest, at, key, value)
    finally:
        for statement in dropped:
            await nest.do(statement)
    nest.read_logs()


@given(st.lists(CANARIES, min_size=PLACES, max_size=PLACES))
@MANY_CALLS
async def test_no_argument_and_no_script_speaks_as_the_server(nest: Nest, canaries: list[str]) -> None:
    nest.canaries = _again(canaries)
    text, name, literal = nest.text, nest.name, nest.literal
    calls: list[tuple[str, dict[str, Any]]] = [
        ("readonly_query", {"sql": text()}),
        ("readonly_query", {"sql": f"SELECT {name()}({literal()})"}),
        ("readonly_query", {"sql": f"SELECT {literal()}; {text()}"}),
        ("readonly_query", {"sql": f"SELECT 1 FORM {name()}"}),
        ("readonly_query", {"sql": "SELECT %s::int", "params": [text()]}),
        ("readonly_query", {"sql": f"SELECT {literal()}::json"}),
        ("readonly_query", {"sql": "SELECT 1", text(): text()}),
        ("readonly_query", {"sql": "SELECT 1", "limit": text()}),
        ("readonly_query", {"sql": f"SHOW {name()}"}),
        ("transact", {"sql_list": [f"DROP TABLE IF EXISTS {name()}"]}),
        ("transact", {"sql_list": [f"GRANT SELECT ON {name()} TO {name()}"]}),
        ("transact", {"sql_list": [f"CREATE TABLE {name()} ({name()} {name()})"]}),
        ("transact", {"sql_list": [f"SET {name()} = {literal()}"]}),
        ("transact", {"sql_list": ["SELECT 1"], "dry_run_token": text()}),
        ("transact", {"sql_list": [f"CREATE ROLE {name()}"]}),
        ("transact", {"sql_list": [f"AWS IAM GRANT {name()} TO {literal()}"]}),
        ("transact", {"sql_list": [f"SELECT {literal()} AS {name()}"], "dry_run": True}),
        ("transact", {"sql_list": ["SELECT 1"], text(): [text()]}),
        ("get_schema", {"table_name": text()}),
        ("get_schema", {"table_name": name(), "after": text()}),
        ("get_schema", {"after": name()}),
        ("explain_query", {"sql": f"SELECT {literal()} AS {name()} ORDER BY {literal()}"}),
        ("explain_query", {"sql": text()}),
        ("job_status", {"job_id": text()}),
        ("diagnose", {"minutes": text()}),
        ("batch_write", {"sql": f"DELETE FROM {name()}", "resume": text()}),
        ("batch_write", {"sql": "DELETE FROM t", "dry_run_token": text()}),
        ("load_rows", {"table": text(), "rows": [{}]}),
        ("load_rows", {"table": "t", "path": text()}),
        ("export_query", {"sql": "SELECT 1", "path": text()}),
        ("export_query", {"sql": "SELECT 1", "path": f"{text()}.csv"}),
        ("dsql_search_documentation", {"search_phrase": text()}),
        ("dsql_read_documentation", {"url": text()}),
        ("dsql_read_documentation", {"url": f"https://docs.aws.amazon.com/{text()}"}),
        ("dsql_recommend", {"url": f"dsql://guide/{text()}"}),
        ("migrate", {"statements": text(), "dry_run": True}),
        ("migrate", {"statements": "SELECT 1", "resume_from": text()}),
        ("migrate", {"statements": _script(nest), "dry_run": True}),
        ("migrate", {"statements": f"INSERT INTO {name()} VALUES ({literal()})"}),
        ("dsql_lint", {"sql": text()}),
        ("dsql_lint", {"sql": _script(nest), "fix": True}),
    ]
    for tool, arguments in calls:
        await nest.call(tool, **arguments)
    with suppress(MCPError):
        await nest.call(text())
    with suppress(MCPError):
        await nest.client.get_prompt(text())
    for prompt, argument in (
        ("explore_database", "topic"),
        ("explain_slow_query", "sql"),
        ("design_table", "purpose"),
    ):
        message = (await nest.client.get_prompt(prompt, {argument: text()})).messages[0].content
        assert isinstance(message, TextContent)
        assert not list(faults_in_text(message.text)), message.text
    for uri in ("dsql://schema/public/", "dsql://diagram/", "dsql://guide/", "dsql://"):
        await nest.read(uri + json.dumps(text())[1:-1].replace("\\", "%5C").replace(" ", "%20"))
    nest.read_logs()


def _again(canaries: list[str]) -> Iterator[str]:
    while True:
        yield from canaries


async def _plant(nest: Nest, schema: str, at: str, key: str, value: str) -> None:
    name, literal = nest.name, nest.literal
    await nest.do(
        f"CREATE TABLE {at} ({key} text CONSTRAINT {name()} PRIMARY KEY, {value} text DEFAULT {literal()}, "
        f"n int, CONSTRAINT {name()} UNIQUE ({value}), CONSTRAINT {name()} CHECK ({value} <> {literal()}), "
        f"CONSTRAINT {name()} CHECK (n > 0))"
    )
    await nest.do(f"COMMENT ON TABLE {at} IS {literal()}")
    await nest.do(f"COMMENT ON COLUMN {at}.{value} IS {literal()}")
    await nest.do(f"CREATE INDEX ASYNC {name()} ON {at} (n) WHERE {value} <> {literal()}")
    await nest.do(f"CREATE INDEX ASYNC {name()} ON {at} (n)")
    await nest.do(f"CREATE INDEX ASYNC {name()} ON {at} (n, {value})")
    await nest.do(f"CREATE SEQUENCE {schema}.{name()} CACHE 1")
    await nest.do(f"CREATE VIEW {schema}.{name()} AS SELECT {literal()}::text AS {name()}, * FROM {at}")
    await nest.do(f"CREATE DOMAIN {schema}.{name()} AS int CHECK (VALUE > 0)")
    await nest.do(f"CREATE FUNCTION {schema}.{name()}({name()} int) RETURNS text LANGUAGE sql AS {literal()}")
    await nest.do(
        f"INSERT INTO {at} ({key}, {value}, n) VALUES ({literal()}, {literal()}, 1)",
        f"INSERT INTO {at} ({key}, {value}, n) VALUES ({literal()}, {literal()}, 2) RETURNING *",
    )


async def _look(nest: Nest, at: str, key: str, value: str) -> None:
    name, literal = nest.name, nest.literal
    for detail in (None, "names", "summary", "full"):
        await nest.call("get_schema", detail=detail)
    await nest.call("get_schema", table_name=at)
    await nest.call("get_schema", table_name=at.upper())
    await nest.call("readonly_query", sql=f"SELECT *, 1 AS {name()} FROM {at}")
    await nest.call("readonly_query", sql=f"SELECT 1 AS {name()}, 2 AS {name()}")
    await nest.call("readonly_query", sql=f"SELECT jsonb_build_object({key}, {value}) FROM {at}")
    await nest.call("explain_query", sql=f"SELECT * FROM {at} WHERE {value} = {literal()} AND n = 3")
    await nest.call("explain_query", sql=f"SELECT * FROM {at} JOIN {at} b USING ({value})", analyze=True)
    await nest.call("export_query", sql=f"SELECT *, 1 AS {name()} FROM {at}", path="x.csv", overwrite=True)
    await nest.call("job_status")
    await nest.call("diagnose")
    for uri in ("dsql://schema", "dsql://diagram", "dsql://roles"):
        await nest.read(uri)
    for part, known in (("schema", {}), ("table", {"schema": "public"}), ("table", {})):
        ref = ResourceTemplateReference(uri="dsql://schema/{schema}/{table}")
        offered = await nest.client.complete(ref, {"name": part, "value": ""}, known)
        assert not [
            fault for value in offered.completion.values for fault in faults_in_text(f"value: {value}")
        ]


async def _fail(nest: Nest, schema: str, at: str, key: str, value: str) -> None:
    name, literal = nest.name, nest.literal
    same = literal()
    for sql in (
        f"SELECT {value}::int FROM {at}",
        f"SELECT sum({value}::numeric) FROM {at}",
        f"SELECT {value}::uuid, {value}::date FROM {at}",
        f"SELECT {name()} FROM {at}",
        f"SELECT {value}.x FROM {at}",
        f"SELECT * FROM {schema}.{name()}",
        f"SELECT {schema}.{name()}({value}) FROM {at}",
        f"SELECT {value} + 1 FROM {at}",
        f"SELECT {literal()}::{schema}.{name()}",
        f"SELECT ({literal()} || {value})::json FROM {at}",
    ):
        await nest.call("readonly_query", sql=sql)
    for statements in (
        [
            f"INSERT INTO {at} ({key}, n) VALUES ({same}, 1)",
            f"INSERT INTO {at} ({key}, n) VALUES ({same}, 2)",
        ],
        [f"INSERT INTO {at} ({key}, {value}, n) VALUES ({literal()}, {literal()}, -1)"],
        [f"INSERT INTO {at} VALUES (NULL, {literal()}, 1)"],
        [f"UPDATE {at} SET {value} = {literal()}, n = 'x'"],
        [f"UPDATE {at} SET {value} = {same}"],
        [f"ALTER TABLE {at} ALTER COLUMN {value} TYPE int"],
        [f"ALTER TABLE {at} ADD COLUMN {name()} text REFERENCES {at}"],
        [f"CREATE TABLE {at} ({key} int)"],
        [f"DROP VIEW {schema}.{name()}"],
        [f"TRUNCATE {at}"],
    ):
        await nest.do(*statements)


async def _load(nest: Nest, at: str, key: str, value: str) -> None:
    text, name, literal = nest.text, nest.name, nest.literal
    plain = [part[1:-1].replace('""', '"') for part in (key, value)]
    for skip in (False, True):
        await nest.call(
            "load_rows",
            table=at,
            rows=[{plain[0]: text(), plain[1]: text(), "n": text()}, {text(): 1}, [text()]],
            skip_bad_rows=skip,
            resume="new",
        )
    file = nest.folder / "rows.csv"

    def write(*rows: list[str]) -> None:
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows(rows)

    await asyncio.to_thread(write, [*plain, "n"], [text(), text(), text()], [text()], [text(), text(), "3"])
    for more in ({"dry_run": True}, {"skip_bad_rows": True}, {"verify": True, "on_conflict": "update"}):
        await nest.call(
            "load_rows", table=at, path="rows.csv", resume="" if "dry_run" in more else "new", **more
        )
    await asyncio.to_thread(write, [text(), text()], [text(), text()])
    for more in (
        {},
        {"columns": [text()]},
        {"columns": {text(): plain[0]}},
        {"delimiter": text()},
        {"encoding": text()},
    ):
        await nest.call("load_rows", table=at, path="rows.csv", **more)
    lines = [json.dumps({plain[0]: text(), "n": text(), text(): text()}), text()]
    await asyncio.to_thread((nest.folder / "rows.jsonl").write_text, "\n".join(lines), "utf-8")
    await nest.call("load_rows", table=at, path="rows.jsonl", skip_bad_rows=True)
    await nest.call("batch_write", sql=f"UPDATE {at} SET {value} = {literal()} WHERE n > 0", dry_run=True)
    await nest.call("batch_write", sql=f"UPDATE {at} SET {name()} = {literal()}")
    await nest.call("batch_write", sql=f"UPDATE {at} SET n = {value}::int", resume="new")
    # Of the second batch, half a second later, the client hears with the key that it went up to.
    await nest.call("batch_write", sql=f"UPDATE {at} SET n = 1", resume="new", rows_per_second=2)
    await nest.call("batch_write", sql=f"DELETE FROM {at}", resume="new")


def _script(nest: Nest) -> str:
    name, literal = nest.name, nest.literal
    at = name()
    return "\n".join((
        f"CREATE TYPE {name()} AS ENUM ({literal()}, 'b');",
        f"CREATE TABLE {at} ({name()} serial PRIMARY KEY, {name()} text DEFAULT {literal()},",
        f"  {name()} varchar(9) COLLATE {name()}, c money, CONSTRAINT {name()} CHECK (c <> {literal()}));",
        f"COMMENT ON TABLE {at} IS {literal()};",
        f"CREATE INDEX {name()} ON {at} USING gin (c);",
        f"INSERT INTO {at} VALUES (1, {literal()}, {literal()}), (2, 'b', NULL);",
        f"ALTER TABLE {at} ADD CONSTRAINT {name()} FOREIGN KEY (c) REFERENCES {name()} (c);",
        f"CREATE TRIGGER {name()} AFTER INSERT ON {at} EXECUTE FUNCTION {name()}();",
        f"CREATE FUNCTION {name()}() RETURNS text LANGUAGE plpgsql AS {literal()};",
        f"SET {name()} = {literal()};",
        f"COPY {at} FROM stdin;",
        "1\tb\\n",
        "\\.",
    ))  # fmt: skip
