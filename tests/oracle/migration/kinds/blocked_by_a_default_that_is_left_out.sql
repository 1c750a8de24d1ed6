CREATE FUNCTION nextcode() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 'C1'; END $$;
CREATE TABLE t (id int PRIMARY KEY, code text DEFAULT nextcode());
INSERT INTO t (id) VALUES (1);
