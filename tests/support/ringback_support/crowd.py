"""`python -m ringback_support.crowd HOME TASK COUNT GIVEN`: one task in many processes at once, and what each got.

The processes are forked from this one, which has imported everything and opened nothing.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ringback.ledger.records import Level
from ringback.ledger.store import new_id
from ringback.opening import open_ringback
from ringback.settings import Settings
from ringback_support.fakes import FakeClock
from ringback_support.installation import ledger_in, outbound

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier


async def claim(home: Path, given: dict[str, Any]) -> list[Any]:
    """Claim every outbound of `ids`; those that were won."""
    with ledger_in(home, FakeClock()) as ledger:
        owner = new_id("")
        claims = [await ledger.deliveries.claim(each, owner=owner, lease_s=240) for each in given["ids"]]
    return [record.id for record in claims if record is not None]


async def add(home: Path, given: dict[str, Any]) -> list[Any]:
    """Wish for the same `times` texts, each under its key."""
    with ledger_in(home, FakeClock()) as ledger:
        made = []
        for at in range(given["times"]):
            record, is_new = await ledger.outbounds.add(outbound(text=f"text {at}"), key=f"key {at}", spend=Level.A1)
            made.append([record.id, is_new, record.status])
    return made


async def send(home: Path, given: dict[str, Any]) -> list[Any]:
    """Wish for the same text `times` times at once, by the carrier of the home folder."""
    async with open_ringback(Settings(home=home)) as ringback:
        one = {"to": given["to"], "body": "The same text.", "idempotency_key": "k"}
        wishes = (ringback.telephone.send_sms(**one) for _ in range(given["times"]))
        receipts = await asyncio.gather(*wishes)
    return [[receipt.id, receipt.status, receipt.repeated] for receipt in receipts]


TASKS = {"claim": claim, "add": add, "send": send}


def member(task: str, home: Path, given: dict[str, Any], start: Barrier, answer: Connection) -> None:
    """One process: wait for the others, do the task, answer."""
    start.wait(30)
    answer.send(asyncio.run(TASKS[task](home, given)))


def main() -> None:
    """Run the crowd and print one JSON list of each member's answer."""
    home, task, count, given = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4])
    fork = multiprocessing.get_context("fork")
    start, answers, members = fork.Barrier(count), [], []
    for _ in range(count):
        mine, theirs = fork.Pipe(duplex=False)
        answers.append(mine)
        members.append(fork.Process(target=member, args=(task, home, given, start, theirs)))
        members[-1].start()
        theirs.close()
    print(json.dumps([answer.recv() for answer in answers]))
    for each in members:
        each.join()


if __name__ == "__main__":
    main()
