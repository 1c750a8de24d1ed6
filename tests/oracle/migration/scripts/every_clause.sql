CREATE TABLE "Mixed Case" (
    "select" smallint NOT NULL DEFAULT -1,
    plain char(3) DEFAULT 'ab',
    "quote""d" varchar(10) DEFAULT 'it''s',
    amount numeric(20,4) CHECK (amount > -1000 AND amount <> 13),
    started timestamp(3) DEFAULT '2024-02-29 12:00:00.123',
    code uuid DEFAULT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    flag boolean DEFAULT (NOT false),
    data bytea DEFAULT '\xdeadbeef',
    doc json DEFAULT '{"b": 1,  "a": [1.0, null]}',
    CONSTRAINT "Mixed Key" PRIMARY KEY ("select"),
    CONSTRAINT pair UNIQUE NULLS NOT DISTINCT (plain, amount)
);
INSERT INTO "Mixed Case" DEFAULT VALUES;
INSERT INTO "Mixed Case" ("select", plain, amount) VALUES (2, 'x', 1.23456), (3, NULL, NULL)
ON CONFLICT ("select") DO UPDATE SET plain = excluded.plain;
CREATE UNIQUE INDEX "Mixed Index" ON "Mixed Case" (upper(plain), "select" DESC) INCLUDE (amount) WHERE flag;
CREATE VIEW "Mixed View" (one, two) WITH (security_barrier) AS
    SELECT "select", count(*) FROM "Mixed Case" GROUP BY 1 HAVING count(*) > 0;
CREATE ROLE clerk NOLOGIN;
GRANT SELECT, UPDATE (plain) ON "Mixed Case" TO clerk;
GRANT SELECT ON "Mixed View" TO clerk WITH GRANT OPTION;
COMMENT ON CONSTRAINT pair ON "Mixed Case" IS 'no two alike';
COMMENT ON INDEX "Mixed Index" IS 'for search';
COMMENT ON COLUMN "Mixed Case"."quote""d" IS 'odd name';
CREATE SEQUENCE backwards INCREMENT -2 MINVALUE -100 MAXVALUE 10 START 4;
SELECT nextval('backwards'), nextval('backwards');
CREATE FUNCTION twice(x int, y int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT x * 2 * y';
CREATE TABLE uses (n int DEFAULT twice(4), m int GENERATED ALWAYS AS (twice(n, 2)) STORED);
INSERT INTO uses DEFAULT VALUES;
