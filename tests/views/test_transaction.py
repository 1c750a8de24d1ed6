"""The preview of a transaction in a real browser: what would change, and the button that runs it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from views.browser import ViewClient
from views.test_rows import clean

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser


async def ask(views: ViewClient, tool: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
    """Call a tool, past the view; give its values."""
    body = json.dumps({"method": "callTool", "params": {"name": tool, "arguments": arguments}})
    script = f"fetch('/mcp', {{method: 'POST', body: {json.dumps(body)}}}).then(r => r.json())"
    return (await views.do("inHost", script=script))["result"]["structuredContent"]


async def stored(views: ViewClient, sql: str) -> object:
    """Read one value, past the view."""
    return (await ask(views, "readonly_query", {"sql": sql}))["rows"][0][0]


async def run(views: ViewClient, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    for statement in statements:
        await views.open("transact", {"sql_list": [statement]})
        await views.wait("document.getElementById('badge').textContent === 'Committed'")


async def test_the_user_sees_the_rows_and_runs_it_by_the_button_once(views: ViewClient) -> None:
    await run(
        views,
        "CREATE TABLE seen (id int PRIMARY KEY, note text, price int)",
        "INSERT INTO seen SELECT g, CASE WHEN g > 1 THEN '<b>old</b>' END, g FROM generate_series(1, 30) g",
    )
    arguments = {
        "sql_list": ["UPDATE seen SET note = %s WHERE id <= 25", "DELETE FROM seen WHERE id = 30"],
        "params_list": [["new"], None],
        "dry_run": True,
    }
    await views.open("transact", arguments)
    await views.wait("!document.getElementById('run').hidden")
    assert await views.text("#badge") == "Dry run, nothing stored"
    assert await views.text("#told") == "2 statements, 26 of at most 3,000 rows"
    cells = "[...document.querySelectorAll('section:first-of-type tbody tr')].slice(0, 2)"
    assert await views.evaluate(f"{cells}.map(r => [...r.children].map(c => c.innerText))") == [
        ["changed", "1", "NULLnew", "1"],
        ["changed", "2", "<b>old</b>new", "2"],
    ]
    assert "20 of 25 rows shown." in await views.text("section:first-of-type")
    assert 'value 1 = "new"' in await views.text("section:first-of-type pre")
    assert await views.text("section:last-of-type tbody tr") == "deleted\t30\t<b>old</b>\t30"
    await clean(views)
    assert await stored(views, "SELECT count(*) FROM seen WHERE note = 'new'") == 0
    await views.evaluate("document.getElementById('run').focus()")
    await views.press("Enter", "Enter")
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    assert await stored(views, "SELECT count(*) FROM seen WHERE note = 'new'") == 25
    assert await views.evaluate("document.getElementById('run').hidden && offered === null")
    assert "As many rows as in the preview; which rows is not compared." in await views.text("#note")
    (call,) = await views.seen("calls")
    assert call["arguments"].keys() == {"sql_list", "params_list", "dry_run_token"}
    await views.wait("true")
    (told,) = await views.seen("told")
    assert told["content"][0]["text"].startswith("The user ran this transaction by the button")
    assert "committed: 2 statements" in told["content"][0]["text"]
    await clean(views)


async def test_what_drops_is_asked_twice(views: ViewClient) -> None:
    await run(views, "CREATE TABLE dropped (id int PRIMARY KEY)")
    await views.open("transact", {"sql_list": ["DROP TABLE dropped"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    assert "DROP TABLE dropped" in await views.text("#statements li")
    await views.click("#run")
    assert "cannot be undone" in await views.text("#warning")
    await clean(views)
    await views.press("Escape")
    assert await views.evaluate("document.getElementById('warning').hidden")
    assert await views.seen("calls") == []
    await views.click("#run")
    await views.click("#run")
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    assert await stored(views, "SELECT to_regclass('dropped') IS NULL") is True


async def test_a_token_that_is_no_longer_good_is_refused_and_shown(views: ViewClient) -> None:
    await run(views, "CREATE TABLE late (id int PRIMARY KEY)")
    answer = await views.open("transact", {"sql_list": ["INSERT INTO late VALUES (1)"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    await views.evaluate("offered.args.sql_list = ['INSERT INTO late VALUES (2)'], true")
    await views.click("#run")
    await views.wait("!document.getElementById('error').hidden")
    assert "dry_run_token_invalid" in await views.text("#error")
    assert await stored(views, "SELECT count(*) FROM late") == 0
    # A client that lets a view call nothing offers no button.
    await views.open(
        "transact",
        {"sql_list": ["INSERT INTO late VALUES (1)"], "dry_run": True},
        given=answer,
        capabilities={},
    )
    await views.wait("document.getElementById('note').textContent")
    assert await views.evaluate("document.getElementById('run').hidden")
    await clean(views)


async def test_rows_that_came_since_the_preview_are_told(views: ViewClient) -> None:
    await run(views, "CREATE TABLE grown (id int PRIMARY KEY)", "INSERT INTO grown VALUES (1)")
    await views.open("transact", {"sql_list": ["DELETE FROM grown WHERE id > 0"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    await ask(views, "transact", {"sql_list": ["INSERT INTO grown VALUES (2)"]})
    await views.click("#run")
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    assert "2 rows" in await views.text("#statements h2")
    assert await views.text("#warning") == "Not as in the preview: there, statement 1 had 1 row."
    await clean(views)


async def test_counts_that_cancel_out_and_other_rows_are_told(views: ViewClient) -> None:
    await run(
        views, "CREATE TABLE moved (id int PRIMARY KEY, n int)", "INSERT INTO moved VALUES (1, 1), (2, 1)"
    )
    shift = [
        "UPDATE moved SET n = 2 WHERE n = 1 AND id < 9",
        "DELETE FROM moved WHERE n = 7",
        "INSERT INTO moved SELECT max(id) + 90, 0 FROM moved RETURNING id",
    ]
    await views.open("transact", {"sql_list": shift, "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    await ask(views, "transact", {"sql_list": ["UPDATE moved SET n = 7, id = 50 WHERE id = 2"]})
    await views.click("#run")
    await views.click("#run") if await views.evaluate("isAsking") else None
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    assert await views.text("#warning") == (
        "Not as in the preview: there, statement 1 had 2 rows, statement 2 had 0 rows,"
        " statement 3 had other rows."
    )
    await clean(views)


async def test_an_error_of_a_transaction_is_shown(views: ViewClient) -> None:
    answer = await views.open("transact", {"sql_list": ["INSERT INTO nowhere VALUES (1)"]})
    await views.wait("!document.getElementById('error').hidden")
    assert await views.text("#error") == answer["content"][0]["text"].strip()
    await clean(views)


async def test_a_client_that_does_not_tell_the_model_does_not_change_what_became_of_it(
    views: ViewClient,
) -> None:
    await run(views, "CREATE TABLE untold (id int PRIMARY KEY)")
    await views.open("transact", {"sql_list": ["INSERT INTO untold VALUES (1)"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    await views.do("inHost", script="bridge.onupdatemodelcontext = () => { throw new Error('no'); }, true")
    await views.click("#run")
    await views.wait("document.getElementById('note').textContent.includes('did not tell the model')")
    assert await views.text("#badge") == "Committed"
    assert await views.evaluate("document.getElementById('error').hidden")
    await views.do("forgetFaults")  # the bridge warns of its own new handler


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ASYNC named_async ON of_async (note)",
        "CREATE UNIQUE INDEX ASYNC IF NOT EXISTS named_async ON of_async (note)",
        "AWS IAM GRANT of_async TO 'arn:aws:iam::123456789012:role/app'",
    ],
)
async def test_statements_that_aurora_dsql_alone_has_are_previewed(views: ViewClient, statement: str) -> None:
    await run(views, "CREATE TABLE IF NOT EXISTS of_async (id int PRIMARY KEY, note text)")
    await views.open("transact", {"sql_list": [statement], "dry_run": True})
    await views.wait("document.getElementById('badge').textContent !== 'Waiting…'")
    if "INDEX" in statement:
        assert await views.text("#badge") == "Dry run, nothing stored"
        assert "CREATE" in await views.text("#statements h2")
    else:
        assert 'role "of_async" does not exist' in await views.text("#error")
    await clean(views)


async def test_what_drops_is_shown_behind_any_number_of_statements(views: ViewClient) -> None:
    await run(views, "CREATE TABLE far (id int PRIMARY KEY)")
    statements = [*(f"SELECT {number}" for number in range(54)), "DELETE FROM far", "SELECT 55"]
    await views.open("transact", {"sql_list": statements, "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    assert await views.text("section:nth-last-of-type(2) h2") == "55. DELETE 0 rows"
    assert "DELETE every row of far" in await views.text("section:nth-last-of-type(2) li")
    assert "… and 5 more statements" in await views.text("section:last-of-type")
    await clean(views)


async def test_a_job_of_the_run_is_not_another_row_than_in_the_preview(views: ViewClient) -> None:
    await run(views, "CREATE TABLE with_job (id int PRIMARY KEY, note text)")
    await views.open("transact", {"sql_list": ["CREATE INDEX ASYNC ON with_job (note)"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    assert "job_id" not in await views.text("#statements")  # of a job that there never was
    await views.click("#run")
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    assert await views.evaluate("document.getElementById('warning').hidden")
    assert "job_id" in await views.text("#statements")
    await clean(views)


async def test_an_answer_that_comes_twice_does_not_hide_what_was_run(views: ViewClient) -> None:
    await run(views, "CREATE TABLE answered (id int PRIMARY KEY)")
    answer = await views.open("transact", {"sql_list": ["INSERT INTO answered VALUES (1)"], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    await views.click("#run")
    await views.wait("document.getElementById('badge').textContent === 'Committed'")
    await views.do("inHost", script=f"bridge.sendToolResult({json.dumps(answer)}).then(() => true)")
    await views.evaluate("new Promise((done) => setTimeout(done, 300))")
    assert await views.text("#badge") == "Committed"
    await clean(views)


async def test_a_row_is_not_called_new_where_it_is_not_known_whether_it_was_there(views: ViewClient) -> None:
    await run(
        views, "CREATE TABLE upserted (id int PRIMARY KEY, n int)", "INSERT INTO upserted VALUES (1, 1)"
    )
    change = "INSERT INTO upserted VALUES (1, 9) ON CONFLICT (id) DO UPDATE SET id = 1, n = 2"
    await views.open("transact", {"sql_list": [change], "dry_run": True})
    await views.wait("!document.getElementById('run').hidden")
    assert await views.text("tbody th") == "new or changed"
    assert "What is stored now is not shown" in await views.text("#statements")
    await clean(views)
