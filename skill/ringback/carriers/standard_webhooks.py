"""Callbacks signed as the Standard Webhooks specification has it: HMAC-SHA256 over id, time and body.

https://github.com/standard-webhooks/standard-webhooks: headers `webhook-id`, `webhook-timestamp` and
`webhook-signature`, the last a list of `v1,<base64>` separated by spaces.
"""

from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING, Any, Final

from ringback.errors import CallbackRejected

if TYPE_CHECKING:
    from ringback.model.news import CallbackRequest

TOLERATED_S: Final = 300.0
"""A callback that was signed longer ago, or will be, may be an old one sent again by somebody else."""


def verified(request: CallbackRequest, *, secret: bytes, now: float) -> dict[str, Any]:
    """The body of a callback whose signature is right, as JSON.

    Raises:
        CallbackRejected: a header is missing, the signature is not ours, it is too old, or the body is no JSON object.
    """
    callback_id = request.headers.get("webhook-id", "")
    moment = request.headers.get("webhook-timestamp", "")
    given = request.headers.get("webhook-signature", "").split(" ")
    signed = b".".join((callback_id.encode(), moment.encode(), request.body))
    expected = f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}".encode()
    if not any(hmac.compare_digest(signature.encode(), expected) for signature in given):
        raise CallbackRejected("The callback's signature is missing or not the carrier's.", hint="Check the secret.")
    if not moment.isascii() or not moment.isdigit() or abs(now - int(moment[:12])) > TOLERATED_S:
        raise CallbackRejected("The callback was signed too long ago, or by a wrong clock.", hint="Check the clocks.")
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise CallbackRejected("The callback's body is no JSON object.", hint="Check what is sent there.")
    return body


def told_secret(secret: bytes) -> str:
    """The secret in the specification's own form."""
    return f"whsec_{base64.b64encode(secret).decode()}"
