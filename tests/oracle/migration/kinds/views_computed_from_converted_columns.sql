CREATE TYPE e AS ENUM ('a', 'b');
CREATE TABLE t (id int PRIMARY KEY, m money, i inet, x xml, e e, n numeric);
CREATE VIEW v AS SELECT id, m + m AS twice, coalesce(i, '::1') AS i, CASE WHEN true THEN x END AS y, n + 1 AS n,
    coalesce(e, 'b') AS f, lag(m) OVER (ORDER BY id) AS before, coalesce(m, '0') AS o FROM t;
CREATE VIEW w AS SELECT *, twice + twice AS k FROM v;
CREATE VIEW s (a, b, c) AS SELECT sum(m), array_agg(e), count(*) FROM t;
CREATE VIEW u AS SELECT m + m AS m, coalesce(i, '::1') FROM t UNION ALL SELECT m, i FROM t;
