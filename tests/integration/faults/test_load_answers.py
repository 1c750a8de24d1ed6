"""Answers of ``load_rows`` beside the number of rows: what is told is what was done, and can be acted on."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

import pytest
from mcp import Client

from awslabs_dsql_mcp.bulk.loading.insert_plan import OnConflict
from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.client_helpers import call
from support.wire.fault_plans import Opens, make_schema
from support.wire.harness import Harness
from support.wire.loads import Loads

pyarrow: Any = import_module("pyarrow")  # without types
parquet: Any = import_module("pyarrow.parquet")

CSV = LoadRequest("bulk.t", path="rows.csv")


async def failure(loads: Loads, content: str | bytes, request: LoadRequest = CSV) -> DsqlError:
    with pytest.raises(DsqlError) as stopped:
        await loads.file(request.path, content, request)
    return stopped.value


async def attempt(loads: Loads, request: LoadRequest) -> ToolOutput | DsqlError:
    try:
        return await loads.load(request)
    except DsqlError as error:
        return error


def left_out(answer: ToolOutput) -> list[int]:
    """Numbers of the rows that a call has left out."""
    return [row["row"] for row in cast("list[dict[str, int]]", answer.structured.get("reasons", []))]


@pytest.mark.parametrize("row", ["x,1", "1,2,3", "1,a\0b"])
async def test_a_bad_row_of_the_first_batch_says_that_nothing_is_stored_and_speaks_of_no_resume(
    bed: Harness, opens: Opens, tmp_path: Path, row: str
) -> None:
    make_schema(bed)
    bed.postgres.query("CREATE TABLE bulk.t (id int, t text); ALTER TABLE bulk.t OWNER TO admin")
    (tmp_path / "rows.csv").write_text(f"id,t\n1,a\n{row}\n")
    async with opens("--load-dir", str(tmp_path)) as client:
        told = (await call(client, "load_rows", table="bulk.t", path="rows.csv")).text
    assert "Row 2 (line 3)" in told
    assert "Nothing was stored" in told
    assert "resume" not in told
    assert "Mend the row, or leave it out with skip_bad_rows=true." in told


async def test_a_bad_row_of_a_later_batch_says_what_is_stored_and_how_to_go_on(loads: Loads) -> None:
    loads.table("id int, t text")
    lines = ["id,t", *(f"{n},x" for n in range(1, 3001)), "3001,1,2"]
    error = await failure(loads, "\n".join(lines))
    assert error.message.startswith("Stopped: 2,900 rows in 1 batch committed, up to row 2,900.")
    assert "Batch 2 failed, nothing of it was stored: Row 3,001 (line 3,002)" in error.message
    assert "change none before it" in (error.hint or "")
    assert "To continue: the same call with resume='" in (error.hint or "")


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_file_without_rows_is_said_to_have_none(loads: Loads, *, dry_run: bool) -> None:
    loads.table("id int, t text")
    answer = await loads.file("rows.csv", "id,t\n", replace(CSV, dry_run=dry_run))
    assert answer.text.endswith("the file has no rows, so nothing was stored.")
    assert "committed" not in answer.text


READINGS = {"a text": '{"a": 1}', "an object": {"a": 1}, "a quoted text": '"x"'}


@pytest.mark.parametrize("kind", ["json", "jsonb"])
@pytest.mark.parametrize("name", READINGS)
async def test_a_text_for_a_json_column_is_said_to_be_a_json_string(
    loads: Loads, kind: str, name: str
) -> None:
    given = READINGS[name]
    loads.table(f"id int, doc {kind}")
    answer = await loads.load(LoadRequest("bulk.t", [{"id": 1, "doc": given}, {"id": 2, "doc": None}]))
    is_text = isinstance(given, str)
    assert json.loads(str(loads.query("SELECT doc::text FROM bulk.t ORDER BY id")[0][0])) == given
    assert ("Texts stored as JSON strings: doc 1. For documents, give objects" in answer.text) is is_text
    assert answer.structured.get("json_strings") == ({"doc": 1} if is_text else None)
    assert loads.query("SELECT doc IS NULL FROM bulk.t WHERE id = 2") == [(True,)]
    assert "NULLs: doc 1 (SQL NULL in doc; JSON's null is the text null of a CSV file)." in answer.text
    await loads.file("rows.csv", 'id,doc\n3,null\n4,"{""a"": 1}"\n', CSV)
    assert loads.query("SELECT doc::text FROM bulk.t WHERE id > 2 ORDER BY id") == [("null",), ('{"a": 1}',)]


async def test_parquet_says_how_values_were_read(loads: Loads) -> None:
    loads.table("at timestamptz, n numeric, raw bytea, doc jsonb, t text")
    table = pyarrow.table(
        {
            "at": pyarrow.array([0], pyarrow.timestamp("us", "UTC")),
            "n": pyarrow.array(["1.50"]).cast(pyarrow.decimal128(9, 2)),
            "raw": [b"\0"],
            "doc": ['{"a": 1}'],
            "t": ["x"],
        }
    )
    parquet.write_table(table, loads.folder / "rows.parquet")
    answer = await loads.load(LoadRequest("bulk.t", path="rows.parquet"))
    assert "at (timestamp[us, tz=UTC]) in ISO 8601, with an offset" in answer.text
    assert "n (decimal128(9, 2)) with all digits" in answer.text
    assert "raw (binary) as bytes" in answer.text
    assert "JSON strings" not in answer.text
    assert loads.query("SELECT doc->>'a', n::text FROM bulk.t") == [("1", "1.50")]


MAPPINGS = {
    "names that differ": ("ids,naam,amount\n1,a,2\n", {"ids": "id", "naam": "name", "amount": "amount"}),
    "a name of its own": ("id,name,colour\n1,a,red\n", {"id": "id", "name": "name"}),
    "no names": ("1;a;2\n2;b;3\n", {"1": "id", "a": "name", "2": "amount"}),
}


@pytest.mark.parametrize("name", MAPPINGS)
async def test_where_a_header_does_not_fit_the_hint_has_columns_to_send(loads: Loads, name: str) -> None:
    loads.table("id int, name text, amount int")
    content, expected = MAPPINGS[name]
    hint = (await failure(loads, content)).hint or ""
    written = hint.partition("columns=")[2].partition("}")[0] + "}"
    assert json.loads(written) == expected
    assert "split at a semicolon" in hint if ";" in content else "split at a comma" in hint
    await loads.file("rows.csv", content, replace(CSV, columns=expected))
    assert loads.query("SELECT count(*) FROM bulk.t") == [(content.count("\n") - 1,)]


async def test_hints_about_columns_can_be_sent(loads: Loads) -> None:
    loads.table("id int, name text")
    error = await failure(loads, "id,name\n1,a\n", replace(CSV, columns={"id": "id", "nome": "name"}))
    assert 'columns={"id": "id", "name": "name"}' in (error.hint or "")
    error = await failure(
        loads, "1,a\n", replace(CSV, header=False, columns={"first": "id", "second": "name"})
    )
    assert 'columns=["id", "name"]' in (error.hint or "")
    with pytest.raises(RequestInvalid) as refused:
        await loads.load(LoadRequest("bulk.t", [[1, "a"]]))
    assert 'columns=["id", "name"]' in (refused.value.hint or "")


async def test_a_row_that_does_not_fit_names_the_delimiter(loads: Loads) -> None:
    loads.table("id int, name text")
    error = await failure(loads, "id|name\n1|a|b\n")
    assert "it has 3 fields for 2 columns, split at a pipe" in error.message


async def test_without_a_directory_the_option_is_named(bed: Harness, opens: Opens) -> None:
    make_schema(bed)
    bed.postgres.query("CREATE TABLE bulk.t (id int); ALTER TABLE bulk.t OWNER TO admin")
    async with opens() as client:
        told = (await call(client, "load_rows", table="bulk.t", path="rows.csv")).text
    assert "The operator alone can name a directory of files to load (--load-dir)." in told


@pytest.mark.parametrize("on_conflict", ["error", "skip"])
async def test_counts_are_those_of_all_calls(bed: Harness, loads: Loads, on_conflict: OnConflict) -> None:
    loads.table("id int PRIMARY KEY, t text, j jsonb")
    rows: list[list[object]] = [[n, None if n % 2 else "x", "text"] for n in range(1, 9001)]
    for n in (10, 3000, 8999):
        rows[n - 1][0] = "bad"
    taken = [5, 8000]
    if on_conflict == "skip":
        loads.query(f"INSERT INTO bulk.t SELECT unnest(ARRAY{taken})")
    slow = Loads(bed, loads.folder, call_time=11, clock=count().__next__)  # each look takes a second
    request = LoadRequest(
        "bulk.t", rows, columns=["id", "t", "j"], skip_bad_rows=True, on_conflict=on_conflict
    )
    answer, calls = await slow.load(request), 1
    named = left_out(answer)
    while "resume" in answer.structured:
        answer = await slow.load(replace(request, resume=str(answer.structured["resume"])))
        named += left_out(answer)
        calls += 1
    assert calls > 1
    assert sorted(named) == [10, 3000, 8999]
    facts = answer.structured
    assert facts["bad_rows"] == 3
    assert "3 rows with those of earlier calls" in answer.text or "in earlier calls" in answer.text
    stored = 8997 if on_conflict == "error" else 8995
    assert facts["rows"] == stored
    assert facts["nulls"] == {"t": 4500 - 1}  # 8999 is odd, and left out
    assert facts["json_strings"] == {"j": 8997}
    assert facts.get("skipped") == (2 if on_conflict == "skip" else None)


async def test_wide_letters_are_loaded_in_messages_that_a_connection_takes(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    text = "字" * 1280
    rows = "\n".join(f"{n},{text}" for n in range(1, 2901))
    answer = await loads.file("rows.csv", f"id,t\n{rows}\n", CSV)
    assert answer.structured["rows"] == 2900
    assert answer.structured["batches"] == 3  # of 4 MiB at most
    assert loads.query("SELECT count(*), min(length(t)) FROM bulk.t") == [(2900, 1280)]


MOVED_ON = (
    "SELECT setval('{0}_id_seq', greatest((SELECT max(id) FROM {0}), (SELECT last_value FROM {0}_id_seq)))"
)
SEQUENCES = {
    "identity": "id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, t text",
    "serial": "id bigserial PRIMARY KEY, t text",
}


@pytest.mark.parametrize("name", SEQUENCES)
async def test_a_sequence_that_stands_behind_is_said_with_the_statement_that_mends_it(
    bed: Harness, opens: Opens, tmp_path: Path, name: str
) -> None:
    make_schema(bed)
    bed.postgres.query(f"CREATE TABLE bulk.t ({SEQUENCES[name]}); ALTER TABLE bulk.t OWNER TO admin")
    (tmp_path / "rows.csv").write_text("id,t\n1,a\n7,b\n")

    async def insert(client: Client) -> str:
        return (await call(client, "transact", sql_list=["INSERT INTO bulk.t (t) VALUES ('c')"])).text

    async with opens("--load-dir", str(tmp_path)) as client:
        told = (await call(client, "load_rows", table="bulk.t", path="rows.csv")).text
        mend = MOVED_ON.format("bulk.t")
        assert mend in told
        refused = await insert(client)
        assert "23505" in refused
        assert f"If id was left to its sequence, move that on, and insert again: {mend}" in refused
        await call(client, "transact", sql_list=[mend])
        assert "committed" in await insert(client)
        (tmp_path / "rows.csv").write_text("t\nd\n")
        assert "setval" not in (await call(client, "load_rows", table="bulk.t", path="rows.csv")).text
    assert bed.postgres.query("SELECT id FROM bulk.t ORDER BY id") == [(1,), (7,), (8,), (9,)]


async def test_a_sequence_is_moved_on_past_the_numbers_that_another_session_holds(
    bed: Harness, opens: Opens, tmp_path: Path
) -> None:
    make_schema(bed)
    bed.postgres.query(
        "CREATE TABLE bulk.t (id bigint GENERATED BY DEFAULT AS IDENTITY (CACHE 65536) PRIMARY KEY, t text); "
        "ALTER TABLE bulk.t OWNER TO admin"
    )
    (tmp_path / "rows.csv").write_text("id,t\n" + "".join(f"{n},a\n" for n in range(1, 11)))
    insert = {"sql_list": ["INSERT INTO bulk.t (t) VALUES ('c') RETURNING id"]}
    async with opens("--load-dir", str(tmp_path)) as first, opens("--load-dir", str(tmp_path)) as second:
        mend = MOVED_ON.format("bulk.t")
        assert mend in (await call(first, "load_rows", table="bulk.t", path="rows.csv")).text
        assert mend in (await call(first, "transact", **insert)).text
        assert "65537" in (await call(second, "transact", **insert)).text
        await call(first, "transact", sql_list=[mend])
        for client in (first, second, first):
            assert "committed" in (await call(client, "transact", **insert)).text
    assert bed.postgres.query("SELECT id FROM bulk.t WHERE id > 10 ORDER BY id") == [
        (65537,), (65538,), (131073,), (131074,),
    ]  # fmt: skip


SURROGATES: Mapping[str, tuple[str, bytes]] = {
    "a value": ("jsonl", b'{"id": 1, "t": "a"}\n{"id": 2, "t": "\\ud83d"}\n{"id": 3, "t": "c"}\n'),
    "a document": (
        "jsonl",
        b'{"id": 1, "j": {}}\n{"id": 2, "j": {"a": "\\ud83d"}}\n{"id": 3, "j": {}}\n',
    ),
    "a key of a document": (
        "jsonl",
        b'{"id": 1, "j": {}}\n{"id": 2, "j": {"\\ud83d": 1}}\n{"id": 3, "j": {}}\n',
    ),
    "a name of a column": ("jsonl", b'{"id": 1}\n{"id": 2, "\\ud83d": "b"}\n{"id": 3}\n'),
    "an element of an array": ("json", b'[{"id": 1, "t": "a"}, {"id": 2, "t": "\\ud83d"}, {"id": 3}]'),
    "the first field": ("csv", b"id,t\n1,a\n\xff2,b\n3,c\n"),
    "the last field": ("csv", b"id,t\n1,a\n2,b\xff\n3,c\n"),
    "within quotes": ("csv", b'id,t\n1,a\n2,"b\xed\xa0\xbd"\n3,c\n'),
    "a line end": ("csv", b"id,t\r\n1,a\r\n2,b\xff\r\n3,c\r\n"),
}


@pytest.mark.parametrize("name", SURROGATES)
async def test_half_a_character_is_named_by_its_row_wherever_it_stands(loads: Loads, name: str) -> None:
    form, content = SURROGATES[name]
    loads.table("id int PRIMARY KEY, t text, j jsonb")
    request = LoadRequest("bulk.t", path=f"rows.{form}")
    error = await failure(loads, content, request)
    assert error.message.startswith("Row 2 "), error.message
    assert loads.query("SELECT id FROM bulk.t") == []
    answer = await loads.load(replace(request, skip_bad_rows=True))
    assert left_out(answer) == [2]
    assert loads.query("SELECT id FROM bulk.t ORDER BY id") == [(1,), (3,)]


BAD: Final = {
    "no bad row": ("1,1\n2,2\n", False),
    "unread, in the first batch": ("1,1\n2\n3,3\n", True),
    "unread, later": ("1,1\n" * 2_950 + "2\n3,3\n", True),
    "rejected by the server": ("1,1\n2,x\n3,3\n", True),
    "both": ("1,1\n2,x\n3\n", True),
    "none can be read": ("1\n2\n", True),
    "no rest": ('1,1\n2,"2\n3,3\n4,4\n', True),
}


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("name", BAD)
async def test_a_dry_run_says_what_the_load_then_does(loads: Loads, name: str, *, skip: bool) -> None:
    (rows, is_bad), request = BAD[name], replace(CSV, skip_bad_rows=skip)
    loads.table("id int, n int")
    (loads.folder / "rows.csv").write_text(f"id,n\n{rows}")
    dry = await attempt(loads, replace(request, dry_run=True))
    token = "" if isinstance(dry, DsqlError) else str(dry.structured.get("dry_run_token", ""))
    told = dry.text
    assert token in told
    done = await attempt(loads, replace(request, dry_run_token=token or None))
    kept = loads.query("SELECT count(*) FROM bulk.t")[0][0]
    if isinstance(done, DsqlError):
        assert is_bad
        assert not skip
        assert "cannot be loaded" in told or "cannot be stored" in told
        assert bool(token) == ("where a load would stop" in told) == ("nothing of it was" in done.message)
    else:
        assert skip or not is_bad
        assert done.structured["rows"] == kept
        assert ("left out" in told or "nothing of it is stored" in told) == is_bad
        assert bool(token) == bool(kept)
    assert isinstance(dry, DsqlError) or token or "Next: mend the rows" in told


async def test_a_dry_run_of_what_was_done_says_so(loads: Loads) -> None:
    loads.table("id int, n int")
    await loads.file("rows.csv", "id,n\n" + "1,1\n" * 4_000, CSV)
    dry = await loads.load(replace(CSV, dry_run=True))
    assert "This has been done already" in dry.text
    assert "dry_run_token" not in dry.text
    assert "dry_run_token" not in dry.structured
