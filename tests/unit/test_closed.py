"""Failing closed on a full disk. Nothing is sent, or it was and that is said; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.callbacks import PlainReader, plain
from ringback_support.failing import fails, full_disk, is_whole, statuses
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TO, YES, allow, moment, rows, want

from ringback.errors import CarrierUnavailable
from ringback.lease import LEASE_S
from ringback.model.news import Inbox, ReceivedText, StatusNews
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

KINDS = ("begin", "commit")


@pytest.fixture
def carrier() -> FakeCarrier:
    carrier = FakeCarrier()
    carrier.callbacks = PlainReader()
    return carrier


# -- the disk is full ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_a_wish_that_cannot_be_stored_is_no_wish(
    ringback: Ringback, carrier: FakeCarrier, home: Path, kind: str
) -> None:
    await allow(ringback)
    with full_disk(f"store.{kind}") as disk:
        await fails(want(ringback.telephone, Channel.SMS))
        assert disk.is_full
        await fails(want(ringback.telephone, Channel.SMS))
    assert statuses(home) == []
    assert carrier.sent == []
    assert [each.remaining for each in await ringback.person.allowances()] == [50]
    assert (await want(ringback.telephone, Channel.SMS)).status == "accepted"
    assert len(carrier.sent) == 1
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_answer_that_cannot_be_stored_is_no_answer(
    ringback: Ringback, carrier: FakeCarrier, home: Path, kind: str
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    with full_disk(f"answer.{kind}") as disk:
        await fails(ringback.person.answer(waiting.id, YES))
        assert disk.is_full
    assert statuses(home) == ["awaiting_approval"]
    assert carrier.sent == []
    assert is_whole(home)
    assert (await ringback.person.answer(waiting.id, YES)).status == "accepted"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_cannot_be_fenced_is_not_sent_and_goes_once_the_disk_is_mended(
    ringback: Ringback, carrier: FakeCarrier, home: Path, kind: str
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    with full_disk(f"claim.{kind}") as disk:
        await fails(ringback.person.answer(waiting.id, YES))
        assert disk.is_full
        assert carrier.sent == []
        await ringback.telephone.history()
    assert statuses(home) == ["approved"]
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(waiting.id)).status == "accepted"
    assert len(carrier.sent) == 1
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outcome", [None, CarrierUnavailable("?")], ids=["accepted", "in doubt"])
async def test_what_went_out_and_could_not_be_written_down_says_so_and_is_found_again(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, kind: str, outcome: Exception | None
) -> None:
    if outcome is not None:
        carrier.outcomes = [outcome]
    waiting = await want(ringback.telephone, Channel.SMS)
    with full_disk(f"settle.{kind}"):
        error = await fails(ringback.person.answer(waiting.id, YES))
    assert "was handed to the carrier" in error.message
    assert "Do not send it again" in error.hint
    assert statuses(home) == ["dispatching"]
    again = await want(ringback.telephone, Channel.SMS)
    assert (again.id, again.repeated) == (waiting.id, True)
    carrier.items = [CarrierItem("id-1", Channel.SMS, TO, Status.SENT, clock.now().isoformat())]
    clock.move(LEASE_S + 1)
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(waiting.id)).status == "sent"
    assert len(carrier.sent) == 1
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_conclusion_that_cannot_be_stored_is_drawn_again_later(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, kind: str
) -> None:
    carrier.outcomes = [CarrierUnavailable("?")]
    doubt = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    carrier.items = [CarrierItem("id-1", Channel.SMS, TO, Status.SENT, clock.now().isoformat())]
    with full_disk(f"conclude.{kind}") as disk:
        await fails(ringback.telephone.status(doubt.id))
        assert disk.is_full
    assert statuses(home) == ["unknown"]
    assert (await ringback.telephone.status(doubt.id)).status == "sent"
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_report_that_cannot_be_stored_is_asked_for_again(
    ringback: Ringback, carrier: FakeCarrier, home: Path, kind: str
) -> None:
    sent = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    with full_disk(f"learn.{kind}") as disk:
        await fails(ringback.telephone.status(sent.id))
        assert disk.is_full
    assert statuses(home) == ["accepted"]
    assert (await ringback.telephone.status(sent.id)).status == "delivered"
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("step", "news"),
    [
        ("reported", StatusNews("id-1", Report(Status.DELIVERED))),
        ("reported", StatusNews("nobody's", Report(Status.DELIVERED))),
        ("received", ReceivedText("in-1", "BANK", "Hello.", 0.0)),
    ],
)
async def test_a_callback_that_cannot_be_stored_is_not_taken_and_counts_when_it_comes_again(
    ringback: Ringback, home: Path, kind: str, step: str, news: StatusNews | ReceivedText
) -> None:
    sent = await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    request = plain(ringback.keyring.callback_secret("sandbox"), news)
    with full_disk(f"{step}.{kind}") as disk:
        await fails(ringback.inbound.callback("sandbox", request))
        assert disk.is_full
    assert rows(home, "SELECT (SELECT count(*) FROM callback) + (SELECT count(*) FROM received)") == [(0,)]
    await ringback.inbound.callback("sandbox", request)
    assert rows(home, "SELECT (SELECT count(*) FROM callback) + (SELECT count(*) FROM received)") == [(1,)]
    expected = "delivered" if isinstance(news, StatusNews) and news.carrier_id == "id-1" else "accepted"
    assert (await ringback.ledger.outbounds.get(sent.id)).status.value == expected
    assert is_whole(home)


@pytest.mark.parametrize("step", ["expire", "poll", "inbox"])
async def test_a_server_whose_disk_is_full_goes_on_when_it_is_mended(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, step: str
) -> None:
    await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    await want(ringback.telephone, Channel.SMS, text="never answered")
    carrier.texts = Inbox((ReceivedText("in-1", "BANK", "Hello.", 0.0),), "1")
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    clock.move(601)
    with full_disk(f"{step}.begin") as disk:
        for _ in range(3):
            await fails(ringback.telephone.tend())
        assert disk.is_full
    while await ringback.telephone.tend():
        pass
    assert statuses(home) == ["delivered", "expired"]
    assert len(await ringback.person.received()) == 1
    assert len(carrier.sent) == 1
    assert is_whole(home)


@pytest.mark.parametrize("step", ["defer.begin", "defer.commit"])
async def test_a_deferral_that_cannot_be_stored_is_told_and_never_sent_twice(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, step: str
) -> None:
    from ringback.errors import CarrierRateLimited

    carrier.outcomes = [CarrierRateLimited("later", retry_after=1)]
    waiting = await want(ringback.telephone, Channel.SMS, send_at=moment(clock, 0))
    with full_disk(step) as disk:
        await fails(ringback.person.answer(waiting.id, YES))
        assert disk.is_full
    clock.move(LEASE_S + 1)
    await ringback.telephone.tend()
    assert (await ringback.telephone.status(waiting.id)).status == "unknown"
    assert len(carrier.sent) == 1
    assert is_whole(home)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_erasure_that_cannot_be_stored_is_made_once_the_disk_is_mended(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, home: Path, kind: str
) -> None:
    carrier.outcomes = [Acceptance("id-1", Status.DELIVERED)]
    await ringback.person.answer((await want(ringback.telephone, Channel.SMS)).id, YES)
    clock.move(31 * 86_400)
    with full_disk(f"erase.{kind}") as disk:
        await fails(ringback.telephone.tend())
        assert disk.is_full
    assert rows(home, "SELECT sealed <> x'', erased_at FROM outbound") == [(1, None)]
    await ringback.telephone.tend()
    assert rows(home, "SELECT sealed <> x'' FROM outbound") == [(0,)]
    assert is_whole(home)


@pytest.mark.parametrize("step", ["move.begin", "move.commit"])
async def test_a_cancellation_that_cannot_be_stored_is_none(ringback: Ringback, home: Path, step: str) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    with full_disk(step):
        await fails(ringback.telephone.cancel(waiting.id))
    assert statuses(home) == ["awaiting_approval"]
    assert (await ringback.telephone.cancel(waiting.id)).status == "cancelled"
