"""What an error says to do can be done: with the tools that are there, and in what programs read too."""

import pytest
from mcp import Client

from conftest import ServerOn, server
from support.client_helpers import call

WRITES = "Next: This server only reads: the operator chose so, who alone can allow writes (--allow-writes)."
CHANGES = [
    "INSERT INTO t VALUES (1)",
    "CREATE TABLE t (a int[])",
    "CREATE INDEX i ON t (a)",
    "WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d",
    "GRANT SELECT ON t TO r",
]


@pytest.mark.parametrize("sql", CHANGES)
async def test_a_server_that_only_reads_says_who_can_change_that(reader: Client, sql: str) -> None:
    for reply in (
        await call(reader, "readonly_query", sql=sql),
        await call(reader, "transact", sql_list=["SELECT 1", sql]),
    ):
        assert reply.is_error
        assert reply.text.splitlines()[-1] == WRITES
        assert reply.facts["hint"] == WRITES.removeprefix("Next: ")


@pytest.mark.parametrize("tool", ["batch_write", "load_rows", "migrate"])
async def test_a_tool_that_writes_is_not_offered_for_a_reason(reader: Client, tool: str) -> None:
    assert (await call(reader, tool, sql="DELETE FROM t")).text.endswith(WRITES)


@pytest.mark.parametrize("argument", ["dry_run", "dry_run_token", "max_rows_affected"])
async def test_an_argument_for_writes_is_not_taken_for_a_reason(reader: Client, argument: str) -> None:
    reply = await call(reader, "transact", sql_list=["SELECT 1"], **{argument: 1})
    assert reply.text.endswith(WRITES)


@pytest.mark.parametrize("tool", ["batch_write", "job_status", "dsql_lint", "get_schema"])
async def test_a_tool_of_a_family_left_out_can_be_asked_for(on_cluster: ServerOn, tool: str) -> None:
    async with Client(on_cluster("--allow-writes", "--tools", "docs")) as client:
        assert f"{tool} is not offered here: the operator alone can add it" in (await call(client, tool)).text


@pytest.mark.parametrize(
    "sql", ["SELECT 1; SELECT 2", "SELEC 1", "VACUUM", "SHOW TABLES", "SELECT pg_sleep(1)"]
)
async def test_programs_read_the_step_that_the_text_names(reader: Client, sql: str) -> None:
    for reply in (
        await call(reader, "readonly_query", sql=sql),
        await call(reader, "transact", sql_list=[sql]),
        await call(reader, "explain_query", sql=sql),
    ):
        assert reply.is_error
        assert reply.facts["hint"]
        assert reply.text.endswith(f"\nNext: {reply.facts['hint']}")


@pytest.mark.parametrize(
    ("second", "values"),
    [
        ("DELETE FROM nowhere; SELECT 1", None),
        ("SELECT %s", [1, 2]),
        ("SELECT %s", None),
        ("TRUNCATE t", None),
    ],
)
async def test_a_refused_list_says_which_and_that_nothing_was_run(
    writer: Client, second: str, values: list[int] | None
) -> None:
    reply = await call(
        writer,
        "transact",
        sql_list=["SELECT 1", second],
        params_list=[None, values] if "%s" in second else None,
    )
    assert reply.is_error
    assert "Statement 2 of 2: " in reply.text
    assert "Nothing was run." in reply.text


async def test_a_write_without_a_connection_says_that_nothing_was_stored() -> None:
    nowhere = server(
        *("--cluster_endpoint", "localhost", "--region", "us-east-1", "--allow-writes"),
        AWS_ACCESS_KEY_ID="AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY="none",  # noqa: S106 - signs a token that nobody reads
        PGPORT="9",  # the port of discard, where nothing listens
    )
    async with Client(nowhere) as client:
        change = await call(client, "transact", sql_list=["DELETE FROM t"])
        read = await call(client, "readonly_query", sql="SELECT 1")
    assert change.text.startswith("Error (refused): ")
    assert change.text.splitlines()[1] == "Nothing was stored."
    assert change.facts["committed"] is False
    assert "stored" not in read.text


async def test_a_dollar_sign_is_explained(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT 1 WHERE 1 = $1")
    assert reply.text.endswith("Next: Write %s in place of $1, and give its value in params.")
    reply = await call(reader, "readonly_query", sql="SELECT %s + 1, %s IS NULL", params=[1, None])
    assert "($2 is params[1])\n" in reply.text
