"""Values, columns and bad rows of each format: stored exactly, or refused with the row and the reason."""

import json
from dataclasses import replace
from itertools import count
from typing import Any, cast

import pytest

from awslabs_dsql_mcp.errors import DsqlError, RequestInvalid
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.wire.harness import Harness
from support.wire.loads import Loads

EXACT = [
    "1.10",
    "1e400",
    "-1E-30",
    "12345678901234567890.123",
    "9" * 300,
    "8" * 5000,
    "-0.0",
    "9007199254740993",
]


@pytest.mark.parametrize("form", ["jsonl", "ndjson", "json"])
async def test_numbers_of_json_files_keep_their_digits(loads: Loads, form: str) -> None:
    loads.table("id int PRIMARY KEY, n numeric, j json, b jsonb, t text")
    rows = [f'{{"id": {i}, "n": {n}, "j": {{"x": [{n}]}}, "b": {n}, "t": {n}}}' for i, n in enumerate(EXACT)]
    text = "[" + ",\n".join(rows) + "]" if form == "json" else "\n".join(rows)
    answer = await loads.file(f"rows.{form}", text, LoadRequest("bulk.t", path=f"rows.{form}"))
    assert answer.structured["rows"] == len(EXACT)
    literals = ", ".join(f"(({n})::numeric, '{{\"x\": [{n}]}}', '{n}'::jsonb::text, '{n}')" for n in EXACT)
    expected = loads.query(f"SELECT n::text, j, b, t FROM (VALUES {literals}) v(n, j, b, t)")  # noqa: S608 - ours
    assert loads.query("SELECT n::text, j::text, b::text, t FROM bulk.t ORDER BY id") == expected


async def test_documents_are_stored_as_they_are(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, j json, t text, b boolean")
    documents = ['{"b":1,"a":{"b":[1,  2],"b":"\\u00e9"}}', '[1, "x\\n", null]', '"text"', "true", "5", "{}"]
    lines = [f'{{"id":{i},"j":{d},"t":{d},"b":null}}' for i, d in enumerate(documents)]
    await loads.file("rows.jsonl", "\n".join(lines), LoadRequest("bulk.t", path="rows.jsonl"))
    stored = loads.query("SELECT j::text, t, b FROM bulk.t ORDER BY id")
    assert [row[0] for row in stored] == documents
    assert [row[1] for row in stored][1:] == ['[1, "x\\n", null]', "text", "true", "5", "{}"]


@pytest.mark.parametrize("inline", [True, False])
async def test_keys_may_be_absent_or_in_another_order(loads: Loads, *, inline: bool) -> None:
    loads.table("id int PRIMARY KEY, a text DEFAULT 'own', b text DEFAULT 'own', c text")
    rows: list[object] = [{"id": 1, "a": "x"}, {"a": None, "id": 2}, {"id": 3, "c": "y"}]
    if inline:
        answer = await loads.load(LoadRequest("bulk.t", rows))
    else:
        text = "\n".join(map(json.dumps, rows))
        answer = await loads.file("rows.jsonl", text, LoadRequest("bulk.t", path="rows.jsonl"))
    stored = loads.query("SELECT id, a, b, c FROM bulk.t ORDER BY id")
    assert stored == [(1, "x", "own", None), (2, None, "own", None), (3, None, "own", "y")]
    assert "NULL where rows do not have the key: a in 1 row, c in 2 rows." in answer.text
    assert answer.structured["nulls"] == {"a": 2, "c": 2}
    assert "NULLs: a 2, c 2." in answer.text


def reasons(answer: ToolOutput) -> list[dict[str, Any]]:
    """The rows that were left out."""
    return cast("list[dict[str, Any]]", answer.structured["reasons"])


BAD_JSON = [
    ('{"id": 2, "n": 1', "not JSON"),
    ('{"id": 2, "n": NaN}', "NaN is not a number of JSON"),
    ('{"id": 2, "n": 1} x', "something follows"),
    ('{"id": 2, "id": 3}', "'id' twice"),
    ('{"id": 2, "x": 3}', "'x'"),
    ('"text"', "neither a JSON object nor an array"),
    ("[2]", "1 value for 3 columns"),
    ('{"id": 2, "t": "\\ud800"}', "lone surrogate"),
    ('{"id": 2, "t": "\\u0000"}', "NUL"),
    ('{"id": 2, "t": ' + "[" * 10_000 + "]" * 10_000 + "}", "nested too deep"),
    ('{"id": 2, "n": 1e99999999999999999999}', "overflow"),
    ('{"id": 2, "n": "x"}', "invalid input syntax"),
    (b'{"id": 2, "t": "M\xfcller"}', "byte 0xFC, at offset 54 of the file, is not UTF-8"),
    (b'{"id": 2, "t": "\x00"}', "NUL character"),
    ('{"id": 2, "t": "' + "é" * (9 << 20) + '"}', "more than 16 MiB"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_JSON, ids=[reason for _, reason in BAD_JSON])
async def test_a_bad_line_of_json_is_named_or_left_out(loads: Loads, line: str | bytes, reason: str) -> None:
    loads.table("id int PRIMARY KEY, n numeric, t text")
    bad = line if isinstance(line, bytes) else line.encode()
    data = b'{"id": 1, "n": 1, "t": "a"}\n\r\n      \n' + bad + b'\n{"id": 4, "n": 1, "t": null}'
    request = LoadRequest("bulk.t", path="rows.jsonl")
    with pytest.raises(DsqlError) as refused:
        await loads.file("rows.jsonl", data, request)
    assert "Row 2 (line 4)" in refused.value.message
    assert reason in refused.value.message
    assert loads.query("SELECT id FROM bulk.t") == []
    answer = await loads.load(LoadRequest("bulk.t", path="rows.jsonl", skip_bad_rows=True))
    (left_out,) = reasons(answer)
    assert (left_out["row"], left_out["line"]) == (2, 4)
    assert reason in left_out["reason"]
    assert "row 2 (line 4): " in answer.text
    assert loads.query("SELECT id FROM bulk.t ORDER BY id") == [(1,), (4,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[{"id": 1},\n {"id": 2, "t": 1e}]', "not JSON: "),
        ('[{"id": 1},\n {"id": 2}', "not JSON: ',' or ']' is missing"),
        ('[{"id": 1},\n ]', "not JSON: "),
        ('[{"id": 1}\n]x', "something follows the array"),
        ('[{"id": 1},\n {"t": "' + "x" * (17 << 20) + '"}]', "more than 16 MiB"),
        ('[{"id": 1},\n {"t": ' + "[" * 10_000 + "]" * 10_000 + "}]", "nested too deep"),
    ],
    ids=lambda text: text[:30],
)
async def test_an_array_that_is_broken_says_where(loads: Loads, text: str, reason: str) -> None:
    loads.table("id int, t text")
    with pytest.raises(RequestInvalid, match=r"Row [23] \(line 2\)") as refused:
        await loads.file("rows.json", text, LoadRequest("bulk.t", path="rows.json"))
    assert reason in refused.value.message
    assert loads.query("SELECT id FROM bulk.t") == []


async def test_an_array_is_read_a_piece_at_a_time(loads: Loads) -> None:
    loads.table("id int, t text")
    values = [
        {"id": n, "t": ("é\n" * (n % 7) + "x" * (n * 997 % 5000)) * (40 if n == 500 else 1)}
        for n in range(1000)
    ]
    for indent in (None, 1):
        text = json.dumps(values, indent=indent, ensure_ascii=False)
        await loads.file("rows.json", text, LoadRequest("bulk.t", path="rows.json", resume="new"))
        stored = loads.query("DELETE FROM bulk.t RETURNING id, t")
        assert sorted(stored) == [(value["id"], value["t"]) for value in values]


BAD_CSV = [
    (b"2", "1 field for 2 columns"),
    (b"2,b,c", "3 fields for 2 columns"),
    (b"2,M\xfcller", "byte 0xFC, at offset 12 of the file, is not UTF-8"),
    (b"2,\x00", "NUL character"),
    (b"2,a\rb", "carriage return outside of quotes"),
    (b"2,\xed\xa0\x80", "is not UTF-8"),
    (b"x,b", "invalid input syntax"),
    (b"1,b", "already exists"),
    (b'2,"' + b"x" * (17 << 20) + b'"', "more than 16 MiB"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_CSV, ids=[reason for _, reason in BAD_CSV])
async def test_a_bad_line_of_csv_is_named_or_left_out(loads: Loads, line: bytes, reason: str) -> None:
    loads.table("id int PRIMARY KEY, t text")
    request = LoadRequest("bulk.t", path="rows.csv")
    with pytest.raises(DsqlError) as refused:
        await loads.file("rows.csv", b"id,t\n1,a\n" + line + b"\n4,d\n", request)
    assert "Row 2 (line 3)" in refused.value.message
    assert reason in refused.value.text
    answer = await loads.load(LoadRequest("bulk.t", path="rows.csv", skip_bad_rows=True))
    (left_out,) = reasons(answer)
    assert left_out["row"] == 2
    assert reason in left_out["reason"]
    assert loads.query("SELECT id FROM bulk.t ORDER BY id") == [(1,), (4,)]


async def test_a_quote_that_is_not_closed_says_how_far_it_goes(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    request = LoadRequest("bulk.t", path="rows.csv", skip_bad_rows=True)
    answer = await loads.file("rows.csv", 'id,t\n1,a\n2,5" pipe\n3,b\n4,c\n', request)
    assert "a quote is opened and not closed (the row ends in line 5)" in answer.text
    assert loads.query("SELECT id FROM bulk.t") == [(1,)]


async def test_encodings_are_found_or_named(loads: Loads) -> None:
    loads.table("id int, t text")
    text = "id,t\n1,Müller €\n"
    for encoding, told in (
        ("utf-8-sig", ""),
        ("utf-16", ""),
        ("cp1252", "cp1252"),
        ("utf-16-le", "utf-16le"),
    ):
        request = LoadRequest("bulk.t", path="rows.csv", encoding=told, resume="new")
        await loads.file("rows.csv", text.encode(encoding), request)
    assert loads.query("SELECT DISTINCT t, count(*) FROM bulk.t GROUP BY t") == [("Müller €", 4)]
    with pytest.raises(RequestInvalid, match="NUL character") as guessed:
        await loads.file("rows.csv", text.encode("utf-16-le"), LoadRequest("bulk.t", path="rows.csv"))
    assert "utf-16-le" in (guessed.value.hint or "")
    for encoding in ("rot13", "no-such"):
        with pytest.raises(RequestInvalid, match="no encoding"):
            await loads.load(LoadRequest("bulk.t", path="rows.csv", encoding=encoding))


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
async def test_a_delimiter_is_found_and_told(loads: Loads, delimiter: str) -> None:
    loads.table("id int, t text")
    text = f'id{delimiter}t\n1{delimiter}"a,b"\n'
    answer = await loads.file("rows.csv", text, LoadRequest("bulk.t", path="rows.csv"))
    assert "Fields are separated by a " in answer.text
    assert loads.query("SELECT t FROM bulk.t") == [("a,b",)]


async def test_columns_are_chosen_renamed_and_left_out(loads: Loads) -> None:
    loads.table("id int, name text, note text DEFAULT 'own'")
    text = ",Id,Full Name,x\n0,1,Ann,y\n"
    with pytest.raises(RequestInvalid, match="no name") as unnamed:
        await loads.file("rows.csv", text, LoadRequest("bulk.t", path="rows.csv"))
    assert "pandas" in unnamed.value.message
    mapping = {"Id": "id", "Full Name": "name"}
    answer = await loads.load(LoadRequest("bulk.t", path="rows.csv", columns=mapping))
    assert "Columns that were not loaded: , x." in answer.text
    await loads.load(LoadRequest("bulk.t", path="rows.csv", columns=["Id"], resume="new"))
    await loads.load(LoadRequest("bulk.t", [[3, "c"]], columns=["id", "name"]))
    await loads.load(
        LoadRequest("bulk.t", [{"key": 4, "name": "d", "x": 1}], columns={"key": "id", "name": "name"})
    )
    await loads.file(
        "bare.csv", "5,e\n", LoadRequest("bulk.t", path="bare.csv", columns=["id", "name"], header=False)
    )
    stored = loads.query("SELECT * FROM bulk.t ORDER BY id, name")
    assert stored == [(1, "Ann", "own"), (1, None, "own"), (3, "c", "own"), (4, "d", "own"), (5, "e", "own")]


@pytest.mark.parametrize(
    ("text", "columns", "message", "hint"),
    [
        (
            "id,nmae\n",
            None,
            "no column 'nmae'; nothing was loaded. Its columns that the rows do not have: name",
            "name?",
        ),
        ("id,name\n", ["nam"], "have no column 'nam'", "Did you mean name?"),
        ("1,Ann\n", None, "no column '1', 'Ann'", "header=false"),
        ("id,id\n", None, "two columns 'id'", "Rename one"),
        ("", None, "The file is empty", ""),
        ("id,ID\n", None, "occurs twice", ""),
    ],
)
async def test_a_header_that_does_not_fit_is_explained(
    loads: Loads, text: str, columns: list[str] | None, message: str, hint: str
) -> None:
    loads.table("id int, name text")
    with pytest.raises(RequestInvalid) as refused:
        await loads.file("rows.csv", text, LoadRequest("bulk.t", path="rows.csv", columns=columns))
    assert message in refused.value.message
    assert hint in (refused.value.hint or "")


async def test_no_rows_are_told_as_such(loads: Loads) -> None:
    loads.table("id int, name text")
    with pytest.raises(RequestInvalid, match="There are no rows"):
        await loads.load(LoadRequest("bulk.t", []))
    for name, text in (("rows.jsonl", "\n"), ("rows.json", "[]"), ("rows.json", " [ ] ")):
        with pytest.raises(RequestInvalid, match="There are no rows"):
            await loads.file(name, text, LoadRequest("bulk.t", path=name))
    answer = await loads.file("rows.csv", "id,name\n", LoadRequest("bulk.t", path="rows.csv"))
    assert answer.structured["rows"] == 0


@pytest.mark.parametrize("key", [True, False])
async def test_a_file_that_is_mended_is_loaded_on(loads: Loads, *, key: bool) -> None:
    loads.table("id int PRIMARY KEY, t text" if key else "id int, t text")
    lines = ["id,t", *(f"{n},{n}" for n in range(1, 9001))]
    lines[6000] = "x,bad"
    on_conflict = "update" if key else "error"
    request = LoadRequest("bulk.t", path="rows.csv", on_conflict=on_conflict)
    with pytest.raises(DsqlError) as stopped:
        await loads.file("rows.csv", "\n".join(lines), request)
    assert "up to row 5,800" in stopped.value.message
    assert "Row 6,000 (line 6,001): invalid input" in stopped.value.message
    hint = stopped.value.hint or ""
    assert "Mend the row, and change none before it" in hint
    token = hint.partition("resume='")[2].partition("'")[0]
    lines[6000] = "6000,good"
    going = LoadRequest("bulk.t", path="rows.csv", on_conflict=on_conflict, resume=token)
    other = [*lines]
    other[10] = "10,changed"
    with pytest.raises(RequestInvalid, match=r"Rows 1 to 5,800, which are loaded, are not the same"):
        await loads.file("rows.csv", "\n".join(other), going)
    with pytest.raises(RequestInvalid, match=r"Rows 1 to 5,800"):
        await loads.file("rows.csv", "\n".join(lines[:100]), going)
    if not key:
        with pytest.raises(RequestInvalid, match="unfinished"):
            await loads.file("rows.csv", "\n".join(lines), request)
    answer = await loads.file("rows.csv", "\n".join([*lines, "9001,more"]), going)
    assert answer.structured["rows"] == 9001
    found = loads.query("SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE t = 'good') FROM bulk.t")
    assert found == [(9001, 9001, 1)]
    if not key:
        with pytest.raises(RequestInvalid, match="has been done already"):
            await loads.load(request)
        lines[5] = "5,other"
        other_file = await loads.file("rows.csv", "\n".join(lines), request)
        assert other_file.structured["rows"] == 9000


async def test_another_file_of_the_same_name_is_loaded(loads: Loads) -> None:
    loads.table("id int, t text")
    request = LoadRequest("bulk.t", path="day.csv")
    first = "\n".join(["id,t", *(f"{n},a" for n in range(6000))])
    await loads.file("day.csv", first, request)
    with pytest.raises(RequestInvalid, match="done already"):
        await loads.load(request)
    answer = await loads.file("day.csv", first.replace("a", "b"), request)
    assert answer.structured["rows"] == 6000
    loads.query("DROP TABLE bulk.t; SELECT")
    loads.table("id int, t text")
    await loads.load(request)
    assert loads.query("SELECT count(*), min(t) FROM bulk.t") == [(6000, "b")]


async def test_a_token_of_a_dry_run_is_for_the_rows_that_it_read(loads: Loads) -> None:
    loads.table("id int, t text")
    request = LoadRequest("bulk.t", path="day.csv", dry_run=True)
    dry = await loads.file("day.csv", "id,t\n1,a\n", request)
    token = str(dry.structured["dry_run_token"])
    go = LoadRequest("bulk.t", path="day.csv", dry_run_token=token)
    with pytest.raises(RequestInvalid, match="dry_run_token"):
        await loads.file("day.csv", "id,t\n1,a\n2,b\n", go)
    assert loads.query("SELECT count(*) FROM bulk.t") == [(0,)]


async def test_rows_that_are_skipped_are_counted_and_named(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    loads.query("INSERT INTO bulk.t VALUES (2, 'old'), (4, 'old')")
    rows = [[n, "new"] for n in (1, 2, 3, 4, 1)]
    answer = await loads.load(LoadRequest("bulk.t", rows, columns=["id", "t"], on_conflict="skip"))
    assert answer.structured["rows"] == 2
    assert (answer.structured["skipped"], answer.structured["skipped_rows"]) == (3, [2, 4, 5])
    assert "3 rows skipped, since a row of that key was there: rows 2, 4, 5 of those given." in answer.text


async def test_of_two_rows_with_one_key_the_later_updates(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    rows = [[1, "a"], [2, "b"], [1, "c"], [2, "d"], [1, "e"]]
    answer = await loads.load(LoadRequest("bulk.t", rows, columns=["id", "t"], on_conflict="update"))
    assert answer.structured["status"] == "finished"
    assert loads.query("SELECT id, t FROM bulk.t ORDER BY id") == [(1, "e"), (2, "d")]


async def test_many_bad_rows_are_left_out_in_few_transactions(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n smallint CHECK (n > 0)")
    kinds = ["x", 0, 99999, "1.5"]
    rows = [[n, kinds[n % 4] if n % 29 == 0 else 1] for n in range(1, 2901)]
    before = loads.query(
        "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'postgres'"
    )
    answer = await loads.load(LoadRequest("bulk.t", rows, columns=["id", "n"], skip_bad_rows=True))
    assert answer.structured["bad_rows"] == 100
    assert answer.structured["rows"] == 2800
    assert loads.query("SELECT count(*) FROM bulk.t") == [(2800,)]
    loads.query("SELECT pg_stat_force_next_flush()")
    after = loads.query("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = 'postgres'")
    assert int(str(after[0][0])) - int(str(before[0][0])) < 700


CHANGED = {
    "numeric(18,6)": ["1.5", "1.23456789", "1e-7", "12e-6", "100", "-0.0000001", "NaN", "1.1000000000"],
    "numeric(5,-2)": ["100", "149.9", "12300"],
    "varchar(3)": ["abc", "ab   ", "é"],
    "timestamptz(3)": ["2026-01-01 10:00:00.1234+02", "2026-01-01 10:00:00.123000"],
    "timestamp": ["2026-01-01 10:00:00.1234567", "2026-01-01 10:00:00.123456", "2026-01-01"],
    "time(0)": ["10:00:00.5", "10:00"],
    "date": ["2026-01-01", "2026-01-01 10:00:00"],
    "float8": ["0.1", "12345678901234567890.123", "1e300", "0.30000000000000004441", "-0"],
    "float4": ["0.1", "16777217", "3.14159265358979", "NaN"],
}
WIDE = {
    "numeric(18,6)": "numeric",
    "numeric(5,-2)": "numeric",
    "varchar(3)": "text",
    "timestamptz(3)": "timestamptz",
    "timestamp": "text",
    "time(0)": "time",
    "date": "timestamp",
    "float8": "numeric",
    "float4": "numeric",
}


@pytest.mark.parametrize("kind", CHANGED)
async def test_values_that_a_column_changes_are_counted(loads: Loads, kind: str) -> None:
    loads.table(f"id int PRIMARY KEY, v {kind}")
    rows = [[n, value] for n, value in enumerate(CHANGED[kind])]
    answer = await loads.load(LoadRequest("bulk.t", rows, columns=["id", "v"]))
    wide = WIDE[kind]
    found = loads.query(f"SELECT id, v::text::{wide}::text FROM bulk.t")  # noqa: S608 - ours
    stored = {row[0]: row[1] for row in found}
    given = [str(loads.query(f"SELECT '{value}'::{wide}::text")[0][0]) for value in CHANGED[kind]]
    if kind.startswith(("numeric", "float")):
        changed = sum(
            loads.query(f"SELECT {stored[n]!r}::numeric <> {text!r}::numeric") == [(True,)]
            for n, text in enumerate(given)
        )
    elif kind == "timestamp":
        changed = sum(
            len(text) > len(str(stored[n])) and text.rstrip("0") != stored[n] for n, text in enumerate(given)
        )
    else:
        changed = sum(text != stored[n] for n, text in enumerate(given))
    assert changed
    assert answer.structured.get("changed") == {"v": changed}
    assert f"Rounded or cut to fit the column: v {changed}." in answer.text


async def test_what_is_stored_is_compared_with_the_rows(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, n numeric(18,6), c char(4), j json, t text")
    loads.query(
        "CREATE FUNCTION bulk.f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF NEW.id = 7 THEN NEW.t := 'other'; END IF; RETURN NEW; END$$"
    )
    loads.query("CREATE TRIGGER g BEFORE INSERT ON bulk.t FOR EACH ROW EXECUTE FUNCTION bulk.f()")
    rows = [[n, "1.23456789" if n == 5 else "1.5", "abcd", {"a": 1}, None] for n in range(1, 4001)]
    rows[8][2] = "ab"
    request = LoadRequest("bulk.t", rows, columns=["id", "n", "c", "j", "t"], verify=True)
    answer = await loads.load(request)
    assert answer.structured["rows"] == 4000
    assert answer.structured["verified"] == {
        "compared": 4000, "complete": True, "missing": 0, "changed": {"n": 1, "t": 1, "c": 1}
    }  # fmt: skip
    assert "4,000 rows compared by their key (id) in n, c, j, t; n differs in 1 row" in answer.text
    assert "row 5: n was given as '1.23456789' and is '1.234568'" in answer.text
    assert "row 7: t was given as NULL and is 'other'" in answer.text
    assert "row 9: c was given as 'ab' and is 'ab  '" in answer.text
    loads.query("DELETE FROM bulk.t WHERE id = 3000")
    loads.query("ALTER TABLE bulk.t ADD CHECK (id <> 3000) NOT VALID")
    again = await loads.load(replace(request, on_conflict="skip", skip_bad_rows=True))
    assert again.structured["bad_rows"] == 1  # left out, so it is not missing
    assert "3,999 rows compared" in again.text
    one = LoadRequest("bulk.t", [[1, "1.50"]], columns=["id", "n"], on_conflict="update", verify=True)
    plain = await loads.load(one)
    assert "1 row compared by their key (id) in n; no difference." in plain.text


async def test_a_comparison_tells_values_that_their_type_reads_in_part(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, ts timestamp, j jsonb, i interval day")
    text = 'id,ts,j,i\n1,2024-01-01T23:00:00-08:00,"{""a"":1,""a"":2}",1 day 05:00\n2,2024-01-01,{},1 day\n'
    answer = await loads.file("a.csv", text, LoadRequest("bulk.t", path="a.csv", verify=True))
    assert "Rounded or cut to fit the column: ts 1, j 1, i 1." in answer.text
    assert "no difference" not in answer.text
    assert "ts was given 1 value of which its type reads a part alone" in answer.text
    verified = answer.structured["verified"]
    assert isinstance(verified, dict)
    assert verified["read_as_others"] == {"ts": 1, "j": 1}


async def test_the_advice_names_the_argument_that_helps(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t text")
    request = LoadRequest("bulk.t", path="a.csv")
    with pytest.raises(RequestInvalid) as undecoded:
        await loads.file("a.csv", b"id,t\n1,M\xfcller\n", request)
    assert "encoding='latin-1'" in (undecoded.value.hint or "")
    await loads.file("a.csv", "id,t\n1,a\n", request)
    with pytest.raises(DsqlError) as taken:
        await loads.load(request)
    assert "on_conflict='skip' or 'update'" in (taken.value.hint or "")


async def test_rows_without_a_key_are_compared_as_wholes(loads: Loads) -> None:
    loads.table("id int, n numeric(8,3), c char(4), t text, at timestamptz")
    loads.query("INSERT INTO bulk.t (id) VALUES (-1)")
    loads.query(
        "CREATE FUNCTION bulk.f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN IF NEW.id = 7 THEN NEW.t := 'other'; END IF; RETURN NEW; END$$"
    )
    rows = [[n % 3000, "1.50", "ab", None, "2024-01-01 00:00+00"] for n in range(4000)]
    request = LoadRequest("bulk.t", rows, columns=["id", "n", "c", "t", "at"], verify=True)
    answer = await loads.load(request)
    assert (
        "verified: 4,000 rows compared as wholes, since they have no key; no difference; 1 row of"
        in answer.text
    )
    loads.query("CREATE TRIGGER g BEFORE INSERT ON bulk.t FOR EACH ROW EXECUTE FUNCTION bulk.f()")
    loads.query("DELETE FROM bulk.t WHERE id < 1000")
    loads.query("DELETE FROM bulk.t")
    again = await loads.load(replace(request, resume="new"))
    assert "2 rows of them not in the table, or not as often, such as row 8" in again.text
    assert again.values["verified"] == {"compared": 4000, "complete": True, "missing": 2, "changed": {}}


async def test_a_difference_shows_what_the_file_says(loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, c char(3), at timestamptz, f real")
    loads.query(
        "CREATE FUNCTION bulk.f() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN NEW.c := 'z'; NEW.f := 2; RETURN NEW; END$$"
    )
    loads.query("CREATE TRIGGER g BEFORE INSERT ON bulk.t FOR EACH ROW EXECUTE FUNCTION bulk.f()")
    request = LoadRequest("bulk.t", path="a.csv", verify=True)
    answer = await loads.file("a.csv", "id,c,at,f\n1,ab  ,now,1e0\n", request)
    assert "c was given as 'ab  ' and is 'z  '" in answer.text
    assert "at was given as 'now' and is '2" in answer.text
    assert "f was given as '1e0' and is '2'" in answer.text


REST = {
    "a.csv": b'id,t\n1,a\n2,5" pipe\n3,b\n4,c\n',
    "a.jsonl": '{"id":1,"t":"a"}\n{"id":2,"t":"b"}\n'.encode("utf-16") + b"\x00",
    "a.json": b'[{"id":1,"t":"a"},\n{"id":2,"t":},\n{"id":3,"t":"c"}]',
}


@pytest.mark.parametrize("name", REST)
async def test_the_rest_of_a_file_is_not_said_to_be_a_row(loads: Loads, name: str) -> None:
    loads.table("id int PRIMARY KEY, t text")
    request = LoadRequest("bulk.t", path=name)
    with pytest.raises(DsqlError) as refused:
        await loads.file(name, REST[name], request)
    assert "nothing from there on is loaded" in (refused.value.hint or "")
    answer = await loads.load(replace(request, skip_bad_rows=True))
    assert "The rest of the file, from row " in answer.text
    assert "1 row left out" not in answer.text
    assert answer.values["bad_rows"] == 0
    assert answer.values["unread_from"] in (2, 3)


async def test_a_comparison_goes_on_in_the_next_call(bed: Harness, loads: Loads) -> None:
    loads.table("id int PRIMARY KEY, t varchar(4)")
    slow = Loads(bed, loads.folder, call_time=11, clock=count().__next__)  # each look takes a second
    text = "id,t\n" + "".join(f"{n},{'cut ' if n < 9000 else 'cut  '}\n" for n in range(1, 9001))
    request = LoadRequest("bulk.t", path="rows.csv", on_conflict="update", verify=True)
    answer = await slow.file("rows.csv", text, request)
    while "verified" not in answer.structured:
        answer = await slow.load(replace(request, resume=str(answer.structured["resume"])))
    compared, calls = 0, 0
    while True:
        verified = cast("dict[str, Any]", answer.structured["verified"])
        compared, calls = compared + verified["compared"], calls + 1
        if verified["complete"]:
            break
        assert "Not all yet" in answer.text
        answer = await slow.load(replace(request, resume=str(answer.structured["resume"])))
    assert (compared, calls > 1) == (9000, True)
    assert verified["changed"] == {"t": 1}
    assert "row 9,000: t was given as 'cut  ' and is 'cut '" in answer.text


async def test_a_dry_run_names_the_rows_that_cannot_be_read(loads: Loads) -> None:
    loads.table("id int, t text")
    text = "id,t\n" + "1,a\n" * 3000 + "1\n2,\n"
    answer = await loads.file("rows.csv", text, LoadRequest("bulk.t", path="rows.csv", dry_run=True))
    assert "1 row cannot be loaded:" in answer.text
    assert "row 3,001 (line 3,002): it has 1 field for 2 columns" in answer.text
    assert answer.structured["nulls"] == {"t": 1}
    assert answer.structured["rows"] == 3002
    assert loads.query("SELECT count(*) FROM bulk.t") == [(0,)]


@pytest.mark.parametrize("sep", ["sep=;", "SEP=;", '"sep=;"', "sep=;\r"])
async def test_a_line_that_tells_excel_the_delimiter_is_read(loads: Loads, sep: str) -> None:
    loads.table("id int, t text")
    end = "\r\n" if "\r" in sep else "\n"
    text = end.join([sep.strip(), "id;t", "1;a,b", "x;", ""])
    request = LoadRequest("bulk.t", path="rows.csv", skip_bad_rows=True)
    answer = await loads.file("rows.csv", text, request)
    assert loads.query("SELECT id, t FROM bulk.t") == [(1, "a,b")]
    assert "Fields are separated by a semicolon, as the file's line sep= says." in answer.text
    assert "row 2 (line 4)" in answer.text
    loads.query("DELETE FROM bulk.t")
    bare = end.join([sep.strip(), "1;a,b", ""])
    await loads.file("rows.csv", bare, replace(request, header=False, delimiter=";"))
    assert loads.query("SELECT id, t FROM bulk.t") == [(1, "a,b")]
    with pytest.raises(RequestInvalid, match="delimiter is another"):
        await loads.load(replace(request, delimiter=","))
    with pytest.raises(RequestInvalid, match="no line of names"):
        await loads.file("rows.csv", sep.strip() + end, request)


async def test_a_row_of_one_column_is_no_line_for_excel(loads: Loads) -> None:
    loads.table("t text")
    await loads.file("rows.csv", "sep=;\n", LoadRequest("bulk.t", path="rows.csv", header=False))
    assert loads.query("SELECT t FROM bulk.t") == [("sep=;",)]


async def test_backslashes_before_quotes_are_said_to_escape_nothing(loads: Loads) -> None:
    loads.table("id int, t text")
    text = 'id,t\n1,x\n2,"a \\"q\\" b"\n3,"C:\\"\n'
    answer = await loads.file("rows.csv", text, LoadRequest("bulk.t", path="rows.csv"))
    assert loads.query("SELECT t FROM bulk.t ORDER BY id") == [
        ("x",),
        ("a \\q\\ b",),
        ("C:\\",),
    ]  # as COPY does
    assert (
        "A backslash before a quote in 2 rows (first: line 3): it escapes nothing, as for COPY."
        in answer.text
    )
