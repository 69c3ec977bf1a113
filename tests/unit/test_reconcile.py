"""A doubtful outbound is found in the carrier's history only where there is exactly one reading of it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TEXT, TO, YES, claimed, opened, rows, want

from ringback.errors import CarrierUnavailable
from ringback.inbound import CLOCK_SKEW_S, HISTORY_LIMIT, LONGEST_REQUEST_S
from ringback.lease import LEASE_S
from ringback.model.outbound import Acceptance, CarrierItem, Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

WINDOW_S = LEASE_S + LONGEST_REQUEST_S + CLOCK_SKEW_S


async def doubtful(
    ringback: Ringback, carrier: FakeCarrier, text: str = TEXT, *, to: str = TO, channel: Channel = Channel.SMS
) -> Receipt:
    carrier.outcomes = [CarrierUnavailable("?")]
    doubt = await ringback.person.answer((await want(ringback.telephone, channel, to, text)).id, YES)
    assert doubt.status == "unknown"
    return doubt


def entry(at: datetime, carrier_id: str = "found", later_s: float = 0.0, *, text: str | None = None) -> CarrierItem:
    return CarrierItem(
        carrier_id, Channel.SMS, TO, Status.SENT, (at + timedelta(seconds=later_s)).isoformat(), text=text
    )


async def found(ringback: Ringback, doubt: Receipt) -> str | None:
    """The carrier's id that the doubt was resolved with, if it was."""
    await ringback.telephone.status(doubt.id)
    return (await ringback.ledger.outbounds.get(doubt.id)).carrier_id


@pytest.mark.parametrize(
    ("later_s", "is_it"),
    [
        (-3600, False),
        (-CLOCK_SKEW_S - 0.001, False),
        (-CLOCK_SKEW_S, True),
        (0, True),
        (LEASE_S, True),
        (WINDOW_S, True),
        (WINDOW_S + 0.001, False),
        (3600, False),
    ],
)
async def test_only_an_entry_from_the_time_of_the_dispatch_can_be_it(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, *, later_s: float, is_it: bool
) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = [entry(clock.now(), later_s=later_s)]
    assert (await found(ringback, doubt) == "found") is is_it


async def test_the_time_of_the_dispatch_counts_and_not_that_of_the_wish(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    wished = clock.now()
    clock.move(500)
    carrier.outcomes = [CarrierUnavailable("?")]
    doubt = await ringback.person.answer(waiting.id, YES)
    carrier.items = [entry(wished, "from the wish's time")]
    assert await found(ringback, doubt) is None
    carrier.items += [entry(clock.now())]
    assert await found(ringback, doubt) == "found"


async def test_a_dispatch_that_heartbeats_prolonged_is_looked_for_until_the_end_of_its_last_lease(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    record = await claimed(ringback.ledger, owner="elsewhere:1", lease_s=LEASE_S)
    for _ in range(5):
        clock.move(LEASE_S - 1)
        await ringback.ledger.deliveries.beat(record, lease_s=LEASE_S)
    carrier.items = [entry(clock.now(), later_s=LEASE_S)]
    clock.move(LEASE_S + 1)
    await ringback.telephone.tend()
    told = await ringback.telephone.status(record.id)
    assert (told.status, told.reason) == ("sent", "found_at_carrier")


@pytest.mark.parametrize(("text", "is_it"), [(None, True), (TEXT, True), ("", False), (TEXT + " ", False)])
async def test_another_text_is_not_it_where_the_history_tells_texts(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, *, text: str | None, is_it: bool
) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = [entry(clock.now(), text=text)]
    assert (await found(ringback, doubt) == "found") is is_it


async def test_two_doubts_about_one_recipient_minutes_apart_each_find_their_own(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    first, begun = await doubtful(ringback, carrier, "one"), clock.now()
    clock.move(5 * 60)
    second = await doubtful(ringback, carrier, "two")
    carrier.items = [entry(clock.now(), "of the second", 1), entry(begun, "of the first", 1)]
    assert await found(ringback, second) == "of the second"
    assert await found(ringback, first) == "of the first"


async def test_two_doubts_at_the_same_time_stay_doubts_whichever_entries_there_are(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubts = [await doubtful(ringback, carrier, text) for text in ("one", "two")]
    for count in range(4):
        carrier.items = [entry(clock.now(), f"id {at}", at) for at in range(count)]
        for _ in range(2):
            clock.move(30)
            await ringback.telephone.tend()
            assert [await found(ringback, doubt) for doubt in doubts] == [None, None]
    assert len(carrier.sent) == 2


async def test_two_doubts_at_the_same_time_are_told_apart_by_their_texts(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubts = [await doubtful(ringback, carrier, text) for text in ("one", "two")]
    carrier.items = [entry(clock.now(), "of two", 1, text="two"), entry(clock.now(), "of one", 2, text="one")]
    assert [await found(ringback, doubt) for doubt in doubts] == ["of one", "of two"]


async def test_two_doubts_with_the_same_text_stay_doubts(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubts = []
    for key in "ab":
        carrier.outcomes = [CarrierUnavailable("?")]
        waiting = await want(ringback.telephone, Channel.SMS, idempotency_key=key)
        doubts.append(await ringback.person.answer(waiting.id, YES))
    carrier.items = [entry(clock.now(), text=TEXT)]
    assert [await found(ringback, doubt) for doubt in doubts] == [None, None]


async def test_a_rival_that_was_found_elsewhere_stands_in_no_way(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    one, two = [await doubtful(ringback, carrier, text) for text in ("one", "two")]
    await ringback.person.resolve(one.id, sent=False)
    carrier.items = [entry(clock.now())]
    assert await found(ringback, two) == "found"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_an_entry_that_is_already_another_outbounds_is_never_taken_whatever_the_order(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, order: tuple[int, ...]
) -> None:
    carrier.outcomes = [Acceptance("known", Status.SENT)]
    waiting = await want(ringback.telephone, Channel.SMS, text="taken")
    await ringback.person.answer(waiting.id, YES)
    doubt = await doubtful(ringback, carrier)
    items = [entry(clock.now(), "known"), entry(clock.now(), "found", 1), entry(clock.now(), "early", -60)]
    carrier.items = [items[at] for at in order]
    assert await found(ringback, doubt) == "found"


async def test_one_entry_never_becomes_two_outbounds(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:
        doubt = await doubtful(one, carrier)
        carrier.items = [entry(clock.now())]
        assert (await one.telephone.status(doubt.id)).reason == "found_at_carrier"
        later = await doubtful(two, carrier, "another text")
        assert (await two.telephone.status(later.id)).status == "unknown"
    assert rows(home, "SELECT count(DISTINCT carrier_ref), count(carrier_ref) FROM outbound") == [(1, 1)]


async def test_a_doubt_is_looked_for_by_itself_and_ends_when_the_carrier_tells(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    begun = clock.now()
    for _ in range(5):
        clock.move(60)
        await ringback.telephone.tend()
    carrier.items = [entry(begun, later_s=1)]
    clock.move(60)
    await ringback.telephone.tend()
    assert (await ringback.ledger.outbounds.get(doubt.id)).status is Status.SENT
    assert len(carrier.sent) == 1


async def test_a_long_history_is_asked_for_no_more_than_a_hundred(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    others = [CarrierItem(f"o{at}", Channel.SMS, "+14155550177", Status.SENT, "") for at in range(HISTORY_LIMIT - 1)]
    carrier.items = [*others, entry(clock.now())]
    assert await found(ringback, doubt) == "found"
    later = await doubtful(ringback, carrier, "later")
    carrier.items = [*others, entry(clock.now()), entry(clock.now(), "beyond")]
    assert await found(ringback, later) is None


# -- what a person finds out -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "status", "words"), [(True, "sent", "it went out"), (False, "failed", "it did not go out")]
)
async def test_a_person_resolves_a_doubt_once_and_nothing_is_sent_by_it(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, *, sent: bool, status: str, words: str
) -> None:
    from ringback.errors import Refused

    doubt = await doubtful(ringback, carrier)
    assert [question.id for question, _ in await ringback.person.doubtful()] == [doubt.id]
    told = await ringback.person.resolve(doubt.id, sent=sent)
    assert told.status == status
    assert words in told.summary
    with pytest.raises(Refused) as caught:
        await ringback.person.resolve(doubt.id, sent=not sent)
    assert caught.value.rule == "not_in_doubt"
    carrier.items = [entry(clock.now())]
    for _ in range(3):
        clock.move(60)
        await ringback.telephone.tend()
    assert (await ringback.telephone.status(doubt.id)).status == status
    assert await ringback.person.doubtful() == []
    assert len(carrier.sent) == 1


@pytest.mark.parametrize("status", ["awaiting_approval", "scheduled", "accepted"])
async def test_a_person_resolves_nothing_that_is_not_in_doubt(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, status: str
) -> None:
    from ringback_support.installation import scheduled

    from ringback.errors import Refused

    one = await (scheduled(ringback, 60) if status == "scheduled" else want(ringback.telephone, Channel.SMS))
    if status == "accepted":
        await ringback.person.answer(one.id, YES)
    with pytest.raises(Refused):
        await ringback.person.resolve(one.id, sent=True)
    assert (await ringback.telephone.status(one.id)).status == status
    del carrier, clock


async def test_a_doubt_of_an_entry_with_another_channel_or_number_stays(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    when = clock.now().isoformat()
    carrier.items = [
        CarrierItem("a", Channel.MMS, TO, Status.SENT, when),
        CarrierItem("b", Channel.SMS, TO + "4", Status.SENT, when),
        CarrierItem("c", Channel.SMS, TO[1:], Status.SENT, when),
    ]
    assert await found(ringback, doubt) is None
