CREATE TABLE t (id int PRIMARY KEY, a bit(8));
INSERT INTO t VALUES (1, B'00000101');
CREATE TABLE u (id int PRIMARY KEY, s text);
INSERT INTO u SELECT id, (a::int)::text FROM t;
