"""A text to the other party of a call: only while the carrier says that it is going on, and without its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import TO, YES, want

from ringback.errors import CarrierUnavailable, InvalidRequest, NotFound, Refused
from ringback.model.outbound import Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback_support.fakes import FakeCarrier

    from ringback.opening import Ringback


@pytest.fixture
async def call(ringback: Ringback, carrier: FakeCarrier) -> str:
    """A call that rings."""
    waiting = await want(ringback.telephone, Channel.VOICE)
    await ringback.person.answer(waiting.id, YES)
    carrier.reports["id-1"] = Report(Status.RINGING)
    return waiting.id


@pytest.mark.parametrize("status", [Status.RINGING, Status.IN_PROGRESS])
async def test_the_other_party_of_a_live_call_gets_the_text_after_a_yes(
    ringback: Ringback, carrier: FakeCarrier, call: str, status: Status
) -> None:
    carrier.reports["id-1"] = Report(status)
    waiting = await ringback.telephone.send_sms(call_id=call, body="The address")
    assert waiting.status == "awaiting_approval"
    assert TO not in str(waiting.as_dict())
    question = await ringback.person.question(waiting.id)
    assert question.text == "The address"
    assert question.number.replace("-", "").replace(" ", "") == TO
    await ringback.person.answer(waiting.id, YES)
    assert [(sent.channel, sent.to.e164) for sent in carrier.sent] == [(Channel.VOICE, TO), (Channel.SMS, TO)]


@pytest.mark.parametrize("status", [Status.ACCEPTED, Status.QUEUED, Status.COMPLETED, Status.BUSY, Status.UNKNOWN])
async def test_a_call_that_is_not_going_on_is_refused_and_nothing_is_stored(
    ringback: Ringback, carrier: FakeCarrier, call: str, status: Status
) -> None:
    carrier.reports["id-1"] = Report(status)
    with pytest.raises(Refused) as refused:
        await ringback.telephone.send_sms(call_id=call, body="The address")
    assert refused.value.rule == "call_not_live"
    assert refused.value.hint
    assert len((await ringback.telephone.history()).items) == 1


async def test_it_is_the_carriers_word_of_now_that_counts(ringback: Ringback, carrier: FakeCarrier, call: str) -> None:
    assert (await ringback.telephone.status(call)).status == "ringing"
    carrier.reports["id-1"] = Report(Status.COMPLETED)
    with pytest.raises(Refused):
        await ringback.telephone.send_sms(call_id=call, body="The address")
    carrier.reports["id-1"] = Report(Status.RINGING)  # an older word that comes late
    with pytest.raises(Refused):
        await ringback.telephone.send_sms(call_id=call, body="The address")


async def test_a_carrier_that_cannot_be_asked_counts_as_no_live_call(
    ringback: Ringback, carrier: FakeCarrier, call: str
) -> None:
    assert (await ringback.telephone.status(call)).status == "ringing"
    carrier.reports["id-1"] = CarrierUnavailable("The carrier did not answer in time.")
    with pytest.raises(CarrierUnavailable):
        await ringback.telephone.send_sms(call_id=call, body="The address")
    assert len((await ringback.telephone.history()).items) == 1


async def test_the_same_text_again_is_the_first_one_even_when_the_call_has_ended(
    ringback: Ringback, carrier: FakeCarrier, call: str
) -> None:
    first = await ringback.telephone.send_sms(call_id=call, body="The address")
    carrier.reports["id-1"] = Report(Status.COMPLETED)
    again = await ringback.telephone.send_sms(call_id=call, body="The address")
    assert (again.id, again.repeated) == (first.id, True)


async def test_the_id_of_a_text_is_no_call(ringback: Ringback) -> None:
    text = await want(ringback.telephone, Channel.SMS)
    with pytest.raises(InvalidRequest):
        await ringback.telephone.send_sms(call_id=text.id, body="The address")


async def test_an_unknown_id_and_a_text_for_later_are_refused(ringback: Ringback, call: str) -> None:
    with pytest.raises(NotFound):
        await ringback.telephone.send_sms(call_id="ob_nothing", body="The address")
    with pytest.raises(InvalidRequest):
        await ringback.telephone.send_sms(call_id=call, body="The address", send_at="2026-03-11T09:00:00+00:00")


async def test_a_call_that_waits_for_a_yes_is_not_live(ringback: Ringback) -> None:
    waiting = await want(ringback.telephone, Channel.VOICE)
    with pytest.raises(Refused) as refused:
        await ringback.telephone.send_sms(call_id=waiting.id, body="The address")
    assert refused.value.rule == "call_not_live"


async def test_whoever_was_taken_over_gets_nothing_by_a_call_either(ringback: Ringback, call: str) -> None:
    await ringback.person.conversations.take_over(TO, via="page")
    with pytest.raises(Refused) as refused:
        await ringback.telephone.send_sms(call_id=call, body="The address")
    assert refused.value.rule == "human_takeover"
