"""What the sandbox tells by itself: statuses and replies, as signed callbacks or as a list to ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ringback.carriers.standard_webhooks import verified
from ringback.carriers.thinkfleetbot import read_report
from ringback.errors import CallbackRejected, CarrierUnreadable
from ringback.model.news import Inbox, ReceivedText, StatusNews
from ringback.model.text import encodable

if TYPE_CHECKING:
    from ringback.model.news import CallbackRequest, News

_LONGEST_ID = 128


class SandboxCallbacks:
    """Standard Webhooks with the types `message.status`, `call.status` and `message.received`."""

    def read(self, request: CallbackRequest, *, secret: bytes, now: float) -> tuple[News, ...]:
        """Verify, then parse. A type that is not known tells nothing.

        Raises:
            CallbackRejected: the signature is not right, or the body is not in the sandbox's form.
        """
        body = verified(request, secret=secret, now=now)
        kind, data = body.get("type"), body.get("data")
        carrier_id = _id(data) if isinstance(data, dict) else None
        if not isinstance(data, dict) or carrier_id is None:
            raise CallbackRejected("The callback tells of nothing that has an id.", hint="Check what is sent there.")
        if kind in ("message.status", "call.status"):
            return (StatusNews(carrier_id, replace(read_report(data), answered_by=answerer(data))),)
        text = _text(data) if kind == "message.received" else None
        return () if text is None else (text,)


def answerer(item: Any) -> str | None:
    """Who took a call, as the sandbox's own routes tell it."""
    who = item.get("answered_by") if isinstance(item, dict) else None
    return who if who in ("person", "voicemail") else None


def read_texts(answer: Any) -> Inbox:
    """The sandbox's list of replies.

    Raises:
        CarrierUnreadable: it is not a list.
    """
    if not isinstance(answer, list):
        raise CarrierUnreadable("The sandbox's replies are not a list.")
    rows = [row for row in answer if isinstance(row, dict)]
    texts = tuple(text for row in rows if (text := _text(row)) is not None)
    places = [row["seq"] for row in rows if isinstance(row.get("seq"), int)]
    return Inbox(texts, str(max(places)) if places else None)


def _text(item: dict[str, Any]) -> ReceivedText | None:
    carrier_id, sender, body = _id(item), item.get("from"), item.get("body")
    if carrier_id is None or not (isinstance(sender, str) and isinstance(body, str)):
        return None
    try:
        sent_at = datetime.fromisoformat(str(item.get("created_at"))).timestamp()
    except ValueError:
        return None
    return ReceivedText(carrier_id, encodable(sender), encodable(body), sent_at)


def _id(item: dict[str, Any]) -> str | None:
    """An id that can be kept and looked up."""
    value = item.get("id")
    return value if isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isascii() else None
