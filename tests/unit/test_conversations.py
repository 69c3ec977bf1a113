"""Conversations as a list, by their reference, and what a person writes: stored once, or stored for an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, opened, want

from ringback.approvals import Answer
from ringback.errors import IdempotencyConflict, NotFound, Refused
from ringback.ledger.records import Choice, Level
from ringback.model.news import ReceivedText
from ringback.model.outbound import Channel
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback

OTHER, THIRD = "+12025550188", "+12025550199"


async def numbers(ringback: Ringback) -> list[str]:
    return [one.number.e164 for one in await ringback.person.conversations.lately()]


async def test_conversations_stand_newest_first_and_each_once_whoever_spoke_last(
    ringback: Ringback, clock: FakeClock
) -> None:
    for number, to in enumerate((TO, OTHER, TO)):
        await want(ringback.telephone, Channel.SMS, to, text=f"text {number}")
        clock.move(1)
    await ringback.ledger.inbox.add("sandbox", ReceivedText("in-1", THIRD, "me too", 0.0))
    clock.move(1)
    await ringback.ledger.inbox.add("sandbox", ReceivedText("in-2", "INFO", "no number", 0.0))
    assert await numbers(ringback) == [THIRD, TO, OTHER]


async def test_who_is_taken_over_stands_first_also_without_any_text(ringback: Ringback) -> None:
    await want(ringback.telephone, Channel.SMS, TO)
    await ringback.person.conversations.take_over(OTHER, via="page")
    first, second = await ringback.person.conversations.lately()
    assert (first.number.e164, first.newest, second.takeover) == (OTHER, None, None)
    assert first.takeover is not None
    assert (await ringback.person.conversations.find(first.contact)).number.e164 == OTHER


async def test_a_conversation_is_found_by_its_reference_until_it_is_forgotten(ringback: Ringback) -> None:
    receipt = await want(ringback.telephone, Channel.SMS, TO)
    assert (await ringback.person.conversations.find(receipt.contact)).number.e164 == TO
    await ringback.person.forget(TO)
    assert await ringback.person.conversations.lately() == []
    for contact in (receipt.contact, "", "ct_nobody", TO):
        with pytest.raises(NotFound):
            await ringback.person.conversations.find(contact)


async def test_a_short_code_is_no_conversation(ringback: Ringback) -> None:
    received = await ringback.ledger.inbox.add("sandbox", ReceivedText("in-1", "72345", "you have won", 0.0))
    assert received is not None
    with pytest.raises(NotFound):
        await ringback.person.conversations.find(received.contact)


async def test_what_a_takeover_would_cancel_is_counted_and_is_what_it_cancels(ringback: Ringback) -> None:
    conversations = ringback.person.conversations
    for number in range(3):
        await want(ringback.telephone, Channel.SMS, TO, text=f"waiting {number}")
    await want(ringback.telephone, Channel.SMS, OTHER, text="somebody else's")
    assert await conversations.waiting(TO) == 3
    assert (await conversations.take_over(TO, via="page")).cancelled == 3
    assert await conversations.waiting(TO) == 0


async def test_the_same_key_goes_out_once_and_another_text_under_it_is_refused(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    conversations = ringback.person.conversations
    await conversations.take_over(TO, via="page")
    first = await conversations.write(TO, "Once.", level=Level.A2, via="page", key="form-1")
    again = await conversations.write(TO, "Once.", level=Level.A2, via="page", key="form-1")
    assert first.id == again.id
    with pytest.raises(IdempotencyConflict):
        await conversations.write(TO, "Twice.", level=Level.A2, via="page", key="form-1")
    assert [sent.text for sent in carrier.sent] == ["Once."]


async def test_what_is_put_waits_for_an_answer_that_counts_and_outlives_no_other_rule(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock, approval=ApprovalFloor.PASSKEY) as ringback:
        conversations = ringback.person.conversations
        with pytest.raises(Refused) as refused:
            await conversations.put(TO, "By hand.")
        assert refused.value.rule == "not_taken_over"
        await conversations.take_over(TO, via="page")
        receipt = await conversations.put(TO, "By hand.")
        assert (receipt.status, receipt.by_hand) == ("awaiting_approval", True)
        with pytest.raises(Refused) as weak:
            await ringback.person.answer(receipt.id, Answer(Choice.ONCE, Level.A2, "page"))
        assert weak.value.rule == "approval_level"
        nonce = await ringback.person.ask_client(receipt.id)
        assert nonce is not None
        signed = await ringback.person.challenge(receipt.id, Choice.ONCE, nonce)
        answer = Answer(Choice.ONCE, Level.A3, "page", nonce=nonce, challenge=signed)
        assert (await ringback.person.answer(receipt.id, answer)).status == "accepted"
    assert [sent.by_hand for sent in carrier.sent] == [True]
