"""The commands that run until they are ended, and the doctor, as real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import ProxyHandler, build_opener

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

TO = "+12025550123"


@pytest.fixture
def served(ringback: Installation) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]:
    """`ringback sandbox`, and what it said when it was ready."""
    process = ringback.start("sandbox", "--port", "0", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout
    told = json.loads(process.stdout.readline())
    yield process, told
    if process.poll() is None:
        process.terminate()
    process.wait(timeout=30)
    process.stdout.close()


def test_sandbox_serves_the_handset_that_the_other_commands_use(
    ringback: Installation, served: tuple[subprocess.Popen[bytes], dict[str, Any]]
) -> None:
    _, told = served
    assert told["started"] is True
    with build_opener(ProxyHandler({})).open(f"{told['url']}/sandbox/health") as answer:
        assert json.load(answer)["service"] == "ringback-sandbox"
    assert ringback("check").json["page"] == told["url"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_sandbox_ends_in_order_and_takes_its_process_along(
    ringback: Installation, served: tuple[subprocess.Popen[bytes], dict[str, Any]], ending: signal.Signals
) -> None:
    process, told = served
    process.send_signal(ending)
    assert process.wait(timeout=30) == 0
    assert not (ringback.home / "sandbox" / "endpoint.json").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(told["pid"], 0)


def test_sandbox_tells_where_it_is_served_already(ringback: Installation, handset: Sandbox) -> None:
    done = ringback("sandbox")
    assert (done.code, done.err) == (0, "")
    assert (done.json["url"], done.json["started"]) == (handset.url, False)


def test_sandbox_hands_no_secret_to_its_process(ringback: Installation) -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("this system shows no environments under /proc")
    ringback.settings = {"SAAS_API_KEY": "a-key-of-a-carrier", "RINGBACK_CARRIER": "sandbox", "RINGBACK_KEY": "ab" * 32}
    process = ringback.start("sandbox", "--port", "0", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout
    try:
        pid = json.loads(process.stdout.readline())["pid"]
        seen = Path(f"/proc/{pid}/environ").read_bytes()
        assert b"a-key-of-a-carrier" not in seen
        assert b"ab" * 32 not in seen
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()


def test_mcp_without_its_library_says_what_to_install(ringback: Installation) -> None:
    hide = "import sys; sys.modules['mcp'] = None; sys.modules['mcp_types'] = None; sys.argv = ['ringback', 'mcp']; "
    done = subprocess.run(
        [sys.executable, "-c", hide + "from ringback_server.cli import main; main()"],
        env=ringback.environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (7, "")
    assert "pip install 'ringback[mcp]'" in done.stderr


def test_mcp_loads_none_of_the_other_commands(ringback: Installation) -> None:
    watch = (
        "import sys, atexit; atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr)); "
        "sys.argv = ['ringback', 'mcp']; from ringback_server.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", watch],
        env=ringback.environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
    loaded = set(done.stderr.split())
    assert "mcp.server.lowlevel" in loaded
    assert not {name for name in loaded if name.startswith(("ringback_server.commands", "ringback_server.console"))}
    assert "jinja2" not in loaded


@pytest.mark.parametrize("command", ["console", "demo", "mcp", "sandbox", "doctor", "approve", "allow"])
def test_every_command_explains_itself(ringback: Installation, command: str) -> None:
    done = ringback(command, "--help")
    assert done.code == 0
    assert "sage:" in done.out


def test_the_doctor_finds_nothing_broken_on_a_fresh_machine(ringback: Installation) -> None:
    done = ringback("doctor")
    assert (done.code, done.err) == (0, "")
    assert done.json["ok"] is True
    assert done.json["problems"] == []
    assert done.json["ledger"]["exists"] is False
    assert done.json["carrier"]["answers"] is True
    assert ringback.home.stat().st_mode & 0o077 == 0


def test_the_doctor_counts_what_waits_and_what_is_in_doubt(ringback: Installation, handset: Sandbox) -> None:
    ringback("sms", "--to", TO, "--body", "hello")
    found = ringback("doctor").json
    assert found["ledger"]["outbounds"] == {"awaiting_approval": 1}
    assert found["processes"]["sandbox"]["url"] == handset.url
    assert found["key"]["mode"] == "0600"


def test_the_doctor_says_what_is_broken_and_ends_with_7(ringback: Installation, handset: Sandbox) -> None:
    ringback("sms", "--to", TO, "--body", "hello")
    (ringback.home / "key").chmod(0o644)
    handset.post("/sandbox/faults", {"telephony": "unreachable-check"})
    done = ringback("doctor")
    assert (done.code, done.json["ok"]) == (7, False)
    assert any("chmod 600" in problem for problem in done.json["problems"])
    assert any("HTTP 500" in problem for problem in done.json["problems"])
    assert done.json["ledger"]["outbounds"] == {"awaiting_approval": 1}


def test_the_doctor_speaks_plainly_in_a_terminal(
    ringback: Installation, handset: Sandbox, terminal: Callable[..., Terminal]
) -> None:
    person = terminal("doctor")
    assert person.finish() == 0
    assert "Nothing is broken." in person.shown
    assert "An agent that has a shell under this user can do what you can" in person.shown
    assert "{" not in person.shown
