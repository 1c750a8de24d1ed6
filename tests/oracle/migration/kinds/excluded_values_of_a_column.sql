CREATE TABLE t (a char(3) DEFAULT 'x', EXCLUDE (a WITH =));
INSERT INTO t (a) VALUES ('abc'), ('a');
