from typing import Any
from urllib.parse import urlsplit

from .clock import iso
from .model import Call, Item, Message, Reply

# Documented host whose pictures the sandbox serves itself: what is sent from there is seen without any other machine.
SAMPLE_HOST = "sandbox.ringback.example"
SAMPLE_PATH = "/sandbox/sample/receipt.svg"


def view(item: Item, now_ms: int, line: str) -> dict[str, Any]:
    """An item as the control routes show it, with its status at `now_ms`.

    Args:
        item: What is shown.
        now_ms: The sandbox's time, in milliseconds since 1970.
        line: The carrier's own number.
    """
    if isinstance(item, Reply):
        return {
            "seq": item.seq,
            "id": item.id,
            "type": "reply",
            "from": item.sender,
            "to": line,
            "body": item.body,
            "created_at": iso(item.at_ms),
        }
    shared = {
        "seq": item.seq,
        "id": item.id,
        "type": item.type,
        "from": line,
        "to": item.to,
        "status": item.status(now_ms),
        "error": item.error if item.next_change_ms(now_ms) is None else None,
        "created_at": iso(item.accepted_ms),
    }
    return shared | (_call(item, now_ms) if isinstance(item, Call) else _message(item, now_ms))


def _message(message: Message, now_ms: int) -> dict[str, Any]:
    return {
        "body": message.body,
        "media_url": message.media_url,
        "media": None if message.media_url is None else _media(message.media_url),
        "delivered_at": iso(message.delivered_ms(now_ms)),
    }


def _call(call: Call, now_ms: int) -> dict[str, Any]:
    return {
        "prompt": call.prompt,
        "digits": call.digits,
        "duration": call.duration_s(now_ms),
        "recording_url": None,
        "answered_by": call.answered_by(now_ms),
        "answered_at": iso(call.taken_ms(now_ms)),
        "ended_at": iso(call.finished_ms(now_ms)),
    }


def _media(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return {
        "host": host,
        "file": parts.path.rsplit("/", 1)[-1],
        "local": SAMPLE_PATH if host == SAMPLE_HOST else None,
    }
