"""Numbers and texts stay out of whatever the command leaves behind: files, logs, process lists, error words."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

TO = "+12025550123"
BODY = "Heliotrope marmalade at nine"
PROMPT = "Vermilion kettles, press one"
MEDIA = "https://sandbox.ringback.example/receipt.png?note=cinnabar"
SECRETS = (TO[1:], quote(TO), "202-555-0123", BODY, PROMPT, "cinnabar")


def traces(text: bytes) -> list[str]:
    """The seeded values that some bytes hold, in any encoding that a file of ours would use."""
    return [secret for secret in SECRETS if secret.encode() in text or secret.encode("utf-16-le") in text]


def files(home: Path) -> Iterator[Path]:
    """Every file of ours. What the sandbox keeps is the platform's own."""
    return (path for path in home.rglob("*") if path.is_file() and "sandbox" not in path.relative_to(home).parts)


def test_no_file_and_no_error_output_of_ours_holds_a_number_or_a_text(
    ringback: Installation, handset: Sandbox, terminal: Callable[..., Terminal]
) -> None:
    for channel in Channel:
        ringback.ask(
            lambda opened, channel=channel: opened.person.allow(
                TO, channel, level=Level.A2, via="terminal", seconds=60, count=5
            )
        )
    sends = [
        ("sms", "--to", TO, "--body", BODY),
        ("mms", "--to", TO, "--body", BODY, "--media-url", MEDIA),
        ("call", "--to", TO, "--prompt", PROMPT),
        ("sms", "--to", "+15550100006", "--body", BODY),
    ]
    said = b""
    for send in sends:
        done = ringback(*send)
        said += (done.out + done.err).encode()
    waiting = ringback("sms", "--to", "+12025550199", "--body", BODY).json["id"]
    person = terminal("approve", waiting)
    person.until("Your answer: ")
    person.type("once\n")
    person.until("digits of the number: ")
    person.type("0199\n")
    assert person.finish() == 0
    for command in (("history",), ("doctor",), ("status", waiting), ("check",)):
        done = ringback(*command)
        said += (done.out + done.err).encode()
    assert len(handset.messages()) + len(handset.calls()) == 4
    assert traces(said) == []
    kept = {path.name: path.read_bytes() for path in files(ringback.home)}
    assert {"key", "ledger.db"} <= set(kept)
    assert {name: traces(content) for name, content in kept.items() if traces(content)} == {}


def test_a_number_from_a_file_and_a_text_from_a_pipe_are_in_no_process_list(
    ringback: Installation, tmp_path: Path
) -> None:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system shows no process list under /proc")
    (tmp_path / "to.txt").write_text(TO)
    process = ringback.start(
        *("sms", "--to", f"@{tmp_path / 'to.txt'}", "--body", "-", "--wait", "60"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(BODY.encode())
    process.stdin.close()
    try:
        waiting = first_item(ringback)
        # The command is waiting for the person now, and the sandbox that it started is running.
        lists = [read(path) for name in ("cmdline", "environ") for path in Path("/proc").glob(f"[0-9]*/{name}")]
        assert any(b"ringback_sandbox" in line for line in lists)
        assert [line for line in lists if traces(line)] == []
        ringback("cancel", waiting)
        process.stdout.read()
        assert process.wait(timeout=30) == 9
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def first_item(ringback: Installation) -> str:
    """The id of the outbound that another process is about to store."""
    ends_at = time.monotonic() + 30
    while time.monotonic() < ends_at:
        page = ringback.ask(lambda opened: opened.telephone.history())
        if page.items:
            return page.items[0].id
    raise AssertionError("nothing was stored")


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or is not ours
        return b""


@pytest.mark.parametrize(
    "arguments",
    [
        ("sms", "--to", TO, "--body", BODY, PROMPT),
        ("sms", "--to", TO, f"--{BODY}"),
        ("sms", f"--too={TO}", "--body", BODY),
        (BODY,),
        (TO,),
        ("status", "x", "--wait", TO),
        ("history", "--limit", TO),
        ("history", "--cursor", TO),
        ("status", TO),
        ("allow", TO, "--channel", BODY),
        ("sms", "--to", BODY, "--body", BODY),
        ("sms", "--to", f"{TO};ext=9", "--body", BODY),
        ("mms", "--to", TO, "--body", BODY, "--media-url", BODY),
        ("sms", "--to", f"@{TO}", "--body", BODY),
    ],
)
def test_wrong_usage_is_told_without_the_values(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]
) -> None:
    done = ringback(*arguments)
    assert done.code in {2, 3, 8}
    assert traces((done.out + done.err).encode()) == []


BREAK = f"""
import sys
from ringback.telephone import Telephone

async def broken(self, asked):
    raise KeyError(f"{{asked.to}} {{asked.text}}")

Telephone.send = broken
from ringback_server.cli import main
sys.argv = ["ringback", "sms", "--to", {TO!r}, "--body", {BODY!r}]
main()
"""


def test_a_defect_is_told_by_its_type_and_place_and_never_by_its_values(ringback: Installation) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BREAK],
        env=ringback.environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 1
    assert b"KeyError" in done.stdout
    assert b'"exception": "KeyError"' in done.stderr
    assert b"Traceback" not in done.stderr
    assert traces(done.stdout + done.stderr) == []
