"""The same words to many wait for one answer to the whole list; nothing goes out by single ones."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, YES, edit, opened, rows, want

from ringback.approvals import LONGEST_LIST, Answer
from ringback.errors import CarrierRejected, LedgerError, NotFound, Refused
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

LIST_YES = replace(YES, digits=None)
TYPED = Answer(Choice.ONCE, Level.A2, "terminal")


def number(at: int) -> str:
    return f"+1202555{at:04d}"


@asynccontextmanager
async def bulky(home: Path, carrier: FakeCarrier, clock: FakeClock, **more: Any) -> AsyncIterator[Ringback]:
    settings = {"bulk": "3/hour", "sandbox_rules": True, **more}
    async with opened(home, carrier, clock=clock, **settings) as ringback:
        yield ringback


async def ask(ringback: Ringback, first: int, count: int, text: str = TEXT, **more: Any) -> list[Receipt]:
    return [await want(ringback.telephone, Channel.SMS, number(first + at), text, **more) for at in range(count)]


async def is_bulk(ringback: Ringback, receipt: Receipt) -> bool:
    return (await ringback.ledger.outbounds.get(receipt.id)).bulk


@pytest.fixture
async def listed(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[tuple[Ringback, list[str]]]:
    """Three that went, and four that wait as a list."""
    async with bulky(home, carrier, clock) as ringback:
        for receipt in await ask(ringback, 0, 3):
            await ringback.person.answer(receipt.id, YES)
        made = await ask(ringback, 3, 4)
        yield ringback, [receipt.id for receipt in made]


@pytest.mark.parametrize(("setting", "alone"), [("1/hour", 1), ("3/hour", 3), ("4/minute", 4), ("off", 6)])
async def test_so_many_go_alone_and_those_after_them_are_a_list(
    home: Path, carrier: FakeCarrier, clock: FakeClock, setting: str, alone: int
) -> None:
    async with bulky(home, carrier, clock, bulk=setting) as ringback:
        made = [await is_bulk(ringback, receipt) for receipt in await ask(ringback, 0, 6)]
    assert made == [at >= alone for at in range(6)]


@pytest.mark.parametrize("live", [True, False])
async def test_on_the_sandbox_nothing_is_a_list_unless_the_operator_says_so(
    home: Path, clock: FakeClock, live: bool
) -> None:
    async with bulky(home, FakeCarrier(live=live), clock, bulk="1/hour", sandbox_rules=False) as ringback:
        made = [await want(ringback.telephone, Channel.SMS, f"+1212555{at:04d}") for at in (101, 102)]
        assert [await is_bulk(ringback, receipt) for receipt in made] == [False, live]


async def test_an_allowance_does_not_carry_a_list(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with bulky(home, carrier, clock) as ringback:
        for at in range(5):
            await ringback.person.allow(number(at), Channel.SMS, level=Level.A2, via="page", seconds=3600, count=5)
        assert [receipt.status for receipt in await ask(ringback, 0, 5)] == ["accepted"] * 3 + ["awaiting_approval"] * 2
        assert [each.remaining for each in await ringback.person.allowances()].count(5) == 2, "nothing was spent"
        (later,) = await ask(ringback, 4, 1, send_at="2026-03-10T13:00:00Z")
        assert later.status == "awaiting_approval"
    assert len(carrier.sent) == 3


async def test_it_counts_people_and_words_and_not_sends(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with bulky(home, carrier, clock) as ringback:
        await ask(ringback, 0, 3)
        same_people = await ask(ringback, 0, 3, text="SEE you at three!")
        assert [await is_bulk(ringback, receipt) for receipt in same_people] == [False] * 3
        (other_words,) = await ask(ringback, 7, 1, text="See you at four.")
        assert not await is_bulk(ringback, other_words)
        for dress in ("SEE YOU AT THREE", "see-you-at-three", "S e e you at three!!", "\uff33ee you at three"):
            (same,) = await ask(ringback, 8, 1, text=dress, idempotency_key=dress)
            assert await is_bulk(ringback, same), dress


async def test_words_without_letters_are_told_apart(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with bulky(home, carrier, clock, bulk="1/hour") as ringback:
        await ask(ringback, 0, 1, text="👍")
        (other,) = await ask(ringback, 1, 1, text="❤")
        (same,) = await ask(ringback, 2, 1, text="👍")
        assert [await is_bulk(ringback, each) for each in (other, same)] == [False, True]


@pytest.mark.parametrize(("later", "expected"), [(3599.0, True), (3600.0, False), (3601.0, False)])
async def test_what_was_said_an_hour_ago_counts_no_more(
    home: Path, carrier: FakeCarrier, clock: FakeClock, later: float, expected: bool
) -> None:
    async with bulky(home, carrier, clock) as ringback:
        for receipt in await ask(ringback, 0, 3):
            await ringback.person.answer(receipt.id, YES)
        clock.move(later)
        (receipt,) = await ask(ringback, 3, 1)
        assert await is_bulk(ringback, receipt) is expected


@pytest.mark.parametrize("ended", ["declined", "cancelled", "expired", "failed", "refused"])
async def test_what_reached_nobody_does_not_count(
    home: Path, carrier: FakeCarrier, clock: FakeClock, ended: str
) -> None:
    async with bulky(home, carrier, clock) as ringback:
        first, *_ = await ask(ringback, 0, 3)
        if ended == "declined":
            await ringback.person.answer(first.id, replace(YES, choice=Choice.NO))
        elif ended == "cancelled":
            await ringback.telephone.cancel(first.id)
        elif ended == "failed":
            carrier.outcomes = [CarrierRejected("no")]
            await ringback.person.answer(first.id, YES)
        else:
            edit(home, "UPDATE outbound SET status = ? WHERE id = ?", ended, first.id)
        (receipt,) = await ask(ringback, 3, 1)
        assert not await is_bulk(ringback, receipt)
        (receipt,) = await ask(ringback, 4, 1)
        assert await is_bulk(ringback, receipt)


async def test_what_a_person_writes_by_hand_is_neither_counted_nor_held(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with bulky(home, carrier, clock, bulk="1/hour") as ringback:
        for at in range(4):
            await ringback.person.conversations.take_over(number(at), via="page")
            receipt = await ringback.person.conversations.write(number(at), TEXT, level=Level.A2, via="page")
            assert receipt.status == "accepted"
        (receipt,) = await ask(ringback, 9, 1)
        assert not await is_bulk(ringback, receipt)


async def test_one_answer_to_the_whole_list_sends_it(listed: tuple[Ringback, list[str]], carrier: FakeCarrier) -> None:
    ringback, ids = listed
    shown = await ringback.person.listed(ids[2])
    assert [question.id for question in shown] == ids
    assert all(question.bulk for question in shown)
    assert [receipt.status for receipt in await ringback.person.answer_list(ids, LIST_YES)] == ["accepted"] * 4
    assert [wish.to.e164 for wish in carrier.sent] == [number(at) for at in range(7)]
    assert await ringback.person.listed(ids[0]) == []


@pytest.mark.parametrize("choice", [Choice.ONCE, Choice.DAY])
async def test_a_single_yes_is_refused_and_sends_nothing(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier, choice: Choice
) -> None:
    ringback, ids = listed
    for answer in (replace(YES, choice=choice), Answer(choice, Level.A1, "client:x:list", digits="0003")):
        with pytest.raises(Refused) as refused:
            await ringback.person.answer(ids[0], answer)
        assert refused.value.rule == "bulk_list"
        assert "ringback approve" in refused.value.hint
    assert (await ringback.telephone.status(ids[0])).status == "awaiting_approval"
    assert len(carrier.sent) == 3


@pytest.mark.parametrize("choice", [Choice.NO, Choice.DISMISSED])
async def test_a_single_no_counts_and_leaves_the_others(listed: tuple[Ringback, list[str]], choice: Choice) -> None:
    ringback, ids = listed
    receipt = await ringback.person.answer(ids[0], replace(YES, choice=choice))
    left = [question.id for question in await ringback.person.listed(ids[1])]
    assert (receipt.status, left) == ("declined" if choice is Choice.NO else "cancelled", ids[1:])
    assert (await ringback.telephone.status(ids[1])).status == "awaiting_approval"


@pytest.mark.parametrize(
    ("digits", "goes"), [("4", True), (" 4 ", True), ("3", False), ("04", False), ("", False), (None, False)]
)
async def test_in_a_terminal_the_person_types_how_many_they_are(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier, digits: str | None, goes: bool
) -> None:
    ringback, ids = listed
    receipts = await ringback.person.answer_list(ids, replace(TYPED, digits=digits))
    assert {receipt.status for receipt in receipts} == {"accepted" if goes else "cancelled"}
    assert len(carrier.sent) == (7 if goes else 3)


async def test_a_yes_is_for_those_that_were_shown_and_no_others(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier
) -> None:
    ringback, ids = listed
    (new,) = await ask(ringback, 7, 1)
    await ringback.person.answer_list(ids, LIST_YES)
    assert (await ringback.telephone.status(new.id)).status == "awaiting_approval"
    assert [question.id for question in await ringback.person.listed(new.id)] == [new.id]
    assert len(carrier.sent) == 7


async def test_an_answer_that_breaks_off_in_the_middle_sends_what_it_covered_and_asks_about_the_rest(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    ringback, ids = listed
    answer, answered = ringback.ledger.consents.answer, 0

    async def breaks(*given: Any, **more: Any) -> Any:
        nonlocal answered
        answered += 1
        if answered == 3:
            raise LedgerError("The disk is full.")
        return await answer(*given, **more)

    with monkeypatch.context() as patched:
        patched.setattr(ringback.ledger.consents, "answer", breaks)
        with pytest.raises(LedgerError):
            await ringback.person.answer_list(ids, LIST_YES)
    await ringback.telephone.tend()
    assert [wish.to.e164 for wish in carrier.sent[3:]] == [number(3), number(4)]
    assert [question.id for question in await ringback.person.listed(ids[3])] == ids[2:]
    assert [receipt.status for receipt in await ringback.person.answer_list(ids[2:], LIST_YES)] == ["accepted"] * 2


async def test_a_no_to_the_list_ends_all_of_it(listed: tuple[Ringback, list[str]], carrier: FakeCarrier) -> None:
    ringback, ids = listed
    receipts = await ringback.person.answer_list(ids, replace(TYPED, choice=Choice.NO))
    assert [receipt.status for receipt in receipts] == ["declined"] * 4
    assert len(carrier.sent) == 3


async def test_an_answer_for_a_day_is_no_answer_to_a_list(listed: tuple[Ringback, list[str]]) -> None:
    ringback, ids = listed
    with pytest.raises(Refused, match="approved once"):
        await ringback.person.answer_list(ids, replace(LIST_YES, choice=Choice.DAY))
    assert len(await ringback.person.listed(ids[0])) == 4


async def test_what_is_of_no_list_or_of_another_is_not_answered_with_it(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier
) -> None:
    ringback, ids = listed
    others = [receipt.id for receipt in await ask(ringback, 20, 5, text="Another one.")]
    assert await ringback.person.listed(others[0]) == []
    for mixed in ([*ids, others[0]], [*ids, others[4]], [others[0]], [others[4], ids[0]]):
        with pytest.raises(Refused) as refused:
            await ringback.person.answer_list(mixed, LIST_YES)
        assert refused.value.rule == "bulk_list"
    with pytest.raises(NotFound):
        await ringback.person.answer_list([*ids, "ob_none"], LIST_YES)
    assert len(carrier.sent) == 3


async def test_a_second_answer_and_a_name_given_twice_change_nothing(
    listed: tuple[Ringback, list[str]], carrier: FakeCarrier
) -> None:
    ringback, ids = listed
    await ringback.person.answer_list([*ids, *ids], replace(TYPED, digits="4"))
    again = await ringback.person.answer_list(ids, replace(TYPED, choice=Choice.NO))
    assert [receipt.status for receipt in again] == ["accepted"] * 4
    assert len(carrier.sent) == 7


async def test_a_list_is_at_most_five_hundred() -> None:
    assert LONGEST_LIST == 500


async def test_the_least_level_counts_for_lists_too(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    async with bulky(home, carrier, clock, bulk="1/hour", approval=ApprovalFloor.PASSKEY) as ringback:
        made = await ask(ringback, 0, 3)
        ids = [receipt.id for receipt in made[1:]]
        with pytest.raises(Refused) as refused:
            await ringback.person.answer_list(ids, LIST_YES)
        assert refused.value.rule == "approval_level"
        signed = await ringback.person.challenge_list(ids, Choice.ONCE, "n")
        wrong = [
            Answer(Choice.ONCE, Level.A3, "page", challenge=None, nonce="n"),
            Answer(Choice.ONCE, Level.A3, "page", challenge=signed, nonce=None),
            Answer(Choice.ONCE, Level.A3, "page", challenge=signed, nonce="m"),
            Answer(
                Choice.ONCE,
                Level.A3,
                "page",
                challenge=await ringback.person.challenge_list(ids[:1], Choice.ONCE, "n"),
                nonce="n",
            ),
        ]
        for answer in wrong:
            with pytest.raises(Refused) as refused:
                await ringback.person.answer_list(ids, answer)
            assert refused.value.rule == "approval_mismatch"
        assert carrier.sent == []
        right = Answer(Choice.ONCE, Level.A3, "page", challenge=signed, nonce="n")
        assert [each.status for each in await ringback.person.answer_list(ids, right)] == ["accepted"] * 2


async def test_a_row_that_is_made_to_look_single_is_answered_for_its_own_digest_and_no_list(
    listed: tuple[Ringback, list[str]], home: Path, carrier: FakeCarrier
) -> None:
    """What was approved as a single one and became one of a list goes nowhere."""
    ringback, ids = listed
    edit(home, "UPDATE outbound SET bulk = 0 WHERE id = ?", ids[0])
    record = await ringback.ledger.outbounds.get(ids[0])
    await ringback.ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="page")
    edit(home, "UPDATE outbound SET bulk = 1 WHERE id = ?", ids[0])
    await ringback.telephone.tend()
    told = await ringback.telephone.status(ids[0])
    assert (told.status, told.reason) == ("refused", "bulk_list")
    assert len(carrier.sent) == 3


async def test_the_words_of_many_stand_nowhere_in_plain(listed: tuple[Ringback, list[str]], home: Path) -> None:
    said = {value for (value,) in rows(home, "SELECT said FROM outbound")}
    assert len(said) == 1
    assert TEXT.encode() not in next(iter(said))
