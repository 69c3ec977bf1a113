"""`POST /triggers/<name>`: a program starts what a person allowed beforehand.

The secret is looked at before anything else that was sent is read. What is refused is told with its reason; no answer
and no log line holds a number or a text.
"""

from __future__ import annotations

import json
import logging
import math
import time
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from ringback.errors import IdempotencyConflict, InvalidNumber, InvalidRequest, NotFound, Refused, RingbackError
from ringback.model.moment import iso
from ringback.triggers import Request as TriggerRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from ringback_server.webhooks import Using

LARGEST_BODY: Final = 16 * 1024
"""Bytes: far more than a number and the variables of a text take."""
_NUMBER_HINT: Final = "Give one number in E.164 form in phone: +, country code and number, digits only."
_SCHEME: Final = "bearer "
_RETRY_S: Final = 5
_log = logging.getLogger(__name__)


async def fire(using: Using, name: str, headers: Mapping[str, str], body: bytes) -> Response:
    """Answer one request; its body was read within limits and is not parsed yet."""
    try:
        async with using() as opened:
            caller = await opened.triggers.authorise(name, _secret(headers))
            receipt = await opened.triggers.fire(caller, _request(headers, body))
    except RingbackError as error:
        return _refusal(error)
    except Exception as error:  # noqa: BLE001 - the edge: an error's text may hold what must not be told or logged
        _log.error("a trigger failed: %s", type(error).__name__)
        return JSONResponse({"error": {"code": "error", "message": "Something broke inside Ringback."}}, 500)
    return JSONResponse(receipt.bare().as_dict(), 200 if receipt.repeated else 202)


def _secret(headers: Mapping[str, str]) -> str:
    given = headers.get("authorization", "")
    return given[len(_SCHEME) :].strip() if given[: len(_SCHEME)].lower() == _SCHEME else ""


def _request(headers: Mapping[str, str], body: bytes) -> TriggerRequest:
    """What the body says.

    Raises:
        InvalidRequest: it is no JSON object with a number, or a field is of another kind.
    """
    hint = 'Send a JSON object such as {"phone": "+…", "date": "…"} with the template\'s variables.'
    try:
        given: Any = json.loads(body, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InvalidRequest("The body is no JSON that can be read.", hint=hint) from None
    if not isinstance(given, dict) or not isinstance(given.get("phone"), str):
        raise InvalidRequest("The body is no JSON object with the number as a text in phone.", hint=hint)
    phone, key, send_at = given.pop("phone"), given.pop("key", None), given.pop("send_at", None)
    if not all(value is None or isinstance(value, str) for value in (key, send_at)):
        raise InvalidRequest("key and send_at are texts.", hint="Correct them, or leave them out.")
    header = headers.get("idempotency-key")
    if header is not None and key is not None and header != key:
        raise InvalidRequest("The header Idempotency-Key and key are not the same.", hint="Give one of them.")
    return TriggerRequest(phone, given, key=header if key is None else key, send_at=send_at)


def _no_number(_: str) -> Any:
    raise ValueError


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which no name comes twice: which of the two would be meant?"""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _refusal(error: RingbackError) -> Response:
    # A suggestion, or an example, would be a number: unlike a tool's answer, this one has none.
    following = _NUMBER_HINT if isinstance(error, InvalidNumber) else error.hint
    told: dict[str, object] = {"code": error.reason, "message": error.message, "next": following}
    headers = {}
    if isinstance(error, Refused):
        told["rule"] = error.rule
        if error.retry_at is not None:
            told["retry_at"] = iso(error.retry_at)
            headers["Retry-After"] = str(max(math.ceil(error.retry_at - time.time()), 1))
    status = _status(error)
    if status == 401:  # noqa: PLR2004 - RFC 9110, 11.6.1
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:  # noqa: PLR2004 - Service Unavailable
        headers["Retry-After"] = str(_RETRY_S)
        _log.warning("a trigger could not be taken: %s", error.reason)
    return JSONResponse({"error": told}, status, headers)


def _status(error: RingbackError) -> int:
    if isinstance(error, Refused):
        return {"wrong_secret": 401, "trigger_limit": 429}.get(error.rule, 403)
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, IdempotencyConflict):
        return 409
    return 422 if isinstance(error, InvalidRequest) else 503
