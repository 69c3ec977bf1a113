-- Scheduled sends, dispatches that tell when they ran, polls that are shared by all processes, what carriers say by
-- themselves, and erasure. An erased row keeps its bare record: `sealed` and `wish` are empty, `contact` is ''.

ALTER TABLE outbound ADD COLUMN send_at REAL;       -- when it is due; NULL for at once
ALTER TABLE outbound ADD COLUMN not_before REAL;    -- the carrier asked to come again later
ALTER TABLE outbound ADD COLUMN claimed_at REAL;    -- when the newest dispatch began
ALTER TABLE outbound ADD COLUMN poll_at REAL;       -- when its carrier is asked about it next
ALTER TABLE outbound ADD COLUMN erased_at REAL;

CREATE INDEX outbound_due ON outbound (send_at) WHERE status = 'scheduled';
CREATE INDEX outbound_poll ON outbound (poll_at) WHERE poll_at IS NOT NULL;
CREATE INDEX outbound_kept ON outbound (created_at) WHERE erased_at IS NULL;
CREATE INDEX outbound_known ON outbound (erased_at) WHERE erased_at IS NOT NULL AND wish <> x'';  -- its wish still is

UPDATE outbound SET poll_at = updated_at
WHERE status IN ('accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown');

-- Texts that people sent to the agent's line.
CREATE TABLE received (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    carrier     TEXT NOT NULL,
    carrier_ref BLOB NOT NULL,              -- keyed digest of the carrier's id: each is stored once
    contact     TEXT NOT NULL,
    sealed      BLOB NOT NULL,              -- number and text
    sent_at     REAL NOT NULL,
    received_at REAL NOT NULL,
    erased_at   REAL,
    UNIQUE (carrier, carrier_ref)
) STRICT;

CREATE INDEX received_contact ON received (contact, seq);
CREATE INDEX received_kept ON received (received_at) WHERE erased_at IS NULL;

-- Reports that came by themselves: to know a repetition, and to park one that came before the answer to our own request.
CREATE TABLE callback (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    digest      BLOB NOT NULL UNIQUE,       -- of carrier, id and everything said
    carrier     TEXT NOT NULL,
    carrier_ref BLOB NOT NULL,
    sealed      BLOB,                       -- the report, while no outbound is known by this id
    received_at REAL NOT NULL
) STRICT;

CREATE INDEX callback_parked ON callback (carrier, carrier_ref) WHERE sealed IS NOT NULL;
CREATE INDEX callback_received ON callback (received_at);
CREATE INDEX callback_waiting ON callback (received_at) WHERE sealed IS NOT NULL;
