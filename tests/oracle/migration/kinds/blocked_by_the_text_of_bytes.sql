CREATE TABLE t (id int PRIMARY KEY, s text);
SET bytea_output = 'escape';
INSERT INTO t VALUES (1, '\x41ff'::bytea::text);
