"""A real receiver of the sandbox's callbacks, which checks their signature with an HMAC of its own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message

    from tests.conftest import Sandbox

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
LIMIT_S = 10


@dataclass
class Callback:
    """One try of a callback, as it reached the receiver."""

    at: float
    path: str
    headers: Message
    raw: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def data(self) -> dict[str, Any]:
        return self.body["data"]

    @property
    def signed(self) -> bool:
        """Whether the signature is that of the secret, by the standard's own words."""
        content = f"{self.id}.{self.headers['webhook-timestamp']}.".encode() + self.raw
        right = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
        return self.headers["webhook-signature"] == f"v1,{right}"


class Receiver:
    """Takes callbacks; answers 204, or what `answers` says for the next ones. A gate that is shut holds its answers."""

    def __init__(self, port: int) -> None:
        self.tries: queue.Queue[Callback] = queue.Queue()
        self.answers: list[int] = []
        self.gate = Event()
        self.gate.set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                receiver.tries.put(Callback(time.monotonic(), self.path, self.headers, raw))
                receiver.gate.wait(LIMIT_S)
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *given: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/webhooks/sandbox"

    def next(self, count: int = 1) -> list[Callback]:
        """The next tries, in the order they came."""
        return [self.tries.get(timeout=LIMIT_S) for _ in range(count)]

    def statuses(self, count: int) -> list[str]:
        return [callback.data["status"] for callback in self.next(count)]


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    receiver = Receiver(port)
    thread = Thread(target=receiver.server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


def register(sandbox: Sandbox, receiver: Receiver, mode: str | None = None) -> None:
    sandbox.post("/sandbox/callbacks", {"url": receiver.url, "secret": SECRET, "mode": mode})
