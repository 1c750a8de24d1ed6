SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
CREATE TABLE t (a date DEFAULT '03/04/2024' CHECK (a > '02/01/2020'), b interval, c text);
INSERT INTO t VALUES ('05/06/2024', '-1 2:03:04', date '01/02/2024');
INSERT INTO t DEFAULT VALUES;
RESET datestyle;
INSERT INTO t VALUES ('05/06/2024', '-1 2:03:04', date '01/02/2024');
