"""Callbacks as a carrier would send them: signed by Standard Webhooks, or through a reader of the test's own."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ringback.errors import CallbackRejected
from ringback.model.news import CallbackRequest, ReceivedText, StatusNews
from ringback.model.outbound import Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from ringback.model.news import News

URL = "https://ringback.example/webhooks/sandbox"


class PlainReader:
    """Believes a request whose body begins with the secret, and reads the news from what follows it."""

    def read(self, request: CallbackRequest, *, secret: bytes, now: float) -> tuple[News, ...]:
        if not request.body.startswith(secret):
            raise CallbackRejected("Not the carrier's.")
        news: list[News] = []
        for told in json.loads(request.body[len(secret) :]):
            if "report" in told:
                report = Report(**{**told["report"], "status": Status(told["report"]["status"])})
                news.append(StatusNews(told["carrier_id"], report))
            else:
                news.append(ReceivedText(**told))
        return tuple(news)


def plain(secret: bytes, *news: News) -> CallbackRequest:
    """What `PlainReader` reads."""
    return CallbackRequest(URL, {}, secret + json.dumps([asdict(told) for told in news]).encode())


def signed(
    secret: bytes, body: bytes | dict[str, Any], at: float, *, callback_id: str = "msg_1", **headers: str
) -> CallbackRequest:
    """A request with a true signature over its body at the time `at`; `headers` replace what belongs there."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    moment = str(int(at))
    mac = hmac.digest(secret, b".".join((callback_id.encode(), moment.encode(), content)), "sha256")
    given = {
        "webhook-id": callback_id,
        "webhook-timestamp": moment,
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return CallbackRequest(URL, given, content)


def status_of(carrier_id: str, status: str, **more: Any) -> dict[str, Any]:
    """What the sandbox says of a message."""
    return {"type": "message.status", "data": {"id": carrier_id, "status": status, **more}}


def reply_from(sender: str, text: str, carrier_id: str = "in_1", at: str = "2026-03-10T12:00:00Z") -> dict[str, Any]:
    """What the sandbox says of a text to the agent's line."""
    data = {"id": carrier_id, "from": sender, "body": text, "created_at": at}
    return {"type": "message.received", "data": data}
