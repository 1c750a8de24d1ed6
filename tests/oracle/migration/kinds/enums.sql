CREATE TYPE mood AS ENUM ('sad', 'it''s ok');
CREATE TABLE t (a mood DEFAULT 'sad' NOT NULL, "B c" mood);
INSERT INTO t VALUES ('it''s ok', 'sad'), (DEFAULT, NULL);
CREATE VIEW v AS SELECT a FROM t WHERE a = 'sad'::mood;
CREATE FUNCTION f(x text) RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t WHERE a::text = x';
