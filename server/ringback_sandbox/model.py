"""What the carrier keeps, and how each thing's status follows from the time alone.

Nothing here is advanced by a job: a status is computed from the moments that were stored and the clock, so moving the
clock moves everything at once and in the same way every time.
"""

from dataclasses import dataclass
from typing import Literal

MessageType = Literal["sms", "mms"]
MessageOutcome = Literal["delivered", "undelivered", "failed"]
CallOutcome = Literal["ring", "voicemail", "busy", "no-answer", "failed"]

SENT_AFTER_MS = 1_000
DELIVERED_AFTER_MS = 2_000
RINGS_AFTER_MS = 1_000
RINGS_FOR_MS = 30_000
# Nobody may be there to hang up: a call that was answered ends by itself.
LONGEST_CALL_MS = 600_000
# So long a voicemail system greets and records before it hangs up.
VOICEMAIL_MS = 10_000
_TAKEN = ("ring", "voicemail")


@dataclass(frozen=True, slots=True)
class Message:
    """A text or a picture that the carrier accepted.

    Attributes:
        seq: Position in the order of everything that the carrier took.
        accepted_ms: When it was accepted, in milliseconds since 1970 on the sandbox's clock.
        outcome: How its delivery is bound to end.
        error: Why it does not arrive, or None.
    """

    seq: int
    id: str
    type: MessageType
    to: str
    body: str
    media_url: str | None
    accepted_ms: int
    outcome: MessageOutcome
    error: str | None

    def status(self, now_ms: int) -> str:
        """`queued`, `sent`, then the outcome."""
        age = now_ms - self.accepted_ms
        if age < SENT_AFTER_MS:
            return "queued"
        return "sent" if age < DELIVERED_AFTER_MS else self.outcome

    def delivered_ms(self, now_ms: int) -> int | None:
        """When it reached the handset, or None while it has not."""
        return self.accepted_ms + DELIVERED_AFTER_MS if self.status(now_ms) == "delivered" else None

    def next_change_ms(self, now_ms: int) -> int | None:
        """The next moment at which the status changes by itself, or None when it is final."""
        moments = (self.accepted_ms + SENT_AFTER_MS, self.accepted_ms + DELIVERED_AFTER_MS)
        return next((moment for moment in moments if moment > now_ms), None)


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the carrier accepted.

    Attributes:
        seq: Position in the order of everything that the carrier took.
        accepted_ms: When it was accepted, in milliseconds since 1970 on the sandbox's clock.
        outcome: What the far end does by itself: `ring` until somebody acts, let voicemail take it, or an ending.
        answered_ms: When the handset's owner answered or sent it to voicemail, or None.
        ended_ms: When the handset's owner declined or hung up, or None.
        ending: The status after `ended_ms`.
        digits: The keys pressed, in order.
    """

    seq: int
    id: str
    to: str
    prompt: str
    accepted_ms: int
    outcome: CallOutcome
    error: str | None
    answered_ms: int | None
    ended_ms: int | None
    ending: str | None
    digits: str

    @property
    def type(self) -> Literal["voice"]:
        """Always `voice`: tells calls from messages in a mixed list."""
        return "voice"

    @property
    def rings_ms(self) -> int:
        """When the far end starts to ring, or refuses."""
        return self.accepted_ms + RINGS_AFTER_MS

    def status(self, now_ms: int) -> str:
        """`queued`, `ringing`, `in-progress`, or how the call ended."""
        if now_ms < self.rings_ms:
            return "queued"
        ended = self.finished_ms(now_ms)
        if ended is None:
            return "ringing" if self.taken_ms(now_ms) is None else "in-progress"
        if self.outcome not in _TAKEN:
            return self.outcome
        return self.ending or ("no-answer" if self._takes_ms is None else "completed")

    @property
    def _takes_ms(self) -> int | None:
        """When somebody or something takes the call, which may be yet to come."""
        if self.answered_ms is None and self.outcome == "voicemail":
            return self.rings_ms
        return self.answered_ms

    def _ends_ms(self) -> int:
        if self.outcome not in _TAKEN:
            return self.rings_ms
        if self.ended_ms is not None:
            return self.ended_ms
        if self._takes_ms is None:
            return self.rings_ms + RINGS_FOR_MS
        return self._takes_ms + (VOICEMAIL_MS if self.outcome == "voicemail" else LONGEST_CALL_MS)

    def taken_ms(self, now_ms: int) -> int | None:
        """When a person or a voicemail system took the call, or None while none has."""
        return None if self._takes_ms is None or self._takes_ms > now_ms else self._takes_ms

    def answered_by(self, now_ms: int) -> Literal["person", "voicemail"] | None:
        """Who took the call, or None while nobody has."""
        if self.taken_ms(now_ms) is None:
            return None
        return "voicemail" if self.outcome == "voicemail" else "person"

    def finished_ms(self, now_ms: int) -> int | None:
        """When the call ended, or None while it has not."""
        end = self._ends_ms()
        return end if end <= now_ms else None

    def duration_s(self, now_ms: int) -> int | None:
        """Whole seconds talked, known once the call has ended; 0 when nobody answered."""
        end = self.finished_ms(now_ms)
        if end is None:
            return None
        taken = self.taken_ms(now_ms)
        return 0 if taken is None else (end - taken) // 1000

    def next_change_ms(self, now_ms: int) -> int | None:
        """The next moment at which the status changes by itself, or None when it is final."""
        return next((moment for moment in (self.rings_ms, self._ends_ms()) if moment > now_ms), None)


@dataclass(frozen=True, slots=True)
class Reply:
    """A text that the handset's owner wrote back.

    Attributes:
        seq: Position in the order of everything that the carrier took.
        sender: The number that the handset answers for.
        at_ms: When it was written, in milliseconds since 1970 on the sandbox's clock.
    """

    seq: int
    id: str
    sender: str
    body: str
    at_ms: int


Outbound = Message | Call
Item = Message | Call | Reply
