SET check_function_bodies = false;
CREATE TABLE t (a int PRIMARY KEY, former text);
ALTER TABLE t DROP COLUMN former;
CREATE FUNCTION stale() RETURNS text LANGUAGE sql AS 'SELECT t.former FROM t WHERE a = 1';
