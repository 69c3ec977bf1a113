"""What a form asks Twilio to send, and Twilio's own words for what is wrong with it."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ringback_sandbox.carrier import E164, Submission

from .twiml import TwimlError, parse

if TYPE_CHECKING:
    from .twilio_stops import OptOuts

_LONGEST_BODY, _LONGEST_TWIML, _LONGEST_URL, _MOST_MEDIA = 1_600, 4_000, 2_048, 10
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_STEPS = {"initiated", "ringing", "answered", "completed"}

# The numbers that Twilio documents for its test credentials, and what each is for.
_TEST_MESSAGES = {
    "+15005550001": (21211, "The 'To' number +15005550001 is not a valid phone number."),
    "+15005550002": (21612, "The 'To' phone number +15005550002 is not currently reachable via SMS."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region of +15005550003."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number: +15005550009, is not a valid mobile number"),
}
_TEST_CALLS = {
    "+15005550001": (21217, "Phone number +15005550001 does not appear to be valid."),
    "+15005550002": (21214, "'To' phone number cannot be reached."),
    "+15005550003": (21215, "Account not authorized to call +15005550003."),
    "+15005550004": (21216, "Account not allowed to call +15005550004."),
}


class ProblemError(ValueError):
    """A send that Twilio refuses: its code, and its words as the text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


_Form = dict[str, list[str]]


def read_message(form: _Form, account: str, line: str, opt_outs: "OptOuts") -> Submission:
    """The message that a form asks for.

    Raises:
        ProblemError: something in it is missing or wrong.
    """
    to, sender, service = _one(form, "To"), _one(form, "From"), _one(form, "MessagingServiceSid")
    if not to:
        raise ProblemError(21604, "A 'To' phone number is required.")
    _check_to(to, _TEST_MESSAGES)
    if not sender and not service:
        raise ProblemError(21603, "A 'From' phone number is required.")
    if service and not _SERVICE.fullmatch(service):
        raise ProblemError(21701, "The Messaging Service does not exist.")
    if sender and not service and sender != line:
        raise ProblemError(21606, f"The 'From' phone number {sender} is not a valid, message-capable Twilio number.")
    body, media = _one(form, "Body"), form.get("MediaUrl", [])
    if not body.strip() and not media:
        raise ProblemError(21602, "Message body is required.")
    if len(body) > _LONGEST_BODY:
        raise ProblemError(21617, "The concatenated message body exceeds the 1600 character limit.")
    if len(media) > _MOST_MEDIA:
        raise ProblemError(21623, "Number of media files exceeds allowed limit.")
    if not all(_is_url(url) for url in media):
        raise ProblemError(21620, "Invalid media URL(s)")
    if to in opt_outs:
        raise ProblemError(21610, "Attempt to send to unsubscribed recipient")
    tag = {"account": account, "service": service or None, "callback": _callback(form)}
    # The handset shows the first of several pictures.
    return Submission("mms", to, body, media[0], tag) if media else Submission("sms", to, body, None, tag)


def read_call(form: _Form, account: str, line: str) -> Submission:
    """The call that a form asks for.

    Raises:
        ProblemError: something in it is missing or wrong.
    """
    to, sender = _one(form, "To"), _one(form, "From")
    if not to:
        raise ProblemError(21201, "No 'To' number is specified")
    _check_to(to, _TEST_CALLS)
    if not sender:
        raise ProblemError(21213, "'From' phone number is required.")
    if sender != line:
        raise ProblemError(21210, f"'From' phone number not verified: {sender}")
    document = _one(form, "Twiml")
    if not document:
        raise ProblemError(21205, "Url is not a valid URL. The sandbox fetches none: give Twiml.")
    if len(document) > _LONGEST_TWIML:
        raise ProblemError(21626, "The Twiml is longer than 4000 characters.")
    try:
        twiml = parse(document)
    except TwimlError as error:
        raise ProblemError(12100, f"Document parse failure: {error}") from None
    steps = [step for given in form.get("StatusCallbackEvent", ["completed"]) for step in given.split()]
    if not set(steps) <= _STEPS:
        raise ProblemError(21626, "StatusCallbackEvent is none of initiated, ringing, answered, completed.")
    tag: dict[str, Any] = {"account": account, "callback": _callback(form), "events": steps, "gather": None}
    tag |= _detection(form)
    if (gather := twiml.gather) is not None:
        names = ("action", "num_digits", "finish_on_key", "timeout_s")
        tag["gather"] = {name: getattr(gather, name) for name in names}
    return Submission("voice", to, twiml.said, None, tag)


def _detection(form: _Form) -> dict[str, Any]:
    """Whether a machine is to be told from a person, and who is told of it while the call goes on."""
    wanted = _one(form, "MachineDetection") or None
    if wanted not in {None, "Enable", "DetectMessageEnd"}:
        raise ProblemError(21626, "MachineDetection is neither Enable nor DetectMessageEnd.")
    in_background = _one(form, "AsyncAmd").lower() == "true"
    told = _callback(form, "AsyncAmdStatusCallback") if wanted and in_background else None
    return {"detection": wanted, "in_background": in_background, "detected": told}


def _one(form: _Form, name: str) -> str:
    return form.get(name, [""])[-1]


def _check_to(to: str, tests: dict[str, tuple[int, str]]) -> None:
    if to in tests:
        raise ProblemError(*tests[to])
    if not E164.fullmatch(to):
        raise ProblemError(21211, f"The 'To' number {to[:40]} is not a valid phone number.")


def _callback(form: _Form, name: str = "StatusCallback") -> str | None:
    url = _one(form, name)
    if url and not _is_url(url):
        raise ProblemError(21609, f"The '{name}' URL is not a valid URL.")
    return url or None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and len(text) <= _LONGEST_URL
    except ValueError:
        return False
    return good and re.fullmatch(r"[!-~]+", text) is not None
