"""The viewer in a real browser: a person asks, sorts, looks at plans, previews a change and runs it."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster, local_cluster
from conftest import ServerOn, held, server
from support.direct_connection import run
from support.viewer import Viewer, running_viewer
from views.browser import ViewClient

pytestmark = [
    pytest.mark.timeout(400),  # the first test brings a browser
    pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C for one process"),
]
HOSTILE = (
    "SELECT '<img src=x onerror=\"document.title=1\">' AS \"<b>a</b>\", 'javascript:alert(1)' AS b, "
    "repeat('long ', 50000) AS c, U&'\\202Ertl' AS d, '</script><script>document.title=1</script>' AS e"
)


class Tab:
    """A tab of the viewer.

    Args:
        browser: The browser.
        viewer: The viewer.
    """

    def __init__(self, browser: ViewClient, viewer: Viewer) -> None:
        self.browser = browser
        self.viewer = viewer

    async def open(self) -> None:
        """Open the address that the terminal shows."""
        await self.browser.do("visit", url=self.viewer.url)
        await self.wait("!document.getElementById('all').hidden && !running")
        await self.viewer.next_url()

    async def wait(self, script: str) -> None:
        """Wait until an expression in the page is true."""
        await self.browser.do("wait", on="page", script=script)

    async def text(self, selector: str) -> str:
        """Give the text of an element of the page as it is seen."""
        return await self.browser.do(
            "inHost", script=f"document.querySelector({json.dumps(selector)}).innerText"
        )

    async def click(self, selector: str) -> None:
        """Click on an element of the page."""
        await self.browser.do("click", on="page", selector=selector)

    async def write(self, sql: str) -> None:
        """Write into the editor, in place of what is there."""
        await self.browser.do("inHost", script="document.getElementById('sql').value = ''")
        await self.browser.do("type", on="page", selector="#sql", text=sql)

    async def run(self, sql: str, button: str) -> str:
        """Run a text; give what came of it, in a word."""
        await self.write(sql)
        await self.click(button)
        return await self.outcome()

    async def look(self, button: str, tool: str) -> None:
        """Have a button show what a tool tells."""
        await self.click(f"#{button}")
        await self.wait(f"!running && bridge?.view.tool === '{tool}'")

    async def outcome(self) -> str:
        """Wait for the end of what runs; give what came of it, in a word."""
        await self.wait("!running")
        return (await self.text("#status")).partition(",")[0]

    async def clean(self) -> None:
        """Check that the browser complained of nothing, and axe of nothing serious."""
        assert await self.browser.faults() == []
        found = await self.browser.do("axe", on="page")
        assert [one for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.fixture(scope="module")
async def writing(
    views: ViewClient, on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Tab]:
    """A tab of a viewer that may write, and asks before it drops anything."""
    log = tmp_path_factory.mktemp("own") / "log"
    async with held(running_viewer(on_cluster("--allow-writes", "--confirm", "auto"), log)) as viewer:
        tab = Tab(views, viewer)
        await tab.open()
        yield tab
        await views.do("visit")


async def test_nothing_is_out_of_sight_at_twice_the_size(writing: Tab) -> None:
    await writing.run(f"SELECT 1 AS {'a' * 60}", "#read")
    await writing.browser.do("size", width=500, height=400, scale=2)
    assert await writing.browser.do("inHost", script="document.documentElement.scrollWidth") == 500
    edges = (
        "[...document.querySelectorAll('button, input, textarea')].map(e => e.getBoundingClientRect().right)"
    )
    assert max(await writing.browser.do("inHost", script=edges)) <= 500
    await writing.clean()
    await writing.browser.do("size", width=900, height=640)


async def test_a_query_is_run_and_its_rows_are_sorted(writing: Tab) -> None:
    assert await writing.run("SELECT g, g % 7 AS rest FROM generate_series(1, 30) g", "#read") == "30 rows"
    await writing.browser.wait("document.querySelectorAll('.line').length > 5")
    await writing.browser.click(".head [role=columnheader]:nth-child(3)")
    rests = await writing.browser.evaluate(
        "[...document.querySelectorAll('.line')].map(l => l.children[2].textContent)"
    )
    assert rests[:5] == ["0", "0", "0", "0", "1"]
    await writing.browser.do("type", selector="#filter", text="29")
    assert await writing.browser.text("#told") == "1 of 30 rows"
    # The view reads on through the page.
    assert await writing.run("SELECT g FROM generate_series(1, 250) g ORDER BY g", "#read") == "100 rows"
    await writing.browser.wait("document.querySelector('.line')")
    await writing.browser.click("#all")
    await writing.browser.wait("document.getElementById('told').textContent === '250 rows'")
    assert "query, 100 rows" in await writing.text("#history li:first-child")
    await writing.clean()


async def test_a_change_is_previewed_and_run_by_the_button_and_a_table_opened_from_the_list(
    writing: Tab,
) -> None:
    script = 'CREATE TABLE "Seen; here" (id int PRIMARY KEY, note text)'
    assert await writing.run(script, "#change") == "committed"
    insert = (
        "INSERT INTO \"Seen; here\" VALUES (1, ';'); UPDATE \"Seen; here\" SET note = 'new' WHERE id = 1;"
    )
    assert await writing.run(insert, "#preview") == "previewed"
    await writing.browser.wait("document.getElementById('run')?.hidden === false")
    assert await writing.browser.text("#badge") == "Dry run, nothing stored"
    assert await writing.browser.text("#told") == "2 statements, 2 of at most 3,000 rows"
    await writing.browser.click("#run")
    await writing.browser.wait("document.getElementById('badge')?.textContent === 'Committed'")
    assert "change, committed" in await writing.text("#history li:first-child")
    await writing.browser.do("type", on="page", selector="#find", text="seen;")
    await writing.wait("document.querySelectorAll('#objects li').length === 1")
    await writing.click("#objects li button.what")
    await writing.wait("bridge?.view.tool === 'get_schema'")
    await writing.browser.wait("document.body?.innerText.includes('note')")
    await writing.click("#objects li button")
    assert await writing.outcome() == "1 row"
    await writing.browser.wait("document.querySelector('.line')")
    assert await writing.browser.text(".line") == "1\n1\nnew"
    await writing.clean()


async def test_what_drops_waits_for_an_answer(writing: Tab) -> None:
    assert await writing.run("CREATE TABLE asked_for (id int PRIMARY KEY)", "#change") == "committed"
    for button, outcome in (("#no", "not run"), ("#yes", "committed")):
        await writing.write("DROP TABLE asked_for")
        await writing.click("#change")
        await writing.wait("document.getElementById('question').open")
        assert "DROP TABLE asked_for" in await writing.text("#questionText")
        await writing.clean()
        await writing.click(button)
        assert await writing.outcome() == outcome
    # Escape is no agreement.
    await writing.run("CREATE TABLE asked_for (id int PRIMARY KEY)", "#change")
    await writing.write("DROP TABLE asked_for")
    await writing.click("#change")
    await writing.wait("document.getElementById('question').open")
    await writing.browser.press("Escape")
    assert await writing.outcome() == "not run"
    assert "nothing was run" in await writing.text("#error")
    assert await writing.run("SELECT count(*) FROM asked_for", "#read") == "1 row"


async def test_two_questions_at_once_are_answered_one_by_one(writing: Tab) -> None:
    asked = """{ method: 'elicitation/create',
      params: { message: '%s', requestedSchema: { properties: { run: {} } } } }"""
    both = ", ".join(f"agreed({asked % name}).then(({{ action }}) => action)" for name in ("one", "two"))
    await writing.browser.do("inHost", script=f"(window.answers = Promise.all([{both}]), true)")
    shown = "document.getElementById('question').open && document.getElementById('questionText').textContent"
    await writing.wait(f"{shown} === 'one'")
    await writing.click("#yes")
    await writing.wait(f"{shown} === 'two'")
    await writing.click("#no")
    assert await writing.browser.do("inHost", script="window.answers") == ["accept", "decline"]


async def test_plans_and_errors_are_shown_and_history_gives_the_text_back(writing: Tab) -> None:
    assert await writing.run("SELECT 1 AS one", "#plan") == "done"
    await writing.browser.wait("document.body?.innerText.includes('Result')")
    assert await writing.run("SELECT nothing", "#read") == "failed"
    assert "42703" in await writing.text("#error")
    await writing.clean()
    await writing.click("#history li:nth-child(2) button")
    assert (
        await writing.browser.do("inHost", script="document.getElementById('sql').value") == "SELECT 1 AS one"
    )
    await writing.browser.do("inHost", script="document.getElementById('sql').focus()")
    await writing.write("SELECT count(*) FROM generate_series(1, 20000) a, generate_series(1, 20000) b")
    await writing.click("#read")
    await writing.wait("running")
    await writing.click("#stop")
    assert await writing.outcome() == "stopped"
    assert await writing.run("SELECT 1", "#read") == "1 row"


async def test_advice_names_what_a_person_can_click_and_names_in_messages_stay(writing: Tab) -> None:
    for sql, button, advice in (
        ("INSERT INTO absent VALUES (1)", "#read", "Next: Use “Run change”."),
        ("SELECT nope", "#read", "Use “Tables and views” with the table"),
        ("BEGIN; SELECT 1", "#change", "“Run change” commits all of them"),
        (
            "TRUNCATE absent",
            "#preview",
            "DROP TABLE, then CREATE TABLE. This page has no button for batch_write: an agent can do it.",
        ),
    ):
        assert await writing.run(sql, button) == "failed"
        assert advice in await writing.text("#error")
    await writing.run("SELECT * FROM transact", "#read")
    assert 'relation "transact" does not exist' in await writing.text("#error")


async def test_advice_in_a_view_names_what_a_person_can_click(writing: Tab) -> None:
    assert (
        await writing.run("CREATE TABLE followed (id int PRIMARY KEY, note text)", "#change") == "committed"
    )
    assert await writing.run("CREATE INDEX ASYNC ON followed (note)", "#change") == "committed"
    await writing.browser.wait("document.getElementById('note')?.textContent.startsWith('“Jobs” (job_id=')")
    assert await writing.run("DELETE FROM followed WHERE id = 1", "#preview") == "previewed"
    await writing.browser.wait("document.getElementById('run')?.hidden === false")
    await writing.browser.evaluate("offered.args.sql_list = ['TRUNCATE followed'], true")
    await writing.browser.click("#run")
    await writing.browser.wait("document.getElementById('badge')?.textContent === 'Failed'")
    assert "no button for batch_write" in await writing.browser.text("#error")
    await writing.clean()


async def test_tables_of_any_name_are_opened_from_the_list(writing: Tab) -> None:
    names = ["odd\u202ename", "odd\nname", 'odd "name"', r"odd\u202ename"]
    made = [f'CREATE TABLE "{name.replace(chr(34), 2 * chr(34))}" (id int PRIMARY KEY)' for name in names]
    assert await writing.run(";".join(made[:1]), "#change") == "committed"
    for one in made[1:]:
        await writing.browser.do("inHost", script=f"$('sql').value = {json.dumps(one)}, true")
        await writing.click("#change")
        assert await writing.outcome() == "committed"
    await writing.wait("objects.filter(({ name }) => name.includes('odd')).length === 4")
    await writing.browser.do("inHost", script="($('find').value = '', tellObjects())")
    for at in range(len(names)):
        found = f"objects.filter(({{ name }}) => name.includes('odd'))[{at}].name"
        await writing.browser.do("inHost", script=f"(openTable({found}), true)")
        assert await writing.outcome() == "0 rows"
        await writing.browser.do("inHost", script=f"(look('get_schema', {{ table_name: {found} }}), true)")
        await writing.wait("!running && bridge?.view.tool === 'get_schema'")
        assert await writing.browser.do("inHost", script="$('error').hidden")
    seen = await writing.text("#objects")
    assert "⟨U+202E⟩" in seen
    assert "\u202e" not in seen
    await writing.clean()


async def test_who_leaves_while_a_change_runs_is_asked_first(writing: Tab) -> None:
    leave = "new Event('beforeunload', { cancelable: true })"
    asked = f"((event) => (dispatchEvent(event), event.defaultPrevented))({leave})"
    slow = "SELECT count(*) FROM generate_series(1, 20000) a, generate_series(1, 20000) b"
    for button, expected in (("#read", False), ("#change", True)):
        await writing.write(slow)
        await writing.click(button)
        await writing.wait("running && $('status').textContent === 'Running…'")
        await writing.browser.do("inHost", script="new Promise((done) => setTimeout(done, 500))")
        assert await writing.browser.do("inHost", script=asked) is expected
        await writing.click("#stop")
        await writing.outcome()
        assert await writing.browser.do("inHost", script=asked) is False


async def test_a_blank_text_is_answered_and_no_older_answer_stays(writing: Tab) -> None:
    for button, text, told in (
        ("#read", "  ", "Nothing was run: the editor is empty."),
        ("#change", "-- nothing", "Nothing was run: the text holds no statement."),
    ):
        await writing.run("SELECT nope", "#read")
        await writing.write(text)
        await writing.click(button)
        await writing.wait("!running")
        assert await writing.text("#error") == told
        assert await writing.browser.do("inHost", script="document.querySelector('iframe') === null")
        assert "42703" not in await writing.text("#all")
    await writing.clean()


async def test_hostile_rows_stay_text(writing: Tab) -> None:
    assert await writing.run(HOSTILE, "#read") == "1 row"
    await writing.browser.wait("document.querySelector('.line')")
    assert "<img src=x" in await writing.browser.text(".line")
    hostile = '"<img src=x onerror=""document.title=1"">"'  # other tests have hostile tables of other names
    assert await writing.run(f"CREATE TABLE {hostile} (id int PRIMARY KEY)", "#change") == "committed"
    await writing.browser.do(
        "inHost", script=f"document.getElementById('find').value = {json.dumps(hostile)}, tellObjects()"
    )
    await writing.wait("document.querySelectorAll('#objects li').length === 1")
    assert await writing.browser.do("inHost", script="[document.title, document.images.length]") == [
        "Aurora DSQL",
        0,
    ]
    frame = "[document.title, document.images.length, origin]"
    await writing.run(HOSTILE, "#read")
    await writing.browser.wait("document.querySelector('.line')")
    assert await writing.browser.evaluate(frame) == ["Rows", 0, "null"]
    await writing.clean()


async def test_a_search_is_of_tables_that_are_not_listed_yet_too(writing: Tab, cluster: LocalCluster) -> None:
    far = [f"far.{'t' * 50}_{number}" for number in range(190)]  # with comments, more than one answer holds
    made = [f"CREATE TABLE {table} (id int PRIMARY KEY)" for table in far]
    comments = [f"COMMENT ON TABLE {table} IS '{'so ' * 99}'" for table in far]
    await run(cluster, "CREATE SCHEMA far", *made, *comments)
    try:
        await writing.browser.do("inHost", script="document.getElementById('find').value = ''")
        await writing.click("#refresh")
        await writing.wait("!document.getElementById('more').hidden")
        assert far[99] not in (await writing.text("#objects")).split()
        await writing.browser.do("type", on="page", selector="#find", text="t_99")
        await writing.wait("document.querySelectorAll('#objects li').length === 1")
        assert far[99] in await writing.text("#objects li")
    finally:
        await writing.browser.do("inHost", script="document.getElementById('find').value = ''")
        await run(cluster, "DROP SCHEMA far CASCADE")
        await writing.click("#refresh")


async def test_a_tab_without_the_key_is_told_so(writing: Tab) -> None:
    await writing.browser.do("visit", url=f"http://{writing.viewer.authority}/")
    # The tab keeps its secret; another has none.
    await writing.wait("!document.getElementById('all').hidden")
    await writing.browser.do("inHost", script="sessionStorage.clear()")
    await writing.browser.do("visit", url=f"http://{writing.viewer.authority}/#wrong")
    await writing.wait("!document.getElementById('closed').hidden")
    assert "terminal" in await writing.text("#closed")
    assert await writing.browser.do("inHost", script="location.href") == f"http://{writing.viewer.authority}/"
    await writing.open()


async def test_a_viewer_that_has_ended_says_so_when_its_address_is_opened(writing: Tab) -> None:
    ended = "(window.fetch = () => Promise.reject(new TypeError('Failed to fetch')), location.hash = 'key')"
    await writing.browser.do("inHost", script=ended)
    await writing.wait("!document.getElementById('closed').hidden")
    assert "it may have been ended" in await writing.text("#closed")
    assert await writing.browser.do("inHost", script="$('all').hidden")
    await writing.clean()
    await writing.open()


async def test_jobs_clusters_plans_and_tables_are_shown_beside_the_editor(writing: Tab) -> None:
    frame = writing.browser
    created = "CREATE TABLE looked_at (id int PRIMARY KEY, note text)"
    assert await writing.run(created, "#change") == "committed"
    assert await writing.run("CREATE INDEX ASYNC ON looked_at (note)", "#change") == "committed"
    await writing.look("jobs", "job_status")
    await frame.wait("document.querySelector('tbody')?.innerText.includes('looked_at')")
    await frame.click("#refresh")
    await frame.wait("/✓|…|✗/.test(document.getElementById('badge').textContent)")
    await writing.clean()
    await writing.look("account", "cluster_status")
    await frame.wait("document.getElementById('badge')?.textContent === '○ 1 cluster'")
    await frame.click("tbody button")
    await frame.wait("document.activeElement.id === 'back'")
    assert "Deletion protection" in await frame.text("tbody")
    await writing.clean()
    assert await writing.run("SELECT note FROM looked_at WHERE id = 1", "#plan") == "done"
    await frame.wait("document.querySelectorAll('tbody tr').length > 0")
    assert "looked_at" in await frame.text("tbody")
    await frame.do("inHost", script="document.getElementById('find').value = 'looked_at', tellObjects()")
    await writing.click("#objects li button.what")
    await writing.wait("!running && bridge?.view.tool === 'get_schema'")
    await frame.wait("document.querySelector('details[open]')")
    assert "looked_at" in await frame.text("summary")
    await writing.clean()


async def test_a_view_calls_the_tool_that_it_shows_and_no_other(writing: Tab) -> None:
    assert await writing.run("SELECT 1 AS one", "#read") == "1 row"
    frame = writing.browser
    await frame.wait("document.querySelector('.line')")
    insert = "{ sql_list: ['CREATE TABLE by_a_view (id int)'] }"
    for call in (
        f"host.call('transact', {insert})",
        "host.ask('resources/read', {})",
        "host.ask('open', {})",
    ):
        told = await frame.evaluate(f"{call}.then(() => 'done', error => error.message)")
        assert told.endswith("is not offered here.")
    written = await frame.evaluate(
        "host.call('readonly_query', { sql: 'CREATE TABLE by_a_view (id int)' }).then(r => r.isError)"
    )
    assert written is True
    # What the page keeps is out of the frame's reach, and so is the network.
    tries = ("parent.document.title", "parent.sessionStorage.length", "sessionStorage.length")
    for reached in tries:
        with pytest.raises(AssertionError, match="SecurityError"):
            await frame.evaluate(reached)
    failed = "fetch(parent === self ? '' : '/mcp', { method: 'POST' }).then(() => 'sent', () => 'refused')"
    assert await frame.evaluate(failed) == "refused"
    # A message of another window is none of the view's.
    asked = "{ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'readonly_query' } }"
    calls = "(window.calls = 0, bridge.on.call = () => (window.calls += 1), postMessage(%s))"
    await frame.do("inHost", script=calls % asked)
    await frame.evaluate("host.call('readonly_query', {})")  # arrives behind it
    assert await frame.do("inHost", script="calls") == 1


async def test_a_view_of_a_change_runs_what_was_previewed_and_nothing_else(writing: Tab) -> None:
    frame = writing.browser
    await writing.run("CREATE TABLE IF NOT EXISTS previewed (id int PRIMARY KEY)", "#change")
    assert await writing.run("INSERT INTO previewed VALUES (1)", "#preview") == "previewed"
    await frame.wait("document.getElementById('run')?.hidden === false")
    other = "sql_list: ['INSERT INTO previewed VALUES (2)']"
    told = await frame.evaluate(
        f"host.call('transact', {{ {other} }}).then(() => 'done', error => error.message)"
    )
    assert told == "A view runs only what was previewed."
    shown = "dry_run_token: offered.args.dry_run_token"
    refused = f"host.call('transact', {{ {other}, {shown} }}).then(({{ isError }}) => isError)"
    assert await frame.evaluate(refused) is True
    assert await writing.run("SELECT id FROM previewed", "#read") == "0 rows"


async def test_a_page_of_another_origin_gets_nothing_even_with_the_key(writing: Tab) -> None:
    url = f"http://{writing.viewer.authority}"
    await writing.browser.do("visit")
    given = f"{{ method: 'POST', headers: {{ authorization: 'Bearer {writing.viewer.key}' }} }}"
    for address in ("/open", "/mcp"):
        told = f"fetch('{url}{address}', {given}).then(() => 'answered', () => 'refused')"
        assert await writing.browser.do("inHost", script=told) == "refused"
    for address in ("/", "/views/transaction.html"):
        await writing.browser.do(
            "inHost",
            script=f"""new Promise((loaded) => {{
              const frame = document.createElement('iframe');
              Object.assign(frame, {{ src: '{url}{address}', onload: loaded }});
              document.body.replaceChildren(frame);
            }}).then(() => true)""",
        )
        assert await writing.browser.evaluate("document.querySelector('h1')?.textContent") is None
    await writing.open()


async def test_many_tabs_ask_at_once_and_each_gets_its_own_answer(writing: Tab) -> None:
    script = """Promise.all(Array.from({ length: 20 }, (_, at) =>
      callTool('readonly_query', { sql: `SELECT ${at} AS n, repeat('x', 100000) AS t` })
        .then(result => result.structuredContent.rows[0][0] === at)))"""
    assert await writing.browser.do("inHost", script=script) == [True] * 20


async def test_without_allow_writes_nothing_is_changed(
    views: ViewClient, on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with running_viewer(on_cluster(), tmp_path_factory.mktemp("own") / "log") as viewer:
        tab = Tab(views, viewer)
        await tab.open()
        assert "only reads" in await tab.text("#mode")
        assert await views.do("inHost", script="[preview.hidden, change.hidden]") == [True, True]
        assert await tab.run("CREATE TABLE refused (id int)", "#read") == "failed"
        assert "--allow-writes" in await tab.text("#error")
        await tab.clean()
        assert await viewer.interrupt() == 130
    await views.do("visit")


async def test_each_of_two_clusters_is_asked_what_it_is_chosen_for(
    views: ViewClient, cluster_folder: Path, cluster: LocalCluster, tmp_path: Path
) -> None:
    assert cluster.port
    file = tmp_path / "clusters.toml"
    async with local_cluster(tmp_path / "other") as other:
        await run(other, "CREATE TABLE only_there (id int PRIMARY KEY)")
        file.write_text(
            f'default = "here"\n[clusters.here]\nlocal = true\nlocal-data = "{cluster_folder}"\n'
            f'[clusters.there]\nlocal = true\nlocal-data = "{tmp_path / "other"}"\nallow-writes = true\n'
        )
        async with running_viewer(server("--config", str(file)), tmp_path / "log") as viewer:
            tab = Tab(views, viewer)
            await tab.open()
            listed = "[...document.querySelectorAll('#objects .name')].map(name => name.textContent)"
            assert "only_there" not in await views.do("inHost", script=listed)
            assert await views.do("inHost", script="[change.hidden, cluster.value]") == [True, "here"]
            assert await tab.run("SELECT count(*) FROM only_there", "#read") == "failed"
            await views.do(
                "inHost", script="(cluster.value = 'there', cluster.dispatchEvent(new Event('change')))"
            )
            await tab.wait(f"{listed}.join() === 'only_there'")
            assert await tab.run("INSERT INTO only_there VALUES (7)", "#change") == "committed"
            assert ", there, change, committed" in await tab.text("#history li:first-child")
            assert ", here, query, failed" in await tab.text("#history li:nth-child(2)")
            await tab.click("#objects li button")
            assert await tab.outcome() == "1 row"
            await tab.look("jobs", "job_status")
            await views.wait("document.getElementById('badge')?.textContent === '○ There are no jobs'")
            await views.click("#refresh")
            await views.wait("document.getElementById('badge')?.textContent === '○ There are no jobs'")
            await tab.look("account", "cluster_status")
            await views.wait("document.getElementById('badge')?.textContent === '○ 1 cluster'")
            await tab.clean()
        await views.do("visit")
