"""The console as a process: one for each data folder, found by whoever needs it, ended in order."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import select
import signal
import socket
import stat
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.conftest import PASSPHRASE, Installation, send, told

from ringback import detached
from ringback.errors import ConfigurationError
from ringback.ledger.records import Choice, Level
from ringback.settings import ApprovalFloor, Settings
from ringback_server.console.passphrase import passphrase_path, set_passphrase, verify_passphrase
from ringback_server.console.starting import ensure_console, running_console

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback.opening import Ringback


COMMAND = [sys.executable, "-m", "ringback_server.console"]
SET = "from ringback_server.console.passphrase import main; raise SystemExit(main([]))"


def run(installation: Installation, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**installation.environment, **settings}
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def environment(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """This very process set up as an assistant's server is; the console that it starts is ended afterwards."""
    for name in list(os.environ):
        if name.startswith(("RINGBACK_", "SAAS_")):
            monkeypatch.delenv(name)
    for name, value in installation.environment.items():
        monkeypatch.setenv(name, value)
    before = len(detached._started)
    yield installation.settings
    # All of them: one that gave way to another takes its place when that one is ended first.
    for child in reversed(detached._started[before:]):
        child.kill()
    for child in detached._started[before:]:
        child.wait()


def test_it_announces_itself_to_its_owner_alone(installation: Installation, tmp_path: Path) -> None:
    console = installation.console("--announce", str(tmp_path / "told.json"))
    folder = installation.home / "console"
    announced = told(folder / "endpoint.json")
    assert announced == {"url": console.url, "pid": console.process.pid, "carrier": "sandbox", "approval": "client"}
    assert told(tmp_path / "told.json") == announced
    assert mode(folder) == 0o700
    assert {mode(path) for path in folder.iterdir()} == {0o600}
    assert running_console(installation.settings) == console.url


def test_a_second_one_tells_the_address_of_the_first_and_ends(installation: Installation) -> None:
    console = installation.console()
    second = run(installation)
    assert (second.returncode, second.stdout) == (0, f"ringback console on {console.url}\n")


def test_of_eight_that_start_at_once_one_serves_and_all_tell_its_address(installation: Installation) -> None:
    environment = installation.environment
    starting = [
        subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        for _ in range(8)
    ]
    try:
        lines = {process.stdout.readline() for process in starting if process.stdout}
        (serving,) = [
            each for each in starting if each.pid == told(installation.home / "console" / "endpoint.json")["pid"]
        ]
        assert {process.wait(timeout=60) for process in starting if process is not serving} == {0}
        assert len(lines) == 1
        assert serving.poll() is None
    finally:
        for process in starting:
            process.kill()
            process.communicate()


def test_after_a_kill_the_next_one_starts_at_once(installation: Installation) -> None:
    first = installation.console()
    first.process.kill()
    first.process.wait()
    assert (installation.home / "console" / "endpoint.json").exists()
    assert running_console(installation.settings) is None
    second = installation.console()
    assert running_console(installation.settings) == second.url


def test_a_taken_port_is_given_up_for_a_free_one_and_told(installation: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run(installation, "--port", str(port), "--idle-exit", "0.2")
    assert ended.returncode == 0
    assert f"port {port} is taken" in ended.stderr
    assert f":{port}" not in ended.stdout


def test_it_listens_on_loopback_alone(installation: Installation) -> None:
    console = installation.console()
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{console.port}"], capture_output=True, text=True, check=True)
    addresses = {line.split()[3].rpartition(":")[0] for line in listening.stdout.splitlines()}
    assert "127.0.0.1" in addresses
    assert addresses <= {"127.0.0.1", "[::1]"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_while_a_page_is_open(installation: Installation, number: signal.Signals) -> None:
    console = installation.console()
    page = send(console.port, "GET", "/", [("Host", console.host)])
    stream = HTTPConnection("127.0.0.1", console.port, timeout=10)
    stream.request("GET", "/events", headers={"Host": console.host, "Cookie": page.cookies[0].partition(";")[0]})
    assert stream.getresponse().status == 200
    console.process.send_signal(number)
    _, errors = console.process.communicate(timeout=10)
    stream.close()
    assert (console.process.returncode, errors) == (0, "")
    assert not (installation.home / "console" / "endpoint.json").exists()


def test_it_stays_while_something_waits_and_ends_when_nobody_uses_it(installation: Installation) -> None:
    receipt = installation.text("Wait for me.")
    console = installation.console("--idle-exit", "0.5")
    with pytest.raises(subprocess.TimeoutExpired):
        console.process.wait(timeout=3)
    installation.do(lambda opened: opened.telephone.cancel(receipt.id))
    assert console.process.wait(timeout=10) == 0


def test_what_a_killed_process_left_approved_goes_out_through_the_console(installation: Installation) -> None:
    receipt = installation.text("Left behind.")

    async def approve_and_die(opened: Ringback) -> None:
        record = await opened.ledger.outbounds.get(receipt.id)
        await opened.ledger.consents.answer(record, Choice.ONCE, level=Level.A2, via="terminal")

    installation.do(approve_and_die)
    assert installation.record() == []
    installation.console()
    ended = installation.do(lambda opened: opened.telephone.status(receipt.id, wait_s=10))
    assert ended.status in {"accepted", "queued", "sent", "delivered"}
    assert installation.record() == [("+12025550123", "Left behind.")]


async def test_a_server_starts_the_console_once_and_then_joins_it(environment: Settings) -> None:
    assert running_console(environment) is None
    urls = await asyncio.gather(*(ensure_console(environment) for _ in range(3)))
    assert len(set(urls)) == 1
    assert running_console(environment) == urls[0]
    assert await ensure_console(environment) == urls[0]


async def test_a_console_for_another_carrier_or_level_makes_way(
    installation: Installation, environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = installation.console()
    monkeypatch.setenv("RINGBACK_APPROVAL", "page")
    stricter = environment.model_copy(update={"approval": ApprovalFloor.PAGE})
    assert running_console(stricter) is None
    url = await ensure_console(stricter)
    assert first.process.wait(timeout=10) == 0
    assert running_console(environment) is None
    assert running_console(stricter) == url


async def test_a_console_that_cannot_start_is_told_and_names_its_log(
    installation: Installation, environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_CARRIER", "nobody")
    with pytest.raises(ConfigurationError, match="did not start") as caught:
        await ensure_console(environment)
    assert "console.log" in caught.value.hint
    log = (installation.home / "console" / "console.log").read_text()
    assert "RINGBACK_CARRIER names no carrier." in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    "claimed",
    [
        "",
        "[]",
        "{}",
        '{"url": 1, "pid": 1}',
        '{"url": "http://evil.example:8424", "pid": 1}',
        '{"url": "http://127.0.0.1:1", "pid": 1}',
        '{"url": "http://127.0.0.1:99999", "pid": 1}',
        '{"url": "http://127.0.0.1:8424@evil.example", "pid": 1}',
    ],
)
def test_an_endpoint_file_alone_is_not_believed(installation: Installation, claimed: str) -> None:
    installation.console()
    (installation.home / "console" / "endpoint.json").write_text(claimed)
    assert running_console(installation.settings) is None


def test_somebody_elses_console_is_not_taken_for_ours(installation: Installation, tmp_path: Path) -> None:
    console = installation.console()
    other = Settings(home=tmp_path / "other", carrier="sandbox")
    (other.home / "console").mkdir(parents=True)
    endpoint = (installation.home / "console" / "endpoint.json").read_text()
    (other.home / "console" / "endpoint.json").write_text(endpoint)
    assert running_console(other) is None
    forged = {**json.loads(endpoint), "pid": os.getpid()}
    (installation.home / "console" / "endpoint.json").write_text(json.dumps(forged))
    assert running_console(installation.settings) is None
    assert console.process.poll() is None


def test_neither_number_nor_text_reaches_standard_error(installation: Installation) -> None:
    console = installation.console()
    installation.text("Nobody logs this.")
    send(console.port, "GET", "/", [("Host", console.host)])
    send(console.port, "GET", "/outbounds/+12025550123", [("Host", console.host)])
    console.process.send_signal(signal.SIGTERM)
    out, errors = console.process.communicate(timeout=10)
    assert errors == ""
    assert "555" not in out


# The passphrase, in a terminal


def type_passphrase(installation: Installation, *lines: str) -> tuple[int, str]:
    """Set a passphrase as a person does: in a terminal, answering each question when it comes."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", SET], installation.environment)
    seen, left = "", list(lines)
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data.decode()
        if left and seen.endswith(": "):
            os.write(terminal, left.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


@pytest.fixture
def bare(tmp_path: Path) -> Installation:
    """A data folder without any process."""
    return Installation(tmp_path / "home", sandbox=None)


def test_a_person_sets_a_passphrase_in_a_terminal(bare: Installation) -> None:
    code, seen = type_passphrase(bare, PASSPHRASE, PASSPHRASE)
    assert code == 0
    assert PASSPHRASE not in seen
    path = passphrase_path(bare.home)
    assert mode(path) == 0o600
    assert PASSPHRASE not in path.read_text()
    assert verify_passphrase(bare.home, PASSPHRASE)
    assert not verify_passphrase(bare.home, PASSPHRASE + " ")


def test_the_present_passphrase_is_asked_for_before_a_new_one(bare: Installation) -> None:
    set_passphrase(bare.home, PASSPHRASE)
    assert type_passphrase(bare, "not this one")[0] == 3
    assert type_passphrase(bare, PASSPHRASE, "a new one, longer", "a new one, longer")[0] == 0
    assert verify_passphrase(bare.home, "a new one, longer")


@pytest.mark.parametrize("typed", [("short", "short"), ("one passphrase", "another passphrase")])
def test_a_passphrase_that_is_short_or_differs_is_not_set(bare: Installation, typed: tuple[str, str]) -> None:
    assert type_passphrase(bare, *typed)[0] == 2
    assert not passphrase_path(bare.home).exists()


def test_without_a_terminal_no_passphrase_is_set(bare: Installation) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SET],
        input=f"{PASSPHRASE}\n{PASSPHRASE}\n",
        capture_output=True,
        text=True,
        check=False,
        env=bare.environment,
        start_new_session=True,
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert not passphrase_path(bare.home).exists()


def test_a_letter_composed_in_another_way_is_the_same_passphrase(tmp_path: Path) -> None:
    set_passphrase(tmp_path, "cafe\u0301 au lait")
    assert verify_passphrase(tmp_path, "caf\u00e9 au lait")
