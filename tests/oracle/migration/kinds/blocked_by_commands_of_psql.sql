\echo begins
CREATE TABLE t (a int);
\if false
DROP TABLE t;
\else
INSERT INTO t VALUES (1);
\endif
