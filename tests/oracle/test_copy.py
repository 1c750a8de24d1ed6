"""COPY … FROM stdin of a script: the rows that are read are those that PostgreSQL's own COPY stores."""

from collections.abc import Iterator, Sequence

import psycopg
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from awslabs_dsql_mcp.sql import parser
from awslabs_dsql_mcp.sql.copy_data import CopyError, CopyFormat, Marker, read_rows

COLUMNS = ("a", "b")
PIECES = (
    *(
        "a",
        "b",
        "é",
        " ",
        "|",
        ";",
        ",",
        "\t",
        "\n",
        "\r\n",
        "\r",
        '"',
        "'",
        "\\",
        "\\N",
        "\\t",
        "\\x4",
        "\\303",
    ),
    *("\\251", "\\0", "\\n", "D", '""', "\\\\", "NULL", "\\d", "x", "1", "\\'", '\\"', "a,b\n", "a\tb\n"),
    'a,"b"\n',
)


@pytest.fixture(scope="module")
def server(postgres16: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres16, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("CREATE TABLE copied (n serial, a text DEFAULT 'da', b text DEFAULT 'db', c text)")
        yield connection


def stored(server: psycopg.Connection, statement: str, data: str) -> list[tuple[str | None, ...]] | None:
    """Rows that PostgreSQL stores; ``None`` if it refuses them."""
    server.execute("TRUNCATE copied")
    try:
        with server.cursor().copy(statement.encode()) as copy:
            copy.write(data.encode())
    except psycopg.Error:
        return None
    return server.execute("SELECT a, b FROM copied ORDER BY n").fetchall()


def read(statement: str, data: str, columns: Sequence[str] = COLUMNS) -> list[tuple[str | None, ...]] | None:
    """Rows that are read here; ``None`` if they are refused."""
    (tree,) = parser.parse(statement)
    try:
        rows = [row for _, row in read_rows(data, CopyFormat.of(tree.root), columns)]
    except CopyError:
        return None
    return [
        tuple(
            f"d{name}" if isinstance(field, Marker) else field
            for name, field in zip(columns, row, strict=True)
        )
        for row in rows
    ]


def data() -> st.SearchStrategy[str]:
    """Lines of fields that mean something to a format."""
    fields = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
    lines = st.lists(st.tuples(fields, st.sampled_from("\t,|;"), fields).map("".join), max_size=4)
    return st.tuples(lines, st.sampled_from(["\n", "\n", "\n", "\r\n"])).map(
        lambda drawn: "".join(line + drawn[1] for line in drawn[0])
    )


OPTIONS = (
    "",
    "WITH DELIMITER AS '|' NULL AS ''",
    "DELIMITERS ','",
    "(DELIMITER ';', NULL 'NULL', HEADER)",
    "(DEFAULT 'D', DELIMITER ',')",
    "(FORMAT text, HEADER match)",
    "CSV",
    "WITH CSV HEADER DELIMITER ';'",
    "CSV QUOTE AS '''' ESCAPE AS '\\'",
    "(FORMAT csv, ESCAPE '\\')",
    "(FORMAT csv, NULL 'NULL', DEFAULT 'D')",
    "(FORMAT csv, FORCE_NOT_NULL (a), FORCE_NULL (b))",
    "(FORMAT csv, NULL 'x', FORCE_NULL (a, b))",
    "CSV FORCE NOT NULL a, b",
    "(FORMAT csv, DELIMITER E'\\t', QUOTE '|')",
    "(FORMAT csv, HEADER match)",
)


@given(st.sampled_from(OPTIONS), data())
@example("", "a\\\nb\tc\n")
@example("", "a\tb\\")
@example("CSV", '"a\r\nb",c\n')
@example("CSV", '"a""b"c,\n\n')
@example("CSV", 'a,"b\n')
@example("(FORMAT csv, HEADER match)", "a,b\nx,y\n")
@example("WITH CSV HEADER DELIMITER ';'", "p;q\n1;\n")
def test_rows_are_those_that_postgresql_stores(server: psycopg.Connection, options: str, text: str) -> None:
    assume("\\." not in text)  # ends the data of a script
    statement = f"COPY copied (a, b) FROM STDIN {options}"
    assert read(statement, text) == stored(server, statement, text)


@pytest.mark.parametrize(
    ("options", "text"),
    [("", "\n\\N\nx\n"), ("CSV", '\n""\nx\n'), ("(FORMAT csv, FORCE_NULL *)", '""\n'), ("", "")],
)
def test_a_single_column_can_be_an_empty_line(server: psycopg.Connection, options: str, text: str) -> None:
    statement = f"COPY copied (a) FROM STDIN {options.replace('*', '(a)')}"
    expected = stored(server, statement, text)
    assert read(statement, text, ["a"]) == [row[:1] for row in expected or ()]
