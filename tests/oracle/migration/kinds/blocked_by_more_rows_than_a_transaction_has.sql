-- One statement is one transaction, which changes at most 3,000 rows.
CREATE TABLE t (a int);
INSERT INTO t SELECT generate_series(1, 3500);
