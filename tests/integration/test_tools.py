"""The SQL tools as an agent meets them: a real client, over stdio, against a real database."""

import anyio
import pytest
from mcp import Client

from support.client_helpers import call, rows, write

pytestmark = pytest.mark.usefixtures("shop")


@pytest.fixture(scope="module", autouse=True)
async def shop(writer: Client) -> None:
    """A table with three rows."""
    await write(writer, "DROP TABLE IF EXISTS goods")
    await write(writer, "CREATE TABLE goods (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10,2))")
    await write(writer, "INSERT INTO goods VALUES (1, 'lamp', 10), (2, 'chair', 20.5), (3, 'rug', NULL)")


async def test_a_read_answers_with_columns_and_rows(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT id, name, price FROM goods ORDER BY id")
    assert reply.text.startswith("3 rows (id int8, name text, price numeric(10,2))\n")
    assert '[1,"lamp","10.00"]\n[2,"chair","20.50"]\n[3,"rug",null]' in reply.text
    assert reply.facts["rows"] == [[1, "lamp", "10.00"], [2, "chair", "20.50"], [3, "rug", None]]
    assert reply.facts["columns"] == ["id int8", "name text", "price numeric(10,2)"]


@pytest.mark.parametrize("params", [None, [1]])
async def test_a_byte_order_mark_before_a_statement_is_no_part_of_it(
    writer: Client, reader: Client, params: list[object] | None
) -> None:
    sql = f"\ufeffSELECT name FROM goods WHERE id = {'%s' if params else '1'}"
    read = await call(reader, "readonly_query", sql=sql, params=params)
    assert read.facts["rows"] == [["lamp"]]
    plan = await call(reader, "explain_query", sql=sql, params=params)
    assert "goods" in plan.text
    deleted = "\ufeffDELETE FROM goods WHERE id > %s"
    changed = await call(writer, "transact", sql_list=[sql, deleted], params_list=[params, [3]])
    assert not changed.is_error


async def test_rows_stand_between_markers_that_no_row_could_know(reader: Client) -> None:
    first, second = [(await call(reader, "readonly_query", sql="SELECT 'a'")).text for _ in range(2)]
    assert first != second
    mark = first.partition("<rows-")[2].partition(">")[0]
    assert len(mark) >= 8
    assert first.rstrip().endswith(f"</rows-{mark}>\nEnd of data.")


async def test_values_are_bound_not_pasted(reader: Client) -> None:
    hostile = "'; DROP TABLE goods; --"
    assert await rows(reader, "SELECT %s, count(*) FROM goods", hostile) == [[hostile, 3]]


@pytest.mark.parametrize(
    ("sql", "value", "expected"),
    [
        ("SELECT %s::int + 1", 41, 42),
        ("SELECT %s::float8", 1.5, 1.5),
        ("SELECT %s::boolean", True, True),
        ("SELECT coalesce(%s::text, 'none')", None, "none"),
        ("SELECT %s::jsonb -> 'a'", {"a": [1, {"b": None}]}, [1, {"b": None}]),
        ("SELECT count(*) FROM goods WHERE id = ANY(%s)", [1, 3], 2),
        ("SELECT count(*) FROM goods WHERE name = ANY(%s)", ["lamp"], 1),
        ("SELECT name FROM goods WHERE id = %s", 2, "chair"),
        ("SELECT price FROM goods WHERE price > %s", 20, "20.50"),
        ("SELECT 100 %% %s", 7, 2),
    ],
)
async def test_a_value_takes_the_type_of_its_place(
    reader: Client, sql: str, value: object, expected: object
) -> None:
    assert await rows(reader, sql, value) == [[expected]]


async def test_a_transaction_answers_for_every_statement(writer: Client) -> None:
    await write(writer, "DROP TABLE IF EXISTS five")
    await write(writer, "CREATE TABLE five (n int)")
    reply = await write(
        writer,
        "INSERT INTO five VALUES (1), (2)",
        "UPDATE five SET n = n + 10 WHERE n = 1 RETURNING n",
        "SELECT n FROM five ORDER BY n",
        "DELETE FROM five WHERE n = 2",
        "SELECT count(*) FROM five",
    )
    assert reply.facts["outcome"] == "committed"
    assert reply.facts["attempts"] == 1
    statements = reply.facts["statements"]
    assert [s["command"] for s in statements] == [
        "INSERT 0 2",
        "UPDATE 1",
        "SELECT 2",
        "DELETE 1",
        "SELECT 1",
    ]
    assert [s.get("rows") for s in statements] == [None, [[11]], [[2], [11]], None, [[1]]]
    assert reply.text.startswith(
        "committed: 5 statements\n1. INSERT 0 2: 2 rows affected\n2. UPDATE 1: 1 row (n"
    )


async def test_a_failure_stores_nothing_and_names_the_statement(writer: Client) -> None:
    reply = await call(
        writer,
        "transact",
        sql_list=["INSERT INTO goods VALUES (9, 'desk', 1)", "INSERT INTO goods VALUES (1, 'again', 1)"],
    )
    assert reply.is_error
    assert "SQLSTATE 23505" in reply.text
    assert "Statement 2" in reply.text
    assert "Nothing was stored: rolled back." in reply.text
    assert reply.facts == {
        "code": "statement_failed",
        "remedy": "fix_statement",
        "sqlstate": "23505",
        "hint": reply.facts["hint"],
        "committed": False,
    }
    assert await rows(writer, "SELECT count(*) FROM goods") == [[3]]


async def test_a_missing_table_is_told_with_sqlstate_place_and_next_step(reader: Client) -> None:
    reply = await call(reader, "readonly_query", sql="SELECT *\nFROM good")
    assert reply.is_error
    assert 'relation "good" does not exist' in reply.text
    assert "SQLSTATE 42P01" in reply.text
    assert "line 2: FROM ▸good" in reply.text
    assert "Next: Did you mean public.goods?" in reply.text


@pytest.mark.parametrize("tool", ["readonly_query", "transact"])
async def test_a_read_only_server_refuses_a_write(reader: Client, tool: str) -> None:
    sql = "DELETE FROM goods"
    reply = await call(reader, tool, **({"sql": sql} if tool == "readonly_query" else {"sql_list": [sql]}))
    assert reply.is_error
    assert reply.text.startswith("Refused")
    assert reply.facts["remedy"] == "fix_statement"
    assert await rows(reader, "SELECT count(*) FROM goods") == [[3]]


async def test_a_function_that_writes_is_stopped_by_the_transaction(writer: Client, reader: Client) -> None:
    await write(
        writer,
        "CREATE OR REPLACE FUNCTION sneak() RETURNS bigint LANGUAGE sql AS"
        " $$ INSERT INTO goods VALUES (66, 'x', 1) RETURNING id $$",
    )
    reply = await call(reader, "readonly_query", sql="SELECT sneak()")
    assert "SQLSTATE 25006" in reply.text
    assert await rows(reader, "SELECT count(*) FROM goods") == [[3]]


async def test_reads_of_one_transaction_see_one_snapshot(reader: Client) -> None:
    reply = await call(
        reader,
        "transact",
        sql_list=[
            "SELECT count(*) FROM goods",
            "SELECT pg_current_snapshot()::text",
            "SHOW transaction_read_only",
        ],
    )
    assert not reply.is_error, reply.text
    assert reply.text.startswith("read from one snapshot: 3 statements")
    assert reply.facts["statements"][2]["rows"] == [["on"]]


async def test_a_where_that_tells_no_rows_apart_is_not_called_none(writer: Client) -> None:
    dry = await call(writer, "transact", dry_run=True, sql_list=["DELETE FROM goods WHERE false"])
    assert "DELETE 0: 0 rows affected (a WHERE that tells no rows apart)" in dry.text


async def test_a_dry_run_changes_nothing_and_its_token_runs_the_same(writer: Client) -> None:
    statement = {"sql_list": ["UPDATE goods SET price = price + %s"], "params_list": [[1]]}
    dry = await call(writer, "transact", dry_run=True, **statement)
    assert dry.text.startswith(
        "dry run, rolled back: 1 statement\n1. UPDATE 3: 3 rows affected (no WHERE: every row)"
    )
    assert await rows(writer, "SELECT price FROM goods WHERE id = 1") == [["10.00"]]
    other = await call(
        writer,
        "transact",
        dry_run_token=dry.facts["dry_run_token"],
        sql_list=["DELETE FROM goods WHERE id = 1"],
    )
    assert other.facts["code"] == "dry_run_token_invalid"
    real = await call(writer, "transact", dry_run_token=dry.facts["dry_run_token"], **statement)
    assert real.facts["outcome"] == "committed"
    assert await rows(writer, "SELECT price FROM goods WHERE id = 1") == [["11.00"]]
    await write(writer, "UPDATE goods SET price = price - 1 WHERE true OR id > 0")


async def test_a_token_is_good_for_one_run(writer: Client) -> None:
    change = {"sql_list": ["INSERT INTO goods VALUES (50, 'once', 1)"]}
    dry = await call(writer, "transact", dry_run=True, **change)
    assert not (await call(writer, "transact", dry_run_token=dry.facts["dry_run_token"], **change)).is_error
    again = await call(writer, "transact", dry_run_token=dry.facts["dry_run_token"], **change)
    assert again.facts["code"] == "dry_run_token_invalid"
    await write(writer, "DELETE FROM goods WHERE id = 50")


@pytest.mark.parametrize(
    "sql",
    [
        "EXPLAIN ANALYZE DELETE FROM goods WHERE id > 0",
        "WITH gone AS (DELETE FROM goods WHERE id > 0 RETURNING id) SELECT count(*) FROM gone",
        "SELECT empty_goods()",
    ],
)
async def test_a_limit_of_rows_is_not_promised_where_nobody_counts(writer: Client, sql: str) -> None:
    await write(
        writer,
        "CREATE OR REPLACE FUNCTION empty_goods() RETURNS void LANGUAGE sql AS 'DELETE FROM goods'",
    )
    reply = await call(writer, "transact", sql_list=[sql], max_rows_affected=0)
    assert reply.is_error
    assert "max_rows_affected cannot hold for statement 1" in reply.text
    assert await rows(writer, "SELECT count(*) FROM goods") == [[3]]


@pytest.mark.parametrize(
    ("sql", "params", "told"),
    [
        ("SELECT * FROM goods WHERE id = %s", None, "The statement: %s has no value."),
        ("SELECT * FROM goods WHERE id=%s", None, "The statement: %s has no value."),
        ("SELECT * FROM goods WHERE id<=%s AND 1=1", None, "The statement: %s has no value."),
        ("SELECT * FROM goods WHERE id IN %s", [[1, 2]], "write = ANY(%s)"),
        ("SELECT * FROM %s", ["goods"], "Write names into the SQL"),
    ],
)
async def test_placeholders_are_blamed_in_the_callers_terms(
    reader: Client, sql: str, params: list[object] | None, told: str
) -> None:
    reply = await call(reader, "readonly_query", sql=sql, params=params)
    assert told in reply.text
    assert "$1" not in reply.text


@pytest.mark.parametrize("value", [12345678901234.56, 0.30000000000000004, -1.5e-7])
async def test_a_fraction_keeps_its_digits(reader: Client, value: float) -> None:
    assert await rows(reader, "SELECT (%s)::text::numeric = %s::numeric", str(value), value) == [[True]]
    assert await rows(reader, "SELECT %s::float8", value) == [[value]]


async def test_numbers_are_as_large_as_in_sql(reader: Client) -> None:
    assert await rows(reader, "SELECT %s * %s, repeat('x', %s)", 200, 200, 2) == [[40000, "xx"]]
    assert await rows(reader, "SELECT %s::float8[]", [1, 2.5]) == [["{1,2.5}"]]


async def test_an_empty_list_is_not_guessed_at(reader: Client) -> None:
    nothing: list[object] = []
    reply = await call(reader, "readonly_query", sql="SELECT %s::jsonb", params=[nothing])
    assert "An empty list has no type" in reply.text


async def test_what_the_server_remarks_is_told(writer: Client) -> None:
    reply = await write(writer, "DROP TABLE IF EXISTS never_there")
    assert 'NOTICE: table "never_there" does not exist, skipping' in reply.text
    assert "never_there" in reply.facts["statements"][0]["notice"]


async def test_a_dry_run_checks_what_commit_would(writer: Client) -> None:
    await write(writer, "DROP TABLE IF EXISTS child")
    await write(
        writer,
        "CREATE TABLE child (id int, good bigint REFERENCES goods DEFERRABLE INITIALLY DEFERRED)",
    )
    reply = await call(writer, "transact", sql_list=["INSERT INTO child VALUES (1, 99)"], dry_run=True)
    assert reply.facts["sqlstate"] == "23503"
    assert "Statement 2" not in reply.text
    await write(writer, "DROP TABLE child")


async def test_a_writing_transaction_runs_its_queries_whole(writer: Client) -> None:
    await write(writer, "CREATE SEQUENCE IF NOT EXISTS drawn CACHE 1")
    await write(
        writer, "CREATE OR REPLACE VIEW draws AS SELECT nextval('drawn') AS n FROM generate_series(1, 150)"
    )
    await write(writer, "SELECT * FROM draws")
    assert await rows(writer, "SELECT last_value >= 150 FROM drawn") == [[True]]


async def test_no_text_is_read_in_another_encoding(writer: Client) -> None:
    body = "SELECT set_config('client_' || 'encoding', 'latin1', true)"
    await write(writer, f"CREATE OR REPLACE FUNCTION recode() RETURNS text LANGUAGE sql AS $${body}$$")
    update = "UPDATE goods SET name = 'é' WHERE id = 1"
    reply = await call(writer, "transact", sql_list=["SELECT recode()", update])
    assert reply.is_error
    assert "client_encoding" in reply.text
    assert await rows(writer, "SELECT name FROM goods WHERE id = 1") == [["lamp"]]
    await write(writer, update)
    assert await rows(writer, "SELECT name, length(name) FROM goods WHERE id = 1") == [["é", 1]]


async def test_no_text_is_read_in_another_way_than_it_is_checked(writer: Client) -> None:
    body = "SELECT set_config('standard_conforming_' || 'strings', 'off', true)"
    made = f"CREATE OR REPLACE FUNCTION reread() RETURNS text LANGUAGE sql AS $${body}$$"
    hidden = r"WITH a AS (SELECT '\'), b AS (DELETE FROM goods RETURNING 1) SELECT '--')"
    await write(writer, made)
    reply = await call(writer, "transact", sql_list=["SELECT reread()", hidden])
    assert reply.is_error
    assert await rows(writer, "SELECT count(*) FROM goods") == [[3]]
    await write(writer, "DROP FUNCTION reread()")


async def test_more_rows_than_allowed_are_rolled_back(writer: Client) -> None:
    reply = await call(writer, "transact", sql_list=["DELETE FROM goods WHERE id > 0"], max_rows_affected=2)
    assert reply.facts["code"] == "too_many_rows"
    assert "3 rows would have changed" in reply.text
    assert await rows(writer, "SELECT count(*) FROM goods") == [[3]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"query": "SELECT 1"}, "readonly_query takes no argument 'query'."),
        ({}, "Argument sql: field required."),
        ({"sql": 1}, "Argument sql: input should be a valid string."),
        ({"sql": "SELECT %s", "params": [1, 2]}, "placeholder"),
        ({"sql": "SELECT 1 AS \x00"}, "Refused"),
    ],
)
async def test_wrong_arguments_are_told_shortly(
    reader: Client, arguments: dict[str, object], told: str
) -> None:
    reply = await call(reader, "readonly_query", **arguments)
    assert reply.is_error
    assert told in reply.text
    assert len(reply.text) < 500


async def test_a_list_that_a_weak_client_sends_as_text_is_taken(reader: Client) -> None:
    reply = await call(reader, "transact", sql_list='["SELECT 1", "SELECT 2"]')
    assert [s["rows"] for s in reply.facts["statements"]] == [[[1]], [[2]]]


async def test_calls_at_once_get_their_own_answers(reader: Client) -> None:
    got: dict[int, object] = {}

    async def one(number: int) -> None:
        got[number] = await rows(reader, "SELECT %s::int", number)

    async with anyio.create_task_group() as group:
        for number in range(40):
            group.start_soon(one, number)
    assert got == {number: [[number]] for number in range(40)}
