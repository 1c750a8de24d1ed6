SET standard_conforming_strings TO off;
CREATE TABLE t (id int PRIMARY KEY, a text, b text);
CREATE FUNCTION g() RETURNS text LANGUAGE sql AS $$ SELECT 'q\n'::text $$;
INSERT INTO t VALUES (2, 'x\n', g());
