-- Readers do not wait for the writer.
PRAGMA journal_mode = WAL;

CREATE TABLE IF NOT EXISTS members (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,  -- what makes two spellings of a name the same
    password TEXT NOT NULL,         -- a scrypt string
    joined   INTEGER NOT NULL       -- seconds since 1970
);

CREATE TABLE IF NOT EXISTS sessions (
    id      TEXT PRIMARY KEY,
    data    TEXT NOT NULL,          -- JSON
    expires INTEGER NOT NULL
);

CREATE INDEX IF NOT EXISTS sessions_by_expiry ON sessions (expires);
