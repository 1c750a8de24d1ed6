"""Rows that PostgreSQL completes by a default, trigger or rule that is left out stop the script."""

import pytest

from awslabs_dsql_mcp.migration.converter import convert

TABLES = """
CREATE FUNCTION code() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'C1'; END $$;
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE DOMAIN own AS text DEFAULT code();
CREATE TABLE t (id int PRIMARY KEY, c text DEFAULT code(), n int);
CREATE TABLE d (id int PRIMARY KEY, c own);
CREATE TABLE l (LIKE t INCLUDING DEFAULTS);
CREATE VIEW v AS SELECT id, n FROM t;
CREATE FUNCTION add() RETURNS void LANGUAGE sql AS $$ INSERT INTO t (id) VALUES (9) $$;
CREATE TABLE root (id int PRIMARY KEY, n int);
CREATE TABLE leaf (id int PRIMARY KEY, r int REFERENCES root ON DELETE CASCADE ON UPDATE CASCADE, n int);
CREATE TABLE logged (id int PRIMARY KEY, n int, m int);
CREATE TABLE ruled (id int PRIMARY KEY);
INSERT INTO logged VALUES (0, 0, 0);
CREATE TRIGGER on_leaf AFTER DELETE OR UPDATE ON leaf FOR EACH ROW EXECUTE FUNCTION act();
CREATE TRIGGER on_n BEFORE INSERT OR UPDATE OF n ON logged FOR EACH ROW EXECUTE FUNCTION act();
CREATE RULE r AS ON INSERT TO ruled DO ALSO DELETE FROM t;
"""


def blocked(*statements: str) -> list[str]:
    conversion = convert("\n".join([TABLES, *statements]))
    return [left.why for left in conversion.skipped if left.is_blocking]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t (id) VALUES (1);",
        "INSERT INTO t VALUES (1);",
        "INSERT INTO t VALUES (1, 'x'), (2, DEFAULT);",
        "INSERT INTO t (id, n) SELECT id, n FROM root;",
        "INSERT INTO t SELECT id FROM root;",
        "INSERT INTO v VALUES (1, 2);",
        "INSERT INTO d (id) VALUES (1);",
        "INSERT INTO l DEFAULT VALUES;",
        "UPDATE t SET c = DEFAULT;",
        "UPDATE t SET (n, c) = (1, DEFAULT);",
        "INSERT INTO t VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET c = DEFAULT;",
        "WITH w AS (INSERT INTO t (id) VALUES (1) RETURNING id) SELECT id FROM w;",
        "SELECT add();",
        "COPY t (id) FROM stdin;\n1\n\\.",
        "ALTER TABLE t RENAME TO s; INSERT INTO s (id) VALUES (1);",
        "ALTER TABLE t RENAME c TO k; INSERT INTO t (id) VALUES (1);",
        "ALTER TABLE root ALTER n SET DEFAULT length(code()); INSERT INTO root (id) VALUES (1);",
        "INSERT INTO root VALUES (1); ALTER TABLE root ADD c text DEFAULT code();",
        "INSERT INTO logged VALUES (1, 2, 3);",
        "COPY logged FROM stdin;\n1\t2\t3\n\\.",
        "UPDATE logged SET n = 1;",
        "INSERT INTO ruled VALUES (1);",
        "DELETE FROM leaf;",
        "DELETE FROM root;",
        "UPDATE root SET id = 2;",
        (
            "ALTER TRIGGER on_n ON logged RENAME TO other; ALTER TABLE logged DISABLE TRIGGER on_n;"
            "UPDATE logged SET n = 1;"
        ),
        (
            "ALTER TABLE logged DISABLE TRIGGER ALL; ALTER TABLE logged ENABLE TRIGGER on_n;"
            "UPDATE logged SET n = 1;"
        ),
        (
            "CREATE TABLE b (x bytea); CREATE TABLE c (x text); SET bytea_output = 'escape';"
            "INSERT INTO c SELECT x::text FROM b;"
        ),
        "SET bytea_output TO escape; CREATE TABLE c (x text DEFAULT '\\x41ff'::bytea::text);",
        (
            "CREATE TABLE c (x text); SET bytea_output = 'escape';"
            "INSERT INTO c VALUES (concat(decode('41', 'hex')));"
        ),
    ],
)
def test_rows_that_would_lack_what_is_left_out_stop_the_script(statement: str) -> None:
    assert len(blocked(statement)) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t (id, c) VALUES (1, 'x');",
        "INSERT INTO t VALUES (1, 'x');",
        "INSERT INTO t SELECT id, 'x' FROM root;",
        "INSERT INTO d VALUES (1, 'x');",
        "UPDATE t SET n = 1;",
        "UPDATE t SET c = 'x';",
        "COPY t (id, c) FROM stdin;\n1\tx\n\\.",
        "ALTER TABLE t ALTER c SET DEFAULT 'x'; INSERT INTO t (id) VALUES (1);",
        "ALTER TABLE t DROP COLUMN c; INSERT INTO t (id) VALUES (1);",
        "ALTER TABLE root ADD c text DEFAULT code();",
        "UPDATE logged SET m = 1;",
        "DELETE FROM logged;",
        "COPY ruled FROM stdin;\n1\n\\.",
        "INSERT INTO root VALUES (1, 2);",
        "DROP TRIGGER on_n ON logged; UPDATE logged SET n = 1;",
        "DROP RULE r ON ruled; INSERT INTO ruled VALUES (1);",
        "ALTER TABLE logged DISABLE TRIGGER USER; UPDATE logged SET n = 1;",
        "SET session_replication_role = replica; UPDATE logged SET n = 1;",
        "SET bytea_output = 'escape'; CREATE TABLE c (x bytea); INSERT INTO c VALUES ('\\x41');",
    ],
)
def test_rows_that_lack_nothing_are_carried_over(statement: str) -> None:
    assert blocked(statement) == []


def test_the_reason_names_what_is_left_out_with_its_line() -> None:
    assert blocked("INSERT INTO t (id) VALUES (1);") == [
        "c is not given, and its DEFAULT of line 5 is left out: write the value that PostgreSQL gives it"
    ]
    assert "the trigger on_n of line 16 acts on it" in blocked("INSERT INTO logged VALUES (1, 2, 3);")[0]
