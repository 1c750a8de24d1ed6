CREATE TABLE t (
  id int PRIMARY KEY, who text DEFAULT current_user, s text DEFAULT session_user,
  db text DEFAULT current_database(), tz text DEFAULT current_setting('server_version')
);
INSERT INTO t (id) VALUES (1);
INSERT INTO t (id, who, db) VALUES (2, user, current_catalog);
ALTER TABLE t ADD COLUMN x text DEFAULT current_role, ADD COLUMN y text;
UPDATE t SET y = version();
CREATE VIEW v AS SELECT id, current_user AS u FROM t WHERE who = current_user;
CREATE VIEW w AS SELECT id, current_setting('server_version') AS u FROM t;
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ SELECT current_database() $$;
CREATE VIEW x AS SELECT f() AS u;
