\set ON_ERROR_STOP on
\timing on
\echo 'installing'
BEGIN;
\set owner 'it''s me'
CREATE TABLE notes (id int PRIMARY KEY, author text, body text);
INSERT INTO notes VALUES (1, :'owner', 'a:b::c');
\copy notes from stdin with (format csv)
2,"Bob, jr.","two
lines"
3,,"say ""hi"""
\.
COMMIT;
\d notes
\if false
DROP TABLE notes;
\endif
