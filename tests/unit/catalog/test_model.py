"""Rows of the catalog as values, where no server at hand gives such rows."""

from dataclasses import replace

import pytest

from awslabs_dsql_mcp.catalog.model import Column, Index, Table, with_jobs
from awslabs_dsql_mcp.catalog.text import index_keys, table_text, tables_text
from awslabs_dsql_mcp.database.model import Result

COLUMN = Column(
    "c", "text", not_null=False, default=None, identity=None, generated=False, collation=None, comment=None
)


def index(
    definition: str = "CREATE INDEX i ON public.t USING btree_index (a)", *, valid: bool = True
) -> Index:
    return Index("16500", "i", unique=False, primary=False, valid=valid, definition=definition)


def jobs(*rows: tuple[str | None, ...]) -> Result:
    return Result("SELECT", len(rows), (), rows)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("16500", None, "j1", "processing", None), "job j1 processing"),
        (
            ("9", "public.i", "j2", "failed", "found duplicate key(s)"),
            "job j2 failed: found",
        ),
        (("9", "other.i", "j3", "processing", None), "its build has not ended"),
    ],
)
def test_an_index_that_is_not_valid_is_told_with_its_job(row: tuple[str | None, ...], told: str) -> None:
    table = Table("public", "t", "table", 1, None, None, indexes=(index(valid=False),))
    (known,) = with_jobs([table], jobs(row))
    assert f"i (a) -- NOT VALID, queries do not use it: {told}" in table_text(known)


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        ("CREATE INDEX i ON public.t USING btree_index (a) INCLUDE (b)", "(a) INCLUDE (b)"),
        ('CREATE UNIQUE INDEX "a USING b" ON s."T x" USING btree (lower(a))', "(lower(a))"),
        ('CREATE INDEX i ON ONLY "q""q".t USING btree (a) WHERE (b > 0)', "(a) WHERE (b > 0)"),
        ("CREATE SOMETHING ELSE", "CREATE SOMETHING ELSE"),
    ],
)
def test_an_index_is_told_by_what_it_is_on(definition: str, keys: str) -> None:
    assert index_keys(index(definition)) == keys


def test_what_is_long_is_cut() -> None:
    long = Table("public", "v", "view", 1, None, "c" * 1_000, definition="SELECT 1" * 10_000)
    text = table_text(long)
    assert len(text) < 7_000
    assert "… (80,000 characters)" in text


def test_a_table_too_long_for_an_answer_is_told_in_less_detail() -> None:
    columns = tuple(replace(COLUMN, name=f"c{number}", comment="x" * 280) for number in range(250))
    wide = Table("public", "w", "table", 250, None, None, columns=columns)
    text, cut = tables_text([wide], "full")
    assert cut == "summary"
    assert "c249 text" in text
    assert tables_text([replace(wide, columns=columns[:5])], "full")[1] is None
    assert tables_text([wide] * 200, "full")[1] == "names"
