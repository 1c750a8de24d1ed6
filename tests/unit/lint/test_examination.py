"""Scripts compared with their migration plans: findings in their lines, and the rest to the byte."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awslabs_dsql_mcp.lint.examination import examine
from unit.guard.test_refusals import rows


@dataclass(frozen=True)
class Piece:
    """A piece of a script, what is found in its first line, and its fixed form."""

    text: str
    found: tuple[str, ...] = ()
    fixed: str | None = None


ROW = st.text("a'\"$;-/* é ", max_size=8).filter(lambda row: "\\" not in row)
COPIES = st.lists(ROW, max_size=4).map(
    lambda rows: Piece("COPY t (a) FROM stdin;\n" + "".join(f"{row}\n" for row in rows) + "\\.\n")
)
STATEMENTS = st.sampled_from(
    [
        Piece("SELECT  'it''s ;'  ;"),
        Piece("INSERT INTO t VALUES ($$ ; ' $$, E'\\';');"),
        Piece("SELECT -- one's\n  1 /* last */ ;"),
        Piece("SET TIME ZONE 'UTC';"),
        Piece("SELECT pg_catalog.set_config('search_path', '', false);"),
        Piece("BEGIN; INSERT INTO t VALUES (1); UPDATE t SET a = 1; COMMIT;"),
        Piece("CREATE INDEX ASYNC ON t (a);"),
        Piece("ANALYZE t;"),
        Piece("CALL sys.wait_for_job('x');"),
        Piece("\n\n-- a comment's\n/* and ; another */\n"),
        Piece("TRUNCATE t;", ("no TRUNCATE",)),
        Piece("SELEC 1;", ("syntax error",)),
        Piece("LOCK TABLE t;", ("locks no tables",), ""),
        Piece("SET statement_timeout = 0;", ("left out",), ""),
        Piece("ALTER TYPE m OWNER TO x;", ("left out",), ""),
        Piece("ANALYZE;", ("upkeep",), ""),
        Piece("ANALYZE VERBOSE t (a);", ("upkeep",), ""),
        Piece("ANALYSE t, u;", ("upkeep",), ""),
        Piece("DROP INDEX CONCURRENTLY i;", ("CONCURRENTLY",), "DROP INDEX i;"),
        Piece("CREATE INDEX i ON t (a);", ("ASYNC",), "CREATE INDEX ASYNC i ON t (a);"),
        Piece(
            "CREATE INDEX i\n ON t (a)  -- kept\n;", ("ASYNC",), "CREATE INDEX ASYNC i ON t (a)  -- kept\n;"
        ),
        Piece("CREATE SEQUENCE s;", ("cache",), "CREATE SEQUENCE s CACHE 1;"),
    ]
)
META = st.sampled_from([Piece("\\restrict it's\n"), Piece("\\echo ; $$ x\n")])
ENDS = st.sampled_from(["\n-- é\n", " -- é\r\n", "\n/* a;b */\n"])


@settings(max_examples=60)
@given(
    st.sampled_from(["", "\ufeff"]),
    st.lists(st.tuples(st.one_of(STATEMENTS, COPIES, META), ENDS), max_size=8),
)
def test_findings_are_in_their_lines_and_the_rest_is_untouched(
    beginning: str, pieces: list[tuple[Piece, str]]
) -> None:
    script = expected = beginning
    findings: list[tuple[int, str]] = []
    for piece, end in pieces:
        findings += ((1 + script.count("\n"), found) for found in piece.found)
        script += piece.text + end
        expected += (
            piece.text + end if piece.fixed is None else piece.fixed + (end if piece.fixed else _rest(end))
        )
    examined = examine(script)
    assert [finding.line for finding in examined.findings] == [line for line, _ in findings]
    for finding, (_, told) in zip(examined.findings, findings, strict=True):
        assert told in finding.message
    assert examined.fixed_sql == expected
    assert [finding.fix for finding in examine(expected).findings if finding.fix != "unfixable"] == []


def _rest(end: str) -> str:
    """What is left behind a statement that is taken out: its line goes with it."""
    return end.removeprefix("\n")


TABLE = """\
CREATE TABLE t (
    id serial PRIMARY KEY,
    price money, o oid,
    tags text[],
    r int4range
);
"""


@pytest.mark.parametrize("sql", sorted({sql for mode, sql, _ in rows() if mode == "write"}))
def test_advice_within_a_script_is_to_edit_it(sql: str) -> None:
    for finding in examine(sql).findings:
        assert not re.search(r"\b(?:transact|batch_write|a call)\b", finding.message)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("CREATE TEMP TABLE t (id int PRIMARY KEY)", "no temporary tables"),
        ("CREATE TABLE u (id int) INHERITS (t)", "no INHERITS: use separate tables"),
        ("CREATE TABLE y OF z", "no OF: write the columns out"),
        ("DO $$ BEGIN RAISE NOTICE 'x'; END $$", "Write the statements that it runs in its place."),
        ("ALTER TABLE t ALTER a TYPE uuid", "Write in its place, in this order: ADD COLUMN"),
    ],
)
def test_a_fault_and_its_cure_are_named(sql: str, told: str) -> None:
    (found,) = examine(sql).findings
    assert found.fix == "unfixable"
    assert told in found.message


def test_each_fault_of_a_statement_is_found_in_its_line() -> None:
    found = [(finding.line, finding.message.partition(":")[0]) for finding in examine(TABLE).findings]
    assert found == [(2, "id"), (3, "price"), (3, "o"), (4, "tags"), (5, "r")]


def test_what_goes_into_a_create_table_is_found_where_it_stands() -> None:
    script = (
        "CREATE TABLE t (a int);\n\nALTER TABLE t ADD PRIMARY KEY (a);\nALTER TABLE t ALTER a SET NOT NULL;\n"
    )
    examined = examine(script)
    assert [finding.line for finding in examined.findings] == [3, 4]
    assert all("into the CREATE TABLE of line 1" in finding.message for finding in examined.findings)
    assert "ALTER" not in examined.fixed_sql
    assert not examine(examined.fixed_sql).findings


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        ("CREATE TABLE a (b int); CREATE TABLE c (d int);", "at most one DDL"),
        ("CREATE TABLE a (b int); INSERT INTO a VALUES (1);", "do not go in one transaction"),
        (("INSERT INTO a VALUES " + ", ".join(["(1)"] * 1_501) + ";\n") * 2, "at most 3,000 rows"),
    ],
)
def test_what_cannot_be_one_transaction_is_taken_apart(inner: str, why: str) -> None:
    examined = examine(f"BEGIN;\n{inner}\nCOMMIT;\n")
    (finding,) = [finding for finding in examined.findings if finding.line == 1]
    assert why in finding.message
    assert finding.fix == "fixed_with_warning"
    assert examined.fixed_sql == f"{inner}\n"


def test_a_setting_of_a_transaction_that_is_taken_apart_ends_with_it() -> None:
    script = (
        "BEGIN;\nSET LOCAL TimeZone = 'UTC';\nCREATE TABLE a (b int);\nCREATE TABLE c (d int);\nCOMMIT;\n"
    )
    fixed = examine(script).fixed_sql
    assert (
        fixed == "SET TimeZone = 'UTC';\nCREATE TABLE a (b int);\nCREATE TABLE c (d int);\nRESET timezone;\n"
    )


def test_no_table_is_analyzed_in_a_transaction() -> None:
    examined = examine("BEGIN;\nUPDATE t SET a = 1;\nANALYZE t;\nCOMMIT;\n")
    assert [(finding.line, finding.fix) for finding in examined.findings] == [(3, "fixed")]
    assert examined.fixed_sql == "BEGIN;\nUPDATE t SET a = 1;\nCOMMIT;\n"


UPSERT = "INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING;\n"
INDEX = "CREATE UNIQUE INDEX ASYNC u ON t (a, b);"


@pytest.mark.parametrize(
    "script",
    [
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE (a);\n",
        f"{INDEX}\nALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u;\n",
        f"CREATE UNIQUE INDEX u ON t (a);\n{UPSERT}",
        f"{INDEX}\nINSERT INTO t VALUES (1) ON CONFLICT (b, a) DO UPDATE SET c = 1;\n",
        f"{INDEX}\nINSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;\n",
    ],
)
def test_a_script_says_where_a_job_has_to_end(script: str) -> None:
    examined = examine(script)
    assert [f.fix for f in examined.findings if "does not run as a whole" in f.message] == [
        "fixed_with_warning"
    ]
    *_, comment, last = examined.fixed_sql.splitlines()
    assert comment.startswith("--")
    assert "wait_for_job" in comment
    assert last.startswith(("ALTER TABLE", "INSERT"))
    assert not examine(examined.fixed_sql).findings


@pytest.mark.parametrize(
    "script",
    [
        f"{INDEX} CALL sys.wait_for_job('x');\nALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u;\n",
        f"{INDEX} {UPSERT}".replace("(a)", "(id)"),
        f"{INDEX} {UPSERT}".replace("INTO t", "INTO another"),
        f"CREATE INDEX ASYNC i ON t (a); {UPSERT}",
        "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u;",
    ],
)
def test_no_wait_is_found_where_none_is_needed(script: str) -> None:
    assert not examine(script).findings


def set_config(name: str, is_local: str) -> str:
    return f"SELECT set_config('{name}', 'iso_8601', {is_local});\n"


NOT_LOCAL = set_config("IntervalStyle", "'off'")
APART = "CREATE TABLE a (b int);\nCREATE TABLE c (d int);\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("SET TIME ZONE 'Asia/Tokyo';\nDISCARD ALL;\n", "SET TIME ZONE 'Asia/Tokyo';\nRESET ALL;\n"),
        ("SET DateStyle = 'SQL, DMY';\nRESET ALL;\n", "SET DateStyle = 'SQL, DMY';\nRESET ALL;\n"),
        ("SET TIME ZONE 'UTC';\nRESET TIME ZONE;\n", "SET TIME ZONE 'UTC';\nRESET TIME ZONE;\n"),
        ("SET TIME ZONE 'UTC';\nSET TIME ZONE DEFAULT;\n", "SET TIME ZONE 'UTC';\nSET TIME ZONE DEFAULT;\n"),
        ("SET TIME ZONE 'UTC';\nDISCARD PLANS;\n", "SET TIME ZONE 'UTC';\n"),
        ("SET TIME ZONE 'UTC';\n\\connect -\n", "SET TIME ZONE 'UTC';\nRESET ALL;\n"),
        ("\\connect x\nSET TIME ZONE 'UTC';\n", "SET TIME ZONE 'UTC';\n"),
        ("SET TIME ZONE 'UTC';\nRESET ALL;\n\\c x\n", "SET TIME ZONE 'UTC';\nRESET ALL;\n"),
        (
            f"SET TIME ZONE 'CET';\nBEGIN;\nSET LOCAL TIME ZONE 'UTC';\n{APART}COMMIT;\n",
            f"SET TIME ZONE 'CET';\nSET TIME ZONE 'UTC';\n{APART}SET TIME ZONE 'CET';\n",
        ),
        (
            f"SET DateStyle = 'SQL';\nRESET DateStyle;\nBEGIN;\nSET LOCAL DateStyle = 'DMY';\n{APART}END;\n",
            f"SET DateStyle = 'SQL';\nRESET DateStyle;\nSET DateStyle = 'DMY';\n{APART}RESET datestyle;\n",
        ),
        (
            f"BEGIN;\n{set_config('IntervalStyle', 'true')}SET TIME ZONE 'CET';\n{APART}COMMIT;\n",
            f"{set_config('intervalstyle', 'false')}SET TIME ZONE 'CET';\n{APART}RESET intervalstyle;\n",
        ),
        (
            f"{NOT_LOCAL}BEGIN;\nSET LOCAL IntervalStyle TO DEFAULT;\n{APART}END;\n",
            (f"{NOT_LOCAL}SET IntervalStyle TO DEFAULT;\n{APART}{set_config('intervalstyle', 'false')}"),
        ),
    ],
)
def test_each_statement_keeps_its_settings(script: str, expected: str) -> None:
    insert = "INSERT INTO d VALUES ('2024-07-01 00:00');\n"
    assert examine(script + insert).fixed_sql == expected + insert
    assert examine(expected + insert).fixed_sql == expected + insert


def test_a_setting_of_a_transaction_that_psql_begins_is_mended_by_hand() -> None:
    script = "\\set AUTOCOMMIT off\nSET LOCAL TIME ZONE 'UTC';\nUPDATE t SET a = 1;\nCOMMIT;\n"
    (finding,) = [finding for finding in examine(script).findings if finding.line == 2]
    assert finding.fix == "unfixable"
    assert "BEGIN" in finding.message


@pytest.mark.parametrize("level", ["SERIALIZABLE", "READ COMMITTED"])
def test_a_transaction_has_the_level_of_aurora_dsql(level: str) -> None:
    examined = examine(f"BEGIN ISOLATION LEVEL {level};\nUPDATE t SET a = 1;\nCOMMIT;\n")
    assert [(finding.line, finding.fix) for finding in examined.findings] == [(1, "fixed_with_warning")]
    assert examined.fixed_sql == "BEGIN;\nUPDATE t SET a = 1;\nCOMMIT;\n"


def test_many_rows_of_copy_are_cut_to_the_byte() -> None:
    rows = [f"{number}\tit's\t\\N\n" for number in range(3_500)]
    script = f"COPY t (a, b, c) FROM stdin;\n{''.join(rows)}\\.\nSELECT 1;\n"
    examined = examine(script)
    assert [(finding.line, finding.fix) for finding in examined.findings] == [(1, "fixed")]
    pieces = re.findall(
        r"^COPY t \(a, b, c\) FROM stdin;\n(.*?)^\\\.\n", examined.fixed_sql, re.DOTALL | re.MULTILINE
    )
    assert "".join(pieces) == "".join(rows)
    assert max(piece.count("\n") for piece in pieces) <= 3_000
    assert examined.fixed_sql.endswith("\\.\nSELECT 1;\n")
    assert not examine(examined.fixed_sql).findings
