"""Why a yes does not count, word for word, and what a yes for the day covers exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import (
    PICTURE,
    TEXT,
    TO,
    YES,
    approve,
    approved,
    edit,
    opened,
    outbound,
    stored,
    want,
)

from ringback.approvals import DEMO_CLIENT, Answer
from ringback.errors import NotFound, Refused
from ringback.ledger.outbounds import Stored
from ringback.ledger.records import Allowance, Choice, Level, Record
from ringback.ledger.triggers import Use
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.model.trigger import Definition
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.opening import Ringback

NUMBER = PhoneNumber(TO)
DIGITS = TO[-4:]
FORM = Answer(Choice.ONCE, Level.A1, "client:claude", digits=DIGITS)
ANYWHERE = "The person approves it on the console page or with: ringback approve"
BY_PASSKEY = "The person approves it with a passkey, on the console page: ringback console"
DEFINITION = Definition(
    name="closing",
    channel=Channel.SMS,
    template="We close at {time}.",
    countries=("US",),
    hours="00:00-24:00",
    limit_per_day=5,
    callers=("crm",),
    carrier="sandbox",
)


async def refusal(act: Awaitable[object]) -> tuple[str, str, str]:
    with pytest.raises(Refused) as refused:
        await act
    return refused.value.rule, refused.value.message, refused.value.hint


async def verified(ringback: Ringback, record: Record) -> None:
    """What the dispatcher asks before anything leaves."""
    await ringback.dispatcher._approvals.verify(await ringback.ledger.outbounds.get(record.id))


@pytest.mark.parametrize(
    ("floor", "level", "where"),
    [
        (ApprovalFloor.PAGE, Level.A1, ANYWHERE),
        (ApprovalFloor.PASSKEY, Level.A1, BY_PASSKEY),
        (ApprovalFloor.PASSKEY, Level.A2, BY_PASSKEY),
    ],
)
async def test_a_yes_below_the_floor(home: Path, floor: ApprovalFloor, level: Level, where: str) -> None:
    least = Level.A3 if floor is ApprovalFloor.PASSKEY else Level.A2
    expected = ("approval_level", f"Here an approval of level {least} is needed; this one is {level}.", where)
    async with opened(home, approval=floor) as ringback:
        record = await stored(ringback.ledger)
        assert await refusal(ringback.person.answer(record.id, replace(FORM, level=level))) == expected
        await approve(ringback.ledger, record, level=level)
        assert await refusal(verified(ringback, record)) == expected
        no = await ringback.person.answer(
            (await stored(ringback.ledger, outbound(text="x"))).id, replace(FORM, choice=Choice.NO)
        )
        assert no.status == "declined"


@pytest.mark.parametrize("level", [Level.A1, Level.A2])
async def test_the_demos_person_where_real_phones_ring(home: Path, level: Level) -> None:
    expected = (
        "demo_person",
        "The demo's automatic person does not count on a carrier that reaches real phones.",
        "Ask a real person.",
    )
    async with opened(home, FakeCarrier("twilio", live=True)) as ringback:
        for carrier in ("twilio", "one that is not in use"):
            record = await stored(ringback.ledger, outbound("+12125550123", carrier=carrier))
            demo = Answer(Choice.ONCE, level, f"client:{DEMO_CLIENT}", digits="0123")
            assert await refusal(ringback.person.answer(record.id, demo)) == expected
            await approve(ringback.ledger, record, level=level, via=f"client:{DEMO_CLIENT}")
            assert await refusal(verified(ringback, record)) == expected


@pytest.mark.parametrize("lacks", ["challenge", "nonce", "both", "fits another choice"])
async def test_a_passkey_that_signed_something_else(ringback: Ringback, lacks: str) -> None:
    record = await stored(ringback.ledger)
    nonce = await ringback.person.ask_client(record.id)
    assert nonce is not None
    choice = Choice.DAY if lacks == "fits another choice" else Choice.ONCE
    challenge = await ringback.person.challenge(record.id, choice, nonce)
    answer = Answer(
        Choice.ONCE,
        Level.A3,
        "page",
        nonce=None if lacks in {"nonce", "both"} else nonce,
        challenge=None if lacks in {"challenge", "both"} else challenge,
    )
    assert await refusal(ringback.person.answer(record.id, answer)) == (
        "approval_mismatch",
        "The passkey signed something else.",
        "Look at it again, and sign.",
    )
    assert (await ringback.person.answer(record.id, replace(answer, choice=Choice.NO))).status == "declined"


async def test_nobody_said_yes(ringback: Ringback) -> None:
    assert await refusal(verified(ringback, await stored(ringback.ledger))) == (
        "approval_missing",
        "Nobody approved this outbound.",
        "Ask the person.",
    )


async def test_a_yes_to_something_else(ringback: Ringback, home: Path) -> None:
    record = await approved(ringback.ledger)
    edit(home, "UPDATE outbound SET channel = 'voice' WHERE id = ?", record.id)
    assert await refusal(verified(ringback, record)) == (
        "approval_mismatch",
        "What would go out is not what the person approved.",
        "Tell the person that the stored entry was changed; run: ringback doctor",
    )


async def test_an_allowance_that_was_taken_back(ringback: Ringback) -> None:
    allowance = await ringback.person.allow(TO, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=5)
    record, _ = await ringback.ledger.outbounds.add(outbound(), key=None, spend=Level.A1)
    await verified(ringback, record)
    await ringback.person.revoke(allowance)
    assert await refusal(verified(ringback, record)) == (
        "allowance_revoked",
        "The person took back the allowance that this was stored under.",
        "Ask the person whether it is still wanted.",
    )


async def test_a_trigger_that_does_not_stand_for_it_any_more(ringback: Ringback) -> None:
    trigger = await ringback.ledger.triggers.apply(DEFINITION, level=Level.A2, via="terminal")
    wish = outbound(text="We close at five.")
    record, _ = await ringback.ledger.outbounds.add(wish, key=None, spend=None, use=Use(trigger, Level.A1))
    await verified(ringback, record)
    await ringback.ledger.triggers.remove("closing")
    assert (await refusal(verified(ringback, record)))[:2] == (
        "allowance_revoked",
        "The person removed the trigger that this was stored under.",
    )


async def test_an_opt_out_that_was_lifted_before_it_was_confirmed(ringback: Ringback) -> None:
    await ringback.ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    ((standing, _),) = await ringback.ledger.opt_outs.unconfirmed()
    notice = replace(outbound(text="You get no more."), notice=True)
    terms = Stored(notice_of=f"optout:{standing.id}")
    record, _ = await ringback.ledger.outbounds.add(notice, key=None, spend=None, terms=terms)
    await verified(ringback, record)
    await ringback.ledger.opt_outs.lift(NUMBER)
    assert await refusal(verified(ringback, record)) == (
        "opt_out_lifted",
        "The opt-out that it confirms was lifted.",
        "There is nothing to confirm.",
    )


async def test_an_answer_that_there_is_not(ringback: Ringback) -> None:
    record = await stored(ringback.ledger)
    for choice in (Choice.ALLOWANCE, Choice.WRONG_DIGITS):
        with pytest.raises(NotFound) as raised:
            await ringback.person.answer(record.id, replace(YES, choice=choice))
        assert (raised.value.message, raised.value.hint) == ("There is no such answer.", "Answer once, day or no.")


@pytest.mark.parametrize("typed", [DIGITS, f" {DIGITS}\n"])
async def test_digits_count_with_blanks_around_them(ringback: Ringback, typed: str) -> None:
    record = await stored(ringback.ledger)
    assert (await ringback.person.answer(record.id, replace(FORM, digits=typed))).status == "accepted"


async def test_only_a_no_counts_for_a_question_that_was_asked_anew(ringback: Ringback) -> None:
    record = await stored(ringback.ledger)
    first = await ringback.person.ask_client(record.id)
    second = await ringback.person.ask_client(record.id)
    assert first != second
    late = replace(FORM, nonce=first)
    assert (await ringback.person.answer(record.id, late)).status == "awaiting_approval"
    assert (await ringback.person.answer(record.id, replace(late, choice=Choice.DISMISSED))).status == (
        "awaiting_approval"
    )
    assert (await ringback.person.answer(record.id, replace(late, choice=Choice.NO))).status == "declined"
    assert await ringback.person.ask_client(record.id) is None


@pytest.mark.parametrize(("channel", "max_chars"), [(Channel.SMS, 480), (Channel.MMS, 480), (Channel.VOICE, 1200)])
async def test_a_yes_for_the_day_covers_plain_words_on_this_channel_twenty_times_within_a_day(
    ringback: Ringback, clock: FakeClock, channel: Channel, max_chars: int
) -> None:
    now = clock.now().timestamp()
    record = await stored(ringback.ledger, outbound(channel=channel))
    await ringback.person.answer(record.id, replace(YES, choice=Choice.DAY))
    (allowance,) = await ringback.person.allowances()
    assert allowance == Allowance(
        id=allowance.id,
        number=NUMBER,
        contact=record.contact,
        channel=channel,
        carrier="sandbox",
        level=Level.A2,
        via="page",
        created_at=now,
        expires_at=now + 86_400.0,
        remaining=20,
        max_chars=max_chars,
        links=False,
    )


async def test_a_yes_for_the_day_covers_pictures_of_the_same_host_alone(ringback: Ringback) -> None:
    waiting = await want(ringback.telephone, Channel.MMS)
    await ringback.person.answer(waiting.id, replace(YES, choice=Choice.DAY))
    same = await ringback.telephone.send_mms(TO, "another", PICTURE)
    other = await ringback.telephone.send_mms(TO, "another", "https://example.net/receipt.png")
    assert (same.status, other.status) == ("accepted", "awaiting_approval")


async def test_what_was_answered_is_given_back_as_it_stands(ringback: Ringback) -> None:
    record = await stored(ringback.ledger)
    assert (await ringback.person.answer(record.id, YES)).status == "accepted"
    for late in (YES, replace(YES, choice=Choice.NO), replace(YES, choice=Choice.ALLOWANCE)):
        assert (await ringback.person.answer(record.id, late)).status == "accepted"
    assert (await ringback.ledger.outbounds.get(record.id)).status is Status.ACCEPTED
    assert record.outbound.text == TEXT


async def test_a_question_says_whether_a_real_phone_may_ring_and_what_it_may_cost(home: Path) -> None:
    async with opened(home) as ringback:
        shown = await ringback.person.question((await stored(ringback.ledger)).id)
        elsewhere = await ringback.person.question((await stored(ringback.ledger, outbound(carrier="twilio"))).id)
    assert (shown.live, elsewhere.live) == (False, True)
    assert shown.cost
    assert elsewhere.cost
    async with opened(home, FakeCarrier("twilio", live=True)) as ringback:
        assert (await ringback.person.question(elsewhere.id)).live
