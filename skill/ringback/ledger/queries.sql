-- name: insert_outbound
INSERT INTO outbound (
    id, key, wish, contact, channel, carrier, sealed, status, asked_by, level, created_at, updated_at, expires_at)
VALUES (
    :id, :key, :wish, :contact, :channel, :carrier, :sealed, :status, :asked_by, :level, :now, :now, :expires_at);

-- name: by_key
SELECT * FROM outbound WHERE key = :key;

-- name: newest_wish
-- The newest outbound of the same wish inside the window, or in doubt since yesterday. One that ended with nothing
-- sent does not stand in the way of another try, except a person's no.
SELECT * FROM outbound
WHERE wish = :wish
  AND (created_at > :since OR (status IN ('dispatching', 'unknown') AND created_at > :doubtful_since))
  AND status NOT IN ('failed', 'refused', 'expired', 'cancelled')
ORDER BY seq DESC LIMIT 1;

-- name: declined_wish
SELECT * FROM outbound WHERE wish = :wish AND created_at > :since AND status = 'declined' ORDER BY seq DESC LIMIT 1;

-- name: doubtful_wish
SELECT 1 FROM outbound
WHERE wish = :wish AND status IN ('dispatching', 'unknown') AND created_at > :doubtful_since LIMIT 1;

-- name: by_id
SELECT * FROM outbound WHERE id = :id;

-- name: page
SELECT * FROM outbound WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: open_with_status
SELECT * FROM outbound WHERE status IN (SELECT value FROM json_each(:statuses))
  AND status IN (
    'draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching',
    'accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown')
ORDER BY seq LIMIT :limit;

-- name: move
-- The compare-and-swap under a change of status: no row comes back where somebody else was first.
UPDATE outbound
SET status = :target, reason = :reason, updated_at = :now, nonce = NULL
WHERE id = :id AND status IN (SELECT value FROM json_each(:sources))
RETURNING *;

-- name: answer
-- A person's answer counts once, in time, and (where a client carried the question) for the question last asked.
UPDATE outbound
SET status = :target, reason = :reason, updated_at = :now, nonce = NULL,
    level = CASE WHEN :target = 'approved' THEN :level END
WHERE id = :id AND status = 'awaiting_approval' AND expires_at >= :now AND (:nonce IS NULL OR nonce = :nonce)
RETURNING *;

-- name: ask
UPDATE outbound SET nonce = :nonce WHERE id = :id AND status = 'awaiting_approval' RETURNING *;

-- name: claim
-- The fence: one process takes the outbound, and only while the consent to it stands.
UPDATE outbound
SET status = 'dispatching', attempt = attempt + 1, owner = :owner, lease_until = :lease_until, updated_at = :now
WHERE id = :id AND status = 'approved' AND expires_at >= :now
RETURNING *;

-- name: settle
-- What the owner of the attempt learned; a later owner's word is not overwritten.
UPDATE outbound
SET status = :target, reason = :reason, carrier_ref = :carrier_ref, outcome = coalesce(:outcome, outcome),
    owner = NULL, lease_until = NULL, updated_at = :now
WHERE id = :id AND status = 'dispatching' AND attempt = :attempt AND owner = :owner
RETURNING *;

-- name: conclude
-- A dispatch whose lease ran out, or whose owner is known to be gone; or a doubt that can be resolved now.
UPDATE outbound
SET status = :target, reason = :reason, carrier_ref = coalesce(:carrier_ref, carrier_ref),
    outcome = coalesce(:outcome, outcome), owner = NULL, lease_until = NULL, updated_at = :now
WHERE id = :id AND (
    (status = 'dispatching' AND (lease_until < :now OR owner = :gone)) OR (status = 'unknown' AND carrier_ref IS NULL))
RETURNING *;

-- name: learn
UPDATE outbound
SET status = :target, outcome = :outcome, updated_at = :now
WHERE id = :id AND status = :source
RETURNING *;

-- name: expire
UPDATE outbound SET status = 'expired', reason = 'approval_expired', updated_at = :now, nonce = NULL
WHERE status IN ('draft', 'awaiting_approval', 'approved') AND expires_at < :now
RETURNING *;

-- name: known_carrier_ref
SELECT 1 FROM outbound WHERE carrier = :carrier AND carrier_ref = :carrier_ref;

-- name: insert_approval
INSERT INTO approval (outbound_id, digest, choice, level, via, answered_at)
VALUES (:outbound_id, :digest, :choice, :level, :via, :now);

-- name: consent
-- The newest answer that says yes.
SELECT * FROM approval WHERE outbound_id = :outbound_id AND choice IN ('once', 'day', 'allowance')
ORDER BY seq DESC LIMIT 1;

-- name: insert_event
INSERT INTO event (outbound_id, at, kind, status, detail) VALUES (:outbound_id, :now, :kind, :status, :detail);

-- name: events
SELECT * FROM event WHERE outbound_id = :outbound_id ORDER BY seq;

-- name: events_after
SELECT * FROM event WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: last_event
SELECT coalesce(max(seq), 0) AS seq FROM event;

-- name: insert_allowance
INSERT INTO allowance (
    id, contact, sealed, channel, carrier, level, via, created_at, expires_at, remaining, max_chars, links, media_host,
    revoked_at, proof)
VALUES (
    :id, :contact, :sealed, :channel, :carrier, :level, :via, :created_at, :expires_at, :remaining, :max_chars, :links,
    :media_host, :revoked_at, :proof);

-- name: covering_allowances
-- Those that cover an outbound, the one that ends first before the others. Each counts only if its proof fits.
SELECT * FROM allowance
WHERE contact = :contact AND channel = :channel AND carrier = :carrier AND revoked_at IS NULL AND expires_at > :now
  AND remaining > 0 AND level >= :least
  AND max_chars >= :chars AND links >= :has_link AND (media_host IS NULL OR media_host = :media_host)
ORDER BY expires_at;

-- name: allowances
SELECT * FROM allowance WHERE revoked_at IS NULL AND expires_at > :now AND remaining > 0 ORDER BY created_at DESC;

-- name: allowance_by_id
SELECT * FROM allowance WHERE id = :id;

-- name: update_allowance
UPDATE allowance SET remaining = :remaining, revoked_at = :revoked_at, proof = :proof WHERE id = :id;

-- name: any_to_expire
SELECT 1 FROM outbound WHERE status IN ('draft', 'awaiting_approval', 'approved') AND expires_at < :now LIMIT 1;

-- name: insert_passkey
INSERT INTO passkey (id, credential_id, public_key, sign_count, sealed, created_at, used_at, removed_at, proof)
VALUES (:id, :credential_id, :public_key, :sign_count, :sealed, :created_at, :used_at, :removed_at, :proof)
ON CONFLICT DO NOTHING
RETURNING *;

-- name: passkeys
SELECT * FROM passkey ORDER BY rowid;

-- name: passkey_by_id
SELECT * FROM passkey WHERE id = :id;

-- name: update_passkey
UPDATE passkey SET sign_count = :sign_count, used_at = :used_at, removed_at = :removed_at, proof = :proof WHERE id = :id;
