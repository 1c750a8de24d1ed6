CREATE TABLE t (a int, b text);
COPY t FROM stdin WHERE a > 7;
7	x
8	y
\.
