"""Conversations that a person has taken over. What the agent has under way to them ends; `claim` looks here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.ledger.records import Takeover
from ringback.ledger.store import Store, new_id
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

if TYPE_CHECKING:
    import sqlite3


class Takeovers:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def begin(self, number: PhoneNumber, *, via: str) -> tuple[Takeover, int]:
        """Let the agent be silent towards this person from now on; the takeover, and how much of it was cancelled.

        On the disk before it returns. What another process hands over at this moment is in `on_their_way`.
        """
        store, now, row_id = self._store, self._store.now(), new_id("tk_")
        contact = store.keyring.contact(number)
        with self._database.transaction("take_over", durable=True):
            standing = self._database.one("standing_takeover", contact=contact)
            if standing is None:
                standing = self._database.one(
                    "insert_takeover",
                    id=row_id,
                    contact=contact,
                    sealed=store.keyring.seal({"to": number.e164}, row=row_id, column="takeover"),
                    via=via,
                    now=now,
                )
            cancelled = self._database.all("silence", contact=contact, now=now)
            for row in cancelled:
                store.event(row["id"], "moved", Status.CANCELLED, "human_takeover")
        assert standing is not None
        return self._takeover(standing), len(cancelled)

    async def end(self, number: PhoneNumber) -> bool:
        """Give the conversation back to the agent; whether it was taken over."""
        contact = self._store.keyring.contact(number)
        with self._database.transaction("give_back", durable=True):
            return self._database.one("end_takeover", contact=contact, now=self._store.now()) is not None

    async def stands(self, number: PhoneNumber) -> bool:
        """Whether a person has taken over the conversation with this one."""
        return self._database.one("standing_takeover", contact=self._store.keyring.contact(number)) is not None

    async def standing(self) -> list[Takeover]:
        """All that stand, newest first, with whole numbers: for the person alone."""
        return [self._takeover(row) for row in self._database.all("standing_takeovers")]

    async def waiting(self, number: PhoneNumber) -> int:
        """How many of the agent's own a takeover would cancel now."""
        return len(self._database.all("silenced_by", contact=self._store.keyring.contact(number)))

    async def on_their_way(self, number: PhoneNumber) -> int:
        """How many of the agent's own are being handed over to this person at this moment."""
        return len(self._database.all("on_their_way", contact=self._store.keyring.contact(number)))

    def _takeover(self, row: sqlite3.Row) -> Takeover:
        plain = self._store.keyring.open(row["sealed"], row=row["id"], column="takeover")
        return Takeover(row["id"], PhoneNumber(plain["to"]), row["contact"], row["via"], row["begun_at"])
