"""Who opted out. What waits for them ends in the same transaction, and `claim` looks here, too.

An opt-out outlives the erasure of the person: it is the one thing that must be known of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.ledger.records import OptOut, Record
from ringback.ledger.store import Store, new_id
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

_BATCH = 100


class OptOuts:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def begin(
        self, number: PhoneNumber, *, via: str, carrier: str | None = None, said_at: float | None = None
    ) -> tuple[bool, int]:
        """From now on nothing goes out to this person; whether that is new, and how much was cancelled.

        On the disk before it returns. What another process hands over at this moment is in `on_their_way`.

        Args:
            number: the person's.
            via: by what: `text`, `keys`, `page`, `terminal`, `import`.
            carrier: by which it is to be confirmed to them; `None` for no confirmation.
            said_at: when they said so, by the carrier's clock.
        """
        with self._database.transaction("opt_out", durable=True):
            return begin(self._store, number, via=via, carrier=carrier, said_at=said_at)

    async def begin_all(self, numbers: Iterable[PhoneNumber], *, via: str) -> int:
        """The same for many, all or none; how many were new."""
        with self._database.transaction("opt_out", durable=True):
            return sum(begin(self._store, number, via=via)[0] for number in numbers)

    async def lift(self, number: PhoneNumber) -> bool:
        """Let messages go out to this person again, by a person's hand; whether they had opted out."""
        return self._lift("lift_optout", number)

    async def resume(self, number: PhoneNumber, said_at: float) -> bool:
        """Undo what this person said before, by their own later word. What a person noted down stays."""
        return self._lift("lift_own_optout", number, said_at=said_at)

    def _lift(self, statement: str, number: PhoneNumber, **given: float) -> bool:
        contact, now = self._store.keyring.contact(number), self._store.now()
        with self._database.transaction("opt_in", durable=True):
            lifted = self._database.one(statement, contact=contact, now=now, **given) is not None
            for row in self._database.all("end_notices", contact=contact, now=now) if lifted else ():
                self._store.event(row["id"], "moved", Status.CANCELLED, "opt_out_lifted")
        return lifted

    async def stands(self, number: PhoneNumber) -> bool:
        """Whether this person has opted out."""
        return self._database.one("standing_optout", contact=self._store.keyring.contact(number)) is not None

    async def standing(self) -> list[OptOut]:
        """All that stand, newest first, with whole numbers: for the person alone."""
        return [_opened(self._store, row) for row in self._database.all("standing_optouts")]

    async def on_their_way(self, number: PhoneNumber) -> int:
        """How much is being handed over to this person at this moment."""
        return len(self._database.all("any_on_its_way", contact=self._store.keyring.contact(number)))

    async def unconfirmed(self) -> list[tuple[OptOut, str]]:
        """Those that are to be confirmed, with the carrier by which."""
        rows = self._database.all("unconfirmed_optouts", limit=_BATCH)
        return [(_opened(self._store, row), row["carrier"]) for row in rows]

    async def confirmed(self, optout_id: str) -> None:
        """Remember that the confirmation is stored."""
        with self._database.transaction("opt_out_confirmed"):
            self._database.run("confirmed_optout", id=optout_id)

    async def covers(self, optout_id: str, record: Record) -> bool:
        """Whether a confirmation still says what is true: the opt-out stands, and is this person's."""
        row = self._database.one("optout_by_id", id=optout_id)
        if row is None or row["lifted_at"] is not None or not record.outbound.notice:
            return False
        return _opened(self._store, row).number == record.outbound.to


def begin(
    store: Store, number: PhoneNumber, *, via: str, carrier: str | None = None, said_at: float | None = None
) -> tuple[bool, int]:
    """Store an opt-out and end what waits, inside a transaction; whether it is new, and how much was cancelled."""
    contact, now, row_id = store.keyring.contact(number), store.now(), new_id("oo_")
    new = store.database.one(
        "insert_optout",
        id=row_id,
        contact=contact,
        sealed=store.keyring.seal({"to": number.e164}, row=row_id, column="optout"),
        via=via,
        carrier=carrier,
        said_at=now if said_at is None else said_at,
        now=now,
    )
    cancelled = store.database.all("end_for_good", contact=contact, now=now)
    for row in cancelled:
        store.event(row["id"], "moved", Status.CANCELLED, "opted_out")
    return new is not None, len(cancelled)


def rekey_opt_outs(old: Store, new: Store) -> None:
    """Put them under another key, inside its transaction."""
    for row in old.database.all("every_optout"):
        number = _opened(old, row).number
        sealed = new.keyring.seal({"to": number.e164}, row=row["id"], column="optout")
        new.database.run("rekey_optout", id=row["id"], contact=new.keyring.contact(number), sealed=sealed)


def _opened(store: Store, row: sqlite3.Row) -> OptOut:
    plain = store.keyring.open(row["sealed"], row=row["id"], column="optout")
    return OptOut(row["id"], PhoneNumber(plain["to"]), row["contact"], row["via"], row["begun_at"])
