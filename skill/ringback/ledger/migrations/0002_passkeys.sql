-- Passkeys that a person registered on the console. Rows stay when a passkey is removed: they are the record of it.
-- A row counts only with its `proof`, a keyed digest over all other columns: who edits this file without the
-- installation's key adds and changes no passkey. An older copy of the whole row can be put back.

CREATE TABLE passkey (
    id            TEXT PRIMARY KEY,
    credential_id BLOB NOT NULL UNIQUE,     -- the authenticator's own name for it
    public_key    BLOB NOT NULL,            -- COSE
    sign_count    INTEGER NOT NULL CHECK (sign_count >= 0),
    sealed        BLOB NOT NULL,            -- the person's name for it
    created_at    REAL NOT NULL,
    used_at       REAL,
    removed_at    REAL,
    proof         BLOB NOT NULL
) STRICT;
