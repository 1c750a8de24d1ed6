SET check_function_bodies = false;
CREATE TABLE gone (a int);
DROP TABLE gone;
CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM gone';
