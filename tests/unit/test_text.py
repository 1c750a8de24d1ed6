import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.text import (
    as_line,
    escape,
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


HIDDEN = st.sampled_from(
    "\0\a\b\t\n\v\f\r\x1b\x1c\x1e\x7f\x85\x9b\xad\u061c\u200b\u200e\u2028\u2029\u202e\u2066\ufeff\U000e0041\ud83d\udc00"
)
"""Characters that end a line, do not show, or are no text."""

BIDI = ("AN", "BN", "FSI", "LRE", "LRI", "LRO", "PDF", "PDI", "RLE", "RLI", "RLO")
VISIBLE = ("\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}", "\t")


def is_hidden(character: str) -> bool:
    """Decide by the Unicode database if a character breaks, reverses or hides what stands beside it."""
    if character in VISIBLE:
        return False
    kind = unicodedata.category(character)
    return kind in {"Cc", "Cs", "Zl", "Zp"} or (
        kind == "Cf" and unicodedata.bidirectional(character) in {*BIDI[1:], "L", "R", "AL"}
    )


@given(st.text(st.characters() | HIDDEN))
def test_an_escaped_text_shows_all_that_it_holds(text: str) -> None:
    shown = escape(text)
    assert not any(map(is_hidden, shown.replace("\n", "")))
    assert escape(shown) == shown
    shown.encode()


@given(st.text(st.characters() | HIDDEN))
def test_json_that_is_escaped_says_the_same(text: str) -> None:
    assert json.loads(escape(json.dumps(text, ensure_ascii=False))) == text


@given(st.text(st.characters() | HIDDEN))
def test_nothing_in_a_line_begins_another(text: str) -> None:
    assert len(f"{as_line(text)}.".splitlines()) == 1


def test_a_line_that_is_too_long_keeps_both_ends() -> None:
    assert as_line(f"begin{'x' * 10_000}end", 20) == "beginxxxxxxxxx… (10,008 characters) …xxxend"


@given(st.text(st.characters() | HIDDEN), st.integers(1, 40))
def test_one_line_is_visible_and_within_the_limit(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert escape(line) == line
    assert len(line) <= limit
    assert len(f"{line}.".splitlines()) == 1


def test_one_line_keeps_its_words() -> None:
    assert one_line("SELECT\t1,\n  'a\x1b[31m\ud800'") == r"SELECT 1, 'a\u001b[31m\ud800'"


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
