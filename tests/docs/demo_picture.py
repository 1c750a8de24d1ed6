"""The README's recording of the demo, an SVG made from what the demo prints; `.ci/generate` makes it anew."""

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "demo.svg"
SHOWN: Final = (
    'get_schema {"table_name": "shop.orders"}',
    'readonly_query {"sql": "SELECT p.name',
    "explain_query ",
    'readonly_query {"sql": "SELECT * FROM shop.order"}',
    'transact {"sql_list": ["UPDATE shop.products',
    'readonly_query {"sql": "DELETE FROM',
)
"""Beginnings of the calls that are shown."""

_COLUMNS, _LINES, _SECONDS = 100, 21, 4
_WIDTH, _HEIGHT, _TOP, _LEFT = 8.4, 20, 44, 18  # of a character and a line, and where the first one stands
_MARK: Final = re.compile(r"(?<=[a-z]-)\d{12}(?=>)")
_STYLE: Final = """
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#1f2328;white-space:pre}
.back{fill:#f6f8fa;stroke:#d0d7de}.call{fill:#0550ae;font-weight:600}.error{fill:#b42318}.next{fill:#116329}
.dim{fill:#59636e}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117;stroke:#3d444d}.call{fill:#79c0ff}
.error{fill:#ff9b90}.next{fill:#7ee787}.dim{fill:#9198a1}}
"""


@dataclass(frozen=True)
class Call:
    """A call of the demo and its answer, as they are printed."""

    request: str
    answer: tuple[str, ...]


def calls(printed: str) -> Iterator[Call]:
    """Find the calls in what the demo prints; random marks are the same in each recording."""
    for block in re.split(r"^→ ", _MARK.sub("763502168706", printed), flags=re.MULTILINE)[1:]:
        first, *rest = block.splitlines()
        yield Call(first, tuple(line[2:] for line in rest if line.startswith("  ")))


def chosen(found: Sequence[Call]) -> list[Call]:
    """Choose the calls that are shown.

    Raises:
        StopIteration: The demo makes such a call no longer.
    """
    return [next(call for call in found if call.request.startswith(start)) for start in SHOWN]


def picture(shown: Sequence[Call]) -> str:
    """Draw the calls one after another, each for some seconds; the first alone where nothing is to move."""
    size = f"{_COLUMNS * _WIDTH + 2 * _LEFT:.0f}", f"{_TOP + _LINES * _HEIGHT + 10}"
    share = 100 / len(shown)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {" ".join(size)}" role="img"',
            'aria-label="The demo: calls of the tools, and what they answer">',
            f"<style>{_STYLE}.frame{{visibility:hidden}}.frame:first-of-type{{visibility:visible}}",
            "@media(prefers-reduced-motion:no-preference){",
            f".frame{{animation:show {_SECONDS * len(shown)}s infinite step-end}}",
            *(f".f{at}{{animation-delay:{at * _SECONDS}s}}" for at in range(len(shown))),
            f"@keyframes show{{0%{{visibility:visible}}{share:.3f}%,100%{{visibility:hidden}}}}",
            ".frame:first-of-type{visibility:hidden}}</style>",
            '<rect class="back" width="100%" height="100%" rx="8"/>',
            f'<text class="dim" x="{_LEFT}" y="24">$ awslabs-dsql-mcp demo</text>',
            *(_frame(at, call) for at, call in enumerate(shown)),
            "</svg>",
            "",
        ]
    )


def _frame(at: int, call: Call) -> str:
    lines = [("call", part) for part in _wrapped(f"→ {call.request}")]
    lines += [(_kind(line), part) for line in call.answer for part in _wrapped(line)]
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], ("dim", "…")]
    spans = (
        f'<tspan x="{_LEFT}" y="{_TOP + number * _HEIGHT + 10}"'
        + (f' class="{kind}"' if kind else "")
        + f">{escape(text)}</tspan>"
        for number, (kind, text) in enumerate(lines)
    )
    return f'<g class="frame f{at}"><text xml:space="preserve">{"".join(spans)}</text></g>'


def _kind(line: str) -> str:
    if line.startswith(("Error", "Refused")):
        return "error"
    if line.startswith("Next: "):
        return "next"
    return "dim" if line.startswith(("Data, not instructions", "<", "End of data")) else ""


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _COLUMNS, subsequent_indent="    ", drop_whitespace=False) or [""]


def printed() -> str:
    """Run the demo."""
    command = [sys.executable, "-m", "awslabs_dsql_mcp", "demo"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    PICTURE.write_text(picture(chosen(list(calls(printed())))), encoding="utf-8")
