CREATE TABLE t (id int PRIMARY KEY, a varchar(5));
INSERT INTO t VALUES (1, 'abcde');
ALTER TABLE t ALTER COLUMN a TYPE text USING a::varchar(2);
