"""Zones that a person named: for one recipient each, sealed, and under any key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback_support.installation import KEYRING, TO, content_of, ledger_in

from ringback.keys import Keyring
from ringback.ledger.records import NamedZone
from ringback.ledger.rekeying import Rekeying
from ringback.model.numbers import PhoneNumber

if TYPE_CHECKING:
    from pathlib import Path

    from ringback_support.fakes import FakeClock

    from ringback.ledger import Ledger

NUMBER = PhoneNumber(TO)
OTHER = PhoneNumber("+14155550188")


async def test_a_zone_is_one_recipients_until_another_takes_its_place_or_it_is_dropped(ledger: Ledger) -> None:
    assert await ledger.zones.of(NUMBER) is None
    await ledger.zones.name(NUMBER, "Asia/Tokyo")
    assert await ledger.zones.of(NUMBER) == "Asia/Tokyo"
    assert await ledger.zones.of(OTHER) is None
    await ledger.zones.name(NUMBER, "Europe/Paris")
    assert await ledger.zones.named() == [NamedZone(NUMBER, KEYRING.contact(NUMBER), "Europe/Paris")]
    assert not await ledger.zones.drop(OTHER)
    assert await ledger.zones.drop(NUMBER)
    assert not await ledger.zones.drop(NUMBER)
    assert await ledger.zones.of(NUMBER) is None


async def test_neither_number_nor_zone_stands_in_the_file(ledger: Ledger, home: Path) -> None:
    await ledger.zones.name(NUMBER, "Asia/Tokyo")
    assert not [word for word in (TO, TO[1:], "Asia", "Tokyo") if word.encode() in content_of(home)]


async def test_under_another_key_each_zone_is_the_same_recipients(ledger: Ledger, home: Path, clock: FakeClock) -> None:
    await ledger.zones.name(NUMBER, "Asia/Tokyo")
    await ledger.zones.name(OTHER, "Europe/Paris")
    another = Keyring(bytes(32))
    Rekeying(ledger.database, KEYRING, another, clock).run()
    with ledger_in(home, clock, another) as after:
        assert [await after.zones.of(number) for number in (NUMBER, OTHER)] == ["Asia/Tokyo", "Europe/Paris"]
        assert len(await after.zones.named()) == 2
        assert await after.zones.drop(NUMBER)
