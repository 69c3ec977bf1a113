"""`python -m tests.crash.crowd FOLDER TASK`: the same wish many times at once, from several processes on one ledger."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ringback_support.installation import YES
from tests.crash.cases import Stage, fork
from tests.crash.lives import Wish, at_sandbox, sandbox, settings
from tests.crash.warmth import warm_up

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.model.status import Status
from ringback.opening import open_ringback

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier

    from ringback.opening import Ringback
    from ringback.receipts import Receipt

WAIT_S = 60


async def send(ringback: Ringback, wish: Wish) -> Receipt:
    """The wish, and the person's yes where it waits for one."""
    receipt = await ringback.telephone.send_sms(wish.to, wish.text, idempotency_key=wish.key)
    if receipt.status == Status.AWAITING_APPROVAL:
        await ringback.person.answer(receipt.id, YES)
    return receipt


async def member(home: Path, wish: Wish, times: int, together: Barrier, answer: BinaryIO) -> None:
    """All sends at once, at the same moment as in the other processes; once more when all know how it stands."""
    async with open_ringback(settings(home)) as ringback:
        together.wait(WAIT_S)
        receipts = await asyncio.gather(*(send(ringback, wish) for _ in range(times)))
        await ringback.dispatcher.finish()
        together.wait(WAIT_S)
        await send(ringback, wish)
        together.wait(WAIT_S)
        again = await send(ringback, wish)
        told = {"receipts": [[receipt.id, receipt.repeated] for receipt in receipts], "again": again.as_dict()}
        answer.write(json.dumps(told).encode())


async def allow(home: Path, wish: Wish) -> None:
    async with open_ringback(settings(home)) as ringback:
        await ringback.person.allow(wish.to, Channel.SMS, level=Level.A2, via="terminal", seconds=3600, count=9)


def main() -> None:
    root, task = Path(sys.argv[1]), json.loads(sys.argv[2])
    stage = Stage(root, Path(task["endpoint"]), task["number"])
    warm_up(stage)
    home, made = stage.set_up()
    wish = Wish(made.to, made.text, made.key if task["keyed"] else None, made.due)
    sandbox(home, "POST", "clock", {"frozen": True})
    if task["allowed"]:
        assert os.waitpid(fork(lambda: asyncio.run(allow(home, wish))), 0)[1] == 0
    together = multiprocessing.get_context("fork").Barrier(task["processes"])

    def work(answer: Path) -> None:
        with answer.open("wb") as file:
            asyncio.run(member(home, wish, task["times"], together, file))

    answers = [root / f"member{number}" for number in range(task["processes"])]
    members = [fork(partial(work, answer), 2 * WAIT_S) for answer in answers]
    assert all(os.waitpid(each, 0)[1] == 0 for each in members)
    told = [json.loads(answer.read_text()) for answer in answers]
    print(json.dumps({"told": told, "taken": len(at_sandbox(home))}))


if __name__ == "__main__":
    main()
