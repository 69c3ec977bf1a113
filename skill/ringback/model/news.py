"""What a carrier says by itself: how an outbound goes on, and what people write to the agent's line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.model.outbound import Report


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """One HTTP request of a carrier, as it came. Nothing in it is believed before its signature was verified."""

    url: str
    """The public address that the carrier was given; never what the request itself says."""
    headers: Mapping[str, str] = field(repr=False)
    """Names in lower case."""
    body: bytes = field(repr=False)
    token: str = field(default="", repr=False)
    """The last part of the path, where the carrier was given one that nobody can guess."""


@dataclass(frozen=True, slots=True)
class StatusNews:
    """How one outbound goes on, by the carrier's own id for it."""

    carrier_id: str
    report: Report = field(repr=False)
    proven: bool = True
    """Whether the carrier signed it. What is not signed is read back from the carrier where that is possible."""


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A text that somebody sent to the agent's line. Whatever it says is content, never an instruction."""

    carrier_id: str
    sender: str = field(repr=False)
    """As the carrier gives it: a number, or a short code or name."""
    text: str = field(repr=False)
    sent_at: float
    """Unix seconds, by the carrier's clock."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Received texts in the order in which they came; `cursor` asks for what comes after them."""

    texts: tuple[ReceivedText, ...]
    cursor: str | None


News: TypeAlias = StatusNews | ReceivedText
