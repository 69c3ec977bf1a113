"""What the templates are given: stored outbounds in words, with everything that could deceive an eye marked."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ringback.approvals import DAY_COUNT, PLAIN_CHARS, country_name
from ringback.model.outbound import Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringback.approvals import Question
    from ringback.ledger.records import Allowance
    from ringback.model.outbound import Line
    from ringback.receipts import Receipt

# A digit of another script stays with its code, so that a script written from right to left does not part the two.
_TOKEN: Final = re.compile(r"([^\W\x00-\x7f]?⟦(?:U\+[0-9A-F]{4,6}|[0-9]+ more empty lines)⟧|\n)")
_MARKED: Final = re.compile(r"(.?)(⟦.+⟧)", re.DOTALL)
_WRITTEN_OUT: Final = re.compile(r"(.)?⟦(?:U\+([0-9A-F]{4,6})|([0-9]+) more empty lines)⟧", re.DOTALL)
_MANY_LINES: Final = 12
_MANY_CHARACTERS: Final = 500
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
CHANNELS: Final = {
    Channel.SMS: "Text message",
    Channel.MMS: "Picture message",
    Channel.VOICE: "Phone call",
}
_STATUS_WORDS: Final = {
    Status.AWAITING_APPROVAL: ("waiting", "Waiting"),
    Status.DECLINED: ("no", "Declined"),
    Status.CANCELLED: ("no", "Cancelled"),
    Status.EXPIRED: ("no", "Expired"),
    Status.REFUSED: ("no", "Refused by a rule"),
    Status.FAILED: ("bad", "Failed"),
    Status.UNDELIVERED: ("bad", "Not delivered"),
    Status.BUSY: ("bad", "Line was busy"),
    Status.NO_ANSWER: ("bad", "Nobody answered"),
    Status.UNKNOWN: ("doubt", "Unknown"),
    Status.DELIVERED: ("good", "Delivered"),
    Status.COMPLETED: ("good", "Call completed"),
    Status.IN_PROGRESS: ("moving", "Call in progress"),
}
_LEVELS: Final = {
    "A0": "allowed beforehand",
    "A1": "in the chat",
    "A2": "on this page or in a terminal",
    "A3": "with a passkey",
}


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
    environment.filters["clock"] = clock
    environment.filters["iso"] = iso
    environment.filters["ago"] = lambda at: f"{duration(now() - at)} ago"
    environment.filters["left"] = lambda at: f"{duration(at - now())} left" if at > now() else "time is up"
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


def question_view(question: Question, *, carrier: str) -> dict[str, Any]:
    """One outbound, whole.

    Args:
        question: the stored outbound.
        carrier: the carrier of this console; one that waits for another carrier cannot be answered with yes here.
    """
    characters, lines = measure(question.text)
    return {
        "id": question.id,
        "channel": question.channel.value,
        "channel_words": CHANNELS[question.channel],
        "is_call": question.channel is Channel.VOICE,
        "number": question.number,
        "e164": "+" + "".join(char for char in question.number if char.isdigit()),
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
        "elsewhere": question.carrier != carrier,
        "line_type": question.line_type,
        "cost": question.cost,
        "asked_by": question.asked_by,
        "asked_at": question.asked_at,
        "expires_at": question.expires_at,
        "shown": shown(question),
    }


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
    ]
    return hashlib.sha256(json.dumps(fields).encode()).hexdigest()


def _size(question: Question, characters: int, lines: int) -> str:
    words = [f"{characters:,} character{'' if characters == 1 else 's'}"]
    if lines > 1:
        words.append(f"{lines} lines")
    if question.segments is not None:
        count = question.segments.count
        words.append(f"{count} segment{'' if count == 1 else 's'} ({question.segments.encoding})")
    return " · ".join(words)


def _media_parts(question: Question) -> tuple[str, str, str] | None:
    """The media URL, cut around its host so that the host stands out."""
    if question.media_url is None:
        return None
    start = question.media_url.lower().find(question.media_host or "", len("https://"))
    end = start + len(question.media_host or "")
    return question.media_url[:start], question.media_url[start:end], question.media_url[end:]


def outcome_view(receipt: Receipt) -> dict[str, Any]:
    """What became of an outbound."""
    tone, word = _STATUS_WORDS.get(Status(receipt.status), ("moving", receipt.status.replace("_", " ").capitalize()))
    return {
        "tone": tone,
        "word": word,
        "summary": receipt.summary,
        "level": receipt.approval,
        "level_words": _LEVELS.get(receipt.approval or ""),
        "reason": receipt.reason,
        "error": receipt.error,
        "keys": receipt.keys,
        "updated_at": datetime.fromisoformat(receipt.updated_at).timestamp(),
        "ended": Status(receipt.status).ended,
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


def clock(at: float) -> str:
    """A time as this machine's clock shows it; with its date where it is not today's."""
    local, today = datetime.fromtimestamp(at, UTC).astimezone(), datetime.now(UTC).astimezone().date()
    return local.strftime("%H:%M:%S" if local.date() == today else "%Y-%m-%d %H:%M")


def iso(at: float) -> str:
    """A time for a machine to read."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def duration(seconds: float) -> str:
    """A length of time in its one or two largest units."""
    whole = max(0, int(seconds))
    for size, unit, smaller, name in (
        (_DAY_S, "day", _HOUR_S, "h"),
        (_HOUR_S, "h", _MINUTE_S, "min"),
        (_MINUTE_S, "min", 1, "s"),
    ):
        if whole >= size:
            count, rest = divmod(whole, size)
            first = f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}"
            return first if rest < smaller else f"{first} {rest // smaller} {name}"
    return f"{whole} s"
