"""What one process does in one life: it opens the installation as after a restart, and client and person go on.

A life writes down each step that it reaches and each receipt that it is told, in lines that outlive a `kill -9`.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from ringback import steps
from ringback.clock import SystemClock
from ringback.model.news import CallbackRequest
from ringback.model.status import WITH_CARRIER
from ringback.opening import open_ringback
from ringback.rotation import rotate
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

    Act: TypeAlias = Callable[["Actor"], Awaitable[Receipt | None]]

_SETTINGS = Settings(read_timeout_s=10)
_TO_THE_END_S = 45.0


@dataclass(frozen=True)
class Wish:
    """What a client wants, the same in each life. Recipient and text are this wish's own."""

    to: str
    text: str
    key: str | None
    due: str


class Clock(SystemClock):
    """The machine's clock, moved on by as much as the home folder says: the time that passed outlives a life."""

    def __init__(self, home: Path) -> None:
        self._file = home / "clock"
        self._ahead_s = float(self._file.read_text()) if self._file.exists() else 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._ahead_s)

    def move(self, seconds: float) -> None:
        self._ahead_s += seconds
        self._file.write_text(str(self._ahead_s))


class Diary:
    """One life's lines: `step <name>`, `told <id> <status> <reason>`, `event <kind> <status>`, and `end …`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


def listen(diary: Diary, *, until: Callable[[int, str], bool], sign: int = signal.SIGKILL) -> None:
    """From now on write down each step; this process gets `sign` at the first one for which `until` is true."""
    count = 0

    def listener(step: str) -> None:
        nonlocal count
        count += 1
        diary.write("step", step)
        if until(count, step):
            os.kill(os.getpid(), sign)

    steps.listener = listener


@dataclass
class Actor:
    """Client, person and carrier of one life."""

    ringback: Ringback
    home: Path
    clock: Clock
    wish: Wish
    diary: Diary

    def told(self, receipt: Receipt) -> Receipt:
        self.diary.write("told", receipt.id, receipt.status, receipt.reason)
        return receipt

    def pass_time(self, seconds: float) -> None:
        """The same time for us and for the sandbox."""
        pass_time(self.home, self.clock, seconds)

    async def call_back(self) -> None:
        """The sandbox tells of everything that it took, signed, as often as it likes."""
        for item in at_sandbox(self.home):
            kind = "call.status" if item["type"] == "voice" else "message.status"
            data = {"id": item["id"], "status": item["status"]}
            await self.ringback.inbound.callback("sandbox", self._signed({"type": kind, "data": data}))

    def _signed(self, content: dict[str, Any]) -> CallbackRequest:
        body, moment = json.dumps(content).encode(), str(int(self.clock.now().timestamp()))
        secret = self.ringback.keyring.callback_secret("sandbox")
        mac = hmac.digest(secret, b".".join((b"a-callback", moment.encode(), body)), "sha256")
        signature = f"v1,{base64.b64encode(mac).decode()}"
        headers = {"webhook-id": "a-callback", "webhook-timestamp": moment, "webhook-signature": signature}
        return CallbackRequest("http://127.0.0.1/webhooks/sandbox", headers, body)


def live(home: Path, acts: Sequence[Act], wish: Wish, diary: Diary, *, end: int | str | None = None) -> None:
    """One life, ended by a kill at its step of this number, or the first of this name, or else by itself.

    Between two acts the installation is closed and put under another key.
    """
    listen(diary, until=lambda count, step: end in {count, step})
    *earlier, last = acts
    for act in earlier:
        asyncio.run(_perform(home, act, wish, diary))
        rotate(settings(home))
    asyncio.run(_live(home, last, wish, diary))


def settings(home: Path) -> Settings:
    """A copy: to read the environment takes as long as half of a life."""
    return _SETTINGS.model_copy(update={"home": home})


@asynccontextmanager
async def opened(home: Path, wish: Wish, diary: Diary) -> AsyncIterator[Actor]:
    clock = Clock(home)
    async with open_ringback(settings(home), clock=clock) as ringback:
        yield Actor(ringback, home, clock, wish, diary)


async def _perform(home: Path, act: Act, wish: Wish, diary: Diary) -> None:
    async with opened(home, wish, diary) as actor:
        await act(actor)


async def _live(home: Path, act: Act, wish: Wish, diary: Diary) -> None:
    async with opened(home, wish, diary) as actor:
        ringback, receipt = actor.ringback, await act(actor)
        if receipt is None:
            diary.write("end", "nothing")
            return
        if receipt.status in WITH_CARRIER:
            actor.pass_time(_TO_THE_END_S)
        receipt = actor.told(await ringback.telephone.status(receipt.id))
        record = await ringback.ledger.outbounds.get(receipt.id)
        for event in await ringback.ledger.outbounds.events(record.id):
            diary.write("event", event.kind, event.status)
        outbounds = (await ringback.ledger.outbounds.page(100)).records
        received = await ringback.person.received()
        diary.write("end", receipt.status, receipt.reason, record.carrier_id is not None, len(outbounds), len(received))


def sandbox(home: Path, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox's own side, which is no carrier's: its record, its clock, its faults."""
    endpoint = json.loads((home / "sandbox" / "endpoint.json").read_text())
    connection = HTTPConnection(endpoint["url"].removeprefix("http://"), timeout=30)
    try:
        sent = None if body is None else json.dumps(body)
        connection.request(method, f"/sandbox/{path}", sent, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def at_sandbox(home: Path) -> list[dict[str, Any]]:
    """Every message and call that the sandbox took."""
    taken: list[dict[str, Any]] = sandbox(home, "GET", "messages") + sandbox(home, "GET", "calls")
    return taken


def pass_time(home: Path, clock: Clock, seconds: float) -> None:
    sandbox(home, "POST", "clock", {"advance_s": seconds})
    clock.move(seconds)
