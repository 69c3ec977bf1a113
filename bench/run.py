"""Measures Ringback beside a bare MCP server and a bare POST, in one run: `python bench/run.py [--json]`.

See bench/README.md for what each line means.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx2 as httpx

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.opening import open_ringback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
BARE = [sys.executable, str(HERE / "bare_server.py")]
RINGBACK = [str(Path(sys.executable).with_name("ringback")), "mcp"]
HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
ERAS = ((HANDSHAKE, "handshake"), (STATELESS, "2026-07-28"))
CLIENT = {"name": "bench", "version": "1"}
META = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientInfo": CLIENT,
    "io.modelcontextprotocol/clientCapabilities": {},
}
TO = "+14155552671"  # a number that no carrier is asked about: the one here answers without looking
POOL = httpx.Limits(max_connections=16, max_keepalive_connections=16)  # as Ringback's own
KEY = "bench"
SINGLES = 20
AT_ONCE = 64
END_S = 10.0


@dataclass
class Row:
    """One line of the table."""

    what: str
    unit: str
    bare: float
    ringback: float
    ratio: float
    bare_range: tuple[float, float]
    ringback_range: tuple[float, float]
    aim: float | None = None


class Start(NamedTuple):
    """One cold start."""

    ms: float
    mb: float


class Server:
    """A server process, spoken to over its pipes without any library."""

    def __init__(self, command: list[str], env: dict[str, str], era: str) -> None:
        self.era = era
        self.ids = 0
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
        assert self.process.stdin
        assert self.process.stdout
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def put(self, method: str, params: dict[str, Any]) -> None:
        self.ids += 1
        if self.era == STATELESS:
            params = {**params, "_meta": META}
        message = {"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params}
        self.stdin.write(json.dumps(message).encode() + b"\n")

    def get(self) -> dict[str, Any]:
        answer = json.loads(self.stdout.readline())
        if "result" not in answer or answer["result"].get("isError"):
            raise SystemExit(f"the server refused: {json.dumps(answer)[:600]}")
        result: dict[str, Any] = answer["result"]
        return result

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.put(method, params)
        self.stdin.flush()
        return self.get()

    def list_tools(self) -> None:
        if self.era == STATELESS:
            self.ask("server/discover", {})
        else:
            self.ask("initialize", {"protocolVersion": self.era, "capabilities": {}, "clientInfo": CLIENT})
            self.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        self.ask("tools/list", {})

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status")
        if status.exists():
            line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
            return int(line.split()[1]) / 1024
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(self.process.pid)], capture_output=True, check=True)
        return int(done.stdout) / 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdin.close()
        try:
            self.process.wait(END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.stdout.close()


def cold_start(command: list[str], env: dict[str, str], era: str) -> Start:
    began = time.perf_counter()
    with Server(command, env, era) as server:
        server.list_tools()
        return Start((time.perf_counter() - began) * 1000, server.resident_mb())


def row(what: str, unit: str, bare: list[float], ringback: list[float], aim: float | None = None) -> Row:
    middle = statistics.median(bare), statistics.median(ringback)
    return Row(what, unit, *middle, middle[1] / middle[0], (min(bare), max(bare)), (min(ringback), max(ringback)), aim)


def measure_starts(env: dict[str, str], rounds: int) -> Iterator[Row]:
    for era, name in ERAS:
        runs: dict[str, list[Start]] = {"bare": [], "ringback": []}
        for number in range(rounds + 1):
            for kind, command in (("bare", BARE), ("ringback", RINGBACK)):
                start = cold_start(command, env, era)
                if number:  # the first one compiles and fills the disk cache
                    runs[kind].append(start)
        bare, ringback = runs["bare"], runs["ringback"]
        yield row(f"cold start to tools/list, {name}", "ms", [r.ms for r in bare], [r.ms for r in ringback], 1.0)
        yield row(f"memory after tools/list, {name}", "MB", [r.mb for r in bare], [r.mb for r in ringback], 1.1)


class Sends:
    """The bare POST and `send-sms`, to one carrier, by turns."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self.runner = runner
        self.number = 0
        headers = {"Authorization": f"Bearer {KEY}"}
        self.client = httpx.AsyncClient(base_url=url, headers=headers, limits=POOL, trust_env=False)

    def body(self) -> str:
        self.number += 1
        return f"Your table is ready, number {self.number}."

    async def post(self) -> None:
        response = await self.client.post("/api/messaging/sms", json={"to": TO, "body": self.body()})
        response.raise_for_status()
        response.json()

    async def posts(self, times: int) -> list[float]:
        """Milliseconds of each of so many posts, one after another."""
        results = []
        for _ in range(times):
            began = time.perf_counter()
            await self.post()
            results.append((time.perf_counter() - began) * 1000)
        return results

    async def post_many(self) -> None:
        await asyncio.gather(*(self.post() for _ in range(AT_ONCE)))

    def put(self, server: Server) -> None:
        server.put("tools/call", {"name": "send-sms", "arguments": {"to": TO, "body": self.body()}})

    def get(self, server: Server) -> None:
        receipt = server.get()["structuredContent"]
        if receipt["status"] != "delivered":
            raise SystemExit(f"not sent: {receipt}")

    def send(self, server: Server) -> None:
        self.put(server)
        server.stdin.flush()
        self.get(server)

    def send_many(self, server: Server) -> None:
        for _ in range(AT_ONCE):
            self.put(server)
        server.stdin.flush()
        for _ in range(AT_ONCE):
            self.get(server)


def timed(work: Callable[[], object], times: int = 1) -> list[float]:
    """Milliseconds of each run."""
    results = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        results.append((time.perf_counter() - began) * 1000)
    return results


def measure_sends(env: dict[str, str], url: str, rounds: int) -> Iterator[Row]:
    with asyncio.Runner() as runner:
        runner.run(allow())
        sends = Sends(url, runner)
        for era, name in ERAS:
            with Server(BARE, env, era) as bare, Server(RINGBACK, env, era) as ringback:
                bare.list_tools()
                ringback.list_tools()
                yield from by_turns(sends, bare, ringback, name, rounds)
        runner.run(sends.client.aclose())


def by_turns(sends: Sends, bare: Server, ringback: Server, name: str, rounds: int) -> Iterator[Row]:
    posts: list[float] = []
    texts: list[float] = []
    for number in range(rounds + 1):  # the first round opens connections and fills caches
        pair = sends.runner.run(sends.posts(SINGLES)), timed(lambda: sends.send(ringback), SINGLES)
        if number:
            posts += pair[0]
            texts += pair[1]
    yield row(f"one send-sms against one POST, {name}", "ms", posts, texts, 3.0)

    posts, texts = [], []
    for number in range(rounds + 1):
        pair = timed(lambda: sends.runner.run(sends.post_many())), timed(lambda: sends.send_many(ringback))
        if number:
            posts += [ms / AT_ONCE for ms in pair[0]]
            texts += [ms / AT_ONCE for ms in pair[1]]
    yield row(f"{AT_ONCE} at once, each, {name}", "ms", posts, texts)

    lists: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        lists[0].extend(timed(lambda: bare.ask("tools/list", {}), SINGLES))
        lists[1].extend(timed(lambda: ringback.ask("tools/list", {}), SINGLES))
    yield row(f"tools/list again, {name}", "ms", *lists)

    echo = {"name": "echo", "arguments": {"text": "hello"}}
    timed(lambda: bare.ask("tools/call", echo), (rounds + 1) * (SINGLES + AT_ONCE))  # as many calls as Ringback had
    yield row(f"memory after the calls, {name}", "MB", [bare.resident_mb()], [ringback.resident_mb()], 1.1)


async def allow() -> None:
    """What `ringback allow` does, for more messages than a person would allow."""
    async with open_ringback() as opened:
        await opened.person.allow(TO, Channel.SMS, level=Level.A2, via="bench", seconds=86_400, count=1_000_000)


@contextlib.contextmanager
def carrier() -> Iterator[str]:
    """The URL of a carrier process."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "carrier.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def show(rows: list[Row]) -> None:
    print(f"{'':46}{'bare':>22}{'ringback':>22}{'ratio':>8}  aim")
    for item in rows:
        spans = [
            f"{middle:.2f} ({low:.2f}-{high:.2f})"
            if item.unit == "ms" and middle < 100
            else f"{middle:.0f} ({low:.0f}-{high:.0f})"
            for middle, (low, high) in ((item.bare, item.bare_range), (item.ringback, item.ringback_range))
        ]
        aim = "" if item.aim is None else f"{item.aim:.1f} {'reached' if item.ratio <= item.aim else 'MISSED'}"
        print(f"{item.what + ', ' + item.unit:46}{spans[0]:>22}{spans[1]:>22}{item.ratio:>8.2f}  {aim}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--rounds", type=int, default=15, help="rounds of each measurement (default 15)")
    parser.add_argument("--only", choices=["start", "send"], help="measure this alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, carrier() as url:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ |= {
            "PYTHONPYCACHEPREFIX": str(Path(folder) / "bytecode"),
            "RINGBACK_HOME": str(Path(folder) / "home"),
            "RINGBACK_CARRIER": "thinkfleetbot",
            "SAAS_API_URL": url,
            "SAAS_API_KEY": KEY,
            # At any hour; limits are counted, and none is reached.
            "RINGBACK_HOURS": "off",
            "RINGBACK_COUNTRIES": "US",
            "RINGBACK_LIMITS": "recipient=1000000/hour, sms=1000000/hour, all=1000000/day",
        }
        env = dict(os.environ)
        rows = [] if given.only == "send" else list(measure_starts(env, given.rounds))
        rows += [] if given.only == "start" else list(measure_sends(env, url, given.rounds))
    if given.json:
        machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
        print(json.dumps({"machine": machine, "rows": [asdict(item) for item in rows]}, indent=2))
    else:
        show(rows)


if __name__ == "__main__":
    main()
