SET check_function_bodies = off;
CREATE TABLE t (a int, b text);
CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql RETURN NULL;
