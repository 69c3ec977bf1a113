"""The question as a client's form shows it: rendered from the stored outbound, never from the model's words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ringback.model.moment import tell_moment
from ringback.model.outbound import Channel
from ringback.model.zones import tell_there

if TYPE_CHECKING:
    from ringback.questions import Question

_VERBS: Final = {Channel.SMS: "Text", Channel.MMS: "Text with a picture or document", Channel.VOICE: "Call"}
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "last_digits": {
            "type": "string",
            "title": "Last 4 digits of the number",
            "description": "Type them from the number shown above; wrong digits count as no",
        },
        "choice": {
            "type": "string",
            "title": "Your answer",
            "oneOf": [
                {"const": "once", "title": "Yes, this once"},
                {
                    "const": "day",
                    "title": "Yes, and trust this number for a day (20 more of this kind, short and without links)",
                },
                {"const": "no", "title": "No"},
            ],
        },
    },
    "required": ["last_digits", "choice"],
}


def words(question: Question) -> str:
    """What the person reads above the form: the number whole, the text whole."""
    call = question.channel is Channel.VOICE
    reach = "Real phones ring." if question.live else "Sandbox: nothing leaves this machine."
    lines = [
        f"{_VERBS[question.channel]}: {question.number} ({question.country}, {question.line_type})",
        f"Carrier: {question.carrier}. {reach}",
        f"Asked for by: {question.asked_by}",
        *when(question),
        "",
        "The voice says:" if call else "The text:",
        *(f"> {line}" for line in question.text.split("\n")),
        "",
    ]
    if question.live:
        lines.append(f"It may cost: {question.cost}.")
    if question.media_url is not None:
        lines.append(f"Attached, from {question.media_host}: {question.media_url}")
    if question.segments is not None:
        count = question.segments.count
        lines.append(f"{count} {'segment' if count == 1 else 'segments'}, {question.segments.encoding}.")
    act = "Schedule it" if question.send_at is not None else "Call" if call else "Send it"
    lines.append(f"{act}? Type the last 4 digits of the number and choose.")
    return "\n".join(lines)


def when(question: Question) -> list[str]:
    """When it goes out, in lines: in UTC, by this machine's clock, and by the clocks where the number is."""
    at = question.send_at
    if at is None:
        return ["When: at once, after your yes"]
    lines = [f"When: {tell_moment(at)}, not at once. Until then you can cancel it."]
    here = datetime.fromtimestamp(at, UTC).astimezone()
    if here.utcoffset():
        time = here.strftime("%H:%M:%S" if here.second else "%H:%M")
        lines.append(f"  by this machine's clock: {here:%a} {here.day} {here:%b %Y}, {time} ({_offset(here)})")
    there = tell_there(at, question.zones)
    if there:
        lines.append(f"  likely where the recipient is: {there}")
    return lines


def briefly_when(question: Question) -> str:
    """When it goes out, as a sentence."""
    if question.send_at is None:
        return "It goes out at once after your yes."
    return f"It is to go out on {tell_moment(question.send_at)}."


def _offset(moment: datetime) -> str:
    written = moment.strftime("%z")
    return f"UTC{written[:3]}:{written[3:5]}"
