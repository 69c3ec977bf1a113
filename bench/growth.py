"""Measures what a growing ledger costs, all sizes in one run: `python -m bench.growth [--rows 1000,10000] [--json]`.

See bench/README.md for what each line means.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bench.growth_examples import YEAR_S, InstantCarrier, StandingClock, number, opened
from bench.growth_fill import CONTACTS_PER_ALLOWANCE, OPEN, fill

from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bench.growth_fill import Filled

    from ringback.opening import Ringback

SIZES = "1000,100000,1000000"
ROUNDS = 400
WARM_UP = 40
RECIPIENTS = 20
AIM = 1.3
BYTES_PER_ROW = 2500
"""More than an outbound takes with everything about it, to know before a fill whether the disk has room."""


@dataclass
class Row:
    """One line of the table: milliseconds by ledger, smallest first; the ratios are of the medians."""

    what: str
    medians: list[float]
    quartiles: list[tuple[float, float]]
    ratios: list[float]
    aim: float = AIM


class Rig:
    """One filled ledger, opened, and what is asked of it."""

    def __init__(self, filled: Filled, ringback: Ringback, clock: StandingClock) -> None:
        self._ids = filled.old_ids
        self._middle = filled.middle
        self._person = ringback.person
        self._telephone = ringback.telephone
        self._clock = clock
        self._turn = 0
        self.asked: dict[str, Callable[[], Awaitable[object]]] = {
            "status of an old one": self._status,
            "history, newest 20": self._history,
            "history, 20 from the middle": self._page,
            "send-sms to an allowed recipient": self._send,
            f"tend, {OPEN} still open": self._tend,
            "sweep, nothing old enough": ringback.ledger.erasure.sweep,
        }

    async def allow(self) -> None:
        """What `ringback allow` does, for recipients that the ledger knows and more messages than a person allows."""
        for place in range(RECIPIENTS):
            to = number(place * CONTACTS_PER_ALLOWANCE)
            await self._person.allow(to, Channel.SMS, level=Level.A2, via="bench", seconds=YEAR_S, count=1_000_000)

    async def measure(self) -> dict[str, float]:
        """One round: milliseconds by what was asked."""
        self._turn += 1
        self._clock.time += timedelta(seconds=1)
        taken = {}
        for what, ask in self.asked.items():
            began = time.perf_counter()
            await ask()
            taken[what] = (time.perf_counter() - began) * 1000
        return taken

    async def _status(self) -> None:
        await self._telephone.status(self._ids[self._turn % len(self._ids)])

    async def _history(self) -> None:
        await self._telephone.history(20)

    async def _page(self) -> None:
        page = await self._telephone.history(20, self._middle)
        if len(page.items) != 20:
            raise SystemExit(f"the middle page has {len(page.items)} outbounds")

    async def _send(self) -> None:
        to = number(self._turn % RECIPIENTS * CONTACTS_PER_ALLOWANCE)
        receipt = await self._telephone.send_sms(to, f"Your table is ready, number {self._turn}.")
        if receipt.status != "delivered":
            raise SystemExit(f"not sent: {receipt}")

    async def _tend(self) -> None:
        await self._telephone.tend()


async def run(folder: Path, sizes: list[int], rounds: int) -> tuple[list[Filled], list[Row]]:
    ledgers = []
    for rows in sizes:
        began = time.perf_counter()
        ledgers.append(await fill(folder / str(rows), rows))
        taken = f"{ledgers[-1].megabytes:,.0f} MB in {time.perf_counter() - began:.0f} s"
        print(f"filled with {rows:,} outbounds: {taken}", file=sys.stderr)
    os.sync()  # what the fills left to write does not fall into the measurement
    async with AsyncExitStack() as stack:
        rigs = []
        for filled in ledgers:
            clock = StandingClock()
            ringback = await stack.enter_async_context(opened(folder / str(filled.rows), InstantCarrier(), clock))
            rigs.append(Rig(filled, ringback, clock))
            await rigs[-1].allow()
        return ledgers, rows_of(rigs, await by_turns(rigs, rounds))


async def by_turns(rigs: list[Rig], rounds: int) -> list[list[dict[str, float]]]:
    """So many rounds over all ledgers, each round beginning with another one; by ledger."""
    taken: list[list[dict[str, float]]] = [[] for _ in rigs]
    for turn in range(WARM_UP + rounds):
        for place in range(len(rigs)):
            index = (turn + place) % len(rigs)
            measured = await rigs[index].measure()
            if turn >= WARM_UP:
                taken[index].append(measured)
    return taken


def rows_of(rigs: list[Rig], taken: list[list[dict[str, float]]]) -> list[Row]:
    rows = []
    for what in rigs[0].asked:
        quarters = [statistics.quantiles([measured[what] for measured in ledger], n=4) for ledger in taken]
        medians = [middle for _, middle, _ in quarters]
        ratios = [median / medians[0] for median in medians]
        rows.append(Row(what, medians, [(low, high) for low, _, high in quarters], ratios))
    return rows


def show(ledgers: list[Filled], rows: list[Row]) -> None:
    print(f"{'ms':34}" + "".join(f"{filled.rows:>28,}" for filled in ledgers) + "   ratios        aim")
    for row in rows:
        cells = "".join(
            f"{f'{median:.3f} ({low:.3f}-{high:.3f})':>28}"
            for median, (low, high) in zip(row.medians, row.quartiles, strict=True)
        )
        ratios = " ".join(f"{ratio:.2f}" for ratio in row.ratios[1:])
        aim = f"{row.aim:.1f} {'reached' if row.ratios[-1] <= row.aim else 'MISSED'}"
        print(f"{row.what:34}{cells}   {ratios:12}  {aim}")


def sizes_of(text: str) -> list[int]:
    sizes = sorted(int(size) for size in text.split(","))
    if sizes[0] < 10 * OPEN:
        raise argparse.ArgumentTypeError(f"a ledger of fewer than {10 * OPEN} outbounds is mostly open ones")
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument(
        "--rows", type=sizes_of, default=sizes_of(SIZES), help=f"sizes of the ledgers (default {SIZES})"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"samples of each (default {ROUNDS})")
    given = parser.parse_args()
    for name in list(os.environ):
        if name.startswith(("RINGBACK_", "SAAS_")):
            del os.environ[name]
    logging.getLogger("ringback").setLevel(logging.ERROR)  # the patterns hold a failure, which would be told
    with tempfile.TemporaryDirectory() as folder:
        free, needed = shutil.disk_usage(folder).free, sum(given.rows) * BYTES_PER_ROW
        if free < needed:
            raise SystemExit(f"{folder} has {free / 1e9:.1f} GB left; {needed / 1e9:.1f} are needed. Set TMPDIR.")
        ledgers, rows = asyncio.run(run(Path(folder), given.rows, given.rounds))
    if given.json:
        machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
        sizes = [{"rows": filled.rows, "megabytes": filled.megabytes} for filled in ledgers]
        print(json.dumps({"machine": machine, "ledgers": sizes, "rows": [asdict(row) for row in rows]}, indent=2))
    else:
        show(ledgers, rows)


if __name__ == "__main__":
    main()
