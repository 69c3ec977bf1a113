"""What left in a stretch of time, counted and in money, by the outbounds themselves: docs/decisions/0020.

No counter stands beside them that could tell something else: what certainly did not leave is free again by itself, and
`claim` counts in the transaction that takes the outbound, so that all processes share one count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ringback.ledger.store import found
from ringback.model.limits import Budget, Caps, Limit, Scope, Usage
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    import sqlite3

    from ringback.ledger.store import Store
    from ringback.model.numbers import PhoneNumber

_MOST_PRICED = 1_000_000
_QUERIES: Final = {Scope.RECIPIENT: "left_to", Scope.ALL: "left_in_all"}


class OverLimit(Exception):
    """What was to be claimed is over a limit: `usage` says which. Nothing was taken."""

    def __init__(self, usage: Usage) -> None:
        super().__init__("A limit is reached.")
        self.usage = usage


@dataclass(frozen=True, slots=True)
class Candidate:
    """One that wants to go out: to whom, how, when, and for how much."""

    contact: str
    channel: Channel
    at: float
    """When, in Unix seconds."""
    price: int | None
    id: str = ""
    is_planned: bool = False
    """Whether what is scheduled until then counts, too."""


@dataclass(frozen=True, slots=True)
class DaySpent:
    """What left on one day (UTC) by one channel."""

    day: int
    """Days since 1970-01-01."""
    channel: Channel
    count: int
    micros: int
    unpriced: int
    """How many of them have no known price."""


class Spending:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def usage(
        self, caps: Caps, number: PhoneNumber, channel: Channel, *, send_at: float | None, price: int | None
    ) -> tuple[Usage, ...]:
        """How far each limit that counts for it is used when it would go out, and whether it passes."""
        at = self._store.now() if send_at is None else send_at
        contact = self._store.keyring.contact(number)
        return usage(self._store, caps, Candidate(contact, channel, at, price, is_planned=send_at is not None))

    async def overall(self, caps: Caps) -> tuple[Usage, ...]:
        """How far each limit is used now, but for those that count for one recipient."""
        now = self._store.now()
        told: list[Usage] = []
        for limit in caps.limits:
            if limit.scope is not Scope.RECIPIENT:
                channel = Channel.SMS if limit.scope is Scope.ALL else Channel(limit.scope.value)
                told.append(_counted(self._store, limit, Candidate("", channel, now, 0)))
        return (*told, *(_priced(self._store, budget, Candidate("", Channel.SMS, now, 0)) for budget in caps.budgets))

    async def correct(self, outbound_id: str, price: int) -> None:
        """Store what an outbound cost in the end, in millionths of the price table's currency."""
        with self._database.transaction("price"):
            self._database.run("correct_price", id=outbound_id, price=price)

    async def by_day(self, since: float) -> list[DaySpent]:
        """What left by day (UTC) and channel since then."""
        rows = self._database.all("spent_by_day", since=since)
        return [
            DaySpent(row["day"], Channel(row["channel"]), row["left_count"], row["micros"], row["unpriced"])
            for row in rows
        ]


def require(store: Store, caps: Caps, row: sqlite3.Row) -> None:
    """See that every limit lets a row pass now, in the transaction that takes it.

    Raises:
        OverLimit: one does not.
    """
    candidate = Candidate(row["contact"], Channel(row["channel"]), store.now(), row["price"], row["id"])
    for used in usage(store, caps, candidate):
        if not used.passes:
            raise OverLimit(used)


def usage(store: Store, caps: Caps, candidate: Candidate) -> tuple[Usage, ...]:
    """How far each limit that counts for it is used."""
    counted = [_counted(store, limit, candidate) for limit in caps.limits if limit.counts(candidate.channel)]
    return (*counted, *(_priced(store, budget, candidate) for budget in caps.budgets))


def _counted(store: Store, limit: Limit, candidate: Candidate) -> Usage:
    query = _QUERIES.get(limit.scope, "left_by")
    left = found(store.database.one(query, **_given(query, candidate, limit.period_s, limit.count)))
    if left["used"] < limit.count:
        return Usage(limit, left["used"])
    return Usage(limit, limit.count, passes=False, free_at=left["oldest"] and left["oldest"] + limit.period_s)


def _priced(store: Store, budget: Budget, candidate: Candidate) -> Usage:
    given = _given("left_in_all", candidate, budget.period_s, _MOST_PRICED)
    used, wanted = found(store.database.one("left_in_all", **given))["spent"], candidate.price
    if wanted is not None and used + wanted <= budget.micros:
        return Usage(budget, used)
    free_at = None
    if wanted is not None and wanted <= budget.micros:
        kept = wanted
        for row in store.database.all("priced_in_all", **given):
            # Newest first: the first that does not fit beside the newer ones must be over.
            kept += row["price"] or 0
            if kept > budget.micros:
                free_at = row["at"] + budget.period_s
                break
    return Usage(budget, used, passes=False, free_at=free_at)


def _given(query: str, candidate: Candidate, period_s: float, most: int) -> dict[str, object]:
    given: dict[str, object] = {
        "id": candidate.id,
        "since": candidate.at - period_s,
        "until": candidate.at if candidate.is_planned else -1.0,
        "most": most,
    }
    if query == "left_to":
        given["contact"] = candidate.contact
    if query == "left_by":
        given["channel"] = candidate.channel
    return given
