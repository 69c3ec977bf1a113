-- The ledger: every outbound, who consented, and what happened.
-- No number and no text stands here in plain: `sealed` and `outcome` are AES-256-GCM, `contact` is a blind index,
-- `wish`, `key`, `nonce` and `carrier_ref` are keyed digests. Times are Unix seconds, UTC.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbound (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    key         BLOB UNIQUE,                -- the idempotency key that the caller gave, if any
    wish        BLOB NOT NULL,              -- recipient, channel and content, to know the same wish again
    contact     TEXT NOT NULL,
    channel     TEXT NOT NULL,
    carrier     TEXT NOT NULL,
    sealed      BLOB NOT NULL,              -- number, text, media URL
    status      TEXT NOT NULL,
    reason      TEXT,                       -- the code of a refusal or failure
    asked_by    TEXT NOT NULL,              -- which program asked, by its own name for itself; no digits
    level       TEXT,                       -- A0 to A3, once somebody consented
    nonce       BLOB,                       -- of the question that a client carries; cleared by the first answer
    created_at  REAL NOT NULL,
    updated_at  REAL NOT NULL,
    expires_at  REAL NOT NULL,              -- until when a person may answer, and the answer counts
    attempt     INTEGER NOT NULL DEFAULT 0,
    owner       TEXT,                       -- the process that is dispatching
    lease_until REAL,                       -- until when nobody else may conclude anything about it
    carrier_ref BLOB,                       -- to find the row by the carrier's id
    outcome     BLOB                        -- the carrier's id and reports
) STRICT;

CREATE INDEX outbound_wish ON outbound (wish, seq);
CREATE INDEX outbound_contact ON outbound (contact, seq);
CREATE INDEX outbound_carrier_ref ON outbound (carrier, carrier_ref) WHERE carrier_ref IS NOT NULL;
-- Only what is still under way is indexed by status, so that looking for it stays cheap in a large ledger.
CREATE INDEX outbound_open ON outbound (status, seq) WHERE status IN (
    'draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching',
    'accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown'
);

-- A person's answer to exactly one outbound. `digest` binds it to everything that was shown.
CREATE TABLE approval (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    outbound_id TEXT NOT NULL REFERENCES outbound (id),
    digest      BLOB NOT NULL,
    choice      TEXT NOT NULL CHECK (choice IN ('once', 'day', 'no', 'wrong_digits', 'dismissed', 'allowance')),
    level       TEXT NOT NULL CHECK (level IN ('A0', 'A1', 'A2', 'A3')),
    via         TEXT NOT NULL,
    answered_at REAL NOT NULL
) STRICT;

CREATE INDEX approval_outbound ON approval (outbound_id, seq);

-- A recipient that a person allowed beforehand.
CREATE TABLE allowance (
    id         TEXT PRIMARY KEY,
    contact    TEXT NOT NULL,
    sealed     BLOB NOT NULL,               -- the number, for the person's own list
    channel    TEXT NOT NULL,
    carrier    TEXT NOT NULL,               -- what is allowed on the sandbox is not allowed on a real line
    level      TEXT NOT NULL,               -- how surely a person stood behind it
    via        TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    remaining  INTEGER NOT NULL CHECK (remaining >= 0),
    max_chars  INTEGER NOT NULL,            -- content limits: what is outside them is asked about as ever
    links      INTEGER NOT NULL CHECK (links IN (0, 1)),
    media_host BLOB,                        -- keyed digest of the only host that media may come from
    revoked_at REAL
) STRICT;

CREATE INDEX allowance_contact ON allowance (contact, channel, carrier, expires_at);

-- What happened, in order. Never changed, never taken back.
CREATE TABLE event (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    outbound_id TEXT NOT NULL REFERENCES outbound (id),
    at          REAL NOT NULL,
    kind        TEXT NOT NULL,
    status      TEXT NOT NULL,
    detail      TEXT NOT NULL DEFAULT ''    -- codes only
) STRICT;

CREATE INDEX event_outbound ON event (outbound_id, seq);

CREATE TRIGGER event_is_append_only BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER approval_is_append_only BEFORE UPDATE ON approval
BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approval_is_kept BEFORE DELETE ON approval
BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
