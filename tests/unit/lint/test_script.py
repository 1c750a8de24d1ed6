"""Scripts with psql meta-commands and rows of COPY, linted and fixed by dsql-lint."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.lint.model import UNPARSED, LintReport
from awslabs_dsql_mcp.lint.program import LintProgram
from awslabs_dsql_mcp.lint.script import LintScript


@dataclass(frozen=True)
class Part:
    """A part of a script, the rules that dsql-lint finds broken in its first line, and its fixed form."""

    text: str
    rules: tuple[str, ...] = ()
    fixed: str | None = None


ROW = st.text("a'\"\\$;-/*\té ", max_size=8).filter(lambda row: row != "\\.")
COPIES = st.lists(ROW, max_size=4).map(
    lambda rows: Part("COPY t (a, b) FROM stdin;\n" + "".join(f"{row}\n" for row in rows) + "\\.\n")
)
STATEMENTS = st.sampled_from(
    [
        Part("SELECT  'it''s ;'  ;"),
        Part("INSERT INTO t VALUES ($$ ; ' $$, E'\\';');"),
        Part("SELECT -- one's\n  1 /* last */ ;"),
        Part("\n\n-- a comment's\n/* and ; another */\n"),
        Part("TRUNCATE t;", ("truncate",)),
        Part("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);", (UNPARSED, UNPARSED)),
        Part("CREATE INDEX i ON t (a);", ("index_async",), "CREATE INDEX ASYNC i ON t(a);"),
        Part(
            "CREATE INDEX i\n ON t (a)  -- kept\n;",
            ("index_async",),
            "CREATE INDEX ASYNC i ON t(a)  -- kept\n;",
        ),
        Part("CREATE SEQUENCE s;", ("sequence_cache_missing",), "CREATE SEQUENCE s CACHE 1;"),
    ]
)
META = st.sampled_from([Part("\\connect shop\n"), Part("\\restrict it's\n"), Part("\\echo ; $$ \\\\\n")])
ENDS = st.sampled_from(["\n", "\n\n", "\r\n", "\n-- é\n"])


async def lint(sql: str) -> LintReport:
    return await LintProgram().lint(sql, fix=True, timeout=20)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.tuples(st.one_of(STATEMENTS, COPIES, META), ENDS), max_size=8),
)
async def test_findings_are_in_their_lines_and_the_rest_is_untouched(
    beginning: str, parts: list[tuple[Part, str]]
) -> None:
    script = expected = beginning
    findings: list[tuple[int, str]] = []
    for part, end in parts:
        findings += ((1 + script.count("\n"), rule) for rule in part.rules)
        script += part.text + end
        expected += (part.fixed or part.text) + end
    report = await lint(script)
    assert [(found.line, found.rule) for found in report.diagnostics] == findings
    assert report.fixed_sql == expected


HEADER = "--\n-- PostgreSQL database dump\n--\n\n"
VERSIONS = "-- Dumped from database version {0}\n-- Dumped by pg_dump version {0}\n\n"
TABLE = "CREATE TABLE public.t (\n    id integer NOT NULL,\n    note text\n);\n\n\n"
COPY = (
    "COPY public.t (id, note) FROM stdin;\n"
    '1\tit\'s a "note"\n2\t\\\\backslash\\tand $$ and ;\n3\t\\N\n\n-- no comment\n\\.\n\n\n'
)
INSERTS = (
    "INSERT INTO public.t VALUES (1, 'it''s a \"note\"');\nINSERT INTO public.t VALUES (2, '\\ $$ ;');\n\n\n"
)
INDEX = "CREATE INDEX i ON public.t USING btree (note);\n"
FIXED_INDEX = "CREATE INDEX ASYNC i ON public.t(note);\n"
SETVAL = "SELECT pg_catalog.setval('public.s', 3, true);\n\n\n"
RESTRICT, UNRESTRICT = "\\restrict aB3\n\n", "\\unrestrict aB3\n\n"
DUMPS = {
    "13, COPY": (HEADER, VERSIONS.format("13.4"), "SET row_security = off;\n\n", TABLE, COPY, SETVAL, INDEX),
    "16, --inserts": (HEADER, VERSIONS.format("16.2"), TABLE, INSERTS, INDEX),
    "18, COPY": (HEADER, RESTRICT, VERSIONS.format("18.0"), TABLE, COPY, INDEX, UNRESTRICT),
    "18, --create": (
        *(HEADER, RESTRICT, "CREATE DATABASE shop;\n\n", UNRESTRICT, "\\connect shop\n", RESTRICT),
        *("SET statement_timeout = 0;\n\n", TABLE, COPY, COPY, INDEX, UNRESTRICT),
    ),
}


@pytest.mark.parametrize("name", DUMPS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("beginning", ["", "\ufeff"])
async def test_what_pg_dump_writes_is_read_to_its_end(name: str, newline: str, beginning: str) -> None:
    dump = "".join(DUMPS[name])
    report = await lint(beginning + dump.replace("\n", newline))
    found = {found.rule: found.line for found in report.diagnostics}
    assert found["index_async"] == 1 + dump.partition(INDEX)[0].count("\n")
    assert UNPARSED not in found
    assert report.fixed_sql == beginning + dump.replace(INDEX, FIXED_INDEX).replace("\n", newline)


async def test_a_statement_without_an_end_hides_no_other() -> None:
    script = "CREATE INDEX i ON t (a);\n\nSELECT 'open;\nTRUNCATE t;\n"
    report = await lint(script)
    assert [(found.line, found.rule) for found in report.diagnostics] == [(1, "index_async"), (3, UNPARSED)]
    assert report.fixed_sql == script.replace("CREATE INDEX i ON t (a)", "CREATE INDEX ASYNC i ON t(a)")


async def test_a_transaction_is_cut_around_what_stands_in_it() -> None:
    report = await lint(
        "BEGIN;\nCREATE TABLE a (b int);\n-- second\nCREATE INDEX i ON a (b);\n-- rows\n"
        "COPY a (b) FROM stdin;\n1\n\\.\nCOMMIT;\n"
    )
    assert report.fixed_sql is not None
    before, _, rows = report.fixed_sql.partition("-- rows\n")
    assert [line for line in before.splitlines() if line] == [
        *("BEGIN;", "CREATE TABLE a (b int);", "-- second"),
        *("COMMIT;", "BEGIN;", "CREATE INDEX ASYNC i ON a(b);", "COMMIT;", "BEGIN;"),
    ]
    assert rows == "COPY a (b) FROM stdin;\n1\n\\.\nCOMMIT;\n"


def test_an_output_without_its_stand_ins_is_not_taken() -> None:
    script = LintScript.split("SELECT 1;\n\\connect x\nSELECT 2;")
    with pytest.raises(ValueError, match="missing"):
        script.apply("SELECT 1;\n\nSELECT 2;\n")
