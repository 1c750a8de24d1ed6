CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl);
CREATE TABLE u (id int PRIMARY KEY);
CREATE VIEW v AS SELECT id FROM t WHERE l > 'low';
INSERT INTO t VALUES (1, 'high');
INSERT INTO u SELECT id FROM v;
