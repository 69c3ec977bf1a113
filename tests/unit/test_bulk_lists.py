"""The same text to several people: one list, shown whole, answered once; and nobody on it goes out by another yes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, YES, edit, opened, rows

from ringback.approvals import DEMO_CLIENT, LONGEST_LIST, Answer
from ringback.errors import NotFound, Refused
from ringback.ledger.records import Choice, Level
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from ringback.opening import Ringback

PEOPLE = [f"+1415555012{number}" for number in range(6)]
FIRST, *OTHERS = PEOPLE
NO = replace(YES, choice=Choice.NO)
WHOLE_LIST = "The same text is to go to several people, so a person must see the whole list and approve it as one."


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[Ringback]:
    async with opened(home, carrier, clock=clock, bulk="1/hour", sandbox_rules=True) as installation:
        yield installation


async def asked(ringback: Ringback, *people: str, text: str = TEXT) -> list[str]:
    """The ids of one text to each of these."""
    return [(await ringback.telephone.send_sms(to, text)).id for to in people]


async def a_list(ringback: Ringback, count: int = 3) -> list[str]:
    """The ids of a list that waits: the first one to have the text is none of it."""
    (first,) = await asked(ringback, FIRST)
    assert (await ringback.person.answer(first, YES)).status == "accepted"
    return await asked(ringback, *OTHERS[:count])


async def refusal(act: Awaitable[object]) -> tuple[str, str, str]:
    with pytest.raises(Refused) as refused:
        await act
    return refused.value.rule, refused.value.message, refused.value.hint


def recipients(carrier: FakeCarrier) -> list[str]:
    return [wish.to.e164 for wish in carrier.sent]


async def test_one_answer_to_the_whole_list_sends_to_each_of_it(ringback: Ringback, carrier: FakeCarrier) -> None:
    ids = await a_list(ringback)
    shown = await ringback.person.listed(ids[1])
    assert [question.id for question in shown] == ids
    receipts = await ringback.person.answer_list(ids, YES)
    assert [(receipt.id, receipt.status) for receipt in receipts] == [(each, "accepted") for each in ids]
    assert recipients(carrier) == PEOPLE[:4]
    assert {via for (via,) in rows(ringback.settings.home, "SELECT via FROM approval WHERE via <> 'page'")} == {
        "page:list"
    }


async def test_a_no_to_the_whole_list_ends_all_of_it(ringback: Ringback, carrier: FakeCarrier) -> None:
    ids = await a_list(ringback)
    receipts = await ringback.person.answer_list(ids, NO)
    assert [receipt.status for receipt in receipts] == ["declined"] * 3
    assert recipients(carrier) == [FIRST]


@pytest.mark.parametrize("choice", [Choice.ONCE, Choice.DAY])
async def test_no_single_yes_counts_for_one_of_a_list(ringback: Ringback, carrier: FakeCarrier, choice: Choice) -> None:
    ids = await a_list(ringback, 1)
    assert await refusal(ringback.person.answer(ids[0], replace(YES, choice=choice))) == (
        "bulk_list",
        WHOLE_LIST,
        "The person opens the console page, or runs: ringback approve",
    )
    assert (await ringback.telephone.status(ids[0])).status == "awaiting_approval"


@pytest.mark.parametrize(("choice", "status"), [(Choice.NO, "declined"), (Choice.DISMISSED, "cancelled")])
async def test_a_single_no_counts_for_one_of_a_list(ringback: Ringback, choice: Choice, status: str) -> None:
    ids = await a_list(ringback)
    assert (await ringback.person.answer(ids[0], replace(YES, choice=choice))).status == status
    assert [question.id for question in await ringback.person.listed(ids[1])] == ids[1:]


async def test_a_yes_that_was_stored_for_one_alone_is_refused_at_the_dispatch(
    ringback: Ringback, carrier: FakeCarrier, home: Path
) -> None:
    (first,) = await asked(ringback, FIRST)
    await ringback.person.answer(first, YES)
    (one,) = await asked(ringback, OTHERS[0], text="something else")
    record = await ringback.ledger.outbounds.get(one)
    await ringback.ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    edit(home, "UPDATE outbound SET bulk = 1 WHERE id = ?", one)
    await ringback.telephone.tend()
    told = await ringback.telephone.status(one)
    assert (told.status, told.reason) == ("refused", "bulk_list")
    assert recipients(carrier) == [FIRST]


async def test_an_allowance_does_not_stand_for_one_of_a_list(ringback: Ringback) -> None:
    await a_list(ringback, 1)
    await ringback.person.allow(OTHERS[1], "sms", level=Level.A2, via="terminal", seconds=3600, count=5)
    (one,) = await asked(ringback, OTHERS[1])
    assert (await ringback.telephone.status(one)).status == "awaiting_approval"


async def test_what_came_since_the_list_was_shown_waits_for_an_answer_of_its_own(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    ids = await a_list(ringback, 2)
    (later,) = await asked(ringback, OTHERS[2])
    await ringback.person.answer_list(ids, YES)
    assert recipients(carrier) == PEOPLE[:3]
    assert [question.id for question in await ringback.person.listed(later)] == [later]


async def test_each_of_a_list_is_answered_once_however_often_it_is_named(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    ids = await a_list(ringback, 2)
    twice = await ringback.person.answer_list([*ids, *ids], YES)
    again = await ringback.person.answer_list(ids, NO)
    assert [receipt.id for receipt in twice] == ids
    assert [receipt.status for receipt in again] == ["accepted"] * 2
    assert recipients(carrier) == PEOPLE[:3]


async def test_what_does_not_wait_as_one_list_is_not_answered_as_one(ringback: Ringback, carrier: FakeCarrier) -> None:
    ids = await a_list(ringback, 2)
    (alone,) = await asked(ringback, FIRST, text="something else")
    for given in ([*ids, alone], [alone, *ids], [alone]):
        assert await refusal(ringback.person.answer_list(given, YES)) == (
            "bulk_list",
            "These do not wait for one answer.",
            "Look at the list again.",
        )
    assert await ringback.person.listed(alone) == []
    assert recipients(carrier) == [FIRST]


async def test_a_whole_list_is_approved_once_and_never_for_a_day(ringback: Ringback) -> None:
    ids = await a_list(ringback, 2)
    assert await refusal(ringback.person.answer_list(ids, replace(YES, choice=Choice.DAY))) == (
        "bulk_list",
        "A whole list is approved once.",
        "Answer once or no.",
    )


async def test_elsewhere_than_on_the_page_the_number_of_people_is_typed(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    ids = await a_list(ringback, 3)
    typed = Answer(Choice.ONCE, Level.A2, "terminal", digits=" 3 ")
    assert [receipt.status for receipt in await ringback.person.answer_list(ids, typed)] == ["accepted"] * 3
    wrong = await asked(ringback, *OTHERS[3:5])
    told = await ringback.person.answer_list(wrong, replace(typed, digits="3"))
    assert [(receipt.status, receipt.reason) for receipt in told] == [("cancelled", "digits_did_not_match")] * 2
    assert recipients(carrier) == PEOPLE[:4]


async def test_below_the_floor_no_list_is_approved_and_a_no_needs_no_level(home: Path) -> None:
    async with opened(home, bulk="1/hour", sandbox_rules=True, approval=ApprovalFloor.PAGE) as ringback:
        ids = await a_list(ringback, 2)
        weak = Answer(Choice.ONCE, Level.A1, "client:claude", digits="2")
        assert await refusal(ringback.person.answer_list(ids, weak)) == (
            "approval_level",
            "Here an approval of level A2 is needed; this one is A1.",
            "The person approves it on the console page or with: ringback approve",
        )
        assert [r.status for r in await ringback.person.answer_list(ids, replace(weak, choice=Choice.NO))] == [
            "declined"
        ] * 2


async def test_the_demos_person_approves_no_list_where_real_phones_ring(home: Path) -> None:
    async with opened(home, FakeCarrier("twilio", live=True), bulk="1/hour") as ringback:
        people = ["+12125550123", "+12025550124"]
        ids = [(await ringback.telephone.send_sms(to, TEXT)).id for to in people]
        demo = Answer(Choice.ONCE, Level.A1, f"client:{DEMO_CLIENT}", digits="1")
        assert (await refusal(ringback.person.answer_list(ids[1:], demo)))[0] == "demo_person"


async def test_a_passkey_signs_the_whole_list_and_no_other(ringback: Ringback, carrier: FakeCarrier) -> None:
    ids = await a_list(ringback, 3)
    challenge = await ringback.person.challenge_list(ids, Choice.ONCE, "nonce")
    others = [
        await ringback.person.challenge_list(ids[:2], Choice.ONCE, "nonce"),
        await ringback.person.challenge_list(ids, Choice.NO, "nonce"),
        await ringback.person.challenge_list(ids, Choice.ONCE, "another"),
    ]
    assert challenge not in others
    signed = Answer(Choice.ONCE, Level.A3, "page", nonce="nonce", challenge=challenge)
    for given in (ids[:2], [*ids[1:], ids[0]]):
        assert await refusal(ringback.person.answer_list(given, signed)) == (
            "approval_mismatch",
            "The passkey signed something else.",
            "Look at it again, and sign.",
        )
    assert recipients(carrier) == [FIRST]
    receipts = await ringback.person.answer_list(ids, signed)
    assert [(receipt.status, receipt.approval) for receipt in receipts] == [("accepted", "A3")] * 3


async def test_an_answer_to_nothing_stores_nothing(ringback: Ringback) -> None:
    assert await ringback.person.answer_list([], YES) == []
    with pytest.raises(NotFound):
        await ringback.person.answer_list(["ob_none"], YES)


@pytest.mark.parametrize("choice", [Choice.ALLOWANCE, Choice.WRONG_DIGITS])
async def test_an_answer_that_no_person_gives_is_none(ringback: Ringback, choice: Choice) -> None:
    ids = await a_list(ringback, 2)
    with pytest.raises(NotFound) as raised:
        await ringback.person.answer_list(ids, replace(YES, choice=choice))
    assert (raised.value.message, raised.value.hint) == ("There is no such answer.", "Answer once, day or no.")


async def test_the_same_words_in_another_dress_are_the_same_and_other_words_are_not(ringback: Ringback) -> None:
    await asked(ringback, FIRST, text="See you at three.")
    same, other = (
        await asked(ringback, OTHERS[0], text="SEE YOU AT THREE!"),
        await asked(ringback, OTHERS[1], text="See you at four."),
    )
    assert len(await ringback.person.listed(same[0])) == 1
    assert await ringback.person.listed(other[0]) == []


async def test_after_an_hour_the_same_words_are_no_list(ringback: Ringback, clock: FakeClock) -> None:
    await a_list(ringback, 1)
    clock.move(3600)
    (later,) = await asked(ringback, OTHERS[1])
    assert await ringback.person.listed(later) == []


async def test_what_certainly_did_not_go_out_makes_nothing_bulk(ringback: Ringback) -> None:
    (first,) = await asked(ringback, FIRST)
    await ringback.person.answer(first, NO)
    (second,) = await asked(ringback, OTHERS[0])
    assert await ringback.person.listed(second) == []


def test_a_list_is_as_long_as_a_person_can_be_shown() -> None:
    assert LONGEST_LIST == 500
