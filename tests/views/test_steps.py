"""The view of migrations, batches and loads in a real browser: steps, progress, the button that goes on."""

from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from support.direct_connection import run
from views.browser import ViewClient
from views.test_rows import clean
from views.test_transaction import stored

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser

NAME: Final = "<img src=x onerror=window.hurt=1>"
ROWS: Final = (
    "[...document.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.innerText))"
)
SCRIPT: Final = """
CREATE TABLE step_orders (id int PRIMARY KEY, note text);
INSERT INTO step_orders VALUES (1, 'one');
CREATE TRIGGER step_trigger BEFORE INSERT ON step_orders EXECUTE FUNCTION f();
ALTER TABLE step_orders ADD COLUMN state text NOT NULL DEFAULT 'open';
CREATE INDEX step_index ON step_orders (note);
COMMENT ON TABLE step_orders IS '<img src=x onerror=window.hurt=1>\u202e';
"""


async def badge(views: ViewClient, text: str) -> None:
    """Wait until the badge has a text."""
    await views.wait(f"document.getElementById('badge').textContent === '{text}'")


async def states(views: ViewClient) -> list[str]:
    """Give the states of the steps."""
    return await views.evaluate("[...document.querySelectorAll('.state')].map(one => one.innerText)")


async def show(views: ViewClient, tool: str, theme: str = "light", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Call a tool and show its view."""
    return await views.open(tool, arguments, context={"theme": theme})


async def test_a_plan_shows_its_steps_and_is_carried_out_by_the_button(views: ViewClient) -> None:
    await show(views, "migrate", statements=SCRIPT, dry_run=True)
    await badge(views, "Plan, nothing was run")
    assert await views.evaluate("document.getElementById('meter').hidden")
    told = await views.text("#parts")
    assert "needs a human" in await states(views)
    assert "Line 4, CREATE TRIGGER" in told
    assert "Total" in told
    assert " DPU" in told
    steps = [one for one in await states(views) if one == "to do"]
    assert await views.text("#told") == f"{len(steps)} steps"
    await views.click("details summary")
    assert "step_" in await views.text("details[open] pre")
    await clean(views)
    assert await stored(views, "SELECT to_regclass('step_orders') IS NULL") is True
    await views.evaluate("document.getElementById('run').focus()")
    await views.press("Enter")
    assert "changes every row of a table" in await views.text("#warning")
    await views.press("Enter")
    await badge(views, "Done")
    assert [one for one in await states(views) if one == "done"] == ["done"] * len(steps)
    assert await views.text("#told") == f"{len(steps)} of {len(steps)} steps"
    meter = "document.getElementById('meter')"
    assert await views.evaluate(f"[{meter}.ariaValueNow, {meter}.ariaValueMax]") == [str(len(steps))] * 2
    assert await stored(views, "SELECT note FROM step_orders") == "one"
    assert await views.evaluate("document.getElementById('run').hidden")
    await views.wait("true")
    (told,) = await views.seen("told")
    assert told["content"][0]["text"].startswith("The user went on with migrate by the button")
    assert await views.evaluate("document.querySelectorAll('img, script[src]').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_a_step_that_fails_is_marked_and_the_run_goes_on_behind_it(
    views: ViewClient, cluster: LocalCluster
) -> None:
    await run(cluster, "CREATE TABLE step_there (id int PRIMARY KEY)", "INSERT INTO step_there VALUES (1)")
    script = (
        "CREATE TABLE step_first (id int PRIMARY KEY);\nINSERT INTO step_there VALUES (1);\n"
        "CREATE TABLE step_last (id int PRIMARY KEY);"
    )
    answer = await show(views, "migrate", "dark", statements=script)
    await badge(views, "Failed")
    assert answer["isError"]
    assert await states(views) == ["done", "failed", "to do"]
    assert await views.text("#told") == "1 of 3 steps"
    assert "23505" in await views.text("#error")
    await clean(views)
    await run(cluster, "DELETE FROM step_there")
    assert await views.text("#run") == "Go on"
    await views.click("#run")
    await badge(views, "Done")
    assert await states(views) == ["done"] * 3
    await clean(views)


async def test_a_step_whose_job_failed_has_failed_for_the_reason_that_it_tells(views: ViewClient) -> None:
    script = (
        "CREATE TABLE step_twins (id int PRIMARY KEY, a int);\n"
        "INSERT INTO step_twins VALUES (1, 1), (2, 1);\n"
        "CREATE UNIQUE INDEX step_twin ON step_twins (a);\nCREATE TABLE step_behind (id int PRIMARY KEY);"
    )
    await show(views, "migrate", statements=script)
    await badge(views, "Failed")
    assert await states(views) == ["done", "done", "failed", "to do"]
    assert "duplicate key" in (await views.evaluate(ROWS))[2][1]
    await clean(views)


async def test_a_change_in_batches_stops_and_goes_on_by_the_button(
    views: ViewClient, cluster: LocalCluster
) -> None:
    await run(
        cluster,
        "CREATE SCHEMA stepped",
        f'CREATE TABLE stepped."{NAME}" (id int PRIMARY KEY, n int)',
        *(
            f'INSERT INTO stepped."{NAME}" SELECT g, CASE WHEN g = 3500 THEN 0 ELSE 1 END'  # noqa: S608 - a test's own
            f" FROM generate_series({start}, {start + 999}) g"
            for start in range(1, 4001, 1000)
        ),
    )
    await show(views, "batch_write", sql=f'UPDATE stepped."{NAME}" SET n = 10 / n', dry_run=True)  # noqa: S608 - a test's own
    await badge(views, "Dry run, nothing stored")
    assert (await views.text("#told")).startswith("4,000 rows, about ")
    assert "Total" in await views.text("#parts")
    await views.click("#run")
    assert "cannot be undone" in await views.text("#warning")
    await clean(views)
    await views.click("#run")
    await badge(views, "Failed")
    assert "22012" in await views.text("#error")
    done = await stored(views, f'SELECT count(*) FROM stepped."{NAME}" WHERE n = 10')  # noqa: S608 - a test's own
    assert isinstance(done, int)
    assert 0 < done < 4000
    assert await views.text("#told") == f"{done:,} of 4,000 rows"
    await clean(views)
    await run(cluster, f'UPDATE stepped."{NAME}" SET n = 1 WHERE n = 0')  # noqa: S608 - a test's own
    await views.click("#run")
    await badge(views, "Finished")
    assert await views.text("#told") == "4,000 of 4,000 rows"
    assert await stored(views, f'SELECT count(*) FROM stepped."{NAME}" WHERE n = 10') == 4000  # noqa: S608 - a test's own
    assert [set(one["arguments"]) for one in await views.seen("calls")] == [
        {"sql", "dry_run_token"},
        {"sql", "resume"},
    ]
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_rows_that_cannot_be_stored_are_listed_as_text(
    views: ViewClient, cluster: LocalCluster
) -> None:
    await run(cluster, "CREATE TABLE step_load (id int PRIMARY KEY, n int)")
    rows = [{"id": 1, "n": 1}, {"id": 2, "n": NAME}, {"id": 3, "n": 3}]
    await show(views, "load_rows", table="step_load", rows=rows, skip_bad_rows=True, dry_run=True)
    await badge(views, "Dry run, nothing stored")
    ((number, _, reason),) = await views.evaluate(ROWS)
    assert number == "2"
    assert NAME in reason
    await clean(views)
    await views.click("#run")
    await badge(views, "Finished")
    assert await stored(views, "SELECT count(*) FROM step_load") == 2
    assert NAME in await views.text("#parts")
    assert await views.evaluate("document.querySelectorAll('img').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_a_button_that_is_used_up_and_a_client_without_tools_are_told(views: ViewClient) -> None:
    arguments = {"statements": "CREATE TABLE step_late (id int PRIMARY KEY)", "dry_run": True}
    answer = await views.open("migrate", arguments)
    await badge(views, "Plan, nothing was run")
    await views.evaluate("offered.args.statements = 'CREATE TABLE step_other (id int PRIMARY KEY)', true")
    await views.click("#run")
    await views.wait("!document.getElementById('error').hidden")
    assert "dry_run_token_invalid" in await views.text("#error")
    assert await views.evaluate("document.getElementById('run').hidden")
    await views.open("migrate", arguments, given=answer, capabilities={})
    await badge(views, "Plan, nothing was run")
    assert await views.text("#note") == "This client does not let a view run it."
    assert await views.evaluate("document.getElementById('run').hidden")
    await clean(views)
