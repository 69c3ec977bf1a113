"""What Twilio's dialect calls back: statuses, texts that come in, and the keys of a Gather."""

import asyncio
import base64
import contextlib
import hmac
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ringback_sandbox.carrier import NoSuchCallError, WrongStateError
from ringback_sandbox.delivery import is_here
from ringback_sandbox.handset import Handset
from ringback_sandbox.model import Call

from .twilio_views import answerer, failure, number_sid, rfc2822, sid_of

if TYPE_CHECKING:
    import httpx2

    from ringback_sandbox.carrier import Carrier
    from ringback_sandbox.model import Message, Outbound, Reply

    from .twilio_stops import OptOuts

logger = logging.getLogger(__name__)

ANSWER_S = 15.0
_TRIES = 2
_LOOK_S = 0.02
# What a call's status is called when its callbacks are chosen.
_EVENTS = {"queued": "initiated", "ringing": "ringing", "in-progress": "answered"}


def sign(token: str, url: str, fields: dict[str, str]) -> str:
    """The `X-Twilio-Signature` of a post: over its URL and its fields by name."""
    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode("ascii")


class Hooks:
    """Posts to the addresses that sends and the number were given, where those are on this machine.

    Each try may take 15 s, and there is a second one only where no connection came about. What waits is in memory.
    """

    def __init__(self, carrier: "Carrier", token: str, opt_outs: "OptOuts") -> None:
        self._carrier = carrier
        self._opt_outs = opt_outs
        self._token = token
        self._client: httpx2.AsyncClient | None = None
        # The last post of each lane: what comes after it waits for it.
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._told: dict[str, tuple[str, int]] = {}
        self._gathering: dict[str, asyncio.Task[None]] = {}

    # -- what the carrier tells ------------------------------------------------------------------------------------

    def reached(self, item: "Outbound", at_ms: int) -> None:
        """Post a new status, or take up the keys that were pressed."""
        tag = self._carrier.store.tag(item.id)
        if tag is None or "account" not in tag:
            return
        status = item.status(at_ms)
        before, count = self._told.get(item.id, ("", 0))
        if isinstance(item, Call) and status == before:
            self._pressed(item, tag)
            return
        self._told[item.id] = (status, count + 1)
        fields = self._call(item, tag, at_ms, count) if isinstance(item, Call) else self._message(item, tag, at_ms)
        if fields is not None and tag.get("callback"):
            self._put(item.id, tag["callback"], fields)
        if isinstance(item, Call) and status == "in-progress" and tag.get("detected"):
            self._put(item.id, tag["detected"], self._detected(item, tag, at_ms))
        if item.next_change_ms(at_ms) is None:
            self._told.pop(item.id, None)
            if isinstance(item, Call) and (waiting := self._gathering.pop(item.id, None)):
                waiting.cancel()

    def received(self, reply: "Reply") -> None:
        """Post a text that came in to the number's address, and do what the service does with it by itself."""
        self._opt_outs.received(reply)
        kept = self._carrier.store.tag(number_sid(self._carrier.line)) or {}
        if not kept.get("sms_url"):
            return
        own = sid_of(reply)
        fields = {
            "AccountSid": kept["account"],
            "ApiVersion": "2010-04-01",
            "Body": reply.body,
            "From": reply.sender,
            "MessageSid": own,
            "NumMedia": "0",
            "NumSegments": "1",
            "SmsMessageSid": own,
            "SmsSid": own,
            "SmsStatus": "received",
            "To": self._carrier.line,
        }
        self._put(reply.sender, kept["sms_url"], fields)

    def forget(self) -> None:
        """Drop all that has not left yet."""
        for task in (*self._lanes.values(), *self._gathering.values()):
            task.cancel()
        self._lanes.clear()
        self._gathering.clear()
        self._told.clear()

    async def close(self) -> None:
        """Drop all that has not left yet and close the connections."""
        self.forget()
        if self._client is not None:
            await self._client.aclose()

    # -- fields ----------------------------------------------------------------------------------------------------

    def _message(self, item: "Message", tag: dict[str, Any], at_ms: int) -> dict[str, str]:
        own, status = sid_of(item), item.status(at_ms)
        code, _ = failure(item, at_ms)
        fields = {
            "AccountSid": tag["account"],
            "ApiVersion": "2010-04-01",
            "From": self._carrier.line,
            "MessageSid": own,
            "MessageStatus": status,
            "SmsSid": own,
            "SmsStatus": status,
            "To": item.to,
        }
        service = {"MessagingServiceSid": tag["service"]} if tag.get("service") else {}
        return fields | service | ({"ErrorCode": str(code)} if code else {})

    def _call(self, item: Call, tag: dict[str, Any], at_ms: int, count: int) -> dict[str, str] | None:
        """The fields of a call's progress; None where this step was not asked for."""
        status = item.status(at_ms)
        if _EVENTS.get(status, "completed") not in tag.get("events", ()):
            return None
        fields = self._call_fields(item, tag, "initiated" if status == "queued" else status) | {
            "CallbackSource": "call-progress-events",
            "SequenceNumber": str(count),
            "Timestamp": rfc2822(at_ms) or "",
        }
        duration = item.duration_s(at_ms)
        return fields if duration is None else fields | {"CallDuration": str(duration), "Duration": "1"}

    def _detected(self, item: Call, tag: dict[str, Any], at_ms: int) -> dict[str, str]:
        """Who took the call, as the machine detection in the background tells it: without the call's status."""
        return {
            "AccountSid": tag["account"],
            "AnsweredBy": answerer(item, at_ms, tag) or "unknown",
            "CallSid": sid_of(item),
            "MachineDetectionDuration": "0",
        }

    def _call_fields(self, item: Call, tag: dict[str, Any], status: str) -> dict[str, str]:
        return {
            "AccountSid": tag["account"],
            "ApiVersion": "2010-04-01",
            "CallSid": sid_of(item),
            "CallStatus": status,
            "Called": item.to,
            "Caller": self._carrier.line,
            "Direction": "outbound-api",
            "From": self._carrier.line,
            "To": item.to,
        }

    # -- keys ------------------------------------------------------------------------------------------------------

    def _pressed(self, item: Call, tag: dict[str, Any]) -> None:
        """End the Gather, or wait for more keys for as long as it does."""
        gather = tag.get("gather")
        if gather is None or tag.get("gathered") or not item.digits:
            return
        waiting = self._gathering.pop(item.id, None)
        if waiting is not None:
            waiting.cancel()
        ends = [place for place, key in enumerate(item.digits) if key in gather["finish_on_key"]]
        if ends:
            self._gathered(item, tag, item.digits[: ends[0]], item.digits[ends[0]])
        elif gather["num_digits"] and len(item.digits) >= gather["num_digits"]:
            self._gathered(item, tag, item.digits[: gather["num_digits"]], "")
        else:
            deadline = self._carrier.clock.now_ms() + round(gather["timeout_s"] * 1000)
            self._gathering[item.id] = asyncio.create_task(self._wait(item, tag, deadline))

    async def _wait(self, item: Call, tag: dict[str, Any], deadline_ms: int) -> None:
        """Until the sandbox's own clock says that the silence was long enough; that clock can be moved."""
        while self._carrier.clock.now_ms() < deadline_ms:  # noqa: ASYNC110  a clock that is moved sets no event
            await asyncio.sleep(_LOOK_S)
        self._gathering.pop(item.id, None)
        self._gathered(item, tag, item.digits, "")

    def _gathered(self, item: Call, tag: dict[str, Any], digits: str, finished: str) -> None:
        """Post the keys; with none before the key that ends it, the call just goes on, and that is its end here."""
        self._carrier.store.set_tag(item.id, tag | {"gathered": True})
        action = tag["gather"]["action"]
        if not digits or action is None:
            if not digits:
                self._hang_up(item.id)
            return
        fields = self._call_fields(item, tag, "in-progress")
        more = {"Digits": digits, "FinishedOnKey": finished, "msg": "Gather End"}
        self._put(item.id, action, fields | more, ending=item.id)

    def _hang_up(self, call_id: str) -> None:
        with contextlib.suppress(NoSuchCallError, WrongStateError):
            Handset(self._carrier).hang_up(call_id)

    # -- posting ---------------------------------------------------------------------------------------------------

    def _put(self, lane: str, url: str, fields: dict[str, str], *, ending: str | None = None) -> None:
        """Post after what the lane still holds. `ending` is a call that ends once the post was taken."""
        if not is_here(url):
            return
        task = asyncio.create_task(self._post_after(self._lanes.get(lane), url, fields, ending))
        self._lanes[lane] = task
        task.add_done_callback(lambda done: self._lanes.pop(lane) if self._lanes.get(lane) is done else None)

    async def _post_after(
        self, before: "asyncio.Task[None] | None", url: str, fields: dict[str, str], ending: str | None
    ) -> None:
        if before is not None:
            await asyncio.wait([before])
        if await self._post(url, fields) and ending is not None:
            # Nothing of the answer is played: a call that has asked its question is over.
            self._hang_up(ending)

    async def _post(self, url: str, fields: dict[str, str]) -> bool:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1 (ringback-sandbox)",
            "X-Twilio-Signature": sign(self._token, url, fields),
        }
        for last in range(_TRIES):
            try:
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._client.post(url, content=urlencode(fields), headers=headers)
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                if last + 1 == _TRIES:
                    logger.info("nobody takes a callback of the Twilio dialect")
            except (httpx2.HTTPError, TimeoutError):
                return False
            else:
                return answer.is_success
        return False
