"""`python -m tests.races.member HOME TASK`: one process that sends as often as it may, and tells how each try ended.

It says `ready` once it is open and begins at the first line that it is given, which may name the time of its end. It
says `begun` before the try that its task marks, and `over` when it is through; a second line ends it, and it tells, in
JSON. All the while it does what a server does every second.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.races.times import QuickClock

from ringback.carriers.sandbox import Sandbox
from ringback.errors import Refused
from ringback.ledger import deliveries
from ringback.opening import open_ringback
from ringback.settings import Settings
from ringback.stopping import Stopping

if TYPE_CHECKING:
    from ringback.model.outbound import Acceptance, Outbound
    from ringback.opening import Ringback

REST_S = 0.05


def lengthen_the_way(seconds: float) -> None:
    """Let what was taken be under way for a while before it arrives."""
    transmit = Sandbox.transmit

    async def slow(self: Sandbox, outbound: Outbound) -> Acceptance:
        await asyncio.sleep(seconds)
        return await transmit(self, outbound)

    Sandbox.transmit = slow  # type: ignore[method-assign]


def no_waiting() -> None:
    """Without one of its protections: what is being handed over when a stop word comes is not waited for."""

    async def silence(self: Stopping, number: object) -> int:
        return 0

    Stopping.silence = silence  # type: ignore[method-assign]


def no_count_in_the_fence() -> None:
    """Without another: limits are looked at when something is asked for, and not once more when it is taken."""
    vars(deliveries)["require"] = lambda *_: None


BREAKAGES = {"no_waiting": no_waiting, "no_count_in_the_fence": no_count_in_the_fence}


class Member:
    """What this process does."""

    def __init__(self, ringback: Ringback, task: dict[str, Any]) -> None:
        self._telephone = ringback.telephone
        self._clock = ringback.clock
        self._task = task
        self._tries = 0
        self.told: dict[str, int] = {}

    async def send(self) -> str:
        """One try, with a text of its own."""
        number = self._tries
        self._tries += 1
        if number == self._task["mark"]:
            print("begun", flush=True)
        to = self._task["to"][number % len(self._task["to"])]
        try:
            receipt = await self._telephone.send_sms(to, f"{self._task['name']} {number}")
        except Refused as refusal:
            if refusal.retry_at is not None and self._task["ends_at"] is not None:
                await self._wait(refusal.retry_at)
            return refusal.rule
        return receipt.reason or receipt.status

    async def _wait(self, until: float) -> None:
        """As long as the refusal says, or until the race is over."""
        seconds = min(until, self._task["ends_at"]) - self._clock.now().timestamp()
        await self._clock.sleep(max(0.0, seconds / self._task["pace"]))

    def _is_over(self) -> bool:
        ends_at = self._task["ends_at"]
        if ends_at is None:
            return self._tries >= self._task["count"]
        return bool(self._clock.now().timestamp() >= ends_at)

    async def keep_sending(self) -> None:
        """One try after the other."""
        while not self._is_over():
            ended = await self.send()
            self.told[ended] = self.told.get(ended, 0) + 1

    async def tend(self) -> None:
        """What a server does."""
        while True:
            await self._telephone.tend()
            await self._clock.sleep(REST_S)


async def live(home: Path, task: dict[str, Any]) -> None:
    if task["broken"]:
        BREAKAGES[task["broken"]]()
    if task["way_s"]:
        lengthen_the_way(task["way_s"])
    clock = QuickClock(task["since"], task["pace"])
    settings = Settings(home=home, carrier="sandbox", sandbox_port=0, **task["settings"])
    async with open_ringback(settings, clock=clock) as it:
        await it.telephone.check()
        member = Member(it, task)
        print("ready", flush=True)
        task["ends_at"] = json.loads(await asyncio.to_thread(sys.stdin.readline))
        tending = asyncio.create_task(member.tend())
        await asyncio.gather(*(member.keep_sending() for _ in range(task["at_once"])))
        print("over", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        tending.cancel()
        with suppress(asyncio.CancelledError):
            await tending
        for _ in range(3):
            await it.telephone.tend()
    print(json.dumps(member.told), flush=True)


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), json.loads(sys.argv[2])))
