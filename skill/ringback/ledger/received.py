"""Texts that people sent to the agent's line, and the journal of both directions."""

from __future__ import annotations

import logging
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from ringback.errors import InvalidNumber, LedgerError, NotFound
from ringback.ledger.records import JournalPage, Received, Record
from ringback.ledger.store import LARGEST_SEQ, new_id, read_cursor
from ringback.model.numbers import PhoneNumber, parse_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

    from ringback.ledger.store import Store
    from ringback.model.news import ReceivedText

_PAGE_LIMIT = 100
_DEPTH = 5000
"""How many of the newest in each direction are looked at for a list of conversations."""
_log = logging.getLogger(__name__)


class Inbox:
    """What came in. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def add(self, carrier: str, text: ReceivedText) -> Received | None:
        """Store a received text; `None` where the carrier told of it before."""
        store, row_id = self._store, new_id("in_")
        number = number_of(text.sender)
        contact = store.keyring.contact(number) if number else store.keyring.stranger(text.sender)
        sealed = store.keyring.seal(
            {"id": text.carrier_id, "from": text.sender, "text": text.text}, row=row_id, column="received"
        )
        with self._database.transaction("received", durable=True):
            row = self._database.one(
                "insert_received",
                id=row_id,
                carrier=carrier,
                carrier_ref=store.carrier_ref(carrier, text.carrier_id),
                contact=contact,
                sealed=sealed,
                sent_at=text.sent_at,
                now=store.now(),
            )
        return None if row is None else self._received(row)

    async def is_known(self, carrier: str, carrier_id: str) -> bool:
        """Whether the carrier told of this text before."""
        ref = self._store.carrier_ref(carrier, carrier_id)
        return self._database.one("known_received", carrier=carrier, carrier_ref=ref) is not None

    async def cursor(self, carrier: str) -> str | None:
        """Up to where the carrier's own inbox was read."""
        return self._database.peek_meta(f"inbox:{carrier}")

    async def read_to(self, carrier: str, cursor: str) -> None:
        """Remember up to where the carrier's own inbox was read."""
        with self._database.transaction("inbox"):
            self._database.run("set_meta", entry=f"inbox:{carrier}", value=cursor)

    async def page(self, limit: int) -> list[Received]:
        """The newest received texts, newest first."""
        return list(self._readable(self._database.all("received_page", before=LARGEST_SEQ, limit=limit)))

    async def journal(self, limit: int, cursor: str | None = None) -> JournalPage:
        """The newest of both directions, at most `limit` (1 to 100), before `cursor` if one is given.

        Raises:
            NotFound: the cursor is none of ours.
        """
        limit = max(1, min(limit, _PAGE_LIMIT))
        sent_before, received_before = _positions(cursor)
        sent = self._database.all("page", before=sent_before, limit=limit + 1)
        received = self._database.all("received_page", before=received_before, limit=limit + 1)
        is_more = len(sent) + len(received) > limit
        # A direction of which nothing is shown yet: what comes in from now on belongs to no later page.
        sent_before = sent[0]["seq"] + 1 if sent else 1
        received_before = received[0]["seq"] + 1 if received else 1
        entries: list[Record | Received] = []
        for is_sent, row in islice(_newest_first(sent, received), limit):
            if is_sent:
                sent_before = row["seq"]
                entries.extend(self._store.readable([row]))
            else:
                received_before = row["seq"]
                entries.extend(self._readable([row]))
        return JournalPage(tuple(entries), f"c{sent_before}.{received_before}" if is_more else None)

    async def conversation(self, number: PhoneNumber, limit: int) -> list[Record | Received]:
        """The newest of both directions with one person, newest first."""
        return await self.with_contact(self._store.keyring.contact(number), limit)

    async def with_contact(self, contact: str, limit: int) -> list[Record | Received]:
        """The same, by the person's reference; nothing where there is none such, or it was erased."""
        given = {"contact": contact, "before": LARGEST_SEQ, "limit": limit}
        sent, received = self._database.all("sent_to", **given), self._database.all("received_from_contact", **given)
        entries: list[Record | Received] = []
        for is_sent, row in islice(_newest_first(sent, received), limit):
            entries.extend(self._opened(row, is_sent=is_sent))
        return entries

    async def newest_of_each(self, limit: int) -> list[Record | Received]:
        """The newest entry of each conversation, newest first, as far as it is among the last few thousand of all."""
        given = {"depth": _DEPTH, "limit": limit}
        sent, received = self._database.all("sent_lately", **given), self._database.all("received_lately", **given)
        newest: dict[str, Record | Received] = {}
        for is_sent, row in _newest_first(sent, received):
            if row["contact"] not in newest:
                newest.update((row["contact"], entry) for entry in self._opened(row, is_sent=is_sent))
        return list(newest.values())[:limit]

    def _opened(self, row: sqlite3.Row, *, is_sent: bool) -> Iterable[Record | Received]:
        return self._store.readable([row]) if is_sent else self._readable([row])

    def _readable(self, rows: Iterable[sqlite3.Row]) -> Iterator[Received]:
        """The rows that can be opened; one that something else changed stands in the way of no other."""
        for row in rows:
            try:
                yield self._received(row)
            except LedgerError:
                _log.error("entry %s of the ledger cannot be read: something else changed it", row["id"])

    def _received(self, row: sqlite3.Row) -> Received:
        sender, text = None, None
        if row["erased_at"] is None:
            plain = self._store.keyring.open(row["sealed"], row=row["id"], column="received")
            sender, text = number_of(plain["from"]), plain["text"]
        return Received(
            id=row["id"],
            carrier=row["carrier"],
            contact=row["contact"],
            number=sender,
            text=text,
            sent_at=row["sent_at"],
            received_at=row["received_at"],
        )


def _newest_first(sent: list[sqlite3.Row], received: list[sqlite3.Row]) -> Iterator[tuple[bool, sqlite3.Row]]:
    """Both directions as one, each in its own order: by the clock alone, one that was set back would lose entries."""
    ahead, behind = deque(sent), deque(received)
    while ahead or behind:
        is_sent = not behind or (bool(ahead) and ahead[0]["created_at"] >= behind[0]["received_at"])
        yield is_sent, (ahead if is_sent else behind).popleft()


def _positions(cursor: str | None) -> tuple[int, int]:
    if cursor is None:
        return LARGEST_SEQ, LARGEST_SEQ
    sent, dot, received = cursor.partition(".")
    if not dot:
        raise NotFound("This cursor is none that history gave.", hint="Call history without a cursor.")
    return read_cursor(sent), read_cursor(f"c{received}")


def number_of(sender: str) -> PhoneNumber | None:
    """A sender as a number, if it is one: short codes and names are not."""
    try:
        return parse_number(sender)
    except InvalidNumber:
        return None
