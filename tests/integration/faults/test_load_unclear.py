"""What a load says where rows do not fit: no more than is stored, and the next step."""

from dataclasses import replace
from typing import Any, cast

import pytest

from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid, StatementFailed
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.wire.harness import Harness
from support.wire.loads import Loads

CSV = LoadRequest("bulk.t", path="rows.csv")
UNCLOSED = 'id,n\nx,1\ny,2\n3,"3\n4,4\n'


def reasons(answer: ToolOutput) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", answer.structured["reasons"])


def first_message(answer: ToolOutput) -> str:
    return str(answer.structured["message"]).splitlines()[0]


async def hint(loads: Loads, content: str, request: LoadRequest = CSV) -> str:
    with pytest.raises(RequestInvalid) as refused:
        await loads.file(request.path, content, request)
    return f"{refused.value.message} {refused.value.hint}"


async def test_a_load_of_a_part_of_a_file_is_not_called_finished(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n text")
    answer = await loads.file("rows.csv", UNCLOSED, replace(CSV, skip_bad_rows=True))
    assert answer.structured["status"] == "partial"
    lines = answer.text.splitlines()
    assert lines[0].startswith("partial, not finished: 0 rows")
    assert (
        "The rest of the file, from row 3 (line 4) on, cannot be read: nothing of it is stored." in lines[0]
    )
    assert first_message(answer) == lines[0]
    assert "2 rows left out, not stored:" in lines
    assert answer.structured["bad_rows"] == 2
    assert [row["row"] for row in reasons(answer)] == [1, 2]
    assert answer.structured["unread_from"] == 3
    unread = cast("dict[str, Any]", answer.structured["unread"])
    assert unread == {
        "row": 3,
        "line": 4,
        "reason": "a quote is opened and not closed (the row ends in line 5)",
    }


async def test_a_file_that_was_loaded_in_part_is_loaded_whole_as_it_says(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n text")
    text = 'id,n\n1,a\n2,"b\n3,c\n'
    answer = await loads.file("rows.csv", text, replace(CSV, skip_bad_rows=True, verify=True))
    assert answer.structured["status"] == "partial"
    assert "load all of it with on_conflict='skip'" in answer.text
    mended = await loads.file("rows.csv", text.replace('"', ""), replace(CSV, on_conflict="skip"))
    assert mended.structured["status"] == "finished"
    assert loads.query("SELECT id, n FROM bulk.t ORDER BY id") == [(1, "a"), (2, "b"), (3, "c")]


async def test_a_load_of_a_part_says_so_in_a_later_call_too(bed: Harness, loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n text")
    times = iter(range(10_000))
    slow = Loads(bed, loads.folder, call_time=8, clock=lambda: float(next(times)))  # a second a look
    text = "id,n\n" + "".join(f"{n},a\n" for n in range(9000)) + '9000,"b\n9001,c\n'
    request = replace(CSV, skip_bad_rows=True, on_conflict="skip", verify=True)
    answer = await slow.file("rows.csv", text, request)
    seen = [answer.structured["status"]]
    while "resume" in answer.structured:
        answer = await slow.load(replace(request, resume=str(answer.structured["resume"])))
        seen.append(answer.structured["status"])
    assert len(seen) > 2
    assert seen[-1] == "partial"
    assert answer.text.splitlines()[0].startswith("partial, not finished: 9,000 rows")
    assert answer.structured["unread_from"] == 9001


async def test_a_dry_run_tells_all_rows_of_the_first_batch_that_the_cluster_rejects(loads: Loads) -> None:
    loads.table("id int")
    rows: list[object] = [{"id": "x"}, {"id": "y"}, {"id": 5}]
    request = LoadRequest("bulk.t", rows, skip_bad_rows=True)
    dry = await loads.load(replace(request, dry_run=True))
    assert "3 rows, 2 of them left out" in dry.text
    assert "of the first batch, 2 rows cannot be stored and would be left out." in dry.text
    run = await loads.load(request)
    for fact in ("bad_rows", "reasons"):
        assert dry.structured[fact] == run.structured[fact]
    assert run.structured["bad_rows"] == 2


async def test_a_dry_run_says_that_it_tells_only_the_first_of_many(loads: Loads) -> None:
    loads.table("id int")
    rows: list[object] = [*({"id": f"x{n}"} for n in range(25)), {"id": 1}]
    dry = await loads.load(LoadRequest("bulk.t", rows, skip_bad_rows=True, dry_run=True))
    assert "26 rows, at least 20 of them left out" in dry.text
    assert "at least 20 rows cannot be stored and would be left out; the search ended there." in dry.text
    assert dry.structured["bad_rows_at_least"] == 20
    assert "bad_rows" not in dry.structured
    stops = await loads.load(LoadRequest("bulk.t", rows, dry_run=True))
    assert "at least 20 rows of the first batch cannot be stored, so that nothing" in stops.text
    assert [row["row"] for row in reasons(stops)] == list(range(1, 21))
    assert "dry_run_token" not in stops.structured


async def test_a_load_that_is_finished_is_verified_without_being_loaded_again(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n text")
    await loads.file("rows.csv", "id,n\n" + "".join(f"{n},a\n" for n in range(5000)), CSV)
    loads.query("DELETE FROM bulk.t WHERE id = 7 RETURNING 1")
    answer = await loads.load(replace(CSV, verify=True))
    assert "\nfinished before: 5,000 rows.\n" in answer.text
    assert answer.structured["verified"] == {"compared": 5000, "complete": True, "missing": 1, "changed": {}}
    with pytest.raises(RequestInvalid) as done:
        await loads.load(CSV)
    assert "resume='new' and on_conflict='skip', which passes over the rows" in str(done.value.hint)
    again = await loads.load(replace(CSV, resume="new", on_conflict="skip"))
    assert again.structured["rows"] == 1


async def test_rows_that_are_all_there_are_left_out_with_one_reason_and_no_batch(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY")
    text = "id\n" + "".join(f"{n}\n" for n in range(12))
    await loads.file("rows.csv", text, CSV)
    answer = await loads.load(replace(CSV, skip_bad_rows=True))
    assert "\nfinished: 0 rows stored." in answer.text
    assert (answer.structured["rows"], answer.structured["batches"]) == (0, 0)
    assert [row["row"] for row in reasons(answer)] == list(range(1, 13))
    assert answer.text.count("already exists") == 1
    assert "Key (id)=(0) already exists.; likewise 2 (line 3), 3 (line 4)" in answer.text


async def test_a_dry_run_counts_as_left_out_no_less_than_the_batch_that_it_tried(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY")
    text = "id\n" + "".join(f"{n}\n" for n in range(5000))
    await loads.file("rows.csv", text, CSV)
    request = replace(CSV, skip_bad_rows=True, dry_run=True)
    dry = await loads.load(replace(request, columns=["id"]))
    assert "5,000 rows, at least 20 of them left out" in dry.text
    assert "of the first batch, which alone was tried, at least 20 rows cannot be stored" in dry.text
    assert "At least 20 rows cannot be loaded:" in dry.text
    assert "\nIf all the others can be stored: " in dry.text
    assert dry.structured["bad_rows_at_least"] == 20
    few = await loads.file("few.csv", text.replace("\n", "\n9999", 3000), replace(request, path="few.csv"))
    assert few.text.startswith("dry run, nothing was stored: 5,000 rows, in about")


async def test_rows_that_cannot_be_read_are_named_at_once(loads: Loads) -> None:
    loads.table("id int, n int")
    lines = ["id,n", "1,1", "2", "3,3", *("4" for _ in range(7))]
    with pytest.raises(RequestInvalid) as stopped:
        await loads.file("rows.csv", "\n".join(lines), CSV)
    assert stopped.value.message.startswith("Row 2 (line 3) cannot be loaded: it has 1 field")
    more = "Nor can rows 4 (line 5), 5 (line 6), 6 (line 7), 7 (line 8), 8 (line 9), 2 more of this batch."
    assert more in stopped.value.text
    with pytest.raises(RequestInvalid) as two:
        await loads.file("rows.csv", "id,n\n1\n2\n3,3\n", CSV)
    assert "Nor can row 2 (line 3)." in two.value.text


@pytest.mark.parametrize("key", [True, False], ids=["without the key", "with null"])
async def test_a_null_that_is_refused_is_told_of_the_default(loads: Loads, *, key: bool) -> None:
    loads.table("id int, state text NOT NULL DEFAULT 'new', n int NOT NULL")
    lacking: dict[str, object] = {"id": 2, "n": 2} if key else {"id": 2, "n": 2, "state": None}
    with pytest.raises(StatementFailed) as stopped:
        await loads.load(LoadRequest("bulk.t", [{"id": 1, "state": "a", "n": 1}, lacking]))
    told = str(stopped.value.hint)
    assert told.startswith("The row has no key state. " if key else "The DEFAULT of state goes only to")
    assert 'load such rows apart, with columns=["id", "n"]. Mend the row' in told
    with pytest.raises(StatementFailed) as plain:
        await loads.load(LoadRequest("bulk.t", [{"id": 1, "state": "a", "n": 1}, {"id": 2, "state": "b"}]))
    assert str(plain.value.hint).startswith("The row has no key n. Mend the row")


async def test_counts_of_values_say_that_skipped_rows_are_among_them(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    loads.query("INSERT INTO bulk.t VALUES (2, 'old')")
    request = LoadRequest("bulk.t", [{"id": 1, "t": None}, {"id": 2, "t": None}], on_conflict="skip")
    told = (await loads.load(request)).text
    assert "NULLs: t 2." in told
    assert "The counts of values are those of all rows given, skipped rows among them." in told
    loads.query("DELETE FROM bulk.t")
    whole = await loads.load(replace(request, rows=[{"id": 3, "t": None}]))
    assert "skipped rows" not in whole.text


async def test_a_dry_run_takes_a_key_that_comes_twice_for_an_update(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n int")
    rows: list[object] = [{"id": 1, "n": 1}, {"id": 1, "n": 2}]
    request = LoadRequest("bulk.t", rows, on_conflict="update", dry_run=True)
    assert "the first batch was tried and passes" in (await loads.load(request)).text
    await loads.load(replace(request, dry_run=False))
    assert loads.query("SELECT n FROM bulk.t") == [(2,)]


async def test_a_first_line_that_is_a_row_is_told_of_header_and_columns(loads: Loads) -> None:
    loads.table("id int, a text, b text, c text, d text, e text")
    text = "30001|Ann|\n30002|Bob|x\n"
    told = await hint(loads, text)
    assert "header=false" in told
    assert "pandas" not in told
    told = await hint(loads, text, replace(CSV, header=False))
    assert "have 3 fields, and the table has 6" in told
    assert "Name the column of each field in columns" in told
    assert 'columns=["id", "a", "b"]' in told
    answer = await loads.load(replace(CSV, header=False, columns=["id", "a", "b"]))
    assert answer.structured["rows"] == 2


async def test_a_first_line_with_a_value_twice_is_told_of_header(loads: Loads) -> None:
    loads.table("id int, n int")
    assert "header=false" in await hint(loads, "7,7\n8,8\n")


async def test_one_row_of_another_width_is_a_fault_of_that_row(loads: Loads) -> None:
    loads.table("id int, n int")
    request = replace(CSV, header=False, skip_bad_rows=True)
    answer = await loads.file("rows.csv", "1\n2,2\n", request)
    assert [row["row"] for row in reasons(answer)] == [1]
    assert loads.query("SELECT id FROM bulk.t") == [(2,)]


async def test_an_index_of_pandas_is_still_named(loads: Loads) -> None:
    loads.table("id int, n int")
    assert "pandas" in await hint(loads, ",id,n\n0,1,1\n")


@pytest.mark.parametrize("dry_run", [False, True])
async def test_keys_are_counted_where_rows_are_stored(loads: Loads, *, dry_run: bool) -> None:
    loads.table("id int, cust int, state text DEFAULT 'new'")
    rows: list[object] = [{"id": 1, "cust": 1, "state": "a"}, {"id": "x"}, {"id": 2, "cust": 2}]
    answer = await loads.load(LoadRequest("bulk.t", rows, skip_bad_rows=True, dry_run=dry_run))
    assert "NULL where rows do not have the key: state in 1 row. " in answer.text
    assert 'apart, with columns=["id", "cust"]' in answer.text
    if not dry_run:
        await loads.load(LoadRequest("bulk.t", [{"id": 3, "cust": 3}], columns=["id", "cust"]))
        assert loads.query("SELECT state FROM bulk.t ORDER BY id") == [("a",), (None,), ("new",)]


async def test_keys_are_counted_over_all_calls(bed: Harness, loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n int")
    times = iter(range(10_000))
    slow = Loads(bed, loads.folder, call_time=8, clock=lambda: float(next(times)))
    text = "".join(f'{{"id":{n}}}\n' for n in range(8999)) + '{"id":8999,"n":1}\n'
    request = LoadRequest("bulk.t", path="rows.jsonl")
    answer, calls = await slow.file("rows.jsonl", text, request), 1
    while answer.structured["status"] == "paused":
        answer = await slow.load(replace(request, resume=str(answer.structured["resume"])))
        calls += 1
    assert calls > 1
    assert "NULL where rows do not have the key: n in 8,999 rows." in answer.text


async def test_a_key_or_table_that_is_none_gets_the_nearest_name(loads: Loads) -> None:
    loads.table("id int, total int", "orders")
    request = LoadRequest("bulk.orders", [{"id": 1, "total": 1}, {"id": 2, "totl": 2}])
    with pytest.raises(RequestInvalid, match=r"did you mean total\?"):
        await loads.load(request)
    with pytest.raises(RequestInvalid) as unknown:
        await loads.load(replace(request, rows=[{"ident": 1, "totl": 1}]))
    assert "Did you mean" in (unknown.value.hint or "")
    assert "total" in (unknown.value.hint or "").partition("?")[0]
    with pytest.raises(RequestInvalid) as missing:
        await loads.load(replace(request, table="bulk.order"))
    assert missing.value.hint == "Did you mean bulk.orders?"


async def test_elements_of_a_line_are_named_by_their_number(loads: Loads) -> None:
    loads.table("id int")
    request = LoadRequest("bulk.t", path="rows.json", skip_bad_rows=True)
    answer = await loads.file("rows.json", '[{"id":1},{"id":"x"},{"id":"y"}]', request)
    assert "(line" not in answer.text
    assert [row.keys() & {"line"} for row in reasons(answer)] == [set(), set()]
    answer = await loads.file("rows.json", '[\n  {"id": 1},\n  {"id": "x"}\n]', request)
    assert "row 2 (line 3)" in answer.text
    with pytest.raises(DsqlError, match=r"Row 2 cannot|Row 2:"):
        await loads.file("rows.json", '[{"id":1},{"id":}]', replace(request, skip_bad_rows=False))
