"""What the ledger gives back: frozen rows, already opened, with nothing secret in their `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringback.model.numbers import PhoneNumber
    from ringback.model.outbound import Channel, Outbound, Report
    from ringback.model.status import Status


class Level(StrEnum):
    """How surely a person stood behind an approval; the letters sort by strength."""

    A0 = "A0"
    """A recipient that a person allowed beforehand."""
    A1 = "A1"
    """The client's form: the client's word."""
    A2 = "A2"
    """Ringback's own page or terminal, in front of a person."""
    A3 = "A3"
    """The page with a passkey."""


class Choice(StrEnum):
    """What a person answered, or what stands for it."""

    ONCE = "once"
    DAY = "day"
    NO = "no"
    WRONG_DIGITS = "wrong_digits"
    DISMISSED = "dismissed"
    ALLOWANCE = "allowance"


@dataclass(frozen=True, slots=True)
class Record:
    """One outbound as the ledger holds it. Times are Unix seconds."""

    id: str
    outbound: Outbound
    contact: str
    status: Status
    reason: str | None
    asked_by: str
    level: Level | None
    created_at: float
    updated_at: float
    expires_at: float
    attempt: int
    owner: str | None
    lease_until: float | None
    carrier_id: str | None = field(repr=False)
    report: Report | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Consent:
    """A yes that the ledger holds for one outbound."""

    digest: bytes
    level: Level
    via: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an outbound: codes only."""

    seq: int
    outbound_id: str
    at: float
    kind: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Allowance:
    """A recipient that a person allowed beforehand, on one channel, for a while and a number of times."""

    id: str
    number: PhoneNumber
    contact: str
    channel: Channel
    carrier: str
    level: Level
    via: str
    created_at: float
    expires_at: float
    remaining: int
    max_chars: int
    links: bool


@dataclass(frozen=True, slots=True)
class Page:
    """A page of history, newest first; `cursor` asks for the next one."""

    records: tuple[Record, ...]
    cursor: str | None
