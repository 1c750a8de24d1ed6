"""Files loaded into a local cluster: each row is stored as PostgreSQL's COPY stores it, or as it reads JSON.

What PostgreSQL refuses is reported by its row, and what a column rounds or cuts is counted.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.bulk.jobs.runner import BatchRunner
from awslabs_dsql_mcp.bulk.loading.row_files import LoadDirectory
from awslabs_dsql_mcp.config.settings import Settings
from awslabs_dsql_mcp.local_cluster.cluster import LocalCluster
from awslabs_dsql_mcp.output.tool_output import ToolOutput
from awslabs_dsql_mcp.server.lazy_database import LazyDatabase
from awslabs_dsql_mcp.tools.consent.confirmation import ChangeConfirmation
from awslabs_dsql_mcp.tools.large_changes.load_rows import LoadRows
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.direct_connection import connect

CELLS: Final = {
    "i": ("int", ("0", "-7", " 42 ", "+5", "2147483648", "1.5", "1_000", "0x1F", "")),
    "b": ("bigint", ("9223372036854775807", "9223372036854775808", "9007199254740993")),
    "n": ("numeric(10,2)", ("1.005", "-0.001", "99999999.99", "99999999.995", "1e3", "NaN", " 2.50", "1e-3")),
    "r": ("real", ("1.1", "1e39", "NaN", "-Infinity", "16777217", "1e-46")),
    "f": ("double precision", ("0.1", "1e309", "-0", "inf", "0.1000000000000000055")),
    "d": ("date", ("2024-02-29", "2023-02-29", "03/04/2024", "infinity", "January 8, 1999", "44-03-15 BC")),
    "t": ("time(2)", ("10:00", "23:59:59.999", "24:00:00", "04:05 PM", "25:00")),
    "ts": ("timestamp", ("2024-03-31 02:30:00.1234567", "-infinity", "20240101T101112", "2024-13-01")),
    "tz": ("timestamptz(3)", ("2024-06-01 12:00", "2024-01-01 00:00:00.0005+05:30", "1 Feb 2024 10:00 PST")),
    "iv": ("interval", ("1 day", "-1 2:03:04", "P1Y2M3DT4H", "1-2", "1 mon -1 day", "soon")),
    "u": ("uuid", ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}", "a0ee")),
    "x": ("bytea", ("\\x00fF", "a\\000b", "\\\\", "\\x0", "é")),
    "jb": ("jsonb", ('{"b": 1, "a": [1.0, null]}', "null", '"\\u00e9"', "{", "1e400", '{"a":1,"a":2}')),
    "o": ("boolean", ("t", "FALSE", "yes", "1", " on", "maybe")),
    "v": ("varchar(5)", ("abcde", "abcdef", "abc    ", "ééééé", "")),
    "c": ("char(3)", ("a", "abc", "abcd", "a   ", "é ")),
    "s": (
        "text",
        ("", "a", 'q"q', "a,b;c|d\te", "two\nlines", "cr\rlf\r\n", "\\N", "NULL", " x ", "\\.", "'"),
    ),
}
"""Columns: the type, and values at its edges, some of which it refuses."""

TOKENS: Final = (
    *("0", "-0.0", "1.10", "1E3", "1e400", "12345678901234567890.123", "true", "false", "null"),
    *(
        '"\\u00e9\\ud83d\\ude00"',
        '"\\ud800"',
        '"\\u0000"',
        '"a\\"b\\\\c\\/"',
        '[1, {"a": 2.50}]',
        "{ }",
        "[]",
    ),
)
"""Values as JSON writes them, for columns of any type."""

NOT_JSON: Final = ("{", '{"i": NaN}', '{"i": 1,}', "{'i': 1}", '{"i": 01}', "nothing")
_COUNTED: Final = ("n", "v")
_EXAMPLES: Final = settings().max_examples
SHARED: Final = settings(
    max_examples=_EXAMPLES if _EXAMPLES > 100 else _EXAMPLES // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Row = tuple[str | None, ...]
_DEFINED: Final = ", ".join(f"{name} {type_name}" for name, (type_name, _) in CELLS.items())
_READ: Final = f"SELECT {', '.join(f'{name}::text' for name in CELLS)} FROM "  # noqa: S608 - ours
names = st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=4, unique=True)


def sorted_rows(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=repr)


class Judge:
    """PostgreSQL, which takes one row at a time and forgets it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        connection.execute(f"CREATE TEMP TABLE judged ({_DEFINED})".encode())

    def copied(self, columns: Sequence[str], options: str, data: str) -> Row | None:
        """A row as COPY stores it; ``None`` if it is refused."""
        with suppress(psycopg.Error), self._connection.transaction(force_rollback=True):
            statement = f"COPY judged ({', '.join(columns)}) FROM STDIN (FORMAT csv, {options})"
            with self._connection.cursor().copy(statement.encode()) as copy:
                copy.write(data.encode())
            return self._stored()
        return None

    def populated(self, document: str) -> Row | None:
        """A row as PostgreSQL makes it of a JSON object; ``None`` if it is refused."""
        with suppress(psycopg.Error), self._connection.transaction(force_rollback=True):
            insert = b"INSERT INTO judged SELECT * FROM json_populate_record(NULL::judged, %s::json)"
            self._connection.execute(insert, [document])
            return self._stored()
        return None

    def is_changed(self, column: str, given: str, stored: str | None) -> bool:
        """Tell if a number is another one than was given, or a text another text."""
        if column != "n":
            return given != stored
        row = self._connection.execute("SELECT %s::numeric <> %s::numeric", [given, stored]).fetchone()
        return row == (True,)

    def _stored(self) -> Row:
        (row,) = self._connection.execute(f"{_READ}judged".encode()).fetchall()
        return row


@pytest.fixture(scope="module")
def judge(postgres16: str) -> Iterator[Judge]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SET timezone = 'UTC'")
        yield Judge(connection)


@dataclass(frozen=True)
class Loader:
    """The tool, on the local cluster."""

    tool: LoadRows
    folder: Path
    connection: psycopg.AsyncConnection[Any]

    async def load(self, data: bytes, request: LoadRequest) -> tuple[ToolOutput, list[Row]]:
        """Load a file into an empty table, and read the table."""
        await self.connection.execute("DELETE FROM loaded")
        (self.folder / request.path).write_bytes(data)
        answer = await self.tool.load_rows(request, _ignore)
        return answer, sorted_rows(
            await (await self.connection.execute(f"{_READ}loaded".encode())).fetchall()
        )


@pytest.fixture
async def loader(cluster: LocalCluster, cluster_folder: Path, tmp_path: Path) -> AsyncIterator[Loader]:
    async with AsyncExitStack() as stack:
        database = LazyDatabase(Settings(local=True, local_data=cluster_folder), stack)
        runner = BatchRunner(database, call_time=60)
        tool = LoadRows(database, runner, ChangeConfirmation("never"), LoadDirectory(tmp_path), "c")
        connection = await connect(cluster)
        await connection.execute("DROP TABLE IF EXISTS loaded")
        await connection.execute(f"CREATE TABLE loaded ({_DEFINED})".encode())
        yield Loader(tool, tmp_path, connection)
        await connection.execute("DROP TABLE loaded")
        await connection.close()


async def _ignore(_rows: float, _message: str) -> None:
    """Take progress."""


def bad_rows(answer: ToolOutput) -> list[int]:
    """Numbers of the rows that were left out."""
    reasons = cast("list[dict[str, int]]", answer.structured.get("reasons", []))
    return [reason["row"] for reason in reasons]


@dataclass(frozen=True)
class Dialect:
    """The form of a CSV file."""

    delimiter: str
    null: str
    end: str
    header: bool
    everything: bool

    @property
    def options(self) -> str:
        return f"DELIMITER '{self.delimiter}', NULL '{self.null}'"

    def line(self, row: Sequence[str | None]) -> str:
        return self.delimiter.join(map(self._field, row)) + self.end

    def _field(self, cell: str | None) -> str:
        if cell is None:
            return self.null
        special = {self.delimiter, '"', "\r", "\n"}
        plain = cell != self.null and not set(cell) & special and cell != "\\."
        return cell if plain and not self.everything else '"' + cell.replace('"', '""') + '"'


dialects = st.builds(
    Dialect,
    st.sampled_from([",", ";", "\t", "|", "~"]),
    st.sampled_from(["", "NULL", "\\N", "-"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
    st.booleans(),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[Row]]:
    columns = draw(names)
    cells = [st.none() | st.sampled_from(CELLS[name][1]) for name in columns]
    return columns, draw(st.lists(st.tuples(*cells), min_size=1, max_size=5))


@given(tables(), dialects, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
@SHARED
async def test_a_csv_file_is_stored_as_copy_stores_it(
    loader: Loader,
    judge: Judge,
    table: tuple[list[str], list[Row]],
    dialect: Dialect,
    encoding: str,
) -> None:
    columns, rows = table
    expected = [judge.copied(columns, dialect.options, dialect.line(row)) for row in rows]
    head = dialect.line(columns) if dialect.header else ""
    is_found = dialect.delimiter != "~" and dialect.header and len(columns) > 1  # in a line of names
    request = LoadRequest(
        "loaded",
        path="rows.csv",
        columns=None if dialect.header else columns,
        skip_bad_rows=True,
        null=dialect.null,
        delimiter="" if is_found else dialect.delimiter,
        encoding=encoding if encoding == "latin-1" else "",
        header=dialect.header,
        resume="new",
    )
    data = (head + "".join(map(dialect.line, rows))).encode(encoding)
    answer, stored = await loader.load(data, request)
    assert stored == sorted_rows([row for row in expected if row is not None]), answer.text
    assert bad_rows(answer) == [number for number, row in enumerate(expected, 1) if row is None]
    changed = cast("dict[str, int]", answer.structured.get("changed", {}))
    for name in {*_COUNTED} & {*columns}:
        given, place = [row[columns.index(name)] for row in rows], [*CELLS].index(name)
        pairs = [(cell, row[place]) for cell, row in zip(given, expected, strict=True) if row and cell]
        assert changed.get(name, 0) == sum(judge.is_changed(name, *pair) for pair in pairs), answer.text


@dataclass(frozen=True)
class Documents:
    """Objects as JSON writes them, the first with all columns.

    Attributes:
        columns: The columns.
        rows: The objects.
        named: The call names the columns, and the objects may have other keys.
    """

    columns: list[str]
    rows: list[str]
    named: bool


@st.composite
def documents(draw: st.DrawFn) -> Documents:
    columns, named, space = draw(names), draw(st.booleans()), draw(st.sampled_from(["", " ", "\t "]))

    def token(name: str) -> st.SearchStrategy[str]:
        if name not in CELLS:
            return st.just('[1, "more"]')  # whose texts are not looked into
        cells = st.sampled_from(CELLS[name][1])
        strings = cells.map(lambda cell: json.dumps(cell, ensure_ascii="é" not in cell))
        return strings | st.sampled_from(TOKENS)

    def written(keys: Sequence[str]) -> str:
        fields = (f'{space}"{name}"{space}:{space}{draw(token(name))}{space}' for name in keys)
        return "{" + ",".join(fields) + "}"

    some = st.lists(st.sampled_from([*columns, "other"] if named else columns), max_size=4, unique=True)
    rows = [columns, *draw(st.lists(some, max_size=4))]
    return Documents(columns, [written(keys) for keys in rows], named)


@given(
    documents(),
    st.sampled_from(["jsonl", "ndjson", "json"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.none() | st.sampled_from(NOT_JSON),
)
@example(Documents(["v"], ['{"v": 1.10}'], named=False), "json", "utf-8", None)
@SHARED
async def test_a_json_file_is_stored_as_postgresql_reads_json(
    loader: Loader, judge: Judge, found: Documents, form: str, encoding: str, fault: str | None
) -> None:
    rows = found.rows if fault is None or form == "json" else [*found.rows, fault, found.rows[0]]
    expected = [judge.populated(row) for row in rows]
    text = "[\n" + " ,\n".join(rows) + "\n]" if form == "json" else "\n".join([*rows, ""])
    request = LoadRequest(
        "loaded",
        path=f"rows.{form}",
        columns=found.columns if found.named else None,
        skip_bad_rows=True,
        resume="new",
    )
    answer, stored = await loader.load(text.encode(encoding), request)
    assert stored == sorted_rows([row for row in expected if row is not None]), answer.text
    assert bad_rows(answer) == [number for number, row in enumerate(expected, 1) if row is None]
