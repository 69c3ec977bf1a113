"""The time zones that a person named for recipients, in place of what their numbers tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.ledger.records import NamedZone
from ringback.model.numbers import PhoneNumber

if TYPE_CHECKING:
    import sqlite3

    from ringback.ledger.store import Store


class Zones:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def name(self, number: PhoneNumber, zone: str) -> None:
        """Let this zone stand for the recipient, in place of an earlier one."""
        contact = self._store.keyring.contact(number)
        with self._database.transaction("zone", durable=True):
            self._database.run("put_zone", contact=contact, sealed=_sealed(self._store, contact, number, zone))

    async def drop(self, number: PhoneNumber) -> bool:
        """Go by the number again; whether a zone was named."""
        with self._database.transaction("zone", durable=True):
            return self._database.one("drop_zone", contact=self._store.keyring.contact(number)) is not None

    async def of(self, number: PhoneNumber) -> str | None:
        """The zone that a person named for this recipient."""
        row = self._database.one("zone_of", contact=self._store.keyring.contact(number))
        return None if row is None else _opened(self._store, row).zone

    async def named(self) -> list[NamedZone]:
        """All that were named, with whole numbers: for the person alone."""
        return [_opened(self._store, row) for row in self._database.all("named_zones")]


def rekey_zones(old: Store, new: Store) -> None:
    """Put them under another key, inside its transaction."""
    for row in old.database.all("named_zones"):
        named = _opened(old, row)
        contact = new.keyring.contact(named.number)
        old.database.one("drop_zone", contact=row["contact"])
        new.database.run("put_zone", contact=contact, sealed=_sealed(new, contact, named.number, named.zone))


def _sealed(store: Store, contact: str, number: PhoneNumber, zone: str) -> bytes:
    return store.keyring.seal({"to": number.e164, "zone": zone}, row=contact, column="zone")


def _opened(store: Store, row: sqlite3.Row) -> NamedZone:
    plain = store.keyring.open(row["sealed"], row=row["contact"], column="zone")
    return NamedZone(PhoneNumber(plain["to"]), row["contact"], plain["zone"])
