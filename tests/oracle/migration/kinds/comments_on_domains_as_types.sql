CREATE DOMAIN d AS int CHECK (VALUE > 0);
COMMENT ON TYPE d IS 'above zero';
COMMENT ON TYPE int4 IS 'four bytes';
COMMENT ON CAST (int4 AS int8) IS 'wider';
COMMENT ON DATABASE script IS 'this one';
CREATE TABLE t (id d PRIMARY KEY);
