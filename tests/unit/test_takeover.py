"""A person takes over: the agent is silent, whatever it raced, until the conversation is given back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TO, YES, approve, grant, opened, stored, want

from ringback.clock import SystemClock
from ringback.errors import InvalidRequest, Refused
from ringback.ledger.records import Level, Received
from ringback.model.news import ReceivedText
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Outbound
from ringback.model.status import Status
from ringback.rotation import rotate
from ringback.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback
    from ringback.telephone import Telephone

OTHER = "+14155550199"


def soon(clock: FakeClock) -> str:
    return (clock.now() + timedelta(minutes=5)).isoformat()


async def test_after_a_takeover_the_agent_is_refused_and_what_waited_is_cancelled(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS, text="waits for a yes")
    scheduled = await ringback.telephone.send_sms(TO, "scheduled", send_at=soon(clock))
    await ringback.person.answer(scheduled.id, YES)
    elsewhere = await want(ringback.telephone, Channel.SMS, OTHER)
    taken = await ringback.person.conversations.take_over(TO, via="page")
    assert (taken.cancelled, taken.on_their_way) == (2, 0)
    for receipt in (waiting, scheduled):
        told = await ringback.telephone.status(receipt.id)
        assert (told.status, told.reason) == ("cancelled", "human_takeover")
    for channel in Channel:
        with pytest.raises(Refused) as refused:
            await want(ringback.telephone, channel, text="once more")
        assert refused.value.rule == "human_takeover"
    clock.move(600)
    await ringback.telephone.tend()
    assert (await ringback.person.answer(elsewhere.id, YES)).status == "accepted"
    assert [wish.to.e164 for wish in carrier.sent] == [OTHER]


async def test_given_back_the_agent_may_speak_again(ringback: Ringback, carrier: FakeCarrier) -> None:
    conversations = ringback.person.conversations
    await conversations.take_over(TO, via="terminal")
    assert [takeover.number.e164 for takeover in await conversations.standing()] == [TO]
    assert await conversations.give_back(TO)
    assert not await conversations.give_back(TO)
    assert await conversations.standing() == []
    receipt = await want(ringback.telephone, Channel.SMS)
    assert (await ringback.person.answer(receipt.id, YES)).status == "accepted"


async def test_taking_over_twice_is_one_takeover(ringback: Ringback) -> None:
    conversations = ringback.person.conversations
    first, second = await asyncio.gather(conversations.take_over(TO, via="page"), conversations.take_over(TO, via="x"))
    assert first.takeover.id == second.takeover.id


async def test_a_person_writes_by_hand_and_may_say_the_same_thing_twice(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    conversations = ringback.person.conversations
    await conversations.take_over(TO, via="page")
    for _ in range(2):
        receipt = await conversations.write(TO, "It is me.", level=Level.A2, via="page")
        assert (receipt.status, receipt.by_hand, receipt.approval) == ("accepted", True, "A2")
    assert [wish.text for wish in carrier.sent] == ["It is me."] * 2
    shown = [item.as_dict() for item in (await ringback.telephone.history()).items]
    assert [item["by_hand"] for item in shown] == [True, True]


async def test_nobody_writes_by_hand_into_a_conversation_that_is_the_agents(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    with pytest.raises(Refused) as refused:
        await ringback.person.conversations.write(TO, "It is me.", level=Level.A2, via="page")
    assert refused.value.rule == "not_taken_over"
    await ringback.person.conversations.take_over(TO, via="page")
    with pytest.raises(InvalidRequest):
        await ringback.person.conversations.write(TO, "  ", level=Level.A2, via="page")
    carrier.enabled = False
    ringback.lines._kept.clear()
    with pytest.raises(Refused) as refused:
        await ringback.person.conversations.write(TO, "It is me.", level=Level.A2, via="page")
    assert refused.value.rule == "not_enabled"
    assert carrier.sent == []


async def test_a_row_that_is_made_to_look_written_by_hand_goes_nowhere(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    receipt = await want(ringback.telephone, Channel.SMS)
    record = await ringback.ledger.outbounds.get(receipt.id)
    await approve(ringback.ledger, record)
    with ringback.ledger.database.transaction("edit"):
        ringback.ledger.database._connection.execute("UPDATE outbound SET by_hand = 1")
    await ringback.person.conversations.take_over(TO, via="page")
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(receipt.id)).reason == "approval_mismatch"
    assert carrier.sent == []


async def test_a_conversation_shows_both_directions_of_one_person(ringback: Ringback) -> None:
    receipt = await want(ringback.telephone, Channel.SMS, text="from the agent")
    await ringback.person.answer(receipt.id, YES)
    await want(ringback.telephone, Channel.SMS, OTHER, text="to somebody else")
    await ringback.ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "from them", 0.0))
    await ringback.ledger.inbox.add("sandbox", ReceivedText("in-2", OTHER, "from somebody else", 0.0))
    shown = await ringback.person.conversations.of(TO)
    texts = {entry.text if isinstance(entry, Received) else entry.outbound.text for entry in shown}
    assert texts == {"from the agent", "from them"}


async def test_a_takeover_waits_for_what_is_being_handed_over(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
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
    taking = asyncio.create_task(ringback.person.conversations.take_over(TO, via="page"))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not taking.done()
    answered.set()
    assert (await taking).on_their_way == 0
    assert (await sending).status == "accepted"


class Late(FakeCarrier):
    """Notes what it is handed after the takeover was answered."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()
        self.late: list[str] = []

    async def transmit(self, outbound: Outbound) -> Acceptance:
        await asyncio.sleep(0)
        if self.answered.is_set():
            self.late.append(outbound.text)
        return await super().transmit(outbound)


async def refused_by(telephone: Telephone, text: str) -> str | None:
    try:
        await telephone.send_sms(TO, text)
    except Refused as refusal:
        return refusal.rule
    return None


@pytest.mark.parametrize("pauses", [0, 7, 40, 99])
async def test_a_takeover_raced_against_a_hundred_sends_and_a_hundred_scheduled_ones_ends_them(
    home: Path, pauses: int
) -> None:
    carrier, clock = Late(), SystemClock()
    async with opened(home, carrier, clock=clock) as one, opened(home, carrier, clock=clock) as two:
        await one.ledger.consents.allow(PhoneNumber(TO), grant(count=300), level=Level.A2, via="terminal")
        due = (clock.now() + timedelta(seconds=0.2)).isoformat()
        for number in range(100):
            await one.telephone.send_sms(TO, f"scheduled {number}", send_at=due)

        async def tend() -> None:
            while not carrier.answered.is_set():
                await asyncio.gather(one.telephone.tend(), two.telephone.tend())

        async def take_over() -> None:
            for _ in range(pauses):
                await asyncio.sleep(0.002)
            await one.person.conversations.take_over(TO, via="page")
            carrier.answered.set()

        sends = [refused_by((one, two)[number % 2].telephone, f"at once {number}") for number in range(100)]
        _, _, *rules = await asyncio.gather(take_over(), tend(), *sends)
        await asyncio.gather(one.telephone.tend(), two.telephone.tend())
        statuses = {record.status for record in (await one.ledger.outbounds.page(100)).records}
    assert carrier.late == []
    assert set(rules) <= {None, "human_takeover"}
    assert statuses <= {Status.ACCEPTED, Status.CANCELLED, Status.REFUSED}


async def test_a_takeover_outlives_a_rotation_and_ends_with_forgetting(home: Path) -> None:
    async with opened(home, FakeCarrier(), clock=SystemClock()) as ringback:
        await ringback.person.conversations.take_over(TO, via="page")
    rotate(Settings(home=home))
    async with opened(home, FakeCarrier(), clock=SystemClock()) as ringback:
        with pytest.raises(Refused) as refused:
            await want(ringback.telephone, Channel.SMS)
        assert refused.value.rule == "human_takeover"
        await ringback.person.forget(TO)
        assert await ringback.person.conversations.standing() == []


async def test_a_takeover_by_another_process_between_the_guards_and_the_fence_is_seen_by_the_fence(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(home, carrier, clock=clock) as one, opened(home, FakeCarrier(), clock=clock) as two:
        receipt = await want(one.telephone, Channel.SMS)

        def at(step: str) -> None:
            if step == "claim.begin":
                with pytest.raises(StopIteration):
                    two.ledger.takeovers.begin(PhoneNumber(TO), via="page").send(None)

        monkeypatch.setattr("ringback.steps.listener", at)
        told = await one.person.answer(receipt.id, YES)
    assert (told.status, told.reason, carrier.sent) == ("cancelled", "human_takeover", [])


async def test_what_is_approved_after_a_takeover_by_another_process_is_not_taken_by_the_fence(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock) as ringback:
        record = await approve(ringback.ledger, await stored(ringback.ledger))
        await ringback.ledger.takeovers.begin(PhoneNumber(TO), via="page")
        with ringback.ledger.database.transaction("edit"):
            ringback.ledger.database._connection.execute("UPDATE outbound SET status = 'approved'")
        assert await ringback.ledger.deliveries.claim(record.id, owner="me", lease_s=30) is None
