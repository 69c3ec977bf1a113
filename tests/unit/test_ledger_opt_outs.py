"""Opt-outs in the ledger: what they end, who may undo which, and how they are confirmed once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ringback_support.installation import KEYRING, TO, approve, approved, claimed, ledger_in, outbound, stored

from ringback.keys import Keyring
from ringback.ledger.outbounds import Stored
from ringback.ledger.records import OptOut, Record
from ringback.ledger.rekeying import Rekeying
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")


async def status(ledger: Ledger, record: Record) -> tuple[Status, str | None]:
    now = await ledger.outbounds.get(record.id)
    return now.status, now.reason


async def confirmation(ledger: Ledger, to: PhoneNumber = NUMBER) -> Record:
    """The confirmation of the opt-out that stands for this number, as it is stored."""
    standing = next(each for each in await ledger.opt_outs.standing() if each.number == to)
    notice = replace(outbound(to.e164, "You get no more."), notice=True)
    record, _ = await ledger.outbounds.add(
        notice, key=None, spend=None, terms=Stored(notice_of=f"optout:{standing.id}")
    )
    return record


async def test_an_opt_out_ends_all_that_waits_for_this_person_and_nothing_else(
    ledger: Ledger, clock: FakeClock
) -> None:
    waiting = await stored(ledger)
    granted = await approved(ledger, outbound(text="approved"))
    later = await approved(ledger, replace(outbound(text="later"), send_at=clock.now().timestamp() + 600))
    by_hand = await stored(ledger, replace(outbound(text="by hand"), by_hand=True))
    on_its_way = await claimed(ledger, outbound(text="on its way"))
    elsewhere = await stored(ledger, outbound(OTHER.e164))
    assert await ledger.opt_outs.begin(NUMBER, via="text") == (True, 4)
    for record in (waiting, granted, later, by_hand):
        assert await status(ledger, record) == (Status.CANCELLED, "opted_out")
        told = (await ledger.outbounds.events(record.id))[-1]
        assert (told.kind, told.status, told.detail) == ("moved", Status.CANCELLED, "opted_out")
    assert await status(ledger, on_its_way) == (Status.DISPATCHING, None)
    assert await status(ledger, elsewhere) == (Status.AWAITING_APPROVAL, None)
    assert await ledger.opt_outs.on_their_way(NUMBER) == 1
    assert await ledger.opt_outs.on_their_way(OTHER) == 0


async def test_what_is_approved_after_an_opt_out_is_not_taken_by_the_fence(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")
    record = await approved(ledger)
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is None
    await ledger.opt_outs.lift(NUMBER)
    assert await ledger.deliveries.claim(record.id, owner="me", lease_s=60) is not None


async def test_an_opt_out_is_told_as_it_began_and_again_by_nobody(ledger: Ledger, clock: FakeClock) -> None:
    began = clock.now().timestamp()
    assert await ledger.opt_outs.begin(NUMBER, via="text") == (True, 0)
    clock.move(60)
    assert await ledger.opt_outs.begin(NUMBER, via="page") == (False, 0)
    (standing,) = await ledger.opt_outs.standing()
    assert standing == OptOut(standing.id, NUMBER, KEYRING.contact(NUMBER), "text", began)
    assert standing.id.startswith("oo_")
    assert await ledger.opt_outs.stands(NUMBER)
    assert not await ledger.opt_outs.stands(OTHER)


async def test_those_that_stand_are_listed_newest_first(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")
    clock.move(60)
    await ledger.opt_outs.begin(OTHER, via="text")
    assert [each.number for each in await ledger.opt_outs.standing()] == [OTHER, NUMBER]


async def test_a_list_is_taken_over_as_a_whole_and_what_stood_before_is_not_new(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")
    waiting = [await stored(ledger, outbound(OTHER.e164, text)) for text in ("one", "two")]
    assert await ledger.opt_outs.begin_all([NUMBER, OTHER, OTHER], via="import") == 1
    assert [await status(ledger, each) for each in waiting] == [(Status.CANCELLED, "opted_out")] * 2
    assert {each.number: each.via for each in await ledger.opt_outs.standing()} == {NUMBER: "text", OTHER: "import"}


async def test_a_person_lifts_any_opt_out_once(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="import")
    assert not await ledger.opt_outs.lift(OTHER)
    assert await ledger.opt_outs.lift(NUMBER)
    assert not await ledger.opt_outs.lift(NUMBER)
    assert not await ledger.opt_outs.stands(NUMBER)
    assert await ledger.opt_outs.begin(NUMBER, via="text") == (True, 0)


@pytest.mark.parametrize(
    ("via", "said_after_s", "undone"),
    [
        ("text", 1, True),
        ("keys", 1, True),
        ("carrier", 1, True),
        ("text", 0, True),
        ("text", -1, False),
        ("page", 1, False),
    ],
)
async def test_somebodys_own_later_word_undoes_their_own_and_not_what_a_person_noted(
    ledger: Ledger, clock: FakeClock, via: str, said_after_s: float, undone: bool
) -> None:
    said_at = clock.now().timestamp() - 3600
    await ledger.opt_outs.begin(NUMBER, via=via, said_at=said_at)
    assert not await ledger.opt_outs.resume(OTHER, said_at + 10)
    assert await ledger.opt_outs.resume(NUMBER, said_at + said_after_s) is undone
    assert await ledger.opt_outs.stands(NUMBER) is not undone


async def test_without_the_carriers_word_an_opt_out_was_said_when_it_was_stored(
    ledger: Ledger, clock: FakeClock
) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")
    assert not await ledger.opt_outs.resume(NUMBER, clock.now().timestamp() - 1)
    assert await ledger.opt_outs.resume(NUMBER, clock.now().timestamp())


async def test_what_is_to_be_confirmed_is_told_until_it_is(ledger: Ledger, clock: FakeClock) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    await ledger.opt_outs.begin(OTHER, via="page")
    ((standing, carrier),) = await ledger.opt_outs.unconfirmed()
    assert (standing.number, carrier) == (NUMBER, "sandbox")
    await ledger.opt_outs.confirmed(standing.id)
    assert await ledger.opt_outs.unconfirmed() == []


async def test_what_was_lifted_is_confirmed_no_more(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    await ledger.opt_outs.lift(NUMBER)
    assert await ledger.opt_outs.unconfirmed() == []


async def test_only_a_confirmation_passes_the_fence_and_only_while_the_opt_out_stands(ledger: Ledger) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text", carrier="sandbox")
    notice = await confirmation(ledger)
    assert notice.status is Status.APPROVED
    assert await ledger.opt_outs.begin(NUMBER, via="text") == (False, 0)  # the confirmation stays
    assert await ledger.deliveries.claim(notice.id, owner="me", lease_s=60) is not None


async def test_a_confirmation_that_has_not_left_ends_with_its_opt_out(ledger: Ledger) -> None:
    for number in (NUMBER, OTHER):
        await ledger.opt_outs.begin(number, via="text", carrier="sandbox")
    notice, other = await confirmation(ledger), await confirmation(ledger, OTHER)
    wish = await approve(ledger, await stored(ledger))
    assert not await ledger.opt_outs.resume(NUMBER, 0.0)
    assert (await ledger.outbounds.get(notice.id)).status is Status.APPROVED
    assert await ledger.opt_outs.lift(NUMBER)
    assert await status(ledger, notice) == (Status.CANCELLED, "opt_out_lifted")
    told = (await ledger.outbounds.events(notice.id))[-1]
    assert (told.kind, told.status, told.detail) == ("moved", Status.CANCELLED, "opt_out_lifted")
    assert [(await ledger.outbounds.get(each.id)).status for each in (other, wish)] == [Status.APPROVED] * 2
    assert not await ledger.opt_outs.lift(NUMBER)
    assert (await ledger.outbounds.get(other.id)).status is Status.APPROVED


async def test_a_confirmation_is_covered_by_the_opt_out_of_the_same_person_while_it_stands(ledger: Ledger) -> None:
    for number in (NUMBER, OTHER):
        await ledger.opt_outs.begin(number, via="text", carrier="sandbox")
    ids = {each.number: each.id for each in await ledger.opt_outs.standing()}
    notice = await confirmation(ledger)
    ordinary = await stored(ledger)
    assert await ledger.opt_outs.covers(ids[NUMBER], notice)
    assert not await ledger.opt_outs.covers(ids[OTHER], notice)
    assert not await ledger.opt_outs.covers("oo_none", notice)
    assert not await ledger.opt_outs.covers(ids[NUMBER], ordinary)
    await ledger.opt_outs.lift(NUMBER)
    assert not await ledger.opt_outs.covers(ids[NUMBER], notice)


async def test_under_another_key_each_opt_out_stands_for_the_same_person(
    ledger: Ledger, home: Path, clock: FakeClock
) -> None:
    await ledger.opt_outs.begin(NUMBER, via="text")
    await ledger.opt_outs.begin(OTHER, via="page")
    await ledger.opt_outs.lift(OTHER)
    before = await ledger.opt_outs.standing()
    another = Keyring(bytes(32))
    Rekeying(ledger.database, KEYRING, another, clock).run()
    with ledger_in(home, clock, another) as after:
        assert await after.opt_outs.stands(NUMBER)
        assert not await after.opt_outs.stands(OTHER)
        expected = [replace(each, contact=another.contact(each.number)) for each in before]
        assert await after.opt_outs.standing() == expected
