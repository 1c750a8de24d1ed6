"""Pages of views stand alone, are small, and make no markup of what rows contain."""

import re
from pathlib import Path

import pytest

import awslabs_dsql_mcp.views
from awslabs_dsql_mcp.viewer.app import page_script
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


def declared_twice(script: str) -> list[str]:
    """Names of a scope that two parts declare: of two functions, the second would stand for both."""
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", script, re.MULTILINE)
    return sorted({name for name in names if names.count(name) > 1})


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_no_two_parts_of_a_page_give_a_name_to_different_things(view: View) -> None:
    assert declared_twice(page(view)) == []


def test_no_two_parts_of_the_query_editor_do_either() -> None:
    assert declared_twice(page_script()) == []
