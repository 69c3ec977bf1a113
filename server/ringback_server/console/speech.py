"""Conversations in words: who wrote what, when, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ringback.conversations import number_in
from ringback.ledger.records import Record
from ringback.model.moment import tell_moment
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.model.text import count_segments, visible
from ringback.questions import country_name
from ringback.receipts import receipt
from ringback_server.console.outcomes import CHANNELS, outcome_view

if TYPE_CHECKING:
    from ringback.conversations import Conversation
    from ringback.ledger.records import Received
    from ringback.model.numbers import PhoneNumber

_WAITS = {Status.AWAITING_APPROVAL, Status.SCHEDULED, Status.UNKNOWN}
"""Where a person may have something to do: the entry leads to its own page."""


def conversation_view(conversation: Conversation) -> dict[str, Any]:
    """One line of the list."""
    takeover, newest = conversation.takeover, conversation.newest
    shown = None if newest is None or number_in(newest) is None else entry_view(newest)
    return {
        **person_view(conversation.number),
        "contact": conversation.contact,
        "taken_at": takeover.begun_at if takeover else None,
        "newest": shown,
        "mark": f"{takeover.id if takeover else ''} {newest.id if newest else ''} {shown['word'] if shown else ''}",
    }


def person_view(number: PhoneNumber) -> dict[str, Any]:
    """The other side of a conversation, whole: for the person alone."""
    country = country_name(number)
    return {
        "number": number.formatted,
        "e164": number.e164,
        "country": country[:1].upper() + country[1:],
        "line_type": number.line_type,
        "masked": number.masked,
    }


def entry_view(entry: Record | Received) -> dict[str, Any]:
    """One entry of a conversation that was not erased."""
    return _sent_view(entry) if isinstance(entry, Record) else _received_view(entry)


def _sent_view(record: Record) -> dict[str, Any]:
    outbound, outcome = record.outbound, outcome_view(receipt(record, redact=False))
    segments = None if outbound.channel is Channel.VOICE else count_segments(outbound.text).count
    parts = [CHANNELS[outbound.channel]]
    if segments:
        parts.append(f"{segments} segment{'' if segments == 1 else 's'}")
    return {
        "id": record.id,
        "side": "hand" if outbound.by_hand else "agent",
        "who": "By hand" if outbound.by_hand else "Agent",
        "program": None if outbound.by_hand else record.asked_by,
        "text": visible(outbound.text),
        "kind": " · ".join(parts),
        "is_call": outbound.channel is Channel.VOICE,
        "media_url": outbound.media_url and visible(outbound.media_url),
        "at": record.created_at,
        "due": None if record.send_at is None else tell_moment(record.send_at),
        "tone": outcome["tone"],
        "word": outcome["word"],
        "reason": outcome["reason"],
        "level": outcome["level"],
        "pressed": outcome["keys"],
        "leads": record.status in _WAITS,
        "mark": f"{record.status} {record.reason or ''} {outcome['keys'] or ''}",
    }


def _received_view(received: Received) -> dict[str, Any]:
    return {
        "id": received.id,
        "side": "them",
        "who": "They",
        "program": None,
        "text": visible(received.text or ""),
        "kind": CHANNELS[Channel.SMS],
        "is_call": False,
        "media_url": None,
        "at": received.received_at,
        "due": None,
        "tone": "",
        "word": "Received",
        "reason": None,
        "level": None,
        "pressed": None,
        "leads": False,
        "mark": "",
    }
