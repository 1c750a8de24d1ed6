"""The view of rows in a real browser: what a person sees, and can do, of the server's own answers."""

import json
from typing import Any, Final

import pytest

from views.browser import ViewClient

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser

ROWS: Final = """SELECT g AS id, 'row ' || g AS name,
  CASE g % 3 WHEN 0 THEN NULL ELSE (g * 37 % 101)::numeric / 4 END AS price,
  CASE g % 5 WHEN 0 THEN '' ELSE repeat('x', g % 7) END AS note,
  9007199254740990 + g * 3 % 8 AS big, timestamp '2026-01-01' + g * interval '1 day' AS day
FROM generate_series(1, 250) g ORDER BY g"""
HEADER: Final = ".head [role=columnheader]:nth-child({})"  # the first is that of the rows' numbers
CELLS: Final = "[...document.querySelectorAll('.line')].map(line => line.children[{}].textContent)"


async def show(views: ViewClient, sql: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Show the rows of a query."""
    return await views.open("readonly_query", {"sql": sql}, **more)


async def column(views: ViewClient, number: int) -> list[str]:
    """Give the texts of a column, as far as it is in sight."""
    return await views.evaluate(CELLS.format(number))


async def clean(views: ViewClient) -> None:
    """Check that the browser complained of nothing, and axe of nothing serious."""
    assert await views.faults() == []
    found = await views.do("axe")
    assert [one for one in found if one["impact"] in ("serious", "critical")] == []


async def test_rows_are_shown_with_their_columns_and_types(views: ViewClient) -> None:
    answer = await show(views, ROWS)
    await views.wait("document.querySelector('.line')")
    assert await views.text("#told") == "100 rows, and there are more"
    assert await views.evaluate("document.querySelectorAll('.head .type')[2].textContent") == "numeric"
    first = [str(cell) for cell in answer["structuredContent"]["rows"][0]]
    assert await views.evaluate(
        "[...document.querySelector('.line').children].slice(1).map(c => c.textContent)"
    ) == [cell or "" for cell in first]
    grid = await views.evaluate(
        "['aria-rowcount', 'aria-colcount'].map(n => document.querySelector('.grid').getAttribute(n))"
    )
    assert grid == ["101", "7"]
    await clean(views)


async def test_null_is_no_empty_text_and_no_text_that_reads_null(views: ViewClient) -> None:
    await show(views, "SELECT NULL AS a, '' AS b, 'NULL' AS c")
    await views.wait("document.querySelector('.line')")
    cells = "[...document.querySelectorAll('.line > [role=gridcell]')]"
    assert await views.evaluate(f"{cells}.map(cell => cell.textContent)") == ["NULL", "", "NULL"]
    assert await views.evaluate(f"{cells}.map(cell => cell.classList[0] ?? '')") == ["null", "empty", ""]
    assert await views.evaluate(f"getComputedStyle({cells}[1], '::after').content") == '"empty text"'


async def test_numbers_sort_as_numbers_and_null_is_the_largest(views: ViewClient) -> None:
    values = (
        "(VALUES ('10'), ('9'), ('-2.5'), (NULL), ('NaN'), ('9.50'), ('9.05'), ('123456789012345678.2'),"
        " ('123456789012345678.1'), ('Infinity')) AS v(n)"
    )
    await show(views, f"SELECT n::numeric FROM {values}")  # noqa: S608 - of the line above
    await views.wait("document.querySelector('.line')")
    await views.click(HEADER.format(2))
    rising = ["-2.5", "9", "9.05", "9.50", "10", "123456789012345678.1", "123456789012345678.2"]
    rising += ["Infinity", "NaN", "NULL"]
    assert await column(views, 1) == rising
    assert await views.evaluate(f"document.querySelector('{HEADER.format(2)}').ariaSort") == "ascending"
    await views.click(HEADER.format(2))
    assert await column(views, 1) == rising[::-1]


@pytest.mark.parametrize(
    "values",
    [
        "VALUES (9007199254740993), (9007199254740994), (9007199254740992), (-9007199254740993), (12), (2)",
        "VALUES ('b'), ('a'), ('B'), ('ä'), ('a b'), ('')",
        "VALUES (timestamptz '2026-01-02'), ('infinity'), ('2025-12-31'), ('-infinity')",
        "VALUES (timestamptz '2025-12-31'), ('10000-01-01'), ('10000-01-01 00:00:00.5'), ('-infinity')",
        "VALUES (timestamptz '0044-03-15 BC'), ('0044-03-16 01:00 BC'), ('0300-01-01 BC'), ('2026-01-01')",
        "VALUES (date '9999-12-31'), ('10000-01-01'), ('0044-03-15 BC'), ('0050-03-15 BC'), ('-infinity')",
        "VALUES (timestamp(3) '294276-01-01'), ('0001-01-01'), ('0001-01-01 BC'), ('infinity')",
        "VALUES ('\U0001f600'), ('\ufb00'), ('z'), ('\ue000'), ('a\U0001f600'), ('a\uffe6')",
        "VALUES (char(4) 'a'), ('B'), (E'a\\t')",
        "VALUES (numeric '-0.10000000000000000002'), ('-0.10000000000000000001'), ('100'), ('99')",
        "VALUES (2e400::numeric), ('Infinity'), (1e400), ('NaN'), (-2e400), (-1e400), ('-Infinity'), (1)",
        "VALUES (0::numeric), (-1e-400), (-2e-400), (1e-400)",
        "VALUES (true), (false), (NULL)",
        "VALUES (1e300::float8), (-1e-300), (0), ('-Infinity'), (2.5)",
    ],
)
async def test_a_column_sorts_as_the_cluster_sorts_it(views: ViewClient, values: str) -> None:
    sql = f"SELECT v FROM ({values}) AS t(v)"  # noqa: S608 - of the table above
    ordered = await show(views, f"{sql} ORDER BY v")
    await show(views, sql)
    await views.wait("document.querySelector('.line')")
    await views.click(HEADER.format(2))
    assert await views.evaluate("shown") == ordered["structuredContent"]["rows"]


async def test_a_filter_keeps_rows_that_hold_its_text(views: ViewClient) -> None:
    await show(views, ROWS)
    await views.wait("document.querySelector('.line')")
    await views.do("type", selector="#filter", text="ROW 9")
    assert await views.text("#told") == "11 of 100 rows, and there are more"
    assert (await column(views, 2))[:2] == ["row 9", "row 90"]
    await views.do("type", selector="#filter", text=" nothing")
    assert "No row holds this text." in await views.text("#note")
    await clean(views)


async def test_it_reads_on_to_the_last_row_and_says_how(views: ViewClient) -> None:
    await show(views, ROWS)
    await views.wait("document.querySelector('.line')")
    await views.click("#next")
    await views.wait("rows.length === 200")
    await views.click("#all")
    await views.wait("document.getElementById('paging').hidden")
    assert await views.text("#told") == "250 rows"
    assert await views.evaluate("rows.map(row => row[0])") == list(range(1, 251))
    assert "3 pages, each a query of its own" in await views.text("#note")
    assert "rows that changed or sort alike may be missing or twice" in await views.text("#note")
    assert "ORDER BY" not in await views.text("#note")
    calls = await views.seen("calls")
    assert [call["name"] for call in calls] == ["readonly_query"] * 2


@pytest.mark.parametrize(
    ("sql", "params", "ordered"),
    [
        ("SELECT g, 1 AS g FROM generate_series(1, %s) g -- ORDER BY g", [150], False),
        (
            "SELECT g, 'ORDER BY' AS t FROM (SELECT g FROM generate_series(1, 150) g ORDER BY g) s ;",
            None,
            False,
        ),
        (
            "WITH s AS (SELECT generate_series(1, %s) AS g) SELECT g FROM s ORDER BY g DESC LIMIT 140;",
            [150],
            True,
        ),
        ("TABLE pg_catalog.pg_proc", None, False),
    ],
)
async def test_any_select_is_read_on(
    views: ViewClient,
    sql: str,
    params: list[Any] | None,
    ordered: bool,  # noqa: FBT001
) -> None:
    await views.open("readonly_query", {"sql": sql, "params": params} if params else {"sql": sql})
    await views.wait("document.querySelector('.line')")
    first = await views.evaluate("rows.length")
    await views.click("#next")
    await views.wait(f"rows.length > {first}")
    assert not await views.text("#error")
    assert ("no ORDER BY" in await views.text("#note")) is not ordered


async def test_what_cannot_be_read_on_says_so(views: ViewClient) -> None:
    await show(views, "EXPLAIN SELECT " + " UNION ALL SELECT ".join(map(str, range(140))))
    await views.wait("document.querySelector('.line')")
    assert "Only a SELECT can be read on." in await views.text("#note")
    await show(views, ROWS, capabilities={})
    await views.wait("rows.length === 100")
    assert "does not let a view read on" in await views.text("#note")
    assert await views.evaluate("document.getElementById('paging').hidden")


async def test_an_error_while_reading_on_is_shown_and_the_rows_stay(views: ViewClient) -> None:
    sql = "SELECT 1 / (120 - g) AS n FROM generate_series(1, 200) g"
    await show(views, f"{sql} LIMIT 110")
    await show(views, sql)
    await views.wait("rows.length === 100")
    await views.click("#next")
    await views.wait("!document.getElementById('error').hidden")
    assert "division by zero" in await views.text("#error")
    assert await views.text("#told") == "100 rows, and there are more"
    assert not await views.evaluate("document.getElementById('paging').hidden")


async def test_csv_is_what_copy_to_writes(views: ViewClient) -> None:
    await show(
        views,
        "SELECT 'a,b' AS \"x \"\"y\", NULL AS n, '' AS e, E'1\\n2' AS l, "
        "'{\"k\": [1]}'::json AS j, 1.50 AS d",
    )
    await views.wait("document.querySelector('.line')")
    await views.click("#copy")
    await views.wait("document.getElementById('told').textContent === '1 row copied'")
    expected = '"x ""y",n,e,l,j,d\r\n"a,b",,"","1\n2","{""k"":[1]}",1.50\r\n'
    assert await views.do("inHost", script="navigator.clipboard.readText()") == expected
    await views.click("#save")
    await views.wait("document.getElementById('told').textContent === '1 row given to the client'")
    (file,) = await views.seen("files")
    resource = file["contents"][0]["resource"]
    assert (resource["mimeType"], resource["text"]) == ("text/csv", expected)


async def test_a_cell_is_opened_by_keys_alone_and_closed_again(views: ViewClient) -> None:
    await show(views, "SELECT g, repeat('long ', 300) AS t FROM generate_series(1, 60) g")
    await views.wait("document.querySelector('.line')")
    await views.evaluate("document.querySelector('.grid').focus()")
    await views.press("ArrowRight", "PageDown", "ArrowDown", "Enter")
    active = await views.evaluate(
        "document.getElementById(grid.root.getAttribute('aria-activedescendant')).id"
    )
    row = await views.evaluate("grid.active.row")
    assert active == f"c{row}-1"
    assert (await views.text("#whole")).strip() == ("long " * 300).strip()
    assert await views.text("#what") == f"text, row {row + 1}, 1,500 characters"
    await views.press("ArrowLeft")
    assert await views.text("#whole") == str(row + 1)
    await clean(views)
    await views.press("Escape")
    assert await views.evaluate("document.getElementById('cell').hidden")
    assert await views.evaluate("document.activeElement === grid.root")


async def test_a_chart_of_two_columns(views: ViewClient) -> None:
    await show(views, ROWS)
    await views.wait("document.querySelector('.line')")
    await views.click("#chart")
    label = await views.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert label.startswith("Line chart of price by day: 67 points")
    assert "33 rows without a number to draw left out" in await views.text("#left")
    await views.evaluate("(form => {form.value = 'bar'; form.dispatchEvent(new Event('change'))})($('form'))")
    assert await views.evaluate("document.querySelectorAll('svg rect').length") == 60
    assert "the first 60 of 67 rows" in await views.text("#left")
    await clean(views)
    await show(views, "SELECT 'a' AS x, 'b' AS y")
    await views.wait("rows.length === 1")
    assert await views.evaluate("document.getElementById('chart').hidden")


async def test_a_chart_of_extreme_numbers_is_drawn_and_told_exactly(views: ViewClient) -> None:
    sql = (
        "SELECT a AS x, b AS y FROM (VALUES (1, 36028797018963969), (2, 36028797018963977),"
        " (3, 36028797018963985)) AS v(a, b)"
    )
    await show(views, sql)
    await views.wait("rows.length === 3")
    await views.click("#chart")
    await views.evaluate(
        "(form => {form.value = 'line'; form.dispatchEvent(new Event('change'))})($('form'))"
    )
    label = await views.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert label.endswith(": 3 points, from 36028797018963969 to 36028797018963985")
    await show(
        views, "SELECT a AS x, b::float8 AS y FROM (VALUES (1, 1e-7), (2, 1.7e308), (3, -1.7e308)) v(a, b)"
    )
    await views.wait("rows.length === 3 && columns[1].type === 'float8'")
    await views.click("#chart")
    label = await views.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert label.endswith(": 1 point, from 1e-7 to 1e-7")
    assert await views.text("#left") == "2 rows without a number to draw left out"
    await clean(views)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ("('x', 1e299::float8), ('y', -1e299)", ["-1E299", "-5E298", "0", "5E298", "1E299"]),
        ("('x', 1e-300::float8), ('y', 0)", ["0", "5E-301", "1E-300"]),
        ("('x', 0.1), ('y', 0.3)", ["0", "0.1", "0.2", "0.3"]),
    ],
)
async def test_an_axis_has_room_beside_its_names(views: ViewClient, values: str, named: list[str]) -> None:
    await show(views, f"SELECT a, b FROM (VALUES {values}) AS t(a, b)")  # noqa: S608 - of the table above
    await views.wait("rows.length === 2")
    await views.click("#chart")
    axis = "[...document.querySelectorAll('svg text[text-anchor=end]')].map(text => text.textContent)"
    names = await views.evaluate(axis)
    assert [name for name in names if name in named] == named
    assert max(map(len, names)) < 10
    bars = "[...document.querySelectorAll('svg rect')].map(bar => bar.x.baseVal.value > 0)"
    assert await views.evaluate(bars) == [True, True]
    await clean(views)


async def test_cells_are_told_as_the_cluster_has_them(views: ViewClient) -> None:
    await show(
        views,
        "SELECT '-1'::float8 AS \"__proto__\", '{1,NULL}'::int[] AS \"a\u202eb\", '\\x00ff'::bytea AS same,"
        " 'infinity'::timestamptz AS same, 'NaN'::float8 AS f, '{\"n\": 9007199254740993}'::json AS j",
    )
    await views.wait("document.querySelector('.line')")
    told = await views.evaluate("[...document.querySelector('.line').children].map(c => c.textContent)")
    assert told[1:] == ["-1", "{1,NULL}", "\\x00ff", "infinity", "NaN", '{"n": 9007199254740993}']
    assert await views.evaluate("textOfCell(-0)") == "-0"  # which clients that write it anew lose
    heads = await views.evaluate("[...document.querySelectorAll('.head .name')].map(c => c.textContent)")
    assert heads == ["__proto__", r"a\u202eb", "same", "same", "f", "j"]
    assert (await views.evaluate("toCsv(columns, rows)")).splitlines()[1].startswith('-1,"{1,NULL}",')
    await clean(views)


@pytest.mark.parametrize(
    ("values", "of"),
    [
        ("(interval '9 days'), ('10 days')", "interval"),
        ("(timetz '10:00+02'), ('09:00+00')", "timetz"),
        ("('{b}'::text[]), ('{a}')", "text[]"),
    ],
)
async def test_a_column_that_is_sorted_by_its_text_says_so(views: ViewClient, values: str, of: str) -> None:
    await show(views, f"SELECT v FROM (VALUES {values}) AS t(v)")  # noqa: S608 - of the table above
    await views.wait("document.querySelector('.line')")
    assert "Sorted by text" not in await views.text("#note")
    await views.click(HEADER.format(2))
    assert f"Sorted by text, not as PostgreSQL sorts {of}." in await views.text("#note")


async def test_a_cell_that_the_server_cut_says_so_and_how_to_read_on(views: ViewClient) -> None:
    await show(views, "SELECT repeat('a', 5000) AS long, repeat('b', 2000) AS whole")
    await views.wait("document.querySelector('.line')")
    await views.evaluate("grid.root.focus()")
    await views.press("Enter")
    assert await views.text("#what") == (
        "text, row 1, cut after 2,000; substr(column::text, 2001) in a query reads on"
    )
    await views.press("ArrowRight")
    assert await views.text("#what") == "text, row 1, 2,000 characters"
    await clean(views)


CUT: Final = """SELECT g, repeat('x', CASE WHEN g IN (1, 2, 103) THEN 5000 ELSE 4 END) || g AS v
FROM generate_series(1, 110) g ORDER BY g"""


async def test_cut_cells_of_all_pages_are_counted_and_what_is_copied_says_that_it_has_them(
    views: ViewClient,
) -> None:
    await show(views, CUT)
    await views.wait("rows.length === 100")
    assert "2 values cut: an opened one says what reads on." in await views.text("#note")
    await views.click("#copy")
    told = "document.getElementById('told').textContent === '100 rows {}'"
    await views.wait(told.format("copied, 2 values of them cut, and there are more"))
    await views.click("#next")
    await views.wait("rows.length === 110")
    assert "3 values cut" in await views.text("#note")
    await views.click("#save")
    await views.wait(told.replace("100", "110").format("given to the client, 3 values of them cut"))
    await views.evaluate("grid.move(0, 1)")
    await views.evaluate("grid.root.focus()")
    await views.evaluate("copyCell()")
    assert await views.text("#told") == "Cell copied, which is cut"
    await views.do("type", selector="#filter", text="x110")
    await views.click("#copy")
    await views.wait("document.getElementById('told').textContent === '1 row copied'")


async def test_a_search_of_cut_cells_does_not_say_that_no_row_has_it(views: ViewClient) -> None:
    await show(views, "SELECT repeat('x', 5000) || 'end' AS v")
    await views.wait("rows.length === 1")
    await views.do("type", selector="#filter", text="end")
    assert "Sorted and filtered is what was read, without what was cut off." in await views.text("#note")
    await views.evaluate("($('filter').value = '', grid.sort(0))")
    assert "without what was cut off" in await views.text("#note")


async def test_what_is_copied_says_that_columns_are_missing(views: ViewClient) -> None:
    await show(views, "SELECT " + ", ".join(f"{n} AS {'c' * 50}_{n}" for n in range(1500)))
    await views.wait("rows.length === 1")
    await views.click("#copy")
    told = "1 row copied, without the last columns"
    await views.wait(f"document.getElementById('told').textContent === '{told}'")


async def test_the_keys_of_a_document_keep_their_order(views: ViewClient) -> None:
    await show(views, """SELECT '{"10": 1, "b": 2, "c": {"x": 3, "7": 4}}'::jsonb AS j""")
    await views.wait("document.querySelector('.line')")
    assert await column(views, 1) == ['{"b": 2, "c": {"7": 4, "x": 3}, "10": 1}']


async def test_rows_of_one_answer_stand_alone_whatever_came_while_they_were_read(views: ViewClient) -> None:
    await show(views, "SELECT generate_series(1, 350) AS a ORDER BY a")
    await views.wait("rows.length === 100")
    waiting = """(all => {
        const call = all.get('tools/call');
        const answered = new Promise(done => (window.answer = done));
        all.set('tools/call', (...given) => answered.then(() => call(...given)));
        return true;
    })(bridge._requestHandlers)"""
    await views.do("inHost", script=waiting)
    await views.click("#all")
    values = {"command": "SELECT 1", "row_count": 1, "columns": ["a int4"], "rows": [[7]]}
    given = json.dumps({"content": [], "structuredContent": values})
    told = "bridge.sendToolInput({arguments: {sql: 'SELECT 7 AS a'}})"
    await views.do("inHost", script=f"{told}.then(() => bridge.sendToolResult({given})).then(() => true)")
    await views.wait("rows.length === 1")
    await views.do("inHost", script="answer(), true")
    await views.evaluate("new Promise((done) => setTimeout(done, 500))")
    assert await views.evaluate("rows") == [[7]]
    assert await views.text("#told") == "1 row"
    await clean(views)


async def test_the_active_cell_is_seen_in_forced_colours(views: ViewClient) -> None:
    await show(views, "SELECT 1 AS a, 2 AS b")
    await views.wait("document.querySelector('.line')")
    await views.do("media", features=[{"name": "forced-colors", "value": "active"}])
    try:
        await views.evaluate("grid.root.focus()")
        await views.press("ArrowRight")
        cells = "[...document.querySelectorAll('.line [role=gridcell]')]"
        styles = await views.evaluate(f"{cells}.map(cell => getComputedStyle(cell).outlineStyle)")
        assert styles == ["none", "solid"]
    finally:
        await views.do("media", features=[])


async def test_a_client_that_denies_the_whole_screen_has_no_button_for_it(views: ViewClient) -> None:
    await show(views, "SELECT 1 AS a", context={"availableDisplayModes": ["inline", "fullscreen"]})
    await views.wait("document.querySelector('.line')")
    await views.do("inHost", script="bridge.onrequestdisplaymode = () => { throw new Error('no'); }, true")
    await views.do("forgetFaults")  # the bridge warns of its own new handler
    await views.click("#size")
    await views.wait("document.getElementById('size').hidden")
    await clean(views)


@pytest.mark.parametrize("text", ["pass\u00adword", "a\u00a0b", "a\U000e0041", "a\u061cb", "a\u3164"])
async def test_no_text_looks_like_another_by_what_is_invisible(views: ViewClient, text: str) -> None:
    await views.open("readonly_query", {"sql": "SELECT %s::text AS v, 'a b\u3000c' AS w", "params": [text]})
    await views.wait("document.querySelector('.line')")
    assert "⟨U+" in (await column(views, 1))[0]
    assert await column(views, 2) == ["a b\u3000c"]


@pytest.mark.parametrize("text", ["$$ORDER BY$$", "$a$it's ORDER BY$a$", "E'a\\' ORDER BY '"])
async def test_a_text_that_reads_order_by_orders_nothing(views: ViewClient, text: str) -> None:
    await show(views, f"SELECT {text} AS a FROM generate_series(1, 150)")  # noqa: S608 - of the list above
    await views.wait("rows.length === 100")
    assert "no ORDER BY" in await views.text("#note")


async def test_a_line_of_one_value_is_drawn(views: ViewClient) -> None:
    await show(views, "SELECT date '2026-01-01' + g AS day, 7 AS n FROM generate_series(1, 9) g")
    await views.wait("rows.length === 9")
    await views.click("#chart")
    label = await views.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert label == "Line chart of n by day: 9 points, from 7 to 7"
    await clean(views)


async def test_a_chart_names_days_before_and_after_those_of_four_digits(views: ViewClient) -> None:
    await show(views, "SELECT v AS day, 1 AS n FROM (VALUES (date '10000-01-02'), ('0044-03-15 BC')) AS t(v)")
    await views.wait("rows.length === 2")
    await views.click("#chart")
    named = "[...document.querySelectorAll('svg text')].map(text => text.textContent)"
    assert (await views.evaluate(named))[-2:] == ["0044-03-15 BC", "10000-01-02"]


HOSTILE: Final = (
    '<img src=x onerror="window.hurt=1">',
    "<script>window.hurt=1</script>",
    "javascript:window.hurt=1",
    "</script><svg onload=window.hurt=1>",
    "{{constructor.constructor('window.hurt=1')()}}",
    "\u202egnp.exe\u202c",
    "مرحبا abc",
    "' onmouseover='window.hurt=1",
    "=cmd|'/c calc'!A0",
)


async def test_nothing_that_rows_hold_is_run(views: ViewClient) -> None:
    sql = " UNION ALL ".join("SELECT %s::text AS " + '"<b>name</b>"' for _ in HOSTILE)
    await views.open("readonly_query", {"sql": sql, "params": list(HOSTILE)})
    await views.wait(f"rows.length === {len(HOSTILE)}")
    assert await views.evaluate("rows.map(row => row[0])") == list(HOSTILE)
    await views.evaluate("grid.root.focus()")
    for _ in HOSTILE:
        await views.press("Enter", "ArrowDown")
    assert (await column(views, 1))[0] == HOSTILE[0]
    assert "⟨U+202E⟩gnp.exe" in "".join(await column(views, 1))
    assert await views.evaluate("document.querySelectorAll('img, b, script[src], svg').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_an_error_is_shown_as_the_server_words_it(views: ViewClient) -> None:
    answer = await show(views, "SELECT nope")
    await views.wait("!document.getElementById('error').hidden")
    assert await views.text("#error") == answer["content"][0]["text"].strip()
    assert await views.evaluate("document.getElementById('tools').hidden")
    await clean(views)


async def test_many_rows_and_large_cells_are_shown(views: ViewClient) -> None:
    columns = [f"c{n} text" for n in range(50)]
    rows = [["x" * (1_000_000 if n == m == 0 else 9) for m in range(50)] for n in range(10_000)]
    given: dict[str, Any] = {
        "content": [],
        "structuredContent": {"command": "SELECT", "row_count": 10_000, "columns": columns, "rows": rows},
    }
    await show(views, "SELECT", given=given)
    await views.wait("document.querySelector('.line')")
    assert await views.text("#told") == "10,000 rows"
    assert await views.evaluate("document.querySelectorAll('*').length") < 5_000
    await views.evaluate("grid.root.focus()")
    await views.press("Enter")
    assert await views.text("#what") == "text, row 1, 1,000,000 characters"
    await views.do("press", keys=["Escape"])
    await views.evaluate("grid.move(9999, 49)")
    await views.wait("document.getElementById('c9999-49')")
    assert await views.faults() == []


async def test_the_clients_theme_and_sizes_are_taken(views: ViewClient) -> None:
    styles = {"variables": {"--color-background-primary": "rgb(1, 2, 3)"}}
    modes = {"availableDisplayModes": ["inline", "fullscreen"]}
    await show(views, ROWS, context={"theme": "dark", "styles": styles, **modes})
    await views.wait("document.querySelector('.line')")
    assert await views.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(1, 2, 3)"
    await clean(views)
    await views.do(
        "context",
        context={"theme": "light", "styles": {"variables": {"--color-background-primary": "#ffffff"}}},
    )
    await views.wait("document.documentElement.style.colorScheme === 'light'")
    await clean(views)
    sizes = await views.seen("sizes")
    assert 300 < sizes[-1] < 620
    await views.click("#size")
    await views.wait("document.documentElement.classList.contains('full')")
    assert await views.seen("modes") == ["fullscreen"]
    await views.wait("grid.root.clientHeight > 450")
