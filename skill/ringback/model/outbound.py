"""One SMS, MMS or voice call that somebody wants to go out, and what the carrier says of it later."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ringback.errors import InvalidRequest

if TYPE_CHECKING:
    from ringback.model.numbers import PhoneNumber
    from ringback.model.status import Status

TEXT_LIMIT = 1600
"""Characters of an SMS or MMS body: the longest that the common carriers join into one message."""
PROMPT_LIMIT = 4096
"""Characters of what a voice call says."""
URL_LIMIT = 2048


class Channel(StrEnum):
    """How an outbound reaches a person."""

    SMS = "sms"
    MMS = "mms"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class Outbound:
    """What is to go out: exactly this is shown, approved, digested and sent.

    `text` is the body of a message or the prompt of a call. Neither it nor the number is in `repr`.
    `send_at` is when it is due, in Unix seconds; `None` for at once. `by_hand`: a person wrote it, not an agent.
    """

    channel: Channel
    to: PhoneNumber
    carrier: str
    text: str = field(repr=False)
    media_url: str | None = field(default=None, repr=False)
    send_at: float | None = None
    by_hand: bool = False
    urgent: bool = False
    """Whether a call is to go before others, where the carrier knows that."""
    notice: bool = False
    """Whether it is Ringback's own confirmation to somebody who opted out; nobody else can ask for one."""

    def __post_init__(self) -> None:
        limit = PROMPT_LIMIT if self.channel is Channel.VOICE else TEXT_LIMIT
        what = "prompt" if self.channel is Channel.VOICE else "body"
        if not self.text.strip():
            raise InvalidRequest(f"The {what} is empty.", hint=f"Give a {what} with something to say.")
        if len(self.text) > limit:
            raise InvalidRequest(
                f"The {what} has {len(self.text)} characters; at most {limit} are taken.", hint="Shorten it."
            )
        try:
            self.text.encode()
        except UnicodeEncodeError:
            raise InvalidRequest(
                f"The {what} has half a surrogate pair in it, which cannot be sent.", hint="Give valid Unicode text."
            ) from None
        if (self.media_url is not None) != (self.channel is Channel.MMS):
            raise InvalidRequest("An MMS needs one media URL; other channels take none.", hint="Check the channel.")
        if self.media_url is not None:
            _check_media_url(self.media_url)

    @property
    def media_host(self) -> str | None:
        """The host that the media comes from, which a person is shown in full."""
        return urlsplit(self.media_url).hostname if self.media_url else None


def _check_media_url(url: str) -> None:
    """Refuse what is not a plain HTTPS URL; the carrier fetches it, we never do."""
    hint = "Give one https:// URL that the carrier can fetch."
    if len(url) > URL_LIMIT or not url.isascii() or any(char <= " " or char == "\\" for char in url):
        raise InvalidRequest("The media URL is too long or has characters that a URL cannot have.", hint=hint)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidRequest("The media URL cannot be read.", hint=hint) from None
    if parts.scheme != "https" or not host or parts.username or parts.password or port == 0:
        raise InvalidRequest("The media URL is not a plain https:// URL with a host.", hint=hint)


@dataclass(frozen=True, slots=True)
class Line:
    """What the carrier says about the agent's own line."""

    carrier: str
    enabled: bool
    live: bool
    number: PhoneNumber | None
    capabilities: frozenset[Channel]
    page: str | None = None
    """Where a person can watch, for the sandbox's handset; `None` for a real carrier."""
    clock_offset_s: float | None = None
    """By how much the carrier's clock is ahead of ours; `None` where it did not say."""
    confirmed: bool = True
    """Whether the service itself said so. Where it offers no such call, `enabled` stands for: it is configured."""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """The carrier took an outbound: its own id for it (`None` where it gives none), and the status it gave."""

    carrier_id: str | None
    status: Status


@dataclass(frozen=True, slots=True)
class Report:
    """What the carrier says later about an outbound. Times are ISO 8601 as the carrier wrote them."""

    status: Status
    delivered_at: str | None = None
    error: str | None = field(default=None, repr=False)
    duration_s: float | None = None
    recording_url: str | None = field(default=None, repr=False)
    keys: str | None = field(default=None, repr=False)
    outcome: str | None = field(default=None, repr=False)
    """How a call went, in the carrier's or its agent's own word."""
    transcript: str | None = field(default=None, repr=False)
    """What was said in a call, a turn a line. Content from outside."""
    variables: dict[str, str] | None = field(default=None, repr=False)
    """What a call's agent noted down, by name. Content from outside."""
    answered_by: str | None = None
    """Who took a call, where the carrier can tell: `person`, `voicemail` or `machine` (a fax, a menu)."""


@dataclass(frozen=True, slots=True)
class CarrierItem:
    """One row of the carrier's own history, to reconcile a doubtful outbound with."""

    carrier_id: str
    channel: Channel
    to: str = field(repr=False)
    status: Status
    created_at: str
    text: str | None = field(default=None, repr=False)
    """What was sent, where the carrier's history tells."""
