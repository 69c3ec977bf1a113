"""What the ledger gives back is what was put in, whole, under an id that says what it is."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.installation import KEYRING, PICTURE, TO, approve, edit, grant, outbound, stored

from ringback.ledger.consents import Grant
from ringback.ledger.outbounds import Stored
from ringback.ledger.passkeys import Passkey
from ringback.ledger.records import Allowance, Choice, Event, Level, Received, Record, Takeover
from ringback.ledger.triggers import Reminder, StandingTrigger, Use
from ringback.model.news import ReceivedText
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status
from ringback.model.trigger import Definition

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")
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


async def test_an_allowance_is_listed_as_it_was_given(ledger: Ledger, now: float) -> None:
    given = Grant(Channel.MMS, "twilio", 3600.0, 7, max_chars=200, links=True, media_host="example.com")
    allowance_id = await ledger.consents.allow(NUMBER, given, level=Level.A3, via="page")
    assert allowance_id.startswith("al_")
    assert await ledger.consents.allowances() == [
        Allowance(
            id=allowance_id,
            number=NUMBER,
            contact=KEYRING.contact(NUMBER),
            channel=Channel.MMS,
            carrier="twilio",
            level=Level.A3,
            via="page",
            created_at=now,
            expires_at=now + 3600.0,
            remaining=7,
            max_chars=200,
            links=True,
        )
    ]


async def test_an_allowance_stands_until_it_is_revoked_changed_or_too_weak(ledger: Ledger, home: Path) -> None:
    kept, revoked, changed = [
        await ledger.consents.allow(NUMBER, grant(), level=Level.A2, via="page") for _ in range(3)
    ]
    await ledger.consents.revoke(revoked)
    edit(home, "UPDATE allowance SET remaining = remaining + 1 WHERE id = ?", changed)
    stands = {each: await ledger.consents.still_allows(each, Level.A2) for each in (kept, revoked, changed, "al_no")}
    assert stands == {kept: True, revoked: False, changed: False, "al_no": False}
    assert not await ledger.consents.still_allows(kept, Level.A3)
    assert not await ledger.consents.revoke("al_no")


async def test_a_takeover_is_told_as_it_began_and_counts_what_it_ends(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    waiting = await stored(ledger)
    by_hand = await stored(ledger, replace(outbound(text="by hand"), by_hand=True))
    elsewhere = await stored(ledger, outbound(OTHER.e164))
    await approve(ledger, await stored(ledger, outbound(text="approved")))
    await approve(ledger, await stored(ledger, replace(outbound(text="later"), send_at=now + 600)))
    for changes in ({}, {"by_hand": True}):
        on_its_way = await approve(ledger, await stored(ledger, replace(outbound(text=f"goes {changes}"), **changes)))
        await ledger.deliveries.claim(on_its_way.id, owner="me", lease_s=60)
    assert await ledger.takeovers.waiting(NUMBER) == 3
    assert await ledger.takeovers.on_their_way(NUMBER) == 1
    takeover, cancelled = await ledger.takeovers.begin(NUMBER, via="page")
    assert takeover == Takeover(takeover.id, NUMBER, KEYRING.contact(NUMBER), "page", now)
    assert takeover.id.startswith("tk_")
    assert cancelled == 3
    (event,) = [each for each in await ledger.outbounds.events(waiting.id) if each.kind == "moved"]
    assert (event.status, event.detail) == (Status.CANCELLED, "human_takeover")
    for record in (by_hand, elsewhere):
        assert (await ledger.outbounds.get(record.id)).status is Status.AWAITING_APPROVAL
    clock.move(60)
    assert await ledger.takeovers.begin(NUMBER, via="terminal") == (takeover, 0)
    another, _ = await ledger.takeovers.begin(OTHER, via="terminal")
    assert await ledger.takeovers.standing() == [another, takeover]
    assert [await ledger.takeovers.stands(number) for number in (NUMBER, OTHER)] == [True, True]
    assert await ledger.takeovers.end(NUMBER)
    assert [await ledger.takeovers.stands(number) for number in (NUMBER, OTHER)] == [False, True]
    assert await ledger.takeovers.standing() == [another]


@pytest.mark.parametrize(
    "wish",
    [
        outbound(),
        outbound(channel=Channel.MMS, carrier="twilio"),
        replace(outbound(channel=Channel.VOICE), urgent=True),
        replace(outbound(), by_hand=True),
        replace(outbound(), notice=True),
        replace(outbound(), send_at=1_773_150_000.0),
    ],
)
async def test_an_outbound_is_told_as_it_was_stored(ledger: Ledger, now: float, wish: Outbound) -> None:
    record, is_new = await ledger.outbounds.add(
        wish, key="k", spend=None, asked_by="a program", terms=Stored(price=7500)
    )
    assert is_new
    assert record.id.startswith("ob_")
    assert record == Record(
        id=record.id,
        channel=wish.channel,
        carrier=wish.carrier,
        content=wish,
        contact=KEYRING.contact(NUMBER),
        status=Status.AWAITING_APPROVAL,
        reason=None,
        asked_by="a program",
        level=None,
        created_at=now,
        updated_at=now,
        expires_at=now + 600.0,
        attempt=0,
        owner=None,
        lease_until=None,
        send_at=wish.send_at,
        claimed_at=None,
        carrier_id=None,
        report=None,
        bulk=False,
        price=7500,
    )
    assert await ledger.outbounds.get(record.id) == record
    assert await ledger.outbounds.add(wish, key="k", spend=None) == (record, False)
    assert await ledger.outbounds.find(wish, "k") == record
    assert await ledger.outbounds.find(replace(wish, text="another"), None) is None


async def test_each_step_changes_what_it_is_about_and_nothing_else(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    waiting = await stored(ledger)
    clock.move(1)
    approved = await approve(ledger, waiting, level=Level.A3)
    assert approved == replace(waiting, status=Status.APPROVED, level=Level.A3, updated_at=now + 1)
    clock.move(1)
    claimed = await ledger.deliveries.claim(waiting.id, owner="me", lease_s=60)
    assert claimed == replace(
        approved,
        status=Status.DISPATCHING,
        attempt=1,
        owner="me",
        lease_until=now + 62,
        claimed_at=now + 2,
        updated_at=now + 2,
    )
    clock.move(1)
    accepted = Acceptance("carrier's id", Status.QUEUED)
    settled = await ledger.deliveries.settle(claimed, Status.QUEUED, acceptance=accepted)
    assert settled == replace(claimed, status=Status.QUEUED, owner=None, carrier_id="carrier's id", updated_at=now + 3)
    clock.move(1)
    report = Report(Status.DELIVERED, error="said")
    learned = await ledger.deliveries.learn(settled, report)
    assert learned == replace(settled, status=Status.DELIVERED, report=report, updated_at=now + 4)
    assert await ledger.deliveries.find("sandbox", "carrier's id") == learned
    assert [
        (event.outbound_id, event.at - now, event.kind, event.status, event.detail)
        for event in await ledger.outbounds.events(waiting.id)
    ] == [
        (waiting.id, 0, "stored", Status.AWAITING_APPROVAL, ""),
        (waiting.id, 1, "answered", Status.APPROVED, "once"),
        (waiting.id, 2, "claimed", Status.DISPATCHING, ""),
        (waiting.id, 3, "settled", Status.QUEUED, ""),
        (waiting.id, 4, "reported", Status.DELIVERED, ""),
    ]


async def test_a_failure_is_told_with_the_carriers_words_and_its_reason(ledger: Ledger, now: float) -> None:
    record = await approve(ledger, await stored(ledger))
    claimed = await ledger.deliveries.claim(record.id, owner="me", lease_s=60)
    assert claimed is not None
    settled = await ledger.deliveries.settle(claimed, Status.FAILED, reason="carrier_rejected", detail="no such line")
    assert settled == replace(
        claimed,
        status=Status.FAILED,
        reason="carrier_rejected",
        owner=None,
        report=Report(Status.FAILED, error="no such line"),
    )
    event = (await ledger.outbounds.events(record.id))[-1]
    assert (event.kind, event.status, event.detail) == ("settled", Status.FAILED, "carrier_rejected")


async def test_events_are_numbered_over_all_outbounds(ledger: Ledger, now: float) -> None:
    assert await ledger.outbounds.last_event() == 0
    first, second = await stored(ledger), await stored(ledger, outbound(OTHER.e164))
    expected = [
        Event(1, first.id, now, "stored", Status.AWAITING_APPROVAL, ""),
        Event(2, second.id, now, "stored", Status.AWAITING_APPROVAL, ""),
    ]
    assert await ledger.outbounds.events_after(0) == expected
    assert await ledger.outbounds.events_after(1) == expected[1:]
    assert await ledger.outbounds.events_after(0, 1) == expected[:1]
    assert await ledger.outbounds.last_event() == 2
    assert await ledger.outbounds.events(second.id) == expected[1:]


@pytest.mark.parametrize("sender", [TO, "Example Bank"])
async def test_a_received_text_is_told_as_it_came(ledger: Ledger, clock: FakeClock, now: float, sender: str) -> None:
    clock.move(60)
    received = await ledger.inbox.add("sandbox", ReceivedText("in-1", sender, "Hello", now))
    assert received is not None
    assert received.id.startswith("in_")
    number = NUMBER if sender == TO else None
    contact = KEYRING.contact(NUMBER) if number else KEYRING.stranger(sender)
    assert received == Received(received.id, "sandbox", contact, number, "Hello", now, now + 60)
    assert await ledger.inbox.page(10) == [received]
    assert await ledger.inbox.with_contact(contact, 10) == [received]
    assert await ledger.inbox.is_known("sandbox", "in-1")
    assert not await ledger.inbox.is_known("sandbox", "in-2")
    assert not await ledger.inbox.is_known("twilio", "in-1")
    assert await ledger.inbox.add("sandbox", ReceivedText("in-1", sender, "again", now)) is None
    assert await ledger.inbox.add("twilio", ReceivedText("in-1", sender, "by another", now)) is not None


async def test_a_conversation_is_both_directions_with_one_person_newest_first(ledger: Ledger, clock: FakeClock) -> None:
    entries: list[Record | Received] = []
    for number in range(3):
        entries.append(await stored(ledger, outbound(text=f"text {number}")))
        clock.move(1)
        received = await ledger.inbox.add("sandbox", ReceivedText(f"in-{number}", TO, f"answer {number}", 0.0))
        assert received is not None
        entries.append(received)
        clock.move(1)
    other = await stored(ledger, outbound(OTHER.e164))
    assert await ledger.inbox.conversation(NUMBER, 10) == entries[::-1]
    assert await ledger.inbox.conversation(NUMBER, 3) == entries[:2:-1]
    assert await ledger.inbox.newest_of_each(10) == [other, entries[-1]]
    assert await ledger.inbox.newest_of_each(1) == [other]
    page = await ledger.inbox.journal(4)
    assert list(page.entries) == [other, *entries[:2:-1]]
    rest = await ledger.inbox.journal(4, page.cursor)
    assert (list(rest.entries), rest.cursor) == (entries[2::-1], None)


async def test_a_passkey_is_told_as_it_was_registered_used_and_removed(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    passkey = await ledger.passkeys.add(credential_id=b"c", public_key=b"p", sign_count=3, label="my phone")
    assert passkey is not None
    assert passkey == Passkey(passkey.id, "my phone", b"c", b"p", 3, now, None, None)
    assert passkey.id.startswith("pk_")
    assert await ledger.passkeys.present() == [passkey]
    clock.move(60)
    assert await ledger.passkeys.use(passkey, 4)
    used = replace(passkey, sign_count=4, used_at=now + 60)
    assert await ledger.passkeys.ever() == [used]
    clock.move(60)
    assert await ledger.passkeys.remove(used)
    assert await ledger.passkeys.present() == []
    assert await ledger.passkeys.ever() == [replace(used, removed_at=now + 120)]


async def test_a_trigger_is_told_as_it_was_applied_with_those_who_may_use_it(
    ledger: Ledger, clock: FakeClock, now: float
) -> None:
    applied = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    assert applied == StandingTrigger(applied.id, DEFINITION, Level.A2, "terminal", now)
    assert applied.id.startswith("tr_")
    for caller in ("form", "crm"):
        assert (await ledger.triggers.make_secret("closing", caller)).startswith("rbt_")
    assert set((await ledger.triggers.get("closing")).callers) == {"crm", "form"}
    clock.move(60)
    again = await ledger.triggers.apply(replace(DEFINITION, callers=("crm",)), level=Level.A3, via="page")
    assert again == StandingTrigger(
        applied.id, replace(DEFINITION, callers=("crm",)), Level.A3, "page", now + 60, ("crm",)
    )
    assert await ledger.triggers.standing() == [again]
    assert await ledger.triggers.remove("closing")
    assert not await ledger.triggers.remove("closing")
    assert await ledger.triggers.standing() == []


async def test_triggers_and_their_callers_are_told_by_name(ledger: Ledger) -> None:
    for name in ("opening", "closing", "remind"):
        await ledger.triggers.apply(replace(DEFINITION, name=name), level=Level.A2, via="terminal")
    for caller in ("form", "crm"):
        await ledger.triggers.make_secret("opening", caller)
    assert [each.definition.name for each in await ledger.triggers.standing()] == ["closing", "opening", "remind"]
    assert (await ledger.triggers.get("opening")).callers == ("crm", "form")


async def test_a_reminder_is_told_by_its_appointment_and_slot(ledger: Ledger) -> None:
    trigger = await ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    use = Use(trigger, Level.A2, appointment="uid-1", slot="at three")
    record, _ = await ledger.outbounds.add(outbound(), key=None, spend=None, use=use)
    assert record.status is Status.APPROVED
    assert await ledger.triggers.reminders(trigger.id, "uid-1") == [
        Reminder(record.id, Status.APPROVED, None, ledger.triggers.slot("at three"))
    ]
    assert await ledger.triggers.reminders(trigger.id, "uid-2") == []
    assert await ledger.triggers.reminders("tr_other", "uid-1") == []
    assert ledger.triggers.slot("at three") != ledger.triggers.slot("at four")


async def test_nothing_secret_is_in_what_is_logged_of_a_record(ledger: Ledger) -> None:
    record = await stored(ledger, outbound(channel=Channel.MMS))
    shown = repr(record)
    assert TO not in shown
    assert PICTURE not in shown
    assert record.outbound.text not in shown


async def test_an_answer_says_what_was_chosen_how_surely_and_by_what(ledger: Ledger) -> None:
    record = await stored(ledger)
    assert await ledger.consents.consent(record.id) is None
    await ledger.consents.answer(record, Choice.DAY, level=Level.A3, via="page", grant=grant(count=3))
    consent = await ledger.consents.consent(record.id)
    assert consent is not None
    digest = KEYRING.digest(record.outbound, row=record.id, expires_at=record.expires_at)
    expected: dict[str, Any] = {"choice": Choice.DAY, "level": Level.A3, "via": "page"}
    assert asdict(consent) == {**expected, "digest": KEYRING.consent(digest, **expected)}
    (allowance,) = await ledger.consents.allowances()
    assert (allowance.number, allowance.level, allowance.via, allowance.remaining) == (NUMBER, Level.A3, "page", 3)


@pytest.mark.parametrize(
    ("choice", "status", "reason"),
    [
        (Choice.NO, Status.DECLINED, "person_declined"),
        (Choice.WRONG_DIGITS, Status.CANCELLED, "digits_did_not_match"),
        (Choice.DISMISSED, Status.CANCELLED, "question_dismissed"),
    ],
)
async def test_without_a_yes_nothing_is_granted_and_the_reason_is_told(
    ledger: Ledger, choice: Choice, status: Status, reason: str
) -> None:
    record = await stored(ledger)
    answered = await ledger.consents.answer(record, choice, level=Level.A2, via="page", grant=grant())
    assert answered is not None
    assert (answered.status, answered.reason, answered.level) == (status, reason, None)
    assert await ledger.consents.allowances() == []
    assert await ledger.consents.consent(record.id) is None
