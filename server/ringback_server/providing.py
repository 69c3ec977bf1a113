"""`POST /thinnest/sms`: a voice agent elsewhere texts the other party of a call, in the form `{"to", "message"}`.

The secret is looked at before anything else that was sent is read. What is refused is told with its reason; no answer
and no log line holds a number or a text.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from ringback.errors import IdempotencyConflict, InvalidRequest, Refused, RingbackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ringback.receipts import Receipt
    from ringback_server.webhooks import Using

LARGEST_BODY: Final = 16 * 1024
"""Bytes: far more than a number and a text take."""
_SCHEME: Final = "bearer "
_RETRY_S: Final = 5
_HINT: Final = 'Send a JSON object such as {"to": "+…", "message": "…"}, both of them texts.'
_CODES: Final = {"failed": 502, "refused": 403, "unknown": 202}
_log = logging.getLogger(__name__)


async def provide(using: Using, headers: Mapping[str, str], body: bytes) -> Response:
    """Answer one request; its body was read within limits and is not parsed yet."""
    from ringback.text_provider import TextProvider

    try:
        async with using() as opened:
            provider = TextProvider(opened)
            await provider.authorise(_secret(headers))
            receipt = await provider.text(*_request(body))
    except RingbackError as error:
        return _refusal(error)
    except Exception as error:  # noqa: BLE001 - the edge: an error's text may hold what must not be told or logged
        _log.error("a text for a voice agent failed: %s", type(error).__name__)
        return JSONResponse({"error": {"code": "error", "message": "Something broke inside Ringback."}}, 500)
    return _taken(receipt)


def _taken(receipt: Receipt) -> Response:
    """What became of it, without the number: 200 for a repetition, 202 for a new one, 502 where its carrier failed."""
    told = {"id": receipt.id, "status": receipt.status, "summary": receipt.summary, "next": receipt.next}
    status = 200 if receipt.repeated else _CODES.get(receipt.status, 202)
    if receipt.reason is not None:
        told["reason"] = receipt.reason
    return JSONResponse(told, status)


def _secret(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization", "")
    return given[len(_SCHEME) :].strip() if given[: len(_SCHEME)].lower() == _SCHEME else ""


def _request(body: bytes) -> tuple[str, str]:
    """Number and message. What else the service sends means nothing here.

    Raises:
        InvalidRequest: it is no JSON object with both of them as texts.
    """
    try:
        given: Any = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is no JSON that can be read.", hint=_HINT) from None
    to, message = (given.get("to"), given.get("message")) if isinstance(given, dict) else (None, None)
    if not isinstance(to, str) or not isinstance(message, str):
        raise InvalidRequest("The body is no JSON object with to and message.", hint=_HINT)
    return to, message


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name comes twice: which of the two would be meant?"""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _refusal(error: RingbackError) -> Response:
    # A suggestion for a number would be a number: unlike a tool's answer, this one has none.
    told = {"code": error.reason, "message": error.message, "next": error.hint}
    status, headers = _status(error), {}
    if status == 401:  # noqa: PLR2004 - RFC 9110, 11.6.1
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        headers["Retry-After"] = str(_RETRY_S)
        _log.warning("a text for a voice agent could not be taken: %s", error.reason)
    return JSONResponse({"error": told}, status, headers)


def _status(error: RingbackError) -> int:
    if isinstance(error, Refused):
        return 401 if error.rule == "wrong_secret" else 403
    if isinstance(error, IdempotencyConflict):
        return 409
    return 422 if isinstance(error, InvalidRequest) else 503
