"""What the templates are given: stored outbounds in words, with everything that could deceive an eye marked."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ringback.approvals import DAY_COUNT, PLAIN_CHARS
from ringback.model.moment import tell_moment
from ringback.model.outbound import Channel
from ringback.model.text import visible
from ringback.model.zones import tell_there
from ringback.questions import country_name
from ringback_server.console import moments
from ringback_server.console.outcomes import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringback.carriers.routes import Carriers
    from ringback.ledger.records import Allowance, Received
    from ringback.model.outbound import Line
    from ringback.questions import Question

# A digit of another script stays with its code, so that a script written from right to left does not part the two.
_TOKEN: Final = re.compile(r"([^\W\x00-\x7f]?⟦(?:U\+[0-9A-F]{4,6}|[0-9]+ more empty lines)⟧|\n)")
_MARKED: Final = re.compile(r"(.?)(⟦.+⟧)", re.DOTALL)
_WRITTEN_OUT: Final = re.compile(r"(.)?⟦(?:U\+([0-9A-F]{4,6})|([0-9]+) more empty lines)⟧", re.DOTALL)
_MANY_LINES: Final = 12
_MANY_CHARACTERS: Final = 500
_NO_NUMBER: Final = "No telephone number"


def build_environment(now: Callable[[], float]) -> Environment:
    """The templates, escaping everything that is not said to be safe."""
    environment = Environment(
        loader=PackageLoader("ringback_server.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["day_count"] = DAY_COUNT
    environment.filters["spell"] = spell
    environment.filters["clock"] = moments.clock
    environment.filters["iso"] = moments.iso
    environment.filters["ago"] = lambda at: f"{moments.duration(now() - at)} ago"
    environment.filters["left"] = lambda at: moments.left(at, now())
    environment.filters["ahead"] = lambda at: moments.ahead(at, now())
    return environment


def spell(text: str) -> Markup:
    """A text as it goes out, with line ends and with what `visible` wrote out marked."""
    parts = []
    for part in _TOKEN.split(text):
        if part == "\n":
            parts.append(Markup('<span class="line-end" aria-hidden="true">↵</span>\n'))
        elif match := _MARKED.fullmatch(part):
            parts.append(_mark(*match.groups()))
        else:
            parts.append(escape(part))
    return Markup().join(parts)


def _mark(before: str, token: str) -> Markup:
    if before.isdecimal():
        return Markup('<mark class="written-out">{}{}</mark>').format(before, token)
    return Markup('{}<mark class="written-out">{}</mark>').format(before, token)


def measure(text: str) -> tuple[int, int]:
    """How many characters and lines go out where `visible` shows this."""

    def as_sent(match: re.Match[str]) -> str:
        before, code, empty_lines = match[1] or "", match[2], match[3]
        if empty_lines:
            return before + "\n" * (int(empty_lines) - 1)
        # A digit of another script stands before its own code; everything else is replaced by its code.
        return before if before and before == chr(int(code, 16)) else f"{before}x"

    sent = _WRITTEN_OUT.sub(as_sent, text)
    return len(sent), sent.count("\n") + 1


def question_view(question: Question, *, carriers: Carriers) -> dict[str, Any]:
    """One outbound, whole.

    Args:
        question: the stored outbound.
        carriers: those of this console; one that waits for another carrier cannot be answered with yes here.
    """
    characters, lines = measure(question.text)
    e164 = "+" + "".join(char for char in question.number if char.isdigit())
    return {
        "id": question.id,
        "channel": question.channel.value,
        "channel_words": CHANNELS[question.channel],
        "is_call": question.channel is Channel.VOICE,
        "number": question.number,
        "e164": e164,
        "country": question.country,
        "region": question.region,
        "text": question.text,
        "size": _size(question, characters, lines),
        "is_long": lines > _MANY_LINES or characters > _MANY_CHARACTERS,
        "is_written_out": "⟦" in question.text,
        "plain_characters": PLAIN_CHARS[question.channel],
        "media_host": question.media_host,
        "media_parts": _media_parts(question),
        "carrier": question.carrier,
        "live": question.live,
        "elsewhere": carriers.get(question.carrier) is None,
        "line_type": question.line_type,
        "cost": question.cost,
        "asked_by": question.asked_by,
        "asked_at": question.asked_at,
        "expires_at": question.expires_at,
        "when": _when(question),
        "shown": shown(question),
        "bulk": question.bulk,
        "erased": False,
        "late": None,
    }


def _when(question: Question) -> dict[str, Any] | None:
    """When it goes out, whole: in UTC, and where the number likely is; `None` for at once."""
    at = question.send_at
    return None if at is None else {"at": at, "utc": tell_moment(at), "local": tell_there(at, question.zones)}


def shown(question: Question) -> str:
    """A digest over everything that is shown of an outbound; a form carries it back with the answer."""
    fields = [
        question.id,
        question.channel.value,
        question.carrier,
        question.live,
        question.number,
        question.region,
        question.country,
        question.line_type,
        question.cost,
        question.text,
        question.media_url,
        question.asked_by,
        question.asked_at,
        question.expires_at,
        question.send_at,
    ]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _size(question: Question, characters: int, lines: int) -> str:
    words = _extent(characters, lines)
    if question.segments is None:
        return words
    count = question.segments.count
    return f"{words} · {count} segment{'' if count == 1 else 's'} ({question.segments.encoding})"


def verdict_shown(question: Question, *, sent: bool) -> str:
    """A digest over a doubtful outbound as it is shown, and what a person says of it; the form carries it back."""
    return hashlib.sha256(f"{shown(question)} {'sent' if sent else 'not sent'}".encode()).hexdigest()


def _extent(characters: int, lines: int) -> str:
    words = f"{characters:,} character{'' if characters == 1 else 's'}"
    return words if lines == 1 else f"{words} · {lines} lines"


def _media_parts(question: Question) -> tuple[str, str, str] | None:
    """The media URL, cut around its host so that the host stands out."""
    if question.media_url is None:
        return None
    start = question.media_url.lower().find(question.media_host or "", len("https://"))
    end = start + len(question.media_host or "")
    return question.media_url[:start], question.media_url[start:end], question.media_url[end:]


def received_view(received: Received) -> dict[str, Any]:
    """A text that somebody sent to the agent's line, or the bare record of one that was erased."""
    text = None if received.text is None else visible(received.text)
    characters, lines = measure(text or "")
    number = received.number
    return {
        "id": received.id,
        "erased": text is None,
        "number": number.formatted if number else _NO_NUMBER,
        "is_number": number is not None,
        "country": country_name(number) if number else None,
        "masked": number.masked if number else None,
        "contact": received.contact,
        "carrier": received.carrier,
        "text": text,
        "size": _extent(characters, lines),
        "is_written_out": "⟦" in (text or ""),
        "sent_at": received.sent_at,
        "received_at": received.received_at,
    }


def allowance_view(allowance: Allowance) -> dict[str, Any]:
    """A recipient that a person allowed beforehand."""
    return {
        "id": allowance.id,
        "number": allowance.number.formatted,
        "country": country_name(allowance.number),
        "channel_words": CHANNELS[allowance.channel],
        "carrier": allowance.carrier,
        "level": allowance.level.value,
        "via": allowance.via,
        "created_at": allowance.created_at,
        "expires_at": allowance.expires_at,
        "remaining": allowance.remaining,
        "max_chars": allowance.max_chars,
        "links": allowance.links,
    }


def line_view(line: Line | None, *, carrier: str, live: bool) -> dict[str, Any]:
    """The agent's line, by the carrier's last word."""
    return {
        "carrier": carrier,
        "live": live,
        "answers": line is not None,
        "enabled": line is not None and line.enabled,
        "number": line.number.formatted if line is not None and line.number is not None else None,
        "channels": [CHANNELS[channel] for channel in Channel if line is not None and channel in line.capabilities],
        "page": line.page if line is not None else None,
    }
