SET check_function_bodies = off;
CREATE FUNCTION counted() RETURNS bigint STABLE LANGUAGE sql SET search_path = public AS 'SELECT count(*) FROM items';
ALTER FUNCTION counted STRICT VOLATILE RESET search_path;
COMMENT ON FUNCTION counted IS 'all of them';
CREATE FUNCTION both_of(OUT n bigint, OUT m text) STABLE LANGUAGE sql AS $$SELECT count(*), 'a'::text FROM items$$;
CREATE FUNCTION one_of(OUT n bigint) LANGUAGE sql AS $$SELECT count(*) FROM items$$;
COMMENT ON FUNCTION both_of IS 'two results';
CREATE TABLE items (a bigint, b text);
CREATE FUNCTION listed() RETURNS TABLE (a bigint, b text) LANGUAGE sql AS 'SELECT a, b FROM items';
