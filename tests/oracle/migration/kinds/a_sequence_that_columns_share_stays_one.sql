CREATE SEQUENCE s CACHE 1;
CREATE TABLE t (a int DEFAULT nextval('s'), b int DEFAULT nextval('s'), c bigserial);
INSERT INTO t DEFAULT VALUES;
SELECT setval('s', 7, false);
INSERT INTO t DEFAULT VALUES;
