CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl);
INSERT INTO t VALUES (1, 'low'), (2, 'mid'), (3, 'high');
CREATE TABLE u (id int PRIMARY KEY, s text);
INSERT INTO u SELECT id FROM (SELECT id, l AS z FROM t) q ORDER BY z LIMIT 1;
