-- A person who writes to somebody by hand: the agent is silent towards them until the conversation is given back.

CREATE TABLE takeover (
    id        TEXT PRIMARY KEY,
    contact   TEXT NOT NULL,
    sealed    BLOB NOT NULL,                -- the number
    via       TEXT NOT NULL,                -- by what the person took over: page, terminal
    begun_at  REAL NOT NULL,
    ended_at  REAL
) STRICT;

CREATE UNIQUE INDEX takeover_standing ON takeover (contact) WHERE ended_at IS NULL;

ALTER TABLE outbound ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;   -- 1 where a person wrote it, not an agent
