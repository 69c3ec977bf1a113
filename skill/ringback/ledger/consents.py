"""Who said yes to what: answers, bound by digest, and recipients that a person allowed beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringback.ledger.allowances import change, covering, is_proven, prove
from ringback.ledger.records import Allowance, Choice, Consent, Level, Record
from ringback.ledger.store import Store, consented, new_id
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    import sqlite3

    from ringback.model.outbound import Outbound

_YES = {Choice.ONCE, Choice.DAY}
_OUTCOMES = {
    Choice.NO: (Status.DECLINED, "person_declined"),
    Choice.WRONG_DIGITS: (Status.CANCELLED, "digits_did_not_match"),
    Choice.DISMISSED: (Status.CANCELLED, "question_dismissed"),
}
"""What becomes of the outbound without a yes. Only a clear no is `declined`, which the same wish meets again."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a recipient is allowed for: a channel of a carrier, for `seconds`, `count` times, within content limits."""

    channel: Channel
    carrier: str
    seconds: float
    count: int
    max_chars: int
    links: bool = False
    """Whether the text may hold a web address."""
    media_host: str | None = None
    """The only host that media may come from; `None` for any."""


class Consents:
    """A person's answers. Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def ask(self, outbound_id: str, nonce: str) -> Record | None:
        """Remember the nonce of the question that a client now carries; `None` where nothing is waiting."""
        token = self._store.keyring.token("nonce", nonce)
        with self._database.transaction("ask"):
            row = self._database.one("ask", id=outbound_id, nonce=token)
        return self._store.maybe(row)

    async def answer(
        self,
        shown: Record,
        choice: Choice,
        *,
        level: Level,
        via: str,
        nonce: str | None = None,
        grant: Grant | None = None,
    ) -> Record | None:
        """Store a person's answer, once; `None` where the outbound waits no more or the nonce is not its own.

        Args:
            shown: the outbound as the person saw it; the answer is bound to its digest.
            choice: what the person chose.
            level: how the person was asked.
            via: by what: `client:<name>`, `page`, `terminal`.
            nonce: of the question that a client carried; `None` where no client did.
            grant: an allowance for the recipient to store along with a yes.
        """
        store = self._store
        target, reason = (consented(shown.outbound), None) if choice in _YES else _OUTCOMES[choice]
        token = None if nonce is None else store.keyring.token("nonce", nonce)
        with self._database.transaction("answer", durable=True):
            row = self._database.one(
                "answer", id=shown.id, target=target, reason=reason, level=level, nonce=token, now=store.now()
            )
            if row is None:
                return None
            store.append_answer(
                shown.outbound, row=shown.id, expires_at=shown.expires_at, choice=choice, level=level, via=via
            )
            store.event(shown.id, "answered", target, choice)
            if grant is not None and choice in _YES:
                self._allow(shown.outbound.to, grant, level, via)
        return store.record(row)

    async def consent(self, outbound_id: str) -> Consent | None:
        """The yes that stands for this outbound, if there is one."""
        row = self._database.one("consent", outbound_id=outbound_id)
        if row is None:
            return None
        return Consent(row["digest"], Level(row["level"]), row["via"], Choice(row["choice"]))

    async def allow(self, number: PhoneNumber, grant: Grant, *, level: Level, via: str) -> str:
        """Allow a recipient beforehand; returns the allowance's id. For a person's own hand, never a tool's."""
        with self._database.transaction("allow", durable=True):
            return self._allow(number, grant, level, via)

    def _allow(self, number: PhoneNumber, grant: Grant, level: Level, via: str) -> str:
        store, row_id, now = self._store, new_id("al_"), self._store.now()
        row = {
            "id": row_id,
            "contact": store.keyring.contact(number),
            "sealed": store.keyring.seal(
                {"to": number.e164, "media_host": grant.media_host}, row=row_id, column="allowance"
            ),
            "channel": grant.channel,
            "carrier": grant.carrier,
            "level": level,
            "via": via,
            "created_at": now,
            "expires_at": now + grant.seconds,
            "remaining": grant.count,
            "max_chars": grant.max_chars,
            "links": int(grant.links),
            "media_host": store.media_host(grant.media_host),
            "revoked_at": None,
        }
        self._database.run("insert_allowance", **row, proof=prove(store, row))
        return row_id

    async def is_allowed(self, outbound: Outbound, least: Level) -> bool:
        """Whether a standing allowance of at least this level covers the outbound."""
        return covering(self._store, outbound, least) is not None

    async def still_allows(self, allowance_id: str, least: Level) -> bool:
        """Whether an allowance still stands behind what it was spent on: neither revoked nor too weak by now."""
        row = self._database.one("allowance_by_id", id=allowance_id)
        if row is None or row["revoked_at"] is not None or not is_proven(self._store, row):
            return False
        return bool(row["level"] >= least)

    async def allowances(self) -> list[Allowance]:
        """The allowances in force, newest first, with whole numbers: for the person alone."""
        rows = self._database.all("allowances", now=self._store.now())
        return [self._allowance(row) for row in rows if is_proven(self._store, row)]

    async def revoke(self, allowance_id: str) -> bool:
        """End an allowance at once; whether there was one."""
        with self._database.transaction("revoke", durable=True):
            row = self._database.one("allowance_by_id", id=allowance_id)
            if row is None or row["revoked_at"] is not None:
                return False
            change(self._store, row, revoked_at=self._store.now())
        return True

    def _allowance(self, row: sqlite3.Row) -> Allowance:
        sealed = self._store.keyring.open(row["sealed"], row=row["id"], column="allowance")
        return Allowance(
            id=row["id"],
            number=PhoneNumber(sealed["to"]),
            contact=row["contact"],
            channel=Channel(row["channel"]),
            carrier=row["carrier"],
            level=Level(row["level"]),
            via=row["via"],
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            remaining=row["remaining"],
            max_chars=row["max_chars"],
            links=bool(row["links"]),
        )
