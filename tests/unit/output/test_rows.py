"""Tables say what was cut, first of all, and never claim more than is known."""

import json
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.database.model import Column, Result, ResultLimits, RowBuffer
from awslabs_dsql_mcp.output.rows import FormattedRows, format_rows


def result(rows: int, width: int = 1, command: str = "SELECT {}", columns: int = 2) -> Result:
    return Result(
        command.format(rows),
        rows,
        (Column("id", "int4", 23), *(Column("text", "text", 25) for _ in range(columns - 1))),
        tuple((str(i), *("x" * width for _ in range(columns - 1))) for i in range(rows)),
        rows,
    )


def summary(shown: FormattedRows) -> str:
    return "\n".join(shown.summary)


def text(shown: FormattedRows) -> str:
    return "\n".join(shown.lines)


def test_columns_come_once_and_rows_as_arrays() -> None:
    shown = format_rows(result(2), ResultLimits())
    assert summary(shown) == "2 rows (id int4, text text)"
    assert text(shown) == '[0,"x"]\n[1,"x"]'
    assert shown.structured == {
        "command": "SELECT 2",
        "row_count": 2,
        "columns": ["id int4", "text text"],
        "rows": [[0, "x"], [1, "x"]],
    }


def test_columns_of_one_name_are_all_kept() -> None:
    twice = Result("SELECT 1", 1, (Column("a", "int4", 23), Column("a", "int4", 23)), (("1", "2"),))
    assert format_rows(twice, ResultLimits()).lines == ("[1,2]",)


def test_rows_without_columns_are_counted() -> None:
    shown = format_rows(Result("SELECT 2", 2, (), ((), ()), 2), ResultLimits())
    assert (summary(shown), text(shown)) == ("2 rows (no columns)", "[]\n[]")


def test_no_rows_have_their_columns_and_no_data() -> None:
    shown = format_rows(Result("SELECT 0", 0, (Column("a", "int4", 23),), (), 0), ResultLimits())
    assert (summary(shown), text(shown)) == ("0 rows (a int4)", "")
    assert shown.structured["rows"] == []


def test_a_cut_by_rows_is_said_first_with_how_to_go_on() -> None:
    shown = format_rows(result(11), ResultLimits(rows=10))
    assert summary(shown).startswith("Cut: rows 1 to 10 of 11. Next page: ")
    assert "OFFSET 10" in summary(shown)
    assert summary(shown).endswith("\n11 rows (id int4, text text)")
    assert next(iter(shown.structured)) == "notice"
    assert str(shown.structured["notice"]) in summary(shown)
    assert text(shown).count("\n") == 9


def test_where_a_limit_was_added_nobody_claims_to_know_the_count() -> None:
    shown = format_rows(result(11), ResultLimits(rows=10), limited=True)
    assert summary(shown).startswith("Cut: rows 1 to 10 of more. ")
    assert summary(shown).endswith("\nrows (id int4, text text)")
    assert (shown.structured["command"], shown.structured["row_count"]) == ("SELECT", None)


def test_a_limit_that_was_not_reached_cuts_nothing() -> None:
    shown = format_rows(result(10), ResultLimits(rows=10), limited=True)
    assert summary(shown) == "10 rows (id int4, text text)"
    assert shown.structured["row_count"] == 10


def test_a_cut_by_characters_counts_all_rows() -> None:
    shown = format_rows(result(30, 100), ResultLimits(characters=1000))
    assert len(text(shown)) <= 1000
    assert "Cut: rows 1 to 9 of 30." in summary(shown)


def test_one_row_is_shown_in_any_case_cut_to_fit() -> None:
    shown = format_rows(result(3, 500, columns=100), ResultLimits(characters=5000))
    assert len(text(shown).splitlines()) == 1
    assert len(json.loads(text(shown))) == 100
    assert "99 values cut at 50 characters, in text: substr(column::text, 51) reads on." in summary(shown)


def test_a_long_value_is_cut_and_said() -> None:
    shown = format_rows(result(1, 5000), ResultLimits(cell=2000))
    assert "1 value cut at 2,000 characters, in text: substr(column::text, 2001) reads on." in summary(shown)
    assert "… (5,000 characters)" in text(shown)


def test_returned_rows_that_are_cut_are_no_reason_to_repeat_the_change() -> None:
    shown = format_rows(result(500, command="INSERT 0 {}"), ResultLimits())
    assert summary(shown).startswith("Cut: rows 1 to 100 of 500. All rows were changed; ")
    assert "do not run it again" in summary(shown)
    assert summary(shown).endswith("\nINSERT 0 500: 500 rows (id int4, text text)")
    assert shown.structured["row_count"] == 500


def test_a_command_without_rows_says_what_it_changed() -> None:
    shown = format_rows(Result("UPDATE 3", 3), ResultLimits())
    assert (summary(shown), text(shown)) == ("UPDATE 3: 3 rows affected", "")


def test_a_command_that_returns_what_it_changed_says_both() -> None:
    returning = Result("INSERT 0 1", 1, (Column("id", "int4", 23),), (("7",),))
    assert summary(format_rows(returning, ResultLimits())) == "INSERT 0 1: 1 row (id int4)"


@pytest.mark.parametrize(
    ("caps", "rows", "kept"),
    [
        (None, 1000, 1000),
        (ResultLimits(), 1000, 100),
        (ResultLimits(characters=50), 1000, 6),
        (ResultLimits(rows=1), 3, 1),
        (ResultLimits(), 0, 0),
    ],
)
def test_no_more_is_kept_than_can_be_shown(caps: ResultLimits | None, rows: int, kept: int) -> None:
    held = RowBuffer(caps)
    for _ in range(rows):
        if held.is_full:
            break
        held.add(["x" * 9, None])
    assert len(held.rows) == kept


def test_a_long_value_is_not_kept_whole() -> None:
    held = RowBuffer(ResultLimits(cell=10))
    held.add(["x" * 1_000_000])
    assert held.rows == [("x" * 10,)]


@given(
    st.lists(st.lists(st.none() | st.text(), min_size=3, max_size=3), max_size=30),
    st.builds(ResultLimits, st.integers(1, 20), st.integers(1, 300), st.integers(1, 40)),
)
def test_what_is_kept_is_enough_for_what_is_shown(rows: list[list[str | None]], caps: ResultLimits) -> None:
    held = RowBuffer(caps)
    for row in rows:
        if not held.is_full:
            held.add(row)
    columns = tuple(Column(name, "text", 25) for name in "abc")
    whole = Result(f"SELECT {len(rows)}", len(rows), columns, tuple(map(tuple, rows)), len(rows))
    kept = Result(f"SELECT {len(rows)}", len(rows), columns, tuple(held.rows), len(rows))
    assert format_rows(kept, caps) == format_rows(whole, caps)
    shown = format_rows(kept, caps)
    assert [json.loads(line) for line in text(shown).split("\n") if line] == shown.structured["rows"]
    assert bool(rows) == bool(text(shown))
    assert ("Cut: " in summary(shown)) == (len(text(shown).split("\n")) < len(rows))


def test_columns_that_do_not_fit_are_left_out_and_said() -> None:
    shown = format_rows(result(3, width=500, columns=1_600), ResultLimits())
    assert len(summary(shown)) + len(text(shown)) <= ResultLimits().characters
    count = len(cast("list[str]", shown.structured["columns"]))
    assert f"Cut: columns 1 to {count} of 1,600" in summary(shown)
    assert all(len(row) == count for row in cast("list[list[str]]", shown.structured["rows"]))
    assert count > 400


def test_a_row_too_long_for_a_line_stands_between_markers() -> None:
    wide = Result("SELECT 1", 1, (Column("n", "int8", 20),) * 1_500, (("9" * 15,) * 1_500,), 1)
    assert format_rows(wide, ResultLimits(characters=200_000)).has_text
    assert not format_rows(wide, ResultLimits()).has_text
