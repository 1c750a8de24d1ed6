"""Tables, and statements on them that hypothesis makes up, for batches that are compared with PostgreSQL.

``{0}`` stands for the schema. Joins find at most one row for each row that is changed, and volatile
expressions always give the same: so a statement has one right result.
"""

from typing import Final

from hypothesis import strategies as st

TABLES: Final = """
CREATE TABLE {0}.t (id int, k text, a int, b int DEFAULT 2 + (random() * 0)::int, c text DEFAULT 'd',
    PRIMARY KEY (k, id));
CREATE TABLE {0}.o (id int PRIMARY KEY, k int UNIQUE, v int);
CREATE TABLE {0}.p (id int PRIMARY KEY, v int);
CREATE TABLE {0}.dst (v int, id int PRIMARY KEY, n int DEFAULT 5 + (random() * 0)::int, u int UNIQUE);
CREATE TABLE {0}.g (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, b int DEFAULT 3);
CREATE TABLE {0}.c1 (id int PRIMARY KEY, f bool, code int UNIQUE);
CREATE TABLE {0}.c2 (id int PRIMARY KEY, up int REFERENCES {0}.c1 ON DELETE CASCADE,
    code int DEFAULT 3 REFERENCES {0}.c1 (code) ON UPDATE CASCADE ON DELETE SET NULL);
CREATE TABLE {0}.c3 (id int PRIMARY KEY, up int REFERENCES {0}.c2 ON DELETE SET NULL, f bool);
CREATE TABLE {0}.tree (id int PRIMARY KEY, up int REFERENCES {0}.tree ON DELETE CASCADE, f bool);
CREATE TABLE {0}.ring (id int PRIMARY KEY, code int UNIQUE, up int REFERENCES {0}.ring (code)
    ON UPDATE CASCADE ON DELETE SET NULL, f bool)
"""
ROWS: Final = """
DELETE FROM {0}.t; DELETE FROM {0}.o; DELETE FROM {0}.p; DELETE FROM {0}.dst; DELETE FROM {0}.g;
DELETE FROM {0}.c3; DELETE FROM {0}.c2; DELETE FROM {0}.c1; DELETE FROM {0}.tree; DELETE FROM {0}.ring;
INSERT INTO {0}.t SELECT g, CASE g % 3 WHEN 0 THEN '' ELSE (g % 3)::text END, g % 4, g % 5, 'c'
FROM generate_series(1, 23) g;
INSERT INTO {0}.o SELECT g, g - 1, (g * 7) % 5 FROM generate_series(1, 9) g;
INSERT INTO {0}.p SELECT g, nullif(g % 4, 0) FROM generate_series(0, 11) g;
INSERT INTO {0}.dst SELECT g, g, g, g + 20 FROM generate_series(2, 4) g;
INSERT INTO {0}.g SELECT g, g % 4 FROM generate_series(1, 14) g;
INSERT INTO {0}.c1 SELECT g, g % 2 = 0, g * 10 FROM generate_series(1, 9) g;
INSERT INTO {0}.c2 SELECT g, 10 - g, 10 * (1 + g % 9) FROM generate_series(1, 9) g;
INSERT INTO {0}.c3 SELECT g, g, g % 3 = 0 FROM generate_series(1, 9) g;
INSERT INTO {0}.tree SELECT g, nullif(g / 2, 0), g % 3 = 0 FROM generate_series(1, 12) g;
INSERT INTO {0}.ring SELECT g, g, nullif(g / 2, 0), g % 3 = 0 FROM generate_series(1, 12) g
"""
NAMES: Final = ("t", "o", "p", "dst", "g", "c1", "c2", "c3", "tree", "ring")

CONDITIONS = st.sampled_from(
    [
        "t.a < 3",
        "a IN (1, 2)",
        "t.b <> 2",
        "c = 'c'",
        "t.b IN (SELECT o.v FROM {0}.o)",
        "EXISTS (SELECT FROM {0}.o WHERE o.k = t.a)",
        "NOT EXISTS (SELECT FROM {0}.o WHERE o.v = t.a AND o.id > t.b)",
        "t.id > 7",
        "(t.id = 3 OR t.a = 0)",
        "t.a > (SELECT min(v) FROM {0}.p)",
        "(t.k, t.a) IN (SELECT '1', id FROM {0}.p)",
        "random() >= 0",
        "t.b = ANY (ARRAY(SELECT p.v FROM {0}.p))",
        "t.a IS NOT NULL",
        "CASE WHEN t.a = 0 THEN t.b > 1 ELSE true END",
    ]
)
VALUES = st.sampled_from(
    [
        "a + 1",
        "t.b",
        "a * 2 + b",
        "DEFAULT",
        "3",
        "NULL",
        "(SELECT o.v FROM {0}.o WHERE o.id = t.b)",
        "(SELECT sum(p.v) FROM {0}.p WHERE p.id > t.a)",
        "-t.a",
        "id",
        "a + (random() * 0)::int",
        "7 + (random() * 0)::int",
        "length(gen_random_uuid()::text)",
        "coalesce(a, 0) + 1",
        "CASE WHEN b > 2 THEN a ELSE b END",
        "(t).a + 1",
        "length(t.*::text)",
    ]
)
SOURCES = st.sampled_from(
    [
        ("{0}.o", ["o.k = t.a", "o.id = t.id", "o.k = t.b", "o.k = t.a AND o.v <> t.b"]),
        ("{0}.o JOIN {0}.p ON p.id = o.id", ["o.k = t.a", "p.id = t.b"]),
        ("{0}.o LEFT JOIN {0}.p ON p.id = o.v", ["o.k = t.a", "o.id = t.id"]),
        ("{0}.o, {0}.p", ["o.k = t.a AND p.id = o.id", "o.id = t.id AND p.id = t.b"]),
        ("(SELECT k, v, id FROM {0}.o WHERE v > 0) AS o", ["o.k = t.a", "o.id = t.id"]),
        ("(SELECT v AS k, max(id) AS v, count(*) AS id FROM {0}.p GROUP BY v) AS o", ["o.k = t.a"]),
        ("(VALUES (1, 5, 1), (2, 6, 2), (3, 7, 3)) AS o (k, v, id)", ["o.k = t.a", "o.id = t.id"]),
        ("{0}.p AS o (id, k), generate_series(4, 4) AS y (v)", ["o.id = t.a", "o.id = t.id"]),
    ]
)
JOINED = st.sampled_from(["o.k", "t.b", "o.id", "o.id + t.a", "o.k + t.b"])
DELETES = st.sampled_from(
    [
        "DELETE FROM {0}.t USING {0}.o WHERE o.id = t.id",
        "DELETE FROM {0}.t AS x USING {0}.o, {0}.p WHERE o.id = x.id AND p.v = x.a",
        "DELETE FROM {0}.t USING {0}.o JOIN {0}.p ON p.id = o.id WHERE o.k = t.a OR p.id = t.b",
        "DELETE FROM {0}.t USING (SELECT v FROM {0}.p GROUP BY v) y WHERE y.v = t.a",
        "DELETE FROM {0}.t",
        "DELETE FROM {0}.c1 WHERE EXISTS (SELECT FROM {0}.c3 WHERE c3.f AND c3.id <> c1.id)",
        "DELETE FROM {0}.c1 WHERE f",
        "DELETE FROM {0}.c1",
        "DELETE FROM {0}.c2 x WHERE x.up IN (SELECT id FROM {0}.c1 WHERE f)",
        "DELETE FROM {0}.c1 USING {0}.c3 y WHERE y.id = c1.id AND y.up IS NOT NULL",
        "DELETE FROM {0}.tree WHERE f",
        "DELETE FROM {0}.tree WHERE up IS NOT NULL",
        "DELETE FROM {0}.ring WHERE up IS NULL",
        "DELETE FROM {0}.ring WHERE f",
        "DELETE FROM {0}.g WHERE twice > 2",
    ]
)
OTHER_UPDATES = st.sampled_from(
    [
        "UPDATE {0}.c1 SET code = code + 1000",
        "UPDATE {0}.c1 SET code = code + 1000 WHERE id IN (SELECT up FROM {0}.c2)",
        "UPDATE {0}.c1 SET f = NOT f, code = id + 500 WHERE code < 70",
        "UPDATE {0}.ring SET code = code + 100",
        "UPDATE {0}.ring SET code = code + 100 WHERE up IS NULL",
        "UPDATE {0}.ring SET up = NULL WHERE f",
        "UPDATE {0}.tree SET f = NOT f",
        "UPDATE {0}.tree SET up = NULL WHERE f",
        "UPDATE {0}.g SET a = twice",
        "UPDATE {0}.g SET a = twice + 1 WHERE twice < 6",
        "UPDATE {0}.g SET b = twice, a = DEFAULT",
        "UPDATE {0}.g SET a = p.v FROM {0}.p WHERE p.id = g.twice",
        "UPDATE {0}.t SET (a, b) = (b, a)",
        "UPDATE {0}.t SET (a, b) = ROW (b, id)",
        "UPDATE {0}.t SET (a, b) = (SELECT o.v, o.k FROM {0}.o WHERE o.id = t.id)",
        "UPDATE {0}.t AS x SET a = x.b, b = x.a WHERE x.a <> x.b",
        "UPDATE {0}.t a SET a = a.a + 1",
        "UPDATE {0}.t SET c = c || k WHERE c <> 'd'",
        "UPDATE {0}.t SET c = DEFAULT",
    ]
)
CONFLICTS = (
    "",
    "ON CONFLICT DO NOTHING",
    "ON CONFLICT (id) DO NOTHING",
    "ON CONFLICT (u) DO NOTHING",
    "ON CONFLICT (id) DO UPDATE SET n = dst.n + 9",
    "ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n, v = dst.v + 1 WHERE dst.v < 4",
    "ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.id, v = DEFAULT",
    "ON CONFLICT (u) DO UPDATE SET n = dst.n + EXCLUDED.n",
)
SELECTS = (
    "(id, v) SELECT x.k, x.id FROM {0}.t AS x (k, id) WHERE x.k > 4",
    "(id, n) SELECT y.v + 100 * y.id, 1 FROM {0}.o AS y (v, id)",
    "SELECT o.* FROM {0}.o AS o",
    "(n, id) SELECT v, id FROM {0}.o",
    "(n, id) SELECT 1, v FROM {0}.o",
    "(id, u) SELECT o.id, o.id FROM {0}.o WHERE o.v < 4",
    "(id, u) SELECT o.id + 30, o.v + 20 FROM {0}.o",
    "(id, n) SELECT t.id + 50, o.v FROM {0}.t LEFT JOIN {0}.o ON o.id = t.id",
    "(id, n) SELECT o.id + 60, p.v FROM {0}.o JOIN {0}.p USING (id) WHERE p.v IS NOT NULL",
    "(id, n) SELECT o.id, y.m FROM {0}.o JOIN LATERAL (SELECT max(v) m FROM {0}.p WHERE id < o.id) y ON true",
    "(id, n) SELECT id, (SELECT count(*) FROM {0}.p WHERE p.v = o.v) FROM {0}.o",
    "(id) SELECT t.id * 10 + g FROM {0}.t, generate_series(1, 2) g WHERE t.id > 5",
    "(id, v) SELECT id, 1 + (random() * 0)::int FROM {0}.p WHERE random() >= 0",
    "(id, n) SELECT id, length(gen_random_uuid()::text) FROM {0}.p",
    "SELECT v, id FROM {0}.p",
    "(id, v) TABLE {0}.p",
    "(id, v) SELECT p.id, o.id FROM {0}.p CROSS JOIN {0}.o WHERE o.id = 3",
)


@st.composite
def _updates(draw: st.DrawFn) -> str:
    """Draw an UPDATE of one or two columns."""
    condition = " AND ".join(draw(st.lists(CONDITIONS, max_size=2)))
    source, joins = draw(st.just(("", list[str]())) | SOURCES)
    given = draw(st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=2, unique=True))
    sets = [f"{column} = {draw(VALUES if not source else JOINED | VALUES)}" for column in given]
    where = " AND ".join(filter(None, (draw(st.sampled_from(joins)) if joins else "", condition)))
    parts = ("UPDATE {0}.t SET", ", ".join(sets), f"FROM {source}" if source else "")
    return " ".join((*parts, "WHERE" if where else "", where))


@st.composite
def _deletes(draw: st.DrawFn) -> str:
    """Draw a DELETE with conditions."""
    source, joins = draw(st.just(("", list[str]())) | SOURCES)
    conditions = [*(draw(st.lists(CONDITIONS, min_size=1, max_size=2)))]
    if joins:
        conditions.append(draw(st.sampled_from(joins)))
    using = f" USING {source}" if source else ""
    return f"DELETE FROM {{0}}.t{using} WHERE {' AND '.join(conditions)}"  # noqa: S608 - ours


def _insert(select: str, conflict: str) -> str:
    return f"INSERT INTO {{0}}.dst {select} {conflict}"


STATEMENTS = (
    _updates()
    | _deletes()
    | DELETES
    | OTHER_UPDATES
    | st.builds(_insert, st.sampled_from(SELECTS), st.sampled_from(CONFLICTS))
)
