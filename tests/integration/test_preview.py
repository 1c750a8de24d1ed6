"""The preview of a transaction: its token is for the person in front of a view, never for the model."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.tools.consent.preview import PREVIEW
from awslabs_dsql_mcp.views.extension import EXTENSION, MIME_TYPE
from conftest import ServerOn
from support.line_client import LEGACY, MODERN, LineClient, line_client

SHOWS: Final[Mapping[str, object]] = {"extensions": {EXTENSION: {"mimeTypes": [MIME_TYPE]}}}
ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN])


async def done(client: LineClient, *statements: str, **more: object) -> dict[str, Any]:
    return (await client.call("transact", None, sql_list=list(statements), **more))["result"]


@pytest.fixture
async def client(on_cluster: ServerOn) -> AsyncIterator[LineClient]:
    async with line_client(on_cluster("--allow-writes"), MODERN, SHOWS) as client:
        yield client


@ERAS
async def test_the_model_gets_no_token_and_the_person_runs_it_once(on_cluster: ServerOn, era: str) -> None:
    statement = f"CREATE TABLE preview_{era[:4]} (id int PRIMARY KEY)"
    async with line_client(on_cluster("--allow-writes", "--confirm", "always"), era, SHOWS) as client:
        refused = await done(client, statement)
        assert "dry_run=true: its preview lets the user run it" in refused["content"][0]["text"]
        dry = await done(client, statement, dry_run=True)
        token = dry["_meta"][PREVIEW]["dry_run_token"]
        assert token not in json.dumps([dry["content"], dry["structuredContent"]])
        assert "dry_run_token" not in json.dumps([dry["content"], dry["structuredContent"]])
        assert "the user runs it with the button" in dry["content"][0]["text"]
        ran = await done(client, statement, dry_run_token=token)
        assert ran["structuredContent"]["outcome"] == "committed"
        again = await done(client, statement, dry_run_token=token)
        assert "dry_run_token_invalid" in again["content"][0]["text"]


@ERAS
async def test_a_client_without_views_has_the_token_as_before(on_cluster: ServerOn, era: str) -> None:
    async with line_client(on_cluster("--allow-writes"), era, {}) as client:
        dry = await done(client, "CREATE TABLE preview_none (id int PRIMARY KEY)", dry_run=True)
    token = dry["structuredContent"]["dry_run_token"]
    assert f"dry_run_token={token}" in dry["content"][0]["text"]
    assert PREVIEW not in dry.get("_meta", {})


async def test_rows_are_shown_before_and_after(client: LineClient) -> None:
    await done(client, "CREATE TABLE preview_rows (a int, b text, note text, PRIMARY KEY (a, b))")
    await done(client, "INSERT INTO preview_rows VALUES (1, 'x', 'one'), (2, 'y', 'two'), (3, 'z', NULL)")
    dry = await done(
        client,
        "UPDATE preview_rows AS p SET note = upper(p.note) WHERE a < %s -- those",
        "DELETE FROM preview_rows WHERE a = 3;",
        "INSERT INTO preview_rows VALUES (1, 'x', 'again'), (4, 'w', 'four') "
        "ON CONFLICT (a, b) DO UPDATE SET note = excluded.note",
        "INSERT INTO preview_rows VALUES (5, 'v', 'five') RETURNING a",
        params_list=[[3], None, None, None],
        dry_run=True,
    )
    shown = dry["_meta"][PREVIEW]
    update, delete, upsert, returning = shown["statements"]
    assert update["columns"] == ["a int4", "b text", "note text"]
    assert update["changes"] == [
        [[1, "x", "one"], [1, "x", "ONE"]],
        [[2, "y", "two"], [2, "y", "TWO"]],
    ]
    assert delete["changes"] == [[[3, "z", None], None]]
    assert sorted(upsert["changes"], key=str) == sorted(
        [[[1, "x", "one"], [1, "x", "again"]], [None, [4, "w", "four"]]], key=str
    )
    assert "changes" not in returning
    assert [one["before_known"] for one in shown["statements"][:3]] == [True] * 3
    assert (shown["rows"], shown["max_rows"]) == (6, 3000)
    # The model's half is what it is without a preview: counts, and rows only of its own RETURNING.
    said = dry["structuredContent"]["statements"]
    assert [one["row_count"] for one in said] == [2, 1, 2, 1]
    assert [one.get("rows") for one in said] == [None, None, None, [[5]]]


async def test_nothing_is_stored_by_a_preview_and_errors_are_those_of_the_statements(
    client: LineClient,
) -> None:
    await done(client, "CREATE TABLE preview_errors (a int PRIMARY KEY)")
    await done(client, "INSERT INTO preview_errors VALUES (1)", dry_run=True)
    failed = await done(client, "INSERT INTO preview_errors VALUES (1), (1)", dry_run=True)
    assert failed["isError"]
    assert "23505" in failed["content"][0]["text"]
    assert "RETURNING" not in failed["content"][0]["text"]
    count = (await client.call("readonly_query", sql="SELECT count(*) FROM preview_errors"))["result"]
    assert count["structuredContent"]["rows"] == [[0]]


async def test_a_table_without_a_key_shows_what_its_rows_would_be(client: LineClient) -> None:
    await done(client, "CREATE TABLE preview_keyless (a int)")
    await done(client, "INSERT INTO preview_keyless VALUES (1)")
    dry = await done(client, "UPDATE preview_keyless SET a = 2", dry_run=True)
    (shown,) = dry["_meta"][PREVIEW]["statements"]
    assert (shown["changes"], shown["before_known"]) == ([[None, [2]]], False)
    assert shown["effects"] == [{"text": "UPDATE every row of preview_keyless (no WHERE)", "grave": True}]


async def test_a_row_whose_key_changes_is_not_shown_beside_the_row_that_has_its_new_key(
    client: LineClient,
) -> None:
    await done(client, "CREATE TABLE preview_moved (id int PRIMARY KEY, note text)")
    await done(client, "INSERT INTO preview_moved VALUES (1, 'one'), (2, 'two')")
    dry = await done(
        client,
        "DELETE FROM preview_moved WHERE id = 2",
        "UPDATE preview_moved SET (note, id) = ('moved', 2) WHERE id = 1",
        "UPDATE preview_moved SET note = 'again' WHERE id = 2",
        dry_run=True,
    )
    moved, again = dry["_meta"][PREVIEW]["statements"][1:]
    assert (moved["changes"], moved["before_known"]) == ([[None, [2, "moved"]]], False)
    assert (again["changes"], again["before_known"]) == ([[None, [2, "again"]]], False)
