"""Money: what has no price is refused where there is a budget, and not a millionth more than it is spent."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, opened, want

from ringback.errors import CarrierRejected, ConfigurationError, Refused
from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from ringback.opening import Ringback

TO = "+14155552671"
TABLE = """
currency = "USD"
[[price]]
carrier = "testing"
channel = "sms"
country = "US"
unit = "segment"
price = "0.10"
source = "the operator's contract"
checked = 2026-03-01
"""


@asynccontextmanager
async def paid(
    home: Path, clock: FakeClock, budget: str, *, table: str = TABLE, **more: Any
) -> AsyncIterator[tuple[Ringback, FakeCarrier]]:
    """A line that costs a tenth of a dollar for each segment to the United States, and nobody knows what elsewhere."""
    home.mkdir(mode=0o700, exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    (home / "prices.toml").write_text(table)
    carrier = FakeCarrier("testing", live=True)
    async with opened(home, carrier, clock=clock, budget=budget, **more) as ringback:
        for channel in Channel:
            await ringback.person.allow(TO, channel, level=Level.A2, via="page", seconds=90 * 86_400, count=99)
        yield ringback, carrier


async def rule_of(ringback: Ringback, text: str, channel: Channel = Channel.SMS, **more: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        await want(ringback.telephone, channel, TO, text, **more)
    return refused.value


@pytest.mark.parametrize(
    ("budget", "goes"), [("0.30", 3), ("0.299999", 2), ("0.300001", 3), ("0.10", 1), ("0.099999", 0), ("0", 0)]
)
async def test_as_much_is_spent_as_the_budget_allows_to_the_millionth(
    home: Path, clock: FakeClock, budget: str, goes: int
) -> None:
    async with paid(home, clock, f"{budget} USD/day") as (ringback, carrier):
        for number in range(goes):
            assert (await want(ringback.telephone, Channel.SMS, TO, f"text {number}")).status == "accepted"
        error = await rule_of(ringback, "one more")
        assert error.rule == "budget_spent"
        assert (error.retry_at is None) is (goes == 0)
        assert len(carrier.sent) == goes


async def test_the_refusal_tells_what_is_left_of_how_much_and_a_time_that_is_accepted(
    home: Path, clock: FakeClock
) -> None:
    async with paid(home, clock, "0.25 USD/day, 50 USD/month") as (ringback, _):
        for number in range(2):
            await want(ringback.telephone, Channel.SMS, TO, f"text {number}")
            clock.move(60)
        error = await rule_of(ringback, "one more")
        assert "0.05 USD is left of 0.25 USD in any day" in error.message
        assert 'send_at "2026-03-11T12:00:00Z"' in error.hint
        receipt = await want(ringback.telephone, Channel.SMS, TO, "one more", send_at="2026-03-11T12:00:00Z")
        assert receipt.status == "scheduled"
        error = await rule_of(ringback, "two more", send_at="2026-03-11T12:00:00Z")
        assert 'send_at "2026-03-11T12:01:00Z"' in error.hint


async def test_a_longer_text_costs_more(home: Path, clock: FakeClock) -> None:
    async with paid(home, clock, "0.25 USD/day") as (ringback, _):
        assert (await rule_of(ringback, "x" * 400)).rule == "budget_spent"
        assert (await want(ringback.telephone, Channel.SMS, TO, "x" * 300)).status == "accepted"
        assert (await rule_of(ringback, "short")).rule == "budget_spent"


@pytest.mark.parametrize("channel", [Channel.MMS, Channel.VOICE])
async def test_with_a_budget_what_has_no_price_is_refused_and_without_one_it_goes(
    home: Path, clock: FakeClock, channel: Channel
) -> None:
    async with paid(home, clock, "5 USD/day") as (ringback, _):
        error = await rule_of(ringback, "hello", channel)
        assert error.rule == "price_unknown"
        assert "prices.toml" in error.hint
    async with paid(home, clock, "off") as (ringback, _):
        assert (await want(ringback.telephone, channel, TO, "hello")).status == "accepted"


async def test_what_failed_costs_nothing_and_what_is_in_doubt_costs_what_it_may(home: Path, clock: FakeClock) -> None:
    async with paid(home, clock, "0.10 USD/day") as (ringback, carrier):
        carrier.outcomes = [CarrierRejected("no"), RuntimeError("a defect")]
        assert (await want(ringback.telephone, Channel.SMS, TO, "one")).status == "failed"
        assert (await want(ringback.telephone, Channel.SMS, TO, "two")).status == "unknown"
        assert (await rule_of(ringback, "three")).rule == "budget_spent"


async def test_what_was_agreed_to_and_is_over_the_budget_by_then_is_refused(home: Path, clock: FakeClock) -> None:
    async with paid(home, clock, "0.10 USD/day") as (ringback, carrier):
        (allowance, *_) = [each for each in await ringback.person.allowances() if each.channel is Channel.SMS]
        await ringback.person.revoke(allowance.id)
        one, two = [await want(ringback.telephone, Channel.SMS, TO, text) for text in ("one", "two")]
        assert (await ringback.person.answer(one.id, YES)).status == "accepted"
        told = await ringback.person.answer(two.id, YES)
        assert (told.status, told.reason) == ("refused", "budget_spent")
        assert len(carrier.sent) == 1


async def test_a_table_that_cannot_be_read_lets_nothing_out(home: Path, clock: FakeClock) -> None:
    async with paid(home, clock, "off", table="price = 1") as (ringback, carrier):
        with pytest.raises(ConfigurationError):
            await want(ringback.telephone, Channel.SMS, TO, "hello")
        assert carrier.sent == []
