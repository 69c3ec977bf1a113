"""Logs as JSON lines on standard error, with no number, no text and no secret in them.

Redaction stands at the root: every record of the process is rewritten when it is made, whoever made it and whichever
handler takes it. Ringback's own messages are kept and numbers in them masked. What a library says is withheld, because
it may quote what it was handed; its place in the code is told instead. Of an exception its type is told and where it
was raised, and the message only where it is one of ours.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from types import TracebackType

_OURS: Final = ("ringback", "ringback_server", "ringback_prompts", "ringback_sandbox")
_NOISY: Final = ("httpx2", "httpcore2")
"""They log whole URLs at INFO and headers at DEBUG."""
_IDS: Final = {"ob": "outbound", "al": "allowance", "ct": "contact", "pk": "passkey"}
_ID: Final = r"\b(?:ob|al|ct|pk)_[a-z2-7]{16,24}\b"
_GAP: Final = r"(?:[\s().\-/]|%(?:20|28|29|2[dDeEfF])){0,3}"
_NUMBER: Final = re.compile(rf"({_ID})|(?:\+|%2[bB])?\d(?:{_GAP}\d){{6,}}")
_FRAMES: Final = 5


def masked(text: str) -> str:
    """The text with everything that reads like a telephone number hidden, plain or URL-encoded; our own ids stay."""
    return _NUMBER.sub(lambda found: found[1] or "•••", text)


def configure(*, stream: TextIO | None = None, level: int = logging.WARNING) -> None:
    """Send this process's logs to `stream` (by default standard error) as JSON lines, redacted.

    Exceptions that nobody catches are logged the same way, in place of a traceback. Safe to call again.
    """
    logging.setLogRecordFactory(_record)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # A handler's own failure would print the record's arguments.
    logging.raiseExceptions = False
    sys.excepthook = _on_uncaught
    threading.excepthook = _on_uncaught_in_thread
    sys.unraisablehook = _on_unraisable


class _Redacted(logging.LogRecord):
    """A record that holds nothing but what may be read. `where` is its place in the code, for a library's record."""

    where: str | None = None
    frames: tuple[str, ...] = ()


def _record(*arguments: Any, **named: Any) -> logging.LogRecord:
    """Make a record as `logging` would, then replace everything in it that could tell a value."""
    record = _Redacted(*arguments, **named)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.exc_text, record.frames = _told(error), _frames(error.__traceback__)
    record.msg = masked(_own_message(record) if record.name.partition(".")[0] in _OURS else _foreign_message(record))
    record.args, record.exc_info, record.stack_info = (), None, None
    return record


def _own_message(record: logging.LogRecord) -> str:
    arguments: Any = record.args
    if isinstance(arguments, dict):
        arguments = _Named({key: _argument(value) for key, value in arguments.items()})
    elif arguments:
        arguments = tuple(_argument(value) for value in arguments)
    try:
        return str(record.msg) % arguments if arguments else str(record.msg)
    except (TypeError, ValueError, KeyError):
        return "a message that cannot be put together"


class _Named(dict[str, object]):
    """Arguments by name. Asked for as one value, they are told as any other value is: by their type."""

    def __repr__(self) -> str:
        return "<dict>"


def _argument(value: object) -> object:
    """A value as a log may show it: words and figures, our errors, of anything else its type."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, BaseException):
        return _told(value)
    return f"<{type(value).__name__}>"


def _foreign_message(record: _Redacted) -> str:
    """A library's words only where they cannot hold a value: a template whose values stand apart."""
    record.where = f"{record.module}:{record.lineno}"
    return str(record.msg) if record.args else "(withheld)"


def _told(error: BaseException) -> str:
    kind = type(error).__name__
    return f"{kind}: {masked(error.message)}" if isinstance(error, RingbackError) else kind


def _frames(trace: TracebackType | None) -> tuple[str, ...]:
    """The innermost places that an exception passed, outermost first."""
    places = []
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return tuple(places[-_FRAMES:])


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": message,
        }
        line.update({_IDS[found[:2]]: found for found in re.findall(_ID, message)})
        if isinstance(record, _Redacted) and record.where:
            line["where"] = record.where
        if record.exc_text:
            line["exception"] = record.exc_text
        if isinstance(record, _Redacted) and record.frames:
            line["frames"] = list(record.frames)
        return json.dumps(line)


def _log_uncaught(error: BaseException | None, words: str) -> None:
    logging.getLogger(__name__).critical(words, exc_info=error)


def _on_uncaught(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
    _log_uncaught(error, "this process ends on an exception that nobody caught")


def _on_uncaught_in_thread(told: threading.ExceptHookArgs) -> None:
    _log_uncaught(told.exc_value, "a thread ended on an exception that nobody caught")


def _on_unraisable(told: sys.UnraisableHookArgs) -> None:
    _log_uncaught(told.exc_value, "an exception was raised where none can be")
