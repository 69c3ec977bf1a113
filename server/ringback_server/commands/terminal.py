"""A person at a terminal: whether one can be there, what they are shown, what they type.

A question shows a text that a model wrote. Each of its lines stands behind a bar and is cut to the terminal's width
here, so that no line of it, however long, can pass for a part of the question.
"""

from __future__ import annotations

import re
import shutil
import sys
import time
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from ringback.errors import Refused
from ringback.model.outbound import Channel
from ringback_server.commands.output import aligned, is_terminal

if TYPE_CHECKING:
    from ringback.questions import Question
    from ringback_server.commands.output import Output

KINDS: Final = {Channel.SMS: "text (SMS)", Channel.MMS: "picture or document (MMS)", Channel.VOICE: "call"}
_BAR: Final = "  | "
_NARROWEST: Final = 20
_MINUTE: Final = 60
_LAST_DIGITS: Final = re.compile(r"[0-9]{4}")


def require_terminal(output: Output) -> None:
    """Go on only where a person can be: a piped yes is no consent, and a whole number is no script's business.

    Raises:
        Refused: standard input or output is not a terminal.
    """
    streams = [sys.stdin, sys.stdout, *([sys.stderr] if output.json else [])]
    if not all(is_terminal(stream) for stream in streams):
        raise Refused(
            "no_terminal",
            "This is for a person at a terminal; standard input and output must be one.",
            hint="The person runs it in their own terminal, or answers on the page: ringback console",
        )


def ask(output: Output, prompt: str) -> str | None:
    """What the person types, without white space around it; `None` at the end of the input (Ctrl-D)."""
    stream = sys.stderr if output.json else sys.stdout
    stream.write(prompt)
    stream.flush()
    line = sys.stdin.readline()
    if not line:
        stream.write("\n")
        return None
    return line.strip()


def ask_digits(output: Output) -> str | None:
    """The last digits of the number as typed; `None` at the end of the input."""
    while True:
        typed = ask(output, "  Type the last 4 digits of the number: ")
        if typed is None or _LAST_DIGITS.fullmatch(typed):
            return typed


def drop_typeahead() -> None:
    """Forget what was typed before the question stood there: it cannot be an answer to it."""
    with suppress(ImportError, OSError):
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def question_lines(question: Question, output: Output, *, state: str = "") -> list[str]:
    """A question, whole. With `state` it waits for nobody any more: then that is said in place of when it expires."""
    reach = "REAL PHONES RING" if question.live else "nothing leaves this machine"
    segments = question.segments
    size = (
        f"{segments.count} {'segment' if segments.count == 1 else 'segments'}, {segments.encoding}" if segments else ""
    )
    number = output.style(question.number, bold=True)
    first = aligned(
        [
            ("To", f"{number}  ({question.country}, {question.line_type})"),
            ("What", KINDS[question.channel]),
            ("Carrier", f"{question.carrier} ({output.style(reach, 'red' if question.live else None)})"),
            ("Size", size),
            ("Cost", question.cost),
            ("When", _when(question.send_at) if question.send_at or not state else ""),
            ("Media", f"from {question.media_host}" if question.media_url else ""),
            ("Asked", f"{ago(time.time() - question.asked_at)} by {question.asked_by}"),
            ("Expires", "" if state else f"in {span(question.expires_at - time.time())}"),
            ("State", state),
            ("Id", question.id),
        ],
        indent="  ",
    )
    media = ["  Media URL:", *barred(question.media_url)] if question.media_url else []
    label = "The voice says:" if question.channel is Channel.VOICE else "Text:"
    return [*first, *media, f"  {label}", *barred(question.text)]


def _when(send_at: float | None) -> str:
    from ringback_server.commands.words import due

    return "at once, after a yes" if send_at is None else due(send_at)


def barred(text: str) -> list[str]:
    """The text behind a bar, cut at the terminal's width so that the terminal itself never wraps it."""
    room = max(shutil.get_terminal_size().columns - len(_BAR) - 1, _NARROWEST)
    return [f"{_BAR}{piece}" for line in text.split("\n") for piece in _cut(line, room)]


def _cut(line: str, room: int) -> list[str]:
    pieces, left = [""], room
    for char in line:
        width = _cells(char)
        if width > left:
            pieces.append("")
            left = room
        pieces[-1] += char
        left -= width
    return pieces


def _cells(char: str) -> int:
    """Columns that a terminal gives a character; in doubt more, for then a line is too short and never too long."""
    if unicodedata.combining(char):
        return 0
    return 1 if char.isascii() or unicodedata.east_asian_width(char) in {"N", "Na", "H"} else 2


def span(seconds: float) -> str:
    """A length of time in words."""
    whole = max(int(seconds), 0)
    minutes, rest = divmod(whole, _MINUTE)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def ago(seconds: float) -> str:
    """A moment in the past in words."""
    return f"{span(seconds)} ago"
