CREATE DOMAIN amount AS numeric;
CREATE TABLE t (a numeric DEFAULT 100, b amount, c numeric(6, 2));
INSERT INTO t VALUES (0.1234567, 1.5, 2), (DEFAULT, NULL, 3.456);
CREATE VIEW v AS SELECT a, b FROM t;
