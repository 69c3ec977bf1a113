"""`ringback serve` as a process for tests: what it says is read as it comes, and its doors are knocked on bare."""

from __future__ import annotations

import base64
import hmac
import json
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

from ringback.keys import load_keyring

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Installation

LIMIT_S = 30


class Serving:
    """One running `ringback serve`. `client` knocks at its door; `told` waits for its words on standard error."""

    def __init__(self, installation: Installation, *arguments: str, patch: str = "") -> None:
        code = f"{patch}\nimport sys\nsys.argv = ['ringback', 'serve', *sys.argv[1:]]\n"
        code += "from ringback_server.cli import main\nmain()"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *(arguments or ("--port", "0"))],
            env=installation.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.home = installation.home
        self.words = ""
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            self.process.wait(LIMIT_S)
            raise AssertionError(f"it did not start: {self.words}")
        self.url: str = json.loads(line)["url"]
        self.port = int(self.url.rpartition(":")[2])
        self.client = httpx2.Client(base_url=self.url, trust_env=False, timeout=LIMIT_S)

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            with self._changed:
                self.words += line.decode()
                self._changed.notify_all()

    def told(self, text: str) -> None:
        """Wait until it has said this."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.words, LIMIT_S), self.words

    def post(self, body: bytes, *, signed_by: str | None = "sandbox", event: str = "evt_1") -> httpx2.Response:
        """Post a callback of the sandbox, signed with this installation's secret, over a connection of its own."""
        headers = {"Content-Type": "application/json", "Connection": "close"}
        if signed_by is not None:
            headers |= signature(load_keyring(None, self.home / "key").callback_secret(signed_by), body, event)
        return self.client.post("/webhooks/sandbox", content=body, headers=headers)

    def knock(self, data: bytes = b"") -> socket.socket:
        """A bare connection with some bytes sent on it."""
        connection = socket.create_connection(("127.0.0.1", self.port), LIMIT_S)
        connection.sendall(data)
        return connection

    @property
    def files(self) -> int:
        """How many files and connections the process has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def end(self) -> int:
        """Ask it to end; its exit code."""
        self.process.terminate()
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        self.client.close()
        self.process.kill()
        self.process.wait()
        self._reader.join(LIMIT_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()


def signature(secret: bytes, body: bytes, event: str) -> dict[str, str]:
    """The headers of the Standard Webhooks specification, made without the code that checks them."""
    moment = str(int(time.time()))
    digest = hmac.digest(secret, f"{event}.{moment}.".encode() + body, "sha256")
    told = base64.b64encode(digest).decode()
    return {"webhook-id": event, "webhook-timestamp": moment, "webhook-signature": f"v1,{told}"}


def received(text: str, carrier_id: str = "rpl_1", sender: str = "+12025550123") -> bytes:
    """The callback of a text that somebody wrote."""
    data = {
        "id": carrier_id,
        "type": "sms",
        "from": sender,
        "body": text,
        "created_at": "2026-11-21T12:00:00.000+00:00",
    }
    return json.dumps({"type": "message.received", "timestamp": data["created_at"], "data": data}).encode()


def answer(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something."""
    ends_at = time.monotonic() + LIMIT_S
    while time.monotonic() < ends_at:
        if found := look():
            return found
    raise AssertionError("it never came")


def texts(installation: Installation) -> list[str]:
    """What people wrote, newest first, as the ledger has it."""
    items = installation.ask(lambda opened: opened.telephone.history()).items
    return [item.untrusted_text for item in items if item.status == "received"]


def state_of(sandbox_state: Path) -> dict[str, Any]:
    """What a sandbox announced."""
    told: dict[str, Any] = json.loads((sandbox_state / "endpoint.json").read_text())
    return told
