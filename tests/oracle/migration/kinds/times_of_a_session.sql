SET timezone = 'Europe/Berlin';
CREATE TABLE t (a timestamptz DEFAULT '2024-06-01 12:00', b timestamptz);
INSERT INTO t (b) VALUES ('2024-01-01 12:00');
BEGIN;
SET LOCAL TIME ZONE -5;
INSERT INTO t (b) VALUES ('2024-01-01 12:00');
COMMIT;
SELECT set_config('timezone', 'Asia/Tokyo', false);
COPY t (b) FROM stdin;
2024-01-01 12:00
\.
RESET ALL;
INSERT INTO t DEFAULT VALUES;
