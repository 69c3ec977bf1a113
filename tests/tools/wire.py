"""Bare JSON-RPC to a server, in this process or in one of its own: whatever a hostile client may say."""

from __future__ import annotations

import asyncio
import json
import os
import select
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import mcp_types as types
from mcp.shared.memory import create_client_server_memory_streams
from mcp.shared.message import SessionMessage
from tests.tools.support import FORM, LIMIT_S, MODERN, SERVE

from ringback_server.mcp_app import build_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.tools.support import House

INFO: Final = {"name": "bare client", "version": "1"}


class Speech:
    """Builds messages of one era, for a client with these capabilities."""

    def __init__(self, era: str, elicitation: dict[str, Any] | None) -> None:
        self.era = era
        capabilities = {} if elicitation is None else {"elicitation": elicitation}
        self.hello = {"protocolVersion": era, "capabilities": capabilities, "clientInfo": INFO}
        self.early: dict[Any, dict[str, Any]] = {}
        self._next_id = 0
        self._meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": INFO,
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        }

    def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._next_id += 1
        meta = {"_meta": self._meta} if self.era == MODERN else {}
        return {"jsonrpc": "2.0", "id": self._next_id, "method": method, "params": {**params, **meta}}

    def keep(self, message: dict[str, Any]) -> None:
        """Put aside an answer that somebody will ask for later."""
        if "method" not in message:
            self.early[message["id"]] = message


def answers(request_id: int) -> Callable[[dict[str, Any]], bool]:
    """Whether a message is the answer to a request."""
    return lambda message: "method" not in message and message["id"] == request_id


def asks(message: dict[str, Any]) -> bool:
    """Whether the server asks the person, in the era of the handshake."""
    return message.get("method") == "elicitation/create"


class Bare:
    """A server in this process."""

    def __init__(self, speech: Speech, read: Any, write: Any) -> None:
        self._speech, self._read, self._write = speech, read, write

    async def put(self, message: dict[str, Any]) -> None:
        parsed = types.jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **message}, by_name=False)
        await self._write.send(SessionMessage(parsed))

    async def request(self, method: str, params: dict[str, Any]) -> int:
        message = self._speech.request(method, params)
        await self.put(message)
        request_id: int = message["id"]
        return request_id

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that fits; answers to other requests are kept."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                received = (await self._read.receive()).message
                message: dict[str, Any] = received.model_dump(mode="json", by_alias=True, exclude_unset=True)
                if wanted(message):
                    return message
                self._speech.keep(message)

    async def answer(self, request_id: int) -> dict[str, Any]:
        kept = self._speech.early.pop(request_id, None)
        return kept or await self.until(answers(request_id))

    async def call(self, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Call a tool; the result, or the error."""
        params = {"name": tool, "arguments": arguments, **more}
        answer = await self.answer(await self.request("tools/call", params))
        return answer.get("result") or answer["error"]


@asynccontextmanager
async def bare(house: House, *, era: str = MODERN, elicitation: dict[str, Any] | None = FORM) -> AsyncIterator[Bare]:
    """A server in this process, spoken to in bare messages."""
    speech = Speech(era, elicitation)
    async with create_client_server_memory_streams() as (client_streams, server_streams):
        server = build_server(house.host())
        serving = asyncio.create_task(server.run(*server_streams, server.create_initialization_options()))
        made = Bare(speech, *client_streams)
        if era != MODERN:
            await made.answer(await made.request("initialize", speech.hello))
            await made.put({"method": "notifications/initialized"})
        yield made
        await client_streams[1].aclose()
        await serving


class Wire:
    """A server process over stdio.

    Every line of its standard output must be one JSON-RPC message; anything else fails the test.
    """

    def __init__(self, house: House, *, era: str = MODERN, elicitation: dict[str, Any] | None = FORM) -> None:
        self._speech = Speech(era, elicitation)
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        self.process = subprocess.Popen(SERVE, env={**os.environ, **house.env}, **pipes)
        self._buffer = b""
        if era != MODERN:
            self.ask("initialize", self._speech.hello)
            self.put({"method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.end()
        finally:
            self.process.kill()

    def put(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> int:
        message = self._speech.request(method, params)
        self.put(message)
        request_id: int = message["id"]
        return request_id

    def read(self) -> dict[str, Any]:
        """The next message of the server."""
        assert self.process.stdout is not None
        while b"\n" not in self._buffer:
            assert select.select([self.process.stdout], [], [], LIMIT_S)[0], "no answer in time"
            chunk = os.read(self.process.stdout.fileno(), 1 << 16)
            assert chunk, "the server closed its output"
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return self._checked(line)

    @staticmethod
    def _checked(line: bytes) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that fits; answers to other requests are kept."""
        while not wanted(message := self.read()):
            self._speech.keep(message)
        return message

    def answer(self, request_id: int) -> dict[str, Any]:
        return self._speech.early.pop(request_id, None) or self.until(answers(request_id))

    def ask(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        return self.answer(self.request(method, params or {}))

    def call(self, tool: str, arguments: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Call a tool; the result, or the error."""
        answer = self.ask("tools/call", {"name": tool, "arguments": arguments, **more})
        return answer.get("result") or answer["error"]

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """Close the input; the exit code and what went to standard error."""
        if self.process.stdin is not None:
            self.process.stdin.close()
            self.process.stdin = None
        if self.process.stdout is None or self.process.stdout.closed:
            return self.process.returncode, ""
        rest, errors = self.process.communicate(timeout=LIMIT_S)
        for line in (self._buffer + rest).splitlines():
            self._checked(line)
        self._buffer = b""
        return self.process.returncode, errors.decode()
