"""Reminders of appointments: one scheduled outbound for each, stored once however often this runs.

What is stored is known again by the appointment's id, its start and its words. Where one of these changed, the earlier
reminder is cancelled before the new one is stored, so that a run that is cut off in between leaves one too few, never
one too many; the next run stores it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError
from ringback.model.moment import FARTHEST_S, iso
from ringback.model.status import Status
from ringback.triggers import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.ledger.triggers import Reminder
    from ringback.model.outbound import Outbound
    from ringback.triggers import Caller, Triggers

_DAY: Final = timedelta(days=1)
_WAITING: Final = frozenset({Status.SCHEDULED, Status.AWAITING_APPROVAL})
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Appointment:
    """One appointment as a file has it."""

    where: str
    """Where in the file, for the person: `line 3`."""
    uid: str = field(repr=False)
    start: datetime
    """With its own zone."""
    phone: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    """What the file says of it; the template takes what it names. `date` and `time` are known anyway."""
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """What becomes of one appointment."""

    where: str
    state: str
    """`new`, `scheduled` (earlier), `done` (it ended), `past`, `later`, `cancelled` or `refused`."""
    to: str = ""
    """Masked."""
    at: str = ""
    """When the reminder goes out, in the appointment's own zone."""
    moved: int = 0
    """How many earlier reminders of it are cancelled, for it changed."""
    id: str | None = None
    error: RingbackError | None = None


class Reminders:
    """Plans and schedules the reminders of one trigger, `before` its appointments begin.

    Whole days in `before` are days of the calendar: the same time of day, also where the clocks change in between. The
    rest is counted exactly.
    """

    def __init__(self, triggers: Triggers, ledger: Ledger, clock: Clock, caller: Caller, before: timedelta) -> None:
        self._triggers = triggers
        self._ledger = ledger
        self._clock = clock
        self._caller = caller
        self._before = before

    async def run(
        self,
        appointments: Sequence[Appointment],
        *,
        act: bool,
        unread: Iterable[str] = (),
        absent: Iterable[str] = (),
    ) -> list[Planned]:
        """Tell what is to be done for each appointment and, with `act`, do it.

        Args:
            appointments: all of a file.
            act: without it nothing is stored, sent or cancelled.
            unread: ids of appointments that are in the file in part only; of these nothing is cancelled.
            absent: ids of appointments that are in the file and do not take place: what was scheduled is cancelled.
        """
        groups: dict[str, list[Appointment]] = {uid: [] for uid in sorted(absent)}
        for appointment in appointments:
            groups.setdefault(appointment.uid, []).append(appointment)
        kept = set(unread)
        planned = []
        for uid, group in groups.items():
            planned += await self._group(uid, group, act=act, replaces=uid not in kept)
        return planned

    async def _group(self, uid: str, group: list[Appointment], *, act: bool, replaces: bool) -> list[Planned]:
        """All appointments of one id: one, or those of a series."""
        series = f"{self._before.total_seconds()}:{uid}"
        wanted = [self._wanted(appointment) for appointment in group]
        replaces = replaces and not any(isinstance(want, RingbackError) for want in wanted)
        slots = [want if isinstance(want, RingbackError) else self._slot(*want) for want in wanted]
        earlier = await self._ledger.triggers.reminders(self._caller.trigger.id, series)
        digests = {self._ledger.triggers.slot(slot) for slot in slots if isinstance(slot, str)}
        old = [reminder for reminder in earlier if reminder.slot not in digests and reminder.status in _WAITING]
        moved = 0
        for reminder in old if replaces else ():
            moved += 1 if not act else await self._cancel(reminder)
        planned: list[Planned] = []
        for appointment, want, slot in zip(group, wanted, slots, strict=True):
            if isinstance(want, RingbackError) or not isinstance(slot, str):
                error = want if isinstance(want, RingbackError) else None
                planned.append(Planned(appointment.where, "refused", error=error))
                continue
            one = await self._one(appointment, want[1], (series, slot), earlier, act=act)
            planned.append(replace(one, moved=moved))
            moved = 0
        if moved and not group:
            planned.append(Planned("an event without a date to come", "cancelled", moved=moved))
        return planned

    async def _cancel(self, reminder: Reminder) -> int:
        moved = await self._ledger.outbounds.move(
            reminder.outbound_id, _WAITING, Status.CANCELLED, reason="appointment_moved"
        )
        return 0 if moved is None else 1

    def _wanted(self, appointment: Appointment) -> tuple[Appointment, Outbound] | RingbackError:
        try:
            return appointment, self._triggers.outbound(self._caller, self._request(appointment))
        except RingbackError as error:
            return error

    def _request(self, appointment: Appointment) -> Request:
        start = appointment.start
        known = {
            "date": f"{_WEEKDAYS[start.weekday()]} {start.day} {_MONTHS[start.month - 1]} {start.year}",
            "time": f"{start:%H:%M}",
            **appointment.variables,
        }
        names = self._caller.trigger.definition.variables
        variables = {name: known[name] for name in names if name in known}
        return Request(appointment.phone, variables, send_at=iso(self._due(appointment).timestamp()))

    def _due(self, appointment: Appointment) -> datetime:
        """When the reminder goes out, in the appointment's own zone."""
        days, rest = divmod(self._before, _DAY)
        zone = appointment.start.tzinfo
        # Wall-clock arithmetic for the days. A time that the clocks are put forward over is moved on with them.
        same_time = (appointment.start.replace(tzinfo=None) - days * _DAY).replace(tzinfo=zone)
        return (same_time.astimezone(UTC) - rest).astimezone(zone)

    def _slot(self, appointment: Appointment, outbound: Outbound) -> str:
        if appointment.cancelled:
            return "cancelled"
        said = (iso(appointment.start.timestamp()), outbound.to.e164, outbound.text, outbound.media_url or "")
        return "\n".join(said)

    async def _one(
        self,
        appointment: Appointment,
        outbound: Outbound,
        known_by: tuple[str, str],
        earlier: list[Reminder],
        *,
        act: bool,
    ) -> Planned:
        assert outbound.send_at is not None
        told = Planned(appointment.where, "new", outbound.to.masked, _local(self._due(appointment)))
        if appointment.cancelled:
            return replace(told, state="cancelled")
        digest = self._ledger.triggers.slot(known_by[1])
        same = [reminder for reminder in earlier if reminder.slot == digest]
        for reminder in same:
            if reminder.reason != "appointment_moved":
                state = "scheduled" if reminder.status in _WAITING else "done"
                return replace(told, state=state, id=reminder.outbound_id)
        now = self._clock.now().timestamp()
        if outbound.send_at <= now or outbound.send_at > now + FARTHEST_S:
            return replace(told, state="past" if outbound.send_at <= now else "later")
        request = replace(self._request(appointment), key=_key(known_by, len(same)), appointment=known_by)
        return await self._schedule(told, outbound, request, act=act)

    async def _schedule(self, told: Planned, outbound: Outbound, request: Request, *, act: bool) -> Planned:
        try:
            if not act:
                await self._triggers.check(self._caller, outbound)
                return told
            receipt = await self._triggers.fire(self._caller, request)
        except RingbackError as error:
            return replace(told, state="refused", error=error)
        return replace(told, state="scheduled" if receipt.repeated else "new", id=receipt.id)


def _key(known_by: tuple[str, str], moved_before: int) -> str:
    """The key of an appointment's reminder; one that was moved away and back again is a new one."""
    told = "\n".join((*known_by, str(moved_before)))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _local(at: datetime) -> str:
    return f"{at:%a %Y-%m-%d %H:%M} {getattr(at.tzinfo, 'key', None) or at.strftime('%z')}"
