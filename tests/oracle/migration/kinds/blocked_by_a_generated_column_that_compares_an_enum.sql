CREATE TYPE lvl AS ENUM ('low', 'mid', 'high');
CREATE TABLE t (id int PRIMARY KEY, l lvl, g bool GENERATED ALWAYS AS (l > 'low') STORED);
INSERT INTO t VALUES (1, 'high');
