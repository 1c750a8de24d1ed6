"""Parquet files that cannot be loaded as they are: each is refused with its row and column."""

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.wire.loads import Loads

pyarrow: Any = import_module("pyarrow")  # without types
parquet: Any = import_module("pyarrow.parquet")
FILE = LoadRequest("bulk.t", path="rows.parquet")
LEFT_OUT = LoadRequest("bulk.t", path="rows.parquet", skip_bad_rows=True)
LARGE = "x" * (11 << 20)


def written(loads: Loads, columns: Mapping[str, object], **options: object) -> Path:
    """Write columns to the file."""
    parquet.write_table(pyarrow.table(columns), loads.folder / "rows.parquet", **options)
    return loads.folder / "rows.parquet"


def damages(data: bytes) -> list[bytes]:
    """What a file may be that is none."""
    return [b"", b"id,t\n", data[:-9], data.upper()]


@pytest.mark.parametrize("damage", range(4))
async def test_a_file_that_is_none_is_named(loads: Loads, damage: int) -> None:
    loads.table("id int, t text")
    data = written(loads, {"id": [1], "t": ["a"]}).read_bytes()
    with pytest.raises(
        RequestInvalid, match=r"is not a Parquet file: |cannot be read from here on: "
    ) as refused:
        await loads.file("rows.parquet", damages(data)[damage], FILE)
    assert "\n" not in refused.value.message


async def test_a_column_that_is_not_there_is_named(loads: Loads) -> None:
    loads.table("id int, t text")
    written(loads, {"id": [1], "u": ["a"]})
    with pytest.raises(RequestInvalid, match="no column 'u'"):
        await loads.load(FILE)
    with pytest.raises(RequestInvalid, match="rows have no column 't'"):
        await loads.load(LoadRequest("bulk.t", path="rows.parquet", columns=["id", "t"]))
    answer = await loads.load(LoadRequest("bulk.t", path="rows.parquet", columns={"u": "t"}))
    assert "Columns that were not loaded: id." in answer.text
    assert loads.query("SELECT * FROM bulk.t") == [(None, "a")]


def not_utf_8() -> object:
    """Two texts, of which the second one is none."""
    offsets = pyarrow.py_buffer(bytes((*(0,) * 4, *(1, 0, 0, 0), *(3, 0, 0, 0))))
    return pyarrow.StringArray.from_buffers(2, offsets, pyarrow.py_buffer(b"a\xff\xfe"))


BAD = [
    ("timestamp", lambda: pyarrow.array([1000, 1], pyarrow.timestamp("ns")), "v has nanoseconds"),
    ("time", lambda: pyarrow.array([1000, 1], pyarrow.time64("ns")), "v has nanoseconds"),
    ("interval", lambda: pyarrow.array([1000, 1], pyarrow.duration("ns")), "v has nanoseconds"),
    (
        "json",
        lambda: pyarrow.array([[1000], [1]], pyarrow.list_(pyarrow.timestamp("ns"))),
        "v has nanoseconds",
    ),
    ("date", lambda: pyarrow.array([0, -(10**6)], pyarrow.date32()), "v has a value of date32[day]"),
    (
        "timestamp",
        lambda: pyarrow.array([0, 2**62], pyarrow.timestamp("us")),
        "v has a value of timestamp[us]",
    ),
    ("text", not_utf_8, "v has a value of string that cannot be read: "),
    ("int", lambda: ["1", "one"], 'invalid input syntax for type integer: "one"'),
    ("int", lambda: [1.0, 1.5], "invalid input syntax for type integer"),
    ("smallint", lambda: [1, 40_000], "out of range"),
    ("jsonb", lambda: ["{}", "{"], "invalid input syntax for type json"),
    ("json", lambda: [[1.0], [float("nan")]], "v has no form in JSON"),
    ("jsonb", lambda: [{"a": b"a"}, {"a": b"b"}], "v has no form in JSON: bytes"),
    ("text", lambda: [b"a", b"b"], "v has bytes"),
    ("text", lambda: ["a", "a\0b"], "v has a NUL character"),
    ("text", lambda: ["a", LARGE], "v has a value of more than the 10 MiB of a transaction"),
    (
        "text",
        lambda: pyarrow.array(["a", LARGE]).dictionary_encode(),
        "v has a value of more than the 10 MiB",
    ),
    ("jsonb", lambda: [["a"], [LARGE]], "v has a value of more than the 10 MiB"),
]


@pytest.mark.parametrize(("kind", "values", "reason"), BAD, ids=[f"{kind}: {why}" for kind, _, why in BAD])
async def test_a_value_that_cannot_be_kept_is_named_or_left_out(
    loads: Loads, kind: str, values: Callable[[], object], reason: str
) -> None:
    loads.table(f"id int, v {kind}")
    written(loads, {"id": [1, 2], "v": values()})
    with pytest.raises(DsqlError) as refused:
        await loads.load(FILE)
    assert refused.value.message.startswith("Row ")
    assert reason in refused.value.message
    assert loads.query("SELECT id FROM bulk.t") == []
    answer = await loads.load(LEFT_OUT)
    assert reason in answer.text
    assert (2,) not in loads.query("SELECT id FROM bulk.t")
    assert len(loads.query("SELECT id FROM bulk.t")) + int(str(answer.structured["bad_rows"])) == 2


async def test_values_have_the_text_of_their_column(loads: Loads) -> None:
    loads.table("r real, n numeric, d date, ts timestamptz, iv interval, j jsonb, b bytea, c text")
    columns = {
        "r": pyarrow.array([0.1, float("nan")], pyarrow.float32()),
        "n": [Decimal("12345678901234567890.10"), None],
        "d": [dt.date(1, 1, 1), None],
        "ts": pyarrow.array([1_000_000_000_000_001_000, None], pyarrow.timestamp("ns", "UTC")),
        "iv": [dt.timedelta(days=-1, microseconds=1), None],
        "j": ['{"a": 1.10}', '"x"'],
        "b": [b"\0\xff", b""],
        "c": pyarrow.array(["é", "é"]).dictionary_encode(),
    }
    written(loads, columns)
    answer = await loads.load(FILE)
    assert "changed" not in answer.structured
    stored = loads.query("SELECT r::text, n::text, d::text, ts, iv, j::text, b, c FROM bulk.t ORDER BY r")
    moment = dt.datetime(2001, 9, 9, 1, 46, 40, 1, dt.timezone.utc)
    interval = dt.timedelta(days=-1, microseconds=1)
    first = ("0.1", "12345678901234567890.10", "0001-01-01", moment, interval, '{"a": 1.10}', b"\0\xff", "é")
    assert stored == [first, ("NaN", None, None, None, None, '"x"', b"", "é")]


@pytest.mark.parametrize("width", ["halffloat", "float", "double"])
async def test_numbers_are_written_into_text_as_postgresql_writes_them(loads: Loads, width: str) -> None:
    loads.table("id int, v text")
    numbers = [1.0, -0.5, float("inf"), float("-inf"), float("nan"), None]
    given = pyarrow.array(numbers, pyarrow.float64()).cast(width)
    written(loads, {"id": list(range(len(numbers))), "v": given})
    await loads.load(FILE)
    stored = [row[0] for row in loads.query("SELECT v FROM bulk.t ORDER BY id")]
    assert stored == [
        row[0]
        for row in loads.query(
            "SELECT v::float8::text FROM unnest(ARRAY[1, -0.5, 'inf', '-inf', 'nan', NULL]::float8[]) v"
        )
    ]


@pytest.mark.parametrize("rows", [1, 100])
async def test_a_value_that_stands_in_each_row_takes_its_memory_once(loads: Loads, rows: int) -> None:
    loads.table("id int, v text")
    large = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), [LARGE])
    file = written(loads, {"id": list(range(rows)), "v": large})
    assert file.stat().st_size < 12 << 20
    answer = await loads.load(LEFT_OUT)
    assert (answer.structured["rows"], answer.structured["bad_rows"]) == (0, rows)
