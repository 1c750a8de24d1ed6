"""CSV files are what PostgreSQL's COPY says they are, whatever wrote them."""

import re
from collections.abc import Sequence

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.errors import DsqlError
from awslabs_dsql_mcp.tools.load_rows import LoadRequest
from support.wire.harness import Harness
from support.wire.loads import Loads

COLUMNS = ("a", "b", "c")
NULLS = ["", "NULL", "\\N", "a"]
CELLS = (
    st.none()
    | st.sampled_from(["", "a", "é", "NULL", "\\N", '"', '""', "\r\n", " x ", ";", "\\.", "1,5"])
    | st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=8)
)
SHARED = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def tables(loads: Loads) -> Loads:
    for table in ("t", "copied"):
        loads.table("a text, b text, c text", table)
    return loads


def rows_of(bed: Harness, table: str) -> list[tuple[object, ...]]:
    """Read the rows, in an order that is the same for the same rows."""
    found = bed.postgres.query(f"TABLE bulk.{table}")
    bed.postgres.query(f"TRUNCATE bulk.{table}")
    return sorted(found, key=repr)


def written(
    rows: Sequence[Sequence[str | None]], delimiter: str, null: str, end: str, *, everything: bool
) -> str:
    """Write CSV as some program does; quoted where it has to be, or everywhere."""

    def field(cell: str | None) -> str:
        if cell is None:
            return null
        plain = cell != null and not set(cell) & {delimiter, '"', "\r", "\n"} and cell != "\\."
        return cell if plain and not everything else '"' + cell.replace('"', '""') + '"'

    lines = [delimiter.join(COLUMNS), *(delimiter.join(map(field, row)) for row in rows)]
    return end.join([*lines, ""])


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6),
    delimiter=st.sampled_from([",", ";", "\t", "|", "~"]),
    null=st.sampled_from(NULLS),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    everything=st.booleans(),
)
@SHARED
async def test_what_a_program_wrote_is_stored_as_copy_stores_it(  # noqa: PLR0913 - dialects
    bed: Harness,
    tables: Loads,
    rows: list[tuple[str | None, ...]],
    delimiter: str,
    null: str,
    end: str,
    encoding: str,
    *,
    everything: bool,
) -> None:
    text = written(rows, delimiter, null, end, everything=everything)
    if encoding == "latin-1":
        text = text.encode("latin-1", "replace").decode("latin-1")
    (tables.folder / "rows.csv").write_bytes(text.encode(encoding))
    quoted = null.replace("'", "''")
    dialect = f"FORMAT csv, HEADER, DELIMITER '{delimiter}', NULL '{quoted}'"
    bed.postgres.copy(f"COPY bulk.copied FROM STDIN ({dialect})", text.encode())
    request = LoadRequest(
        "bulk.t",
        path="rows.csv",
        null=null,
        delimiter="~" if delimiter == "~" else "",
        encoding=encoding if encoding == "latin-1" else "",
        resume="new",  # of a file that came before
    )
    answer = await tables.load(request)
    assert answer.structured["status"] == "finished"
    assert rows_of(bed, "t") == rows_of(bed, "copied")


SOUP = st.text(st.sampled_from('",\n\r;ab \\é'), max_size=40) | st.text('",\na', max_size=25)


@given(soup=SOUP, end=st.sampled_from(["\n", "\r\n", "\r"]))
@SHARED
async def test_what_copy_refuses_is_refused_and_what_it_takes_is_stored_the_same(
    bed: Harness, tables: Loads, soup: str, end: str
) -> None:
    text = f"a,b,c{end}{soup}"
    assume(not re.search(r"[\r\n]{2}", text.replace("\r\n", "\n")))  # empty lines are passed over, and told
    (tables.folder / "rows.csv").write_bytes(text.encode())
    request = LoadRequest("bulk.t", path="rows.csv", resume="new")
    try:
        bed.postgres.copy("COPY bulk.copied FROM STDIN (FORMAT csv, HEADER)", text.encode())
    except psycopg.Error:
        with pytest.raises(DsqlError, match=r"Row \d+ \(line \d+\)"):
            await tables.load(request)
    else:
        await tables.load(request)
    assert rows_of(bed, "t") == rows_of(bed, "copied")
