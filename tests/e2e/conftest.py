"""The real `ringback` command, for tests: piped as a script calls it, and in a terminal as a person does."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from ringback_support.open_rules import OPEN_RULES

from ringback.opening import open_ringback
from ringback.settings import Settings
from ringback_server.doctor import running_process

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.conftest import Sandbox

    from ringback.opening import Ringback

T = TypeVar("T")
COMMAND = Path(sys.executable).parent / "ringback"
LIMIT_S = 30
# A session of its own whose controlling terminal is standard input: Ctrl-C then reaches the command.
ADOPT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


@dataclass
class Installation:
    """A data folder and the command on it."""

    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RINGBACK_", "SAAS_"))}
        for told in ("NO_COLOR", "COLUMNS", "LINES"):  # a terminal tells its own size
            kept.pop(told, None)
        own = {"RINGBACK_HOME": str(self.home), "RINGBACK_SANDBOX_PORT": "0", "TERM": "xterm"}
        return {**kept, **OPEN_RULES, **own, **self.settings}

    def __call__(self, *arguments: str, stdin: str | bytes = b"") -> Done:
        """Run the command with pipes, to its end."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        command = [COMMAND, *arguments]
        done = subprocess.run(
            command, input=given, capture_output=True, env=self.environment, timeout=LIMIT_S, check=False
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the command and leave it running."""
        return subprocess.Popen([COMMAND, *arguments], env=self.environment, **options)

    def ask(self, work: Callable[[Ringback], Awaitable[T]]) -> T:
        """Do something with the opened installation, in this process."""

        async def run() -> T:
            async with open_ringback(Settings(home=self.home, sandbox_port=0)) as opened:
                return await work(opened)

        return asyncio.run(run())


class Terminal:
    """The command in a terminal of its own, with a person's hands."""

    def __init__(self, installation: Installation, *arguments: str, columns: int = 80) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", ADOPT, str(COMMAND), *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=installation.environment,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""
        self._seen = 0

    def until(self, text: str) -> str:
        """Read until `text` appears beyond what an earlier call waited for; what was shown up to it."""
        ends_at = time.monotonic() + LIMIT_S
        while (found := self.shown.find(text, self._seen)) < 0:
            if not self._read(ends_at - time.monotonic()):
                raise AssertionError(f"{text!r} was not shown; this was: {self.shown}")
        before, self._seen = self.shown[self._seen : found], found + len(text)
        return before

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def finish(self) -> int:
        """Read to the end; the exit code."""
        ends_at = time.monotonic() + LIMIT_S
        while self._read(ends_at - time.monotonic()):
            pass
        return self.process.wait(timeout=max(ends_at - time.monotonic(), 0.1))

    def _read(self, seconds: float) -> bool:
        """Read what comes next; false at the end, or when nothing came in time."""
        if not select.select([self._master], [], [], max(seconds, 0))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux's way to say that nobody holds the other side any more
            return False
        self.shown += data.decode()
        return bool(data)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._master)


@pytest.fixture
def ringback(tmp_path: Path) -> Iterator[Installation]:
    """The command on a fresh data folder. A sandbox or console that it started for itself is ended afterwards."""
    installation = Installation(tmp_path / "home")
    yield installation
    for name in ("sandbox", "console"):
        found = running_process(installation.home / name)
        if found is not None and (installation.home / name / f"{name}.log").exists():
            os.kill(found["pid"], signal.SIGTERM)


@pytest.fixture
def handset(ringback: Installation, module_sandbox: Sandbox) -> Sandbox:
    """The sandbox that `ringback` finds running: one process for a file of tests, emptied for each."""
    module_sandbox.post("/sandbox/reset")
    state = ringback.home / "sandbox"
    state.mkdir(mode=0o700, parents=True)
    ringback.home.chmod(0o700)
    (state / "endpoint.json").write_bytes((module_sandbox.state / "endpoint.json").read_bytes())
    return module_sandbox


@pytest.fixture
def terminal(ringback: Installation) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals with the command in them."""
    opened: list[Terminal] = []

    def open_one(*arguments: str, columns: int = 80) -> Terminal:
        opened.append(Terminal(ringback, *arguments, columns=columns))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
