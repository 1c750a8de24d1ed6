CREATE TABLE counted (a serial, b text);
ALTER TABLE counted ALTER COLUMN a DROP NOT NULL;
CREATE VIEW lists AS SELECT array_agg(a) AS made FROM counted GROUP BY a;
CREATE INDEX by_b ON counted (b);
ALTER INDEX by_b SET (fillfactor=60);
