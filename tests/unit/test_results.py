"""Cells keep their value, tables say what was cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.core.results import Caps, Column, Result, cell, table

CELLS = [
    (None, 23, None),
    ("42", 23, 42),
    ("9007199254740992", 20, 9007199254740992),
    ("9007199254740993", 20, "9007199254740993"),
    ("-9223372036854775808", 20, "-9223372036854775808"),
    ("t", 16, True),
    ("f", 16, False),
    ("1.5", 701, 1.5),
    ("1e+300", 701, 1e300),
    ("NaN", 701, "NaN"),
    ("-Infinity", 700, "-Infinity"),
    ("2.50", 1700, "2.50"),
    ("NaN", 1700, "NaN"),
    ("\\x00ff", 17, "\\x00ff"),
    ("infinity", 1184, "infinity"),
    ("0044-03-15 BC", 1082, "0044-03-15 BC"),
    ("1 mon 2 days 03:04:05.000006", 1186, "1 mon 2 days 03:04:05.000006"),
    ("[0:1]={1,NULL}", 1007, "[0:1]={1,NULL}"),
    ('{"a": [1, null, "x"]}', 3802, {"a": [1, None, "x"]}),
    ('{"a": 9007199254740993}', 3802, {"a": "9007199254740993"}),
    ('{"a": 0.1}', 3802, {"a": 0.1}),
    ('{"a": 0.1234567890123456789}', 3802, {"a": "0.1234567890123456789"}),
    ("null", 3802, None),
    ('"x"', 114, "x"),
]


@pytest.mark.parametrize(("text", "oid", "value"), CELLS)
def test_a_cell_says_what_the_server_said(text: str | None, oid: int, value: object) -> None:
    assert cell(text, oid) == value
    assert type(cell(text, oid)) is type(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives(number: float) -> None:
    assert json.loads(json.dumps(cell(repr(number), 701))) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_survives(number: int) -> None:
    assert int(str(json.loads(json.dumps(cell(str(number), 20))))) == number


def result(rows: int, width: int = 1) -> Result:
    return Result(
        f"SELECT {rows}",
        rows,
        (Column("id", "int4", 23), Column("text", "text", 25)),
        tuple((str(i), "x" * width) for i in range(rows)),
    )


def test_columns_come_once_and_rows_as_arrays() -> None:
    shown = table(result(2), Caps())
    assert shown.summary == "2 rows (id int4, text text)"
    assert shown.text == '[0,"x"]\n[1,"x"]'
    assert shown.structured["rows"] == [[0, "x"], [1, "x"]]


def test_columns_of_one_name_are_all_kept() -> None:
    twice = Result("SELECT 1", 1, (Column("a", "int4", 23), Column("a", "int4", 23)), (("1", "2"),))
    assert table(twice, Caps()).text == "[1,2]"


def test_a_cut_by_rows_is_said_with_how_to_go_on() -> None:
    shown = table(result(11), Caps(rows=10))
    assert "Only the first 10 of 11 rows are shown" in shown.summary
    assert "OFFSET 10" in shown.summary
    assert shown.text.count("\n") == 9


def test_a_cut_by_characters_keeps_one_row() -> None:
    shown = table(result(3, 500), Caps(characters=100))
    assert shown.text.count("\n") == 0
    assert "Only the first 1 of 3 rows are shown" in shown.summary
    assert str(shown.structured["notice"]) in shown.summary


def test_a_long_value_is_cut_and_said() -> None:
    shown = table(result(1, 5000), Caps(cell=2000))
    assert "1 value cut at 2,000 characters" in shown.summary
    assert "… (5,000 characters)" in shown.text


def test_a_command_without_rows_says_what_it_changed() -> None:
    shown = table(Result("UPDATE 3", 3), Caps())
    assert (shown.summary, shown.text) == ("UPDATE 3: 3 rows affected", "")


def test_a_command_that_returns_what_it_changed_says_both() -> None:
    returning = Result("INSERT 0 1", 1, (Column("id", "int4", 23),), (("7",),))
    assert table(returning, Caps()).summary == "INSERT 0 1: 1 row (id int4)"
