CREATE TABLE t (a int, b text DEFAULT 'd');
COPY t FROM stdin WITH (FORMAT csv, HEADER, NULL 'NULL');
a,b
1,"x, ""y"""
2,NULL
3,"two
lines"
\.
COPY t (b, a) FROM stdin DELIMITER '|' NULL '';
q|4
|5
a\|b|6
\.
