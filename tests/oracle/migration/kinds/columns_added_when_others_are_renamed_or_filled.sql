CREATE TABLE renamed (a int PRIMARY KEY, d int);
ALTER TABLE renamed RENAME a TO b;
ALTER TABLE renamed ADD COLUMN g int GENERATED ALWAYS AS (b * 2) STORED;
ALTER TABLE renamed ADD COLUMN h int CHECK (b > 0);
ALTER TABLE renamed ADD COLUMN i int CHECK (b < 9 OR i > d);
INSERT INTO renamed (b, d, i) VALUES (1, 2, 3);
CREATE TABLE filled (a int PRIMARY KEY, d int);
INSERT INTO filled VALUES (1, 2), (3, 4);
INSERT INTO filled (a) VALUES (7);
COPY filled FROM stdin;
8	9
\.
ALTER TABLE filled ADD COLUMN g int GENERATED ALWAYS AS (a * 2) STORED;
INSERT INTO filled (a, d) VALUES (10, 11);
