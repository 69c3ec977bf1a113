"""The fence around a dispatch, and what the carrier said afterwards. `claim` is dispatch's alone."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from ringback.ledger.opt_outs import begin as begin_opt_out
from ringback.ledger.parking import is_first, parked_reports
from ringback.ledger.spending import require
from ringback.model.limits import NO_CAPS, Caps
from ringback.model.outbound import Report
from ringback.model.status import WITH_CARRIER, Status, may_follow
from ringback.model.stop_words import opts_out

if TYPE_CHECKING:
    import sqlite3

    from ringback.ledger.records import Record
    from ringback.ledger.store import Store
    from ringback.model.news import StatusNews
    from ringback.model.numbers import PhoneNumber
    from ringback.model.outbound import Acceptance

FIRST_POLL_S = 1.0
"""How soon after the carrier's answer it is asked for news, and then the more rarely the longer ago it is."""
LONGEST_POLL_S = 600.0
GIVE_UP_S = 3 * 86_400.0
"""After three days nobody asks the carrier by itself any more; `status` still does."""


class Deliveries:
    """What happens between us and the carrier. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def claim(self, outbound_id: str, *, owner: str, lease_s: float, caps: Caps = NO_CAPS) -> Record | None:
        """Take an approved or due outbound for one dispatch; `None` where it is not that, or no longer in time.

        On the disk before it returns: whatever happens next, nobody takes it a second time.

        Raises:
            OverLimit: one of the `caps` is reached; nothing was taken.
        """
        now, grace = self._store.now(), self._store.terms.grace_s
        with self._database.transaction("claim", durable=True):
            row = self._database.one(
                "claim", id=outbound_id, owner=owner, lease_until=now + lease_s, now=now, grace=grace
            )
            if row is not None:
                require(self._store, caps, row)
                self._store.event(outbound_id, "claimed", Status.DISPATCHING)
        return self._store.maybe(row)

    async def postpone(self, outbound_id: str, *, until: float, reason: str) -> Record | None:
        """Let a scheduled one wait until a limit is free; `None` where its grace is over by then."""
        with self._database.transaction("postpone"):
            row = self._database.one(
                "postpone",
                id=outbound_id,
                not_before=until,
                reason=reason,
                grace=self._store.terms.grace_s,
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(outbound_id, "deferred", Status.SCHEDULED, reason)
        return self._store.maybe(row)

    async def beat(self, claimed: Record, *, lease_s: float) -> float | None:
        """Prolong the lease; until when it holds now, or `None` where somebody else concluded the dispatch."""
        until = self._store.now() + lease_s
        with self._database.transaction("beat"):
            held = self._database.one(
                "beat", id=claimed.id, attempt=claimed.attempt, owner=claimed.owner, lease_until=until
            )
        return None if held is None else until

    async def defer(self, claimed: Record, *, reason: str, until: float) -> Record | None:
        """Put a scheduled one back of which certainly nothing left; `None` where somebody else concluded it."""
        with self._database.transaction("defer"):
            row = self._database.one(
                "defer",
                id=claimed.id,
                attempt=claimed.attempt,
                owner=claimed.owner,
                reason=reason,
                not_before=until,
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(claimed.id, "deferred", Status.SCHEDULED, reason)
        return self._store.maybe(row)

    async def settle(
        self,
        claimed: Record,
        target: Status,
        *,
        acceptance: Acceptance | None = None,
        reason: str | None = None,
        detail: str = "",
    ) -> Record | None:
        """Store how the dispatch ended; `None` where somebody else found that out meanwhile."""
        carrier_id = acceptance.carrier_id if acceptance else None
        report = Report(target, error=detail) if detail else None
        with self._database.transaction("settle"):
            row = self._database.one(
                "settle",
                id=claimed.id,
                target=target,
                reason=reason,
                carrier_ref=carrier_id and self._store.carrier_ref(claimed.carrier, carrier_id),
                outcome=self._store.seal_outcome(carrier_id, report, claimed.id),
                attempt=claimed.attempt,
                owner=claimed.owner,
                poll_at=self._first_poll(target),
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(claimed.id, "settled", target, reason or "")
                row = self._join(row)
        return self._store.maybe(row)

    async def conclude(
        self,
        doubtful: Record,
        target: Status,
        *,
        reason: str,
        carrier_id: str | None = None,
        owner_is_gone: bool = False,
    ) -> Record | None:
        """End a dispatch that nobody else can end, or resolve an `unknown`; `None` where that is not, or no longer, so.

        A dispatch counts as abandoned when its lease ran out, or at once if its owner is known to be gone.
        """
        outcome = carrier_id and self._store.seal_outcome(carrier_id, None, doubtful.id)
        with self._database.transaction("conclude", durable=True):
            row = self._database.one(
                "conclude",
                id=doubtful.id,
                target=target,
                reason=reason,
                carrier_ref=carrier_id and self._store.carrier_ref(doubtful.carrier, carrier_id),
                outcome=outcome or None,
                gone=doubtful.owner if owner_is_gone else None,
                poll_at=self._first_poll(target),
                now=self._store.now(),
            )
            if row is not None:
                self._store.event(doubtful.id, "concluded", target, reason)
                row = self._join(row)
        return self._store.maybe(row)

    async def learn(self, record: Record, report: Report) -> Record:
        """Store a carrier's report. A status only moves forward; news about the same status is kept as well."""
        report = _still_of_use(record, report)
        if not _is_news(record, report):
            return record
        with self._database.transaction("learn"):
            row = self._learn(record, report)
        current = row or self._database.one("by_id", id=record.id)
        return record if current is None else self._store.record(current)

    async def open_calls(self, number: PhoneNumber) -> list[Record]:
        """The calls to this number that a carrier took and that have not ended as far as was heard, newest first."""
        rows = self._database.all("open_calls", contact=self._store.keyring.contact(number))
        return list(self._store.readable(rows))

    async def reported(self, carrier: str, news: StatusNews) -> Record | None:
        """Store what a carrier told by itself, once; the outbound as it stands then.

        `None` where the report came before, or where no outbound is known by that id yet: then it waits for one.
        """
        ref = self._store.carrier_ref(carrier, news.carrier_id)
        with self._database.transaction("reported", durable=True):
            row = self._database.one("by_carrier_ref", carrier=carrier, carrier_ref=ref)
            if not is_first(self._store, carrier, news, park=row is None) or row is None:
                return None
            record = self._store.record(row)
            report = _still_of_use(record, news.report)
            if _is_news(record, report):
                row = self._learn(record, report) or row
        return self._store.record(row)

    async def take_polls(self, carrier: str, limit: int) -> list[Record]:
        """What this process asks the carrier about now; no other process asks about it at the same time."""
        now = self._store.now()
        if self._database.one("any_to_poll", now=now) is None:
            return []
        with self._database.transaction("poll"):
            rows = self._database.all(
                "take_polls",
                carrier=carrier,
                now=now,
                limit=limit,
                shortest=FIRST_POLL_S,
                longest=LONGEST_POLL_S,
                give_up=GIVE_UP_S,
            )
        return list(self._store.readable(rows))

    async def rivals(self, doubtful: Record, since: float) -> list[Record]:
        """Other dispatches to the same person on the same channel that were not found yet either."""
        rows = self._database.all(
            "rivals",
            id=doubtful.id,
            contact=doubtful.contact,
            channel=doubtful.channel,
            carrier=doubtful.carrier,
            since=since,
        )
        return list(self._store.readable(rows))

    async def find(self, carrier: str, carrier_id: str) -> Record | None:
        """The outbound that a carrier knows by this id."""
        ref = self._store.carrier_ref(carrier, carrier_id)
        return self._store.maybe(self._database.one("by_carrier_ref", carrier=carrier, carrier_ref=ref))

    async def is_known(self, carrier: str, carrier_id: str) -> bool:
        """Whether a carrier's id already belongs to an outbound of ours."""
        ref = self._store.carrier_ref(carrier, carrier_id)
        return self._database.one("known_carrier_ref", carrier=carrier, carrier_ref=ref) is not None

    def _first_poll(self, target: Status) -> float | None:
        return self._store.now() + FIRST_POLL_S if target in WITH_CARRIER or target is Status.UNKNOWN else None

    def _learn(self, record: Record, report: Report) -> sqlite3.Row | None:
        """The row after a report, inside a transaction; `None` where it had moved since it was read."""
        target, known = report.status, _with_what_was_known(record, report)
        row = self._database.one(
            "learn",
            id=record.id,
            source=record.status,
            target=target,
            outcome=self._store.seal_outcome(record.carrier_id, known, record.id),
            ended=target.ended,
            now=self._store.now(),
        )
        if row is not None and target is not record.status:
            self._store.event(record.id, "reported", target)
        if row is not None and opts_out(report.keys) and record.content is not None:
            begin_opt_out(self._store, record.content.to, via="keys")
        return row

    def _join(self, row: sqlite3.Row) -> sqlite3.Row:
        """What the carrier reported by itself before we knew its id, applied in the order in which it came."""
        if row["carrier_ref"] is None:
            return row
        for parked in parked_reports(self._store, row["carrier"], row["carrier_ref"]):
            record = self._store.record(row)
            report = _still_of_use(record, parked)
            if _is_news(record, report):
                row = self._learn(record, report) or row
        return row


def _still_of_use(record: Record, report: Report) -> Report:
    """Of a report that comes after the end: who took the call, and which keys they pressed, where that is not known."""
    if not record.status.ended or may_follow(report.status, record.status) or report.status is record.status:
        return report
    known = record.report or Report(record.status)
    return Report(
        record.status,
        answered_by=report.answered_by if known.answered_by is None else None,
        keys=report.keys if known.keys is None else None,
    )


def _is_news(record: Record, report: Report) -> bool:
    """Whether a report tells something that may be stored: a step forward, or more about the same status."""
    if report.status is record.status:
        return _with_what_was_known(record, report) != record.report
    return may_follow(report.status, record.status)


def _with_what_was_known(record: Record, report: Report) -> Report:
    """The report, with what an earlier one told and it does not: carriers repeat themselves in fewer words."""
    before = record.report
    if before is None:
        return report
    kept = {each.name: getattr(before, each.name) for each in fields(Report) if getattr(report, each.name) is None}
    if before.status is not report.status:
        kept.pop("error", None)  # it is about the earlier status
    return replace(report, **kept)
