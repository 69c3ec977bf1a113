"""The only way in: what a carrier reports, and how a doubtful outbound is found again or stays in doubt."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, TO, YES, approved, claimed, opened, outbound, want

from ringback.errors import CarrierRejected, CarrierUnavailable, InvalidRequest, NotFound
from ringback.model.outbound import Acceptance, CarrierItem, Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback
    from ringback.receipts import Receipt


async def accepted(ringback: Ringback, channel: Channel = Channel.SMS, text: str = TEXT) -> Receipt:
    return await ringback.person.answer((await want(ringback.telephone, channel, text=text)).id, YES)


async def doubtful(
    ringback: Ringback, carrier: FakeCarrier, text: str = TEXT, channel: Channel = Channel.SMS
) -> Receipt:
    carrier.outcomes = [CarrierUnavailable("?")]
    receipt = await accepted(ringback, channel, text)
    assert receipt.status == "unknown"
    return receipt


def item(
    clock: FakeClock,
    carrier_id: str = "found-1",
    *,
    to: str = TO,
    channel: Channel = Channel.SMS,
    status: Status = Status.SENT,
    later_s: float = 1,
) -> CarrierItem:
    return CarrierItem(carrier_id, channel, to, status, (clock.now() + timedelta(seconds=later_s)).isoformat())


# -- reports ---------------------------------------------------------------------------------------------------------


async def test_a_report_is_told_with_what_the_carrier_knows(ringback: Ringback, carrier: FakeCarrier) -> None:
    called = await accepted(ringback, Channel.VOICE)
    carrier.reports["id-1"] = Report(
        Status.COMPLETED, duration_s=42.0, keys="1#", recording_url="https://recordings.example/1"
    )
    told = await ringback.telephone.status(called.id)
    assert (told.status, told.duration_s, told.keys) == ("completed", 42.0, "1#")
    assert told.recording_url == "https://recordings.example/1"
    assert "Keys pressed: 1#" in told.summary


@pytest.mark.parametrize("first", [Status.QUEUED, Status.SENT, Status.DELIVERED, Status.UNDELIVERED])
async def test_a_later_report_of_an_earlier_status_changes_nothing(
    ringback: Ringback, carrier: FakeCarrier, first: Status
) -> None:
    sent = await accepted(ringback)
    for status in (first, Status.ACCEPTED, Status.UNKNOWN):
        carrier.reports["id-1"] = Report(status)
        assert (await ringback.telephone.status(sent.id)).status == first.value


async def test_a_carrier_that_cannot_be_asked_leaves_what_was_known(ringback: Ringback, carrier: FakeCarrier) -> None:
    sent = await accepted(ringback)
    carrier.reports["id-1"] = CarrierUnavailable("?")
    assert (await ringback.telephone.status(sent.id)).status == "accepted"
    carrier.reports["id-1"] = CarrierRejected("no such message")
    assert (await ringback.telephone.status(sent.id)).status == "accepted"


async def test_what_ended_is_not_asked_for_again(ringback: Ringback, carrier: FakeCarrier) -> None:
    sent = await accepted(ringback)
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    await ringback.telephone.status(sent.id)
    carrier.reports["id-1"] = Report(Status.FAILED)
    assert (await ringback.telephone.status(sent.id)).status == "delivered"


async def test_what_another_carrier_took_is_not_asked_of_this_one(home: Path, clock: FakeClock) -> None:
    async with opened(home, FakeCarrier(), clock=clock) as ringback:
        sent = await accepted(ringback)
    other = FakeCarrier("thinkfleetbot", live=True)
    other.reports["id-1"] = Report(Status.DELIVERED)
    other.items = [item(clock)]
    async with opened(home, other, clock=clock) as ringback:
        await ringback.telephone.tend()
        assert (await ringback.telephone.status(sent.id)).status == "accepted"


# -- waiting ---------------------------------------------------------------------------------------------------------


async def test_a_wait_ends_when_the_status_does_and_tells_each_change(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    sent = await accepted(ringback)
    changes: list[str] = []

    async def on_change(receipt: Receipt) -> None:
        changes.append(receipt.status)
        carrier.reports["id-1"] = Report(Status.DELIVERED)

    carrier.reports["id-1"] = Report(Status.SENT)
    before = clock.now()
    first = await ringback.telephone.status(sent.id)
    assert first.status == "sent"
    done = await ringback.telephone.status(sent.id, wait_s=25, on_change=on_change)
    assert done.status == "sent"
    carrier.reports["id-1"] = Report(Status.IN_PROGRESS)
    done = await ringback.telephone.status(sent.id, wait_s=25, on_change=on_change)
    assert done.status == "in_progress"
    carrier.reports["id-1"] = Report(Status.DELIVERED)
    done = await ringback.telephone.status(sent.id, wait_s=25)
    assert done.status == "delivered"
    assert (clock.now() - before).total_seconds() <= 51


@pytest.mark.parametrize(("wait_s", "at_most"), [(0, 0), (-5, 0), (3, 3), (25, 25), (26, 25), (1e9, 25)])
async def test_a_wait_lasts_no_longer_than_asked_and_never_over_25_seconds(
    ringback: Ringback, clock: FakeClock, wait_s: float, at_most: float
) -> None:
    sent = await accepted(ringback)
    before = clock.now()
    await ringback.telephone.status(sent.id, wait_s=wait_s)
    assert abs((clock.now() - before).total_seconds() - at_most) < 1e-6


@pytest.mark.parametrize("wait_s", [float("nan"), float("inf"), float("-inf")])
async def test_a_wait_that_is_no_number_of_seconds_is_refused(ringback: Ringback, wait_s: float) -> None:
    sent = await accepted(ringback)
    with pytest.raises(InvalidRequest):
        await ringback.telephone.status(sent.id, wait_s=wait_s)


async def test_a_wait_for_a_person_ends_with_the_answer(ringback: Ringback, clock: FakeClock) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)

    class Answering(FakeClock):
        """The person answers after five seconds."""

        async def sleep(self, seconds: float) -> None:
            clock.move(seconds)
            if (clock.now() - start).total_seconds() >= 5:
                await ringback.person.answer(waiting.id, YES)

        def now(self):  # noqa: ANN202 - as in the class that it stands for
            return clock.now()

    start = clock.now()
    ringback.telephone._clock = Answering()
    done = await ringback.telephone.status(waiting.id, wait_s=25)
    assert done.status == "accepted"
    assert (clock.now() - start).total_seconds() < 7


@pytest.mark.parametrize("outbound_id", ["ob_none", "", "\ud800", "ob_" + "x" * 1000])
async def test_the_status_of_what_does_not_exist_is_not_found(ringback: Ringback, outbound_id: str) -> None:
    with pytest.raises(NotFound):
        await ringback.telephone.status(outbound_id)
    with pytest.raises(NotFound):
        await ringback.telephone.cancel(outbound_id)


# -- doubt -----------------------------------------------------------------------------------------------------------


async def test_exactly_one_entry_that_can_be_it_resolves_a_doubt(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = [
        item(clock, "other-number", to="+14155550124"),
        item(clock, "other-channel", channel=Channel.VOICE),
        item(clock, "found-1"),
        item(clock, "from-before", later_s=-11),
    ]
    found = await ringback.telephone.status(doubt.id)
    assert (found.status, found.reason) == ("sent", "found_at_carrier")
    carrier.reports["found-1"] = Report(Status.DELIVERED)
    assert (await ringback.telephone.status(doubt.id)).status == "delivered"
    assert len(carrier.sent) == 1


@pytest.mark.parametrize("channel", list(Channel))
async def test_a_found_entry_whose_word_is_unknown_counts_as_accepted_and_no_more(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock, channel: Channel
) -> None:
    doubt = await doubtful(ringback, carrier, channel=channel)
    carrier.items = [item(clock, channel=channel, status=Status.UNKNOWN)]
    assert (await ringback.telephone.status(doubt.id)).status == "accepted"


async def test_two_entries_that_can_be_it_leave_the_doubt(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = [item(clock, "one"), item(clock, "two")]
    assert (await ringback.telephone.status(doubt.id)).status == "unknown"


async def test_no_entry_leaves_the_doubt_and_sends_nothing(ringback: Ringback, carrier: FakeCarrier) -> None:
    doubt = await doubtful(ringback, carrier)
    for _ in range(3):
        assert (await ringback.telephone.status(doubt.id)).status == "unknown"
        await ringback.telephone.tend()
    assert len(carrier.sent) == 1


async def test_an_entry_that_is_already_known_is_not_taken_again(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    carrier.outcomes = [Acceptance("known", Status.SENT)]
    await accepted(ringback, text="an earlier one")
    doubt = await doubtful(ringback, carrier)
    carrier.items = [item(clock, "known")]
    assert (await ringback.telephone.status(doubt.id)).status == "unknown"
    carrier.items = [item(clock, "known"), item(clock, "found-1")]
    assert (await ringback.telephone.status(doubt.id)).status == "sent"


async def test_two_doubts_about_one_recipient_leave_each_other_unresolved(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubts = [await doubtful(ringback, carrier, text) for text in ("one", "two")]
    carrier.items = [item(clock)]
    for doubt in doubts:
        assert (await ringback.telephone.status(doubt.id)).status == "unknown"


async def test_a_dispatch_under_way_to_the_same_recipient_leaves_a_doubt_unresolved(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    doubt = await doubtful(ringback, carrier)
    await claimed(ringback.ledger, outbound(text="on its way just now"), owner="another process")
    carrier.items = [item(clock)]
    assert (await ringback.telephone.status(doubt.id)).status == "unknown"


@pytest.mark.parametrize("created_at", ["", "yesterday", "2026-03-10T12:00:01", "2026-13-45", "\ud800"])
async def test_an_entry_without_a_readable_time_is_not_taken(
    ringback: Ringback, carrier: FakeCarrier, created_at: str
) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = [CarrierItem("found-1", Channel.SMS, TO, Status.SENT, created_at)]
    assert (await ringback.telephone.status(doubt.id)).status == "unknown"


async def test_a_history_that_cannot_be_asked_leaves_the_doubt(ringback: Ringback, carrier: FakeCarrier) -> None:
    doubt = await doubtful(ringback, carrier)
    carrier.items = CarrierUnavailable("?")
    assert (await ringback.telephone.status(doubt.id)).status == "unknown"


# -- a process that is gone ------------------------------------------------------------------------------------------


async def test_a_dispatch_whose_process_lives_is_left_alone_until_its_lease_ends(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    record = await claimed(ringback.ledger, owner="elsewhere:1", lease_s=240)
    carrier.items = [item(clock)]
    clock.move(240)
    assert (await ringback.telephone.status(record.id)).status == "dispatching"
    clock.move(0.001)
    assert (await ringback.telephone.status(record.id)).status == "sent"
    assert carrier.sent == []


def ended_process() -> str:
    """The owner's name of a process that has ended."""
    code = "from ringback.owner import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


async def test_a_dispatch_of_a_process_that_is_gone_is_concluded_at_once_and_never_sent_again(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    record = await claimed(ringback.ledger, owner=ended_process(), lease_s=240)
    for _ in range(3):
        await ringback.telephone.tend()
    told = await ringback.telephone.status(record.id)
    assert (told.status, told.reason, carrier.sent) == ("unknown", "dispatcher_gone", [])


async def test_a_dispatch_that_was_left_a_week_ago_is_concluded_by_the_next_start(
    ringback: Ringback, clock: FakeClock
) -> None:
    record = await claimed(ringback.ledger, owner="elsewhere:1", lease_s=240)
    clock.move(7 * 86_400)
    await ringback.telephone.tend()
    assert (await ringback.ledger.outbounds.get(record.id)).status is Status.UNKNOWN


async def test_what_is_open_is_asked_after_more_and_more_rarely(
    ringback: Ringback, carrier: FakeCarrier, clock: FakeClock
) -> None:
    asked: list[float] = []

    async def report(channel: Channel, carrier_id: str) -> Report:
        asked.append((clock.now() - start).total_seconds())
        return Report(Status.ACCEPTED)

    carrier.report = report  # type: ignore[method-assign]
    await accepted(ringback)
    start = clock.now()
    for _ in range(4 * 1440):
        await ringback.telephone.tend()
        clock.move(60)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[0] <= 60
    assert gaps == sorted(gaps)
    assert 600 <= max(gaps) <= 660
    assert 2 * 86_400 < asked[-1] < 3 * 86_400


async def test_what_a_process_that_is_gone_left_approved_is_sent_by_the_next_one_in_time(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, FakeCarrier(), clock=clock) as first:
        one = await approved(first.ledger, outbound(text="in time"))
    async with opened(home, carrier, clock=clock) as second:
        await second.telephone.tend()
        assert (await second.telephone.status(one.id)).status == "accepted"
        two = await approved(second.ledger, outbound(text="too late"))
        clock.move(601)
        await second.telephone.tend()
        assert (await second.telephone.status(two.id)).status == "expired"
    assert [wish.text for wish in carrier.sent] == ["in time"]
