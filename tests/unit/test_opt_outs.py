"""Who wants no more gets no more: by the order of storing, in the fence, confirmed once, over a new key and erasure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import (
    TO,
    YES,
    allow,
    approve,
    claimed,
    content_of,
    moment,
    opened,
    outbound,
    rows,
    scheduled,
    stored,
    want,
)

from ringback.clock import SystemClock
from ringback.errors import Refused
from ringback.ledger.outbounds import Stored
from ringback.ledger.records import Level
from ringback.model.news import Inbox, ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound, Report
from ringback.model.status import Status
from ringback.rotation import rotate
from ringback.settings import Settings
from ringback.stopping import LATEST_CONFIRMATION_S, LONGEST_SILENCE_S

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

OTHER = "+14155550199"
WORDS = (
    "Example Practice: You are unsubscribed and will get no more messages or calls from us. Reply START to undo this."
)


async def heard(ringback: Ringback, text: str, at: float = 0.0, *, sender: str = TO, name: str | None = None) -> bool:
    """A text comes in by the carrier's list."""
    carrier = ringback.carriers.get("sandbox")
    assert carrier is not None
    told = ReceivedText(name or f"in-{text}-{at}-{sender}", sender, text, at)
    return await ringback.inbound._store(carrier, told)


async def refusal(ringback: Ringback, channel: Channel = Channel.SMS, text: str = "once more") -> Refused:
    with pytest.raises(Refused) as refused:
        await want(ringback.telephone, channel, text=text)
    return refused.value


async def tend(ringback: Ringback, times: int = 3) -> None:
    for _ in range(times):
        await ringback.telephone.tend()


@pytest.mark.parametrize("word", ["STOP", "Unsubscribe.", "please stop", "arrêt"])
async def test_after_a_stop_word_everything_ends_and_one_confirmation_goes_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, word: str
) -> None:
    await allow(ringback)
    waiting = await want(ringback.telephone, Channel.VOICE, text="waits for a yes")
    later = await scheduled(ringback, 3600)
    elsewhere = await want(ringback.telephone, Channel.SMS, OTHER)
    assert await heard(ringback, word)
    for receipt in (waiting, later):
        told = await ringback.telephone.status(receipt.id)
        assert (told.status, told.reason) == ("cancelled", "opted_out")
    for channel in Channel:
        assert (await refusal(ringback, channel)).rule == "opted_out"
    await tend(ringback)
    clock.move(7200)
    await tend(ringback)
    assert [(wish.to.e164, wish.text) for wish in carrier.sent] == [(TO, WORDS)]
    assert (await ringback.telephone.status(elsewhere.id)).status != "cancelled"


async def test_a_person_who_writes_by_hand_is_refused_too_and_so_are_triggers_and_texts_by_hand_that_wait(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    await ringback.person.conversations.take_over(TO, via="page")
    await heard(ringback, "stop")
    with pytest.raises(Refused) as refused:
        await ringback.person.conversations.write(TO, "It is me.", level=Level.A2, via="page")
    assert refused.value.rule == "opted_out"
    assert carrier.sent == []


@pytest.mark.parametrize("by_hand", [False, True])
async def test_the_fence_itself_takes_nothing_for_somebody_who_opted_out(ringback: Ringback, by_hand: bool) -> None:
    """Whatever was stored as approved after the opt-out: no guard and no cancellation stands before the fence here."""
    ledger = ringback.ledger
    wish = Outbound(Channel.SMS, PhoneNumber(TO), "sandbox", "now", by_hand=by_hand)
    record = await approve(ledger, await stored(ledger, wish))
    await ledger.opt_outs.begin(PhoneNumber(OTHER), via="page")
    ledger.database.run("insert_optout", **row(ringback))
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is None
    assert await ledger.opt_outs.lift(PhoneNumber(TO))
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None


def row(ringback: Ringback) -> dict[str, Any]:
    """An opt-out as it stands in the file; nothing is cancelled by it."""
    keyring = ringback.keyring
    sealed = keyring.seal({"to": TO}, row="oo_1", column="optout")
    given = {"id": "oo_1", "contact": keyring.contact(PhoneNumber(TO)), "sealed": sealed, "via": "text"}
    return {**given, "carrier": None, "said_at": 0.0, "now": 0.0}


async def test_a_confirmation_goes_through_the_fence_only_while_the_opt_out_stands(ringback: Ringback) -> None:
    ledger = ringback.ledger
    notice = Outbound(Channel.SMS, PhoneNumber(TO), "sandbox", WORDS, notice=True)
    terms = Stored(notice_of="optout:oo_1")
    record, _ = await ledger.outbounds.add(notice, key="k", spend=None, terms=terms)
    assert record.status is Status.APPROVED
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is None
    ledger.database.run("insert_optout", **row(ringback))
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None


@pytest.mark.parametrize("of", ["another opt-out", "no opt-out", "another person"])
async def test_a_notice_that_stands_for_another_opt_out_goes_nowhere(
    ringback: Ringback, carrier: FakeCarrier, of: str
) -> None:
    ledger, number = ringback.ledger, PhoneNumber(TO)
    await ledger.opt_outs.begin(number, via="page")
    (mine,) = await ledger.opt_outs.standing()
    name = mine.id
    if of == "another opt-out":
        await ledger.opt_outs.lift(number)
        await ledger.opt_outs.begin(number, via="page")
    elif of == "no opt-out":
        name = "oo_none"
    else:
        number = PhoneNumber(OTHER)
        await ledger.opt_outs.begin(number, via="page")
    notice = Outbound(Channel.SMS, number, "sandbox", WORDS, notice=True)
    record, _ = await ledger.outbounds.add(notice, key="k", spend=None, terms=Stored(notice_of=f"optout:{name}"))
    await tend(ringback)
    told = await ringback.telephone.status(record.id)
    assert (told.status, told.reason) == ("refused", "opt_out_lifted")
    assert carrier.sent == []


async def test_an_answer_waits_for_what_is_being_handed_over_and_the_text_is_stored_last(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    answered, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: Outbound) -> Acceptance:
        begun.set()
        await answered.wait()
        return Acceptance("id-1", Status.ACCEPTED)

    carrier.outcomes = [slow]
    receipt = await want(ringback.telephone, Channel.SMS)
    sending = asyncio.create_task(ringback.person.answer(receipt.id, YES))
    await begun.wait()
    hearing = asyncio.create_task(heard(ringback, "STOP"))
    for _ in range(20):
        await asyncio.sleep(0)
    seen = hearing.done(), await ringback.ledger.opt_outs.stands(PhoneNumber(TO)), await ringback.person.received()
    answered.set()
    assert seen == (False, True, []), "the opt-out comes first, the text last"
    assert await hearing
    assert len(await ringback.person.received()) == 1
    assert (await sending).status == "accepted"


async def test_it_waits_ten_seconds_and_no_longer(ringback: Ringback, clock: FakeClock) -> None:
    await claimed(ringback.ledger)
    before = clock.now()
    assert await ringback.inbound.stopping.silence(PhoneNumber(TO)) == 1
    waited = (clock.now() - before).total_seconds()
    assert LONGEST_SILENCE_S == 10.0
    assert LONGEST_SILENCE_S <= waited < LONGEST_SILENCE_S + 1
    assert (await ringback.person.opt_outs.add(TO, via="page")).on_their_way == 1
    before = clock.now()
    assert await ringback.inbound.stopping.silence(PhoneNumber(OTHER)) == 0
    assert clock.now() == before


async def test_a_confirmation_under_way_is_not_waited_for(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    answered, begun = asyncio.Event(), asyncio.Event()

    async def slow(_: Outbound) -> Acceptance:
        begun.set()
        await answered.wait()
        return Acceptance("id-1", Status.ACCEPTED)

    carrier.outcomes = [slow]
    await heard(ringback, "STOP", name="one")
    tending = asyncio.create_task(tend(ringback))
    await begun.wait()
    before = clock.now()
    assert await heard(ringback, "STOP", 1.0, name="two")
    waited = clock.now() - before
    answered.set()
    await tending
    assert not waited


async def test_a_stop_that_is_told_again_confirms_and_counts_once(ringback: Ringback, carrier: FakeCarrier) -> None:
    for name in ("one", "one", "two"):
        await heard(ringback, "STOP", name=name)
        await tend(ringback)
    assert [wish.text for wish in carrier.sent] == [WORDS]
    assert len(await ringback.person.opt_outs.standing()) == 1
    assert len(await ringback.person.received()) == 2


async def test_start_undoes_it_and_the_next_stop_is_confirmed_once_more(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    await allow(ringback)
    for at in (0.0, 100.0):
        await heard(ringback, "STOP", at)
        await tend(ringback)
        assert (await refusal(ringback)).rule == "opted_out"
        await heard(ringback, "Start", at + 50)
        assert (await want(ringback.telephone, Channel.SMS, text=f"hello {at}")).status == "accepted"
    assert [wish.text for wish in carrier.sent] == [WORDS, "hello 0.0", WORDS, "hello 100.0"]


async def test_a_start_before_the_confirmation_left_takes_it_back(ringback: Ringback, carrier: FakeCarrier) -> None:
    await heard(ringback, "STOP", 1.0)
    assert await ringback.inbound.stopping.confirm() == 1  # it is stored, and goes out by the next share
    await heard(ringback, "START", 2.0)
    await tend(ringback)
    assert carrier.sent == []
    assert rows(ringback.settings.home, "SELECT status, reason FROM outbound") == [("cancelled", "opt_out_lifted")]


async def test_a_start_right_after_a_stop_leaves_nothing_to_confirm(ringback: Ringback, carrier: FakeCarrier) -> None:
    await heard(ringback, "STOP", 1.0)
    await heard(ringback, "START", 2.0)
    await tend(ringback)
    assert carrier.sent == []


@pytest.mark.parametrize(
    ("via", "said_at", "start_at", "lifts"),
    [
        ("text", 10.0, 11.0, True),
        ("text", 10.0, 10.0, True),
        ("text", 10.0, 9.0, False),  # an old START that arrives late
        ("keys", 10.0, 11.0, True),
        ("page", 10.0, 11.0, False),
        ("terminal", 10.0, 11.0, False),
        ("import", 10.0, 11.0, False),
    ],
)
async def test_who_began_it_may_undo_it_by_a_later_word(
    ringback: Ringback, via: str, said_at: float, start_at: float, lifts: bool
) -> None:
    await ringback.ledger.opt_outs.begin(PhoneNumber(TO), via=via, said_at=said_at)
    await heard(ringback, "START", start_at)
    assert await ringback.ledger.opt_outs.stands(PhoneNumber(TO)) is not lifts


async def test_a_start_that_was_acted_on_and_not_stored_is_acted_on_again(ringback: Ringback) -> None:
    """A kill between the two: the carrier tells of it once more, and nothing is lost."""
    await heard(ringback, "STOP", 1.0)
    add, ringback.ledger.inbox.add = ringback.ledger.inbox.add, None  # type: ignore[method-assign, assignment]
    with pytest.raises(TypeError):
        await heard(ringback, "START", 2.0, name="it")
    assert not await ringback.ledger.opt_outs.stands(PhoneNumber(TO))
    ringback.ledger.inbox.add = add  # type: ignore[method-assign]
    assert await heard(ringback, "START", 2.0, name="it")
    assert not await heard(ringback, "START", 2.0, name="it")


async def test_a_start_lifts_nobody_elses(ringback: Ringback) -> None:
    await heard(ringback, "STOP", 1.0)
    await heard(ringback, "START", 2.0, sender=OTHER)
    assert (await refusal(ringback)).rule == "opted_out"
    assert not await ringback.ledger.opt_outs.stands(PhoneNumber(OTHER))


@pytest.mark.parametrize("sender", ["", "12345", "BANK", "+1", "unknown"])
async def test_a_stop_from_nobody_in_particular_is_a_text_like_others(ringback: Ringback, sender: str) -> None:
    assert await heard(ringback, "STOP", sender=sender)
    assert await ringback.person.opt_outs.standing() == []
    assert len(await ringback.person.received()) == 1


@pytest.mark.parametrize("text", ["don't stop", "see you", "the end is near"])
async def test_other_texts_end_nothing(ringback: Ringback, text: str) -> None:
    assert await heard(ringback, text)
    assert await ringback.person.opt_outs.standing() == []


@pytest.mark.parametrize(("keys", "ends"), [("1*9", True), ("19", False), (None, False)])
async def test_star_nine_in_a_call_ends_everything_without_a_confirmation(
    ringback: Ringback, carrier: FakeCarrier, keys: str | None, ends: bool
) -> None:
    receipt = await want(ringback.telephone, Channel.VOICE)
    await ringback.person.answer(receipt.id, YES)
    waiting = await want(ringback.telephone, Channel.SMS, text="waits")
    await ringback.ledger.deliveries.reported("sandbox", StatusNews("id-1", Report(Status.COMPLETED, keys=keys)))
    await tend(ringback)
    assert [each.via for each in await ringback.person.opt_outs.standing()] == (["keys"] if ends else [])
    assert (await ringback.telephone.status(waiting.id)).status == ("cancelled" if ends else "awaiting_approval")
    assert len(carrier.sent) == 1


async def test_a_carrier_that_confirms_by_itself_is_not_doubled(home: Path, clock: FakeClock) -> None:
    carrier = FakeCarrier()
    carrier.confirms_opt_outs = True  # type: ignore[attr-defined]
    async with opened(home, carrier, clock=clock) as ringback:
        await heard(ringback, "STOP")
        await tend(ringback)
        assert (await refusal(ringback)).rule == "opted_out"
    assert carrier.sent == []


@pytest.mark.parametrize("via", ["page", "terminal", "import"])
async def test_what_a_person_notes_down_is_not_confirmed(ringback: Ringback, carrier: FakeCarrier, via: str) -> None:
    await ringback.person.opt_outs.add(TO, via=via)
    await tend(ringback)
    assert carrier.sent == []
    assert (await refusal(ringback)).rule == "opted_out"


async def test_the_confirmation_is_stored_once_whoever_stores_it(home: Path, clock: FakeClock) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:
        await heard(one, "STOP")
        waiting = await two.ledger.opt_outs.unconfirmed()
        assert len(waiting) == 1
        await asyncio.gather(one.inbound.stopping.confirm(), two.inbound.stopping.confirm())
        two.ledger.database.run("rekey_optout", id=waiting[0][0].id, contact=waiting[0][0].contact, sealed=b"")
        assert await two.ledger.opt_outs.unconfirmed() == []
    assert rows(home, "SELECT count(*) FROM outbound WHERE notice") == [(1,)]


async def test_a_confirmation_that_was_stored_and_not_noted_down_goes_out_once(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    await heard(ringback, "STOP")
    for _ in range(3):
        with ringback.ledger.database.transaction("edit"):
            ringback.ledger.database._connection.execute("UPDATE optout SET confirmed = 0")
        await tend(ringback)
    assert [wish.text for wish in carrier.sent] == [WORDS]


async def test_an_opt_out_outlives_erasure_retention_and_a_new_key(home: Path) -> None:
    async with opened(home, clock=SystemClock(), retention_days=1) as ringback:
        await want(ringback.telephone, Channel.SMS)
        await heard(ringback, "STOP")
        await ringback.person.opt_outs.add(OTHER, via="terminal")
        await ringback.person.forget(TO)
        await ringback.ledger.erasure.sweep()
        assert (await refusal(ringback)).rule == "opted_out"
    rotate(Settings(home=home))
    async with opened(home, clock=SystemClock()) as ringback:
        standing = await ringback.person.opt_outs.standing()
        assert {(each.number.e164, each.via) for each in standing} == {(TO, "text"), (OTHER, "terminal")}
        assert (await refusal(ringback)).rule == "opted_out"
        assert await ringback.person.opt_outs.lift(TO)
        assert (await want(ringback.telephone, Channel.SMS)).status == "awaiting_approval"
    assert TO[2:].encode() not in content_of(home)


async def test_a_new_key_leaves_the_confirmation_valid(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = FakeCarrier()
    async with opened(home, carrier, clock=SystemClock()) as ringback:
        await heard(ringback, "STOP")
        await ringback.inbound.stopping.confirm()
    rotate(Settings(home=home))
    async with opened(home, carrier, clock=SystemClock()) as ringback:
        await tend(ringback)
    assert [wish.text for wish in carrier.sent] == [WORDS]


async def test_the_confirmation_is_held_back_by_no_rule_but_the_line(home: Path) -> None:
    """At night, abroad, over each limit and budget, with the conversation taken over."""
    carrier, clock = FakeCarrier(), FakeClock()
    rules = {"hours": "08:00-08:01", "countries": "DE", "limits": "all=0/day", "budget": "0 USD/day", "bulk": "1/hour"}
    async with opened(home, carrier, clock=clock, sandbox_rules=True, **rules) as ringback:
        await ringback.person.conversations.take_over(TO, via="page")
        for number in (TO, OTHER):
            await heard(ringback, "STOP", sender=number)
        await tend(ringback)
        assert [wish.to.e164 for wish in carrier.sent] == [TO, OTHER]


async def test_a_confirmation_does_not_count_for_a_limit_and_waits_for_a_line(home: Path) -> None:
    carrier, clock = FakeCarrier(), FakeClock()
    async with opened(home, carrier, clock=clock, sandbox_rules=True, limits="all=1/day") as ringback:
        await heard(ringback, "STOP", sender=OTHER)
        await tend(ringback)
        await allow(ringback)
        assert (await want(ringback.telephone, Channel.SMS)).status == "accepted"
        assert len(carrier.sent) == 2


async def test_a_polled_inbox_stops_too_and_reads_on(ringback: Ringback, carrier: FakeCarrier) -> None:
    texts = [ReceivedText("1", TO, "hello", 1.0), ReceivedText("2", TO, "STOP", 2.0), ReceivedText("3", TO, "bye", 3.0)]
    carrier.texts = Inbox(tuple(texts), "c")
    for _ in range(2):
        await tend(ringback)
    assert [each.text for each in await ringback.person.received()] == ["bye", "STOP", "hello"]
    assert [wish.text for wish in carrier.sent] == [WORDS]
    assert await ringback.ledger.inbox.cursor("sandbox") == "c"


async def test_a_repeated_wish_after_a_stop_sends_nothing(ringback: Ringback, carrier: FakeCarrier) -> None:
    await allow(ringback)
    at = moment(ringback.clock, 60)
    await ringback.telephone.send_sms(TO, "later", send_at=at, idempotency_key="k")
    await heard(ringback, "STOP")
    told = await ringback.telephone.send_sms(TO, "later", send_at=at, idempotency_key="k")
    assert (told.status, told.reason, told.repeated) == ("cancelled", "opted_out", True)
    assert outbound().text not in [wish.text for wish in carrier.sent]
    await tend(ringback)
    assert [wish.text for wish in carrier.sent] == [WORDS]


async def test_a_confirmation_that_comes_too_late_is_left_out(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    await ringback.ledger.opt_outs.begin(PhoneNumber(TO), via="text", carrier=carrier.name)
    clock.move(LATEST_CONFIRMATION_S + 1)
    await ringback.telephone.tend()
    clock.move(1)
    await ringback.telephone.tend()
    assert carrier.sent == []
    assert await ringback.ledger.opt_outs.unconfirmed() == []
