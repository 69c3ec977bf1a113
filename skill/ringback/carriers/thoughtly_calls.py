"""What Thoughtly tells of calls: rows of its list of responses, and finished-call webhooks in both of its forms."""

from __future__ import annotations

import base64
import hmac
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.checks import is_usable_id
from ringback.carriers.http import carrier_words
from ringback.errors import CallbackRejected, CarrierUnreadable
from ringback.model.news import StatusNews
from ringback.model.outbound import CarrierItem, Channel, Report
from ringback.model.status import Status
from ringback.model.text import encodable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.model.news import CallbackRequest, News

STATUSES: Final = {
    "queued": Status.QUEUED,
    "pending": Status.QUEUED,
    "initiated": Status.QUEUED,
    "ringing": Status.RINGING,
    "in_progress": Status.IN_PROGRESS,
    "success": Status.COMPLETED,
    "completed": Status.COMPLETED,
    "voicemail": Status.NO_ANSWER,
    "no_answer": Status.NO_ANSWER,
    "busy": Status.BUSY,
    "failure": Status.FAILED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELLED,
    "cancelled": Status.CANCELLED,
}
"""`success`, `failure`, `voicemail` and `queued` are documented; the rest are the words that calls usually have."""
FINISHED: Final = "NEW_RESPONSE"
"""The type of webhook that tells of a finished call."""

_VOICEMAIL: Final = "voicemail"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
_LONGEST_CALL_S = 86_400.0
_LONGEST_TRANSCRIPT = 16_000
_LONGEST_URL = 2_048
_MOST_VARIABLES = 50
_LONGEST_NAME = 64
_MOST_TURNS = 1_000
_LARGEST = 1e15


def id_of(row: Any) -> str | None:
    """The row's own id, where it is one that can be kept and given back."""
    value = row.get("id") if isinstance(row, dict) else None
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def call_id_of(row: Any) -> str | None:
    """The call's id; it stands under one of two names."""
    if isinstance(row, dict) and "call_id" in row:
        return id_of({"id": row["call_id"]})
    return id_of(row)


def status_of(word: object) -> Status:
    """A status by the table; a word that is not in it is `unknown`."""
    return STATUSES.get(_said(word), Status.UNKNOWN)


def _said(word: object) -> str:
    return re.sub(r"[\s-]", "_", word.strip().lower()) if isinstance(word, str) else ""


def _unsaid_status(row: dict[str, Any]) -> str | None:
    """The shorter form has no status: it tells of calls that are over, and of one with a duration that it was taken."""
    if _said(row.get("outcome")) == _VOICEMAIL:
        return _VOICEMAIL
    return "completed" if _seconds(row.get("duration_seconds", row.get("duration"))) else None


def read_report(row: dict[str, Any]) -> Report:
    """What a call's own description tells."""
    error = row.get("error")
    return Report(
        status=status_of(row.get("status")),
        error=carrier_words(error) or None if isinstance(error, str) else None,
        duration_s=_seconds(row.get("duration_seconds", row.get("duration"))),
        recording_url=_recording(row.get("recording_url")),
        outcome=_outcome(row),
        transcript=_transcript(row.get("transcript")),
        variables=_variables(row.get("variables"), row.get("custom_fields")),
        answered_by=_VOICEMAIL if _VOICEMAIL in {_said(row.get("status")), _said(row.get("outcome"))} else None,
    )


def read_item(row: dict[str, Any], numbers: Mapping[str, str]) -> CarrierItem | None:
    """A row of the list as an entry of the history; `None` where it is no outgoing call to a number that is known.

    Args:
        row: the call.
        numbers: those of the contacts that were called from here, by the contact's id.
    """
    contact = row.get("contact") if isinstance(row.get("contact"), dict) else {}
    assert isinstance(contact, dict)
    to = row.get("phone_number") or contact.get("phone_number") or numbers.get(str(row.get("contact_id")))
    carrier_id, created_at = call_id_of(row), row.get("created_at") or row.get("started_at")
    if carrier_id is None or not isinstance(to, str) or not _is_outgoing(row) or not is_usable_id(carrier_id, to):
        return None
    given = row.get("metadata")
    text = given.get("prompt") if isinstance(given, dict) else None
    return CarrierItem(
        carrier_id,
        Channel.VOICE,
        encodable(to),
        status_of(row.get("status")),
        _time(created_at),
        text if isinstance(text, str) else None,
    )


def told_path(secret: bytes) -> str:
    """The part of a webhook's path that nobody can guess."""
    return base64.urlsafe_b64encode(hmac.digest(secret, b"webhook path", "sha256")).decode().rstrip("=")


class ThoughtlyCallbacks:
    """Finished calls. Nothing signs them: they are taken at a path that only Thoughtly was told, and read back."""

    def __init__(self, agent_id: str) -> None:
        self._agent_id = agent_id

    def read(self, request: CallbackRequest, *, secret: bytes, now: float) -> tuple[News, ...]:
        """Compare the path, then parse. A call of another agent, or one that came in, tells nothing.

        Raises:
            CallbackRejected: the path is not the one that Thoughtly was told, or the body is in neither form.
        """
        del now
        if not hmac.compare_digest(request.token.encode(), told_path(secret).encode()):
            raise CallbackRejected(
                "The callback did not come to the path that Thoughtly was told.",
                hint="Tell it anew: ringback carrier subscribe",
            )
        row = _flat(_body(request.body))
        carrier_id = call_id_of(row)
        if carrier_id is None:
            raise CallbackRejected("The callback tells of no call with an id.", hint="Check what is sent there.")
        agents = {row[name] for name in ("interview_id", "agent_id") if isinstance(row.get(name), str)}
        if agents - {self._agent_id} or not _is_outgoing(row):
            return ()
        if "status" not in row:
            row["status"] = _unsaid_status(row)
        return (StatusNews(carrier_id, read_report(row), proven=False),)


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise CallbackRejected("The callback's body is no JSON object.", hint="Check what is sent there.")
    return body


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """Both forms as one row: `call` with transcript and custom fields beside it, or all of it on one level."""
    if body.get("event", FINISHED) != FINISHED:
        raise CallbackRejected("The callback tells of something else than a finished call.", hint="Subscribe anew.")
    call = body.get("call")
    if not isinstance(call, dict):
        return {name: value for name, value in body.items() if name != "id"}
    beside = {name: body[name] for name in ("transcript", "custom_fields", "variables") if name in body}
    return {**call, **beside}


def data_of(answer: Any) -> Any:
    """What an answer holds: bare, or inside `{"data": …, "error": null}`.

    Raises:
        CarrierUnreadable: it holds an error although its status says otherwise.
    """
    if not isinstance(answer, dict) or "data" not in answer:
        return answer
    if answer.get("error"):
        raise CarrierUnreadable("The carrier answered with success and an error at once.")
    return answer["data"]


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list, which may stand under a name of its own.

    Raises:
        CarrierUnreadable: there is no list.
    """
    data = data_of(answer)
    if isinstance(data, dict):
        lists = [value for value in data.values() if isinstance(value, list)]
        data = lists[0] if len(lists) == 1 else None
    if not isinstance(data, list):
        raise CarrierUnreadable("The carrier's list is not a list.")
    return [row for row in data if isinstance(row, dict)]


def _is_outgoing(row: dict[str, Any]) -> bool:
    direction = row.get("direction")
    return direction is None or direction == "outbound"


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_CALL_S:
        return None
    return float(value)


def _recording(value: object) -> str | None:
    usable = isinstance(value, str) and value.startswith("https://") and value.isascii() and value.isprintable()
    return value if usable and isinstance(value, str) and len(value) <= _LONGEST_URL else None


def _time(value: object) -> str:
    try:
        return datetime.fromisoformat(value).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def _outcome(row: dict[str, Any]) -> str | None:
    """How it went; a mailbox that answered is told by its status alone."""
    word = row.get("outcome")
    if not word and _said(row.get("status")) == _VOICEMAIL:
        word = _VOICEMAIL
    return carrier_words(word) or None if isinstance(word, str) else None


def _transcript(value: object) -> str | None:
    """A turn a line: who spoke, and what they said on one line, so that no turn can pass for another one's."""
    if isinstance(value, str):
        return encodable(value[:_LONGEST_TRANSCRIPT]) or None
    turns = [turn for turn in value[:_MOST_TURNS] if isinstance(turn, dict)] if isinstance(value, list) else []
    lines = [line for turn in turns if (line := _turn(turn)) is not None]
    return encodable("\n".join(lines)[:_LONGEST_TRANSCRIPT]) or None


def _turn(turn: dict[str, Any]) -> str | None:
    said, speaker = turn.get("transcript"), turn.get("speaker")
    if not isinstance(said, str) or not said.strip():
        return None
    return f"{speaker if speaker in ('ai', 'user') else 'somebody'}: {' '.join(said.split())}"


def _variables(*given: object) -> dict[str, str] | None:
    """What was noted down, as words; numbers are masked, because one of them is usually the recipient's."""
    pairs = [pair for each in given if isinstance(each, dict) for pair in each.items()]
    known = {
        carrier_words(name)[:_LONGEST_NAME]: carrier_words(_word(value))
        for name, value in pairs[:_MOST_VARIABLES]
        if isinstance(name, str) and isinstance(value, str | int | float)
    }
    return {name: value for name, value in known.items() if name and value} or None


def _word(value: str | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value) if abs(value) < _LARGEST else ""
