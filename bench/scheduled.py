"""Scheduled sends that are all due at one moment: `python bench/scheduled.py [--count 10000] [--rate 3000] [--json]`.

A real sandbox is the carrier, and its own record is judged; a real `ringback mcp` sends. See bench/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2 as httpx

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringback.opening import Ringback

RECIPIENTS = 100
TRIAL = 200
START_S = 8.0
"""So long before the moment everything is stored: the sender needs that to start."""
SAMPLE_S = 0.25
END_S = 15.0
WINDOW_S = 60.0
"""The sandbox counts sends against its rate over so many seconds."""
LONGEST_S = 960.0
"""By then what did not go out is told as missed: the sender's grace is 15 minutes."""
LEFT = "SELECT count(*) FROM outbound WHERE status IN ('scheduled', 'approved', 'dispatching')"


@dataclass(frozen=True)
class Plan:
    """How many are due, and what the carrier takes in a minute (0: all). Of that so many were used some seconds ago."""

    count: int
    rate: int
    used: int = 0
    used_ago_s: float = 0.0

    @property
    def ideal_s(self) -> float:
        """When the last one can be out at the earliest, by the carrier's rate alone."""
        if not self.rate:
            return 0.0
        free = self.rate - self.used
        if self.count <= free:
            return 0.0
        windows, rest = divmod(self.count - free - 1, self.rate)
        return windows * WINDOW_S + (WINDOW_S if rest >= self.used or not self.used else WINDOW_S - self.used_ago_s)


@dataclass
class Figures:
    """What came of it. `seconds` are from the moment that all were due until the carrier took the last one."""

    count: int
    rate: int
    early: int
    twice: int
    lost: int
    strange: int
    """Arrived, and nobody wished for it."""
    first_s: float
    seconds: float
    ideal_s: float
    stored_ms: float
    """Milliseconds to store one of them."""
    deferred: int
    """How often one was put back because the carrier said later."""
    memory_mb: list[float] = field(default_factory=list)
    """Resident memory of the sender: the median of each quarter of the time."""

    @property
    def growth(self) -> float:
        """The last quarter's memory to the first one's."""
        return self.memory_mb[-1] / self.memory_mb[0]


def judge(plan: Plan, due: float, wished: set[tuple[str, str]], arrived: Iterable[tuple[str, str, float]]) -> Figures:
    """The carrier's record of recipient, text and Unix time against what was wished for."""
    taken = list(arrived)
    times = Counter((to, text) for to, text, _ in taken)
    moments = [at for *_, at in taken] or [due]
    return Figures(
        count=plan.count,
        rate=plan.rate,
        early=sum(at < due for at in moments),
        twice=sum(more - 1 for more in times.values()),
        lost=len(wished - set(times)),
        strange=len(set(times) - wished),
        first_s=min(moments) - due,
        seconds=max(moments) - due,
        ideal_s=plan.ideal_s,
        stored_ms=0.0,
        deferred=0,
    )


class Carrier:
    """A sandbox in a process of its own, with nothing on the disk."""

    def __init__(self, state: Path, rate: int) -> None:
        command = [sys.executable, "-m", "ringback_sandbox", "--state", str(state), "--port", "0", "--memory"]
        self.process = subprocess.Popen([*command, "--rate", str(rate)], stdout=subprocess.PIPE)
        assert self.process.stdout
        self.process.stdout.readline()
        endpoint = json.loads((state / "endpoint.json").read_text())
        headers = {"Authorization": f"Bearer {endpoint['api_key']}"}
        self.client = httpx.Client(base_url=endpoint["url"], headers=headers, trust_env=False, timeout=60)
        self.used_at = 0.0

    def use(self, count: int) -> None:
        """Use up a part of the rate."""
        for number in range(count):
            body = {"to": "+15550109998", "body": f"before {number}"}
            self.client.post("/api/messaging/sms", json=body).raise_for_status()
        self.used_at = time.time()

    def age(self, ago_s: float) -> None:
        """Let what was used be used so long ago: the sandbox's clock is ahead by what is missing from here on."""
        missing_s = max(0.0, ago_s - (time.time() - self.used_at))
        self.client.post("/sandbox/clock", json={"advance_s": missing_s}).raise_for_status()

    def taken(self) -> list[tuple[str, str, float]]:
        """Recipient, text and time (by the machine's clock) of every message that is not of `use`."""
        ahead = self.client.get("/sandbox/clock").raise_for_status().json()["offset_s"]
        items = self.client.get("/sandbox/messages").raise_for_status().json()
        return [
            (item["to"], item["body"], datetime.fromisoformat(item["created_at"]).timestamp() - ahead)
            for item in items
            if not item["body"].startswith("before ")
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(END_S)
        assert self.process.stdout
        self.process.stdout.close()


class Sender:
    """`ringback mcp` without a client: it sends what is due by itself."""

    def __init__(self, home: Path) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("RINGBACK_", "SAAS_"))}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ringback")), "mcp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**env, "RINGBACK_HOME": str(home), "RINGBACK_CARRIER": "sandbox"},
        )

    def resident_mb(self) -> float:
        if self.process.poll() is not None:
            raise SystemExit(f"the sender ended by itself: {self.process.returncode}")
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True)
        return int(done.stdout) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def wish(number: int) -> tuple[str, str]:
    """Recipient and text of one of them."""
    return f"+1202556{1000 + number % RECIPIENTS}", f"Your table is ready, number {number}."


async def store(opened: Ringback, count: int, due: float) -> float:
    """Store so many for one moment, each under an allowance; milliseconds for one."""
    at = datetime.fromtimestamp(due, UTC).isoformat()
    began = time.perf_counter()
    for number in range(count):
        receipt = await opened.telephone.send_sms(*wish(number), send_at=at)
        if receipt.status != "scheduled":
            raise SystemExit(f"not scheduled: {receipt}")
    return (time.perf_counter() - began) / count * 1000


async def prepare(home: Path, count: int, due: float | None = None) -> tuple[float, float]:
    """Allow the recipients and store the wishes; the moment that they are due, and milliseconds for one."""
    async with open_ringback(Settings(home=home, carrier="sandbox")) as opened:
        for number in range(RECIPIENTS):
            await opened.person.allow(
                wish(number)[0], Channel.SMS, level=Level.A2, via="bench", seconds=86_400, count=count
            )
        due = due or time.time() + 3600
        return due, await store(opened, count, due)


def follow(home: Path, sender: Sender, until: float) -> tuple[list[float], int]:
    """The sender's memory until nothing is left or `until` (Unix seconds); and how often one was put back."""
    samples = []
    ledger = sqlite3.connect(f"file:{home / 'ledger.db'}?mode=ro", uri=True)
    try:
        while ledger.execute(LEFT).fetchone()[0] and time.time() < until:
            samples.append(sender.resident_mb())
            time.sleep(SAMPLE_S)
        deferred = ledger.execute("SELECT count(*) FROM event WHERE kind = 'deferred'").fetchone()[0]
    finally:
        ledger.close()
    return samples, int(deferred)


def quarters(samples: list[float]) -> list[float]:
    """The median of each quarter."""
    size = max(len(samples) // 4, 1)
    return [statistics.median(samples[at * size : (at + 1) * size] or samples[-1:]) for at in range(4)]


def run(plan: Plan, folder: Path) -> Figures:
    """Store, wait for the moment, send, judge."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    with Carrier(home / "sandbox", plan.rate) as carrier:
        trial = folder / "trial"
        (trial / "sandbox").mkdir(parents=True)
        (trial / "sandbox" / "endpoint.json").write_bytes((home / "sandbox" / "endpoint.json").read_bytes())
        _, each_ms = asyncio.run(prepare(trial, TRIAL))
        due = time.time() + START_S + 2 * plan.count * each_ms / 1000
        _, stored_ms = asyncio.run(prepare(home, plan.count, due))
        carrier.use(plan.used)
        with Sender(home) as sender:
            if time.time() > due - START_S / 2:
                raise SystemExit("the machine was too busy to store all of them before their time")
            time.sleep(due - time.time() - 0.2)
            carrier.age(plan.used_ago_s)
            time.sleep(max(due - time.time(), 0))
            samples, deferred = follow(home, sender, due + LONGEST_S)
            figures = judge(plan, due, {wish(number) for number in range(plan.count)}, carrier.taken())
    figures.stored_ms, figures.deferred, figures.memory_mb = stored_ms, deferred, quarters(samples)
    return figures


def show(figures: Figures) -> None:
    """The figures as a table."""
    memory = " ".join(f"{mb:.1f}" for mb in figures.memory_mb)
    for name, value in {
        "due at one moment": f"{figures.count}",
        "the carrier takes, a minute": f"{figures.rate or 'all'}",
        "before their time": f"{figures.early}",
        "sent twice": f"{figures.twice}",
        "lost": f"{figures.lost}",
        "first one out after": f"{figures.first_s:.2f} s",
        "last one out after": f"{figures.seconds:.1f} s (by the rate alone {figures.ideal_s:.0f})",
        "one is stored in": f"{figures.stored_ms:.2f} ms",
        "put back because the carrier said later": f"{figures.deferred}",
        "memory by quarters": f"{memory} MB, last to first {figures.growth:.3f}",
    }.items():
        print(f"{name:42}{value}")


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--count", type=int, default=10_000, help="how many are due together (default %(default)s)")
    parser.add_argument("--rate", type=int, default=3_000, help="what the carrier takes a minute (default %(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = run(Plan(given.count, given.rate), Path(folder))
    if given.json:
        machine: dict[str, Any] = {"python": platform.python_version(), "cores": os.cpu_count()}
        print(json.dumps({"machine": machine, **asdict(figures)}, indent=2))
    else:
        show(figures)


if __name__ == "__main__":
    main()
