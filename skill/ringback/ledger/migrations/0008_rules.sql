-- The rules of the road: who wants no more, what time it is where somebody is, what was said to how many, and what it costs.

ALTER TABLE outbound ADD COLUMN said BLOB;                          -- keyed digest of the words alone
ALTER TABLE outbound ADD COLUMN bulk INTEGER NOT NULL DEFAULT 0;    -- 1 where a person must approve the whole list
ALTER TABLE outbound ADD COLUMN notice INTEGER NOT NULL DEFAULT 0;  -- 1 for the confirmation of an opt-out
ALTER TABLE outbound ADD COLUMN price INTEGER;                      -- in millionths; NULL where it is not known
ALTER TABLE outbound ADD COLUMN left_at REAL;                       -- when it left at the latest: once the carrier answered
UPDATE outbound SET left_at = claimed_at;

CREATE INDEX outbound_left ON outbound (left_at) WHERE left_at IS NOT NULL;
CREATE INDEX outbound_left_by ON outbound (channel, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX outbound_left_to ON outbound (contact, left_at) WHERE left_at IS NOT NULL;
CREATE INDEX outbound_leaving ON outbound (contact, left_at) WHERE status = 'dispatching';
CREATE INDEX outbound_said ON outbound (said, created_at) WHERE said IS NOT NULL;

-- Who opted out. It outlives the erasure of everything else about them: without it, nobody would know not to write.
CREATE TABLE optout (
    id        TEXT PRIMARY KEY,
    contact   TEXT NOT NULL,
    sealed    BLOB NOT NULL,                -- the number
    via       TEXT NOT NULL,                -- text, keys, page, terminal, import
    carrier   TEXT,                         -- by which it is to be confirmed; NULL where it needs no confirmation
    said_at   REAL NOT NULL,                -- when the person said so
    begun_at  REAL NOT NULL,
    confirmed INTEGER NOT NULL DEFAULT 0,   -- 1 once the confirmation was stored
    lifted_at REAL
) STRICT;

CREATE UNIQUE INDEX optout_standing ON optout (contact) WHERE lifted_at IS NULL;
CREATE INDEX optout_unconfirmed ON optout (begun_at) WHERE lifted_at IS NULL AND carrier IS NOT NULL AND NOT confirmed;

-- The time zone that the operator named for a recipient.
CREATE TABLE recipient_zone (
    contact TEXT PRIMARY KEY,
    sealed  BLOB NOT NULL                   -- number and zone
) STRICT;
