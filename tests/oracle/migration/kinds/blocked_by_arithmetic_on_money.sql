CREATE TABLE t (id int PRIMARY KEY, m money);
INSERT INTO t VALUES (1, '$9');
CREATE TABLE u (id int PRIMARY KEY, s text);
INSERT INTO u SELECT id, (m * 1.005)::numeric::text FROM t;
