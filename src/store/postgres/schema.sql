-- What a gateway keeps in its schema. Columns of time in whole milliseconds since 1970 end in _ms; an environment of '' is none.

-- Whose schema this is. `version` numbers the tables, `oldest` is the oldest program's number that may use them, `format`
-- is the one that the log and the tables are written in.
CREATE TABLE head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    program text NOT NULL,
    version int NOT NULL,
    oldest int NOT NULL,
    format int NOT NULL,
    store uuid NOT NULL
);

-- Every commit, one after the other; each names the batch of the one before.
CREATE TABLE log (
    seq bigint PRIMARY KEY,
    batch uuid NOT NULL UNIQUE,
    before uuid NOT NULL,
    at_ms bigint NOT NULL,
    format int NOT NULL,
    gateway uuid NOT NULL,
    import bigint,
    changes bytea NOT NULL
);
ALTER TABLE log ALTER changes SET STORAGE EXTERNAL;

-- Up to where the log is in the tables below.
CREATE TABLE checkpoint (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    at_ms bigint NOT NULL
);
INSERT INTO checkpoint (seq, at_ms) VALUES (0, 0);

-- The gateways.
CREATE TABLE members (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    address text NOT NULL,
    version text NOT NULL,
    rules text NOT NULL,
    applied bigint NOT NULL,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rows of imports under way, and of those whose log record is still there.
CREATE TABLE staged (
    import bigint NOT NULL,
    piece bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changes bytea NOT NULL,
    PRIMARY KEY (import, piece)
);

-- What is known, each record as the line of a dump (docs/dump-format.md). Neither PostgreSQL's texts nor its jsonb can hold
-- the character of code 0: it is written as U+E000 and the digit 0, and U+E000 itself as twice U+E000.
CREATE TABLE settings (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, name)
);
CREATE TABLE numbers (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, number)
);
CREATE TABLE interactions (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, id)
);
CREATE TABLE allocations (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    id bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, id)
);
CREATE TABLE documents (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, id)
);
CREATE TABLE document_entries (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    document uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, document, key)
);
CREATE TABLE routes (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    dnid bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, dnid)
);
CREATE TABLE skills (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    id bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, id)
);
CREATE TABLE idempotency_keys (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, key)
);

-- What people did; without a tenant, what concerns the gateway.
CREATE TABLE audit (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    id bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, id)
);

-- Allocations that have ended, in buckets by the hour of their end. These rows, and large values, are there as soon as the
-- commit is; how many entries each bucket has is known by the checkpoint.
CREATE TABLE history (
    tenant text COLLATE "C" NOT NULL,
    hour int NOT NULL,
    part int NOT NULL,
    environment text COLLATE "C" NOT NULL,
    number text COLLATE "C" NOT NULL,
    allocation bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, hour, part, environment, number, allocation)
);
CREATE TABLE history_buckets (
    tenant text COLLATE "C" NOT NULL,
    hour int NOT NULL,
    part int NOT NULL,
    entries bigint NOT NULL,
    PRIMARY KEY (tenant, hour, part)
);
CREATE TABLE history_floors (
    tenant text COLLATE "C" PRIMARY KEY,
    hour int NOT NULL,
    part int NOT NULL
);

-- What groups are used for: in the quarter of an hour that runs (`usage_now`), and what is over, by days since 1970. A group
-- of '' are the numbers without one. The rows of `usage` are there as soon as the commit is; how many each day has is known
-- by the checkpoint.
CREATE TABLE usage_now (
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    group_name text COLLATE "C" NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (tenant, environment, group_name)
);
CREATE TABLE usage (
    span text COLLATE "C" NOT NULL,
    day int NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    environment text COLLATE "C" NOT NULL,
    group_name text COLLATE "C" NOT NULL,
    slot bigint NOT NULL,
    record jsonb NOT NULL,
    PRIMARY KEY (span, day, tenant, environment, group_name, slot)
);
CREATE TABLE usage_days (
    span text COLLATE "C" NOT NULL,
    day int NOT NULL,
    records bigint NOT NULL,
    PRIMARY KEY (span, day)
);
CREATE TABLE usage_floors (
    span text COLLATE "C" PRIMARY KEY,
    day int NOT NULL
);

CREATE TABLE document_values (
    id bigint PRIMARY KEY,
    bytes bytea NOT NULL
);
ALTER TABLE document_values ALTER bytes SET STORAGE EXTERNAL;

-- For people: plain columns, as of the time in `as_of`.
CREATE VIEW as_of AS
    SELECT seq, to_timestamp(at_ms / 1000.0) AS as_of FROM checkpoint;
CREATE VIEW report_numbers AS
    SELECT tenant, NULLIF(environment, '') AS environment, number, record->>'dnid' AS dnid, record->>'group' AS group_name,
           (record->>'enabled')::boolean AS enabled
    FROM numbers;
CREATE VIEW report_allocations AS
    SELECT tenant, NULLIF(environment, '') AS environment, id, record->>'number' AS number,
           record->>'interaction' AS interaction, record->>'caller' AS caller, record->>'origin' AS origin,
           to_timestamp((record->>'since_ms')::bigint / 1000.0) AS since,
           to_timestamp((record->>'deadline_ms')::bigint / 1000.0) AS deadline
    FROM allocations;
CREATE VIEW report_history AS
    SELECT tenant, NULLIF(environment, '') AS environment, number, allocation, record->>'interaction' AS interaction,
           record->>'caller' AS caller, record->>'origin' AS origin,
           to_timestamp((record->>'since_ms')::bigint / 1000.0) AS since,
           to_timestamp((record->>'until_ms')::bigint / 1000.0) AS until, record->>'end' AS ended
    FROM history;
