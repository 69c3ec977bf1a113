"""What one process does in one life: it opens the installation as after a restart, and client and person go on.

A life writes down each step that it reaches and each receipt that it is told, in lines that outlive a `kill -9`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

from ringback_support.installation import YES, want

from ringback import steps
from ringback.approvals import Answer
from ringback.clock import SystemClock
from ringback.errors import Refused
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel
from ringback.model.status import WITH_CARRIER, Status
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

_SETTINGS = Settings(read_timeout_s=10)
LONG_STOP_S = 660.0
"""A stop that outlasts a person's question and their yes."""
_TO_THE_END_S = 45.0


@dataclass(frozen=True)
class Wish:
    """What a client wants, again in each life. Recipient and text are this wish's own."""

    to: str
    text: str
    key: str | None


class StoppedClock(SystemClock):
    """The machine's clock after a stop of `stopped_s` seconds."""

    def __init__(self, stopped_s: float) -> None:
        self._stopped = timedelta(seconds=stopped_s)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._stopped


class Diary:
    """One life's lines: `step <name>`, `told <id> <status> <reason>`, `event <kind> <status>`."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())

    def told(self, receipt: Receipt) -> Receipt:
        self.write("told", receipt.id, receipt.status, receipt.reason)
        return receipt


def die_at(diary: Diary, ordinal: int | None, sign: int = signal.SIGKILL) -> None:
    """From now on write down each step; at the `ordinal`-th one this process is killed."""
    count = 0

    def listen(step: str) -> None:
        nonlocal count
        count += 1
        diary.write("step", step)
        if count == ordinal:
            os.kill(os.getpid(), sign)

    steps.listener = listen


def live(home: Path, scenario: str, wish: Wish, diary: Diary, *, ordinal: int | None, stopped_s: float) -> None:
    """One life, ended by a kill at the `ordinal`-th step, or by itself."""
    die_at(diary, ordinal)
    asyncio.run(_live(home, SCENARIOS[scenario], wish, diary, stopped_s))


async def _live(home: Path, scenario: Scenario, wish: Wish, diary: Diary, stopped_s: float) -> None:
    async with open_ringback(_SETTINGS.model_copy(update={"home": home}), clock=StoppedClock(stopped_s)) as ringback:
        await ringback.telephone.tend()
        receipt = await scenario.act(ringback, wish, diary)
        if receipt.status in WITH_CARRIER:
            advance(home, _TO_THE_END_S)
        receipt = diary.told(await ringback.telephone.status(receipt.id))
        record = await ringback.ledger.outbounds.get(receipt.id)
        for event in await ringback.ledger.outbounds.events(record.id):
            diary.write("event", event.kind, event.status)
        page = await ringback.telephone.history(100)
        diary.write("end", receipt.status, receipt.reason, record.carrier_id is not None, len(page.items))


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


def advance(home: Path, seconds: float) -> None:
    sandbox(home, "POST", "clock", {"advance_s": seconds})


@dataclass(frozen=True)
class Scenario:
    """How a wish comes to be sent, and what else happens to it."""

    act: Callable[[Ringback, Wish, Diary], Awaitable[Receipt]]
    fault: str | None = None
    """What the sandbox does to the first send."""
    long_stop: bool = False
    """Whether the second life comes only after the person's question ran out."""
    calm: tuple[str, int] = ("delivered", 1)
    """How a life that nothing disturbs ends: the status, and how many the sandbox took."""


def _asked(channel: Channel, answer: Answer = YES) -> Callable[[Ringback, Wish, Diary], Awaitable[Receipt]]:
    """A person is asked, and says yes."""

    async def act(ringback: Ringback, wish: Wish, diary: Diary) -> Receipt:
        receipt = diary.told(await want(ringback.telephone, channel, wish.to, wish.text, idempotency_key=wish.key))
        if receipt.status == Status.AWAITING_APPROVAL:
            receipt = diary.told(await ringback.person.answer(receipt.id, answer))
        return receipt

    return act


async def _asked_in_the_chat(ringback: Ringback, wish: Wish, diary: Diary) -> Receipt:
    """A client carries the question to the person, who types the last digits."""
    receipt = diary.told(await want(ringback.telephone, Channel.MMS, wish.to, wish.text, idempotency_key=wish.key))
    nonce = await ringback.person.ask_client(receipt.id)
    if nonce is not None:
        answer = Answer(Choice.ONCE, Level.A1, "client:a-client", digits=wish.to[-4:], nonce=nonce)
        receipt = diary.told(await ringback.person.answer(receipt.id, answer))
    return receipt


async def _allowed(ringback: Ringback, wish: Wish, diary: Diary) -> Receipt:
    """The recipient was allowed beforehand, for one text; nobody is asked unless that is spent."""
    if not (await ringback.telephone.history()).items and not await ringback.person.allowances():
        await ringback.person.allow(wish.to, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=1)
    receipt = diary.told(await ringback.telephone.send_sms(wish.to, wish.text, idempotency_key=wish.key))
    assert receipt.status != Status.AWAITING_APPROVAL, "the allowance is spent, and no wish was stored with it"
    return receipt


async def _cancelled(ringback: Ringback, wish: Wish, diary: Diary) -> Receipt:
    """Cancelled while it waits; the person's yes comes too late."""
    receipt = diary.told(await ringback.telephone.send_sms(wish.to, wish.text, idempotency_key=wish.key))
    receipt = diary.told(await ringback.telephone.cancel(receipt.id))
    return diary.told(await ringback.person.answer(receipt.id, YES))


async def _taken_back(ringback: Ringback, wish: Wish, diary: Diary) -> Receipt:
    """A person says yes while the client cancels: one of the two is first."""
    receipt = diary.told(await ringback.telephone.send_sms(wish.to, wish.text, idempotency_key=wish.key))
    await asyncio.gather(
        ringback.person.answer(receipt.id, YES), ringback.telephone.cancel(receipt.id), return_exceptions=True
    )
    try:
        return diary.told(await ringback.telephone.cancel(receipt.id))
    except Refused:  # too late: it went out
        return diary.told(await ringback.telephone.status(receipt.id))


SCENARIOS = {
    "a text, asked on the page": Scenario(_asked(Channel.SMS)),
    "a picture, asked in the chat": Scenario(_asked_in_the_chat),
    "a call, trusted for a day": Scenario(
        _asked(Channel.VOICE, Answer(Choice.DAY, Level.A2, "page")), calm=("no_answer", 1)
    ),
    "a text, allowed beforehand": Scenario(_allowed),
    "a text, cancelled": Scenario(_cancelled, calm=("cancelled", 0)),
    "a yes and a cancellation at once": Scenario(_taken_back, calm=("cancelled", 0)),
    "a long stop": Scenario(_asked(Channel.SMS), long_stop=True),
    "an answer that is lost": Scenario(_asked(Channel.SMS), fault="close-after"),
    "a failure that says nothing": Scenario(_asked(Channel.VOICE), fault="500", calm=("unknown", 0)),
}
