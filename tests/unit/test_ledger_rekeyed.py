"""A ledger of everything, put under a second key and then a third: what could be read, counted or found still is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.installation import KEYRING, TO, approve, edit, grant, ledger_in, outbound, rows, stored

from ringback.errors import LedgerError
from ringback.keys import Keyring
from ringback.ledger.consents import Grant
from ringback.ledger.outbounds import Stored
from ringback.ledger.records import Choice, Level, Record
from ringback.ledger.rekeying import Rekeying, Rotated
from ringback.ledger.triggers import Use
from ringback.model.limits import Bulk
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import Status
from ringback.model.trigger import Definition

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")
SECOND, THIRD = Keyring(bytes(32)), Keyring(b"3" * 32)
DEFINITION = Definition(
    name="closing",
    channel=Channel.SMS,
    template="We close at {time}.",
    countries=("US",),
    hours="00:00-24:00",
    limit_per_day=2,
    callers=("crm", "form"),
    carrier="sandbox",
)


def rekeyed_twice(home: Path, clock: FakeClock) -> Rotated:
    """Under the second key, and then, which opens all of it, under the third."""
    for old, new in ((KEYRING, SECOND), (SECOND, THIRD)):
        with ledger_in(home, clock, old) as ledger:
            rotated = Rekeying(ledger.database, old, new, clock).run()
    return rotated


async def sent(ledger: Ledger, text: str, carrier_id: str, to: PhoneNumber = NUMBER) -> Record:
    record = await approve(ledger, await stored(ledger, outbound(to.e164, text), key=text))
    claimed = await ledger.deliveries.claim(record.id, owner="me", lease_s=60)
    assert claimed is not None
    settled = await ledger.deliveries.settle(
        claimed, Status.ACCEPTED, acceptance=Acceptance(carrier_id, Status.ACCEPTED)
    )
    assert settled is not None
    return settled


def under(keyring: Keyring, record: Record) -> Record:
    return record if record.content is None else replace(record, contact=keyring.contact(record.content.to))


async def test_outbounds_are_the_same_and_found_by_key_wish_person_words_and_the_carriers_id(
    home: Path, clock: FakeClock
) -> None:
    bulk = Bulk(1, 3600.0)
    with ledger_in(home, clock) as ledger:
        records = [
            await sent(ledger, "one", "id-1"),
            await sent(ledger, "gone", "id-2", OTHER),
            await stored(ledger, outbound(text="waits"), key="k"),
            await stored(ledger, outbound(text="no key")),
        ]
        await ledger.erasure.forget(OTHER)
        records[1] = await ledger.outbounds.get(records[1].id)
    assert rekeyed_twice(home, clock) == Rotated(outbounds=4, received=0, allowances=0, passkeys=0)
    with ledger_in(home, clock, THIRD) as ledger:
        assert [await ledger.outbounds.get(each.id) for each in records] == [under(THIRD, each) for each in records]
        assert await ledger.outbounds.find(outbound(text="waits"), "k") == under(THIRD, records[2])
        assert await ledger.outbounds.find(outbound(text="no key"), None) == under(THIRD, records[3])
        assert await ledger.deliveries.find("sandbox", "id-1") == under(THIRD, records[0])
        assert await ledger.takeovers.waiting(NUMBER) == 2
        _, is_new = await ledger.outbounds.add(outbound(OTHER.e164, "other words"), key="gone", spend=None)
        assert is_new  # the key of what was erased is gone with the old one
        again, _ = await ledger.outbounds.add(
            outbound("+14155550177", "ONE!"), key=None, spend=None, terms=Stored(bulk=bulk)
        )
        assert again.bulk


async def test_each_answer_that_was_proven_stays_so_and_no_other_becomes_so(home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock) as ledger:
        genuine = await approve(ledger, await stored(ledger))
        second = await approve(ledger, await stored(ledger, outbound(text="second")))
        forged = await approve(ledger, await stored(ledger, outbound(text="forged")))
        edit(home, "UPDATE outbound SET channel = 'voice' WHERE id = ?", forged.id)
    rekeyed_twice(home, clock)
    with ledger_in(home, clock, THIRD) as ledger:
        for record, is_proven in ((genuine, True), (second, True), (forged, False)):
            now, consent = await ledger.outbounds.get(record.id), await ledger.consents.consent(record.id)
            assert consent is not None
            digest = THIRD.digest(now.outbound, row=now.id, expires_at=now.expires_at)
            said: dict[str, Any] = {"choice": Choice.ONCE, "level": Level.A2, "via": "page"}
            assert (THIRD.consent(digest, **said) == consent.digest) is is_proven
    with pytest.raises(Exception, match="append"):
        edit(home, "UPDATE approval SET level = 'A3' WHERE outbound_id = ?", genuine.id)


async def test_what_people_wrote_stays_theirs_and_is_known_again(home: Path, clock: FakeClock) -> None:
    senders = {"in-1": TO, "in-2": "Example Bank", "in-3": OTHER.e164, "in-4": TO}
    texts = [ReceivedText(name, sender, f"from {sender}", 0.0) for name, sender in senders.items()]
    with ledger_in(home, clock) as ledger:
        before = [await ledger.inbox.add("sandbox", text) for text in texts]
        await ledger.erasure.forget(OTHER)
    assert rekeyed_twice(home, clock) == Rotated(outbounds=0, received=3, allowances=0, passkeys=0)
    with ledger_in(home, clock, THIRD) as ledger:
        for text, was in zip(texts, before, strict=True):
            if text.sender != OTHER.e164:
                assert was is not None
                contact = THIRD.contact(was.number) if was.number else THIRD.stranger(text.sender)
                assert replace(was, contact=contact) in await ledger.inbox.page(10)
                assert await ledger.inbox.add("sandbox", text) is None


async def test_allowances_cover_what_they_covered_and_one_that_was_altered_still_nothing(
    home: Path, clock: FakeClock
) -> None:
    wish = outbound(channel=Channel.MMS)
    with ledger_in(home, clock) as ledger:
        altered = await ledger.consents.allow(OTHER, grant(), level=Level.A2, via="page")
        edit(home, "UPDATE allowance SET remaining = 9 WHERE id = ?", altered)
        of_host = Grant(Channel.MMS, "sandbox", 3600, 3, 480, media_host="example.com")
        await ledger.consents.allow(NUMBER, of_host, level=Level.A2, via="page")
        revoked = await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="page")
        await ledger.consents.revoke(revoked)
        before = await ledger.consents.allowances()
    assert rekeyed_twice(home, clock).allowances == 2
    with ledger_in(home, clock, THIRD) as ledger:
        assert await ledger.consents.allowances() == [replace(each, contact=THIRD.contact(NUMBER)) for each in before]
        elsewhere = outbound(channel=Channel.MMS, media="https://example.net/a.png")
        covered = [await ledger.consents.is_allowed(each, Level.A2) for each in (wish, elsewhere, outbound())]
        assert covered == [True, False, False]
        assert not await ledger.consents.is_allowed(outbound(OTHER.e164), Level.A2)


async def test_passkeys_takeovers_and_endpoints_stand_and_those_that_were_altered_do_not(
    home: Path, clock: FakeClock
) -> None:
    with ledger_in(home, clock) as ledger:
        passkeys = [
            await ledger.passkeys.add(credential_id=each.encode(), public_key=b"p", sign_count=0, label=each)
            for each in ("altered", "kept")
        ]
        edit(home, "UPDATE passkey SET public_key = x'00' WHERE credential_id = ?", b"altered")
        takeover, _ = await ledger.takeovers.begin(NUMBER, via="page")
        for endpoint in ("altered", "texts"):
            await ledger.endpoints.put(endpoint, "a secret")
        edit(home, "UPDATE endpoint_secret SET sealed = x'00' WHERE name = 'altered'")
    assert rekeyed_twice(home, clock).passkeys == 1
    with ledger_in(home, clock, THIRD) as ledger:
        assert await ledger.passkeys.present() == passkeys[1:]
        assert await ledger.passkeys.forged() == 1
        assert await ledger.takeovers.standing() == [replace(takeover, contact=THIRD.contact(NUMBER))]
        assert await ledger.takeovers.stands(NUMBER)
        fits = [await ledger.endpoints.fits(endpoint, "a secret") for endpoint in ("altered", "texts", "none")]
        assert fits == [False, True, False]


async def test_triggers_secrets_and_reminders_stand_and_those_that_were_altered_do_not(
    home: Path, clock: FakeClock
) -> None:
    with ledger_in(home, clock) as ledger:
        for name in ("altered", "closing"):
            await ledger.triggers.apply(replace(DEFINITION, name=name), level=Level.A2, via="terminal")
        secrets = {caller: await ledger.triggers.make_secret("closing", caller) for caller in ("crm", "form")}
        edit(home, "UPDATE standing_trigger SET sealed = x'00' WHERE name = 'altered'")
        edit(home, "UPDATE trigger_caller SET sealed = x'00' WHERE caller = 'crm'")
        trigger = await ledger.triggers.get("closing")
        for text, appointment in (("one", "uid-1"), ("two", None)):
            use = Use(trigger, Level.A2, appointment=appointment, slot=appointment and "at three")
            await ledger.outbounds.add(outbound(text=text), key=None, spend=None, use=use)
    rekeyed_twice(home, clock)
    with ledger_in(home, clock, THIRD) as ledger:
        assert await ledger.triggers.standing() == [trigger]
        opens = {caller: await ledger.triggers.caller(trigger, secret) for caller, secret in secrets.items()}
        assert opens == {"crm": None, "form": "form"}
        (reminder,) = await ledger.triggers.reminders(trigger.id, "uid-1")
        assert reminder.slot == ledger.triggers.slot("at three")


async def test_reports_that_wait_are_joined_and_those_that_were_joined_are_gone(home: Path, clock: FakeClock) -> None:
    with ledger_in(home, clock) as ledger:
        await ledger.deliveries.reported("sandbox", StatusNews("id-2", Report(Status.SENT, error="said")))
        await ledger.deliveries.reported("sandbox", StatusNews("id-2", Report(Status.DELIVERED)))
        await ledger.deliveries.reported("sandbox", StatusNews("id-1", Report(Status.DELIVERED)))
        assert (await sent(ledger, "one", "id-1")).status is Status.DELIVERED
    rekeyed_twice(home, clock)
    assert len(rows(home, "SELECT * FROM callback")) == 2
    with ledger_in(home, clock, THIRD) as ledger:
        assert await ledger.deliveries.reported("sandbox", StatusNews("id-2", Report(Status.DELIVERED))) is None
        assert (await sent(ledger, "two", "id-2")).status is Status.DELIVERED


async def test_more_than_a_batch_is_put_under_the_new_key(
    home: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.ledger.rekeying._BATCH", 2)
    with ledger_in(home, clock) as ledger:
        for number in range(5):
            await stored(ledger, outbound(text=f"text {number}"))
    assert rekeyed_twice(home, clock).outbounds == 5


@pytest.mark.parametrize("table", ["outbound", "received", "takeover"])
async def test_an_entry_that_cannot_be_opened_stops_it_and_nothing_is_changed(
    home: Path, clock: FakeClock, table: str
) -> None:
    with ledger_in(home, clock) as ledger:
        kept = await stored(ledger, outbound(text="kept"))
        await stored(ledger, outbound(OTHER.e164))
        await ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Hello", 0.0))
        await ledger.takeovers.begin(OTHER, via="page")
        edit(home, f"UPDATE {table} SET sealed = x'00' WHERE rowid = (SELECT max(rowid) FROM {table})")
        with pytest.raises(LedgerError):
            Rekeying(ledger.database, KEYRING, SECOND, clock).run()
    with ledger_in(home, clock) as ledger:
        assert await ledger.outbounds.get(kept.id) == kept
