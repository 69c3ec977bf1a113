"""The transport under a real process: what goes over its descriptors, and when it ends."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import shutil
import signal
import socket
import subprocess
import sys
import tty
from typing import TYPE_CHECKING, Any, Self

import pytest
from mcp import Client, StdioServerParameters, stdio_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows the SDK's own transport serves")

SERVER = """
import asyncio, os, subprocess, sys
from ringback_server.start import Served, run_stdio

async def call(ctx, params):
    given = params.arguments or {}
    match params.name:
        case "echo":
            text = given["text"]
        case "stray":
            print("from print", flush=True)
            os.write(1, b"from the descriptor\\n")
            subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
            text = "done"
        case "input":
            text = repr(os.read(0, 10))
        case "until-told":
            os.write(int(given["started"]), b"s")
            text = (await asyncio.to_thread(os.read, int(given["wait"]), 1)).decode()
            for _ in range(50):  # turns of the loop in which the end of the input is seen
                await asyncio.sleep(0)
        case "for-ever":
            os.write(int(given["started"]), b"s")
            await asyncio.Event().wait()
    return {"resultType": "complete", "content": [{"type": "text", "text": text}]}

def build():
    from mcp.server.lowlevel import Server

    async def tools(ctx, params):
        listed = [{"name": "echo", "description": "d" * 4000, "inputSchema": {"type": "object"}}]
        return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": listed}

    async def warm():
        print("warming", file=sys.stderr, flush=True)
        raise RuntimeError("a secret")

    return Served(Server("stub", version="1", on_list_tools=tools, on_call_tool=call), warm)

sys.exit(run_stdio(build))
"""
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
LIMIT_S = 20.0


class Talk:
    """One server process, spoken to line by line."""

    def __init__(self, incoming: int, outgoing: int, **more: Any) -> None:
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-c", SERVER]
        self.process = subprocess.Popen(
            command, stdin=incoming, stdout=outgoing, stderr=subprocess.PIPE, env=env, **more
        )
        self.next_id = 0
        self.buffer = b""

    def attach(self, write: int, read: int) -> Self:
        self.write, self.read = write, read
        return self

    def line(self) -> dict[str, Any]:
        while b"\n" not in self.buffer:
            assert select.select([self.read], [], [], LIMIT_S)[0], "no answer in time"
            chunk = os.read(self.read, 1 << 16)
            assert chunk, "the server closed its output"
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        assert answer["jsonrpc"] == "2.0"
        return answer

    def raw(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.write, data) :]

    def request(self, method: str, params: dict[str, Any]) -> bytes:
        self.next_id += 1
        return json.dumps({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params}).encode() + b"\n"

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.raw(self.request(method, params))
        return self.line()

    def tool(self, name: str, **arguments: Any) -> bytes:
        return self.request("tools/call", {"name": name, "arguments": arguments})

    def begin(self) -> Self:
        assert self.ask("initialize", INITIALIZE)["result"]["serverInfo"]["name"] == "stub"
        self.raw(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
        return self

    def text(self, name: str, **arguments: Any) -> str:
        self.raw(self.tool(name, **arguments))
        return text_of(self.line())

    def close_input(self) -> None:
        os.close(self.write)
        self.write = -1

    def end(self) -> tuple[int, str]:
        """The exit code and what went to standard error."""
        _, errors = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, errors.decode()


def text_of(answer: dict[str, Any]) -> str:
    text: str = answer["result"]["content"][0]["text"]
    return text


@contextlib.contextmanager
def talking(kind: str = "pipe", **more: Any) -> Iterator[Talk]:
    if kind == "pipe":
        (child_in, write), (read, child_out) = os.pipe(), os.pipe()
    elif kind == "sockets":
        (child_in, write), (read, child_out) = ([s.detach() for s in socket.socketpair()] for _ in range(2))
    elif kind == "one socket":
        child_in, write = (s.detach() for s in socket.socketpair())
        child_out, read = os.dup(child_in), os.dup(write)
    else:
        write, child_in = pty.openpty()
        tty.setraw(child_in)
        child_out, read = os.dup(child_in), os.dup(write)
    talk = Talk(child_in, child_out, **more).attach(write, read)
    os.close(child_in)
    os.close(child_out)
    try:
        yield talk
    finally:
        for fd in (talk.write, talk.read):
            if fd >= 0:
                os.close(fd)
        if talk.process.poll() is None:
            talk.process.kill()
        talk.process.wait()
        talk.process.stderr.close()


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_sdks_own_client_lists_and_calls_in_both_eras(mode: str) -> None:
    parameters = StdioServerParameters(command=sys.executable, args=["-c", SERVER])
    async with Client(stdio_client(parameters), mode=mode) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["echo"]
        assert (await client.call_tool("echo", {"text": "hi"})).content[0].text == "hi"


@pytest.mark.parametrize("kind", ["pipe", "sockets", "one socket", "terminal"])
def test_every_kind_of_stream_serves_and_ends_when_it_is_closed(kind: str) -> None:
    with talking(kind) as talk:
        talk.begin()
        assert talk.text("echo", text="héllo") == "héllo"
        if kind in {"pipe", "sockets"}:
            talk.close_input()
        else:
            talk.process.send_signal(signal.SIGTERM)
        assert talk.end()[0] == 0


def test_a_file_of_requests_is_answered_into_a_file(tmp_path: Path) -> None:
    requests, answers = tmp_path / "in", tmp_path / "out"
    with talking() as talk:
        lines = talk.request("initialize", INITIALIZE) + talk.tool("echo", text="from a file")
    requests.write_bytes(lines.rstrip(b"\n"))
    with requests.open("rb") as incoming, answers.open("wb") as outgoing:
        done = subprocess.run(
            [sys.executable, "-c", SERVER], stdin=incoming, stdout=outgoing, timeout=LIMIT_S, check=False
        )
    assert done.returncode == 0
    assert text_of(json.loads(answers.read_text().splitlines()[1])) == "from a file"


def test_what_prints_goes_to_standard_error_and_never_to_the_client() -> None:
    with talking() as talk:
        talk.begin()
        assert talk.text("stray") == "done"
        assert talk.text("input") == "b''"
        talk.close_input()
        code, errors = talk.end()
    assert code == 0
    assert {"from print", "from the descriptor", "from a child"} <= set(errors.splitlines())


def test_a_message_of_several_megabytes_goes_both_ways() -> None:
    text = "ä" * 3_000_000
    with talking() as talk:
        talk.begin()
        assert talk.text("echo", text=text) == text


def test_a_line_that_is_no_message_is_answered_with_an_error_and_the_next_one_is_served() -> None:
    lines = [
        (b"{", -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"\xff\xfe"}', -32700, None),
        (b"[" * 100_000, -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":5}', -32600, 7),
        (b'{"id":"x","method":"ping"}', -32600, "x"),
        (b'{"id":true,"method":"ping"}', -32600, None),
        (b'[{"jsonrpc":"2.0","id":7,"method":"ping"}]', -32600, None),
    ]
    with talking() as talk:
        talk.begin()
        for line, code, request_id in lines:
            talk.raw(line + b"\n")
            answer = talk.line()
            assert (answer["error"]["code"], answer["id"]) == (code, request_id), line[:50]
            assert talk.text("echo", text="still here") == "still here"


def test_blank_lines_and_unreadable_answers_are_passed_over_and_carriage_returns_are_taken() -> None:
    with talking() as talk:
        talk.begin()
        talk.raw(b'\n \r\n{"jsonrpc":"2.0","id":5,"result":"no object"}\n' + talk.tool("echo", text="x")[:-1] + b"\r\n")
        assert text_of(talk.line()) == "x"


def test_a_call_under_way_is_answered_though_the_input_has_ended() -> None:
    (told, tell), (started, start) = os.pipe(), os.pipe()
    with talking(pass_fds=(told, start)) as talk:
        talk.begin()
        talk.raw(talk.tool("until-told", wait=told, started=start))
        assert os.read(started, 1) == b"s"
        talk.close_input()
        os.write(tell, b"y")
        assert text_of(talk.line()) == "y"
        assert talk.end()[0] == 0
    for fd in (told, tell, started, start):
        os.close(fd)


@pytest.mark.parametrize("ending", ["end of input", "SIGTERM", "SIGINT"])
def test_a_call_that_never_ends_is_refused_and_does_not_hold_the_process(ending: str) -> None:
    started, start = os.pipe()
    with talking(pass_fds=(start,)) as talk:
        talk.begin()
        talk.raw(talk.tool("for-ever", started=start))
        assert os.read(started, 1) == b"s"
        if ending == "end of input":
            talk.close_input()
        else:
            talk.process.send_signal(signal.Signals[ending])
        assert "error" in talk.line()
        assert talk.end()[0] == 0
    for fd in (started, start):
        os.close(fd)


def test_a_client_that_stops_reading_is_read_no_further_and_loses_nothing() -> None:
    with talking() as talk:
        talk.begin()
        os.set_blocking(talk.write, False)
        sent, rest = 0, b""
        while select.select([], [talk.write], [], 1.0)[1]:  # a second without room: the server has stopped reading
            rest = rest or talk.request("tools/list", {})
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(talk.write, rest) :]
            sent += not rest
            assert sent < 20_000, "the server reads on though nobody takes its answers"
        os.set_blocking(talk.write, True)
        answered = [talk.line()["id"] for _ in range(sent)]
        assert sorted(answered) == list(range(2, sent + 2))
        if rest:
            talk.raw(rest)
            assert talk.line()["id"] == sent + 2
        assert talk.text("echo", text="and on") == "and on"


def test_sigterm_ends_it_though_the_client_reads_nothing() -> None:
    with talking() as talk:
        talk.begin()
        talk.raw(talk.tool("echo", text="x" * 1_000_000))
        talk.raw(talk.request("ping", {}))
        assert select.select([talk.read], [], [], LIMIT_S)[0]
        talk.process.send_signal(signal.SIGTERM)
        talk.process.wait(timeout=LIMIT_S)
        assert talk.process.returncode == 0


def test_a_client_that_closes_only_its_reading_end_ends_the_server() -> None:
    with talking() as talk:
        talk.begin()
        os.close(talk.read)
        talk.read = -1
        assert talk.end()[0] == 0


def test_early_work_runs_once_after_the_first_list_and_its_failure_goes_no_further() -> None:
    with talking() as talk:
        talk.begin()
        for _ in range(2):
            assert talk.ask("tools/list", {})["result"]["tools"]
        assert talk.text("echo", text="x") == "x"
        talk.close_input()
        code, errors = talk.end()
    assert code == 0
    assert errors.count("warming") == 1
    assert "RuntimeError" in errors
    assert "a secret" not in errors


def test_closed_standard_input_is_told_plainly() -> None:
    command = ["/bin/sh", "-c", 'exec "$0" -c "$1" <&-', sys.executable, SERVER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 2
    assert "Start it from an MCP client" in done.stderr


@pytest.mark.node
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")
def test_a_client_on_node_is_served_over_its_sockets() -> None:
    client = """
    const child = require("node:child_process").spawn(process.argv[1], ["-c", process.argv[2]], {
      stdio: ["pipe", "pipe", "inherit"] });
    const ask = (id, method, params) => child.stdin.write(JSON.stringify({jsonrpc: "2.0", id, method, params}) + "\\n");
    let text = "";
    child.stdout.on("data", (data) => {
      text += data;
      const lines = text.split("\\n").length - 1;
      if (lines === 1) ask(2, "tools/call", {name: "echo", arguments: {text: "x".repeat(500000)}});
      if (lines === 2) child.stdin.end();
    });
    child.on("exit", (code) => console.log(code, text.length > 500000));
    ask(1, "initialize", JSON.parse(process.argv[3]));
    """
    command = ["node", "-e", client, sys.executable, SERVER, json.dumps(INITIALIZE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    assert done.stdout == "0 true\n"
