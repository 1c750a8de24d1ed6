CREATE TABLE t (a serial, b int);
ALTER TABLE t ALTER COLUMN a TYPE varchar(5);
COPY t FROM stdin WITH (FORMAT csv);
 4,1
\.
