"""Twilio's words: statuses, error codes, resources as JSON, and TwiML."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.http import carrier_words
from ringback.errors import (
    CarrierAuthenticationFailed,
    CarrierError,
    CarrierNotEnabled,
    CarrierOptedOut,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnreadable,
)
from ringback.model.outbound import CarrierItem, Channel, Report
from ringback.model.status import Status

if TYPE_CHECKING:
    from datetime import datetime

STATUSES: Final = {
    "accepted": Status.ACCEPTED,
    "scheduled": Status.QUEUED,
    "queued": Status.QUEUED,
    "initiated": Status.QUEUED,
    "sending": Status.QUEUED,
    "sent": Status.SENT,
    "partially_delivered": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
    "undelivered": Status.UNDELIVERED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
    "ringing": Status.RINGING,
    "in-progress": Status.IN_PROGRESS,
    "completed": Status.COMPLETED,
    "busy": Status.BUSY,
    "no-answer": Status.NO_ANSWER,
    "receiving": Status.UNKNOWN,
    "received": Status.UNKNOWN,
}
"""Messages and calls. The last two are a received message's: of one that we sent they tell nothing."""

REFUSALS: Final = {
    12100: ("Twilio cannot read the call's TwiML.", "Change the prompt."),
    21211: ("Twilio says that the recipient's number is not a valid one.", "Check the number with the person."),
    21214: ("Twilio cannot reach the number that was to be called.", "Check the number with the person."),
    21215: ("The Twilio account may not call this country.", "Turn on the country in the voice geo permissions."),
    21216: ("The Twilio account may not call this number.", "Ask Twilio why the number is blocked."),
    21217: ("Twilio says that the recipient's number is not a valid one.", "Check the number with the person."),
    21408: ("The Twilio account may not text this country.", "Turn on the country in the messaging geo permissions."),
    21606: ("The agent's number cannot send this at Twilio.", "Check TWILIO_FROM_NUMBER and what the number can do."),
    21608: ("A trial account of Twilio texts verified numbers alone.", "Verify the number there, or upgrade."),
    21610: ("The recipient opted out at the carrier, by writing STOP.", "Do not text them. Their START ends it."),
    21612: ("Twilio has no way from the agent's number to this one.", "Use another sender, or another channel."),
    21614: ("The recipient's number is no mobile number, so it takes no texts.", "Call instead."),
    21617: ("The text is longer than Twilio takes.", "Shorten it."),
    21620: ("Twilio does not take the media URL.", "Give an https:// URL that anybody can fetch."),
    21626: ("Twilio does not take a field of the request.", "Look at the detail."),
    21701: ("The messaging service does not exist at Twilio.", "Check TWILIO_MESSAGING_SERVICE_SID."),
}
"""Codes with which Twilio refuses a request before anything leaves: what is wrong, and what to do."""

FAILURES: Final = {
    21610: "the recipient opted out at the carrier",
    30003: "the handset cannot be reached",
    30004: "the message was blocked",
    30005: "the number is unknown or no longer in use",
    30006: "a landline, or a carrier that cannot be reached",
    30007: "filtered by the carrier",
    30008: "an unknown error",
}
"""Codes of messages that did not arrive, for where Twilio gives no words of its own."""

ANSWERERS: Final = {
    "human": "person",
    "machine_start": "voicemail",
    "machine_end_beep": "voicemail",
    "machine_end_silence": "voicemail",
    "machine_end_other": "voicemail",
    "fax": "machine",
}
"""Who took a call, by the machine detection. Its `unknown` tells nothing."""

_AUTHENTICATION, _INACTIVE, _TOO_MANY, _OPTED_OUT = 20003, 20005, 20429, 21610
MESSAGE_SID: Final = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
CALL_SID: Final = re.compile(r"CA[0-9a-f]{32}")
_RECORDING = re.compile(
    r"https://[a-z0-9.-]+\.twilio\.com/2010-04-01/Accounts/AC[0-9a-f]{32}/Recordings/RE[0-9a-f]{32}"
)
_KEYS = re.compile(r"[0-9*#]{1,128}")
_SECONDS = re.compile(r"[0-9]{1,5}", re.ASCII)
_CODE = re.compile(r"[0-9]{1,6}", re.ASCII)
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LONGEST_TWIML = 4000
_TRIAL = "Sent from your Twilio trial account - "
_OUTBOUND = ("outbound-api", "outbound-reply", "outbound-call")


def told(error: CarrierError) -> CarrierError:
    """The error that Twilio's own code stands for. What is in doubt stays in doubt, whatever code came with it."""
    code = error.service_code
    if code is None or not isinstance(
        error, CarrierRejected | CarrierAuthenticationFailed | CarrierNotEnabled | CarrierRateLimited
    ):
        return error
    detail = f"{code}: {error.detail}"
    if code == _AUTHENTICATION:
        return CarrierAuthenticationFailed(
            "Twilio does not accept the credentials (error 20003).",
            hint="Check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.",
            detail=detail,
        )
    if code == _INACTIVE:
        return CarrierNotEnabled(
            "The Twilio account is not active (error 20005).", hint="Look at its console.", detail=detail
        )
    if code == _TOO_MANY or isinstance(error, CarrierRateLimited):
        retry_after = error.retry_after if isinstance(error, CarrierRateLimited) else None
        return CarrierRateLimited(
            f"Twilio asks to slow down (error {code}).",
            hint="Wait before sending more.",
            detail=detail,
            retry_after=retry_after,
        )
    if not isinstance(error, CarrierRejected):
        return error
    message, hint = REFUSALS.get(code, ("Twilio rejected the request.", "Look its error up at twilio.com/docs/errors."))
    kind = CarrierOptedOut if code == _OPTED_OUT else CarrierRejected
    return kind(f"{message} (error {code})", hint=hint, detail=detail)


def twiml(text: str, action: str | None) -> str:
    """The document that says the text, exactly; with an action the keys that are pressed are posted there.

    Raises:
        CarrierRejected: XML cannot hold the text, or it is longer than Twilio takes. Nothing was sent.
    """
    if _NO_XML.search(text):
        raise CarrierRejected(
            "The prompt has characters that cannot be spoken, and that TwiML cannot hold.", hint="Leave them out."
        )
    said = f"<Say>{_escaped(text)}</Say>"
    if action is not None:
        # No key ends it: a person may be asked to press # or *. A silence of 5 s does.
        said = (
            f'<Gather input="dtmf" finishOnKey="" timeout="5" action="{_escaped(action)}" method="POST">{said}</Gather>'
        )
    document = f"<Response>{said}</Response>"
    if len(document) > _LONGEST_TWIML:
        raise CarrierRejected(
            f"The prompt makes {len(document)} characters of TwiML; Twilio takes {_LONGEST_TWIML}.", hint="Shorten it."
        )
    return document


def _escaped(text: str) -> str:
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("\r", "&#13;")):
        text = text.replace(char, entity)
    return text


def as_object(answer: Any) -> dict[str, Any]:
    """The answer as an object.

    Raises:
        CarrierUnreadable: it is none.
    """
    if not isinstance(answer, dict):
        raise CarrierUnreadable("Twilio answered with JSON that is not an object.")
    return answer


def usable_sid(sid: object, form: re.Pattern[str], to: str = "") -> str | None:
    """The SID if it has its form and does not tell the number."""
    if not isinstance(sid, str) or not form.fullmatch(sid) or (to and to.lstrip("+") in sid):
        return None
    return sid


def status_of(word: object) -> Status:
    """The status that a word stands for; unknown for a word that Twilio does not document."""
    return STATUSES.get(word, Status.UNKNOWN) if isinstance(word, str) else Status.UNKNOWN


def failure(code: object, words: object = None) -> str | None:
    """Why a message did not arrive, from its code and Twilio's words for it."""
    number = str(code) if isinstance(code, int | str) and not isinstance(code, bool) else ""
    if not _CODE.fullmatch(number):
        return None
    meaning = carrier_words(words) if isinstance(words, str) and words else FAILURES.get(int(number), "")
    return f"{number}: {meaning}" if meaning else number


def read_message(item: dict[str, Any]) -> Report:
    """What a message's own resource tells. When it was delivered is not in it."""
    return Report(status_of(item.get("status")), error=failure(item.get("error_code"), item.get("error_message")))


def read_call(item: dict[str, Any]) -> Report:
    """What a call's own resource tells. The keys that were pressed are not in it."""
    return Report(
        status_of(item.get("status")),
        duration_s=seconds(item.get("duration")),
        answered_by=answerer(item.get("answered_by")),
    )


def answerer(word: object) -> str | None:
    """Who took a call; `None` where the detection could not tell, or was not finished."""
    return ANSWERERS.get(word) if isinstance(word, str) else None


def seconds(value: object) -> float | None:
    """A number of seconds as Twilio writes it, in a text."""
    return float(value) if isinstance(value, str) and _SECONDS.fullmatch(value) else None


def keys(value: object) -> str | None:
    """Pressed keys."""
    return value if isinstance(value, str) and _KEYS.fullmatch(value) else None


def recording(value: object) -> str | None:
    """A recording's address at Twilio, which tells SIDs alone; nothing else is passed on."""
    return value if isinstance(value, str) and _RECORDING.fullmatch(value) else None


def moment(value: object) -> datetime | None:
    """A time as Twilio writes it, by RFC 2822."""
    try:
        parsed = parsedate_to_datetime(value) if isinstance(value, str) else None
        if parsed is None or parsed.tzinfo is None:
            return None
        parsed.timestamp()
    except (ValueError, OverflowError):
        return None
    return parsed


def capabilities(able: object) -> frozenset[Channel]:
    """What a number can do."""
    return frozenset(channel for channel in Channel if isinstance(able, dict) and able.get(channel.value) is True)


def read_item(row: Any, *, call: bool) -> CarrierItem | None:
    """A row of the history; `None` for a received one, and for one that cannot be told."""
    if not isinstance(row, dict) or row.get("direction") not in _OUTBOUND:
        return None
    to, created, body = row.get("to"), moment(row.get("date_created")), row.get("body")
    sid = usable_sid(row.get("sid"), CALL_SID if call else MESSAGE_SID, to if isinstance(to, str) else "")
    if sid is None or not isinstance(to, str) or created is None:
        return None
    if call:
        return CarrierItem(sid, Channel.VOICE, to, status_of(row.get("status")), created.isoformat())
    channel = Channel.SMS if row.get("num_media") in {"0", None} else Channel.MMS
    text = body.removeprefix(_TRIAL) if isinstance(body, str) else None
    return CarrierItem(sid, channel, to, status_of(row.get("status")), created.isoformat(), text)
