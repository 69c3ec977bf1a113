"""The outbounds themselves: stored once, found again, moved forward."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringback.errors import IdempotencyConflict, NotFound
from ringback.ledger.allowances import change, covering
from ringback.ledger.records import Choice, Event, Level, Page, Record
from ringback.ledger.store import LARGEST_SEQ, Store, consented, found, new_id, read_cursor
from ringback.ledger.triggers import spend_trigger
from ringback.model.status import ENDED, Status

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from ringback.ledger.triggers import Use
    from ringback.model.limits import Bulk
    from ringback.model.outbound import Outbound

APPROVAL_WINDOW_S = 600.0
"""How long a person may take to answer, and how long the answer counts."""
WISH_WINDOW_S = 600.0
"""How long the same wish without an idempotency key is taken for the first one."""
DOUBT_WINDOW_S = 86_400.0
"""How long the same wish is taken for the first one while it is unknown whether that one went out."""
_PAGE_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Stored:
    """What the rules say of an outbound when it is stored."""

    price: int | None = None
    """What it costs, in millionths of the price table's currency, where that is known."""
    bulk: Bulk | None = None
    """What counts as the same text to many; `None` where nothing does."""
    notice_of: str | None = None
    """Of a confirmation: `optout:<id>`, which stands for a consent."""


class Outbounds:
    """What somebody wanted to go out. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def add(
        self,
        outbound: Outbound,
        *,
        key: str | None,
        spend: Level | None,
        asked_by: str = "",
        use: Use | None = None,
        terms: Stored | None = None,
    ) -> tuple[Record, bool]:
        """Store a wish, or find the same one again.

        Args:
            outbound: what is to go out.
            key: the caller's idempotency key; without one the same wish within ten minutes is the same.
            spend: take one use of a standing allowance of at least this level, if there is one.
            asked_by: which program asks, by its own name for itself.
            use: of a trigger, in place of an allowance.
            terms: what else is stored with it.

        Returns:
            The record, and whether it is new. A new one is `approved` (with a time: `scheduled`) where an allowance was
            spent, else `awaiting_approval`.

        Raises:
            IdempotencyConflict: the key was used before, for something else.
            Refused: the trigger was removed, or its limit is reached.
        """
        store, now, terms = self._store, self._store.now(), terms or Stored()
        wish = store.keyring.wish(outbound)
        keyed = None if key is None else store.keyring.token("idempotency-key", key)
        row_id, expires_at = new_id("ob_"), now + APPROVAL_WINDOW_S
        if outbound.send_at is not None:
            expires_at = min(expires_at, outbound.send_at + store.terms.grace_s)
        with self._database.transaction("store"):
            earlier = self._earlier(keyed, wish, now)
            if earlier is not None:
                return store.record(earlier), False
            is_bulk = use is None and self._is_bulk(outbound, terms.bulk)
            via = None if is_bulk else terms.notice_of or self._beforehand(outbound, row_id, spend, use)
            status = consented(outbound) if via else Status.AWAITING_APPROVAL
            self._database.run(
                "insert_outbound",
                **store.row_of(outbound, row_id, key),
                key=keyed,
                status=status,
                asked_by=asked_by,
                level=Level.A0 if via else None,
                now=now,
                expires_at=expires_at,
                bulk=is_bulk,
                price=terms.price,
            )
            if via:
                store.append_answer(
                    outbound,
                    row=row_id,
                    expires_at=expires_at,
                    choice=Choice.ALLOWANCE,
                    level=Level.A0,
                    via=via,
                )
            store.event(row_id, "stored", status)
            row = found(self._database.one("by_id", id=row_id))
        return store.record(row), True

    async def find(self, outbound: Outbound, key: str | None) -> Record | None:
        """The record that `add` would give back for a wish that was made before.

        Raises:
            IdempotencyConflict: the key was used before, for something else.
        """
        keyring = self._store.keyring
        keyed = None if key is None else keyring.token("idempotency-key", key)
        return self._store.maybe(self._earlier(keyed, keyring.wish(outbound), self._store.now()))

    def _is_doubtful(self, wish: bytes, now: float) -> bool:
        """Whether the same wish may have gone out already: then a person decides, whatever was allowed beforehand."""
        return self._database.one("doubtful_wish", wish=wish, doubtful_since=now - DOUBT_WINDOW_S) is not None

    async def is_bulk(self, outbound: Outbound, bulk: Bulk | None) -> bool:
        """Whether a wish of an agent would be one of a list that a person approves as a whole."""
        return self._is_bulk(outbound, bulk)

    def _is_bulk(self, outbound: Outbound, bulk: Bulk | None) -> bool:
        """Whether the same words went, or wait to go, to as many others as may be without being asked about whole."""
        if bulk is None or outbound.by_hand or outbound.notice:
            return False
        store = self._store
        contact, since = store.keyring.contact(outbound.to), store.now() - bulk.period_s
        row = self._database.one("said_to", said=store.said(outbound), since=since, contact=contact)
        return bool(found(row)["others"] >= bulk.count)

    async def same_words(self, outbound_id: str, limit: int) -> list[Record]:
        """All that waits to be approved as one list with this one, oldest first; at most `limit`."""
        row = self._database.one("said_by", id=outbound_id)
        if row is None or row["said"] is None:
            return []
        return list(self._store.readable(self._database.all("bulk_waiting", said=row["said"], limit=limit)))

    async def scheduled_between(self, since: float, until: float, limit: int = 1000) -> list[Record]:
        """What is scheduled for a stretch of time, by its time."""
        rows = self._database.all("scheduled_between", since=since, until=until, limit=limit)
        return list(self._store.readable(rows))

    def _beforehand(self, outbound: Outbound, row_id: str, spend: Level | None, use: Use | None) -> str | None:
        """By what a person agreed beforehand, if they did: a trigger that they applied, or a use of an allowance."""
        if use is not None:
            spend_trigger(self._store, outbound, row_id, use)
        if self._is_doubtful(self._store.keyring.wish(outbound), self._store.now()):
            return None
        if use is not None:
            return f"trigger:{use.trigger.id}"
        spent = None if spend is None else self._spend(outbound, spend)
        return spent and f"allowance:{spent}"

    def _spend(self, outbound: Outbound, least: Level) -> str | None:
        """One use of a standing allowance, in the transaction that stores the outbound."""
        row = covering(self._store, outbound, least)
        if row is None:
            return None
        change(self._store, row, remaining=row["remaining"] - 1)
        return str(row["id"])

    def _earlier(self, keyed: bytes | None, wish: bytes, now: float) -> sqlite3.Row | None:
        if keyed is None:
            since, doubtful_since = now - WISH_WINDOW_S, now - DOUBT_WINDOW_S
            return self._database.one("newest_wish", wish=wish, since=since, doubtful_since=doubtful_since)
        row = self._database.one("by_key", key=keyed)
        if row is not None and not row["wish"]:
            raise IdempotencyConflict(
                "This idempotency key was used before, for something that was erased since.",
                hint="Use a new key for a new message.",
            )
        if row is not None and row["wish"] != wish:
            raise IdempotencyConflict(
                "This idempotency key was used before, for another recipient, channel or content.",
                hint="Use a new key for a new message; repeat the first one exactly to get its receipt.",
            )
        if row is None:  # a new key asks again, but not past a person's no
            row = self._database.one("declined_wish", wish=wish, since=now - WISH_WINDOW_S)
        return row

    async def get(self, outbound_id: str) -> Record:
        """One outbound.

        Raises:
            NotFound: there is none with this id.
        """
        row = self._database.one("by_id", id=outbound_id) if outbound_id.isascii() else None
        if row is None:
            raise NotFound("No outbound has this id.", hint="Use an id that a send or history gave.")
        return self._store.record(row)

    async def page(self, limit: int, cursor: str | None = None) -> Page:
        """The newest outbounds, at most `limit` (1 to 100), before `cursor` if one is given.

        Raises:
            NotFound: the cursor is none of ours.
        """
        before = LARGEST_SEQ if cursor is None else read_cursor(cursor)
        limit = max(1, min(limit, _PAGE_LIMIT))
        rows = self._database.all("page", before=before, limit=limit + 1)
        more = f"c{rows[limit - 1]['seq']}" if len(rows) > limit else None
        return Page(tuple(self._store.readable(rows[:limit])), more)

    async def under_way(self, statuses: Iterable[Status], limit: int = 1000) -> list[Record]:
        """The outbounds in one of these statuses, oldest first; ended ones are not looked for, `unknown` is."""
        wanted = json.dumps(sorted(set(statuses) - (ENDED - {Status.UNKNOWN})))
        rows = self._database.all("open_with_status", statuses=wanted, limit=limit)
        return list(self._store.readable(rows))

    async def expire(self) -> list[Record]:
        """End what nobody answered in time, what was approved too long ago to be sent, and what missed its time."""
        now, grace = self._store.now(), self._store.terms.grace_s
        if self._database.one("any_to_expire", now=now, grace=grace) is None:
            return []
        with self._database.transaction("expire"):
            rows = self._database.all("expire", now=now) + self._database.all("miss", now=now, grace=grace)
            for row in rows:
                self._store.event(row["id"], "expired", Status.EXPIRED, row["reason"])
        return list(self._store.readable(rows))

    async def ready(self, carrier: str, limit: int) -> list[str]:
        """The ids of what may go out now: approved, or scheduled and due (at most `limit` of these, oldest first)."""
        rows = self._database.all("ready", carrier=carrier, now=self._store.now(), limit=limit)
        return [row["id"] for row in rows]

    async def move(self, outbound_id: str, sources: Iterable[Status], target: Status, *, reason: str) -> Record | None:
        """Change the status if it is one of `sources`; `None` where it was not."""
        with self._database.transaction("move", durable=True):
            row = self._database.one(
                "move",
                id=outbound_id,
                sources=json.dumps(list(sources)),
                target=target,
                reason=reason,
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(outbound_id, "moved", target, reason)
        return self._store.maybe(row)

    async def events(self, outbound_id: str) -> list[Event]:
        """What happened to one outbound, in order."""
        return [_event(row) for row in self._database.all("events", outbound_id=outbound_id)]

    async def events_after(self, seq: int, limit: int = 1000) -> list[Event]:
        """What happened to any outbound after event `seq`, in order."""
        return [_event(row) for row in self._database.all("events_after", seq=seq, limit=limit)]

    async def last_event(self) -> int:
        """The number of the newest event; 0 where there is none."""
        return int(found(self._database.one("last_event"))["seq"])


def _event(row: sqlite3.Row) -> Event:
    return Event(row["seq"], row["outbound_id"], row["at"], row["kind"], Status(row["status"]), row["detail"])
