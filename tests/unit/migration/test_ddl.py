"""DDL for Aurora DSQL: what moves, what stays in its place, and what is left out with what it needs."""

import pytest

from awslabs_dsql_mcp.migration import planner as migration
from awslabs_dsql_mcp.migration.converter import convert
from awslabs_dsql_mcp.migration.plan import MigrationPlan

BY_HAND = "NEEDS A HUMAN"


def planned(script: str) -> MigrationPlan:
    return migration.plan(convert(script))


def queries(script: str) -> list[str]:
    plan = planned(script)
    assert not plan.blocked, plan.blocked
    return [query for step in plan.steps for query in step.queries]


def by_hand(script: str) -> list[str]:
    plan = planned(script)
    noted = [note for step in plan.steps for note in step.notes if note.startswith(BY_HAND)]
    return noted + [left.why for left in plan.skipped if left.needs_review]


CHECKED = [
    "ALTER TABLE t ADD CONSTRAINT t_b_not_null CHECK (b IS NOT NULL) NOT VALID",
    "ALTER TABLE ASYNC t VALIDATE CONSTRAINT t_b_not_null",
]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "CREATE TABLE t (a int); ALTER TABLE t ADD b int NOT NULL",
            ["CREATE TABLE t (a int, b int NOT NULL)"],
        ),
        (
            "CREATE TABLE t (a int); CREATE VIEW v AS SELECT * FROM t; ALTER TABLE t ADD b int",
            ["CREATE TABLE t (a int)", "CREATE VIEW v AS SELECT * FROM t", "ALTER TABLE t ADD b int"],
        ),
        (
            (
                "CREATE TABLE t (a int); INSERT INTO t VALUES (1), (2); "
                "ALTER TABLE t ADD b int NOT NULL DEFAULT 7"
            ),
            [
                "CREATE TABLE t (a int)",
                "INSERT INTO t VALUES (1), (2)",
                "ALTER TABLE t ADD COLUMN b int",
                "ALTER TABLE t ALTER COLUMN b SET DEFAULT 7",
                "UPDATE t SET b = DEFAULT",
                *CHECKED,
            ],
        ),
        (
            (
                "CREATE TABLE t (a int, b int); INSERT INTO t (a) VALUES (1); UPDATE t SET b = 1; "
                "ALTER TABLE t ALTER b SET NOT NULL"
            ),
            [
                "CREATE TABLE t (a int, b int)",
                "INSERT INTO t (a) VALUES (1)",
                "UPDATE t SET b = 1",
                *CHECKED,
            ],
        ),
        (
            (
                "CREATE TABLE t (a int, b int); "
                "COPY t (a, b) FROM stdin;\n1\t2\n\\.\nALTER TABLE t ALTER b SET NOT NULL"
            ),
            ["CREATE TABLE t (a int, b int NOT NULL)", "INSERT INTO t (a, b) VALUES\n('1', '2')"],
        ),
        (
            "ALTER TABLE t ALTER b SET NOT NULL; ALTER TABLE t ALTER b DROP NOT NULL",
            [*CHECKED, "ALTER TABLE t DROP CONSTRAINT t_b_not_null", "ALTER TABLE t ALTER b DROP NOT NULL"],
        ),
        (
            (
                "ALTER TABLE t ALTER b SET NOT NULL, ADD CONSTRAINT n NOT NULL b; "
                "ALTER TABLE t ALTER b SET NOT NULL"
            ),
            CHECKED,
        ),
        (
            "ALTER TABLE t ALTER b SET NOT NULL; ALTER TABLE t DROP b; ALTER TABLE t ADD b int NOT NULL",
            [*CHECKED, "ALTER TABLE t DROP b", "ALTER TABLE t ADD COLUMN b int", *CHECKED],
        ),
        (
            "CREATE TABLE t (a int); DELETE FROM t WHERE a = 1; ALTER TABLE t ADD UNIQUE (a)",
            [
                "CREATE TABLE t (a int)",
                "DELETE FROM t WHERE a = 1",
                "CREATE UNIQUE INDEX ASYNC t_a_key ON t (a)",
                "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key",
            ],
        ),
        (
            (
                "CREATE TABLE t (a int PRIMARY KEY, b int NOT NULL); ALTER TABLE t DROP CONSTRAINT t_pkey; "
                "ALTER TABLE t ADD PRIMARY KEY (b)"
            ),
            ["CREATE TABLE t (a int NOT NULL, b int NOT NULL, PRIMARY KEY (b))"],
        ),
        (
            (
                "CREATE TABLE t (a int NOT NULL); ALTER TABLE t ALTER a DROP NOT NULL; "
                "ALTER TABLE t ADD PRIMARY KEY (a)"
            ),
            ["CREATE TABLE t (a int, PRIMARY KEY (a))"],
        ),
        (
            (
                "CREATE TABLE t (a int NULL); ALTER TABLE IF EXISTS t DROP CONSTRAINT IF EXISTS u; "
                "ALTER TABLE t ALTER a SET NOT NULL, ADD CONSTRAINT u UNIQUE (a)"
            ),
            ["CREATE TABLE t (a int NOT NULL, CONSTRAINT u UNIQUE (a))"],
        ),
        (
            "CREATE TABLE t (a text PRIMARY KEY); ALTER TABLE t ADD UNIQUE (a)",
            [
                "CREATE TABLE t (a text PRIMARY KEY)",
                "CREATE UNIQUE INDEX ASYNC t_a_key ON t (a)",
                "ALTER TABLE t ADD CONSTRAINT t_a_key UNIQUE USING INDEX t_a_key",
            ],
        ),
        (
            "CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b; ALTER TABLE t ADD PRIMARY KEY (b)",
            ["CREATE TABLE t (a int, PRIMARY KEY (a))", "ALTER TABLE t RENAME a TO b"],
        ),
        (
            "CREATE TABLE t (a int); ALTER TABLE t RENAME a TO b; ALTER TABLE t ADD a int",
            ["CREATE TABLE t (a int)", "ALTER TABLE t RENAME a TO b", "ALTER TABLE t ADD a int"],
        ),
        (
            "CREATE TABLE t (a int); ALTER TABLE t ALTER a TYPE bigint, ALTER a SET DEFAULT 1",
            ["CREATE TABLE t (a bigint)", "ALTER TABLE t ALTER COLUMN a SET DEFAULT 1"],
        ),
        (
            "CREATE TABLE t (a varchar(5)); INSERT INTO t VALUES ('x'); ALTER TABLE t ALTER a TYPE text",
            ["CREATE TABLE t (a text)", "INSERT INTO t VALUES ('x')"],
        ),
        (
            (
                "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a); "
                "ALTER TABLE t ADD PRIMARY KEY USING INDEX i"
            ),
            ["CREATE TABLE t (a int, CONSTRAINT i PRIMARY KEY (a))"],
        ),
        (
            (
                "CREATE TABLE t (a int); CREATE TABLE IF NOT EXISTS t (b int); "
                "ALTER TABLE t ADD COLUMN IF NOT EXISTS a int"
            ),
            ["CREATE TABLE t (a int)"],
        ),
        (
            "CREATE TABLE IF NOT EXISTS t (a int); ALTER TABLE t ADD b int",
            ["CREATE TABLE IF NOT EXISTS t (a int)", "ALTER TABLE t ADD b int"],
        ),
        (
            (
                "CREATE SCHEMA s CREATE TABLE t (a int) CREATE VIEW v AS SELECT a FROM t GRANT SELECT ON "
                "t TO PUBLIC"
            ),
            [
                "CREATE SCHEMA s",
                "CREATE TABLE s.t (a int)",
                "CREATE VIEW s.v AS SELECT a FROM s.t",
                "GRANT select ON s.t TO public",
            ],
        ),
    ],
)
def test_a_change_moves_only_where_nothing_between_can_tell(script: str, expected: list[str]) -> None:
    assert queries(script) == expected


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE t (a int); CREATE TABLE u (LIKE t INCLUDING ALL); ALTER TABLE t ADD PRIMARY KEY (a)",
        "CREATE TABLE t (a int PRIMARY KEY); UPDATE t SET a = 1; ALTER TABLE t DROP CONSTRAINT t_pkey",
        "CREATE TABLE t (a int PRIMARY KEY, b int); ALTER TABLE t DROP COLUMN a",
        "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e); ALTER TYPE e RENAME VALUE 'a' TO 'b'",
        "CREATE EXTENSION x; CREATE TABLE t (a x_type)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS ''; SELECT f()",
        "ALTER TABLE t ADD b int GENERATED ALWAYS AS (a + 1) STORED",
    ],
)
def test_what_has_no_form_stops_everything(script: str) -> None:
    assert planned(script).blocked


def test_a_late_key_with_changed_rows_asks_a_human() -> None:
    script = "CREATE TABLE t (a int); UPDATE t SET a = 1; ALTER TABLE t ADD PRIMARY KEY (a)"
    assert queries(script) == ["CREATE TABLE t (a int, PRIMARY KEY (a))", "UPDATE t SET a = 1"]
    assert any("rows are changed before" in note for note in by_hand(script))


TWO = (
    "CREATE SEQUENCE s CACHE 1; CREATE TABLE t (a int NOT NULL); CREATE TABLE u (a int NOT NULL); "
    "ALTER SEQUENCE s OWNED BY t.a; "
)
BARE = "CREATE SEQUENCE s CACHE 1; CREATE TABLE t (a int NOT NULL); "


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            (
                f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s'); "
                f"ALTER TABLE u ALTER a SET DEFAULT nextval('s')"
            ),
            False,
        ),
        (f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s')", True),
        (f"{BARE}ALTER TABLE t ALTER a SET DEFAULT nextval('s')", False),
        (f"{TWO}INSERT INTO t DEFAULT VALUES; ALTER TABLE t ALTER a SET DEFAULT nextval('s')", False),
        (f"{TWO}COPY t (a) FROM stdin;\n1\n\\.\nALTER TABLE t ALTER a SET DEFAULT nextval('s')", True),
        (f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s'); ALTER TABLE t ALTER a DROP DEFAULT", False),
        (f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s'); CREATE VIEW v AS SELECT nextval('s')", False),
        (f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s'); GRANT ALL ON SEQUENCE s TO PUBLIC", True),
        (f"{TWO}ALTER TABLE t ALTER a SET DEFAULT nextval('s'); ALTER SEQUENCE s RENAME TO r", False),
    ],
)
def test_a_sequence_becomes_an_identity_only_where_nothing_can_tell(script: str, *, expected: bool) -> None:
    found = queries(script)
    assert any("GENERATED BY DEFAULT AS IDENTITY" in query for query in found) is expected
    assert any(query.startswith("CREATE SEQUENCE") for query in found) is not expected
    assert all("t_a_seq" in query for query in found if query.startswith("GRANT"))


LOST = (
    "CREATE FUNCTION f(a int, b int DEFAULT 1) RETURNS int LANGUAGE plpgsql AS ''; "
    "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT f(1)'; "
)


@pytest.mark.parametrize(
    "hanging",
    [
        "COMMENT ON FUNCTION f(int, int) IS 'x'",
        "GRANT EXECUTE ON FUNCTION f TO PUBLIC",
        "REVOKE ALL ON FUNCTION g() FROM PUBLIC",
        "ALTER FUNCTION f(int, int) OWNER TO joe",
        "DROP FUNCTION g()",
        "CREATE VIEW v AS SELECT g(); COMMENT ON VIEW v IS 'x'; CREATE VIEW w AS SELECT * FROM v",
        "CREATE FUNCTION h() RETURNS int LANGUAGE sql RETURN g()",
    ],
)
def test_what_hangs_on_something_left_out_is_left_out_with_it(hanging: str) -> None:
    assert queries(LOST + hanging) == []


def test_a_function_of_another_signature_is_another_function() -> None:
    assert queries(
        LOST + "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; COMMENT ON FUNCTION f() IS 'x'"
    )


def test_a_table_is_made_without_what_needs_a_lost_function() -> None:
    script = LOST + (
        "CREATE TABLE t (a int DEFAULT g(), b int CHECK (b > f(1)), c int GENERATED ALWAYS AS (f(a)) STORED, "
        "CHECK (g() > 1)); CREATE INDEX ON t (f(a)); ALTER TABLE t ALTER b SET DEFAULT g()"
    )
    assert queries(script) == ["CREATE TABLE t (a int, b int, c int)"]
    assert len([why for why in by_hand(script) if "which is left out" in why]) == 7


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ("a int, CONSTRAINT n NOT NULL a", "a int NOT NULL"),
        ("a int, b int GENERATED ALWAYS AS (a * 2)", "a int, b int GENERATED ALWAYS AS (a * 2) STORED"),
        ("a int CHECK (a > 1) NOT ENFORCED", "a int"),
        ("a int, CHECK (a > 1) NOT ENFORCED, CHECK (a > 2)", "a int, CONSTRAINT t_a_check1 CHECK (a > 2)"),
        ("a int REFERENCES o NOT ENFORCED DEFERRABLE", "a int"),
        (
            "a int REFERENCES o DEFERRABLE INITIALLY DEFERRED",
            "a int REFERENCES o DEFERRABLE INITIALLY DEFERRED",
        ),
        ("a int UNIQUE DEFERRABLE INITIALLY DEFERRED", "a int UNIQUE"),
        ("a int, UNIQUE (a) NOT DEFERRABLE", "a int, UNIQUE (a) NOT DEFERRABLE"),
        (
            "a int, b int, PRIMARY KEY (a) INCLUDE (b) WITH (fillfactor = 50)",
            "a int, b int, PRIMARY KEY (a) INCLUDE (b)",
        ),
        (
            "a int, UNIQUE NULLS NOT DISTINCT (a) USING INDEX TABLESPACE x",
            "a int, UNIQUE NULLS NOT DISTINCT (a)",
        ),
        ("a int, EXCLUDE USING gist (a WITH =)", "a int"),
        ("a int, b daterange, UNIQUE (a, b WITHOUT OVERLAPS)", "a int, b text"),
        (
            "a uuid DEFAULT uuidv4(), b uuid DEFAULT public.uuid_generate_v4()",
            "a uuid DEFAULT gen_random_uuid(), b uuid DEFAULT gen_random_uuid()",
        ),
        ("a uuid DEFAULT uuidv7()", "a uuid DEFAULT gen_random_uuid()"),
        ("a numeric, b decimal(5, 2), c numeric(5)", "a numeric(38, 18), b numeric(5, 2), c numeric(5)"),
        ("a money DEFAULT '$1,234.50'", "a numeric(19, 4) DEFAULT '1234.50'"),
        ("a inet DEFAULT '10.0.0.1'::inet", "a text DEFAULT '10.0.0.1'"),
        ("a varchar(70000)", "a text"),
        ("a int4range, CHECK (lower(a) > 1), b int CHECK (b > 1)", "a text, b int CHECK (b > 1)"),
    ],
)
def test_a_table_gets_the_forms_that_a_cluster_has(definition: str, expected: str) -> None:
    (made,) = queries(f"CREATE TABLE t ({definition})")
    assert made == f"CREATE TABLE t ({expected})"


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("CREATE TABLE t (a int UNIQUE DEFERRABLE)", "DEFERRABLE left out"),
        ("CREATE TABLE t (a int, EXCLUDE USING gist (a WITH =))", "EXCLUDE left out"),
        ("CREATE TABLE t (a uuid DEFAULT uuidv7())", "not in the order of their time"),
        ("CREATE TABLE t (a citext)", "ignore case"),
        ("CREATE TABLE t (a x_type)", "unknown"),
        ("CREATE TABLE t (a int DEFAULT my_function())", "neither PostgreSQL 16's nor made here"),
        ("CREATE VIEW v AS SELECT my_function()", "neither PostgreSQL 16's nor made here"),
        ("CREATE FUNCTION f() RETURNS text RETURN json_value('{}', '$.a')", "is not PostgreSQL 16's"),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM t RETURNING old.a'",
            "is not PostgreSQL 16's",
        ),
        ("CREATE UNIQUE INDEX ON t USING gist (a)", "b-trees"),
        (
            "CREATE TYPE e AS ENUM ('lo', 'hi'); CREATE TABLE t (x e); CREATE VIEW v AS SELECT max(x) FROM t",
            "was an enum",
        ),
        ("CREATE TABLE t (r inet); CREATE VIEW v AS SELECT host(r) FROM t", "was of type inet"),
        ("CREATE TABLE t (r inet); CREATE INDEX ON t (host(r))", "was of type inet"),
        ("CREATE TABLE t (r int[]); CREATE VIEW v AS SELECT r[1] FROM t", "r was an array and is jsonb"),
        ("CREATE TABLE t (r int[]); CREATE UNIQUE INDEX ON t (r)", "uniqueness is lost"),
        ("GRANT SELECT ON t TO joe", "the role joe is there"),
        (
            "CREATE TABLE t (a int); CREATE INDEX ON t (" + ", ".join(f"(a + {n})" for n in range(9)) + ")",
            "8 columns",
        ),
    ],
)
def test_what_is_lost_needs_a_human(script: str, why: str) -> None:
    found = by_hand(script)
    assert any(why in one for one in found), found


@pytest.mark.parametrize(
    ("indexes", "names"),
    [
        ("CREATE INDEX ON t (a)", ["t_a_idx"]),
        (
            "CREATE INDEX ON t (a); CREATE INDEX ON t (a); CREATE UNIQUE INDEX ON t (a)",
            ["t_a_idx", "t_a_idx1", "t_a_idx2"],
        ),
        ("CREATE INDEX ON t (lower(b), (a + 1), (a + 2)) INCLUDE (c)", ["t_lower_expr_expr1_c_idx"]),
        ("CREATE INDEX ON t ((b::date))", ["t_b_idx"]),
        ("CREATE INDEX ON t (coalesce(a, 1))", ["t_coalesce_idx"]),
        ("CREATE INDEX t_a_idx ON u (b); CREATE INDEX ON t (a)", ["t_a_idx", "t_a_idx1"]),
        (f"CREATE INDEX ON t ({'b' * 60})", ["t_" + "b" * 57 + "_idx"]),
        ("CREATE INDEX IF NOT EXISTS i ON t (a); CREATE INDEX IF NOT EXISTS i ON t (b)", ["i"]),
    ],
)
def test_an_index_has_the_name_that_postgresql_gives_it(indexes: str, names: list[str]) -> None:
    made = (query for query in queries(indexes) if "INDEX" in query)
    assert [query.replace("IF NOT EXISTS ", "").split("ASYNC ")[1].split(" ")[0] for query in made] == names


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ("a DESC", "a"),
        ("a DESC NULLS LAST", "a NULLS FIRST"),
        ("a DESC NULLS FIRST", "a"),
        ("a NULLS FIRST", "a NULLS FIRST"),
        ('b COLLATE "C" text_pattern_ops', "b"),
    ],
)
def test_an_index_read_backwards_has_its_nulls_where_they_were(elements: str, expected: str) -> None:
    (made,) = queries(f"CREATE INDEX i ON t ({elements})")
    assert made == f"CREATE INDEX ASYNC i ON t ({expected})"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "CREATE TYPE e AS ENUM ('a', 'b'); CREATE DOMAIN d AS e NOT NULL DEFAULT 'a'",
            ["CREATE DOMAIN d AS varchar(63) NOT NULL DEFAULT 'a' CHECK (value IN ('a', 'b'))"],
        ),
        (
            (
                "CREATE TYPE e AS ENUM ('a'); "
                "CREATE FUNCTION f(x e) RETURNS bool LANGUAGE sql AS $$ SELECT x = 'a'::e $$"
            ),
            ["CREATE FUNCTION f(x varchar) RETURNS bool LANGUAGE sql AS $$SELECT x = 'a'::varchar$$"],
        ),
        (
            (
                "CREATE TYPE e AS ENUM ('a', 'b'); "
                "ALTER TYPE e ADD VALUE 'c' BEFORE 'b'; ALTER TYPE e RENAME TO f; "
                "CREATE TABLE t (x f)"
            ),
            ["CREATE TABLE t (x varchar(63) CHECK (x IN ('a', 'c', 'b')))"],
        ),
        (
            (
                "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'; "
                "CREATE TABLE t (a int)"
            ),
            [
                "CREATE TABLE t (a int)",
                "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'",
            ],
        ),
        (
            (
                "CREATE TABLE t (a int CHECK (a > 1)); "
                "ALTER TABLE t ADD CHECK (a > 2), ADD FOREIGN KEY (a) REFERENCES o"
            ),
            [
                "CREATE TABLE t (a int CHECK (a > 1))",
                "ALTER TABLE t ADD CONSTRAINT t_a_check1 CHECK (a > 2) NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT t_a_check1",
                "ALTER TABLE t ADD CONSTRAINT t_a_fkey FOREIGN KEY (a) REFERENCES o NOT VALID",
                "ALTER TABLE ASYNC t VALIDATE CONSTRAINT t_a_fkey",
            ],
        ),
        (
            "CREATE TABLE t (a serial); ALTER TABLE t ALTER a SET DEFAULT -3",
            [
                "CREATE SEQUENCE public.t_a_seq CACHE 1",
                "CREATE TABLE t (a int NOT NULL DEFAULT nextval('public.t_a_seq'))",
                "ALTER SEQUENCE public.t_a_seq OWNED BY public.t.a",
                "ALTER TABLE t ALTER a SET DEFAULT -3",
            ],
        ),
        (
            (
                "CREATE TABLE t (a bigint GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME s CACHE 1)); "
                "ALTER SEQUENCE s RESTART"
            ),
            [
                "CREATE TABLE t (a bigint GENERATED ALWAYS AS IDENTITY (CACHE 1 ))",
                "ALTER SEQUENCE public.t_a_seq RESTART",
            ],
        ),
        (
            "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (x e, CHECK (x <> 'b'))",
            ["CREATE TABLE t (x varchar(63) CONSTRAINT t_x_enum_check CHECK (x IN ('a')), CHECK (x <> 'b'))"],
        ),
        (
            "ALTER ROLE app IN DATABASE shop SET search_path = shop, public; ALTER ROLE app RESET jit",
            ["ALTER ROLE app SET search_path TO shop, public", "ALTER ROLE app RESET jit"],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a) INCLUDE (b)",
            [
                "CREATE UNIQUE INDEX ASYNC u ON t (a) INCLUDE (b) NULLS NOT DISTINCT",
                "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX u",
            ],
        ),
    ],
)
def test_types_functions_and_constraints_are_carried_over(script: str, expected: list[str]) -> None:
    assert queries(script) == expected


LEFT_OUT = (
    (
        "DROP TYPE IF EXISTS x; DROP AGGREGATE IF EXISTS x(int); DROP EXTENSION IF EXISTS x; "
        "DROP POLICY IF EXISTS x ON t"
    ),
    "REINDEX TABLE t; CLUSTER t USING i; CHECKPOINT; VACUUM t; DROP DATABASE IF EXISTS x; CREATE DATABASE x",
    "SELECT pg_catalog.pg_restore_relation_stats('relname', 't'); SECURITY LABEL ON TABLE t IS 'x'; LISTEN x",
    (
        "CREATE PUBLICATION x; CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION f(); "
        "CREATE RULE x AS ON INSERT TO t DO NOTHING"
    ),
    (
        "CREATE AGGREGATE x(int) (sfunc = int4pl, stype = int); "
        "CREATE CAST (int AS text) WITH INOUT; CREATE LANGUAGE x"
    ),
    (
        "ALTER TYPE x OWNER TO joe; ALTER DATABASE x SET a TO b; ALTER ROLE joe SET jit TO off; "
        "CREATE TABLESPACE x LOCATION '/x'"
    ),
    (
        "CREATE SERVER x FOREIGN DATA WRAPPER y; CREATE USER MAPPING FOR joe SERVER x; "
        "ALTER EXTENSION x UPDATE; REASSIGN OWNED BY a TO b"
    ),
    "CREATE TYPE x AS ENUM ('a'); COMMENT ON TYPE x IS 'y'; GRANT USAGE ON TYPE x TO PUBLIC; DROP TYPE x",
)


@pytest.mark.parametrize("script", LEFT_OUT)
def test_what_changes_nothing_of_the_data_is_left_out(script: str) -> None:
    plan = planned(script)
    assert (plan.blocked, plan.steps) == ((), ())
    assert len(plan.skipped) == script.count(";") + 1


@pytest.mark.parametrize(
    ("columns", "is_mixed"),
    [
        ("b text_pattern_ops, a DESC NULLS LAST", True),
        ("a DESC, b ASC", True),
        ("lower(b) DESC, a", True),
        ("a DESC", False),
        ("a DESC, b DESC", False),
        ("a DESC) INCLUDE (b", False),
    ],
)
def test_what_an_index_of_mixed_directions_no_longer_serves_is_said(columns: str, *, is_mixed: bool) -> None:
    notes = "; ".join(planned(f"CREATE INDEX i ON t ({columns})").steps[0].notes)
    assert ("sorts its rows" in notes) is is_mixed
    assert ("read either way" in notes) is not is_mixed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT m + m AS s FROM t", ["s: was of type money, is numeric"]),
        ("SELECT m, m AS x, * FROM t", []),
        ("SELECT *, coalesce(i, '::1') AS z FROM t", ["z: was of type inet, is text"]),
        ("SELECT array_agg(e) FROM t", ["array_agg: an array of what was an enum, is varchar[]"]),
        ("SELECT m FROM t UNION ALL SELECT m + m FROM t", ["m: was of type money, is numeric"]),
        ("SELECT n + 1 AS x, count(m) FROM t", []),
    ],
)
def test_a_column_of_a_view_that_is_computed_says_which_type_it_has(query: str, expected: list[str]) -> None:
    base = "CREATE TYPE e AS ENUM ('a'); CREATE TABLE t (m money, i inet, e e, n numeric);"
    step = migration.plan(convert(f"{base} CREATE VIEW v AS {query}")).steps[-1]
    assert [note for note in step.notes if "was" in note and "casts" not in note] == expected


@pytest.mark.parametrize(
    "statement",
    [
        "COMMENT ON FUNCTION lower(text) IS 'x'",
        "COMMENT ON FUNCTION pg_catalog.lower(text) IS 'x'",
        "COMMENT ON COLUMN pg_catalog.pg_class.relname IS 'x'",
        "COMMENT ON SCHEMA information_schema IS 'x'",
        "COMMENT ON ROLE somebody IS 'x'",
        "GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO PUBLIC",
        "REVOKE ALL ON pg_catalog.pg_class FROM PUBLIC",
    ],
)
def test_what_is_about_postgresqls_own_objects_is_left_out(statement: str) -> None:
    assert queries(f"{statement}; CREATE TABLE t (a int)") == ["CREATE TABLE t (a int)"]
    assert len(by_hand(statement)) == 1


def test_a_drop_of_postgresqls_own_stops() -> None:
    assert [left.line for left in planned("DROP FUNCTION lower(text)").blocked] == [1]


def test_a_function_of_the_script_may_have_the_name_of_one_of_postgresqls() -> None:
    made = "CREATE FUNCTION lower(a int) RETURNS int LANGUAGE sql AS 'SELECT a'"
    assert len(queries(f"{made}; COMMENT ON FUNCTION lower(int) IS 'x'; DROP FUNCTION lower(int)")) == 3


@pytest.mark.parametrize("how", ["", "IF NOT EXISTS "])
def test_an_identity_stays_not_null(how: str) -> None:
    made = f"CREATE TABLE {how}t (a int, b smallserial)"
    assert len(queries(f"{made}; ALTER TABLE t ALTER b DROP NOT NULL")) == 1
    assert by_hand(f"{made}; ALTER TABLE t ALTER b DROP NOT NULL") == ["b stays NOT NULL, as an identity is"]


@pytest.mark.parametrize(
    ("old", "rows", "is_said"),
    [
        ("varchar(3)", "INSERT INTO t VALUES (1, 'abc   ');", True),
        ("varchar(3)", "", False),
        ("smallint", "INSERT INTO t VALUES (1, 2);", False),
    ],
)
def test_spaces_that_a_shorter_varchar_has_cut_are_said(old: str, rows: str, *, is_said: bool) -> None:
    new = "int" if old == "smallint" else "varchar(10)"
    script = f"CREATE TABLE t (id int PRIMARY KEY, v {old}); {rows} ALTER TABLE t ALTER v TYPE {new};"
    notes = " ".join(note for step in planned(script).steps for note in step.notes)
    assert "v: the type of line 1 is here" in notes
    assert ("keep spaces beyond 3 characters, which PostgreSQL has cut" in notes) == is_said
