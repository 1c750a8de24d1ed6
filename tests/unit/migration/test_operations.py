"""Operations on columns whose type changes: announced, or stopping the script where rows depend on them."""

import pytest

from awslabs_dsql_mcp.migration.conversion import Conversion
from awslabs_dsql_mcp.migration.converter import convert

TABLES = """
CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl, ip inet, b bit(8), r int4range, m money, n numeric, a int[]);
CREATE VIEW v AS SELECT id, l AS y, ip AS z, m AS q FROM t;
CREATE VIEW w (k, o) AS SELECT * FROM (SELECT id, y FROM v) s;
CREATE TABLE u (id bigint, s text);
"""


def script(*statements: str) -> str:
    return "\n".join([TABLES, *statements])


def blocked(conversion: Conversion) -> list[str]:
    return [left.why for left in conversion.skipped if left.is_blocking]


def announced(conversion: Conversion) -> list[str]:
    last = conversion.statements[-1]
    return [note for note in last.notes if note.startswith("NEEDS A HUMAN")]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO u SELECT id FROM t WHERE l > 'low'",
        "INSERT INTO u SELECT id FROM v WHERE y BETWEEN 'low' AND 'mid'",
        "INSERT INTO u SELECT k FROM w WHERE o < 'mid'",
        "INSERT INTO u SELECT k FROM w ORDER BY o LIMIT 1",
        "INSERT INTO u SELECT id FROM (SELECT id, l AS x FROM t) s WHERE s.x >= 'mid'",
        "INSERT INTO u SELECT c1 FROM (SELECT id, l FROM t) s(c1, c2) WHERE c2 < 'mid'",
        "INSERT INTO u SELECT i FROM t AS z(i, j) ORDER BY j LIMIT 1",
        "WITH c(i, x) AS (SELECT id, l FROM t) INSERT INTO u SELECT i FROM c WHERE x > 'low'",
        "INSERT INTO u WITH c AS (SELECT id, l AS x FROM t) SELECT id FROM c ORDER BY x LIMIT 1",
        "WITH d AS (DELETE FROM t RETURNING id, l AS x) INSERT INTO u SELECT id FROM d WHERE x > 'low'",
        "INSERT INTO u SELECT id, l FROM t ORDER BY 2 LIMIT 1",
        "INSERT INTO u SELECT id, x FROM (SELECT 0 id, NULL x UNION SELECT id, l FROM t) s ORDER BY x",
        "INSERT INTO u SELECT row_number() OVER (PARTITION BY id ORDER BY ip) FROM t",
        "INSERT INTO u SELECT rank() OVER win FROM t WINDOW win AS (ORDER BY l)",
        "INSERT INTO u SELECT 1, max(coalesce(l, 'low')) FROM t",
        "INSERT INTO u SELECT 1, greatest(l, 'mid') FROM t",
        "INSERT INTO u SELECT 1, string_agg(id::text, ',' ORDER BY r) FROM t",
        "INSERT INTO u SELECT id, z::text FROM v",
        "INSERT INTO u SELECT id, z FROM v",
        "INSERT INTO u SELECT b::int FROM t",
        "INSERT INTO u SELECT upper(x) FROM (SELECT r AS x FROM t) s",
        "INSERT INTO u SELECT id, (m * 1.005)::numeric::text FROM t",
        "INSERT INTO u SELECT (q / 3)::numeric FROM v",
        "INSERT INTO u SELECT 1, concat(sum(q)) FROM v",
        "INSERT INTO u SELECT id FROM t ORDER BY a DESC LIMIT 1",
        "INSERT INTO u SELECT id, to_jsonb(t) FROM t",
        "UPDATE u SET id = 0 FROM v WHERE v.y > 'low'",
        "UPDATE u SET s = z FROM v",
        "DELETE FROM u USING v WHERE v.id = u.id AND y < 'high'",
        "DELETE FROM u WHERE id IN (SELECT id FROM v ORDER BY y LIMIT 1)",
        "CREATE TABLE g (l lvl, ok bool GENERATED ALWAYS AS (l > 'low') STORED)",
        "CREATE TABLE g (ip inet, h text GENERATED ALWAYS AS (host(ip)) STORED)",
        "INSERT INTO u SELECT 1, s FROM unnest(enum_range(NULL::lvl)) AS e(s)",
    ],
)
def test_rows_that_depend_on_what_a_type_was_stop_the_script(statement: str) -> None:
    assert not blocked(convert(TABLES))
    assert blocked(convert(TABLES + statement))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO u SELECT id FROM v WHERE y = 'low' OR y IN ('mid', 'high') OR y IS NULL",
        "INSERT INTO u SELECT id, coalesce(y, 'low') || 'x' FROM v",
        "INSERT INTO u SELECT id, l::text FROM t",
        "INSERT INTO u SELECT count(z) FROM v GROUP BY y",
        "INSERT INTO u SELECT id, r::text FROM t",
        "INSERT INTO u SELECT id, host(z::inet) FROM v",
        "INSERT INTO u SELECT 1 FROM t WHERE m > '1' ORDER BY m",
        "INSERT INTO u SELECT n + 1 FROM t ORDER BY n",
        "INSERT INTO u SELECT x.id, x.l FROM t JOIN (SELECT id, 'a' AS l FROM u) x USING (id) ORDER BY x.l",
        "UPDATE u SET id = id + 1 FROM t WHERE t.l = 'low'",
        "DELETE FROM u USING v WHERE v.id = u.id AND y <> 'high'",
        "CREATE TABLE g (l lvl, CHECK (l <> 'low'), ok bool GENERATED ALWAYS AS (l = 'mid') STORED)",
        "CREATE INDEX ON t (id) WHERE l = 'low'",
        "CREATE DOMAIN d AS lvl CHECK (VALUE <> 'low')",
        "CREATE DOMAIN d AS money CHECK (VALUE > '1')",
        "CREATE DOMAIN d AS text; ALTER DOMAIN d SET DEFAULT '{}'",
    ],
)
def test_operations_with_the_same_result_are_not_announced(statement: str) -> None:
    conversion = convert(TABLES + statement)
    assert not blocked(conversion)
    assert not announced(conversion)
    assert not [left.why for left in conversion.skipped if left.needs_review]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW x AS SELECT k FROM w ORDER BY o LIMIT 1",
        "CREATE VIEW x AS SELECT id FROM (SELECT id, y AS e FROM v) s WHERE e < 'mid'",
        "CREATE VIEW x AS SELECT q * 1.005 FROM v",
        "CREATE VIEW x AS SELECT q::text FROM v",
        "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM v WHERE y > ''low'''",
        "SELECT id FROM v ORDER BY y",
        "INSERT INTO u SELECT id, n::text FROM t",
        "INSERT INTO u SELECT id, n FROM t",
        "INSERT INTO u SELECT n / 3 FROM t",
        "CREATE TABLE g (l lvl, CHECK (l < 'high'))",
        "CREATE TABLE g (m money, CHECK (m / 3 > '1'))",
        "CREATE TABLE g (x xml CHECK (x IS DOCUMENT))",
        "CREATE DOMAIN d AS lvl CHECK (VALUE > 'low')",
        "CREATE DOMAIN d AS money CHECK (VALUE / 3 > '1')",
        "CREATE DOMAIN d AS inet; CREATE DOMAIN e AS d CHECK (VALUE << '10.0.0.0/8')",
    ],
)
def test_another_result_is_announced(statement: str) -> None:
    conversion = convert(TABLES + statement)
    assert not blocked(conversion)
    assert announced(conversion)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ON t (id) WHERE l > 'low'",
        "CREATE UNIQUE INDEX ON t ((l > 'low'))",
        "CREATE VIEW x AS SELECT enum_first(NULL::lvl) AS e",
        "ALTER TABLE t ADD CONSTRAINT c CHECK (l < 'high')",
    ],
)
def test_what_would_mean_something_else_is_left_out_for_a_human(statement: str) -> None:
    conversion = convert(TABLES + statement)
    assert [left for left in conversion.skipped if left.needs_review] or announced(conversion)


def test_a_renamed_view_is_followed_and_a_dropped_one_forgotten() -> None:
    renamed = "ALTER VIEW v RENAME COLUMN y TO e; ALTER VIEW v RENAME TO v2;"
    assert blocked(convert(script(renamed, "DELETE FROM u USING v2 WHERE e > 'low'")))
    dropped = "DROP VIEW w; CREATE VIEW w AS SELECT id AS k, s AS o FROM u;"
    assert not blocked(convert(script(dropped, "DELETE FROM u USING w WHERE o > 'low'")))


def test_a_chain_of_thousands_of_operators_is_read() -> None:
    chain = " + ".join(["n"] * 3000)
    assert not blocked(convert(script("INSERT INTO u SELECT", chain, "FROM t")))


EQUALS = """
CREATE COLLATION ci (provider = icu, locale = 'und', deterministic = false);
CREATE COLLATION also FROM ci;
CREATE DOMAIN name AS text COLLATE ci;
CREATE TABLE t (id int, b citext, c text COLLATE also, d name);
CREATE VIEW v AS SELECT id, b AS q, c AS r FROM t;
CREATE TABLE u (id bigint, s text, b text);
"""


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM t WHERE b = 'a'",
        "DELETE FROM t WHERE c <> 'a'",
        "DELETE FROM t WHERE d IN ('a', 'b')",
        "DELETE FROM t WHERE b LIKE 'a%'",
        "DELETE FROM t WHERE b::text::citext = 'a'",
        "DELETE FROM t WHERE c::text = 'a'",
        "DELETE FROM t WHERE 'A' COLLATE ci = 'a'",
        "DELETE FROM t WHERE b COLLATE \"C\" = 'a'",
        "DELETE FROM t WHERE id IN (SELECT id FROM v WHERE q = 'a')",
        "DELETE FROM t WHERE id IN (SELECT id FROM v WHERE r IS DISTINCT FROM 'a')",
        "DELETE FROM u WHERE s IN (SELECT b FROM t)",
        "DELETE FROM u USING t WHERE u.s = t.b",
        "UPDATE u SET id = CASE q WHEN 'a' THEN 1 ELSE 2 END FROM v",
        "UPDATE u SET s = NULLIF(q, 'a') FROM v",
        "INSERT INTO u SELECT DISTINCT id, q FROM v",
        "INSERT INTO u SELECT DISTINCT ON (c) id, 'x' FROM t",
        "INSERT INTO u SELECT count(*), q FROM v GROUP BY q",
        "INSERT INTO u SELECT count(*), q FROM v GROUP BY 2",
        "INSERT INTO u SELECT count(DISTINCT b), 'x' FROM t",
        "INSERT INTO u SELECT row_number() OVER (PARTITION BY c), 'x' FROM t",
        "INSERT INTO u SELECT row_number() OVER w, 'x' FROM t WINDOW w AS (PARTITION BY c)",
        "INSERT INTO u SELECT id, b FROM t UNION SELECT id, s FROM u",
        "INSERT INTO u SELECT t.id, 'x' FROM t JOIN u USING (b)",
        "INSERT INTO u SELECT t.id, 'x' FROM t NATURAL JOIN u",
        "INSERT INTO t VALUES (1, 'a') ON CONFLICT (b) DO NOTHING",
        "INSERT INTO t VALUES (1, 'a') ON CONFLICT DO NOTHING",
    ],
)
def test_a_change_that_depends_on_what_was_equal_stops_the_script(statement: str) -> None:
    assert len(blocked(convert(EQUALS + statement))) >= 1


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO t VALUES (1, 'A', 'B', 'C')",
        "INSERT INTO t VALUES (1, 'A'::citext)",
        "INSERT INTO u SELECT id, q FROM v",
        "INSERT INTO u SELECT id, b || c FROM t UNION ALL SELECT id, b FROM t",
        "DELETE FROM t WHERE lower(b) = 'a'",
        "DELETE FROM t WHERE b::text = 'a'",
        "DELETE FROM t WHERE c COLLATE \"C\" = 'a'",
        "INSERT INTO t VALUES (1, 'a') ON CONFLICT (id) DO NOTHING",
    ],
)
def test_a_change_that_compares_no_such_text_is_carried_over(statement: str) -> None:
    assert blocked(convert(EQUALS + statement)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM t WHERE b = 'a'",
        "CREATE TABLE k (b citext PRIMARY KEY)",
        "CREATE TABLE k (b text COLLATE ci, UNIQUE (b))",
        "CREATE UNIQUE INDEX ON t (c)",
    ],
)
def test_what_is_not_equal_any_more_is_announced(statement: str) -> None:
    assert any("byte" in note for note in announced(convert(EQUALS + statement)))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW w AS SELECT id FROM t WHERE b = 'a'; DELETE FROM u WHERE id IN (SELECT id FROM w)",
        (
            "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM t WHERE c = 'a' $$;"
            "INSERT INTO u SELECT f()"
        ),
    ],
)
def test_what_compares_such_a_text_is_left_out_with_what_needs_it(statement: str) -> None:
    conversion = convert(EQUALS + statement)
    assert len(blocked(conversion)) == 1
    assert any("byte by byte" in left.why for left in conversion.skipped)


@pytest.mark.parametrize(
    "view",
    [
        "CREATE VIEW x AS SELECT id FROM t WHERE l > 'low';",
        "CREATE VIEW y2 AS SELECT id FROM t ORDER BY l LIMIT 1; CREATE VIEW x AS SELECT id FROM y2;",
        "CREATE VIEW y2 AS SELECT max(l) AS id FROM t; ALTER VIEW y2 RENAME TO x;",
    ],
)
def test_a_change_that_reads_a_view_with_other_rows_stops_the_script(view: str) -> None:
    assert len(blocked(convert(script(view, "DELETE FROM u WHERE EXISTS (SELECT id FROM x)")))) == 1
    assert (
        blocked(convert(script(view, "DROP VIEW x; CREATE VIEW x AS SELECT id FROM t; DELETE FROM u"))) == []
    )
