"""The exit codes of the command: what a script can go by."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from ringback.errors import (
    CarrierError,
    ConfigurationError,
    IdempotencyConflict,
    InvalidRequest,
    LedgerError,
    NotFound,
    Refused,
    RingbackError,
)
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback.receipts import Receipt


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    """Done, or accepted by the carrier or further."""
    DEFECT = 1
    """Something broke inside Ringback."""
    USAGE = 2
    """Wrong usage, or a number, text or key that cannot be read. Nothing was sent."""
    REFUSED = 3
    """A rule refused. Nothing was sent."""
    WAITING = 4
    """It waits for a person's yes. Nothing was sent yet."""
    FAILED = 5
    """The carrier failed for certain, or nobody was reached."""
    UNKNOWN = 6
    """It may or may not have gone out: never send it again."""
    TROUBLE = 7
    """The settings or the ledger are in trouble. Nothing was sent."""
    NOT_FOUND = 8
    """There is nothing with this id."""
    ENDED = 9
    """A person declined or cancelled it, or nobody answered in time. Nothing was sent."""
    INTERRUPTED = 130
    """Ctrl-C."""


EPILOG: Final = """\b
Exit codes:
0  done; accepted by the carrier, or further along
1  a defect of Ringback
2  wrong usage, or a number, text or key that cannot be read
3  refused by a rule, or no terminal where a person must stand
4  awaiting approval: nothing was sent yet
5  the carrier failed and nothing was sent, or nobody was reached
6  outcome unknown: do not send it again
7  configuration or ledger in trouble
8  no such id
9  declined, expired or cancelled
"""

_STATUSES: Final = {
    Status.AWAITING_APPROVAL: Exit.WAITING,
    Status.BUSY: Exit.FAILED,
    Status.NO_ANSWER: Exit.FAILED,
    Status.UNDELIVERED: Exit.FAILED,
    Status.FAILED: Exit.FAILED,
    Status.UNKNOWN: Exit.UNKNOWN,
    Status.REFUSED: Exit.REFUSED,
    Status.DECLINED: Exit.ENDED,
    Status.EXPIRED: Exit.ENDED,
    Status.CANCELLED: Exit.ENDED,
}
_ERRORS: Final[tuple[tuple[type[RingbackError], Exit], ...]] = (
    (InvalidRequest, Exit.USAGE),
    (IdempotencyConflict, Exit.USAGE),
    (Refused, Exit.REFUSED),
    (ConfigurationError, Exit.TROUBLE),
    (LedgerError, Exit.TROUBLE),
    (NotFound, Exit.NOT_FOUND),
)


def receipt_exit(receipt: Receipt) -> Exit:
    """The code that an outbound's status stands for. What is under way counts as done."""
    return _STATUSES.get(Status(receipt.status), Exit.DONE)


def error_exit(error: RingbackError) -> Exit:
    """The code that an error stands for."""
    if isinstance(error, CarrierError):
        return Exit.FAILED if error.nothing_left else Exit.UNKNOWN
    return next((code for kind, code in _ERRORS if isinstance(error, kind)), Exit.DEFECT)
