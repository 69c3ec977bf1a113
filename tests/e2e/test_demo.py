"""The demo, as a stranger runs it: without a terminal, and with a person at one."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

DEMO = [sys.executable, "-m", "ringback_server", "demo"]
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
QUESTION = "   | "
LIMIT_S = 60
PATIENCE_S = 180


def environment(folder: Path) -> dict[str, str]:
    """A machine on which a carrier for real phones is configured: the demo must not mind."""
    folder.mkdir(exist_ok=True)
    return os.environ | {
        "TMPDIR": str(folder),
        "RINGBACK_HOME": str(folder / "installation"),
        "RINGBACK_CARRIER": "thinkfleetbot",
        "RINGBACK_APPROVAL": "page",
        "RINGBACK_SANDBOX_PORT": "0",
        "SAAS_API_URL": "https://127.0.0.1:9",
        "SAAS_API_KEY": "not-to-be-used",
    }


def is_up(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/sandbox/health", trust_env=False).is_success
    except httpx2.TransportError:
        return False


def outside_questions(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if not line.startswith(QUESTION))


def holds_number(text: str) -> bool:
    return "5550123" in re.sub(r"\D", "", text)


# -- without a terminal ------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run_demo(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *arguments],
        env=environment(tmp_path / "machine"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def test_without_a_terminal_the_demo_answers_for_the_person_says_so_and_keeps_every_promise(
    tmp_path: Path, home: Path, start_sandbox: Any
) -> None:
    sandbox = start_sandbox(state=home / "sandbox")
    demo = run_demo(tmp_path, "--home", str(home))
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""

    messages, calls = sorted(sandbox.messages(), key=lambda item: item["seq"]), sandbox.calls()
    assert [(item["type"], item["to"], item["status"]) for item in messages] == [
        ("sms", "+12025550123", "delivered"),
        ("mms", "+12025550123", "delivered"),
    ]
    assert messages[1]["media_url"] == "https://sandbox.ringback.example/receipt.png"
    assert [(item["to"], item["status"], item["digits"]) for item in calls] == [("+12025550123", "completed", "1")]

    assert demo.stdout.count("The demo answers for the person: 0123, once.") == 3
    assert "The demo answers for the person, presses 1 and hangs up." in demo.stdout
    assert "Keys that came back: 1." in demo.stdout
    assert sandbox.url in demo.stdout
    assert str(home) in demo.stdout
    assert "All as promised." in demo.stdout

    assert holds_number(demo.stdout)
    assert not holds_number(outside_questions(demo.stdout))
    kept = b"".join(
        path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "sandbox" not in path.relative_to(home).parts
    )
    assert kept
    for told in ("2025550123", "202-555-0123", "receipt.png", *(item["body"] for item in messages), calls[0]["prompt"]):
        assert told.encode() not in kept

    assert is_up(sandbox.url), "a sandbox that ran before must be left running"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"telephony": "disabled"}, "check-telephony"),
        ({"next": 3, "kind": "429"}, "send-sms ended as failed"),
        ({"next": 1, "kind": "close"}, "send-sms ended as unknown"),
    ],
)
def test_the_demo_fails_when_a_step_is_not_as_promised(
    tmp_path: Path, home: Path, start_sandbox: Any, fault: dict[str, Any], said: str
) -> None:
    sandbox = start_sandbox(state=home / "sandbox")
    sandbox.post("/sandbox/faults", fault)
    demo = run_demo(tmp_path, "--home", str(home))
    assert demo.returncode == 1, demo.stdout + demo.stderr
    assert "Not as promised" in demo.stderr
    assert said in demo.stderr
    assert "All as promised" not in demo.stdout


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C reaches what is started, also where the tests run in the background and ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def started(ctrl_c: None, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo without a terminal that has just told the handset's address, and that address."""
    process = subprocess.Popen(
        DEMO,
        env=environment(tmp_path / "machine"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        url = next(found[0] for line in process.stdout if (found := ADDRESS.search(line)))
        assert is_up(url)
        yield process, url
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_ends_the_sandbox_that_it_started_and_removes_its_folder(
    tmp_path: Path, started: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, url = started
    process.send_signal(number)
    errors = process.stderr.read()
    assert process.wait(PATIENCE_S) == 130
    assert "Interrupted." in errors
    assert "Traceback" not in errors
    assert not is_up(url)
    assert list((tmp_path / "machine").iterdir()) == []


def test_a_demo_that_nobody_reads_any_more_ends_quietly_with_what_it_started(
    tmp_path: Path, started: tuple[subprocess.Popen[str], str]
) -> None:
    process, url = started
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait(PATIENCE_S)
    assert not is_up(url)
    assert list((tmp_path / "machine").iterdir()) == []


# -- with a person at a terminal ---------------------------------------------------------------------------------------


class Person:
    """Sits at a terminal in which the demo runs, reads what it shows and types."""

    def __init__(self, env: dict[str, str], *arguments: str) -> None:
        self.screen = ""
        self.browser = httpx2.Client(trust_env=False)
        self._seen = 0
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [*DEMO, *arguments], env=env, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
        )
        os.close(terminal)
        self._deadline = time.monotonic() + PATIENCE_S

    def reads(self, wanted: str) -> str:
        """What is on the screen from the last thing read up to `wanted`."""
        while (at := self.screen.find(wanted, self._seen)) < 0:
            assert self._look(), f"the demo ended without {wanted!r}:\n{self.screen}"
        part, self._seen = self.screen[self._seen : at + len(wanted)], at + len(wanted)
        return part

    def types(self, line: str) -> None:
        os.write(self._master, line.encode() + b"\n")

    def waits_for_the_end(self) -> int:
        while self._look():
            pass
        return self.process.wait(LIMIT_S)

    def close(self) -> None:
        self.browser.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(LIMIT_S)
        os.close(self._master)

    def _look(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0, self._deadline - time.monotonic()))
        assert ready, f"nothing came in time:\n{self.screen}"
        with contextlib.suppress(OSError):  # what reading a terminal gives once nobody holds its other end
            if data := os.read(self._master, 4096):
                self.screen += data.decode().replace("\r\n", "\n")
                return True
        return False


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    sitting = Person(environment(tmp_path / "machine"))
    yield sitting
    sitting.close()


def opens_the_handset(person: Person) -> httpx2.Client:
    person.reads("Open the handset in your browser: ")
    url = ADDRESS.search(person.reads("Press Enter when you see it. "))[0]
    person.browser.base_url = url
    assert person.browser.get("/").is_success
    person.types("")
    return person.browser


def answers(person: Person, digits: str, *choices: str) -> str:
    question = person.reads("Last 4 digits of the number: ")
    person.types(digits)
    for choice in choices:
        person.reads("once, day or no: ")
        person.types(choice)
    return question


def test_a_person_at_a_terminal_decides_each_step_and_the_handset_shows_just_that(
    tmp_path: Path, person: Person
) -> None:
    handset = opens_the_handset(person)

    question = answers(person, "0123", "perhaps", "once")
    assert "| Text: +1 202-555-0123" in question
    person.reads("status: delivered")
    person.reads("exactly once")

    answers(person, "", "no")
    person.reads("declined")

    answers(person, "0123", "o")
    person.reads("The handset rings for 30 seconds")
    with handset.stream("GET", "/sandbox/events") as events:
        (call,) = handset.get("/sandbox/calls").json()
        if call["status"] != "ringing":
            next(line for line in events.iter_lines() if "ringing" in line)
    for act, given in (("answer", {}), ("keys", {"keys": "2"}), ("hangup", {})):
        handset.post(f"/sandbox/calls/{call['id']}/{act}", json=given).raise_for_status()
    person.reads("Keys that came back: 2.")

    history = person.reads("The handset stays until you press Enter. ")
    assert re.findall(r"(sms|mms|voice) .* (\w+)\n", history) == [
        ("sms", "delivered"),
        ("mms", "declined"),
        ("voice", "completed"),
    ]
    record = handset.get("/sandbox/messages").json()
    assert [item["type"] for item in record] == ["sms"]

    person.types("")
    assert person.waits_for_the_end() == 0
    assert not holds_number(outside_questions(person.screen))
    assert "answers for the person" not in person.screen
    assert not is_up(str(handset.base_url))
    assert list((tmp_path / "machine").iterdir()) == []


def test_wrong_digits_send_nothing_and_whoever_ends_the_input_leaves(tmp_path: Path, person: Person) -> None:
    handset = opens_the_handset(person)
    answers(person, "9999", "once")
    person.reads("nothing was sent. Once more.")
    person.reads("Last 4 digits of the number: ")
    assert handset.get("/sandbox/messages").json() == []
    person.types("\x04")
    assert person.waits_for_the_end() == 130
    assert "You left." in person.screen
    assert not is_up(str(handset.base_url))
    assert list((tmp_path / "machine").iterdir()) == []
