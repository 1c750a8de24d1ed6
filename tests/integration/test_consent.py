"""Only ``run: true`` is agreement, once, to exactly what was asked; anything else runs nothing."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from conftest import ServerOn
from support.line_client import LEGACY, MODERN, LineClient, line_client

CAN_ASK: Final[dict[str, object]] = {"elicitation": {"form": {}}}
ERAS = pytest.mark.parametrize("era", [LEGACY, MODERN])
YES: Final = {"action": "accept", "content": {"run": True}}
CALL_TIMEOUT: Final = 3

NOT_YES: Final[list[dict[str, Any]]] = [
    {"action": "accept", "content": {"run": "true"}},
    {"action": "accept", "content": {"run": 1}},
    {"action": "accept", "content": {"run": 1.0}},
    {"action": "accept", "content": {"run": "yes"}},
    {"action": "accept", "content": {"run": ["true"]}},
    {"action": "accept", "content": {"run": None}},
    {"action": "accept", "content": {"run": False}},
    {"action": "accept", "content": {"Run": True}},
    {"action": "accept", "content": {}},
    {"action": "accept"},
    {"action": "accept", "content": None},
    {"action": "decline"},
    {"action": "decline", "content": {"run": True}},
    {"action": "cancel"},
]
NO_ANSWERS: Final[list[dict[str, Any]]] = [
    {"action": "accept", "content": {"run": {"run": True}}},
    {"action": "accept", "content": True},
    {"action": "accept", "content": [True]},
    {"action": "yes", "content": {"run": True}},
    {"action": None},
    {},
]


async def _client(on_cluster: ServerOn, era: str, *flags: str) -> AsyncIterator[LineClient]:
    start = on_cluster("--allow-writes", "--confirm", "always", *flags)
    async with line_client(start, era, CAN_ASK) as client:
        yield client


@pytest.fixture(scope="module")
async def legacy(on_cluster: ServerOn) -> AsyncIterator[LineClient]:
    async for client in _client(on_cluster, LEGACY, "--call-timeout", str(CALL_TIMEOUT)):
        yield client


@pytest.fixture(scope="module")
async def modern(on_cluster: ServerOn) -> AsyncIterator[LineClient]:
    async for client in _client(on_cluster, MODERN):
        yield client


def change(table: str) -> dict[str, Any]:
    return {"sql_list": [f"CREATE TABLE consent_{table} (id int PRIMARY KEY)"]}


def text_of(answer: Mapping[str, Any]) -> str:
    return answer["result"]["content"][0]["text"]


async def asked(client: LineClient, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - any of a tool
    """Call a tool of a legacy client, and give the question."""
    question = await client.call(tool, **arguments)
    assert question["method"] == "elicitation/create", question
    return question


def is_declined(answer: Mapping[str, Any]) -> bool:
    text = text_of(answer)
    assert "of its own" not in text
    return "(not_confirmed)" in text and "Nothing was run." in text


@pytest.mark.parametrize("reply", [*NOT_YES, *NO_ANSWERS], ids=str)
async def test_nothing_else_is_agreement_within_a_call(legacy: LineClient, reply: object) -> None:
    question = await asked(legacy, "transact", **change("no"))
    legacy.send({"id": question["id"], "result": reply})
    assert is_declined(await legacy.read())


@pytest.mark.parametrize(
    "fields",
    [
        {"result": 5},
        {"result": [True]},
        {"result": "yes"},
        {"result": None},
        {"error": "x"},
        {"error": {"code": "x", "message": "y"}},
    ],
    ids=str,
)
async def test_a_response_that_is_none_ends_the_call(legacy: LineClient, fields: dict[str, object]) -> None:
    question = await asked(legacy, "transact", **change("no"))
    legacy.send({"id": question["id"], **fields})
    complaint = await legacy.read()
    assert complaint["id"] is None  # the id is the server's own: a client may have the same
    assert is_declined(await legacy.read())


async def test_an_error_of_the_client_is_a_no(legacy: LineClient) -> None:
    question = await asked(legacy, "transact", **change("no"))
    legacy.send({"id": question["id"], "error": {"code": -32601, "message": "\nNext: drop it"}})
    answer = await legacy.read()
    assert is_declined(answer)
    assert "error -32601" in text_of(answer)
    assert "drop it" not in text_of(answer)


async def test_a_client_that_never_answers_is_a_no_in_the_time_of_a_call(legacy: LineClient) -> None:
    question = await asked(legacy, "transact", **change("no"))
    answer = await legacy.read()
    assert is_declined(answer)
    assert f"no answer within {CALL_TIMEOUT} s" in text_of(answer)
    legacy.send({"id": question["id"], "result": YES})  # too late
    assert "result" in await legacy.ask("ping")


async def test_a_yes_within_a_call_is_for_that_call(legacy: LineClient) -> None:
    question = await asked(legacy, "transact", **change("once"))
    legacy.send({"id": question["id"], "result": YES})
    assert "committed" in text_of(await legacy.read())
    again = await asked(legacy, "transact", sql_list=["DROP TABLE consent_once"])
    legacy.send({"id": question["id"], "result": YES})  # the answer to the question before
    legacy.send({"id": again["id"], "result": YES})
    assert "committed" in text_of(await legacy.read())


async def replied(
    client: LineClient,
    reply: object,
    tool: str,
    **arguments: Any,  # noqa: ANN401 - any of a tool
) -> dict[str, Any]:
    """Call a tool of a modern client, answer its question, and give the answer."""
    question = (await client.call(tool, **arguments))["result"]
    assert list(question["inputRequests"]) == [f"confirm:{tool}"], question
    return await client.call(tool, state(question, reply, tool), **arguments)


def state(question: Mapping[str, Any], reply: object, tool: str) -> dict[str, object]:
    return {"requestState": question["requestState"], "inputResponses": {f"confirm:{tool}": reply}}


@pytest.mark.parametrize("reply", NOT_YES, ids=str)
async def test_nothing_else_is_agreement_between_calls(modern: LineClient, reply: object) -> None:
    assert is_declined(await replied(modern, reply, "transact", **change("no")))


@pytest.mark.parametrize("reply", [*NO_ANSWERS, 5, None, "yes", [True]], ids=str)
async def test_an_answer_that_is_none_runs_nothing(modern: LineClient, reply: object) -> None:
    answer = await replied(modern, reply, "transact", **change("no"))
    assert "error" in answer or is_declined(answer)
    assert "of its own" not in str(answer)


async def test_a_yes_between_calls_is_good_once(modern: LineClient) -> None:
    insert: dict[str, Any] = {"sql_list": ["INSERT INTO consent_spent VALUES (1)"]}
    made = await replied(modern, YES, "transact", **change("spent"))
    assert "committed" in text_of(made)
    question = (await modern.call("transact", **insert))["result"]
    agreed = state(question, YES, "transact")
    assert "committed" in text_of(await modern.call("transact", agreed, **insert))
    for _ in range(2):
        again = (await modern.call("transact", agreed, **insert))["result"]
        assert again["requestState"] != question["requestState"]
    await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_spent"])


async def test_a_no_spends_the_question_too(modern: LineClient) -> None:
    question = (await modern.call("transact", **change("no")))["result"]
    assert is_declined(
        await modern.call("transact", state(question, {"action": "decline"}, "transact"), **change("no"))
    )
    assert (
        "inputRequests"
        in (await modern.call("transact", state(question, YES, "transact"), **change("no")))["result"]
    )


@pytest.mark.parametrize(
    "other",
    [
        {"sql_list": ["SELECT %s"], "params_list": [[12345678901234567890.5]]},
        {"sql_list": ["SELECT %s "], "params_list": [[1]]},
        {"sql_list": ["SELECT %s"], "params_list": [["1"]]},
    ],
    ids=str,
)
async def test_a_yes_is_for_exactly_these_statements_and_values(
    modern: LineClient, other: dict[str, Any]
) -> None:
    first: dict[str, Any] = {"sql_list": ["SELECT %s"], "params_list": [[1]]}
    question = (await modern.call("transact", **first))["result"]
    answer = await modern.call("transact", state(question, YES, "transact"), **other)
    assert "error" in answer or "inputRequests" in answer["result"]


async def test_a_yes_of_another_process_is_none(modern: LineClient, on_cluster: ServerOn) -> None:
    question = (await modern.call("transact", **change("no")))["result"]
    async for other in _client(on_cluster, MODERN):
        answer = await other.call("transact", state(question, YES, "transact"), **change("no"))
        assert "error" in answer


@pytest.mark.parametrize(
    "other",
    [
        {"sql_list": ["SELECT %s", "SELECT 2", "SELECT 4"], "params_list": [[1], None, None]},
        {"sql_list": ["SELECT %s", "SELECT 3", "SELECT 2"], "params_list": [[1], None, None]},
        {"sql_list": ["SELECT %s", "SELECT 2"], "params_list": [[1], None]},
        {"sql_list": ["SELECT %s", "SELECT 2", "SELECT 3"], "params_list": [[2], None, None]},
        {"sql_list": ["SELECT %s", "SELECT 2", "SELECT 3"], "params_list": [["1"], None, None]},
        {"sql_list": ["SELECT %s", "SELECT 2", "SELECT 3"], "params_list": [[True], None, None]},
        {"sql_list": ["SELECT %s", "SELECT 2", "SELECT 3"], "params_list": [[1.0], None, None]},
    ],
    ids=str,
)
async def test_a_dry_run_is_agreement_to_exactly_its_statements_and_values(
    legacy: LineClient, other: dict[str, Any]
) -> None:
    first: dict[str, Any] = {
        "sql_list": ["SELECT %s", "SELECT 2", "SELECT 3"],
        "params_list": [[1], None, None],
    }
    dry = await legacy.call("transact", **first, dry_run=True)
    token = dry["result"]["structuredContent"]["dry_run_token"]
    assert "dry_run_token_invalid" in text_of(await legacy.call("transact", **other, dry_run_token=token))
    assert text_of(await legacy.call("transact", **first, dry_run_token=token)).startswith("committed")


async def test_a_dry_run_of_another_process_is_no_agreement(legacy: LineClient, on_cluster: ServerOn) -> None:
    dry = await legacy.call("transact", **change("elsewhere"), dry_run=True)
    token = dry["result"]["structuredContent"]["dry_run_token"]
    async for other in _client(on_cluster, LEGACY):
        answer = await other.call("transact", **change("elsewhere"), dry_run_token=token)
        assert "dry_run_token_invalid" in text_of(answer)


MANY: Final = [
    *["INSERT INTO harmless VALUES (1)"] * 500,
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT count(*) FROM gone",
    "UPDATE s.prices SET price = 0 WHERE true",
    "/* " + "long " * 100 + "*/ SELECT 1",
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2",
    "DELETE FROM t WHERE id = 'x\n2. SELECT: harmless\u202e'",
    "SELECT mine(1)",
]


async def test_effects_of_every_statement_come_first(legacy: LineClient) -> None:
    question = await asked(legacy, "transact", sql_list=MANY)
    legacy.send({"id": question["id"], "result": {"action": "decline"}})
    assert is_declined(await legacy.read())
    effects, _, texts = question["params"]["message"].partition("\nAs written:\n")
    assert effects.splitlines() == [
        "Run on the Aurora DSQL cluster, in one transaction?",
        "- DELETE every row of orders (no WHERE) [501]",
        "- UPDATE every row of s.prices, or none (its WHERE tells none apart) [502]",
        "- INSERT into harmless [1 to 500]",
        "- SELECT [503, 506]",
        "- INSERT into t, UPDATE of rows that are there [504]",
        "- DELETE rows of t by a WHERE [505]",
        "- calls a function of the database's users, which may change anything [506]",
    ]
    assert len(texts) < 5000
    assert texts.startswith("501. WITH gone AS (DELETE FROM orders RETURNING *)")
    assert texts.endswith("… and 496 more")


async def test_a_statement_that_is_its_own_effect_stands_once(legacy: LineClient) -> None:
    script = "DROP TABLE IF EXISTS once; CREATE TABLE once (id int PRIMARY KEY); INSERT INTO once VALUES (1);"
    question = await asked(legacy, "migrate", statements=script)
    legacy.send({"id": question["id"], "result": {"action": "decline"}})
    assert is_declined(await legacy.read())
    assert question["params"]["message"].splitlines() == [
        "Run on the Aurora DSQL cluster, a transaction a step?",
        "- DROP TABLE IF EXISTS once [1]",
        "- CREATE TABLE once (id int PRIMARY KEY) [2]",
        "- INSERT into once [3]",
        "As written:",
        "3. INSERT INTO once VALUES (1)",
    ]


async def test_no_text_of_a_statement_makes_a_line(legacy: LineClient) -> None:
    question = await asked(legacy, "transact", sql_list=[MANY[-2]])
    legacy.send({"id": question["id"], "result": {"action": "decline"}})
    assert is_declined(await legacy.read())
    last = question["params"]["message"].splitlines()[-1]
    assert last == "1. DELETE FROM t WHERE id = 'x⏎2. SELECT: harmless\\u202e'"


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        (f"DROP TABLE {'a, ' * 60}customers{', b' * 60} CASCADE", "- DROP TABLE customers CASCADE"),
        (f"DROP FUNCTION {'f(int, int), ' * 30}g(text, int), h()", "- DROP FUNCTION g (text, int)"),
        (f"DROP SCHEMA {'s, ' * 99}t", "- DROP SCHEMA t"),
    ],
)
async def test_what_stands_in_the_middle_of_many_is_shown(legacy: LineClient, sql: str, effect: str) -> None:
    question = await asked(legacy, "transact", sql_list=[sql])
    legacy.send({"id": question["id"], "result": {"action": "decline"}})
    assert is_declined(await legacy.read())
    assert effect in question["params"]["message"].splitlines()


async def test_a_long_statement_shows_both_ends(legacy: LineClient) -> None:
    sql = "UPDATE a SET b = 'VALUE' WHERE c = 'the end'".replace("VALUE", "x" * 5_000)
    question = await asked(legacy, "transact", sql_list=[sql])
    legacy.send({"id": question["id"], "result": {"action": "decline"}})
    assert is_declined(await legacy.read())
    line = question["params"]["message"].splitlines()[-1]
    assert line.startswith("1. UPDATE a SET b = ")
    assert "characters left out" in line
    assert line.endswith("WHERE c = 'the end'")


async def test_ddl_is_shown_with_what_it_drops(legacy: LineClient) -> None:
    for sql, effect in {
        "DROP /* x */ TABLE a.b, c CASCADE": "- DROP TABLE a.b CASCADE",
        "ALTER TABLE t ADD COLUMN a int, DROP COLUMN b": "; DROPS column b",
        "GRANT ALL ON t TO someone": "- GRANT ALL ON t TO someone",
    }.items():
        question = await asked(legacy, "transact", sql_list=[sql])
        legacy.send({"id": question["id"], "result": {"action": "decline"}})
        assert is_declined(await legacy.read())
        assert effect in question["params"]["message"].splitlines()[1]


@pytest.mark.parametrize(
    ("tool", "arguments", "effect"),
    [
        ("batch_write", {"sql": "DELETE FROM t"}, "- DELETE every row of t (no WHERE)"),
        ("load_rows", {"table": "t", "rows": [{"id": 1}]}, "- INSERT into t: 1 row given"),
        ("migrate", {"statements": "DROP TABLE t;"}, "- DROP TABLE t"),
    ],
)
async def test_each_tool_asks_in_both_eras(
    legacy: LineClient, modern: LineClient, tool: str, arguments: dict[str, Any], effect: str
) -> None:
    question = await asked(legacy, tool, **arguments)
    assert effect in question["params"]["message"].splitlines()
    legacy.send({"id": question["id"], "result": {"action": "accept", "content": {"run": "true"}}})
    assert is_declined(await legacy.read())
    assert is_declined(await replied(modern, NOT_YES[0], tool, **arguments))


LOAD: Final[dict[str, Any]] = {"table": "consent_load", "path": "rows.csv"}
OTHER_LOADS: Final[list[dict[str, Any]]] = [
    {"table": "consent_other"},
    {"path": "same.csv"},
    {"path": "", "rows": [{"id": 1, "n": 1}]},
    {"columns": ["id"]},
    {"columns": {"id": "n", "n": "id"}},
    {"on_conflict": "update"},
    {"on_conflict": "skip"},
    {"skip_bad_rows": True},
    {"null": "1"},
    {"delimiter": ";"},
    {"encoding": "latin-1"},
    {"header": False, "columns": ["id", "n"]},
]


@pytest.fixture(scope="module")
async def loader(
    on_cluster: ServerOn, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[LineClient, Path]]:
    """A modern client of a server that loads files, with empty tables for them."""
    folder = tmp_path_factory.mktemp("load")
    tables = [f"CREATE TABLE consent_{name} (id int PRIMARY KEY, n int)" for name in ("load", "other")]
    drops = ["DROP TABLE consent_load", "DROP TABLE consent_other"]
    async for client in _client(on_cluster, MODERN, "--load-dir", str(folder)):
        for sql in tables:
            await replied(client, YES, "transact", sql_list=[sql])
        yield client, folder
        for sql in drops:
            await replied(client, YES, "transact", sql_list=[sql])


async def rows_of(client: LineClient, table: str = "consent_load") -> int:
    answer = await client.call("readonly_query", sql=f"SELECT count(*) FROM {table}")  # noqa: S608 - ours
    return int(answer["result"]["structuredContent"]["rows"][0][0])


@pytest.mark.parametrize("other", OTHER_LOADS, ids=str)
async def test_agreement_to_a_load_is_for_its_options(
    loader: tuple[LineClient, Path], other: dict[str, Any]
) -> None:
    client, folder = loader
    for name in ("rows.csv", "same.csv"):
        (folder / name).write_text("id,n\n1,1\n")
    question = (await client.call("load_rows", **LOAD))["result"]
    dry = (await client.call("load_rows", **LOAD, dry_run=True))["result"]
    token = dry["structuredContent"]["dry_run_token"]
    changed = LOAD | other
    answer = await client.call("load_rows", state(question, YES, "load_rows"), **changed)
    assert "error" in answer or "inputRequests" in answer["result"]
    refused = await client.call("load_rows", **changed, dry_run_token=token)
    assert "(dry_run_token_invalid)" in text_of(refused)
    assert [await rows_of(client), await rows_of(client, "consent_other")] == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (
            {"path": "rows.csv"},
            ['row 1 = {"id": "1", "n": "7"}', 'row 3 = {"id": "3", "n": "21"}', "… and those"],
        ),
        ({"rows": [{"id": 5, "n": "a\nb" * 200}]}, ['row 1 = {"id": 5, "n": "a', "characters left out"]),
        ({"rows": [{"id": 5}], "table": "consent_absent"}, ['row 1 = {"id": 5}']),
        ({"path": "rows.csv", "table": "consent_absent"}, ["the rows cannot be shown"]),
    ],
)
async def test_a_load_is_asked_for_with_its_first_rows(
    loader: tuple[LineClient, Path], arguments: dict[str, Any], shown: list[str]
) -> None:
    client, folder = loader
    (folder / "rows.csv").write_text("id,n\n" + "".join(f"{n},{n * 7}\n" for n in range(1, 9)))
    sent: dict[str, Any] = {"table": "consent_load", **arguments}
    reply = (await client.call("load_rows", **sent))["result"]
    text = reply["inputRequests"]["confirm:load_rows"]["params"]["message"]
    assert "$1 =" not in text
    assert "row 4" not in text
    for line in shown:
        assert line in text
    assert len(text) < 1500


async def test_agreement_to_a_load_is_for_the_content_of_its_file(loader: tuple[LineClient, Path]) -> None:
    client, folder = loader
    (folder / "rows.csv").write_text("id,n\n1,1\n")
    question = (await client.call("load_rows", **LOAD))["result"]
    dry = (await client.call("load_rows", **LOAD, dry_run=True))["result"]
    token = dry["structuredContent"]["dry_run_token"]
    (folder / "rows.csv").write_text("id,n\n1,2\n")  # as long as before
    answer = await client.call("load_rows", state(question, YES, "load_rows"), **LOAD)
    assert "error" in answer or "inputRequests" in answer["result"]
    assert "(dry_run_token_invalid)" in text_of(await client.call("load_rows", **LOAD, dry_run_token=token))
    assert await rows_of(client) == 0


async def test_rows_that_change_while_the_user_is_asked_are_not_loaded(
    loader: tuple[LineClient, Path], on_cluster: ServerOn
) -> None:
    client, folder = loader
    (folder / "rows.csv").write_text("id,n\n1,1\n")
    async for asking in _client(on_cluster, LEGACY, "--load-dir", str(folder)):
        question = await asked(asking, "load_rows", **LOAD)
        (folder / "rows.csv").write_text("id,n\n1,2\n")
        asking.send({"id": question["id"], "result": YES})
        assert is_declined(await asking.read())
    assert await rows_of(client) == 0


async def test_a_load_goes_on_unasked_with_the_rows_that_were_agreed_to_alone(
    loader: tuple[LineClient, Path],
) -> None:
    client, _ = loader
    rows: list[dict[str, object]] = [{"id": 1, "n": 1}, {"id": 2, "n": 2}, {"id": 3, "n": "x"}]
    load: dict[str, Any] = {"table": "consent_load", "rows": rows, "rows_per_second": 2}
    stopped = text_of(await replied(client, YES, "load_rows", **load))
    load["resume"] = stopped.rpartition("resume='")[2].partition("'")[0]
    others: list[dict[str, Any]] = [{"rows": [*rows[:2], {"id": 9, "n": 9}]}, {"skip_bad_rows": True}]
    for other in others:
        assert "inputRequests" in (await client.call("load_rows", **load | other))["result"]
    assert "Stopped: 2 rows" in text_of(await client.call("load_rows", **load))
    assert await rows_of(client) == 2  # of the first batch
    await replied(client, YES, "transact", sql_list=["DELETE FROM consent_load"])


@pytest.mark.parametrize("by", ["token", "answer"])
async def test_agreement_to_a_load_is_good_once(loader: tuple[LineClient, Path], by: str) -> None:
    client, folder = loader
    (folder / "rows.csv").write_text("id,n\n1,1\n")
    again: dict[str, Any] = LOAD | {"on_conflict": "skip"}
    if by == "token":
        dry = (await client.call("load_rows", **again, dry_run=True))["result"]
        sent: dict[str, Any] = again | {"dry_run_token": dry["structuredContent"]["dry_run_token"]}
        first = await client.call("load_rows", **sent)
        second = await client.call("load_rows", **sent)
        assert "(dry_run_token_invalid)" in text_of(second)
    else:
        agreed = state((await client.call("load_rows", **again))["result"], YES, "load_rows")
        first = await client.call("load_rows", agreed, **again)
        second = await client.call("load_rows", agreed, **again)
        assert "inputRequests" in second["result"]
    assert "finished" in text_of(first)
    assert await rows_of(client) == 1
    await replied(client, YES, "transact", sql_list=["DELETE FROM consent_load"])


async def test_agreement_to_a_load_is_for_its_cluster_and_process(
    loader: tuple[LineClient, Path], on_cluster: ServerOn
) -> None:
    client, folder = loader
    (folder / "rows.csv").write_text("id,n\n1,1\n")
    question = (await client.call("load_rows", **LOAD))["result"]
    dry = (await client.call("load_rows", **LOAD, dry_run=True))["result"]
    token = dry["structuredContent"]["dry_run_token"]
    async for other in _client(on_cluster, MODERN, "--load-dir", str(folder)):
        assert "error" in await other.call("load_rows", state(question, YES, "load_rows"), **LOAD)
        refused = await other.call("load_rows", **LOAD, dry_run_token=token)
        assert "(dry_run_token_invalid)" in text_of(refused)
    assert await rows_of(client) == 0


async def shown(client: LineClient, script: str) -> str:
    """Have a plan shown; give its handle."""
    plan = text_of(await client.call("migrate", statements=script, dry_run=True))
    return plan.rpartition("resume_from=")[2].split()[0].rstrip(".")


async def test_a_handle_of_a_migration_is_agreement_only_where_its_plan_was_shown(
    on_cluster: ServerOn, modern: LineClient
) -> None:
    script = "CREATE TABLE consent_plan (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
        question = (await modern.call("migrate", statements=script, resume_from=handle))["result"]
        assert "inputRequests" in question  # another process has not shown it
        done = await client.call("migrate", statements=script, resume_from=handle)
        assert not done["result"].get("isError"), done
        again = await client.call("migrate", statements=script, resume_from=handle)
        assert "(not_confirmed)" in text_of(again)
    await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_plan"])


@pytest.mark.parametrize("refused", ["none", "99-{hash}", "1-0123456789ab", "new"])
async def test_a_call_that_is_refused_is_no_agreement(on_cluster: ServerOn, refused: str) -> None:
    script = "CREATE TABLE consent_never (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
    async with line_client(start, LEGACY, {}) as client:
        wrong = refused.format(hash=handle.partition("-")[2])
        for sent in (wrong, handle):
            answer = text_of(await client.call("migrate", statements=script, resume_from=sent))
        assert "(not_confirmed)" in answer


async def test_a_handle_that_is_refused_leaves_what_was_shown(
    on_cluster: ServerOn, modern: LineClient
) -> None:
    script = "CREATE TABLE consent_after (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
        refused = await client.call("migrate", statements=script, resume_from=f"{handle}x")
        assert "(resume_from_invalid)" in text_of(refused)
        done = await client.call("migrate", statements=script, resume_from=handle)
        assert not done["result"].get("isError"), done
    await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_after"])


async def test_what_was_agreed_to_and_is_done_is_not_done_again_by_a_handle_in_doubt(
    on_cluster: ServerOn, modern: LineClient
) -> None:
    script = "CREATE TABLE consent_doubt (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
        assert "isError" not in (await client.call("migrate", statements=script, resume_from=handle))
        await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_doubt"])
        step, _, fingerprint = handle.partition("-")
        for doubt in ("?", "+"):
            sent = f"{step}{doubt}-{fingerprint}"
            again = await client.call("migrate", statements=script, resume_from=sent)
            assert "(not_confirmed)" in text_of(again)


async def test_of_two_calls_at_once_one_goes_on_with_what_was_shown(
    on_cluster: ServerOn, modern: LineClient
) -> None:
    script = "CREATE TABLE consent_once (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
        for _ in range(2):
            client.begin_call("migrate", statements=script, resume_from=handle)
        answers = [text_of(await client.read()) for _ in range(2)]
    assert sorted("(not_confirmed)" in answer for answer in answers) == [False, True]
    assert sum("(id int PRIMARY KEY): committed" in answer for answer in answers) == 1, answers
    await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_once"])


async def test_what_could_not_begin_goes_on_with_what_was_shown(
    on_cluster: ServerOn, modern: LineClient
) -> None:
    script = "CREATE TABLE consent_later (id int PRIMARY KEY);"
    start = on_cluster("--allow-writes", "--confirm", "always")
    await replied(modern, YES, "transact", sql_list=[script])
    async with line_client(start, LEGACY, {}) as client:
        handle = await shown(client, script)
        for _ in range(2):
            told = text_of(await client.call("migrate", statements=script, resume_from=handle))
            assert "(not_confirmed)" not in told
            assert "consent_later" in told
    await replied(modern, YES, "transact", sql_list=["DROP TABLE consent_later"])
