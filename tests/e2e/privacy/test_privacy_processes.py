"""Fifty of the seeds through real processes: commands that go well, go wrong and crash, exports, a console's log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.e2e.privacy.needles import Needles, seeds
from tests.e2e.privacy.places import leaks_of

from ringback.ledger.records import Level
from ringback.model.outbound import Channel
from ringback.settings import Settings
from ringback_server.console.starting import ensure_console

if TYPE_CHECKING:
    from tests.conftest import Sandbox
    from tests.e2e.conftest import Done, Installation
    from tests.e2e.privacy.needles import Seed

    from ringback.opening import Ringback

SEEDS = seeds(50)
NEEDLES = Needles(SEEDS)
AT_ONCE = 4
DOUBT = "+15550100006"
KINDS = 18

CRASH = """
import sys
from ringback.telephone import Telephone
from ringback_server import cli

def broken(*_, **__):
    raise {kind}

{where}
sys.argv = ["ringback", *sys.argv[1:]]
cli.main()
"""
PLACES = (
    "Telephone.send = broken",
    "import ringback.carriers.sandbox as module; module.Sandbox.transmit = broken",
    "import ringback.ledger.store as module; module.Store.seal_outbound = broken",
    "import ringback_server.logs as module; from ringback_server import cli; cli.main = broken; module.configure()",
)
"""Where a process breaks: in the facade, in an adapter, in the ledger, and where nobody catches it."""


def said(done: Done) -> bytes:
    return (done.out + done.err).encode()


def allow(ringback: Installation, *numbers: str) -> None:
    async def work(opened: Ringback) -> None:
        given = {"level": Level.A2, "via": "x", "seconds": 600, "count": 9, "plain": False}
        for number, channel in product(numbers, Channel):
            await opened.person.allow(number, channel, **given)

    ringback.ask(work)


def commands(seed: Seed) -> list[tuple[str, ...]]:
    """One of each kind: sent, in doubt, waiting, refused, wrong."""
    number, text, media = seed.number, seed.text, seed.media_url
    return [
        ("sms", "--to", number, "--body", text),
        ("mms", "--to", number, "--body", text, "--media-url", media),
        ("call", "--to", number, "--prompt", text),
        ("sms", "--to", DOUBT, "--body", text),
        ("sms", "--to", f"{number};ext=9", "--body", text),
        ("sms", "--to", text, "--body", number),
        ("sms", "--to", number.replace("+1212", "+1900"), "--body", text),
        ("mms", "--to", number, "--body", text, "--media-url", media.replace("https", "http")),
        ("sms", f"--too={number}", "--body", text),
        ("sms", "--to", number, "--body", text, text),
        ("status", number),
        ("status", text, "--wait", number),
        ("history", "--cursor", number),
        ("cancel", text),
        (text,),
        (number, text),
        ("allow", number, "--channel", text),
        ("sms", "--to", f"@{number}", "--body", text),
    ]


def test_commands_and_their_exports_tell_no_number_and_no_text(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, SEEDS[0].number, DOUBT)
    every = commands(SEEDS[0])[:4] + [commands(seed)[at % KINDS] for at, seed in enumerate(SEEDS[:40])]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda command: ringback(*command), every))
    assert {each.code for each in done} >= {0, 2, 3, 4, 6, 8}, "they went well, wrong, and into doubt"
    exports = [ringback("history", "--json"), ringback("doctor", "--json"), ringback("allowed", "--help")]
    assert len(json.loads(exports[0].out)["items"]) >= 4
    assert len(handset.messages()) + len(handset.calls()) >= 4
    assert NEEDLES.in_(b"\n".join(map(said, done + exports))) == []
    assert leaks_of(ringback.home, NEEDLES) == []


def crash(ringback: Installation, at: int) -> tuple[int, bytes]:
    """One process that breaks with a seed in its exception's words; its exit code and all that it wrote."""
    seed = SEEDS[at]
    kind = (f"KeyError({seed.number!r}, {seed.text!r})", f"ExceptionGroup({seed.text!r}, [OSError({seed.number!r})])")
    script = CRASH.format(kind=kind[at % 2], where=PLACES[at % len(PLACES)])
    done = subprocess.run(
        [sys.executable, "-c", script, "sms", "--to", SEEDS[0].number, "--body", f"{seed.text} {at}"],
        env=ringback.environment,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.usefixtures("handset")
def test_a_process_that_breaks_tells_neither_on_its_way_out(ringback: Installation) -> None:
    allow(ringback, SEEDS[0].number)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda at: crash(ringback, at), range(40, 48)))
    assert {code for code, _ in done} == {1, 6}, "broken, or in doubt because the adapter broke"
    written = b"\n".join(output for _, output in done)
    assert b"KeyError" in written
    assert b"ExceptionGroup" in written
    assert NEEDLES.in_(written) == []
    assert leaks_of(ringback.home, NEEDLES) == []


def visit(url: str, seed: Seed) -> list[int]:
    """What a stranger, or a slip, may hand to the console: values in paths, queries, headers, forms."""
    form = {"passphrase": seed.text, "number": seed.number}
    with httpx2.Client(base_url=url, trust_env=False) as client:
        answers: list[Any] = [
            client.get(f"/{seed.number}/{seed.text}"),
            client.get("/", params={"q": seed.text, "to": seed.number}),
            client.get("/", headers={"X-To": seed.number, "Cookie": f"a={seed.number}", "Referer": seed.media_url}),
            client.post("/sign-in", data=form),
            client.post("/sign-in", data=form, headers={"Origin": url}),
            client.post("/", content=seed.text.encode(), headers={"Content-Type": "application/json"}),
            client.request("BREW", "/", content=seed.number.encode()),
        ]
    return [answer.status_code for answer in answers]


@pytest.mark.usefixtures("handset")
def test_the_log_of_a_console_holds_nothing_of_what_it_was_handed(
    ringback: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ringback.environment, "RINGBACK_CONSOLE_PORT": "0"}.items():
        if name.startswith("RINGBACK_"):
            monkeypatch.setenv(name, value)
    url = asyncio.run(ensure_console(Settings(home=ringback.home, sandbox_port=0, console_port=0)))
    pid = json.loads((ringback.home / "console" / "endpoint.json").read_text())["pid"]
    try:
        answers = [status for seed in SEEDS[48:] for status in visit(url, seed)]
    finally:
        os.kill(pid, signal.SIGTERM)
    assert max(answers) < 500
    assert (ringback.home / "console" / "console.log").exists()
    assert leaks_of(ringback.home, NEEDLES) == []
