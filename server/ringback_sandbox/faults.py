"""Everything that can go wrong on purpose: the magic numbers, and faults asked for over the control routes."""

from dataclasses import dataclass
from typing import Literal, get_args

from .model import CallOutcome, MessageOutcome

FaultKind = Literal[
    "429",
    "429-bare",
    "500",
    "500-after",
    "close",
    "close-after",
    "reset",
    "reset-after",
    "hang",
    "hang-after",
    "half-json",
    "not-json",
    "wrong-type",
    "redirect",
    "slow",
]
FAULT_KINDS: tuple[str, ...] = get_args(FaultKind)
# These turn the send away; every other kind accepts it first and then spoils the answer.
NOT_ACCEPTED: frozenset[FaultKind] = frozenset({"429", "429-bare", "500", "close", "reset", "hang", "redirect"})

TelephonyMode = Literal["enabled", "disabled", "unreachable-check", "hang-check"]
TELEPHONY_MODES: tuple[str, ...] = get_args(TelephonyMode)

HANG_S = 120.0
SLOW_S = 2.0
RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Magic:
    """A number with a fixed behaviour, for messages and calls alike unless it says otherwise.

    Attributes:
        does: What happens, for a person to read.
        message: How a message to it ends.
        call: What its far end does when called.
        error: The error that goes with an ending that is not a delivery.
        fault: What happens to the send itself.
        first: The fault strikes only this many sends of the same content; 0 means every one.
    """

    number: str
    does: str
    message: MessageOutcome = "delivered"
    call: CallOutcome = "ring"
    error: str | None = None
    fault: FaultKind | None = None
    first: int = 0


# The one table: the handset page and the documentation are made from it.
MAGIC_NUMBERS: dict[str, Magic] = {
    magic.number: magic
    for magic in (
        Magic(
            "+15550100001",
            "Cannot be reached: a message ends undelivered, a call ends failed.",
            message="undelivered",
            call="failed",
            error="the destination cannot be reached",
        ),
        Magic("+15550100002", "Busy: a call ends busy. Messages arrive.", call="busy"),
        Magic("+15550100003", "Does not answer: a call ends no-answer at once. Messages arrive.", call="no-answer"),
        Magic(
            "+15550100004",
            "Answers 429 with Retry-After: 1 to the first two sends of the same content, then accepts.",
            fault="429",
            first=2,
        ),
        Magic("+15550100005", "Answers 500 and accepts nothing.", fault="500"),
        Magic("+15550100006", "Accepts, then closes the connection without an answer.", fault="close-after"),
        Magic("+15550100007", "Accepts, then never answers: holds the connection up to 120 s.", fault="hang-after"),
        Magic("+15550100008", "Accepts, then answers 500.", fault="500-after"),
        Magic("+15550100009", "Accepts, then answers 200 with half a JSON document.", fault="half-json"),
        Magic("+15550100010", "Voicemail takes a call at once, for 10 s. Messages arrive.", call="voicemail"),
    )
}

ORDINARY = Magic("", "Accepts and delivers.")


class Faults:
    """Which fault strikes the next sends, and what telephony says of itself.

    Attributes:
        kind: The fault on demand, or None.
        left: How many sends it still strikes.
        telephony: How the telephony check and sends behave as a whole.
    """

    def __init__(self) -> None:
        self.kind: FaultKind | None = None
        self.left = 0
        self.telephony: TelephonyMode = "enabled"
        self._seen: dict[tuple[str, ...], int] = {}

    def strike_next(self, count: int, kind: FaultKind | None) -> None:
        """Let `kind` strike the next `count` sends; a count of 0 calls it off."""
        self.left = count if kind else 0
        self.kind = kind if self.left else None

    def take(self, content: tuple[str, ...], magic: Magic) -> FaultKind | None:
        """The fault that strikes this send, if one does: on demand first, else by its magic number.

        Args:
            content: What makes two sends the same: type, recipient and texts.
            magic: The recipient's row in the table.
        """
        if self.kind is not None:
            kind, self.left = self.kind, self.left - 1
            self.strike_next(self.left, kind)
            return kind
        if magic.fault is not None and magic.first:
            times = self._seen[content] = self._seen.get(content, 0) + 1
            return magic.fault if times <= magic.first else None
        return magic.fault
