CREATE TABLE t (id int PRIMARY KEY, a varchar(5), b smallint, c varchar(3));
INSERT INTO t VALUES (1, 'x', 2, 'abc');
ALTER TABLE t ALTER COLUMN a TYPE text USING a::text;
ALTER TABLE t ALTER COLUMN b TYPE int USING b;
ALTER TABLE t ALTER COLUMN c TYPE varchar(10) USING c::varchar(10);
CREATE TABLE without_rows (id int PRIMARY KEY, a varchar(5));
ALTER TABLE without_rows ALTER COLUMN a TYPE text USING a || 'x';
