"""A call is counted by its prompt until it has ended, and then by how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import YES, opened, rows, want

from ringback.errors import ConfigurationError
from ringback.model.outbound import Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 14_000


def prices_of(home: Path, content: bytes) -> None:
    home.mkdir()
    (home / "prices.toml").write_bytes(content)


async def test_a_call_that_lasted_longer_than_its_prompt_is_counted_for_what_it_took(home: Path) -> None:
    carrier = FakeCarrier(name="twilio", live=True)
    async with opened(home, carrier, budget="0.05 USD/day") as ringback:
        called = await ringback.person.answer((await want(ringback.telephone, Channel.VOICE)).id, YES)
        before = rows(home, "SELECT price FROM outbound")
        carrier.reports["id-1"] = Report(Status.COMPLETED, duration_s=121.0)
        await ringback.telephone.status(called.id)
        after = rows(home, "SELECT price FROM outbound")
        await ringback.telephone.status(called.id)
        (used,) = (await ringback.person.overview.standing()).usage[-1:]
    assert (before, after) == ([(MINUTE,)], [(3 * MINUTE,)])
    assert (used.used, used.left) == (3 * MINUTE, 50_000 - 3 * MINUTE)


async def test_a_call_that_nobody_took_keeps_its_estimate(home: Path) -> None:
    carrier = FakeCarrier(name="twilio", live=True)
    async with opened(home, carrier) as ringback:
        called = await ringback.person.answer((await want(ringback.telephone, Channel.VOICE)).id, YES)
        carrier.reports["id-1"] = Report(Status.NO_ANSWER)
        await ringback.telephone.status(called.id)
        assert rows(home, "SELECT price FROM outbound") == [(MINUTE,)]


@pytest.mark.parametrize("content", [b"\xff", b"currency = 1"])
async def test_a_price_table_that_cannot_be_read_is_named_and_sends_nothing(home: Path, content: bytes) -> None:
    prices_of(home, content)
    async with opened(home) as ringback:
        with pytest.raises(ConfigurationError):
            await want(ringback.telephone, Channel.SMS)


async def test_a_budget_in_another_currency_than_the_prices_sends_nothing(home: Path) -> None:
    async with opened(home, FakeCarrier(name="twilio", live=True), budget="5 EUR/day") as ringback:
        with pytest.raises(ConfigurationError, match="USD"):
            await want(ringback.telephone, Channel.SMS)
