"""Fixtures that all tests share: a real sandbox carrier in a process of its own, and where Chromium is."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import hypothesis
import pytest
from ringback_support.open_rules import OPEN_RULES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

# How long an example takes depends on the machine: it is measured in bench/, not judged here.
hypothesis.settings.register_profile("house", deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("house")
os.environ |= OPEN_RULES


@pytest.fixture
def home() -> Iterator[Path]:
    """Where an installation keeps its files, in memory where that is possible: the ledger syncs a lot."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder) / "home"


@dataclass
class Sandbox:
    """A running sandbox. `client` speaks to it bare, `api` with its key; the methods return parsed JSON."""

    process: subprocess.Popen[str]
    state: Path
    url: str
    api_key: str
    client: httpx2.Client
    api: httpx2.Client

    def get(self, path: str) -> Any:
        return self.client.get(path).raise_for_status().json()

    def post(self, path: str, json: Any = None) -> Any:
        return self.client.post(path, json={} if json is None else json).raise_for_status().json()

    def messages(self) -> list[dict[str, Any]]:
        return self.get("/sandbox/messages")

    def calls(self) -> list[dict[str, Any]]:
        return self.get("/sandbox/calls")

    def requests(self) -> list[dict[str, Any]]:
        return self.get("/sandbox/requests")

    def advance(self, seconds: float) -> None:
        self.post("/sandbox/clock", {"advance_s": seconds})

    def freeze(self) -> None:
        """Let its clock stand still, so that nothing changes but by `advance`."""
        self.post("/sandbox/clock", {"frozen": True})

    def text(self, body: str, to: str = "+15551234567") -> str:
        """Send a text through it; returns its id."""
        return self._send("sms", {"to": to, "body": body})

    def picture(self, media_url: str, to: str = "+15551234567") -> str:
        """Send a picture through it; returns its id."""
        return self._send("mms", {"to": to, "body": "A picture", "media_url": media_url})

    def ring(self, prompt: str = "Hello", to: str = "+15551234567") -> str:
        """Call through it and let the call ring; returns its id."""
        call = self._send("voice", {"to": to, "prompt": prompt})
        self.advance(1)
        return call

    def _send(self, kind: str, given: dict[str, str]) -> str:
        return self.api.post(f"/api/messaging/{kind}", json=given).raise_for_status().json()["id"]

    def end(self) -> None:
        self.client.close()
        self.api.close()
        self.process.kill()
        self.process.communicate()


StartSandbox = Callable[..., Sandbox]
OpenHandset = Callable[..., "Page"]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch_sandbox(state: Path, *arguments: str) -> Sandbox:
    """Start a sandbox on `state` and any free port, and wait until it listens."""
    command = [sys.executable, "-m", "ringback_sandbox", "--state", str(state), "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if not process.stdout.readline():
        raise RuntimeError(f"the sandbox did not start: {process.communicate()[1]}")
    endpoint = json.loads((state / "endpoint.json").read_text())
    url, key = endpoint["url"], endpoint["api_key"]
    client = httpx2.Client(base_url=url, trust_env=False)
    api = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, trust_env=False)
    return Sandbox(process, state, url, key, client, api)


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[StartSandbox]:
    """Starts sandboxes with the arguments given, all on one folder unless `state` names another."""
    started: list[Sandbox] = []

    def start(*arguments: str, state: Path | None = None) -> Sandbox:
        started.append(launch_sandbox(state or tmp_path / "sandbox", *arguments))
        return started[-1]

    yield start
    for sandbox in started:
        sandbox.end()


@pytest.fixture
def sandbox(start_sandbox: StartSandbox) -> Sandbox:
    """A fresh sandbox that keeps nothing."""
    return start_sandbox("--memory")


@pytest.fixture(scope="module")
def module_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One process for a whole file of tests: for files that reset it before each test."""
    sandbox = launch_sandbox(tmp_path_factory.mktemp("sandbox"), "--memory")
    yield sandbox
    sandbox.end()


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is. Without one the test is skipped, or fails where the environment has CI set."""
    names = ("chromium", "google-chrome", "chromium-browser")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is not None:
        return path
    reason = f"no Chromium: none of {', '.join(names)} is on PATH"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def chromium(chromium_path: str) -> "Iterator[Browser]":
    """A browser for a file of tests. Not for longer: while it lives, no test on an event loop can run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def still_sandbox(module_sandbox: Sandbox) -> Sandbox:
    """The file's sandbox, emptied, with a clock that stands still."""
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    return module_sandbox


@pytest.fixture
def open_handset(chromium: "Browser") -> Iterator[OpenHandset]:
    """Opens a sandbox's handset, live, with the settings given for the browser's context."""
    contexts = []

    def open_(sandbox: Sandbox, **settings: Any) -> "Page":
        contexts.append(chromium.new_context(**{"viewport": {"width": 1280, "height": 800}} | settings))
        page = contexts[-1].new_page()
        page.goto(sandbox.url)
        page.get_by_test_id("connection").filter(has_text="Live").wait_for()
        return page

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_handset: OpenHandset, still_sandbox: Sandbox) -> "Iterator[Page]":
    """The still sandbox's handset at desk width; whatever its console complains of fails the test."""
    page = open_handset(still_sandbox)
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.reload()
    page.get_by_test_id("connection").filter(has_text="Live").wait_for()
    yield page
    assert complaints == []
