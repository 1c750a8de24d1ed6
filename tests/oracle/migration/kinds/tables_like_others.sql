CREATE TABLE t (a smallserial, b text COLLATE "C", d text[] DEFAULT '{x}');
CREATE TABLE u (LIKE t);
INSERT INTO u VALUES (1, 'b', '{y}');
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY, m mood DEFAULT 'ok', n int CHECK (n > 0));
CREATE TABLE v (LIKE plain INCLUDING ALL);
INSERT INTO v (n) VALUES (1);
CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int);
CREATE TABLE counted_too (LIKE counted INCLUDING ALL);
