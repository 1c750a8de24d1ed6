CREATE SCHEMA app;
SET search_path = app, public;
CREATE TABLE t (a int);
INSERT INTO t VALUES (1);
SET search_path TO "$user", public;
CREATE TABLE u (b int);
SELECT pg_catalog.set_config('search_path', 'app', false);
INSERT INTO t VALUES (2);
