"""A view's page: its HTML with the shared parts in their places.

A page stands alone in the client's frame, which loads nothing from anywhere. What several pages share is
therefore put into each when it is read, as it is: a line ``<!-- include NAME -->`` is replaced by the file,
which may include others; scripts are strict. Every page begins with the shared head and its view's title.
"""

import re
from pathlib import Path
from typing import Final

from awslabs_dsql_mcp.views.table import View

_PAGES: Final = Path(__file__).with_name("pages")
_INCLUDE: Final = re.compile(r"^<!-- include ([a-z]+\.(?:css|html|js)) -->\n", re.MULTILINE)
_AROUND: Final = {
    ".html": ("", ""),
    ".css": ("<style>\n", "</style>\n"),
    ".js": ('<script>\n"use strict";\n', "</script>\n"),
}


def page(view: View) -> str:
    """Read the page of a view, with all that it needs."""
    own = (_PAGES / f"{view.name}.html").read_text(encoding="utf-8").replace("<script>\n", _AROUND[".js"][0])
    title = f"<title>{view.title}</title>\n"
    return _with_parts(
        shared_part("head.html") + title + own.replace("<main>", f"<main>\n<h1>{view.title}</h1>")
    )


def shared_part(name: str) -> str:
    """Read a part that pages share."""
    return (_PAGES / "shared" / name).read_text(encoding="utf-8")


def _with_parts(text: str) -> str:
    return _INCLUDE.sub(lambda found: _part(found[1]), text)


def _part(name: str) -> str:
    before, after = _AROUND[Path(name).suffix]
    return before + _with_parts(shared_part(name)) + after
