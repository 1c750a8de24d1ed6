CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl);
INSERT INTO t VALUES (1, 'low'), (2, 'mid'), (3, 'high');
CREATE TABLE u (id int PRIMARY KEY, s text);
WITH c(i, k) AS (SELECT id, l FROM t) INSERT INTO u SELECT i FROM c WHERE k < 'high';
