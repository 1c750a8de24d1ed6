"""Scripts made ones for Aurora DSQL: what becomes of each statement, and how a plan is cut and resumed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import ScriptSyntaxError, convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan
from awslabs_dsql_mcp.migration.verification.applied import check_for
from awslabs_dsql_mcp.sql.copy_data import CopyFormat, read_rows
from awslabs_dsql_mcp.sql.scripts import split_script


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def queries(script: str) -> list[str]:
    return [query for step in planned(script).steps for query in step.queries]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SELECT 1;\n\\connect x\nSELECT ';'", ["SELECT 1", "\\connect x", "SELECT ';'"]),
        ("-- a; b\n/* c; /* d; */ */ SELECT 1 -- e;\n;;", ["SELECT 1"]),
        ("SELECT $a$;$$;$a$; SELECT E'\\';'", ["SELECT $a$;$$;$a$", "SELECT E'\\';'"]),
        ('SELECT "a;b" FROM (SELECT 1; 2)', ['SELECT "a;b" FROM (SELECT 1; 2)']),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 END; END; SELECT 2",
            ["CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE 1 END; END", "SELECT 2"],
        ),
        ("", []),
    ],
)
def test_a_script_is_cut_where_its_statements_end(script: str, expected: list[str]) -> None:
    assert [piece.text for piece in split_script(script)] == expected


def test_rows_of_copy_are_read_with_their_escapes() -> None:
    script = "COPY t (a, b) FROM stdin;\n1\\t;\t\\N\n\\\\N\t\\x41\\102\n\\.\nSELECT 1;"
    copied, after = split_script(script)
    rows = [row for _, row in read_rows(copied.data or "", CopyFormat(), ["a", "b"])]
    assert rows == [("1\t;", None), ("\\N", "AB")]
    assert (after.text, after.line) == ("SELECT 1", 5)


@given(st.text())
def test_any_text_is_cut_without_losing_what_is_no_blank_or_comment(text: str) -> None:
    script = text.replace("\0", "")
    assert all(piece.text in script and piece.text.strip(" \t\n\r\f\v") for piece in split_script(script))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "CREATE TABLE t (id int NOT NULL); ALTER TABLE ONLY t ADD CONSTRAINT t_pkey PRIMARY KEY (id);",
            ["CREATE TABLE t (id int NOT NULL, CONSTRAINT t_pkey PRIMARY KEY (id))"],
        ),
        (
            "CREATE TYPE m AS ENUM ('a', 'it''s'); CREATE TABLE t (x m DEFAULT 'a'::m)",
            [
                "CREATE TABLE t (x varchar(63) DEFAULT ('a'::varchar) CHECK (x IN ('a', 'it''s')))",
            ],
        ),
        ("CREATE INDEX i ON t USING btree (a DESC)", ["CREATE INDEX ASYNC i ON t (a)"]),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)", ["CREATE UNIQUE INDEX ASYNC i ON t (a)"]),
        (
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)",
            ["CREATE UNIQUE INDEX ASYNC u ON t (a)", "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u"],
        ),
        (
            "ALTER TABLE ONLY t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES o (b)",
            [
                "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES o (b) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT f",
            ],
        ),
        ("SET x = 1; BEGIN; DROP TABLE t; COMMIT", ["DROP TABLE t"]),
        ("SELECT pg_catalog.set_config('search_path', '', false); DROP TABLE t", ["DROP TABLE t"]),
        ("COPY t (a) FROM stdin;\nx'\\\\\n\\.\n", ["INSERT INTO t (a) VALUES\n(E'x''\\\\')"]),
    ],
)
def test_statements_get_the_form_that_a_cluster_has(script: str, expected: list[str]) -> None:
    assert queries(script) == expected


def test_a_serial_as_a_dump_writes_it_is_an_identity() -> None:
    plan = planned(
        """CREATE TABLE public.t (id integer NOT NULL);
        CREATE SEQUENCE public.odd AS integer START WITH 7 CACHE 1;
        ALTER SEQUENCE public.odd OWNED BY public.t.id;
        ALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('public.odd'::regclass);
        SELECT pg_catalog.setval('public.odd', 9, true);"""
    )
    table, moved = (step.queries[0] for step in plan.steps)
    assert "id bigint" in table
    assert "START 7 CACHE 1" in table
    assert "'public.t_id_seq'" in moved


def test_what_is_as_a_cluster_has_it_stays_as_it_is_written() -> None:
    script = "CREATE  TABLE t (a  int) ; INSERT INTO  t VALUES (1)"
    assert queries(script) == ["CREATE  TABLE t (a  int)", "INSERT INTO  t VALUES (1)"]


def test_rows_are_inserted_in_transactions_of_a_thousand() -> None:
    lines = "".join(f"{number}\n" for number in range(2500))
    steps = planned(f"COPY t (a) FROM stdin;\n{lines}\\.\n").steps
    assert [step.rows for step in steps] == [1000, 1000, 500]
    few = "; ".join(["INSERT INTO t VALUES (1)"] * 1500)
    assert [len(step.queries) for step in planned(few).steps] == [1000, 500]


@pytest.mark.parametrize(
    "script", ["TRUNCATE t", "ALTER TABLE t ADD PRIMARY KEY (a)", "CREATE TEMP TABLE t (a int)", "ROLLBACK"]
)
def test_what_cannot_be_carried_over_stops_everything(script: str) -> None:
    assert planned(script).blocked


def test_a_text_that_does_not_parse_is_told_by_its_line() -> None:
    with pytest.raises(ScriptSyntaxError, match="line 3"):
        convert("SELECT 1;\n\nSELEC 2;")


def test_a_handle_is_good_for_its_plan_alone() -> None:
    plan, other = planned("DROP TABLE a; DROP TABLE b"), planned("DROP TABLE a; DROP TABLE c")
    assert plan.parse_resume_token(plan.resume_token(2, "?")) == (2, "?")
    assert plan.parse_resume_token(plan.resume_token(2, "+")) == (2, "+")
    assert plan.parse_resume_token(plan.resume_token(3)) == (3, "")
    for handle in (other.resume_token(1), plan.resume_token(4), "1", ""):
        with pytest.raises(ValueError, match=r"step|resume token"):
            plan.parse_resume_token(handle)


@pytest.mark.parametrize(
    ("sql", "known"),
    [
        ("CREATE TABLE IF NOT EXISTS t (a int)", True),
        ("CREATE INDEX ASYNC i ON t (a)", True),
        ("ALTER TABLE ASYNC t VALIDATE CONSTRAINT c", True),
        ("DROP TABLE t", True),
        ("COMMENT ON TABLE t IS 'x'", True),
        ("SELECT setval('s', 4)", True),
        ("INSERT INTO t VALUES (1)", False),
        ("ALTER TABLE t RENAME TO u", False),
        ("AWS IAM GRANT r TO 'arn:aws:iam::123456789012:role/x'", False),
    ],
)
def test_the_catalog_knows_of_some_steps(sql: str, *, known: bool) -> None:
    assert (check_for(sql) is not None) is known


def test_a_handle_is_good_on_its_cluster_alone() -> None:
    plan = planned("CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY);")
    here, there = replace(plan, cluster="here"), replace(plan, cluster="there")
    assert here.parse_resume_token(here.resume_token(2)) == (2, "")
    with pytest.raises(ValueError, match="not a resume token of exactly this script"):
        there.parse_resume_token(here.resume_token(2))
