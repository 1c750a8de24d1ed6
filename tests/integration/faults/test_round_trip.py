"""Files that export_query writes, loaded again by load_rows: the rows are equal."""

import json
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcp import Client

from conftest import ServerOn, held
from support.client_helpers import call, rows, write
from support.wire.fault_plans import Opens
from support.wire.harness import Harness
from support.wire.typed_values import VALUES

FORMATS = ("csv", "jsonl", "parquet")
ARRAYS = ("ARRAY", "'{}'::text[]")  # columns of arrays exist on no cluster
NOT_IN_PARQUET = ("'infinity'::date", "'0044-03-15 BC'::date")
EQUAL = (
    "SELECT (SELECT count(*) FROM {0}), (SELECT count(*) FROM {1}), (SELECT count(*) FROM "
    "(SELECT a::text FROM {0} a EXCEPT ALL SELECT b::text FROM {1} b) AS d)"
)


@pytest.mark.parametrize("form", FORMATS)
async def test_values_of_all_types_come_back(bed: Harness, opens: Opens, tmp_path: Path, form: str) -> None:
    absent = (*ARRAYS, *NOT_IN_PARQUET) if form == "parquet" else ARRAYS
    values = [value for value in VALUES if not value.startswith(absent)]
    columns = ", ".join(f"{value} AS c{n}" for n, value in enumerate(values))
    bed.postgres.query(f"CREATE TABLE bulk.a AS SELECT 1 AS id, {columns}")
    bed.postgres.query("INSERT INTO bulk.a (id) VALUES (2); CREATE TABLE bulk.b (LIKE bulk.a)")
    bed.postgres.query("GRANT ALL ON ALL TABLES IN SCHEMA bulk TO admin")
    async with opens("--export-dir", str(tmp_path), "--load-dir", str(tmp_path)) as client:
        written = await call(client, "export_query", sql="TABLE bulk.a", path=f"all.{form}")
        assert not written.is_error, written.text
        loaded = await call(client, "load_rows", table="bulk.b", path=f"all.{form}")
    assert not loaded.is_error, loaded.text
    assert "changed" not in loaded.facts, loaded.text
    cells = ", ".join(f"c{n}::text" for n in range(len(values)))
    read = f"SELECT {cells} FROM bulk.{{}} WHERE id = 1"  # noqa: S608 - ours
    (given_,), (stored,) = (bed.postgres.query(read.format(table)) for table in "ab")
    differing = [cells for cells in zip(values, given_, stored, strict=True) if cells[1] != cells[2]]
    assert not differing
    assert bed.postgres.query(EQUAL.format("bulk.a", "bulk.b")) == [(2, 2, 0)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of files that are written and read."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture(scope="module")
async def mover(on_cluster: ServerOn, folder: Path) -> AsyncIterator[Client]:
    """A client of a server on the local cluster that exports and loads."""
    flags = ("--allow-writes", "--export-dir", str(folder), "--load-dir", str(folder))
    async with held(Client(on_cluster(*flags))) as client:
        yield client


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
SPECIAL = st.sampled_from(
    ["", "\\.", '"', "'", ",", "\n", "\r\n", "null", "NULL", "\\N", " ", "{}", "[1]", "\\x"]
)
TEXTS = TEXT | SPECIAL
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
# A document that is null itself is SQL's NULL in JSON Lines, as the answer of a load says.
JSON = DOCUMENTS.filter(lambda document: document is not None).map(
    lambda document: json.dumps(document, ensure_ascii=False, indent=None)
)
DAYS = st.dates().map(str)
TIMES = st.times().map(str)
MOMENTS = st.datetimes().map(str)
TYPES: dict[str, st.SearchStrategy[str]] = {
    "int2": st.integers(-(2**15), 2**15 - 1).map(str),
    "int4": st.integers(-(2**31), 2**31 - 1).map(str),
    "int8": st.integers(-(2**63), 2**63 - 1).map(str),
    "float4": st.floats(width=32).map(str),
    "float8": st.floats().map(str),
    "numeric(38,20)": st.integers(1 - 10**38, 10**38 - 1).map("{}e-20".format),
    "numeric(20,4)": st.integers(1 - 10**20, 10**20 - 1).map("{}e-4".format),
    "text": TEXTS,
    "varchar(20)": TEXTS,
    "char(14)": TEXTS,
    "date": DAYS,
    "time": TIMES,
    "timetz": TIMES.map("{}+05:30".format),
    "timestamp": MOMENTS,
    "timestamptz": MOMENTS.map("{}+00".format),
    "interval": st.builds("{} mon {} day {} us".format, *[st.integers(-9999, 9999)] * 3),
    "boolean": st.sampled_from(["t", "f"]),
    "uuid": st.uuids().map(str),
    "bytea": st.binary(max_size=8).map(lambda data: f"\\x{data.hex()}"),
    "json": JSON,
    "jsonb": JSON.filter(lambda text: "\\u0000" not in text),
}
ROWS = st.lists(st.tuples(*(st.none() | values for values in TYPES.values())), min_size=1, max_size=4)
NAMES = count()


@settings(
    max_examples=max(5, settings().max_examples // 10),
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(ROWS, st.sampled_from(FORMATS))
async def test_values_that_are_made_up_come_back(
    mover: Client, given_rows: list[tuple[str | None, ...]], form: str
) -> None:
    columns = ", ".join(f"c{n} {kind}" for n, kind in enumerate(TYPES))
    name = f"trip{next(NAMES)}"
    for table in (f"{name}_a", f"{name}_b"):
        await write(mover, f"CREATE TABLE {table} ({columns})")
    values = ", ".join(f"%s::{kind}" for kind in TYPES)
    inserted = await call(
        mover,
        "transact",
        sql_list=[f"INSERT INTO {name}_a VALUES ({values})"] * len(given_rows),  # noqa: S608 - ours
        params_list=[list(row) for row in given_rows],
    )
    assert not inserted.is_error, inserted.text
    written = await call(mover, "export_query", sql=f"TABLE {name}_a", path=f"{name}.{form}")
    assert not written.is_error, written.text
    loaded = await call(mover, "load_rows", table=f"{name}_b", path=f"{name}.{form}")
    assert not loaded.is_error, loaded.text
    assert "changed" not in loaded.facts, loaded.text
    equal = await rows(mover, EQUAL.format(f"{name}_a", f"{name}_b"))
    assert equal == [[len(given_rows), len(given_rows), 0]]
    for table in (f"{name}_a", f"{name}_b"):
        await write(mover, f"DROP TABLE {table}")
