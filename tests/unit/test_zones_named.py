"""A time zone that a person named for a recipient stands in place of what the number tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeClock
from ringback_support.installation import TO, content_of, opened, want

from ringback.clock import SystemClock
from ringback.errors import InvalidNumber, InvalidRequest, Refused
from ringback.model.outbound import Channel
from ringback.rotation import rotate
from ringback.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

OTHER = "+14155550199"
NOWHERE = "+15551234567"
HOURS = {"hours": "08:00-21:00", "sandbox_rules": True}


async def rule_of(ringback: Ringback, to: str = TO) -> str | None:
    """The rule that refuses a new wish; one that was stored before would be told as it stands."""
    count = len((await ringback.telephone.history(100)).items)
    try:
        await want(ringback.telephone, Channel.SMS, to, f"text {count}")
    except Refused as refused:
        return refused.rule
    return None


async def test_a_named_zone_decides_for_this_recipient_alone(home: Path) -> None:
    """It is 13:00 UTC: 06:00 in California, whose day begins at 09:00, as it is in New York."""
    clock = FakeClock()
    clock.move(3600)
    async with opened(home, clock=clock, **HOURS) as ringback:
        overview = ringback.person.overview
        assert await rule_of(ringback) == "quiet_hours"
        await overview.name_zone(TO, "America/New_York")
        assert await rule_of(ringback) is None
        assert await rule_of(ringback, OTHER) == "quiet_hours"
        await overview.name_zone(TO, "Asia/Tokyo")
        assert await rule_of(ringback) == "quiet_hours"
        assert [(zone.number.e164, zone.zone) for zone in await overview.zones()] == [(TO, "Asia/Tokyo")]
        assert await overview.drop_zone(TO)
        assert not await overview.drop_zone(TO)
        assert await overview.zones() == []


async def test_a_number_of_no_known_place_passes_once_its_zone_is_named(home: Path) -> None:
    async with opened(home, clock=FakeClock(), **HOURS) as ringback:
        with pytest.raises(Refused) as refused:
            await want(ringback.telephone, Channel.SMS, NOWHERE)
        assert refused.value.rule == "hours_unknown"
        assert "ringback zones set" in refused.value.hint
        await ringback.person.overview.name_zone(NOWHERE, "Europe/Berlin")
        assert await rule_of(ringback, NOWHERE) is None


@pytest.mark.parametrize("zone", ["", "Nowhere/Here", "america", "../etc/passwd", "/etc/localtime", "UTC\0", "x" * 300])
async def test_a_zone_that_is_none_is_refused_and_stores_nothing(ringback: Ringback, zone: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await ringback.person.overview.name_zone(TO, zone)
    assert "America/New_York" in refused.value.hint
    assert await ringback.person.overview.zones() == []


async def test_a_number_that_is_none_is_refused(ringback: Ringback) -> None:
    with pytest.raises(InvalidNumber):
        await ringback.person.overview.name_zone("nobody", "Europe/Berlin")
    with pytest.raises(InvalidNumber):
        await ringback.person.overview.drop_zone("nobody")


async def test_a_named_zone_outlives_a_new_key_and_its_number_stands_nowhere_in_plain(home: Path) -> None:
    async with opened(home, clock=SystemClock()) as ringback:
        await ringback.person.overview.name_zone(TO, "Asia/Tokyo")
    rotate(Settings(home=home))
    async with opened(home, clock=SystemClock()) as ringback:
        (named,) = await ringback.person.overview.zones()
        assert (named.number.e164, named.zone) == (TO, "Asia/Tokyo")
        await ringback.person.overview.name_zone(TO, "Europe/Berlin")
        assert [zone.zone for zone in await ringback.person.overview.zones()] == ["Europe/Berlin"]
        assert await ringback.ledger.zones.of(named.number) == "Europe/Berlin"
    content = content_of(home)
    assert TO[2:].encode() not in content
    assert b"Asia/Tokyo" not in content
