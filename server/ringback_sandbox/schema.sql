-- Everything that went over the line, in the order it came. One table, so that one sequence orders texts, calls and replies.
CREATE TABLE IF NOT EXISTS traffic (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    type        TEXT NOT NULL CHECK (type IN ('sms', 'mms', 'voice', 'reply')),
    number      TEXT NOT NULL,  -- the handset's side: the recipient, or the sender of a reply
    text        TEXT NOT NULL,  -- body or prompt
    media_url   TEXT,
    at_ms       INTEGER NOT NULL,
    outcome     TEXT,
    error       TEXT,
    answered_ms INTEGER,
    ended_ms    INTEGER,
    ending      TEXT,
    digits      TEXT NOT NULL DEFAULT ''
) STRICT;

-- Whoever asks for replies after a given one must not pay for everything that was sent since.
CREATE INDEX IF NOT EXISTS replies ON traffic (seq) WHERE type = 'reply';

-- What a dialect keeps for itself, by an item's id or a name of its own: JSON.
CREATE TABLE IF NOT EXISTS tags (
    id  TEXT PRIMARY KEY,
    tag TEXT NOT NULL
) STRICT;

-- Every request to a wire dialect, whether or not it was accepted.
CREATE TABLE IF NOT EXISTS requests (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    method TEXT NOT NULL,
    path   TEXT NOT NULL,
    query  TEXT NOT NULL,
    body   TEXT,             -- JSON
    status INTEGER,          -- NULL while no answer has left
    closed INTEGER NOT NULL DEFAULT 0,
    answer TEXT
) STRICT;

CREATE TABLE IF NOT EXISTS facts (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;

-- Where callbacks go: at most one row. A reset leaves it.
CREATE TABLE IF NOT EXISTS registration (
    only   INTEGER PRIMARY KEY CHECK (only = 1),
    url    TEXT NOT NULL,
    secret TEXT NOT NULL,
    mode   TEXT
) STRICT;
