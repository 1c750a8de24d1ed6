CREATE TABLE t (a int, b text, c jsonb);
CREATE INDEX down ON t (a DESC NULLS LAST, b ASC);
CREATE UNIQUE INDEX few ON t (lower(b)) INCLUDE (a) WHERE a > 0;
CREATE UNIQUE INDEX alike ON t (a) NULLS NOT DISTINCT WITH (fillfactor = 50);
CREATE INDEX by_hash ON t USING hash (b);
CREATE INDEX patterns ON t (b text_pattern_ops);
CREATE INDEX mixed ON t (b text_pattern_ops, a DESC NULLS LAST);
