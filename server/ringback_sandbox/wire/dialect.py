import asyncio
import contextlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from starlette.responses import RedirectResponse, Response

from ringback_sandbox.faults import HANG_S, NOT_ACCEPTED, RETRY_AFTER_S, SLOW_S, FaultKind
from ringback_sandbox.http import Close, Connections, JSONAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.routing import Route

    from ringback_sandbox.carrier import Carrier, Submission
    from ringback_sandbox.model import Outbound


@dataclass(frozen=True, slots=True)
class Setting:
    """What every dialect stands on.

    Attributes:
        carrier: The one carrier underneath.
        connections: Lets a dialect close a connection without an answer.
        key: The API key that its clients present.
    """

    carrier: "Carrier"
    connections: Connections
    key: str


class Dialect(Protocol):
    """One carrier's HTTP, spoken over the sandbox's carrier.

    Attributes:
        prefixes: The paths that belong to it; requests under them are recorded.
        elsewhere: A path under them that no route answers, for redirects.
    """

    prefixes: ClassVar[tuple[str, ...]]
    elsewhere: ClassVar[str]

    def __init__(self, setting: Setting) -> None: ...

    def routes(self) -> "Sequence[Route]":
        """Its calls."""
        ...

    def accepted(self, item: "Outbound") -> Any:
        """The JSON that tells of a send that was taken."""
        ...

    def status(self, item: "Outbound", at_ms: int) -> dict[str, Any]:
        """What its status call gives of the item, as of `at_ms` milliseconds since 1970."""
        ...

    def wrong(self, item: "Outbound") -> Any:
        """JSON for the same send whose types are not what the carrier promises."""
        ...

    def error(self, status: int, text: str, *, retry_after_s: int | None = None) -> Response:
        """An error in the carrier's own form."""
        ...


def bears_key(request: "Request", key: str) -> bool:
    """Whether the request has the key as its bearer token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode("utf-8"), key.encode("utf-8"))


def json_error(body: Any, status: int, retry_after_s: int | None) -> Response:
    """An error as JSON, and when to come again where that is told."""
    headers = None if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return JSONAnswer(body, status, headers)


async def take(dialect: Dialect, setting: Setting, submission: "Submission", *, taken: int = 201) -> Response:
    """Handle one well-formed send as every dialect does: faults, acceptance, then the answer or what is left of it.

    Args:
        dialect: The carrier that was spoken to.
        setting: What it stands on.
        submission: The send.
        taken: The HTTP status of the answer to a send that was taken.
    """
    fault = setting.carrier.fault_for(submission)
    if fault in NOT_ACCEPTED:
        return _refusal(dialect, setting, fault)
    item = setting.carrier.accept(submission)
    await setting.carrier.before_answer(item)
    whole = JSONAnswer(dialect.accepted(item), taken)
    if fault is None:
        return whole
    if fault == "slow":
        # Late, but not later than the sandbox's own end.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(setting.carrier.hub.closing.wait(), SLOW_S)
        return whole
    if fault == "wrong-type":
        return JSONAnswer(dialect.wrong(item), taken)
    return _spoilt(dialect, setting, fault, item)


def _refusal(dialect: Dialect, setting: Setting, fault: FaultKind) -> Response:
    closing = setting.carrier.hub.closing
    match fault:
        case "429":
            return dialect.error(429, "too many requests", retry_after_s=RETRY_AFTER_S)
        case "429-bare":
            return dialect.error(429, "too many requests")
        case "500":
            return dialect.error(500, "internal error")
        case "redirect":
            return RedirectResponse(dialect.elsewhere, 307)
        case "hang":
            return Close(setting.connections, closing, HANG_S)
        case _:
            return Close(setting.connections, closing, reset=fault == "reset")


def _spoilt(dialect: Dialect, setting: Setting, fault: FaultKind, item: "Outbound") -> Response:
    """The answer to a send that was accepted, made unusable."""
    closing = setting.carrier.hub.closing
    match fault:
        case "500-after":
            return dialect.error(500, "internal error")
        case "close-after" | "reset-after":
            return Close(setting.connections, closing, reset=fault == "reset-after")
        case "hang-after":
            return Close(setting.connections, closing, HANG_S)
        case "half-json":
            whole = bytes(JSONAnswer(dialect.accepted(item)).body)
            return Response(whole[: len(whole) // 2], 200, media_type="application/json")
        case _:
            return Response("<!doctype html><title>Welcome</title><p>All is well.", 200, media_type="text/html")
