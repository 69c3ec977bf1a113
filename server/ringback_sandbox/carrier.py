import asyncio
import heapq
import re
import secrets
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .clock import Clock, iso
from .events import Hub
from .faults import MAGIC_NUMBERS, ORDINARY, FaultKind, Faults, Magic
from .model import Call, Message, MessageType, Outbound, Reply
from .views import view

if TYPE_CHECKING:
    from .callbacks import Callbacks
    from .events import Watcher
    from .store import Store

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_WINDOW_MS = 60_000


class WrongStateError(Exception):
    """The call is not in a state that allows this; its text says which state that is."""


class NoSuchCallError(Exception):
    """The carrier knows no call with this id."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What a dialect understood of a send: who is to get which text.

    Attributes:
        tag: What the dialect wants to find again with the item; `Store.tag` gives it.
    """

    type: MessageType | Literal["voice"]
    to: str
    text: str
    media_url: str | None = None
    tag: "dict[str, Any] | None" = None


class Carrier:
    """The carrier behind every wire dialect: takes messages and calls, and knows what became of them.

    Args:
        store: Where everything is kept.
        hub: Who is told of changes.
        line: The carrier's own number, in E.164.
        rate: Most sends accepted for handling within a minute of the sandbox's clock; 0 means no limit.

    Attributes:
        callbacks: Who calls back what happens; None for nobody.
        watchers: The dialects that call back in a way of their own.
        stop_words: Whether a service that handles stop words by itself does so.
    """

    def __init__(self, store: "Store", hub: Hub, *, line: str, rate: int) -> None:
        self.store = store
        self.hub = hub
        self.line = line
        self.rate = rate
        self.instance = secrets.token_hex(8)
        self.clock = Clock(store.fact("clock_offset_ms"))
        self.faults = Faults()
        self.callbacks: Callbacks | None = None
        self.watchers: list[Watcher] = []
        self.stop_words = True
        self._sends: deque[int] = deque()
        self._wake = asyncio.Event()
        # The status last told of each item that still changes by itself, and a heap of when they do.
        self._told: dict[str, str] = {}
        self._due: list[tuple[int, str]] = []
        for item in store.everything():
            if not isinstance(item, Reply):
                self._watch(item, self.clock.now_ms())

    # -- what the dialects ask -------------------------------------------------------------------------------------

    def wait_s(self) -> int:
        """Count one send against the rate; 0 when it is within, else the seconds to wait before the next try."""
        now = self.clock.now_ms()
        while self._sends and self._sends[0] <= now - _WINDOW_MS:
            self._sends.popleft()
        if self.rate and len(self._sends) >= self.rate:
            return max(1, -(-(self._sends[0] + _WINDOW_MS - now) // 1000))
        self._sends.append(now)
        return 0

    def fault_for(self, submission: Submission) -> FaultKind | None:
        """The fault that strikes this send, if one does."""
        content = (submission.type, submission.to, submission.text, submission.media_url or "")
        return self.faults.take(content, _magic(submission.to))

    def accept(self, submission: Submission) -> Outbound:
        """Take a message or a call. Every call of this is one more: nothing is recognised as a repetition."""
        magic = _magic(submission.to)
        voice = submission.type == "voice"
        outcome = magic.call if voice else magic.message
        item_id = ("call_" if voice else "msg_") + secrets.token_hex(10)
        self.store.add(
            id=item_id,
            type=submission.type,
            number=submission.to,
            text=submission.text,
            media_url=submission.media_url,
            at_ms=self.clock.now_ms(),
            outcome=outcome,
            error=None if outcome in {"delivered", "ring"} else magic.error,
        )
        if submission.tag is not None:
            self.store.set_tag(item_id, submission.tag)
        item = self.store.get(item_id)
        assert isinstance(item, Message | Call)
        self._tell(item, item.accepted_ms)
        return item

    async def before_answer(self, item: Outbound) -> None:
        """Return once everything that is to happen before a send's own answer leaves has happened."""
        if self.callbacks is not None:
            await self.callbacks.before_answer(item.id)

    def message(self, item_id: str) -> Message | None:
        """The message with this id, or None."""
        item = self.store.get(item_id)
        return item if isinstance(item, Message) else None

    def call(self, item_id: str) -> Call | None:
        """The call with this id, or None."""
        item = self.store.get(item_id)
        return item if isinstance(item, Call) else None

    # -- what happens on the line ----------------------------------------------------------------------------------

    def cancel(self, call_id: str) -> Call:
        """End a call from the carrier's side, answered or not.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: it has ended.
        """
        call = self.call_in(call_id, "queued", "ringing", "in-progress")
        ending = "canceled" if call.taken_ms(self.clock.now_ms()) is None else "completed"
        self.store.set_ended(call_id, self.clock.now_ms(), ending)
        return self.changed(call_id)

    def reply(self, sender: str, body: str) -> Reply:
        """Keep a text that the handset's owner wrote back."""
        item_id = "rpl_" + secrets.token_hex(10)
        self.store.add(id=item_id, type="reply", number=sender, text=body, at_ms=self.clock.now_ms())
        reply = self.store.get(item_id)
        assert isinstance(reply, Reply)
        self.hub.publish("reply", self.view(reply))
        if self.callbacks is not None:
            self.callbacks.received(reply)
        for watcher in self.watchers:
            watcher.received(reply)
        return reply

    # -- time and state --------------------------------------------------------------------------------------------

    def set_clock(self, advance_s: float, *, frozen: bool | None) -> None:
        """Move the clock forward, stop it or let it run, and tell at once what that changed."""
        self.clock.advance(advance_s)
        if frozen is not None and frozen != self.clock.frozen:
            (self.clock.freeze if frozen else self.clock.run)()
        # A clock that stands still runs on from there after a restart: time never goes back.
        self.store.set_fact("clock_offset_ms", self.clock.ahead_ms)
        self.hub.publish("clock", self.clock_view())
        self._tell_moved()
        self._wake.set()

    def reset(self) -> None:
        """Forget all traffic, requests, faults and waiting callbacks, and return to real time."""
        self.store.clear()
        self.faults = Faults()
        self.stop_words = True
        self.clock.reset()
        self._sends.clear()
        self._told.clear()
        self._due.clear()
        if self.callbacks is not None:
            self.callbacks.forget()
        for watcher in self.watchers:
            watcher.forget()
        self.hub.publish("reset", None)

    async def run(self) -> None:
        """Tell the streams of changes that time brings; runs until cancelled."""
        while True:
            moment = self._tell_moved()
            self._wake.clear()
            delay = None
            if moment is not None and not self.clock.frozen:
                # A little late on purpose: many items that change together are told in one go.
                delay = max(0, moment - self.clock.now_ms()) / 1000 + 0.01
            try:
                await asyncio.wait_for(self._wake.wait(), delay)
            except TimeoutError:
                continue

    def view(self, item: Outbound | Reply) -> dict[str, Any]:
        """The item as the control routes show it."""
        return view(item, self.clock.now_ms(), self.line)

    def clock_view(self) -> dict[str, Any]:
        """The clock as the control routes show it."""
        now, clock = self.clock.now_ms(), self.clock
        return {"now": iso(now), "offset_s": clock.offset_ms / 1000, "frozen": clock.frozen}

    def faults_view(self) -> dict[str, Any]:
        """The faults as the control routes show them."""
        return {"next": self.faults.left, "kind": self.faults.kind, "telephony": self.faults.telephony}

    def call_in(self, call_id: str, *states: str) -> Call:
        """The call, as long as it is in one of these states.

        Raises:
            NoSuchCallError: nothing by that id was called.
            WrongStateError: it is in another one.
        """
        # What time did to the call is told before what its owner does.
        self._tell_moved()
        call = self.call(call_id)
        if call is None:
            raise NoSuchCallError("no such call")
        status = call.status(self.clock.now_ms())
        if status not in states:
            raise WrongStateError(f"the call is {status}, not {' or '.join(states)}")
        return call

    def changed(self, call_id: str) -> Call:
        """The call after somebody did something with it, of which everybody is told."""
        call = self.call(call_id)
        assert call is not None
        self._tell(call, self.clock.now_ms())
        return call

    def _watch(self, item: Outbound, at_ms: int) -> None:
        moment = item.next_change_ms(at_ms)
        if moment is None:
            self._told.pop(item.id, None)
            return
        self._told[item.id] = item.status(at_ms)
        heapq.heappush(self._due, (moment, item.id))
        if self._due[0][0] == moment:
            self._wake.set()

    def _tell(self, item: Outbound, at_ms: int) -> None:
        """Tell of the status that the item had at `at_ms`, be it now or a moment that the clock jumped over."""
        self._watch(item, at_ms)
        if self.callbacks is not None:
            self.callbacks.reached(item, at_ms)
        for watcher in self.watchers:
            watcher.reached(item, at_ms)
        moment = item.next_change_ms(at_ms)
        if self.hub.listeners and (moment is None or moment > self.clock.now_ms()):
            # Streams show what is; only callbacks tell how it came about.
            self.hub.publish("call" if isinstance(item, Call) else "message", self.view(item))

    def _tell_moved(self) -> int | None:
        """Tell of every status that was reached by time alone, in its order; returns when the next one will be."""
        while self._due and self._due[0][0] <= self.clock.now_ms():
            moment, item_id = heapq.heappop(self._due)
            item = self.store.get(item_id)
            if isinstance(item, Message | Call) and self._told.get(item_id) not in {None, item.status(moment)}:
                self._tell(item, moment)
        return self._due[0][0] if self._due else None


def _magic(number: str) -> Magic:
    return MAGIC_NUMBERS.get(number, ORDINARY)
