"""The view of schemas in a real browser: tables, a diagram in which nothing overlaps, a search."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.views.extension import VIEW
from support.direct_connection import run
from views.browser import ViewClient
from views.test_rows import clean

pytestmark = pytest.mark.timeout(400)  # the first test brings a browser

NAME: Final = "<img src=x onerror=window.hurt=1>"
BOXES: Final = """[...document.querySelectorAll('.box rect')].map(box => {
  const {left, top, right, bottom} = box.getBoundingClientRect(); return [left, top, right, bottom]; })"""

DRAWN: Final = """[[...document.querySelectorAll('.box')].map(box => {
  const {width, height} = box.querySelector('rect').getBBox(), {e, f} = box.transform.baseVal[0].matrix;
  return [e, f, e + width, f + height]; }),
  [...document.querySelectorAll('.link path')].map(path => path.getAttribute('d'))]"""


def points(way: str) -> Iterator[tuple[float, float]]:
    """Give points of a line, close to each other."""
    x = y = 0.0
    for kind, told in re.findall(r"([MCH])([^MCH]+)", way):
        numbers = [float(one) for one in told.split()]
        if kind == "C":
            (x1, y1, x2, y2, x3, y3), start = numbers, (x, y)
            for at in (step / 32 for step in range(33)):
                parts = ((1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at * at * (1 - at), at**3)
                yield (
                    sum(part * value for part, value in zip(parts, (start[0], x1, x2, x3), strict=True)),
                    sum(part * value for part, value in zip(parts, (start[1], y1, y2, y3), strict=True)),
                )
            x, y = x3, y3
        elif kind == "H":
            yield from ((x + (numbers[0] - x) * step / 32, y) for step in range(33))
            x = numbers[0]
        else:
            x, y = numbers


async def keys_behind_boxes(views: ViewClient) -> tuple[int, list[str]]:
    """Count the keys that are drawn, and give those of which a part is behind a box."""
    boxes, ways = await views.evaluate(DRAWN)
    behind = [
        way
        for way in ways
        if any(
            left < x - 0.5 and x + 0.5 < right and top < y - 0.5 and y + 0.5 < bottom
            for x, y in points(way)
            for left, top, right, bottom in boxes
        )
    ]
    return len(ways), behind


@pytest.fixture(scope="module", autouse=True)
async def tables(cluster: LocalCluster) -> None:
    """Four tables and a view; two of the tables have hostile names."""
    await run(
        cluster,
        "CREATE SCHEMA drawn",
        "CREATE TABLE drawn.customers (id int PRIMARY KEY, name text NOT NULL DEFAULT 'nobody')",
        "CREATE TABLE drawn.orders (id int PRIMARY KEY, drawn_customer int REFERENCES drawn.customers,"
        " total numeric(12,2) CHECK (total > 0))",
        f'CREATE TABLE drawn."{NAME}" ("{NAME}" int PRIMARY KEY REFERENCES drawn.orders)',
        "CREATE VIEW drawn.large AS SELECT id FROM drawn.orders WHERE total > 1000",
    )


async def show(views: ViewClient, theme: str = "light", **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Ask for tables, and wait until they are shown."""
    answer = await views.open("get_schema", arguments, context={"theme": theme})
    await views.wait("document.getElementById('badge').textContent !== 'Waiting for tables…'")
    return answer


def made_up(number: int) -> dict[str, Any]:
    """Make an answer of many tables, some of which refer to others, to themselves, or in circles."""
    tables: list[dict[str, Any]] = []
    for n in range(number):
        targets = {n // 2, (n * 7) % number} if n % 4 else set[int]()
        columns = [f"column_{m}" for m in range(n * 5 % 23 + 1)]
        keys = [
            {"kind": "f", "text": f"k{m}", "columns": columns[:1], "target": f"public.t{m}"}
            for m in sorted(targets)
        ]
        plain = {"type": "text", "facts": ""}
        tables.append(
            {
                "title": f"public.t{n}",
                "kind": "table",
                "estimate": None,
                "comment": "",
                "definition": "",
                "column_count": len(columns),
                "columns": [{"name": name, **plain} for name in columns],
                "keys": keys,
                "referenced_by": [],
                "indexes": [],
            }
        )
    return {"content": [], "_meta": {VIEW: {"tables": tables, "more": 0}}}


@pytest.mark.parametrize("number", [2, 60, 100])
async def test_no_two_boxes_of_a_diagram_overlap_and_no_key_runs_behind_one(
    views: ViewClient, number: int
) -> None:
    given = made_up(number)
    await views.open("get_schema", {}, given=given)
    await views.wait(f"document.querySelectorAll('.box').length === {number}")
    boxes: list[list[float]] = await views.evaluate(BOXES)
    overlapping = [
        (one, other)
        for at, one in enumerate(boxes)
        for other in boxes[:at]
        if one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
    ]
    assert overlapping == []
    keys = [key for table in given["_meta"][VIEW]["tables"] for key in table["keys"]]
    assert await keys_behind_boxes(views) == (len(keys), [])
    inside = await views.evaluate(
        "(({left, top}) => [left, top])(document.querySelector('svg').getBoundingClientRect())"
    )
    assert min(box[0] for box in boxes) >= inside[0]
    await clean(views)


async def test_tables_are_drawn_and_told_in_a_list_that_keys_open(views: ViewClient) -> None:
    await show(views, detail="full")
    titles = await views.evaluate(
        "[...document.querySelectorAll('summary b')].map(title => title.textContent)"
    )
    assert {"drawn.customers", "drawn.orders", "drawn.large", f'drawn."{NAME}"', "Foreign keys"} <= set(
        titles
    )
    label = await views.evaluate("document.querySelector('svg').getAttribute('aria-label')")
    assert "the list of foreign keys says the same" in label
    assert f'drawn."{NAME}" ({NAME}) → drawn.orders' in await views.evaluate(
        "document.getElementById('keys').textContent"
    )
    await views.evaluate(
        "[...document.querySelectorAll('summary')].find(one => /^drawn.orders/.test(one.innerText)).focus()"
    )
    await views.press("Enter")
    told = "document.querySelector('details[open] .about')"
    await views.wait(told)
    about: str = await views.evaluate(f"{told}.innerText")
    assert "drawn_customer\tinteger\t→ drawn.customers" in about
    assert "CHECK ((total > (0)::numeric))" in about
    assert f'drawn."{NAME}" ({NAME})' in about
    assert await views.evaluate("document.querySelectorAll('img, script[src]').length") == 0
    assert await views.evaluate("window.hurt ?? null") is None
    await clean(views)


async def test_a_search_finds_tables_by_their_columns(views: ViewClient) -> None:
    await show(views, detail="full")
    assert " view" in await views.text("#badge")
    await views.do("type", selector="#search", text="drawn_CUSTOMER")
    await views.wait("document.getElementById('badge').textContent.startsWith('1 of ')")
    seen = "[...document.querySelectorAll('#tables > details:not([hidden]):not(#keys)')]"
    assert await views.evaluate(f"{seen}.map(one => one.querySelector('b').textContent)") == ["drawn.orders"]
    assert await views.text(".hit") == "drawn_customer"
    assert await views.evaluate("document.querySelectorAll('.box:not(.other)').length") == 1
    await views.do("type", selector="#search", text="none")
    await views.wait("document.getElementById('badge').textContent === 'No table or column has this text.'")
    await clean(views)


async def test_one_table_is_open_and_a_view_has_its_definition(views: ViewClient) -> None:
    await show(views, "dark", table_name="drawn.large")
    assert await views.evaluate("document.querySelector('details').open")
    assert "total > " in await views.text("pre")
    assert await views.evaluate("document.getElementById('diagram').hidden")
    await clean(views)


async def test_what_is_not_there_is_told(views: ViewClient) -> None:
    answer = await show(views, table_name="drawn.order")
    assert await views.text("#error") == answer["content"][0]["text"].strip()
    assert await views.text("#badge") == "Not found"
    await clean(views)
    none: dict[str, Any] = json.loads('{"content": [{"type": "text", "text": "There are no tables."}]}')
    await views.open("get_schema", {}, given=none)
    await views.wait("document.getElementById('badge').textContent === 'No tables'")
    assert await views.text("#note") == "There are no tables."
    await clean(views)


async def test_a_list_of_many_is_drawn_too(views: ViewClient) -> None:
    answer = await show(views, detail="summary")
    drawn = [table for table in answer["_meta"][VIEW]["tables"] if table["columns"]]
    assert {"drawn.customers", "drawn.orders"} <= {table["title"] for table in drawn}
    assert await views.evaluate("document.querySelectorAll('.box').length") == len(
        answer["_meta"][VIEW]["tables"]
    )
