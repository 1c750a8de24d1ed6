CREATE TABLE t (id int PRIMARY KEY, r int4range);
INSERT INTO t VALUES (1, '[9,10)'), (2, '[10,11)');
CREATE TABLE u (id int PRIMARY KEY, s text);
INSERT INTO u SELECT 1, string_agg(id::text, ',' ORDER BY r) FROM t;
