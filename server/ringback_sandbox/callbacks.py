"""What is called back: each status that an item reaches, one by one, and each text that comes in."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

from .clock import iso
from .delivery import Delivery, Event
from .model import Call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Outbound, Reply
    from .registration import Registration
    from .store import Store


class Callbacks:
    """Calls back to the one registered URL; does nothing while there is none.

    Args:
        store: Where the registration is kept.
        describe: What the wire's status call gives of an item at a moment, in milliseconds since 1970.
        line: The carrier's own number.
        delivery: What takes them there.
    """

    def __init__(
        self,
        store: "Store",
        describe: "Callable[[Outbound, int], dict[str, Any]]",
        line: str,
        delivery: Delivery,
    ) -> None:
        self._store = store
        self._describe = describe
        self._line = line
        self._delivery = delivery
        delivery.target = store.registration()
        # In disorder: what waits for the next event of its item, to leave after it.
        self._held: dict[str, Event] = {}

    @property
    def registration(self) -> "Registration | None":
        """Where they go, or None."""
        return self._delivery.target

    def register(self, registration: "Registration | None") -> None:
        """Call back there from now on, over restarts. What waits goes there too, or is dropped when none is to go."""
        self._store.set_registration(registration)
        self._delivery.target = registration
        if registration is None or registration.mode == "off":
            self.forget()
        elif registration.mode != "disorder":
            self._release()

    def reached(self, item: "Outbound", at_ms: int) -> None:
        """Call back that `item` reached the status that it had at `at_ms`, or that keys were pressed then."""
        registration = self.registration
        if registration is None or registration.mode == "off":
            return
        data = self._describe(item, at_ms)
        voice = isinstance(item, Call)
        if isinstance(item, Call):
            data = data | {"answered_by": item.answered_by(at_ms)}
        pressed = item.digits if isinstance(item, Call) else ""
        event = Event(
            item.id,
            _event_id(item.id, data["status"], pressed),
            _body("call.status" if voice else "message.status", at_ms, data),
            forged=registration.mode == "forged",
        )
        if registration.mode == "disorder":
            self._swap(event, last=item.next_change_ms(at_ms) is None)
            return
        self._put(event)

    def received(self, reply: "Reply") -> None:
        """Call back that a text came in."""
        registration = self.registration
        if registration is None or registration.mode == "off":
            return
        data = {
            "id": reply.id,
            "type": "sms",
            "from": reply.sender,
            "to": self._line,
            "body": reply.body,
            "created_at": iso(reply.at_ms),
        }
        body = _body("message.received", reply.at_ms, data)
        # One lane for a sender: what somebody writes arrives in the order it was written.
        self._put(Event(reply.sender, _event_id(reply.id), body, forged=registration.mode == "forged"))

    async def before_answer(self, item_id: str) -> None:
        """In mode `early`: return once the item's first status was called back, whatever came of it. Else at once."""
        if self.registration is not None and self.registration.mode == "early":
            await self._delivery.first_try(item_id)

    def forget(self) -> None:
        """Drop all that has not left yet; the registration stays."""
        self._held.clear()
        self._delivery.clear()

    async def close(self) -> None:
        """Drop all that has not left yet and close the connections."""
        self._held.clear()
        await self._delivery.close()

    def _put(self, event: Event) -> None:
        self._delivery.put(event)
        if self.registration is not None and self.registration.mode == "duplicate":
            self._delivery.put(event)

    def _swap(self, event: Event, *, last: bool) -> None:
        """Hold every first of two events back until the second has been put; nothing comes after the last one."""
        held = self._held.pop(event.lane, None)
        if held is None and not last:
            self._held[event.lane] = event
            return
        self._delivery.put(event)
        if held is not None:
            self._delivery.put(held)

    def _release(self) -> None:
        for event in self._held.values():
            self._delivery.put(event)
        self._held.clear()


def _event_id(*parts: str) -> str:
    """One id for each status of an item, and for each key pressed: the same whenever it is told again."""
    return "evt_" + hashlib.sha256(" ".join(parts).encode()).hexdigest()[:24]


def _body(type_: str, at_ms: int, data: dict[str, Any]) -> bytes:
    return json.dumps({"type": type_, "timestamp": iso(at_ms), "data": data}, separators=(",", ":")).encode("ascii")
