"""A cell says exactly what the server's text says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.database.model import TruncatedText, truncate_value
from awslabs_dsql_mcp.output.json_values import to_json

CELLS: list[tuple[str | None, int, object]] = [
    (None, 23, None),
    ("42", 23, 42),
    ("9007199254740992", 20, 9007199254740992),
    ("9007199254740993", 20, "9007199254740993"),
    ("-9223372036854775808", 20, "-9223372036854775808"),
    ("t", 16, True),
    ("f", 16, False),
    ("1.5", 701, 1.5),
    ("100", 701, 100),
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
    ('{"a": 9007199254740992}', 3802, {"a": 9007199254740992}),
    ('{"a": 0.10}', 3802, {"a": 0.1}),
    ('{"9": 1, "10": 2, "b": 3, "010": 4}', 3802, {"9": 1, "10": 2, "b": 3, "010": 4}),
    ("[]", 114, []),
]

KEPT_AS_TEXT = [
    '{"a": 9007199254740993}',
    '{"a": 0.1234567890123456789}',
    '{"a": 1e400}',
    '{"a": -0}',
    "[1e99999999999999999999]",
    "[0e-99999999999999999999]",
    '{"a": 1, "a": 2}',
    '[{"b": 1, "10": 2}]',
    '{"10": 1, "9": 2}',
    '["\\ud800"]',
    "[" * 500 + "]" * 500,
    "[" * 100_000 + "]" * 100_000,
    "null",
    '"x"',
    "5",
    "true",
    " null",
]


@pytest.mark.parametrize(("text", "oid", "value"), CELLS)
def test_a_cell_says_what_the_server_said(text: str | None, oid: int, value: object) -> None:
    assert to_json(text, oid) == value
    assert type(to_json(text, oid)) is type(value)


@pytest.mark.parametrize("text", KEPT_AS_TEXT, ids=lambda text: text[:30])
@pytest.mark.parametrize("oid", [114, 3802])
def test_a_document_that_json_readers_would_not_keep_stays_text(text: str, oid: int) -> None:
    assert to_json(text, oid) == text


def test_a_negative_zero_keeps_its_sign() -> None:
    assert json.dumps(to_json("-0", 701)) == "-0.0"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_survives(number: float) -> None:
    assert json.loads(json.dumps(to_json(repr(number), 701))) == number


@given(st.integers(-(2**63), 2**63 - 1))
def test_an_integer_survives(number: int) -> None:
    assert int(str(json.loads(json.dumps(to_json(str(number), 20))))) == number


@given(st.text(st.sampled_from('{}[]",:.eE+-0123456789 \\untrlsaf\ud800')).map("[{}]".format))
def test_a_document_is_whole_or_text(text: str) -> None:
    value = to_json(text, 114)
    assert value == text or value == json.loads(text)
    json.dumps(value, allow_nan=False)


@given(st.text(), st.integers(1, 20), st.integers(1, 20))
def test_cutting_twice_keeps_the_length_of_the_whole(text: str, first: int, second: int) -> None:
    cut = truncate_value(truncate_value(text, first), second)
    assert cut is not None
    assert text.startswith(cut)
    assert len(cut) == min(len(text), first, second)
    assert (cut.length if isinstance(cut, TruncatedText) else len(cut)) == len(text)


@pytest.mark.parametrize("oid", [25, 3802, 20, 17])
def test_a_cut_value_is_text_with_its_length(oid: int) -> None:
    assert to_json(TruncatedText("[1, ", 5000), oid) == "[1, … (5,000 characters)"
