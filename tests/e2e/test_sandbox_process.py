"""The sandbox as a process: one for each folder, found by its endpoint, ended in order."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx2
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartSandbox

COMMAND = [sys.executable, "-m", "ringback_sandbox"]
SMS = {"to": "+15551234567", "body": "Hello"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_endpoint_file_tells_how_to_reach_it_and_is_private(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox()
    told = json.loads((sandbox.state / "endpoint.json").read_text())
    assert set(told) == {"url", "api_key", "pid", "instance"}
    assert told["pid"] == sandbox.process.pid
    assert told["instance"] == sandbox.get("/sandbox/health")["instance"]
    assert mode(sandbox.state) == 0o700
    assert {mode(path) for path in sandbox.state.iterdir()} == {0o600}


@pytest.mark.parametrize("first", [[], ["--memory"]])
@pytest.mark.parametrize("second", [[], ["--memory"]])
def test_a_second_process_on_the_same_folder_ends_with_code_3(
    start_sandbox: StartSandbox, first: list[str], second: list[str]
) -> None:
    sandbox = start_sandbox(*first)
    ended = run("--state", str(sandbox.state), "--port", "0", *second)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert str(sandbox.state) in ended.stderr
    assert json.loads((sandbox.state / "endpoint.json").read_text())["pid"] == sandbox.process.pid
    assert sandbox.get("/sandbox/health")["service"] == "ringback-sandbox"


def test_a_taken_port_is_given_up_for_a_free_one_and_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["--state", str(tmp_path), "--port", str(port), "--idle-exit", "0.2"]
        ended = run(*arguments)
    assert ended.returncode == 0
    assert f"port {port} is taken" in ended.stderr
    assert f":{port}" not in ended.stdout


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_what_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    ended = run("--state", str(tmp_path), "--port", port)
    assert ended.returncode == 2
    assert "--port" in ended.stderr


def test_a_file_that_is_no_database_is_told_in_one_line_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "sandbox.db").write_text("something else, " * 100)
    ended = run("--state", str(tmp_path), "--port", "0")
    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "sandbox.db" in ended.stderr
    assert (tmp_path / "sandbox.db").read_text().startswith("something else")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "example.com", "::", ""])
def test_only_loopback_addresses_are_served(tmp_path: Path, host: str) -> None:
    ended = run("--state", str(tmp_path), "--port", "0", "--host", host)
    assert ended.returncode == 2
    assert "loopback" in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_despite_open_streams_and_held_requests(
    start_sandbox: StartSandbox, number: signal.Signals
) -> None:
    sandbox = start_sandbox()
    sandbox.post("/sandbox/faults", {"telephony": "hang-check"})
    with socket.create_connection((urlsplit(sandbox.url).hostname, urlsplit(sandbox.url).port)) as held:
        head = f"GET /api/agents/me/telephony HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.api_key}\r\n\r\n"
        held.sendall(head.encode())
        with sandbox.client.stream("GET", "/sandbox/events") as stream:
            lines = stream.iter_lines()  # kept: the stream closes with it
            assert next(lines).startswith("id: ")
            sandbox.process.send_signal(number)
            assert sandbox.process.wait(timeout=10) == 0
    assert not (sandbox.state / "endpoint.json").exists()
    assert sandbox.process.stderr.read() == ""


def test_standard_output_is_one_line(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox()
    sandbox.api.get("/api/messaging/history")
    sandbox.process.terminate()
    assert sandbox.process.stdout.read() == ""  # its first line told the fixture that it listens


def test_a_standard_output_that_nobody_reads_does_not_end_it(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    arguments = ["--state", str(tmp_path), "--port", "0", "--idle-exit", "0.2"]
    with os.fdopen(writing, "wb") as output:
        ended = subprocess.run([*COMMAND, *arguments], stdout=output, stderr=subprocess.PIPE, timeout=20, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_what_was_kept_is_there_after_a_restart(start_sandbox: StartSandbox) -> None:
    first = start_sandbox()
    message = first.api.post("/api/messaging/sms", json=SMS).json()["id"]
    first.advance(3600)
    first.process.kill()
    first.process.wait()
    second = start_sandbox()
    assert second.api_key == first.api_key
    assert [(item["id"], item["status"]) for item in second.messages()] == [(message, "delivered")]
    assert second.get("/sandbox/clock")["offset_s"] == 3600
    assert [request["path"] for request in second.requests()] == ["/api/messaging/sms"]


def test_memory_keeps_nothing_but_the_key(start_sandbox: StartSandbox) -> None:
    first = start_sandbox("--memory")
    first.api.post("/api/messaging/sms", json=SMS)
    first.process.terminate()
    first.process.wait()
    second = start_sandbox("--memory")
    assert (second.api_key, second.messages()) == (first.api_key, [])


def test_a_key_can_be_given(start_sandbox: StartSandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RINGBACK_SANDBOX_KEY", "from-the-environment")
    assert start_sandbox(state=tmp_path / "a").api_key == "from-the-environment"
    assert start_sandbox("--api-key", "given", state=tmp_path / "b").api_key == "given"
    assert not (tmp_path / "a" / "api_key").exists()


def test_it_ends_by_itself_when_nobody_uses_it(tmp_path: Path) -> None:
    ended = run("--state", str(tmp_path), "--port", "0", "--idle-exit", "0.2")
    assert ended.returncode == 0
    assert not (tmp_path / "endpoint.json").exists()


def test_an_open_page_keeps_it_alive(start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox("--idle-exit", "1.5")
    with sandbox.client.stream("GET", "/sandbox/events") as stream:
        lines = stream.iter_lines()  # kept: the stream closes with it
        assert next(lines).startswith("id: ")
        with pytest.raises(subprocess.TimeoutExpired):
            sandbox.process.wait(timeout=2.5)
    assert sandbox.process.wait(timeout=20) == 0


def test_it_outlives_whoever_started_it(tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,\n"
        "    stderr=subprocess.PIPE, start_new_session=True)\n"
        "child.stdout.readline()\n"
        "import os\n"
        "os._exit(0)\n"
    )
    arguments = ["--state", str(tmp_path), "--port", "0", "--idle-exit", "30"]
    subprocess.run([sys.executable, "-c", starter, *COMMAND, *arguments], check=True, timeout=20)
    told = json.loads((tmp_path / "endpoint.json").read_text())
    try:
        headers = {"Authorization": f"Bearer {told['api_key']}"}
        # A crash in a route would write to the pipe that nobody reads any more.
        answer = httpx2.post(told["url"] + "/api/messaging/sms", json=SMS, headers=headers, trust_env=False)
        assert answer.status_code == 201
    finally:
        os.kill(told["pid"], signal.SIGTERM)
