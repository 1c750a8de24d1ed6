SET check_function_bodies = false;
CREATE FUNCTION typed() RETURNS text LANGUAGE sql AS 'SELECT (1::nowhere)::text';
