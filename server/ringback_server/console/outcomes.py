"""What became of an outbound, in words: also of one that is in doubt, late, resolved by a person, or erased."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.model.text import visible
from ringback_server.console.moments import duration

if TYPE_CHECKING:
    from ringback.receipts import Receipt

CHANNELS: Final = {
    Channel.SMS: "Text message",
    Channel.MMS: "Picture message",
    Channel.VOICE: "Phone call",
}
_STATUS_WORDS: Final = {
    Status.AWAITING_APPROVAL: ("waiting", "Waiting"),
    Status.SCHEDULED: ("moving", "Scheduled"),
    Status.DECLINED: ("no", "Declined"),
    Status.CANCELLED: ("no", "Cancelled"),
    Status.EXPIRED: ("no", "Expired"),
    Status.REFUSED: ("no", "Refused by a rule"),
    Status.FAILED: ("bad", "Failed"),
    Status.UNDELIVERED: ("bad", "Not delivered"),
    Status.BUSY: ("bad", "Line was busy"),
    Status.NO_ANSWER: ("bad", "Nobody answered"),
    Status.UNKNOWN: ("doubt", "In doubt"),
    Status.DELIVERED: ("good", "Delivered"),
    Status.COMPLETED: ("good", "Call completed"),
    Status.IN_PROGRESS: ("moving", "Call in progress"),
}
_REASON_WORDS: Final = {
    (Status.SENT, "person_says_sent"): ("good", "Sent, a person says"),
    (Status.FAILED, "person_says_not_sent"): ("no", "Not sent, a person says"),
    (Status.EXPIRED, "missed_time"): ("bad", "Missed its time"),
}
_LEVELS: Final = {
    "A0": "allowed beforehand",
    "A1": "in the chat",
    "A2": "on this page or in a terminal",
    "A3": "with a passkey",
}
_DOUBTS: Final = {
    "dispatcher_gone": "Ringback was ended while it handed this over, so the carrier's answer never arrived.",
    "carrier_unavailable": (
        "It was handed over, and then the connection broke, or the carrier answered with an error of its own."
    ),
    "carrier_unreadable": "It was handed over, and the carrier answered something that cannot be read.",
    "carrier": "Something failed in Ringback while it was handed over.",
}
"""Why it is in doubt, by the reason that the ledger keeps."""
_HOLDS: Final = {
    "carrier_unreachable": "The carrier could not be reached.",
    "carrier_rate_limited": "The carrier asked to wait.",
}
"""Why it is late, by the reason that the ledger keeps; a line that could not be asked leaves none."""


def outcome_view(receipt: Receipt) -> dict[str, Any]:
    """What became of an outbound."""
    status = Status(receipt.status)
    plain = _STATUS_WORDS.get(status, ("moving", receipt.status.replace("_", " ").capitalize()))
    tone, word = _REASON_WORDS.get((status, receipt.reason or ""), plain)
    return {
        "tone": tone,
        "word": word,
        "status": status.value,
        # The carrier's own words are somebody else's text, too.
        "summary": visible(receipt.summary),
        "level": receipt.approval,
        "level_words": _LEVELS.get(receipt.approval or ""),
        "reason": receipt.reason,
        "error": receipt.error and visible(receipt.error),
        "keys": receipt.keys,
        "updated_at": _seconds(receipt.updated_at),
        "ended": status.ended and status is not Status.UNKNOWN,  # of a doubt more may be heard
    }


def doubt_view(receipt: Receipt) -> dict[str, Any]:
    """What is known of an outbound of which nobody knows whether it went out."""
    return {**outcome_view(receipt), "happened": _DOUBTS.get(receipt.reason or "", visible(receipt.summary))}


def lateness(receipt: Receipt, *, send_at: float, grace_s: float, now: float) -> str | None:
    """Why a scheduled one did not go out at its time; `None` while that is still to come."""
    if send_at > now:
        return None
    why = _HOLDS.get(receipt.reason or "", "It is about to go out, or waits for the carrier's line.")
    patience = duration(max(send_at + grace_s - now, 0))
    return f"Its time has come. {why} It is tried for {patience} more; after that it does not go out any more."


def bare_view(receipt: Receipt) -> dict[str, Any]:
    """An outbound without its number and text: they were erased, or are too far back to be looked for."""
    return {
        **outcome_view(receipt),
        "id": receipt.id,
        "channel": receipt.channel,
        "channel_words": CHANNELS[Channel(receipt.channel)],
        "carrier": receipt.carrier,
        "asked_at": _seconds(receipt.created_at),
        "erased": not receipt.to,
    }


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()
