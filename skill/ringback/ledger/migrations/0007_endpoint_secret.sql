-- Secrets that services present to endpoints of ours. The digest stands sealed alone, bound to the endpoint's name: who edits
-- this file without the installation's key opens no door.

CREATE TABLE endpoint_secret (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL                    -- digest of the secret, and when it was made
) STRICT;
