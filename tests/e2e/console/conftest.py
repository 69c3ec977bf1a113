"""An installation on a sandbox of its own, the console as a real process on it, and a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from tests.conftest import Sandbox, launch_sandbox

from ringback import approvals
from ringback.ledger.records import Choice, Level
from ringback.opening import Ringback, open_ringback
from ringback.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

    from ringback.receipts import Receipt

T = TypeVar("T")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PASSPHRASE = "seven blue kettles"
TO = "+12025550123"
YES = approvals.Answer(Choice.ONCE, Level.A2, "page")
LIVE_MS = 10_000


@dataclass
class Console:
    """A running console."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass
class Answer:
    """An HTTP answer, read."""

    status: int
    headers: dict[str, str]
    cookies: list[str]
    text: str

    def hidden(self, name: str) -> str:
        """The first hidden field of this name in the page."""
        return hidden(self.text, name)


@dataclass
class Installation:
    """A data folder, its sandbox, and whatever console runs on it."""

    home: Path
    sandbox: Sandbox
    consoles: list[Console] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, carrier="sandbox", sandbox_port=0, console_port=0)

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RINGBACK_", "SAAS_"))}
        mine = {"HOME": str(self.home), "CARRIER": "sandbox", "SANDBOX_PORT": "0", "CONSOLE_PORT": "0"}
        return {**kept, **{f"RINGBACK_{name}": value for name, value in mine.items()}}

    def do(self, work: Callable[[Ringback], Awaitable[T]]) -> T:
        """Run something on the installation, as an agent's server beside the console would."""

        async def opened() -> T:
            async with open_ringback(self.settings) as ringback:
                return await work(ringback)

        # In a thread of its own: a test that drives a browser has an event loop running already.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, opened()).result()

    def text(self, body: str, to: str = TO) -> Receipt:
        return self.do(lambda opened: opened.telephone.send_sms(to, body))

    def agreed(self, body: str, to: str = TO, *, at: datetime | None = None) -> Receipt:
        """Something that a person said yes to, at once or for a later time."""

        async def agree(opened: Ringback) -> Receipt:
            receipt = await opened.telephone.send_sms(to, body, send_at=at and at.isoformat())
            return await opened.person.answer(receipt.id, YES)

        return self.do(agree)

    def doubtful(self, body: str) -> Receipt:
        """Something of which nobody knows whether it went out: the carrier answered with an error of its own."""
        self.sandbox.post("/sandbox/faults", {"next": 1, "kind": "500"})
        receipt = self.agreed(body)
        assert receipt.status == "unknown"
        return receipt

    def write(self, body: str, sender: str = TO) -> None:
        """Somebody texts the agent's line."""
        self.sandbox.post("/sandbox/replies", {"from": sender, "body": body})

    def status(self, outbound_id: str) -> str:
        async def read(opened: Ringback) -> str:
            return (await opened.ledger.outbounds.get(outbound_id)).status.value

        return self.do(read)

    def allowances(self) -> int:
        async def count(opened: Ringback) -> int:
            return len(await opened.person.allowances())

        return self.do(count)

    def record(self) -> list[tuple[str, str]]:
        """What reached the carrier: to whom, and what."""
        texts = [(item["to"], item["body"]) for item in self.sandbox.messages()]
        return [*texts, *((item["to"], item["prompt"]) for item in self.sandbox.calls())]

    def console(self, *arguments: str, **settings: str) -> Console:
        """Start a console of this installation and wait until it listens."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ringback_server.console", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **settings},
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the console did not start: {process.communicate()[1]}")
        self.consoles.append(Console(process, line.split()[-1]))
        return self.consoles[-1]

    def end(self) -> None:
        for console in self.consoles:
            console.end()
        self.sandbox.end()


def install(home: Path) -> Installation:
    """A fresh installation."""
    return Installation(home, launch_sandbox(home / "sandbox", "--memory"))


def hidden(page: str, name: str) -> str:
    """The first hidden field of this name in a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found is not None, f"no field {name} in the page"
    return found.group(1)


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)


def send(
    port: int, method: str, target: str, headers: list[tuple[str, str]], body: bytes | list[bytes] = b""
) -> Answer:
    """Exactly these headers and this target; a list of bytes is sent in chunks."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body if isinstance(body, bytes) else b"".join(map(chunk, [*body, b""])))
        answer = connection.getresponse()
        return Answer(
            answer.status,
            {name.lower(): value for name, value in answer.getheaders()},
            answer.headers.get_all("set-cookie") or [],
            answer.read().decode(),
        )


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = install(tmp_path / "home")
    yield made
    made.end()


@pytest.fixture(scope="module")
def module_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for a whole file of tests that send nothing."""
    made = install(tmp_path_factory.mktemp("installation"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser with no past, at desk width."""
    with chromium.new_context(viewport={"width": 1280, "height": 800}) as context:
        yield context


@pytest.fixture(scope="module")
def console(module_installation: Installation) -> Console:
    """A console that most tests here share; nobody needs to sign in."""
    return module_installation.console()


@pytest.fixture
def shared(module_installation: Installation) -> Installation:
    """The shared installation with nothing waiting, scheduled or in doubt, nobody allowed and an empty handset."""

    async def tidy(opened: Ringback) -> None:
        for question in await opened.person.waiting():
            await opened.telephone.cancel(question.id)
        for question in await opened.person.scheduled():
            await opened.telephone.cancel(question.id)
        for question, _ in await opened.person.doubtful():
            await opened.person.resolve(question.id, sent=False)
        for allowance in await opened.person.allowances():
            await opened.person.revoke(allowance.id)

    module_installation.do(tidy)
    module_installation.sandbox.post("/sandbox/reset")
    return module_installation


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page whose own complaints fail the test."""
    page = browser.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    yield page
    assert complaints == []


def told(path: Path) -> dict[str, Any]:
    """What a process announced."""
    return dict(json.loads(path.read_text()))
