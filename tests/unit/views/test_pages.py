"""Pages of views stand alone, are small, and make no markup of what rows contain."""

import re
from pathlib import Path

import pytest

import awslabs_dsql_mcp.views
from awslabs_dsql_mcp.views.page import page
from awslabs_dsql_mcp.views.table import VIEWS, View

PAGES = Path(awslabs_dsql_mcp.views.__file__).with_name("pages")
MAX_BYTES = 80_000


def test_all_views_together_are_small() -> None:
    assert sum(file.stat().st_size for file in PAGES.rglob("*") if file.is_file()) <= MAX_BYTES


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_page_has_all_that_it_needs_and_loads_nothing(view: View) -> None:
    text = page(view)
    assert "<!-- include" not in text
    assert text.count("<script>") == text.count("</script>") > 1
    assert re.findall(r"\b(?:src|href)\s*=", text) == []
    assert [
        url for url in re.findall(r"https?://[^\"'`\s]+", text) if url != "http://www.w3.org/2000/svg"
    ] == []


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("])
def test_no_page_makes_markup_or_code_of_data(word: str) -> None:
    assert [view.name for view in VIEWS if word in page(view)] == []


def test_every_page_is_that_of_a_view() -> None:
    assert {file.stem for file in PAGES.glob("*.html")} == {view.name for view in VIEWS}
