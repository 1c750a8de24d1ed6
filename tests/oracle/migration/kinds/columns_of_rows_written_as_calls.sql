CREATE TABLE t (id int PRIMARY KEY, a int, n text);
INSERT INTO t VALUES (1, 2, 'x');
CREATE VIEW v AS SELECT a(t), id(x) AS i, upper(t.n) AS u FROM t, t AS x;
CREATE VIEW w AS SELECT (t).a, (t).n AS m FROM t WHERE n(t) = 'x';
CREATE FUNCTION lower_n(t) RETURNS text LANGUAGE sql AS $$ SELECT lower($1.n) $$;
CREATE VIEW x AS SELECT lower_n(t) FROM t;
