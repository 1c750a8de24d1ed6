"""What dsql-lint says, read and put in few words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.lint.model import UNPARSED, Diagnostic, LintReport, advice, parse
from awslabs_dsql_mcp.text import truncate_sentence

FIX = {"status": "fixed_with_warning", "detail": "It is built behind you."}
DIAGNOSTIC = {
    "rule": "index_async",
    "line": 3,
    "message": "ASYNC is missing.",
    "suggestion": "Write it.",
    "fix_result": FIX,
    "statement_preview": "CREATE INDEX",
}
ASYNC = Diagnostic("index_async", 3, "ASYNC is missing.", "Write it.", "fixed_with_warning", FIX["detail"])
ARRAY = Diagnostic("array_type", 1, "No arrays.", "Use jsonb.")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["files", "error", "fixed_sql", "diagnostics", "rule", "line", "message"]),
            inner,
            max_size=4,
        )
    ),
)


def output(*diagnostics: object, error: object = None, fixed: object = None) -> str:
    return json.dumps({"files": [{"diagnostics": diagnostics, "error": error, "fixed_sql": fixed}]})


def test_a_diagnostic_is_read() -> None:
    (found,) = parse(output(DIAGNOSTIC, fixed="x")).diagnostics
    assert (found.rule, found.line, found.fix, found.detail) == (
        "index_async",
        3,
        "fixed_with_warning",
        FIX["detail"],
    )
    bare = {key: DIAGNOSTIC[key] for key in ("rule", "line", "message")}
    (told,) = parse(output({**bare, "suggestion": None, "fix_result": None})).diagnostics
    assert (told.suggestion, told.fix, told.detail) == ("", "unfixable", "")


def test_findings_are_counted_by_their_fix() -> None:
    assert LintReport((ASYNC, ARRAY, ARRAY)).count("unfixable") == 2


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"files": []}', output(error="gone"), output({"rule": "x"}), output(7)]
)
def test_what_is_no_output_of_it_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse(text)


@given(JSON.map(json.dumps) | st.text())
def test_whatever_a_program_writes_is_read_or_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(parse(text), LintReport)


def test_advice_shows_a_single_statement_as_fixed() -> None:
    told = advice(LintReport((ASYNC,), "CREATE INDEX ASYNC i\n  ON t (a)"), single=True)
    assert told == "dsql-lint writes it as: CREATE INDEX ASYNC i ON t (a) Mind: It is built behind you."


@pytest.mark.parametrize(
    ("linted", "single"),
    [
        (LintReport((ASYNC,), "x" * 241), True),
        (LintReport((ASYNC,), "CREATE INDEX ASYNC i ON t (a)"), False),
        (LintReport((ASYNC, ARRAY), "CREATE INDEX ASYNC i ON t (a)"), True),
        (LintReport((ASYNC,)), True),
    ],
    ids=["long", "several", "not all fixed", "no fix"],
)
def test_advice_names_the_rule_where_no_fixed_form_can_be_shown(linted: LintReport, *, single: bool) -> None:
    assert advice(linted, single=single) == "dsql-lint (index_async): Write it."


def test_there_is_no_advice_on_what_it_cannot_read() -> None:
    assert advice(LintReport(()), single=True) is None
    assert advice(LintReport((Diagnostic(UNPARSED, 1, "?", "Fix the syntax."),)), single=True) is None


def test_texts_are_cut_where_a_reader_would() -> None:
    first = "This is the first sentence, which is long enough."
    assert truncate_sentence(f"{first} This one is not shown.", 60) == first
    assert truncate_sentence("one two three four", 12) == "one two…"
    assert truncate_sentence(" one\n two ", 12) == "one two"


@given(st.text(), st.integers(1, 80))
def test_a_cut_text_is_one_line_that_is_no_longer(text: str, longest: int) -> None:
    cut = truncate_sentence(text, longest)
    assert len(cut) <= longest
    assert cut == " ".join(cut.split())
