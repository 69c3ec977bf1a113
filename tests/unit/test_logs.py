"""Logs hold no number and no text, whoever writes them and whatever handler takes them."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from ringback.errors import Refused
from ringback.model.numbers import PhoneNumber
from ringback_server import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = "+12025550123"
TEXT = "Heliotrope marmalade at nine"
OUTBOUND = "ob_abcdefghijklmnopqrstuvwx"
FORMS = [
    "+12025550123",
    "12025550123",
    "+1 202-555-0123",
    "(202) 555-0123",
    "+1.202.555.0123",
    "tel:+1-202-555-0123",
    "%2B12025550123",
    "%2b1%20202%20555%200123",
    "%2B1%28202%29555%2D0123",
    "to=12025550123&body=x",
    "+١٢٠٢٥٥٥٠١٢٣",
]


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Logging as `configure` sets it up, onto a stream; put back as it was afterwards."""
    root, py_warnings = logging.getLogger(), logging.getLogger("py.warnings")
    before = (logging.getLogRecordFactory(), root.handlers[:], root.level, logging.raiseExceptions)
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    caught = io.StringIO()
    logs.configure(stream=caught, level=logging.DEBUG)
    yield caught
    logging.captureWarnings(capture=False)
    py_warnings.handlers.clear()
    logging.setLogRecordFactory(before[0])
    root.handlers[:], logging.raiseExceptions = before[1], before[3]
    root.setLevel(before[2])
    sys.excepthook, threading.excepthook, sys.unraisablehook = hooks


def fail(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_logger_and_message(stream: io.StringIO) -> None:
    logging.getLogger("ringback.dispatch").warning("outbound %s: %s", OUTBOUND, "carrier_unavailable")
    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "WARNING",
        "logger": "ringback.dispatch",
        "message": f"outbound {OUTBOUND}: carrier_unavailable",
        "outbound": OUTBOUND,
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("way", ["message", "argument", "named argument"])
def test_a_number_is_masked_in_every_form_and_place(stream: io.StringIO, form: str, way: str) -> None:
    log = logging.getLogger("ringback.test")
    if way == "message":
        words = f"sent to {form} at last"
        log.warning(words)
    elif way == "argument":
        log.warning("sent to %s at last", form)
    else:
        log.warning("sent to %(to)s at last", {"to": form})
    (line,) = lines(stream)
    assert line["message"].startswith("sent to ")
    assert line["message"].endswith(" at last")
    assert sum(map(str.isdigit, line["message"])) == 0


@pytest.mark.parametrize(
    "kept",
    [
        OUTBOUND,
        "al_765432765432765432765432",
        "pk_765432765432765432765432",
        "ct_2345672345672345",
        "HTTP 429",
        "in 3600 s",
        "127.0.0.1:8422",
    ],
)
def test_ids_codes_and_ports_stay_readable(stream: io.StringIO, kept: str) -> None:
    logging.getLogger("ringback.test").warning("about %s", kept)
    assert lines(stream)[0]["message"] == f"about {kept}"


@pytest.mark.parametrize("value", [{"to": NUMBER}, [TEXT], object(), TEXT.encode(), PhoneNumber(NUMBER)])
def test_of_a_value_that_is_neither_word_nor_figure_the_type_is_told(stream: io.StringIO, value: object) -> None:
    logging.getLogger("ringback.test").warning("got %s", value)
    assert lines(stream)[0]["message"] == f"got <{type(value).__name__}>"


def test_of_an_exception_type_and_place_are_told_and_never_its_words(stream: io.StringIO) -> None:
    try:
        fail(ValueError(f"{NUMBER} {TEXT}"))
    except ValueError as error:
        logging.getLogger("ringback.test").exception("it broke: %s", error)  # noqa: TRY401 - what is tried here
    (line,) = lines(stream)
    assert (line["message"], line["exception"]) == ("it broke: ValueError", "ValueError")
    assert line["frames"][-1].startswith("test_logs.py:")
    assert "Traceback" not in stream.getvalue()
    assert TEXT not in stream.getvalue()


def test_an_error_of_ours_keeps_its_message_without_a_number(stream: io.StringIO) -> None:
    try:
        fail(Refused("not_enabled", f"Telephony is off for {NUMBER}.", hint=TEXT))
    except Refused:
        logging.getLogger("ringback.test").exception("refused")
    assert lines(stream)[0]["exception"] == "Refused: Telephony is off for •••."


def test_the_causes_of_an_exception_are_not_told(stream: io.StringIO) -> None:
    try:
        fail(RuntimeError(NUMBER), KeyError(TEXT))
    except RuntimeError:
        logging.getLogger("ringback.test").exception("it broke")
    assert TEXT not in stream.getvalue()
    assert lines(stream)[0]["exception"] == "RuntimeError"


def test_a_librarys_words_are_withheld_and_its_place_is_told(stream: io.StringIO) -> None:
    library = logging.getLogger("somelibrary.client")
    library.warning("bad request: " + TEXT)
    library.warning("dropped %r", {"body": TEXT}, extra={"body": TEXT})
    first, second = lines(stream)
    assert first["message"] == "(withheld)"
    assert first["where"].startswith("test_logs:")
    assert second["message"] == "dropped %r"
    assert TEXT not in stream.getvalue()


def test_a_logger_that_only_sounds_like_ours_is_a_librarys(stream: io.StringIO) -> None:
    logging.getLogger("ringbackish").warning(TEXT)
    assert lines(stream)[0]["message"] == "(withheld)"


def test_a_handler_of_somebody_else_gets_nothing_more(stream: io.StringIO) -> None:
    seen: list[str] = []

    class Curious(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(repr(vars(record)) + self.format(record))

    log = logging.getLogger("somelibrary.curious")
    log.addHandler(handler := Curious())
    try:
        fail(ValueError(TEXT))
    except ValueError:
        log.exception("could not send %s", TEXT, stack_info=True)
    finally:
        log.removeHandler(handler)
    assert seen
    assert TEXT not in seen[0]


def test_a_message_that_does_not_fit_its_arguments_breaks_nothing(stream: io.StringIO) -> None:
    logging.getLogger("ringback.test").warning("%d of %s", TEXT, NUMBER)
    assert lines(stream)[0]["message"] == "a message that cannot be put together"


def test_a_warning_of_a_library_is_withheld(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(TEXT, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert lines(stream)[0]["logger"] == "py.warnings"
    assert TEXT not in stream.getvalue()


def test_the_http_library_stays_quiet_below_warning(stream: io.StringIO) -> None:
    for name in ("httpx2", "httpcore2.connection"):
        logging.getLogger(name).info("HTTP Request: GET https://example.com/%s", NUMBER)
        logging.getLogger(name).debug("headers %s", NUMBER)
    assert stream.getvalue() == ""


UNCAUGHT = {
    "at the top": "raise ValueError(secret)",
    "in a thread": "import threading; t = threading.Thread(target=lambda: int(secret)); t.start(); t.join()",
    "in a finalizer": "type('T', (), {'__del__': lambda self: int(secret)})()",
    "in a task nobody asks": (
        "import asyncio, gc\n"
        "async def broken(): raise ValueError(secret)\n"
        "async def main():\n"
        "    task = asyncio.create_task(broken())\n"
        "    await asyncio.sleep(0); await asyncio.sleep(0); del task; gc.collect()\n"
        "asyncio.run(main())"
    ),
}


@pytest.mark.parametrize("where", UNCAUGHT)
def test_an_exception_that_nobody_catches_is_logged_without_its_words(where: str) -> None:
    program = f"from ringback_server import logs\nlogs.configure()\nsecret = {f'{TEXT} {NUMBER}'!r}\n{UNCAUGHT[where]}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["exception"] for line in told] == ["ValueError"]
    assert NUMBER not in done.stderr
    assert TEXT not in done.stderr
    assert done.stdout == ""


def test_configuring_twice_logs_once(stream: io.StringIO) -> None:
    logs.configure(stream=stream, level=logging.WARNING)
    logging.getLogger("ringback.test").warning("once")
    assert len(lines(stream)) == 1
