"""Large answers of the database and large statements: bounded memory, and an event loop that stays free."""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from support.line_client import LEGACY, LineClient, line_client
from support.loop_watch import MAX_HOLD, MAX_MEMORY, LoopWatch, least_hold, peak_memory, watched_server
from support.wire.fault_plans import parameters
from support.wire.harness import Harness

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")

_LONG_FILE: Final = 240 << 20
_TOO_LARGE: Final = "a row, or a message of the server, has more than 24 MiB"


@dataclass(frozen=True)
class Watched:
    """A client of a server that watches its loop."""

    client: LineClient
    watch: LoopWatch

    async def told(self, tool: str, **arguments: object) -> str:
        answer = await self.client.call(tool, None, **arguments)
        return "\n".join(part["text"] for part in answer["result"]["content"])

    async def hold(self, tool: str, expected: str, **arguments: object) -> float:
        """Call a tool, look at its answer, and give the least hold of a few such calls."""

        async def call() -> None:
            told = await self.told(tool, **arguments)
            assert expected in told, told[:500]

        return await least_hold(self.watch, call)

    @property
    def memory(self) -> int:
        return peak_memory(self.client.process.pid)


@pytest.fixture
async def watched(bed: Harness, certificate: Path, tmp_path: Path) -> AsyncIterator[Watched]:
    server = watched_server(parameters(bed, certificate, "--load-dir", str(tmp_path)), tmp_path / "watch")
    async with line_client(server, LEGACY, {}) as client:
        watched = Watched(client, LoopWatch(tmp_path / "watch"))
        await watched.told("readonly_query", sql="SELECT 1")
        await watched.told("transact", sql_list=["SELECT 1"])  # all is imported
        yield watched


_WIDE: Final = ", ".join(f"repeat(chr(120), 2000) AS c{number}" for number in range(1600))

ANSWERS: Final = {
    "a row of 20 MB": ("SELECT repeat('x', 20000000)", "(20,000,000 characters)"),
    "letters, and an emoji": ("SELECT chr(128512) || repeat('é', 9000000)", "(9,000,001 characters)"),
    "an error that quotes 10 MB": ("SELECT repeat('x', 10000000)::int", "invalid input syntax"),
    "an error that quotes 5 MB": ("SELECT repeat('x', 5000000)::int", "invalid input syntax"),
    "rows of 2 MB": ("SELECT repeat('x', 2000000) FROM generate_series(1, 50)", "Cut: rows 1 to"),
    "1,600 columns": (f"SELECT {_WIDE} FROM generate_series(1, 9)", "Cut: rows 1 to 1 of 9"),  # noqa: S608 - a test's own
    "deep JSON": ("SELECT (repeat('[', 3000000) || repeat(']', 3000000))", "(6,000,000 characters)"),
    "JSON in JSON": ("SELECT (repeat('[', 900) || repeat(']', 900))::json", "[[[["),
    "many rows": ("SELECT g FROM generate_series(1, 100000) g LIMIT 100000", "1 to 100 of 100,000"),
    "10,000 notices": ("SELECT shout(10000)", "NOTICE: "),
    "a notice of 5 MB": ("SELECT shout_long(5000000)", "NOTICE: "),
}

LARGER: Final = {
    "a row of 40 MB": ("SELECT repeat('x', 40000000)", _TOO_LARGE),
    "an error that quotes 20 MB": ("SELECT repeat('x', 20000000)::int", "invalid input syntax"),
    "a notice of 20 MB": ("SELECT shout_long(20000000)", "NOTICE: "),
    "an exception of three times 20 MB": ("SELECT shout_loudest(20000000)", "Error (statement_failed"),
}
"""What makes libpq hold so much at once that each has a server of its own."""

_SHOUT: Final = """
CREATE OR REPLACE FUNCTION shout(n int) RETURNS int LANGUAGE plpgsql AS
$$ BEGIN FOR i IN 1..n LOOP RAISE NOTICE '%', repeat('y', 1000); END LOOP; RETURN n; END $$;
CREATE OR REPLACE FUNCTION shout_long(n int) RETURNS int LANGUAGE plpgsql AS
$$ BEGIN RAISE NOTICE '%', repeat('y', n); RETURN n; END $$;
CREATE OR REPLACE FUNCTION shout_loudest(n int) RETURNS int LANGUAGE plpgsql AS
$$ BEGIN RAISE '%', repeat('y', n) USING DETAIL = repeat('z', n), HINT = repeat('h', n); END $$
"""


async def test_answers_of_any_size_take_little_memory(bed: Harness, watched: Watched) -> None:
    bed.postgres.query(_SHOUT)
    held: dict[str, float] = {}
    for name, (sql, expected) in ANSWERS.items():
        tool, given = ("transact", [sql]) if "shout" in sql else ("readonly_query", sql)
        arguments: dict[str, Any] = {"sql_list" if tool == "transact" else "sql": given}
        held[name] = await watched.hold(tool, expected, **arguments)
        assert watched.memory < MAX_MEMORY, name
    assert {name: hold for name, hold in held.items() if hold > MAX_HOLD} == {}


@pytest.mark.parametrize("name", LARGER)
async def test_a_message_of_any_size_takes_bounded_memory(bed: Harness, watched: Watched, name: str) -> None:
    bed.postgres.query(_SHOUT)
    sql, expected = LARGER[name]
    told = await watched.told("transact", sql_list=[sql])
    assert expected in told, told[:500]
    assert watched.memory < MAX_MEMORY
    assert "committed" in await watched.told("transact", sql_list=["SELECT 1"])


async def test_a_row_that_is_too_large_rolls_a_change_back_and_the_next_call_works(
    bed: Harness, watched: Watched
) -> None:
    told = await watched.told(
        "transact", sql_list=["INSERT INTO t VALUES (1)", "SELECT repeat('x', 40000000)", "SELECT 1"]
    )
    assert told.startswith(f"Error (statement_failed): Statement 2: {_TOO_LARGE}")
    assert "Nothing was stored: rolled back." in told
    assert bed.ids() == []
    assert "committed" in await watched.told("transact", sql_list=["INSERT INTO t VALUES (2)"])
    assert bed.ids() == [2]


ENDLESS: Final = {
    "long.csv": (b"t\n", "more than 16 MiB"),
    "open.csv": (b't\n"', "a quote is opened and not closed"),
    "long.jsonl": (b'{"t": "', "more than 16 MiB"),
}
"""Beginnings of files that go on without the end of a line, and what is said of them."""


async def test_lines_of_files_take_little_memory(bed: Harness, certificate: Path, tmp_path: Path) -> None:
    bed.postgres.query("DROP TABLE IF EXISTS long_texts; CREATE TABLE long_texts (t text PRIMARY KEY)")
    server = watched_server(parameters(bed, certificate, "--load-dir", str(tmp_path)), tmp_path / "watch")
    async with line_client(server, LEGACY, {}) as client:
        watched = Watched(client, LoopWatch(tmp_path / "watch"))
        for name, (head, expected) in ENDLESS.items():
            with (tmp_path / name).open("wb") as file:
                file.write(head)
                file.truncate(_LONG_FILE)
            told = await watched.told("load_rows", table="long_texts", path=name)
            assert expected in told, (name, told)
            assert watched.memory < MAX_MEMORY, name


def _placeholders(number: int) -> str:
    return f"SELECT cardinality(ARRAY[{','.join(['%s'] * number)}])"


def _commas(item: str, number: int) -> str:
    return ",".join([item] * number)


def _select(items: str) -> dict[str, Any]:
    return {"sql": f"SELECT {items}"}


def _values(values: list[Any]) -> dict[str, Any]:
    return {"sql": _placeholders(len(values)), "params": values}


STATEMENTS: Final[dict[str, tuple[Callable[[], dict[str, Any]], str]]] = {
    "70,000 values": (
        lambda: _values([1] * 70_000),
        "values; PostgreSQL's protocol takes at most 65,535",
    ),
    "20,000 integers": (lambda: _values(list(range(20_000))), "[20000]"),
    "20,000 fractions": (lambda: _values([n + 0.5 for n in range(20_000)]), "[20000]"),
    "50,000 fractions": (lambda: _values([n + 0.5 for n in range(50_000)]), "[50000]"),
    "an array": (lambda: {"sql": "SELECT cardinality(%s::int[])", "params": [[1] * 90_000]}, "[90000]"),
    "20,000 statements": (lambda: {"sql_list": ["SELECT 1"] * 20_000}, "a call takes at most 3,000"),
    "500 statements": (lambda: {"sql_list": ["SELECT 1"] * 500}, "500 statements"),
    "numbers": (lambda: _select(_commas("1", 20_000)), "target lists can have"),
    "long numbers": (lambda: _select(_commas("123456789", 20_000)), "target lists can have"),
    "calls": (lambda: _select(_commas("lower(chr(9))", 5_000)), "target lists can have"),
    "10,000 calls": (lambda: _select(_commas("lower(chr(9))", 10_000)), "target lists can have"),
    "rows of values": (
        lambda: _select(f"count(*) FROM (VALUES {_commas('(1,2,3,4,5,6,7)', 3_000)}) v"),
        "3000",
    ),
    "tables": (lambda: _select(f"1 FROM {_commas('nowhere', 10_000)}"), "nowhere"),
    "a literal": (lambda: _select(f"length('{'x' * 900_000}')"), "[900000]"),
    "a chain": (lambda: _select(f"1{'+1' * 4_000}"), "4001"),
    "placeholders without values": (lambda: _select("=%s" * 300_000), "too-complex"),
    "no SQL": (lambda: {"sql": "x " * 400_000}, "too-complex"),
    "5 MB": (lambda: {"sql": "x" * 5_000_000}, "at most 1,000,000"),
}


async def test_large_statements_hold_nothing_up(watched: Watched) -> None:
    held: dict[str, float] = {}
    for name, (make, expected) in STATEMENTS.items():
        arguments = make()
        tool = "transact" if "sql_list" in arguments else "readonly_query"
        held[name] = await watched.hold(tool, expected, **arguments)
        assert watched.memory < MAX_MEMORY, name
    assert {name: hold for name, hold in held.items() if hold > MAX_HOLD} == {}


def _lines(statement: str, number: int) -> str:
    return "\n".join(statement.replace("#", str(n)) for n in range(number))


SCRIPTS: Final = {
    "columns": "CREATE TABLE big (id int PRIMARY KEY);\n"
    + _lines("ALTER TABLE big ADD COLUMN c# int;", 1_000),
    "tables": _lines("CREATE TABLE t# (id int PRIMARY KEY, a text, b money);", 400),
    "a word": "x" * 4_000_000,
    "a COPY": "COPY t (id) FROM stdin;\n" + _lines("#", 60_000) + "\n\\.\n",
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_large_scripts_hold_nothing_up(watched: Watched, name: str) -> None:
    script = SCRIPTS[name]
    planning = await watched.hold("migrate", "", statements=script, dry_run=True)
    linting = await watched.hold("dsql_lint", "", sql=script)
    assert max(planning, linting) < MAX_HOLD, (planning, linting)
    assert watched.memory < MAX_MEMORY


FILES: Final[dict[str, Callable[[], str]]] = {
    "quoted.csv": lambda: "id,t\n" + _lines('#,"""a"", ""b"""', 15_000),
    "wide.csv": lambda: "id,t\n" + _lines(f'#,"{"x" * 99_000}"', 60),
    "many.jsonl": lambda: _lines('{"id": #, "t": "a text"}', 15_000),
    "one.json": lambda: '[{"id": 1, "t": "' + "x" * 5_000_000 + '"}]',
}


@pytest.mark.parametrize("name", FILES)
async def test_large_files_hold_nothing_up(bed: Harness, watched: Watched, tmp_path: Path, name: str) -> None:
    bed.postgres.query(
        "DROP TABLE IF EXISTS big; CREATE TABLE big (id int, t text); ALTER TABLE big OWNER TO admin"
    )
    (tmp_path / name).write_text(FILES[name]())
    arguments = {"table": "big", "path": name, "skip_bad_rows": True}
    trying = await watched.hold("load_rows", "dry run", **arguments, dry_run=True)
    loading = await watched.hold("load_rows", "finished", **arguments, verify=True, resume="new")
    assert max(trying, loading) < MAX_HOLD, (trying, loading)
    assert watched.memory < MAX_MEMORY
