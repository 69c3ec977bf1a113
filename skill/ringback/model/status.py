"""What can become of an outbound, and in which order.

A status only moves forward. `accepted` means that the carrier took it, never that it arrived.
"""

from enum import StrEnum


class Status(StrEnum):
    """The states of an outbound, for texts and calls alike."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    DISPATCHING = "dispatching"
    ACCEPTED = "accepted"
    QUEUED = "queued"
    SENT = "sent"
    RINGING = "ringing"
    IN_PROGRESS = "in_progress"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self in ENDED

    @property
    def before_dispatch(self) -> bool:
        """Whether nothing can have reached the carrier yet."""
        return self in BEFORE_DISPATCH


_RANK = {
    Status.DRAFT: 0,
    Status.AWAITING_APPROVAL: 10,
    Status.APPROVED: 20,
    Status.SCHEDULED: 25,
    Status.DISPATCHING: 30,
    Status.ACCEPTED: 40,
    Status.QUEUED: 50,
    Status.SENT: 60,
    Status.RINGING: 60,
    Status.IN_PROGRESS: 70,
}

BEFORE_DISPATCH = frozenset({Status.DRAFT, Status.AWAITING_APPROVAL, Status.APPROVED, Status.SCHEDULED})
WITH_CARRIER = frozenset({Status.ACCEPTED, Status.QUEUED, Status.SENT, Status.RINGING, Status.IN_PROGRESS})
ENDED = frozenset(Status) - BEFORE_DISPATCH - WITH_CARRIER - {Status.DISPATCHING}
NOTHING_SENT = frozenset({Status.REFUSED, Status.DECLINED, Status.EXPIRED, Status.CANCELLED, Status.FAILED})


def may_follow(new: Status, old: Status) -> bool:
    """Whether a carrier's report may move an outbound from `old` to `new`.

    Ended statuses absorb; `unknown` is the one exception, because a report is what resolves doubt. A report of
    `unknown` is a word that we cannot read: it tells nothing, and what was known before stays known.
    """
    if new is Status.UNKNOWN or new is Status.DISPATCHING or new in BEFORE_DISPATCH:
        return False
    if old is Status.UNKNOWN:
        return True
    return not old.ended and (new.ended or _RANK[new] > _RANK[old])
