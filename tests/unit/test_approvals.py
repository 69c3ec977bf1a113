"""Consent: what a person is shown, what counts as their yes, and that nothing else leaves."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import PICTURE, TEXT, TO, YES, approved, opened, outbound, stored, want

from ringback.approvals import DEMO_CLIENT, Answer
from ringback.errors import NotFound, Refused
from ringback.ledger.records import Choice, Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.questions import country_name
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.ledger.records import Record
    from ringback.opening import Ringback

DIGITS = TO[-4:]
FORM = Answer(Choice.ONCE, Level.A1, "client:claude", digits=DIGITS)


def sent(carrier: FakeCarrier) -> list[tuple[str, str]]:
    return [(outbound.to.e164, outbound.text) for outbound in carrier.sent]


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_yes_sends_exactly_what_was_shown_once(
    ringback: Ringback, carrier: FakeCarrier, channel: Channel
) -> None:
    waiting = await want(ringback.telephone, channel)
    assert (waiting.status, carrier.sent) == ("awaiting_approval", [])
    question = await ringback.person.question(waiting.id)
    receipt = await ringback.person.answer(waiting.id, YES)
    assert (receipt.status, receipt.approval) == ("accepted", "A2")
    assert [(wish.channel, wish.to.e164, wish.text, wish.media_url) for wish in carrier.sent] == [
        (question.channel, question.number.replace(" ", "").replace("-", ""), question.text, question.media_url)
    ]


async def test_a_person_is_shown_everything_and_a_model_none_of_it(ringback: Ringback) -> None:
    receipt = await ringback.telephone.send_mms(TO, "Pay\u200bpal \u202egnp", PICTURE)
    question = await ringback.person.question(receipt.id)
    assert (question.number, question.region, question.country) == ("+1 415-555-0123", "US", "United States")
    assert question.text == "Pay⟦U+200B⟧pal ⟦U+202E⟧gnp"
    assert (question.media_url, question.media_host) == (PICTURE, "example.com")
    assert question.segments is not None
    assert (question.segments.encoding, question.segments.count) == ("UCS-2", 1)
    assert question.expires_at - question.asked_at == 600
    for shown in (repr(receipt), str(receipt.as_dict()), repr(question)):
        assert "555" not in shown
        assert "pal" not in shown
        assert "receipt.png" not in shown


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (Answer(Choice.NO, Level.A1, "client:claude"), "declined", "person_declined"),
        (Answer(Choice.NO, Level.A2, "page"), "declined", "person_declined"),
        (Answer(Choice.DISMISSED, Level.A1, "client:claude"), "cancelled", "question_dismissed"),
        (replace(FORM, digits="0124"), "cancelled", "digits_did_not_match"),
        (replace(FORM, digits=None), "cancelled", "digits_did_not_match"),
        (replace(FORM, digits=""), "cancelled", "digits_did_not_match"),
        (replace(FORM, digits=TO), "cancelled", "digits_did_not_match"),
        (replace(FORM, digits="123"), "cancelled", "digits_did_not_match"),
        (replace(FORM, digits="\uff10\uff11\uff12\uff13"), "cancelled", "digits_did_not_match"),
        (replace(FORM, choice=Choice.DAY, digits="9999"), "cancelled", "digits_did_not_match"),
        (Answer(Choice.ONCE, Level.A2, "terminal"), "cancelled", "digits_did_not_match"),
        (Answer(Choice.ONCE, Level.A2, "page", digits="9999"), "cancelled", "digits_did_not_match"),
    ],
)
async def test_whatever_is_not_a_clear_yes_sends_nothing(
    ringback: Ringback, carrier: FakeCarrier, answer: Answer, status: str, reason: str
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    receipt = await ringback.person.answer(waiting.id, answer)
    assert (receipt.status, receipt.reason, carrier.sent) == (status, reason, [])
    assert await ringback.person.allowances() == []


@pytest.mark.parametrize("choice", [Choice.ALLOWANCE, Choice.WRONG_DIGITS])
async def test_what_stands_for_an_answer_in_the_ledger_cannot_be_answered(
    ringback: Ringback, carrier: FakeCarrier, choice: Choice
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    with pytest.raises(NotFound):
        await ringback.person.answer(waiting.id, replace(YES, choice=choice))
    assert carrier.sent == []
    assert (await ringback.telephone.status(waiting.id)).status == "awaiting_approval"


@pytest.mark.parametrize("digits", [DIGITS, f" {DIGITS} "])
async def test_the_last_four_digits_make_a_clients_yes_count(
    ringback: Ringback, carrier: FakeCarrier, digits: str
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    receipt = await ringback.person.answer(waiting.id, replace(FORM, digits=digits))
    assert (receipt.status, receipt.approval, sent(carrier)) == ("accepted", "A1", [(TO, TEXT)])


@pytest.mark.parametrize("first", [YES, Answer(Choice.NO, Level.A2, "page"), replace(FORM, digits="9")])
async def test_a_second_answer_changes_nothing(ringback: Ringback, carrier: FakeCarrier, first: Answer) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    one = await ringback.person.answer(waiting.id, first)
    before = list(carrier.sent)
    for second in (YES, Answer(Choice.NO, Level.A2, "page"), replace(YES, choice=Choice.DAY)):
        two = await ringback.person.answer(waiting.id, second)
        assert (two.status, two.reason) == (one.status, one.reason)
    assert carrier.sent == before
    assert await ringback.person.allowances() == []


async def test_a_declined_wish_made_again_gets_the_no_again_and_asks_nobody(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    await ringback.person.answer(waiting.id, Answer(Choice.NO, Level.A2, "page"))
    again = await want(ringback.telephone, Channel.SMS)
    assert (again.id, again.status, again.repeated) == (waiting.id, "declined", True)
    assert await ringback.person.waiting() == []
    assert carrier.sent == []


async def test_an_answer_after_ten_minutes_sends_nothing(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    clock.move(600.001)
    receipt = await ringback.person.answer(waiting.id, YES)
    assert (receipt.status, receipt.reason, carrier.sent) == ("expired", "approval_expired", [])
    with pytest.raises(NotFound):
        await ringback.person.question(waiting.id)


async def test_the_nonce_of_another_question_answers_nothing(ringback: Ringback, carrier: FakeCarrier) -> None:
    one, two = [await want(ringback.telephone, Channel.SMS, text=text) for text in ("one", "two")]
    nonces = [await ringback.person.ask_client(waiting.id) for waiting in (one, two)]
    receipt = await ringback.person.answer(one.id, replace(FORM, nonce=nonces[1]))
    assert (receipt.status, carrier.sent) == ("awaiting_approval", [])
    receipt = await ringback.person.answer(one.id, replace(FORM, nonce=nonces[0]))
    assert (receipt.status, sent(carrier)) == ("accepted", [(TO, "one")])


async def test_a_question_asked_anew_makes_the_earlier_nonce_worthless(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    stale = await ringback.person.ask_client(waiting.id)
    await ringback.person.ask_client(waiting.id)
    receipt = await ringback.person.answer(waiting.id, replace(FORM, nonce=stale))
    assert (receipt.status, carrier.sent) == ("awaiting_approval", [])


@pytest.mark.parametrize(
    ("floor", "level"),
    [
        (ApprovalFloor.CLIENT, Level.A0),
        (ApprovalFloor.PAGE, Level.A0),
        (ApprovalFloor.PAGE, Level.A1),
        (ApprovalFloor.PASSKEY, Level.A1),
        (ApprovalFloor.PASSKEY, Level.A2),
    ],
)
async def test_a_yes_below_the_floor_does_not_count_and_leaves_the_question_open(
    home: Path, carrier: FakeCarrier, floor: ApprovalFloor, level: Level
) -> None:
    async with opened(home, carrier, approval=floor) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        with pytest.raises(Refused) as caught:
            await ringback.person.answer(waiting.id, replace(FORM, level=level))
        assert (caught.value.rule, carrier.sent) == ("approval_level", [])
        assert len(await ringback.person.waiting()) == 1
        no = await ringback.person.answer(waiting.id, Answer(Choice.NO, Level.A0, "client:claude"))
        assert no.status == "declined"


async def test_a_yes_for_the_day_covers_this_number_on_this_channel_twenty_times_more(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    await ringback.person.answer(waiting.id, replace(FORM, choice=Choice.DAY))
    for at in range(20):
        assert (await want(ringback.telephone, Channel.SMS, text=f"text {at}")).approval == "A0"
    assert len(carrier.sent) == 21
    for wish in (
        want(ringback.telephone, Channel.SMS, text="one more"),
        want(ringback.telephone, Channel.VOICE),
        want(ringback.telephone, Channel.SMS, "+14155550124"),
    ):
        assert (await wish).status == "awaiting_approval"
    clock.move(86_400)
    assert (await want(ringback.telephone, Channel.SMS, text="the day after")).status == "awaiting_approval"


# -- what reaches dispatch by another way ----------------------------------------------------------------------------


def tamper(home: Path, statement: str, *values: object) -> None:
    """What somebody with the file, and perhaps the key, could do."""
    connection = sqlite3.connect(home / "ledger.db", isolation_level=None)
    connection.execute(statement, values)
    connection.close()


async def refused(ringback: Ringback, record: Record, rule: str) -> None:
    await ringback.telephone.tend()
    receipt = await ringback.telephone.status(record.id)
    assert (receipt.status, receipt.reason) == ("refused", rule)


@pytest.mark.parametrize(
    "plain",
    [
        {"to": "+14155550124", "text": TEXT, "media_url": None},
        {"to": TO, "text": TEXT + " ", "media_url": None},
        {"to": TO, "text": "Another text", "media_url": None},
    ],
)
async def test_an_entry_sealed_anew_with_the_key_after_the_yes_is_refused(
    ringback: Ringback, home: Path, carrier: FakeCarrier, plain: dict[str, object]
) -> None:
    record = await approved(ringback.ledger)
    tamper(
        home,
        "UPDATE outbound SET sealed = ? WHERE id = ?",
        ringback.keyring.seal(plain, row=record.id, column="sealed"),
        record.id,
    )
    await refused(ringback, record, "approval_mismatch")
    assert carrier.sent == []


@pytest.mark.parametrize("change", ["channel = 'voice'", "carrier = 'sandbox '"])
async def test_a_changed_column_after_the_yes_sends_nothing(
    ringback: Ringback, home: Path, carrier: FakeCarrier, change: str
) -> None:
    record = await approved(ringback.ledger)
    tamper(home, f"UPDATE outbound SET {change} WHERE id = ?", record.id)
    await ringback.telephone.tend()
    assert carrier.sent == []


async def test_a_yes_to_one_outbound_does_not_carry_another(
    ringback: Ringback, home: Path, carrier: FakeCarrier
) -> None:
    _, other = await approved(ringback.ledger), await stored(ringback.ledger, outbound(text="Another text"))
    tamper(
        home,
        "INSERT INTO approval SELECT 99, ?, digest, choice, level, via, answered_at FROM approval WHERE seq = ?",
        other.id,
        1,
    )
    tamper(home, "UPDATE outbound SET status = 'approved' WHERE id = ?", other.id)
    await refused(ringback, other, "approval_mismatch")
    assert sent(carrier) == [(TO, TEXT)]


async def test_a_status_set_to_approved_is_no_approval(ringback: Ringback, home: Path, carrier: FakeCarrier) -> None:
    record = await stored(ringback.ledger)
    tamper(home, "UPDATE outbound SET status = 'approved'")
    await refused(ringback, record, "approval_missing")
    assert carrier.sent == []


async def test_a_no_set_back_to_approved_is_no_approval(ringback: Ringback, home: Path, carrier: FakeCarrier) -> None:
    record = await stored(ringback.ledger)
    await ringback.person.answer(record.id, Answer(Choice.NO, Level.A3, "page"))
    tamper(home, "UPDATE outbound SET status = 'approved'")
    await refused(ringback, record, "approval_missing")
    assert carrier.sent == []


async def test_a_yes_from_before_the_floor_was_raised_is_refused_at_dispatch(home: Path, carrier: FakeCarrier) -> None:
    async with opened(home, carrier) as before:
        record = await stored(before.ledger)
        await before.ledger.consents.answer(record, Choice.ONCE, level=Level.A1, via="client:claude")
    async with opened(home, carrier, approval=ApprovalFloor.PAGE) as after:
        await refused(after, record, "approval_level")
    assert carrier.sent == []


@pytest.mark.parametrize("level", [Level.A1, Level.A2, Level.A3])
async def test_the_demos_person_does_not_count_on_a_live_carrier(home: Path, level: Level) -> None:
    live = FakeCarrier("thinkfleetbot", live=True)
    async with opened(home, live) as ringback:
        waiting = await ringback.telephone.send_sms("+14155552671", TEXT)
        with pytest.raises(Refused) as caught:
            await ringback.person.answer(waiting.id, Answer(Choice.ONCE, level, f"client:{DEMO_CLIENT}", digits="2671"))
        assert (caught.value.rule, live.sent) == ("demo_person", [])


async def test_the_demos_person_does_not_count_where_a_sandbox_process_stored_the_yes(home: Path) -> None:
    live = FakeCarrier("thinkfleetbot", live=True)
    async with opened(home, live) as ringback:
        record = await stored(ringback.ledger, outbound("+14155552671", carrier="thinkfleetbot"))
        yes = await ringback.ledger.consents.answer(record, Choice.ONCE, level=Level.A1, via=f"client:{DEMO_CLIENT}")
        assert yes is not None
        await refused(ringback, record, "demo_person")
    assert live.sent == []


async def test_the_demos_person_counts_on_the_sandbox(ringback: Ringback, carrier: FakeCarrier) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    receipt = await ringback.person.answer(waiting.id, replace(FORM, via=f"client:{DEMO_CLIENT}"))
    assert (receipt.status, len(carrier.sent)) == ("accepted", 1)


async def test_what_was_approved_for_the_sandbox_never_leaves_by_a_live_carrier(home: Path) -> None:
    live, sandbox = FakeCarrier("thinkfleetbot", live=True), FakeCarrier()
    async with opened(home, sandbox) as first, opened(home, live) as second:
        record = await approved(first.ledger, outbound("+14155552671"))
        await second.telephone.tend()
        assert (await second.dispatcher.dispatch(record.id)).status is Status.APPROVED
        assert live.sent == []
        await first.telephone.tend()
    assert (len(sandbox.sent), live.sent) == (1, [])


async def test_an_answer_given_to_a_live_process_does_not_send_a_sandbox_wish_live(home: Path) -> None:
    live, sandbox = FakeCarrier("thinkfleetbot", live=True), FakeCarrier()
    async with opened(home, sandbox) as first:
        waiting = await first.telephone.send_sms("+14155552671", TEXT)
        async with opened(home, live) as second:
            await second.person.answer(waiting.id, YES)
            assert live.sent == []
        await first.telephone.tend()
        assert (await first.telephone.status(waiting.id)).status == "accepted"
    assert len(sandbox.sent) == 1


async def test_an_allowance_for_the_sandbox_is_none_on_a_live_carrier(home: Path) -> None:
    live, sandbox = FakeCarrier("thinkfleetbot", live=True), FakeCarrier()
    async with opened(home, sandbox) as first:
        await first.person.allow("+14155552671", Channel.SMS, level=Level.A2, via="terminal", seconds=999, count=9)
        assert (await first.telephone.send_sms("+14155552671", "one")).status == "accepted"
    async with opened(home, live) as second:
        assert (await second.telephone.send_sms("+14155552671", "two")).status == "awaiting_approval"
    assert (len(sandbox.sent), live.sent) == (1, [])


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+14155550123", "United States"),
        ("+442079460958", "Britain (UK)"),
        ("+4930123456", "Germany"),
        ("+15551234567", "not in use by any plan; +1 is United States"),
        ("+80012345678", "not in use by any plan; +800 is no country"),
    ],
)
def test_a_country_is_told_by_its_name_and_a_number_without_one_too(number: str, country: str) -> None:
    assert country_name(PhoneNumber(number)) == country
