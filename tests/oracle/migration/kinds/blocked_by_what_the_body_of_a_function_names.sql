SET check_function_bodies = false;
CREATE TABLE t (a int PRIMARY KEY, parent int REFERENCES t);
CREATE FUNCTION relation() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM nowhere';
COMMENT ON FUNCTION relation() IS 'fails when it is called';
