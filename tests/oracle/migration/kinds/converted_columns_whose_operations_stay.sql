CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl, b inet, r int4range, v bit(4), n numeric,
    g bool GENERATED ALWAYS AS (l = 'mid') STORED);
INSERT INTO t VALUES (1, 'mid', '9.0.0.1', '[1,6)', B'0101', 1.5), (2, 'high', '10.0.0.1', '[3,4)', B'1000', 2);
CREATE VIEW w AS SELECT id, l AS x, b AS y, r AS z, n AS k FROM t;
CREATE TABLE u (id bigint PRIMARY KEY, s text, c numeric);
INSERT INTO u SELECT id, x || '!', k + 1 FROM w WHERE x IN ('mid', 'low') AND y IS NOT NULL;
INSERT INTO u SELECT id + 10, coalesce(x, 'low')::text, sum(k) OVER (ORDER BY k) FROM (SELECT * FROM w) q;
INSERT INTO u SELECT id + 20, r::text, n FROM t;
INSERT INTO u SELECT id + 30, v::text, n FROM t ORDER BY n DESC LIMIT 1;
INSERT INTO u SELECT id + 40, host(y::inet), 1 FROM w;
UPDATE u SET c = 0 FROM w WHERE w.id = u.id AND w.x = 'mid';
CREATE INDEX i ON t (id) WHERE l = 'mid';
