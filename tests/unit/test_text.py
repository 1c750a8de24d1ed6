import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.text import (
    one_line,
    pluralize,
    truncate,
    truncate_counted,
    truncate_lines,
    truncate_sentence,
)


@given(st.text(), st.integers(1, 40))
def test_a_text_is_cut_to_the_limit_and_shows_it(text: str, limit: int) -> None:
    cut = truncate(text, limit)
    assert len(cut) <= limit
    assert cut == text if len(text) <= limit else cut == text[: limit - 1] + "…"


@given(st.text(st.characters()), st.integers(1, 40))
def test_one_line_is_printable_and_within_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert line.isprintable()
    assert len(line) <= limit


def test_one_line_keeps_its_words() -> None:
    assert (
        one_line("SELECT\t1,\n  'a\x1b[31m\ud800'")
        == "SELECT 1, 'a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}'"
    )


def test_a_cut_text_tells_its_length() -> None:
    assert truncate_counted("x" * 5, 5) == "xxxxx"
    assert truncate_counted("x" * 12_345, 3) == "xxx… (12,345 characters)"


def test_a_sentence_is_cut_at_its_end_else_at_a_word() -> None:
    first = "An index that is built asynchronously takes a while."
    assert truncate_sentence(f"{first} Ask again later for its state.", 70) == first
    assert truncate_sentence("one two three four", 12) == "one two…"


def test_missing_lines_are_counted() -> None:
    assert truncate_lines(["a", "b"], 2, "rows") == ["a", "b"]
    assert truncate_lines(["a", "b", "c", "d"], 2, "rows") == ["a", "b", "… and 2 more rows"]
    assert truncate_lines(["a", "b", "c"], 2) == ["a", "b", "… and 1 more"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 rows"),
        (1, "1 row"),
        (1.4, "1 row"),
        (2, "2 rows"),
        (10**18 + 1, "1,000,000,000,000,000,001 rows"),
    ],
)
def test_a_number_agrees_with_its_noun(number: float, text: str) -> None:
    assert pluralize(number, "row") == text
