"""Every error that Ringback raises on purpose, as one tree.

RingbackError
├── InvalidRequest            the wish itself cannot be read: a bad number, an empty text
│   └── InvalidNumber
├── Refused                   a guard or a person stands in the way; nothing was sent
├── NotFound                  no such outbound
├── IdempotencyConflict       the same key came with another content
├── ConfigurationError        a setting is missing, contradictory or unsafe
├── LedgerError               the ledger cannot be read or written; nothing is sent without it
│   └── UnreadableEntry       one entry of it was changed by something else; the others are not affected
├── CallbackRejected          what came as a carrier's callback is not proven to be one
└── CarrierError              the carrier, or the way to it, failed
    ├── CarrierAuthenticationFailed
    ├── CarrierNotEnabled
    ├── CarrierRejected
    ├── CarrierRateLimited
    ├── CarrierUnreachable    nothing can have left this machine
    ├── CarrierUnavailable    something may have left: the outcome is in doubt
    ├── CarrierUnreadable     the carrier answered something that we cannot read: in doubt
    └── DispatchTooLate       this process slept past its lease before it posted; it posts no more

Messages carry neither a phone number nor a message text: they are safe to log.
"""

from typing import ClassVar


class RingbackError(Exception):
    """Base of the tree: a stable `code`, what happened (`message`) and what to do next (`hint`)."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def reason(self) -> str:
        """The code that tools, logs and exit codes go by; subclasses may refine it."""
        return self.code

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidRequest(RingbackError):
    """The wish cannot be read: something in it is missing, empty, too long or of the wrong kind."""

    code = "invalid_request"


class InvalidNumber(InvalidRequest):
    """The text is not one telephone number in E.164 form; `problem` says which rule it breaks."""

    code = "invalid_number"

    def __init__(self, problem: str, message: str, *, hint: str = "", suggestion: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.problem = problem
        self.suggestion = suggestion


class Refused(RingbackError):
    """A guard refused: `rule` names it. Nothing was sent."""

    code = "refused"

    def __init__(self, rule: str, message: str, *, hint: str = "", retry_at: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.rule = rule
        self.retry_at = retry_at
        """From when on it may be allowed, in Unix seconds, where that is known."""

    @property
    def reason(self) -> str:
        """The rule that refused."""
        return self.rule


class NotFound(RingbackError):
    """The ledger holds no outbound with this id."""

    code = "not_found"


class IdempotencyConflict(RingbackError):
    """This idempotency key was used before, for another recipient, channel or content."""

    code = "idempotency_conflict"


class ConfigurationError(RingbackError):
    """A setting is missing, contradicts another one, or is not safe to use."""

    code = "configuration"


class LedgerError(RingbackError):
    """The ledger cannot be read or written (disk, lock, key, version). Nothing is sent without it."""

    code = "ledger"


class UnreadableEntry(LedgerError):
    """One entry of the ledger cannot be opened: something other than Ringback changed it."""

    code = "ledger_entry"


class CallbackRejected(RingbackError):
    """A callback without a valid signature, too old, or not in the carrier's form. Nothing of it was stored."""

    code = "callback_rejected"


class CarrierError(RingbackError):
    """The carrier, or the way to it, failed.

    `nothing_left` is true only where it is certain that the carrier did not act on the request;
    everything else is doubt, and doubt is never posted again.
    """

    code = "carrier"
    nothing_left: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", detail: str = "") -> None:
        super().__init__(message, hint=hint)
        self.detail = detail
        """The carrier's own words, cut and with numbers masked. Not part of `str`: it may quote the message."""
        self.service_code: int | None = None
        """The carrier's own number for what is wrong, where it gives one."""


class CarrierAuthenticationFailed(CarrierError):
    """The carrier does not accept our credentials (HTTP 401)."""

    code = "carrier_authentication"
    nothing_left = True


class CarrierNotEnabled(CarrierError):
    """The carrier says that telephony is off for this agent (HTTP 403)."""

    code = "carrier_not_enabled"
    nothing_left = True


class CarrierRejected(CarrierError):
    """The carrier understood the request and declined it (any other HTTP 4xx)."""

    code = "carrier_rejected"
    nothing_left = True


class CarrierOptedOut(CarrierRejected):
    """The carrier refuses to send to somebody who opted out there; that is noted down here, too."""

    code = "carrier_opted_out"


class CarrierRateLimited(CarrierError):
    """The carrier asks us to slow down (HTTP 429); `retry_after` in seconds, if it said so."""

    code = "carrier_rate_limited"
    nothing_left = True

    def __init__(self, message: str, *, hint: str = "", detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint, detail=detail)
        self.retry_after = retry_after


class CarrierUnreachable(CarrierError):
    """No connection to the carrier came about, so no request left this machine."""

    code = "carrier_unreachable"
    nothing_left = True


class CarrierUnavailable(CarrierError):
    """The connection broke, timed out or ended in HTTP 5xx after the request may have left."""

    code = "carrier_unavailable"


class CarrierUnreadable(CarrierError):
    """The carrier answered, but not in the form that it documents."""

    code = "carrier_unreadable"


class DispatchTooLate(CarrierError):
    """This process was held up past its lease before it posted, so another may have concluded: it posts no more."""

    code = "dispatch_too_late"
    nothing_left = True


def error_codes() -> frozenset[str]:
    """Every code of the tree, for the documentation's completeness test."""
    found: set[str] = set()
    todo: list[type[RingbackError]] = [RingbackError]
    while todo:
        kind = todo.pop()
        found.add(kind.code)
        todo.extend(kind.__subclasses__())
    return frozenset(found)
