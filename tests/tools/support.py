"""What the tests of the MCP server share: an installation on a real sandbox, clients, raw JSON-RPC, and a search."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import signal
import sys
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import mcp_types as types
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from ringback_support.open_rules import OPEN_RULES, voiced
from tests.conftest import Sandbox, launch_sandbox

from ringback import open_ringback
from ringback.clock import SystemClock
from ringback_server.host import Host
from ringback_server.mcp_app import build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ringback.opening import Ringback

SERVE: Final = (sys.executable, "-m", "ringback_server", "mcp")
MODERN: Final = "2026-07-28"
ERAS: Final = ("auto", "legacy")
TO: Final = "+12025550123"
DIGITS: Final = "0123"
FORM: Final[dict[str, Any]] = {"form": {}}
PAGE: Final = "http://127.0.0.1:8424/"
SENDING: Final = ("send-sms", "send-mms", "voice-call")
NAMES: Final = ("check-telephony", *SENDING, "status", "history", "cancel")
LIMIT_S: Final = 30.0


class ShiftedClock(SystemClock):
    """The machine's clock, with an offset that a test moves."""

    offset_s = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.offset_s)


@dataclass
class House:
    """One installation in a folder of its own, on a sandbox that counts what reaches it."""

    home: Path
    sandbox: Sandbox
    clock: ShiftedClock = field(default_factory=ShiftedClock)

    @property
    def env(self) -> dict[str, str]:
        """What a server process needs to be told."""
        return {key: value for key, value in os.environ.items() if key.startswith(("RINGBACK_", "PATH"))}

    def host(self) -> Host:
        """An installation for a server in this process. Its page is an address and no process."""

        async def page(_: object) -> str:
            return PAGE

        return Host(open_with=self.opened, start_console=page)

    @asynccontextmanager
    async def client(self, mode: str = "auto", answer: Callable[..., Any] | None = None) -> AsyncIterator[Client]:
        """`mcp`'s own client on a server in this process."""
        async with Client(build_server(self.host()), mode=mode, elicitation_callback=answer) as client:
            yield client

    @asynccontextmanager
    async def stdio(self, mode: str = "auto", answer: Callable[..., Any] | None = None) -> AsyncIterator[Client]:
        """`mcp`'s own client on a server process; what that logs goes to `server.log` beside the home."""
        server = StdioServerParameters(command=SERVE[0], args=list(SERVE[1:]), env=self.env)
        with (self.home.parent / "server.log").open("a") as log:
            async with Client(stdio_client(server, log), mode=mode, elicitation_callback=answer) as client:
                yield client

    def opened(self) -> AbstractAsyncContextManager[Ringback]:
        """The installation, opened once more, as another process of it would."""
        return open_ringback(clock=self.clock)

    def texts(self) -> list[str]:
        """What the sandbox accepted, oldest first: bodies and prompts."""
        items = [*self.sandbox.messages(), *self.sandbox.calls()]
        return [item.get("body") or item["prompt"] for item in sorted(items, key=lambda item: item["seq"])]

    def posts(self) -> list[dict[str, Any]]:
        """Every sending request that reached the sandbox, accepted or not."""
        return [item["body"] for item in self.sandbox.requests() if item["method"] == "POST"]

    @contextmanager
    def taking(self) -> Iterator[None]:
        """Leaves once the sandbox has taken something, though its answer may still be under way."""
        with self.sandbox.client.stream("GET", "/sandbox/events", timeout=LIMIT_S) as events:
            lines = events.iter_lines()
            self._skip_to(lines, "event: hello")
            yield
            self._skip_to(lines, "event: message", "event: call")

    @staticmethod
    def _skip_to(lines: Iterator[str], *wanted: str) -> None:
        while not next(lines).startswith(wanted):
            pass

    def end(self) -> None:
        """End the processes that servers of this installation have left behind."""
        for endpoint in self.home.glob("*/endpoint.json"):
            pid = json.loads(endpoint.read_text())["pid"]
            if pid != self.sandbox.process.pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox process for a file of tests; `house` empties it before each."""
    sandbox = launch_sandbox(tmp_path_factory.mktemp("carrier") / "sandbox", "--memory", "--rate", "0")
    yield sandbox
    sandbox.end()


@pytest.fixture
def house(carrier: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A fresh installation; the environment names it."""
    carrier.post("/sandbox/reset")
    carrier.post("/sandbox/clock", {"frozen": True})  # what is taken stays queued until a test moves the clock
    for name in [name for name in os.environ if name.startswith(("RINGBACK_", "SAAS_"))]:
        monkeypatch.delenv(name)
    for name, value in OPEN_RULES.items():
        monkeypatch.setenv(name, value)
    home = tmp_path / "home"
    (home / "sandbox").mkdir(parents=True)
    shutil.copy(carrier.state / "endpoint.json", home / "sandbox")
    monkeypatch.setenv("RINGBACK_HOME", str(home))
    monkeypatch.setenv("RINGBACK_SANDBOX_PORT", "0")
    monkeypatch.setenv("RINGBACK_CONSOLE_PORT", "0")
    made = House(home, carrier)
    yield made
    made.end()


class Reader:
    """A person before a client's form: keeps what was shown, and answers what the test says.

    Args:
        choice: what is chosen; `None` leaves it out.
        digits: what is typed; by default what a person reads off the shown number, `None` leaves it out.
        action: what the client reports.
    """

    def __init__(self, choice: Any = "once", *, digits: Any = "read", action: str = "accept") -> None:
        self.shown: list[str] = []
        self._choice, self._digits, self._action = choice, digits, action

    async def __call__(self, context: object, params: types.ElicitRequestFormParams) -> types.ElicitResult:
        self.shown.append(params.message)
        digits = read_digits(params.message) if self._digits == "read" else self._digits
        content = {"last_digits": digits, "choice": self._choice}
        known = {name: value for name, value in content.items() if value is not None}
        return types.ElicitResult(action=self._action, content=known if self._action == "accept" else None)


def read_digits(message: str) -> str:
    """The last four digits of the number in a question's first line."""
    return "".join(re.findall(r"\d", message.splitlines()[0]))[-4:]


def arguments_of(tool: str, text: str, to: str = TO) -> dict[str, Any]:
    """The arguments of one of the three sending tools."""
    if tool == "voice-call":
        return {"to": to, "prompt": text}
    return {"to": to, "body": text} | ({"media_url": "https://media.example/a.png"} if tool == "send-mms" else {})


def sent_by(tool: str, text: str) -> str:
    """What goes out of that text."""
    return voiced(text) if tool == "voice-call" else text


def in_seconds(house: House, seconds: float) -> str:
    """A moment by the installation's clock, as a model writes it."""
    return (house.clock.now() + timedelta(seconds=seconds)).isoformat()


def receipt_of(result: types.CallToolResult) -> dict[str, Any]:
    """The structured receipt of a call that worked."""
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def text_of(result: types.CallToolResult) -> str:
    """What the model reads."""
    return "\n".join(item.text for item in result.content if isinstance(item, types.TextContent))


def yes(digits: str = DIGITS, choice: str = "once") -> dict[str, Any]:
    """What a client of the stateless era carries back after a person said yes."""
    return {"approval": {"action": "accept", "content": {"last_digits": digits, "choice": choice}}}


def disguises(secret: str) -> dict[str, bytes]:
    """The forms in which a number or a text could lie in a file."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "url": quote(secret, safe="").encode(),
        "form": quote_plus(secret).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "utf-16": secret.encode("utf-16-le"),
        "hex": raw.hex().encode(),
    }
    for shift in range(3):  # base64 depends on where in a longer value it begins
        inner = base64.b64encode(b"\0" * shift + raw)
        found[f"base64+{shift}"] = inner[(0, 2, 3)[shift] : len(inner) - 4]
    digits = re.sub(r"\D", "", secret)
    if len(digits) >= 7:
        found["digits"] = digits.encode()
        found["national"] = digits[1:].encode()
        found["spaced"] = " ".join(digits).encode()
        found["grouped"] = f"{digits[-10:-7]}-{digits[-7:-4]}-{digits[-4:]}".encode()
    return found


def traces(contents: dict[str, bytes], *secrets: str) -> list[str]:
    """Where one of the secrets is found, in whatever form."""
    return [
        f"{name} holds a secret as {form}"
        for name, data in contents.items()
        for secret in secrets
        for form, needle in disguises(secret).items()
        if needle in data
    ]


def files_of(home: Path) -> dict[str, bytes]:
    """Every file that the installation keeps; the sandbox's own are the platform's."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.relative_to(home).parts[0] != "sandbox"
    }


async def until_sent(opened: Ringback, outbound_id: str) -> str:
    """The status of an outbound once it has left, or has ended."""
    return (await opened.telephone.status(outbound_id, wait_s=10)).status
