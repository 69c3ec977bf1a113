"""Twilio's JSON: messages, calls, numbers, the account, pages of them, and errors."""

import hashlib
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ringback_sandbox.http import JSONAnswer
from ringback_sandbox.model import DELIVERED_AFTER_MS, SENT_AFTER_MS, Call, Item, Message, Reply

if TYPE_CHECKING:
    from starlette.responses import Response

    from ringback_sandbox.model import Outbound

API = "/2010-04-01"
# A SID has 32 hexadecimal digits: these twelve, and the twenty of the sandbox's own id.
_FILL = "5a9d0c0b0e1f"
_SID = re.compile(rf"(SM|MM|CA){_FILL}([0-9a-f]{{20}})")
_KINDS = {"SM": ("msg_", "rpl_"), "MM": ("msg_",), "CA": ("call_",)}
_GSM_ONE, _GSM_PART, _UCS_ONE, _UCS_PART = 160, 153, 70, 67

UNREACHABLE = (30003, "Unreachable destination handset")
UNKNOWN_ERROR = (30008, "Unknown error")


def sid_of(item: Item) -> str:
    """The SID of an item."""
    prefix = "CA" if isinstance(item, Call) else "MM" if isinstance(item, Message) and item.type == "mms" else "SM"
    return f"{prefix}{_FILL}{item.id.partition('_')[2]}"


def ids_of(sid: str) -> tuple[str, ...]:
    """The sandbox's own ids that a SID can stand for; none for a SID that it never gave."""
    match = _SID.fullmatch(sid)
    return tuple(kind + match[2] for kind in _KINDS[match[1]]) if match else ()


def number_sid(line: str) -> str:
    """The SID of the carrier's own number."""
    return "PN" + hashlib.sha256(line.encode()).hexdigest()[:32]


def rfc2822(ms: int | None) -> str | None:
    """A moment as Twilio writes it: Thu, 30 Jul 2015 20:12:31 +0000."""
    return None if ms is None else format_datetime(datetime.fromtimestamp(ms // 1000, UTC))


def error(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> "Response":
    """An error in Twilio's form."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return JSONAnswer({"code": code, "message": message, "more_info": more, "status": status}, status, headers)


def account(sid: str, *, active: bool) -> dict[str, Any]:
    """The account, which is always there."""
    made = rfc2822(0)
    parts = ("Calls", "IncomingPhoneNumbers", "Messages")
    return {
        "date_created": made,
        "date_updated": made,
        "friendly_name": "The sandbox",
        "owner_account_sid": sid,
        "sid": sid,
        "status": "active" if active else "suspended",
        "subresource_uris": {part.lower(): f"{API}/Accounts/{sid}/{part}.json" for part in parts},
        "type": "Full",
        "uri": f"{API}/Accounts/{sid}.json",
    }


def number(sid: str, line: str, kept: dict[str, Any]) -> dict[str, Any]:
    """The carrier's own number, as one of the account."""
    own = number_sid(line)
    return {
        "account_sid": sid,
        "api_version": "2010-04-01",
        "beta": False,
        "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
        "date_created": rfc2822(0),
        "date_updated": rfc2822(0),
        "friendly_name": line,
        "phone_number": line,
        "sid": own,
        "sms_application_sid": "",
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": kept.get("sms_url", ""),
        "status_callback": "",
        "status_callback_method": "POST",
        "uri": f"{API}/Accounts/{sid}/IncomingPhoneNumbers/{own}.json",
        "voice_method": "POST",
        "voice_url": None,
    }


def message(item: "Message | Reply", at_ms: int, sid: str, line: str, tag: dict[str, Any]) -> dict[str, Any]:
    """A message of either direction, as of `at_ms` milliseconds since 1970."""
    own = sid_of(item)
    uri = f"{API}/Accounts/{sid}/Messages/{own}"
    shared = {
        "account_sid": sid,
        "api_version": "2010-04-01",
        "body": item.body,
        "error_code": None,
        "error_message": None,
        "messaging_service_sid": tag.get("service"),
        "num_segments": str(_segments(item.body)),
        "price": None,
        "price_unit": "USD",
        "sid": own,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "uri": f"{uri}.json",
    }
    if isinstance(item, Reply):
        moment = rfc2822(item.at_ms)
        dates = {"date_created": moment, "date_sent": moment, "date_updated": moment}
        return shared | dates | _ways("inbound", item.sender, line) | {"num_media": "0", "status": "received"}
    code, words = failure(item, at_ms)
    steps = [item.accepted_ms + step for step in (0, SENT_AFTER_MS, DELIVERED_AFTER_MS)]
    changed = max((step for step in steps if step <= at_ms), default=item.accepted_ms)
    return (
        shared
        | _ways("outbound-reply" if tag.get("platform") else "outbound-api", line, item.to)
        | {
            "date_created": rfc2822(item.accepted_ms),
            "date_sent": rfc2822(steps[1]) if steps[1] <= at_ms else None,
            "date_updated": rfc2822(changed),
            "error_code": code,
            "error_message": words,
            "num_media": "0" if item.media_url is None else "1",
            "status": item.status(at_ms),
        }
    )


def answerer(item: Call, at_ms: int, tag: dict[str, Any]) -> str | None:
    """What the machine detection that was asked for says of who took the call."""
    machine = {"Enable": "machine_start", "DetectMessageEnd": "machine_end_beep"}.get(tag.get("detection") or "")
    who = item.answered_by(at_ms)
    if machine is None or who is None:
        return None
    return machine if who == "voicemail" else "human"


def call(item: Call, at_ms: int, sid: str, line: str, tag: dict[str, Any]) -> dict[str, Any]:
    """A call, as of `at_ms` milliseconds since 1970."""
    own = sid_of(item)
    uri = f"{API}/Accounts/{sid}/Calls/{own}"
    ended, duration = item.finished_ms(at_ms), item.duration_s(at_ms)
    taken = item.taken_ms(at_ms)
    changed = ended or taken or (item.rings_ms if item.rings_ms <= at_ms else item.accepted_ms)
    return _ways("outbound-api", line, item.to) | {
        "account_sid": sid,
        # In the background it is told here once the call is over.
        "answered_by": answerer(item, at_ms, tag) if ended or not tag.get("in_background") else None,
        "api_version": "2010-04-01",
        "caller_name": None,
        "date_created": rfc2822(item.accepted_ms),
        "date_updated": rfc2822(changed),
        "duration": None if duration is None else str(duration),
        "end_time": rfc2822(ended),
        "forwarded_from": None,
        "from_formatted": line,
        "group_sid": None,
        "parent_call_sid": None,
        "phone_number_sid": number_sid(line),
        "price": None,
        "price_unit": "USD",
        "queue_time": "0",
        "sid": own,
        "start_time": rfc2822(taken),
        "status": item.status(at_ms),
        "subresource_uris": {"recordings": f"{uri}/Recordings.json"},
        "to_formatted": item.to,
        "trunk_sid": None,
        "uri": f"{uri}.json",
    }


def failure(item: "Outbound", at_ms: int) -> tuple[int | None, str | None]:
    """Code and words of a message that did not arrive."""
    status = item.status(at_ms)
    if isinstance(item, Message) and status in {"undelivered", "failed"}:
        return UNREACHABLE if status == "undelivered" else UNKNOWN_ERROR
    return None, None


def page(uri: str, name: str, rows: list[dict[str, Any]], given: dict[str, str], *, more: bool) -> dict[str, Any]:
    """One page of a list.

    Args:
        uri: The list's own address.
        name: What the rows are called.
        rows: The rows, each with its `sid`.
        given: The query as it came, with PageSize.
        more: Whether rows follow these.
    """
    size, place = int(given["PageSize"]), int(given.get("Page", "0"))

    def to(at: int, token: str | None) -> str:
        filters = {key: value for key, value in given.items() if key not in {"Page", "PageToken"}}
        return f"{uri}?{urlencode(filters | {'Page': str(at)} | ({'PageToken': token} if token else {}))}"

    start = size * place
    return {
        name: rows,
        "end": start + max(len(rows) - 1, 0),
        "first_page_uri": to(0, None),
        "next_page_uri": to(place + 1, f"PA{rows[-1]['sid']}") if more else None,
        "page": place,
        "page_size": size,
        "previous_page_uri": None,
        "start": start,
        "uri": to(place, given.get("PageToken")),
    }


def _ways(direction: str, sender: str, to: str) -> dict[str, Any]:
    return {"direction": direction, "from": sender, "to": to}


def _segments(body: str) -> int:
    """About how many segments a text takes: ASCII stands for the alphabet of GSM."""
    one, part = (_GSM_ONE, _GSM_PART) if body.isascii() else (_UCS_ONE, _UCS_PART)
    return 1 if len(body) <= one else -(-len(body) // part)
