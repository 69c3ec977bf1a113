"""`python -m tests.crash.pauses FOLDER TASK`: processes stopped past their lease, and woken when others went on.

Each is stopped at a named step of its own dispatch. Another process then concludes what they held, the clients repeat
their wishes there, and only then do the stopped ones go on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.crash import breakages
from tests.crash.cases import Stage, fork
from tests.crash.lives import Actor, Clock, Diary, Wish, at_sandbox, listen, opened, pass_time
from tests.crash.scenarios import answered, wished
from tests.crash.warmth import warm_up

from ringback import dispatch, lease

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LEASE_S, HEARTBEAT_S = 1.0, 0.25
LIMIT_S = 600


@dataclass(frozen=True)
class Sleeper:
    """A wish, and the process that is stopped over it."""

    step: str
    wish: Wish
    process: int


class Pauses:
    """One installation with many stopped processes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.home, _ = stage.set_up()
        self.sleepers: list[Sleeper] = []
        self._asleep: set[int] = set()

    def put_to_sleep(self, step: str, *, keyed: bool) -> None:
        """Wish and approve in a process of its own, up to this step."""
        _, made = self._stage.set_up()
        wish = made if keyed else replace(made, key=None)
        stopped = False

        def first(_: int, reached: str) -> bool:
            nonlocal stopped
            if stopped or reached != step:
                return False
            stopped = True
            return True

        def work() -> None:
            for module in (dispatch, lease):  # the fence and the heartbeat read it where they stand
                vars(module)["LEASE_S"] = LEASE_S
            vars(lease)["HEARTBEAT_S"] = 0.0 if step.startswith("beat.") else HEARTBEAT_S
            diary = self._diary("stopped", wish)
            listen(diary, until=first, sign=signal.SIGSTOP)
            asyncio.run(self._act(lambda actor: self._wish(actor, wish, diary)))

        sleeper = Sleeper(step, wish, fork(work, LIMIT_S))
        _, status = os.waitpid(sleeper.process, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"the process did not come to {step}"
        self.sleepers.append(sleeper)
        self._asleep.add(sleeper.process)

    def go_on(self, name: str) -> None:
        """Another process tends the ledger, and the clients repeat their wishes there."""

        async def act(actor: Actor) -> None:
            while await actor.ringback.telephone.tend():
                pass
            for sleeper in self.sleepers:
                await self._wish(actor, sleeper.wish, self._diary(name, sleeper.wish))

        _, status = os.waitpid(fork(lambda: asyncio.run(self._act(act)), LIMIT_S), 0)
        assert status == 0, f"the process {name} failed"

    def outlast_the_leases(self) -> None:
        """Wait until the youngest lease is over: it was taken before now, and no stopped process prolongs it."""
        time.sleep(LEASE_S)

    def wake(self) -> None:
        for sleeper in self.sleepers:
            os.kill(sleeper.process, signal.SIGCONT)
        for sleeper in self.sleepers:
            _, status = os.waitpid(sleeper.process, 0)
            self._asleep.remove(sleeper.process)
            assert status == 0, f"the process that was stopped at {sleeper.step} failed"

    def end(self) -> None:
        """Kill what still sleeps after a failure."""
        for process in self._asleep:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)

    async def _wish(self, actor: Actor, wish: Wish, diary: Diary) -> None:
        mine = replace(actor, wish=wish, diary=diary)
        receipt = await answered(mine, await wished(mine))
        receipt = mine.told(await actor.ringback.telephone.status(receipt.id))
        diary.write("end", receipt.status)

    async def _act(self, act: Callable[[Actor], Awaitable[None]]) -> None:
        async with opened(self.home, Wish("", "", None, ""), Diary(self.home / "nobody")) as actor:
            await act(actor)

    def _diary(self, name: str, wish: Wish) -> Diary:
        return Diary(self.home / f"{name}{wish.to}")

    def judged(self, sleeper: Sleeper, taken: list[dict[str, Any]]) -> dict[str, Any]:
        """What each process was told about this wish, and what the sandbox took of it."""
        told = {}
        for name in ("stopped", "other", "last"):
            lines = (self.home / f"{name}{sleeper.wish.to}").read_text().splitlines()
            told[name] = [line.split()[1:] for line in lines if line.startswith("told ")]
        mine = [item for item in taken if item["to"] == sleeper.wish.to]
        return {"step": sleeper.step, "keyed": sleeper.wish.key is not None, "told": told, "taken": len(mine)}


def main() -> None:
    root, task = Path(sys.argv[1]), json.loads(sys.argv[2])
    stage = Stage(root, Path(task["endpoint"]), task["number"])
    warm_up(stage)
    if task["broken"]:
        getattr(breakages, task["broken"])()
    pauses = Pauses(stage)
    try:
        for step, count in task["steps"].items():
            for number in range(count):
                pauses.put_to_sleep(step, keyed=number % 2 == 0)
        pauses.outlast_the_leases()
        pauses.go_on("other")
        pauses.wake()
    finally:
        pauses.end()
    pass_time(pauses.home, Clock(pauses.home), 45)
    pauses.go_on("last")
    taken = at_sandbox(pauses.home)
    print(json.dumps([pauses.judged(sleeper, taken) for sleeper in pauses.sleepers]))


if __name__ == "__main__":
    main()
