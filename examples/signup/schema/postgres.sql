-- Replicas that start together take turns: IF NOT EXISTS alone fails when two get here at once.
SELECT pg_advisory_xact_lock(7231056);

CREATE TABLE IF NOT EXISTS members (
    id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,  -- what makes two spellings of a name the same
    password TEXT NOT NULL,         -- a scrypt string
    joined   BIGINT NOT NULL        -- seconds since 1970
);

CREATE TABLE IF NOT EXISTS sessions (
    id      TEXT PRIMARY KEY,
    data    TEXT NOT NULL,          -- JSON
    expires BIGINT NOT NULL
);

CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires);
