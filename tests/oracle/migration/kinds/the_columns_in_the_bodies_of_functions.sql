SET check_function_bodies = false;
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE TABLE u (LIKE t, c int);
ALTER TABLE t ADD COLUMN d int;
ALTER TABLE t RENAME b TO e;
CREATE FUNCTION own(x int, r t) RETURNS bigint LANGUAGE sql AS
    'SELECT t.a + x + own.x + r.a + d FROM t WHERE e IS NOT NULL AND ctid IS NOT NULL AND t IS NOT NULL';
CREATE FUNCTION given() RETURNS TABLE (n bigint, m text) LANGUAGE sql AS
    'WITH q(i, j) AS (SELECT a, e FROM t), w AS (SELECT a AS k FROM t)
     SELECT z.y + k + coalesce, s.column1 FROM (SELECT i AS y, coalesce(i, 1), max FROM q, (SELECT max(a) FROM t) m) z, w,
     (VALUES (''x'', 2)) s ORDER BY s.column2';
CREATE FUNCTION copied() RETURNS bigint LANGUAGE sql AS 'SELECT a + c FROM u';
CREATE FUNCTION called() RETURNS bigint LANGUAGE sql AS 'SELECT ordinality + g FROM generate_series(1, 2) WITH ORDINALITY AS g';
CREATE FUNCTION changed() RETURNS void LANGUAGE sql AS
    'INSERT INTO t (a, e) VALUES (1, NULL) ON CONFLICT (a) DO UPDATE SET e = excluded.e || t.e';
