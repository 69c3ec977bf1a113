-- name: insert_outbound
INSERT INTO outbound (
    id, key, wish, contact, channel, carrier, sealed, status, asked_by, level, created_at, updated_at, expires_at,
    send_at, by_hand, said, bulk, notice, price)
VALUES (
    :id, :key, :wish, :contact, :channel, :carrier, :sealed, :status, :asked_by, :level, :now, :now, :expires_at,
    :send_at, :by_hand, :said, :bulk, :notice, :price);

-- name: by_key
SELECT * FROM outbound WHERE key = :key;

-- name: newest_wish
-- The newest outbound of the same wish inside the window, or still scheduled, or in doubt since yesterday. One that
-- ended with nothing sent does not stand in the way of another try, except a person's no.
SELECT * FROM outbound
WHERE wish = :wish
  AND (created_at > :since OR status = 'scheduled' OR (status IN ('dispatching', 'unknown') AND created_at > :doubtful_since))
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

-- name: open_calls
SELECT * FROM outbound
WHERE contact = :contact AND channel = 'voice' AND status IN ('accepted', 'queued', 'sent', 'ringing', 'in_progress')
ORDER BY seq DESC LIMIT 100;

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
    level = CASE WHEN :target IN ('approved', 'scheduled') THEN :level END
WHERE id = :id AND status = 'awaiting_approval' AND expires_at >= :now AND (:nonce IS NULL OR nonce = :nonce)
RETURNING *;

-- name: ask
UPDATE outbound SET nonce = :nonce WHERE id = :id AND status = 'awaiting_approval' RETURNING *;

-- name: claim
-- The fence: one process takes the outbound, and only while the consent to it stands, or its time is now, and neither has
-- a person taken over the conversation nor the recipient opted out.
UPDATE outbound
SET status = 'dispatching', attempt = attempt + 1, owner = :owner, lease_until = :lease_until, claimed_at = :now,
    left_at = :now, updated_at = :now
WHERE id = :id AND (
    (status = 'approved' AND send_at IS NULL AND expires_at >= :now)
    OR (status = 'scheduled' AND send_at <= :now AND send_at + :grace >= :now AND coalesce(not_before, 0) <= :now))
  AND (by_hand OR notice OR NOT EXISTS (
    SELECT 1 FROM takeover WHERE takeover.contact = outbound.contact AND takeover.ended_at IS NULL))
  AND notice = EXISTS (
    SELECT 1 FROM optout WHERE optout.contact = outbound.contact AND optout.lifted_at IS NULL)
RETURNING *;

-- name: beat
-- The owner is still there. No row comes back where somebody else concluded its attempt.
UPDATE outbound SET lease_until = :lease_until
WHERE id = :id AND status = 'dispatching' AND attempt = :attempt AND owner = :owner
RETURNING 1;

-- name: defer
-- A scheduled one of which certainly nothing left: it waits again, until its grace is over.
UPDATE outbound
SET status = 'scheduled', reason = :reason, not_before = :not_before, owner = NULL, lease_until = NULL,
    claimed_at = NULL, left_at = NULL, updated_at = :now
WHERE id = :id AND status = 'dispatching' AND attempt = :attempt AND owner = :owner
RETURNING *;

-- name: ready
SELECT id FROM outbound WHERE carrier = :carrier AND status = 'approved'
  AND status IN (
    'draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching',
    'accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown')
UNION ALL
SELECT * FROM (
    SELECT id FROM outbound
    WHERE status = 'scheduled' AND send_at <= :now AND coalesce(not_before, 0) <= :now AND carrier = :carrier
    ORDER BY send_at LIMIT :limit);

-- name: settle
-- What the owner of the attempt learned. Also when somebody concluded meanwhile that it was gone: it knows better than
-- that doubt, but overwrites nothing that was found out since.
UPDATE outbound
SET status = :target, reason = :reason, carrier_ref = :carrier_ref, outcome = coalesce(:outcome, outcome),
    owner = NULL, poll_at = :poll_at, left_at = max(left_at, :now), updated_at = :now
WHERE id = :id AND attempt = :attempt AND (
    (status = 'dispatching' AND owner = :owner)
    OR (status = 'unknown' AND reason = 'dispatcher_gone' AND carrier_ref IS NULL AND :target <> 'unknown'))
RETURNING *;

-- name: conclude
-- A dispatch whose lease ran out, or whose owner is known to be gone; or a doubt that can be resolved now.
UPDATE outbound
SET status = :target, reason = :reason, carrier_ref = coalesce(:carrier_ref, carrier_ref),
    outcome = coalesce(:outcome, outcome), owner = NULL, poll_at = :poll_at, updated_at = :now,
    left_at = CASE status WHEN 'dispatching' THEN max(left_at, :now) ELSE left_at END
WHERE id = :id AND (
    (status = 'dispatching' AND (lease_until < :now OR owner = :gone))
    OR (status = 'unknown' AND carrier_ref IS NULL AND :target <> 'unknown'))
RETURNING *;

-- name: learn
UPDATE outbound
SET status = :target, outcome = :outcome, updated_at = :now, poll_at = CASE WHEN :ended THEN NULL ELSE poll_at END
WHERE id = :id AND status = :source
RETURNING *;

-- name: expire
UPDATE outbound SET status = 'expired', reason = 'approval_expired', updated_at = :now, nonce = NULL
WHERE status IN ('draft', 'awaiting_approval', 'approved') AND expires_at < :now
  AND status IN (
    'draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching',
    'accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown')
RETURNING *;

-- name: miss
-- Scheduled ones whose time passed while nothing ran, or while the carrier took nothing.
UPDATE outbound SET status = 'expired', reason = 'missed_time', updated_at = :now
WHERE status = 'scheduled' AND send_at < :now - :grace
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
WHERE contact = :contact AND channel = :channel AND carrier = :carrier AND revoked_at IS NULL AND expires_at > :then
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
SELECT 1 FROM outbound WHERE status IN ('draft', 'awaiting_approval', 'approved') AND expires_at < :now
  AND status IN (
    'draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching',
    'accepted', 'queued', 'sent', 'ringing', 'in_progress', 'unknown')
UNION ALL
SELECT 1 FROM outbound WHERE status = 'scheduled' AND send_at < :now - :grace
LIMIT 1;

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

-- name: take_polls
-- Those whose carrier is to be asked now, taken for this process by moving their next time on: from each second to each
-- ten minutes, the longer ago the more rarely, and no more by itself after :give_up seconds.
UPDATE outbound
SET poll_at = CASE
    WHEN :now + :longest - coalesce(claimed_at, created_at) > :give_up THEN NULL
    ELSE :now + min(max((:now - coalesce(claimed_at, created_at)) / 10, :shortest), :longest) END
WHERE seq IN (
    SELECT seq FROM outbound WHERE poll_at <= :now AND carrier = :carrier ORDER BY poll_at LIMIT :limit)
RETURNING *;

-- name: any_to_poll
SELECT 1 FROM outbound WHERE poll_at <= :now LIMIT 1;

-- name: rivals
-- Other doubtful or running dispatches to the same person on the same channel.
SELECT * FROM outbound
WHERE contact = :contact AND channel = :channel AND carrier = :carrier AND id <> :id AND carrier_ref IS NULL
  AND status IN ('unknown', 'dispatching') AND claimed_at > :since
ORDER BY seq LIMIT 100;

-- name: by_carrier_ref
SELECT * FROM outbound WHERE carrier = :carrier AND carrier_ref = :carrier_ref;

-- name: insert_callback
INSERT INTO callback (digest, carrier, carrier_ref, sealed, received_at)
VALUES (:digest, :carrier, :carrier_ref, :sealed, :now)
ON CONFLICT (digest) DO NOTHING
RETURNING seq;

-- name: parked
SELECT * FROM callback WHERE carrier = :carrier AND carrier_ref = :carrier_ref AND sealed IS NOT NULL ORDER BY seq;

-- name: joined
UPDATE callback SET sealed = NULL WHERE seq = :seq;

-- name: insert_received
INSERT INTO received (id, carrier, carrier_ref, contact, sealed, sent_at, received_at)
VALUES (:id, :carrier, :carrier_ref, :contact, :sealed, :sent_at, :now)
ON CONFLICT (carrier, carrier_ref) DO NOTHING
RETURNING *;

-- name: received_page
SELECT * FROM received WHERE seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: set_meta
INSERT INTO meta (name, value) VALUES (:entry, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: any_to_erase
SELECT 1 FROM outbound WHERE erased_at IS NULL AND created_at < :before AND updated_at < :before
  AND status NOT IN ('draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching')
UNION ALL
SELECT 1 FROM received WHERE erased_at IS NULL AND received_at < :before
UNION ALL
SELECT 1 FROM outbound WHERE erased_at < :wish_before AND created_at < :wish_before AND wish <> x''
UNION ALL
SELECT 1 FROM callback WHERE sealed IS NOT NULL AND received_at < :parked_before
UNION ALL
SELECT 1 FROM callback WHERE received_at < :before
LIMIT 1;

-- name: erase_old
-- What still waits or is on its way out is kept; a doubt that nobody resolved in all that time is not.
UPDATE outbound
SET sealed = x'', outcome = NULL, contact = '', said = NULL, carrier_ref = NULL, nonce = NULL, poll_at = NULL,
    erased_at = :now
WHERE seq IN (
    SELECT seq FROM outbound WHERE erased_at IS NULL AND created_at < :before AND updated_at < :before
      AND status NOT IN ('draft', 'awaiting_approval', 'approved', 'scheduled', 'dispatching')
    ORDER BY created_at LIMIT :limit)
RETURNING id;

-- name: erase_received
UPDATE received SET sealed = x'', contact = '', erased_at = :now
WHERE seq IN (SELECT seq FROM received WHERE erased_at IS NULL AND received_at < :before ORDER BY received_at LIMIT :limit)
RETURNING id;

-- name: forget_wishes
UPDATE outbound SET wish = x'', key = NULL
WHERE seq IN (
    SELECT seq FROM outbound WHERE erased_at < :wish_before AND created_at < :wish_before AND wish <> x'' LIMIT :limit)
RETURNING id;

-- name: drop_parked
DELETE FROM callback
WHERE seq IN (SELECT seq FROM callback WHERE sealed IS NOT NULL AND received_at < :parked_before LIMIT :limit)
RETURNING seq;

-- name: drop_callbacks
DELETE FROM callback WHERE seq IN (SELECT seq FROM callback WHERE received_at < :before LIMIT :limit) RETURNING seq;

-- name: cancel_of
UPDATE outbound SET status = 'cancelled', reason = 'person_forgotten', updated_at = :now, nonce = NULL
WHERE contact = :contact AND status IN ('draft', 'awaiting_approval', 'approved', 'scheduled')
RETURNING *;

-- name: erase_of
UPDATE outbound
SET sealed = x'', outcome = NULL, contact = '', wish = x'', said = NULL, carrier_ref = NULL, nonce = NULL,
    poll_at = NULL, erased_at = :now
WHERE contact = :contact AND status <> 'dispatching'
RETURNING id;

-- name: erase_received_of
UPDATE received SET sealed = x'', contact = '', erased_at = :now WHERE contact = :contact RETURNING id;

-- name: drop_allowances_of
DELETE FROM allowance WHERE contact = :contact RETURNING id;

-- name: dispatching_of
SELECT id FROM outbound WHERE contact = :contact;

-- name: outbounds_from
SELECT * FROM outbound WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: received_from
SELECT * FROM received WHERE seq > :seq ORDER BY seq LIMIT :limit;

-- name: every_allowance
SELECT * FROM allowance;

-- name: every_parked
SELECT * FROM callback WHERE sealed IS NOT NULL;

-- name: approvals_of
SELECT * FROM approval WHERE outbound_id = :outbound_id;

-- name: trigger
SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = :trigger;

-- name: drop_approval_trigger
-- For the one change that is allowed: the same answer, proven under another key. It is put back in the transaction.
DROP TRIGGER IF EXISTS approval_is_append_only;

-- name: rekey_outbound
UPDATE outbound
SET key = :key, wish = :wish, contact = :contact, sealed = :sealed, carrier_ref = :carrier_ref, outcome = :outcome,
    said = :said, nonce = NULL
WHERE seq = :seq;

-- name: rekey_erased
UPDATE outbound SET key = NULL, wish = x'' WHERE seq = :seq;

-- name: rekey_approval
UPDATE approval SET digest = :digest WHERE seq = :seq;

-- name: rekey_received
UPDATE received SET carrier_ref = :carrier_ref, contact = :contact, sealed = :sealed WHERE seq = :seq;

-- name: rekey_allowance
UPDATE allowance
SET contact = :contact, sealed = :sealed, media_host = :media_host, revoked_at = :revoked_at, proof = :proof
WHERE id = :id;

-- name: rekey_passkey
UPDATE passkey SET sealed = :sealed, proof = :proof WHERE id = :id;

-- name: rekey_callback
UPDATE callback SET digest = :digest, carrier_ref = :carrier_ref, sealed = :sealed WHERE seq = :seq;

-- name: drop_joined
DELETE FROM callback WHERE sealed IS NULL;

-- name: insert_takeover
INSERT INTO takeover (id, contact, sealed, via, begun_at) VALUES (:id, :contact, :sealed, :via, :now) RETURNING *;

-- name: standing_takeover
SELECT * FROM takeover WHERE contact = :contact AND ended_at IS NULL;

-- name: standing_takeovers
SELECT * FROM takeover WHERE ended_at IS NULL ORDER BY begun_at DESC;

-- name: end_takeover
UPDATE takeover SET ended_at = :now WHERE contact = :contact AND ended_at IS NULL RETURNING id;

-- name: silence
UPDATE outbound SET status = 'cancelled', reason = 'human_takeover', updated_at = :now, nonce = NULL
WHERE contact = :contact AND NOT by_hand AND NOT notice AND status IN ('draft', 'awaiting_approval', 'approved', 'scheduled')
RETURNING id;

-- name: on_their_way
SELECT id FROM outbound WHERE contact = :contact AND NOT by_hand AND NOT notice AND status = 'dispatching';

-- name: sent_to
SELECT * FROM outbound WHERE contact = :contact AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: received_from_contact
SELECT * FROM received WHERE contact = :contact AND seq < :before ORDER BY seq DESC LIMIT :limit;

-- name: silenced_by
-- What a takeover would cancel now.
SELECT id FROM outbound
WHERE contact = :contact AND NOT by_hand AND NOT notice
  AND status IN ('draft', 'awaiting_approval', 'approved', 'scheduled');

-- name: sent_lately
-- The newest outbound to each person, of the newest :depth of all: however many there are, no more are looked at.
SELECT * FROM outbound WHERE seq IN (
    SELECT max(seq) FROM (SELECT seq, contact FROM outbound ORDER BY seq DESC LIMIT :depth)
    WHERE contact <> '' GROUP BY contact)
ORDER BY seq DESC LIMIT :limit;

-- name: received_lately
SELECT * FROM received WHERE seq IN (
    SELECT max(seq) FROM (SELECT seq, contact FROM received ORDER BY seq DESC LIMIT :depth)
    WHERE contact <> '' GROUP BY contact)
ORDER BY seq DESC LIMIT :limit;

-- name: drop_takeovers_of
DELETE FROM takeover WHERE contact = :contact RETURNING id;

-- name: every_takeover
SELECT * FROM takeover;

-- name: rekey_takeover
UPDATE takeover SET contact = :contact, sealed = :sealed WHERE id = :id;

-- name: put_trigger
INSERT INTO standing_trigger (id, name, sealed) VALUES (:id, :trigger_name, :sealed)
ON CONFLICT (id) DO UPDATE SET sealed = excluded.sealed;

-- name: trigger_by_name
SELECT * FROM standing_trigger WHERE name = :trigger_name;

-- name: trigger_by_id
SELECT * FROM standing_trigger WHERE id = :id;

-- name: standing_triggers
SELECT * FROM standing_trigger ORDER BY name;

-- name: drop_trigger
DELETE FROM standing_trigger WHERE name = :trigger_name RETURNING id;

-- name: put_trigger_caller
INSERT INTO trigger_caller (id, trigger_name, caller, sealed) VALUES (:id, :trigger_name, :caller, :sealed);

-- name: drop_trigger_caller
DELETE FROM trigger_caller WHERE trigger_name = :trigger_name AND caller = :caller;

-- name: drop_trigger_callers
DELETE FROM trigger_caller WHERE trigger_name = :trigger_name;

-- name: trigger_callers
SELECT * FROM trigger_caller WHERE trigger_name = :trigger_name ORDER BY caller;

-- name: every_trigger_caller
SELECT * FROM trigger_caller;

-- name: rekey_trigger_caller
UPDATE trigger_caller SET sealed = :sealed WHERE id = :id;

-- name: insert_trigger_use
INSERT INTO trigger_use (outbound_id, trigger_id, day, appointment, slot, sealed)
VALUES (:outbound_id, :trigger_id, :day, :appointment, :slot, :sealed);

-- name: count_trigger_uses
-- Of one day, without those of which certainly nothing went out.
SELECT count(*) AS used FROM trigger_use JOIN outbound ON outbound.id = trigger_use.outbound_id
WHERE trigger_id = :trigger_id AND day = :day
  AND outbound.status NOT IN ('cancelled', 'refused', 'expired', 'declined', 'failed');

-- name: reminders_of
SELECT outbound_id, slot, status, reason FROM trigger_use JOIN outbound ON outbound.id = trigger_use.outbound_id
WHERE trigger_id = :trigger_id AND appointment = :appointment;

-- name: every_reminder
SELECT * FROM trigger_use WHERE appointment IS NOT NULL;

-- name: rekey_reminder
UPDATE trigger_use SET appointment = :appointment, slot = :slot, sealed = :sealed WHERE outbound_id = :outbound_id;

-- name: drop_trigger_uses
DELETE FROM trigger_use WHERE outbound_id IN (SELECT value FROM json_each(:ids));

-- name: put_endpoint_secret
INSERT INTO endpoint_secret (name, sealed) VALUES (:endpoint, :sealed)
ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed;

-- name: endpoint_secret
SELECT * FROM endpoint_secret WHERE name = :endpoint;

-- name: endpoint_secrets
SELECT * FROM endpoint_secret;

-- name: drop_endpoint_secret
DELETE FROM endpoint_secret WHERE name = :endpoint RETURNING name;

-- name: postpone
-- A scheduled one that a limit holds back: it waits until something is free, as long as its grace allows.
UPDATE outbound SET not_before = :not_before, reason = :reason, updated_at = :now
WHERE id = :id AND status = 'scheduled' AND send_at + :grace >= :not_before
RETURNING *;

-- name: left_to
-- How much left, or may have left, of the newest :most, when the oldest of them did so at the latest, and what they cost;
-- with what is scheduled until then. What is being handed over may leave at any moment, however long ago it was taken.
SELECT count(*) AS used, min(at) AS oldest, coalesce(sum(price), 0) AS spent FROM (
    SELECT left_at AS at, price FROM outbound
    WHERE contact = :contact AND left_at > :since AND id <> :id AND NOT notice AND NOT (status = 'failed' AND carrier_ref IS NULL)
    UNION ALL
    SELECT :since + 1.0 AS at, price FROM outbound INDEXED BY outbound_leaving
    WHERE contact = :contact AND status = 'dispatching' AND left_at <= :since AND :until < 0 AND id <> :id AND NOT notice
    UNION ALL
    SELECT send_at AS at, price FROM outbound
    WHERE contact = :contact AND status = 'scheduled' AND send_at > :since AND send_at <= :until AND id <> :id
    ORDER BY at DESC LIMIT :most);

-- name: left_by
-- How much left, or may have left, of the newest :most, when the oldest of them did so at the latest, and what they cost;
-- with what is scheduled until then. What is being handed over may leave at any moment, however long ago it was taken.
SELECT count(*) AS used, min(at) AS oldest, coalesce(sum(price), 0) AS spent FROM (
    SELECT left_at AS at, price FROM outbound
    WHERE channel = :channel AND left_at > :since AND id <> :id AND NOT notice AND NOT (status = 'failed' AND carrier_ref IS NULL)
    UNION ALL
    SELECT :since + 1.0 AS at, price FROM outbound INDEXED BY outbound_leaving
    WHERE channel = :channel AND status = 'dispatching' AND left_at <= :since AND :until < 0 AND id <> :id AND NOT notice
    UNION ALL
    SELECT send_at AS at, price FROM outbound
    WHERE channel = :channel AND status = 'scheduled' AND send_at > :since AND send_at <= :until AND id <> :id
    ORDER BY at DESC LIMIT :most);

-- name: left_in_all
-- How much left, or may have left, of the newest :most, when the oldest of them did so at the latest, and what they cost;
-- with what is scheduled until then. What is being handed over may leave at any moment, however long ago it was taken.
SELECT count(*) AS used, min(at) AS oldest, coalesce(sum(price), 0) AS spent FROM (
    SELECT left_at AS at, price FROM outbound
    WHERE left_at > :since AND id <> :id AND NOT notice AND NOT (status = 'failed' AND carrier_ref IS NULL)
    UNION ALL
    SELECT :since + 1.0 AS at, price FROM outbound INDEXED BY outbound_leaving
    WHERE status = 'dispatching' AND left_at <= :since AND :until < 0 AND id <> :id AND NOT notice
    UNION ALL
    SELECT send_at AS at, price FROM outbound
    WHERE status = 'scheduled' AND send_at > :since AND send_at <= :until AND id <> :id
    ORDER BY at DESC LIMIT :most);

-- name: said_to
-- To how many others the same words went, or wait to go, since. What a person wrote by hand or let a trigger send is not counted.
SELECT count(DISTINCT contact) AS others FROM outbound
WHERE said = :said AND created_at > :since AND contact <> :contact AND NOT by_hand
  AND status NOT IN ('declined', 'cancelled', 'refused', 'expired')
  AND NOT (status = 'failed' AND carrier_ref IS NULL)
  AND NOT EXISTS (SELECT 1 FROM trigger_use WHERE trigger_use.outbound_id = outbound.id);

-- name: bulk_waiting
-- All that wait with the same words for one answer, oldest first.
SELECT * FROM outbound WHERE said = :said AND bulk AND status = 'awaiting_approval' ORDER BY seq LIMIT :limit;

-- name: said_by
SELECT said FROM outbound WHERE id = :id;

-- name: standing_optout
SELECT * FROM optout WHERE contact = :contact AND lifted_at IS NULL;

-- name: standing_optouts
SELECT * FROM optout WHERE lifted_at IS NULL ORDER BY begun_at DESC, id;

-- name: insert_optout
INSERT INTO optout (id, contact, sealed, via, carrier, said_at, begun_at)
VALUES (:id, :contact, :sealed, :via, :carrier, :said_at, :now)
ON CONFLICT (contact) WHERE lifted_at IS NULL DO NOTHING
RETURNING *;

-- name: optout_by_id
SELECT * FROM optout WHERE id = :id;

-- name: end_for_good
-- All that waits for somebody who opted out, whoever wrote it.
UPDATE outbound SET status = 'cancelled', reason = 'opted_out', updated_at = :now, nonce = NULL
WHERE contact = :contact AND NOT notice AND status IN ('draft', 'awaiting_approval', 'approved', 'scheduled')
RETURNING id;

-- name: end_notices
-- A confirmation that has not left when the opt-out is lifted would not be true any more.
UPDATE outbound SET status = 'cancelled', reason = 'opt_out_lifted', updated_at = :now, nonce = NULL
WHERE contact = :contact AND notice AND status IN ('awaiting_approval', 'approved', 'scheduled')
RETURNING id;

-- name: any_on_its_way
SELECT id FROM outbound WHERE contact = :contact AND NOT notice AND status = 'dispatching';

-- name: lift_optout
UPDATE optout SET lifted_at = :now WHERE contact = :contact AND lifted_at IS NULL RETURNING id;

-- name: lift_own_optout
-- The same person's own word undoes their own, if it was said after it.
UPDATE optout SET lifted_at = :now
WHERE contact = :contact AND lifted_at IS NULL AND via IN ('text', 'keys', 'carrier') AND said_at <= :said_at
RETURNING id;

-- name: unconfirmed_optouts
SELECT * FROM optout WHERE lifted_at IS NULL AND carrier IS NOT NULL AND NOT confirmed ORDER BY begun_at LIMIT :limit;

-- name: confirmed_optout
UPDATE optout SET confirmed = 1 WHERE id = :id;

-- name: every_optout
SELECT * FROM optout;

-- name: rekey_optout
UPDATE optout SET contact = :contact, sealed = :sealed WHERE id = :id;

-- name: known_received
SELECT 1 FROM received WHERE carrier = :carrier AND carrier_ref = :carrier_ref;

-- name: put_zone
INSERT INTO recipient_zone (contact, sealed) VALUES (:contact, :sealed)
ON CONFLICT (contact) DO UPDATE SET sealed = excluded.sealed;

-- name: zone_of
SELECT * FROM recipient_zone WHERE contact = :contact;

-- name: named_zones
SELECT * FROM recipient_zone ORDER BY contact;

-- name: drop_zone
DELETE FROM recipient_zone WHERE contact = :contact RETURNING contact;

-- name: spent_by_day
-- What left, by day (UTC) and channel, for the person's own plots.
SELECT CAST(left_at / 86400 AS INTEGER) AS day, channel, count(*) AS left_count, sum(coalesce(price, 0)) AS micros,
    sum(price IS NULL) AS unpriced
FROM outbound
WHERE left_at > :since AND NOT (status = 'failed' AND carrier_ref IS NULL)
GROUP BY day, channel ORDER BY day, channel;

-- name: scheduled_between
SELECT * FROM outbound WHERE status = 'scheduled' AND send_at >= :since AND send_at < :until ORDER BY send_at LIMIT :limit;

-- name: correct_price
UPDATE outbound SET price = :price WHERE id = :id;

-- name: priced_in_all
-- When what left, or may have left, did so at the latest, newest first; with what is scheduled until then. What is being
-- handed over may leave at any moment, however long ago it was taken.
SELECT left_at AS at, price FROM outbound
WHERE left_at > :since AND id <> :id AND NOT notice AND NOT (status = 'failed' AND carrier_ref IS NULL)
UNION ALL
SELECT :since + 1.0 AS at, price FROM outbound INDEXED BY outbound_leaving
WHERE status = 'dispatching' AND left_at <= :since AND :until < 0 AND id <> :id AND NOT notice
UNION ALL
SELECT send_at AS at, price FROM outbound
WHERE status = 'scheduled' AND send_at > :since AND send_at <= :until AND id <> :id
ORDER BY at DESC LIMIT :most;
