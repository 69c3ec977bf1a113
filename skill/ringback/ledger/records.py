"""What the ledger gives back: frozen rows, already opened, with nothing secret in their `repr`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from ringback.errors import NotFound

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
    channel: Channel
    carrier: str
    content: Outbound | None = field(repr=False)
    """`None` once number and text were erased."""
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
    """Until when the newest dispatch could post; kept when it ended, to know where to look for it."""
    send_at: float | None
    claimed_at: float | None
    """When the newest dispatch began."""
    carrier_id: str | None = field(repr=False)
    report: Report | None = field(repr=False)
    bulk: bool = False
    """Whether the same text goes to so many people that a person must approve the whole list."""
    price: int | None = None
    """What it costs by the price table, in millionths of its currency; `None` where that is not known."""

    @property
    def outbound(self) -> Outbound:
        """What was to go out.

        Raises:
            NotFound: it was erased.
        """
        if self.content is None:
            raise NotFound("Number and text of this outbound were erased.", hint="Only its bare record is kept.")
        return self.content


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
class Received:
    """A text that somebody sent to the agent's line. Times are Unix seconds."""

    id: str
    carrier: str
    contact: str
    number: PhoneNumber | None
    """`None` where the sender is no telephone number, or was erased."""
    text: str | None = field(repr=False)
    """`None` once it was erased."""
    sent_at: float
    received_at: float


@dataclass(frozen=True, slots=True)
class Takeover:
    """A conversation that a person has taken over. Times are Unix seconds."""

    id: str
    number: PhoneNumber
    contact: str
    via: str
    begun_at: float


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody who gets nothing any more, by their own word or a person's. Times are Unix seconds."""

    id: str
    number: PhoneNumber
    contact: str
    via: str
    """By what: `text`, `keys`, `carrier` (it refused to send to them), `page`, `terminal`, `import`."""
    since: float


@dataclass(frozen=True, slots=True)
class NamedZone:
    """The time zone that a person named for a recipient."""

    number: PhoneNumber
    contact: str
    zone: str


@dataclass(frozen=True, slots=True)
class Page:
    """A page of history, newest first; `cursor` asks for the next one."""

    records: tuple[Record, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class JournalPage:
    """A page of both directions, newest first; `cursor` asks for the next one."""

    entries: tuple[Record | Received, ...]
    cursor: str | None
