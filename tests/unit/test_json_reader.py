"""JSON read in small steps: as Python reads it, in little time and memory whatever it is."""

import json
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp import json_text
from awslabs_dsql_mcp.json_reader import JsonReader, TooMuch, check_utf8
from awslabs_dsql_mcp.server.transport.line_scan import find_id

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
PIECES: Final = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b" ", b"\t", b"0", b"-", b"1", b".", b"e", b"+"),
    *(b"null", b"true", b"\\u0041", b"\\ud83d", b"\\ude00", b"\\n", b"\x01", b'"a"', "é😀".encode(), b"NaN"),
)


def outcome(read: Callable[[], object]) -> object:
    """What a reader makes of a text: a value with its digits, or that it is no JSON."""
    try:
        return json_text.dumps(read()).encode("utf-8", "surrogatepass")
    except ValueError:
        return "not JSON"


@given(VALUES, st.booleans())
def test_what_python_writes_is_read(value: object, ascii_: bool) -> None:  # noqa: FBT001 - hypothesis passes it
    data = json.dumps(value, ensure_ascii=ascii_).encode()
    assert JsonReader(data).read() == value


@pytest.mark.parametrize(
    "number", ["1.10", "-0.0", "-0", "1e400", "12345678901234567890.123", "9" * 5_000, "1E-9", "7"]
)
def test_numbers_keep_their_digits(number: str) -> None:
    assert json_text.dumps(JsonReader(f"[{number}]".encode()).read()) == f"[{number}]"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_of_json_is_not_written(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json_text.dumps([number])


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_anything_is_read_as_python_reads_it(data: bytes) -> None:
    assert outcome(JsonReader(data).read) == outcome(lambda: json_text.loads(data.decode()))


@given(st.text(max_size=40), st.integers(0, 3), st.integers(980, 1020))
def test_a_text_of_many_pieces_is_whole(text: str, blanks: int, times: int) -> None:
    for written in (json_text.dumps(text * times), '"' + "x" * blanks + "\\ud83d\\ude00é" * times + '"'):
        reader = JsonReader(written.encode())
        assert reader.read() == json_text.loads(written)
        assert not reader.has_lone_surrogate


@pytest.mark.parametrize(
    "text", [b'"\\ud83d"', b'["\\ude00x", 1]', b'{"\\ud83d\\ud83d": 1}', b'"\\ud83d\\n"']
)
def test_half_a_pair_is_noticed(text: bytes) -> None:
    reader = JsonReader(text)
    reader.read()
    assert reader.has_lone_surrogate


@given(st.binary(max_size=40), st.integers(0, 4))
def test_what_is_no_utf8_is_found_where_it_is(end: bytes, missing: int) -> None:
    data = b"x" * (2**18 - missing) + end
    assert error_at(lambda: check_utf8(data)) == error_at(data.decode)


def error_at(read: Callable[[], object]) -> int | None:
    try:
        read()
    except UnicodeDecodeError as error:
        return error.start
    return None


MUCH: Final = {
    "values": b"[" + b"1," * 100_001 + b"1]",
    "keys": b"{" + b",".join(b'"k%d":1' % n for n in range(51_000)) + b"}",
    "levels": b"[" * 100_000,
    "digits": b"1" * 200_000,
    "digits behind a point": b"1." + b"1" * 200_000,
}


@pytest.mark.parametrize("data", MUCH.values(), ids=MUCH)
def test_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(TooMuch, match="more than"):
        JsonReader(data).read()


HOSTILE: Final = {
    "escapes": b'{"a":"' + b'\\"' * 2_000_000,
    "backslashes": b'{"a":"' + b"\\" * 2_000_000 + b'","id":7}',
    "brackets": b"[" * 2_000_000,
    "closed": b"{}" * 200_000,
    "blanks": b" " * 2_000_000 + b"{",
    "quotes": b'"' * 1_000_000,
    "ids": b'{"id":{},' * 200_000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_broken_lines_take_time_and_memory_in_proportion_to_their_length(data: bytes) -> None:
    begun = time.process_time()
    find_id(data)
    with suppress(TooMuch):
        outcome(JsonReader(data).read)
    assert time.process_time() - begun < 4  # one record a character was 60 s, and 100 bytes each
    tracemalloc.start()
    find_id(data[:100_000])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
