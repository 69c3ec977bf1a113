"""What a refusal says, read as a model reads it: a code, what happened, what to do; and a time that is accepted."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, TO, YES, allow, moment, opened, want

from ringback.errors import CarrierRejected, Refused
from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from ringback.opening import Ringback

OTHER, ABROAD = "+14155550199", "+442079460123"
_OFFER = re.compile(r'send_at "([^"]+)"')


@asynccontextmanager
async def ruled(home: Path, carrier: FakeCarrier, clock: FakeClock, **rules: Any) -> AsyncIterator[Ringback]:
    async with opened(home, carrier, clock=clock, sandbox_rules=True, **rules) as ringback:
        for number in (TO, OTHER):
            for channel in Channel:
                await ringback.person.allow(number, channel, level=Level.A2, via="page", seconds=90 * 86_400, count=99)
        yield ringback


async def refusal(ringback: Ringback, to: str = TO, text: str = TEXT, **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await want(ringback.telephone, Channel.SMS, to, text, **more)
    error = refused.value
    assert error.message.endswith(".")
    assert error.hint
    assert to[-7:] not in str(error)
    assert text not in str(error)
    return error


def offered(error: Refused) -> str:
    found = _OFFER.findall(error.hint)
    assert len(found) == 1, error.hint
    assert error.retry_at == datetime.fromisoformat(found[0]).timestamp()
    return found[0]


def at(clock: FakeClock, *parts: int) -> None:
    clock.time = datetime(2026, 3, *parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rules", "code", "told", "hint"),
    [
        ({"hours": "08:00-21:00"}, "quiet_hours", "05:00", "Call again with send_at"),
        (
            {"countries": "DE,AT"},
            "country_not_allowed",
            "The number belongs to US; allowed here: AT, DE.",
            "RINGBACK_COUNTRIES",
        ),
        ({"countries": "all", "limits": "all=0/day"}, "limit_day", "0 in all in any day", "Tell the person"),
        ({"limits": "recipient=0/hour"}, "limit_recipient", "0 to one person in any hour", "Tell the person"),
        ({"limits": "sms=0/hour"}, "limit_tool", "0 by sms in any hour", "Tell the person"),
        ({"limits": "voice=0/hour, all=0/month"}, "limit_month", "0 in all in any month", "Tell the person"),
    ],
)
async def test_each_rule_refuses_by_its_code_says_why_and_what_to_do(
    home: Path, carrier: FakeCarrier, clock: FakeClock, rules: dict[str, str], code: str, told: str, hint: str
) -> None:
    async with ruled(home, carrier, clock, **rules) as ringback:
        error = await refusal(ringback)
        assert error.rule == error.reason == code
        assert told in error.message
        assert hint in error.hint
    assert carrier.sent == []


async def test_without_a_line_of_known_country_none_is_allowed_until_the_operator_says_so(
    home: Path, carrier: FakeCarrier, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RINGBACK_COUNTRIES")
    async with ruled(home, carrier, clock) as ringback:
        error = await refusal(ringback)
        assert error.rule == "country_unknown"
        assert "US,CA" in error.hint


@pytest.mark.parametrize(
    ("country", "to", "rule"),
    [
        ("US", TO, None),
        ("us, gb", ABROAD, None),
        ("US", ABROAD, "country_not_allowed"),
        ("CA", TO, "country_not_allowed"),
    ],
)
async def test_only_the_countries_that_are_named_are_reached(
    home: Path, carrier: FakeCarrier, clock: FakeClock, country: str, to: str, rule: str | None
) -> None:
    async with ruled(home, carrier, clock, countries=country) as ringback:
        if rule is None:
            assert (await want(ringback.telephone, Channel.SMS, to)).status in {"accepted", "awaiting_approval"}
        else:
            assert (await refusal(ringback, to)).rule == rule


@pytest.mark.parametrize("rules", [{"limits": "recipient=2/hour"}, {"limits": "sms=2/hour"}, {"limits": "all=2/hour"}])
async def test_the_time_that_a_limit_offers_is_accepted_and_the_second_before_it_is_not(
    home: Path, carrier: FakeCarrier, clock: FakeClock, rules: dict[str, str]
) -> None:
    clock.move(0.5)  # what is told has whole seconds
    async with ruled(home, carrier, clock, **rules) as ringback:
        for number in range(2):
            assert (await want(ringback.telephone, Channel.SMS, text=f"text {number}")).status == "accepted"
            clock.move(60.5)
        time = offered(await refusal(ringback))
        assert time == "2026-03-10T13:00:01Z"
        assert offered(await refusal(ringback, send_at="2026-03-10T13:00:00Z")) == time
        receipt = await want(ringback.telephone, Channel.SMS, send_at=time)
        assert receipt.status == "scheduled"
        clock.time = datetime.fromisoformat(time)
        await ringback.telephone.tend()
        assert (await ringback.telephone.status(receipt.id)).status == "accepted"
    assert len(carrier.sent) == 3


async def test_the_offered_time_makes_room_for_what_is_already_scheduled(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    """One an hour: one goes at half past, so the place that is free at one is its."""
    async with ruled(home, carrier, clock, limits="recipient=1/hour") as ringback:
        await want(ringback.telephone, Channel.SMS, text="later", send_at=moment(clock, 1800))
        assert (await want(ringback.telephone, Channel.SMS, text="now")).status == "accepted"
        error = await refusal(ringback)
        assert offered(error) == "2026-03-10T13:30:00Z"
        assert "By then" in error.message
        assert (await want(ringback.telephone, Channel.SMS, send_at=offered(error))).status == "scheduled"


async def test_the_offered_time_passes_every_limit_the_hours_and_the_recipients_zone(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    """At 20:30 in California the place is free at 21:30, which is night: 09:00 is offered."""
    at(clock, 11, 3, 30)
    rules = {"hours": "08:00-21:00", "limits": "recipient=1/hour, all=2/day"}
    async with ruled(home, carrier, clock, **rules) as ringback:
        await want(ringback.telephone, Channel.SMS, text="one")
        error = await refusal(ringback)
        assert error.rule == "limit_recipient"
        assert offered(error) == "2026-03-11T16:00:00Z"
        assert (await want(ringback.telephone, Channel.SMS, text="two", send_at=offered(error))).status == "scheduled"
        error = await refusal(ringback, text="three", send_at="2026-03-11T17:00:00Z")
        assert error.rule == "limit_day"
        assert offered(error) == "2026-03-12T03:30:00Z"  # 20:30 there, a day after the first
        assert (await want(ringback.telephone, Channel.SMS, text="three", send_at=offered(error))).status == "scheduled"


async def test_no_time_is_offered_where_another_rule_never_lets_it_pass(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with ruled(home, carrier, clock, hours="08:00-21:00", limits="all=0/day") as ringback:
        error = await refusal(ringback)
        assert error.rule == "quiet_hours"
        assert error.retry_at is None
        assert "It never passes" in error.message
        assert "send_at" not in error.hint


@pytest.mark.parametrize(
    ("time", "passes"),
    [
        ((10, 15, 59), False),
        ((10, 16, 0), True),
        ((11, 3, 59), True),
        ((11, 4, 0), False),
    ],
)
async def test_the_hours_count_where_the_recipient_is_to_the_minute(
    home: Path, carrier: FakeCarrier, clock: FakeClock, time: tuple[int, int, int], passes: bool
) -> None:
    """California's own hours: 09:00 to 21:00, seven hours behind UTC."""
    at(clock, *time)
    async with ruled(home, carrier, clock, hours="08:00-21:00") as ringback:
        if passes:
            assert (await want(ringback.telephone, Channel.SMS)).status == "accepted"
        else:
            assert (
                await want(ringback.telephone, Channel.SMS, send_at=offered(await refusal(ringback)))
            ).status == "scheduled"


async def test_the_same_wish_gets_its_receipt_although_a_limit_is_reached_by_it(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with ruled(home, carrier, clock, limits="recipient=1/hour") as ringback:
        first = await want(ringback.telephone, Channel.SMS, idempotency_key="k")
        again = await want(ringback.telephone, Channel.SMS, idempotency_key="k")
        assert (again.id, again.repeated, again.status) == (first.id, True, "accepted")
        without = await want(ringback.telephone, Channel.SMS, OTHER)
        assert (await want(ringback.telephone, Channel.SMS, OTHER)).id == without.id
    assert len(carrier.sent) == 2


async def test_what_certainly_did_not_leave_gives_its_place_back_and_what_may_have_left_keeps_it(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with ruled(home, carrier, clock, limits="recipient=1/hour") as ringback:
        carrier.outcomes = [CarrierRejected("no"), RuntimeError("a defect")]
        assert (await want(ringback.telephone, Channel.SMS, text="one")).status == "failed"
        assert (await want(ringback.telephone, Channel.SMS, text="two")).status == "unknown"
        assert (await refusal(ringback)).rule == "limit_recipient"


async def test_a_limit_that_was_reached_while_a_person_was_asked_refuses_at_the_fence(
    home: Path, carrier: FakeCarrier, clock: FakeClock
) -> None:
    async with opened(home, carrier, clock=clock, sandbox_rules=True, limits="all=1/hour") as ringback:
        first, second = [await want(ringback.telephone, Channel.SMS, text=text) for text in ("one", "two")]
        assert (await ringback.person.answer(first.id, YES)).status == "accepted"
        told = await ringback.person.answer(second.id, YES)
        assert (told.status, told.reason) == ("refused", "limit_hour")
    assert len(carrier.sent) == 1


@pytest.mark.parametrize(("grace", "ends"), [(3600, "accepted"), (3599, "refused")])
async def test_a_scheduled_one_waits_for_a_place_as_long_as_its_grace_lasts(
    home: Path, carrier: FakeCarrier, clock: FakeClock, grace: int, ends: str
) -> None:
    rules = {"limits": "all=1/hour", "schedule_grace_s": grace}
    async with ruled(home, carrier, clock, **rules) as ringback:
        later = await want(ringback.telephone, Channel.SMS, text="later", send_at=moment(clock, 60))
        clock.move(60)
        assert (await want(ringback.telephone, Channel.SMS, text="now")).status == "accepted"
        await ringback.telephone.tend()
        told = await ringback.telephone.status(later.id)
        if ends == "accepted":
            assert (told.status, told.reason) == ("scheduled", "limit_hour")
            clock.move(3599)
            await ringback.telephone.tend()
            assert (await ringback.telephone.status(later.id)).status == "scheduled"
            clock.move(1)
            await ringback.telephone.tend()
            told = await ringback.telephone.status(later.id)
        assert told.status == ends


@pytest.mark.parametrize("rules", [{"limits": "all=0/day"}, {"budget": "0 USD/day"}, {"hours": "08:00-08:01"}])
async def test_what_a_person_writes_by_hand_is_held_back_by_none_of_them(
    home: Path, carrier: FakeCarrier, clock: FakeClock, rules: dict[str, str]
) -> None:
    async with ruled(home, carrier, clock, **rules) as ringback:
        await ringback.person.conversations.take_over(TO, via="page")
        receipt = await ringback.person.conversations.write(TO, "It is me.", level=Level.A2, via="page")
        assert receipt.status == "accepted"


@pytest.mark.parametrize("live", [True, False])
async def test_on_the_sandbox_they_count_only_where_the_operator_says_so(
    home: Path, clock: FakeClock, live: bool
) -> None:
    at(clock, 10, 20, 0)
    rules = {"hours": "08:00-21:00", "limits": "all=0/day", "countries": "DE"}
    async with opened(home, FakeCarrier(live=live), clock=clock, **rules) as ringback:
        standing = await ringback.person.overview.standing()
        assert standing.counts is live
        if live:
            assert (await refusal(ringback, "+14155552671")).rule == "country_not_allowed"
        else:
            await allow(ringback)
            assert (await want(ringback.telephone, Channel.SMS)).status == "accepted"


async def test_the_standing_tells_limits_and_days(home: Path, carrier: FakeCarrier, clock: FakeClock) -> None:
    rules = {"limits": "recipient=5/hour, sms=3/hour, voice=4/hour, all=9/day", "budget": "5 USD/day"}
    async with ruled(home, carrier, clock, **rules) as ringback:
        for number in range(2):
            await want(ringback.telephone, Channel.SMS, text=f"text {number}")
        standing = await ringback.person.overview.standing(days=1)
        assert [(used.used, used.left) for used in standing.usage] == [(2, 1), (0, 4), (2, 7), (0, 5_000_000)]
        assert [(day.channel, day.count) for day in standing.days] == [(Channel.SMS, 2)]
        clock.move(86_400)
        assert (await ringback.person.overview.standing(days=1)).days == []
        assert len((await ringback.person.overview.standing(days=2)).days) == 1
