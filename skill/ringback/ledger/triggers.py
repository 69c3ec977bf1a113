"""What people applied as triggers, who may call them, and what was stored under them.

A row that was not sealed with the installation's key is none of ours: it allows nothing, and is told in the log.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidRequest, LedgerError, NotFound, Refused
from ringback.ledger.records import Level
from ringback.ledger.store import Store, found, new_id
from ringback.model.status import Status
from ringback.model.trigger import Definition, objection, restored

if TYPE_CHECKING:
    import sqlite3

    from ringback.model.outbound import Outbound

_log = logging.getLogger(__name__)
_PREFIX: Final = "rbt_"
_SECRET_BYTES: Final = 32
NO_TRIGGER_HINT: Final = "The person sees the triggers with: ringback triggers"


@dataclass(frozen=True, slots=True)
class StandingTrigger:
    """A trigger as a person applied it. Times are Unix seconds."""

    id: str
    definition: Definition
    level: Level
    via: str
    applied_at: float
    callers: tuple[str, ...] = ()
    """Which of its callers have a secret."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a trigger that is to be stored along with its outbound."""

    trigger: StandingTrigger
    least: Level
    """The least level that counts in this installation."""
    appointment: str | None = field(default=None, repr=False)
    """The id of the appointment that it reminds of, in its calendar's words."""
    slot: str | None = field(default=None, repr=False)
    """The appointment's start, and what is said about it."""


@dataclass(frozen=True, slots=True)
class Reminder:
    """What was stored for an appointment."""

    outbound_id: str
    status: Status
    reason: str | None
    slot: bytes
    """Tells start and words of the appointment again: `Triggers.slot`."""


class Triggers:
    """Every method raises `LedgerError` when the database fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    async def apply(self, definition: Definition, *, level: Level, via: str) -> StandingTrigger:
        """Store a definition in place of the one of its name. For a person's own hand, never a tool's."""
        with self._database.transaction("apply_trigger", durable=True):
            earlier = self._database.one("trigger_by_name", trigger_name=definition.name)
            row_id = new_id("tr_") if earlier is None else str(earlier["id"])
            plain = {
                "definition": definition.as_dict(),
                "level": level,
                "via": via,
                "applied_at": self._store.now(),
            }
            sealed = self._store.keyring.seal(plain, row=row_id, column="trigger")
            self._database.run("put_trigger", id=row_id, trigger_name=definition.name, sealed=sealed)
        return await self.get(definition.name)

    async def get(self, name: str) -> StandingTrigger:
        """The trigger of this name.

        Raises:
            NotFound: there is none that a person applied.
        """
        row = self._database.one("trigger_by_name", trigger_name=name) if name.isascii() else None
        standing = None if row is None else opened(self._store, row)
        if standing is None:
            raise NotFound("There is no trigger of this name.", hint=NO_TRIGGER_HINT)
        return standing

    async def standing(self) -> list[StandingTrigger]:
        """All that people applied, by name."""
        rows = self._database.all("standing_triggers")
        return [standing for row in rows if (standing := opened(self._store, row)) is not None]

    async def remove(self, name: str) -> bool:
        """End a trigger at once, with its secrets; whether there was one. What is scheduled under it never goes out."""
        with self._database.transaction("remove_trigger", durable=True):
            self._database.run("drop_trigger_callers", trigger_name=name)
            return self._database.one("drop_trigger", trigger_name=name) is not None

    async def make_secret(self, name: str, caller: str) -> str:
        """A new secret for a caller, in place of an earlier one. It is given back once and not kept.

        Raises:
            NotFound: there is no such trigger, or it names no such caller.
        """
        if caller not in (await self.get(name)).definition.callers:
            raise NotFound(
                "The trigger's definition names no such caller.",
                hint="The person adds the caller to callers in the file, and applies it.",
            )
        secret, row_id = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES), new_id("tc_")
        plain = {"trigger": name, "caller": caller, "sha256": _sha256(secret)}
        sealed = self._store.keyring.seal(plain, row=row_id, column="trigger_caller")
        with self._database.transaction("trigger_secret", durable=True):
            self._database.run("drop_trigger_caller", trigger_name=name, caller=caller)
            self._database.run("put_trigger_caller", id=row_id, trigger_name=name, caller=caller, sealed=sealed)
        return secret

    async def caller(self, trigger: StandingTrigger, secret: str) -> str | None:
        """Whose secret this is; `None` where it is nobody's that the definition names. In constant time."""
        given, name, holder = _sha256(secret), trigger.definition.name, None
        for row in self._database.all("trigger_callers", trigger_name=name):
            plain = self._caller(row)
            matches = hmac.compare_digest(plain.get("sha256", ""), given)
            if matches and plain.get("trigger") == name and plain.get("caller") in trigger.definition.callers:
                holder = plain["caller"]
        return holder

    def _caller(self, row: sqlite3.Row) -> dict[str, str]:
        try:
            return self._store.keyring.open(row["sealed"], row=row["id"], column="trigger_caller")
        except LedgerError:
            _log.error("a trigger's secret was changed by something else; it opens nothing")
            return {}

    async def objection(self, trigger_id: str, outbound: Outbound, least: Level) -> Refused | None:
        """Why the trigger that something was stored under, as it stands now, does not stand for it any more."""
        row = self._database.one("trigger_by_id", id=trigger_id)
        standing = None if row is None else opened(self._store, row)
        if standing is None:
            return Refused(
                "allowance_revoked",
                "The person removed the trigger that this was stored under.",
                hint="Ask the person whether it is still wanted.",
            )
        return weak(standing, least) or objection(standing.definition, outbound, at=self._store.now())

    async def reminders(self, trigger_id: str, appointment: str) -> list[Reminder]:
        """What was stored for an appointment under this trigger."""
        reference = self._store.keyring.token("appointment", appointment)
        rows = self._database.all("reminders_of", trigger_id=trigger_id, appointment=reference)
        return [Reminder(row["outbound_id"], Status(row["status"]), row["reason"], row["slot"]) for row in rows]

    def slot(self, slot: str) -> bytes:
        """What tells start and words of an appointment again."""
        return self._store.keyring.token("slot", slot)


def opened(store: Store, row: sqlite3.Row) -> StandingTrigger | None:
    """A row, opened; `None` where something else wrote it."""
    try:
        plain = store.keyring.open(row["sealed"], row=row["id"], column="trigger")
        definition = restored(plain["definition"])
    except (LedgerError, InvalidRequest, KeyError):
        definition = None
    if definition is None or definition.name != row["name"]:
        _log.error("trigger %s was changed by something else; it allows nothing", row["id"])
        return None
    rows = store.database.all("trigger_callers", trigger_name=definition.name)
    callers = tuple(caller["caller"] for caller in rows if caller["caller"] in definition.callers)
    return StandingTrigger(row["id"], definition, Level(plain["level"]), plain["via"], plain["applied_at"], callers)


def weak(trigger: StandingTrigger, least: Level) -> Refused | None:
    """Why a trigger does not count here, if it was applied at too low a level."""
    if trigger.level >= least:
        return None
    return Refused(
        "approval_level",
        f"Here an approval of level {least} is needed; the trigger was applied at {trigger.level}.",
        hint="Ask the person. What a terminal applies is of level A2.",
    )


def spend_trigger(store: Store, outbound: Outbound, outbound_id: str, use: Use) -> None:
    """Count an outbound against the trigger's limit, inside the transaction that stores it.

    One that a person is asked about after all, for the same may have gone out already, counts as well: otherwise a
    caller could ask without end.

    Raises:
        Refused: the trigger was removed, or as many as its definition allows go out on that day already.
    """
    _check_use(store, outbound, use)
    _store_use(store, outbound, outbound_id, use)


def _check_use(store: Store, outbound: Outbound, use: Use) -> None:
    """See that the trigger still stands and that its limit has room."""
    row = store.database.one("trigger_by_id", id=use.trigger.id)
    standing = None if row is None else opened(store, row)
    if standing is None:
        raise Refused("allowance_revoked", "The person removed this trigger.", hint="Ask the person.")
    if (refusal := weak(standing, use.least)) is not None:
        raise refusal
    definition, day = standing.definition, _day(store, outbound)
    used = found(store.database.one("count_trigger_uses", trigger_id=standing.id, day=day.date().isoformat()))
    if used["used"] >= definition.limit_per_day:
        raise Refused(
            "trigger_limit",
            f"The trigger's limit of {definition.limit_per_day} a day is reached.",
            hint="Days are counted in UTC. The person can raise the limit in the trigger's file.",
            retry_at=(day + timedelta(days=1)).timestamp(),
        )


def _store_use(store: Store, outbound: Outbound, outbound_id: str, use: Use) -> None:
    appointment = slot = sealed = None
    if use.appointment is not None and use.slot is not None:
        appointment = store.keyring.token("appointment", use.appointment)
        slot = store.keyring.token("slot", use.slot)
        plain = {"appointment": use.appointment, "slot": use.slot}
        sealed = store.keyring.seal(plain, row=outbound_id, column="reminder")
    store.database.run(
        "insert_trigger_use",
        outbound_id=outbound_id,
        trigger_id=use.trigger.id,
        day=_day(store, outbound).date().isoformat(),
        appointment=appointment,
        slot=slot,
        sealed=sealed,
    )


def rekey_triggers(old: Store, new: Store) -> None:
    """Put everything here under another key, inside the transaction that does so. What does not open stays as it is."""
    database = old.database
    for row in database.all("standing_triggers"):
        if opened(old, row) is not None:
            sealed = _resealed(old, new, row["sealed"], row["id"], "trigger")
            database.run("put_trigger", id=row["id"], trigger_name=row["name"], sealed=sealed)
    for row in database.all("every_trigger_caller"):
        try:
            sealed = _resealed(old, new, row["sealed"], row["id"], "trigger_caller")
        except LedgerError:
            continue
        database.run("rekey_trigger_caller", id=row["id"], sealed=sealed)
    for row in database.all("every_reminder"):
        plain = old.keyring.open(row["sealed"], row=row["outbound_id"], column="reminder")
        database.run(
            "rekey_reminder",
            outbound_id=row["outbound_id"],
            appointment=new.keyring.token("appointment", plain["appointment"]),
            slot=new.keyring.token("slot", plain["slot"]),
            sealed=new.keyring.seal(plain, row=row["outbound_id"], column="reminder"),
        )


def _resealed(old: Store, new: Store, sealed: bytes, row_id: str, column: str) -> bytes:
    return new.keyring.seal(old.keyring.open(sealed, row=row_id, column=column), row=row_id, column=column)


def _day(store: Store, outbound: Outbound) -> datetime:
    """Midnight, UTC, of the day on which an outbound goes out."""
    at = store.now() if outbound.send_at is None else max(outbound.send_at, store.now())
    return datetime.fromtimestamp(at, UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _sha256(secret: str) -> str:
    """Of a secret with 256 random bits: no salt and no slowness would add to it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
