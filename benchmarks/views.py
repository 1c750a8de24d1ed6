"""Time of the view of rows in a browser: 10,000 rows of 20 columns painted, sorted and filtered.

Beside it stands the same work without a view: a plain HTML table of the same rows in the same browser.
Needs what tests/views need.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1] / "tests")  # this folder has a `views`, too

from conftest import server  # noqa: E402 - found by the line above
from views.browser import Absent, ViewClient, view_client  # noqa: E402 - as above

ROWS, COLUMNS = 10_000, 20
_PAINT = """new Promise((resolve) => {
  const began = performance.now();
  WORK;
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
})"""
_PLAIN = """const t = document.createElement('table');
for (const row of rows) { const r = t.insertRow(); for (const c of row) r.insertCell().textContent = c; }
document.body.append(t); document.body.getBoundingClientRect()"""
WORK = {
    "first paint": "begin(window.given)",
    "sort by a number": "grid.sort(0)",
    "sort by a text": "grid.sort(1)",
    "first filter": "$('filter').value = '99'; order()",
    "next filter": "$('filter').value = '998'; order()",
    "scroll to the end": "$('filter').value = ''; order(); grid.root.scrollTop = 1e9",
    "a plain table": _PLAIN,
}


def given() -> dict[str, object]:
    columns = [f"c{n} {'int8' if n % 2 == 0 else 'text'}" for n in range(COLUMNS)]
    rows = [
        [(r * 7919 + c) % 10_007 if c % 2 == 0 else f"text {(r * 31 + c) % 9_973}" for c in range(COLUMNS)]
        for r in range(ROWS)
    ]
    return {
        "content": [],
        "structuredContent": {"command": "SELECT", "row_count": ROWS, "columns": columns, "rows": rows},
    }


async def measure(view: ViewClient) -> None:
    await view.open("readonly_query", {"sql": "SELECT"}, given=given())
    await view.wait(f"rows.length === {ROWS}")
    told = "columns: columns.map(c => `${c.name} ${c.type}`), rows: rows.slice()"
    await view.evaluate(f"(window.given = {{structuredContent: {{command: 'SELECT', {told}}}}}, true)")
    for name, work in WORK.items():
        times = [
            await view.evaluate(_PAINT.replace("WORK", work)) for _ in range(1 if "plain" in name else 5)
        ]
        print(f"{name:20} {min(times):7.0f} ms at best, {max(times):7.0f} ms at worst")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with view_client(server("--local", "--local-data", folder)) as view:
            await measure(view)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Absent as reason:
        print(reason)
