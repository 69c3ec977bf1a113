"""What Twilio tells by itself: signed form posts for statuses, pressed keys and texts, and its list of texts."""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from ringback.carriers.twilio_wire import (
    CALL_SID,
    MESSAGE_SID,
    answerer,
    failure,
    keys,
    moment,
    recording,
    seconds,
    status_of,
    usable_sid,
)
from ringback.errors import CallbackRejected
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.outbound import Report
from ringback.model.status import Status
from ringback.model.text import encodable

if TYPE_CHECKING:
    from ringback.model.news import CallbackRequest, News

_MOST_FIELDS: Final = 500
_CURSOR = re.compile(r"([0-9]{1,11}):([0-9a-f.]*)", re.ASCII)
_TAIL: Final = 12
_MOST_SEEN: Final = 500
OVERLAP_S: Final = 60.0
"""So far back a list is read again: a text can appear in it a little after a later one."""


class TwilioCallbacks:
    """Reads what Twilio posts to `RINGBACK_PUBLIC_URL`/webhooks/twilio.

    The signature is over that address and the fields, with the account's token. It holds no time, so an old post can
    be sent again by whoever saw it: a status only moves forward, and a text is kept once, so that changes nothing.
    """

    answer = ("text/xml", b"<Response/>")
    """No verbs: nothing is written back, and a call that has asked its question ends."""

    def __init__(self, account_sid: str, token: str) -> None:
        self._account_sid = account_sid
        self._token = token.encode()

    def read(self, request: CallbackRequest, *, secret: bytes, now: float) -> tuple[News, ...]:
        """Verify, then parse. A post of a kind that is not known tells nothing.

        Raises:
            CallbackRejected: the signature is not right, or the post tells of nothing that has a SID.
        """
        del secret  # Twilio signs with the account's token and takes no other secret
        fields = self._verified(request)
        if "CallSid" in fields:
            return (_call(fields),)
        if "MessageSid" not in fields:
            return ()
        sid = usable_sid(fields["MessageSid"], MESSAGE_SID, fields.get("To", ""))
        if sid is None:
            raise _without_sid()
        if "MessageStatus" in fields:
            error = failure(fields.get("ErrorCode"), fields.get("ErrorMessage"))
            return (StatusNews(sid, Report(status_of(fields["MessageStatus"]), error=error)),)
        if "From" in fields and "Body" in fields:
            return (ReceivedText(sid, fields["From"], fields["Body"], now),)
        return ()

    def _verified(self, request: CallbackRequest) -> dict[str, str]:
        """The fields of a post that the account's token signed."""
        try:
            text = request.body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise CallbackRejected("The callback's body is no form.", hint="Check what is sent there.") from None
        # A field that comes twice is signed with each of its values once, in order.
        signed = request.url + "".join(name + value for name, value in sorted(set(pairs)))
        expected = base64.b64encode(hmac.digest(self._token, signed.encode(), "sha1"))
        given = request.headers.get("x-twilio-signature", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, expected):
            raise CallbackRejected(
                "The callback's signature is missing or not Twilio's.",
                hint="Check TWILIO_AUTH_TOKEN, and that RINGBACK_PUBLIC_URL is exactly the address that Twilio calls.",
            )
        fields = dict(pairs)
        if fields.get("AccountSid") != self._account_sid:
            raise CallbackRejected("The callback is of another account.", hint="Check TWILIO_ACCOUNT_SID.")
        return fields


def _call(fields: dict[str, str]) -> StatusNews:
    """A call's progress, the keys that its Gather heard, or who took it."""
    sid = usable_sid(fields["CallSid"], CALL_SID, fields.get("To", ""))
    if sid is None:
        raise _without_sid()
    # What the machine detection posts has no status; it is about a call that was answered.
    detected = "AnsweredBy" in fields and "CallStatus" not in fields
    report = Report(
        Status.IN_PROGRESS if detected else status_of(fields.get("CallStatus")),
        duration_s=seconds(fields.get("CallDuration")),
        recording_url=recording(fields.get("RecordingUrl")),
        keys=keys(fields.get("Digits")),
        answered_by=answerer(fields.get("AnsweredBy")),
    )
    return StatusNews(sid, report)


def _without_sid() -> CallbackRejected:
    return CallbackRejected("The callback tells of nothing that has a SID.", hint="Check what is sent there.")


class Reading:
    """Takes the received texts out of the pages of the list of messages, newest first, and makes the next cursor.

    The cursor is the time of the newest message of either direction, and the ends of the SIDs that were given from
    the minute before it.
    """

    def __init__(self, cursor: str | None, since: float) -> None:
        match = _CURSOR.fullmatch(cursor or "")
        self._newest = float(match[1]) if match else None
        self._seen = frozenset(match[2].split(".")) if match else frozenset[str]()
        self._floor = since if self._newest is None else self._newest - OVERLAP_S
        self._found: dict[str, ReceivedText] = {}
        self._near: list[tuple[float, str]] = []

    def take(self, rows: list[Any]) -> bool:
        """Read one page; whether the next one may hold something new."""
        reached = False
        for row in rows:
            times = [moment(row.get(name)) for name in ("date_sent", "date_created")] if isinstance(row, dict) else []
            at = next((time.timestamp() for time in times if time is not None), None)
            if at is None:
                continue
            reached = at >= self._floor
            if reached:
                self._newest = max(self._newest or 0.0, at)
                self._keep(row, at)
        return reached

    def _keep(self, row: dict[str, Any], at: float) -> None:
        sid, sender, body = usable_sid(row.get("sid"), MESSAGE_SID), row.get("from"), row.get("body")
        if row.get("direction") != "inbound" or sid is None or not isinstance(sender, str) or not sender:
            return
        self._near.append((at, sid[-_TAIL:]))
        if sid[-_TAIL:] not in self._seen:
            words = encodable(body) if isinstance(body, str) else ""
            self._found[sid] = ReceivedText(sid, encodable(sender), words, at)

    @property
    def texts(self) -> tuple[ReceivedText, ...]:
        """The new texts, oldest first."""
        found = list(self._found.values())
        found.reverse()
        return tuple(sorted(found, key=lambda text: text.sent_at))

    @property
    def cursor(self) -> str | None:
        """What asks for what comes after them; `None` while there was no message at all."""
        if self._newest is None:
            return None
        newest = self._newest
        near = [tail for at, tail in self._near if at >= newest - OVERLAP_S]
        return f"{int(newest)}:{'.'.join(near[:_MOST_SEEN])}"
