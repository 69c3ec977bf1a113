"""The installation that a race is run on, and its processes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.conftest import launch_sandbox
from tests.crash.harness import ROOT, environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.conftest import Sandbox

LIMIT_S = 120


@dataclass
class Track:
    """A data folder and the sandbox on it."""

    home: Path
    sandbox: Sandbox

    def arrivals(self) -> list[tuple[float, str, str]]:
        """When each text arrived by the sandbox's own clock, in Unix seconds, to whom, and what it says; in order."""
        taken = [
            (datetime.fromisoformat(item["created_at"]).timestamp(), item["to"], item["body"])
            for item in self.sandbox.messages()
        ]
        return sorted(taken)


@contextmanager
def track(home: Path, *arguments: str) -> Iterator[Track]:
    """A sandbox that takes as much as comes."""
    sandbox = launch_sandbox(home / "sandbox", "--memory", "--rate", "0", *arguments)
    try:
        yield Track(home, sandbox)
    finally:
        sandbox.end()


class Runner:
    """One running member."""

    def __init__(self, home: Path, given: dict[str, Any]) -> None:
        task = {
            "at_once": 8,
            "mark": 0,
            "count": 0,
            "since": time.time(),
            "pace": 1.0,
            "settings": {},
            "broken": None,
            "way_s": 0.0,
            **given,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.races.member", str(home), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={name: value for name, value in environment().items() if not name.startswith("RINGBACK_")},
            text=True,
        )

    def says(self, word: str) -> None:
        """Wait until it says this."""
        assert self._process.stdout
        said = self._process.stdout.readline().strip()
        assert said == word, f"it said {said!r}"

    def go(self, ends_at: float | None = None) -> None:
        """Let it begin, and try until a time by its clock where one is given; or let it end."""
        assert self._process.stdin
        self._process.stdin.write(f"{json.dumps(ends_at)}\n")
        self._process.stdin.flush()

    def told(self) -> dict[str, int]:
        """How often its tries ended in which way."""
        out, _ = self._process.communicate(timeout=LIMIT_S)
        assert self._process.returncode == 0
        found: dict[str, int] = json.loads(out)
        return found

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def members(home: Path, *tasks: dict[str, Any]) -> Iterator[list[Runner]]:
    """Processes that are ready to begin."""
    with ExitStack() as stack:
        runners = [Runner(home, task) for task in tasks]
        for runner in runners:
            stack.callback(runner.close)
        for runner in runners:
            runner.says("ready")
        yield runners


def finish(runners: list[Runner]) -> dict[str, int]:
    """Wait until all are through, and then let all end; how their tries ended, added up."""
    for runner in runners:
        runner.says("over")
    for runner in runners:
        runner.go()
    total: dict[str, int] = {}
    for runner in runners:
        for word, times in runner.told().items():
            total[word] = total.get(word, 0) + times
    return total
