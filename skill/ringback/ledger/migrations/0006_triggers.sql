-- Triggers: what a person lets other programs send. Definition, level and secret's digest stand sealed alone, bound to the
-- row's id: who edits this file without the installation's key defines nothing. What that cannot tell is an older copy of a
-- whole row, put back after it was changed or removed.

CREATE TABLE standing_trigger (
    id     TEXT PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    sealed BLOB NOT NULL                    -- definition, level, by what it was applied and when
) STRICT;

CREATE TABLE trigger_caller (
    id      TEXT PRIMARY KEY,
    trigger_name TEXT NOT NULL,
    caller  TEXT NOT NULL,
    sealed  BLOB NOT NULL,                  -- digest of the secret
    UNIQUE (trigger_name, caller)
) STRICT;

-- What was stored under a trigger: counted against its limit by the day on which it goes out, and found again when the
-- appointment that it reminds of is moved.
CREATE TABLE trigger_use (
    outbound_id TEXT PRIMARY KEY,
    trigger_id TEXT NOT NULL,
    day         TEXT NOT NULL,              -- in UTC
    appointment BLOB,                       -- keyed digest of the appointment's id
    slot        BLOB,                       -- keyed digest of its start and of what is said
    sealed      BLOB                        -- both, for a change of the key
) STRICT;

CREATE INDEX trigger_use_day ON trigger_use (trigger_id, day);
CREATE INDEX trigger_use_appointment ON trigger_use (trigger_id, appointment) WHERE appointment IS NOT NULL;
