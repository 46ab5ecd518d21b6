-- The usual way: a row for each number, and who has it.
CREATE TABLE pool (number bigint PRIMARY KEY, holder text, until timestamptz, freed timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO pool (number) SELECT 6500000000 + n FROM generate_series(1, 20000) AS n;
CREATE INDEX free ON pool (freed, number) WHERE holder IS NULL;
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);
VACUUM ANALYZE pool;
