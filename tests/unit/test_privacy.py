"""No number and no text outside what is sealed: seeded ones through every path, then a search of every byte."""

from __future__ import annotations

import base64
import io
import json
import logging
import random
import sqlite3
import traceback
import urllib.parse
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import YES, opened
from ringback_support.wire_server import Reply, Request, half, reply, wire_server

import ringback
from ringback.approvals import Answer
from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.carriers.thinkfleetbot import ThinkFleetBot
from ringback.dispatch import TRIES
from ringback.errors import RingbackError
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ringback.opening import Ringback

LINE = {"enabled": True, "phone_number": None, "capabilities": ["sms", "mms", "voice"]}


@dataclass
class Seed:
    """One number, one text and one address that occur nowhere else."""

    number: str
    text: str
    media_url: str

    def secrets(self) -> list[str]:
        return [self.number, self.number[1:], self.number[-10:], self.number[-7:], self.text, self.media_url]


@dataclass
class Told:
    """Everything that came out: logs, tracebacks, what results show of themselves; and receipts, for the model."""

    log: io.StringIO = field(default_factory=io.StringIO)
    results: list[str] = field(default_factory=list)
    receipts: list[str] = field(default_factory=list)

    def everything(self) -> bytes:
        return "\n".join([self.log.getvalue(), *self.results]).encode("utf-8", "surrogatepass")

    def for_the_model(self) -> bytes:
        return "\n".join(self.receipts).encode("utf-8", "surrogatepass")


def seeds(count: int, first: int) -> list[Seed]:
    rng = random.Random(first)
    made = []
    for _ in range(count):
        mark = f"{rng.getrandbits(64):016x}"
        # Valid numbers of Washington, D.C., with last digits that occur nowhere else by chance.
        number = f"+1202{rng.randint(200, 999)}{rng.randint(1000, 9999)}"
        made.append(Seed(number, f"Sécret {mark} «words»", f"https://media.example/{mark[::-1]}.png"))
    return made


def forms(value: str) -> dict[str, bytes]:
    """The value as it could stand somewhere."""
    plain = value.encode()
    found = {
        "plain": plain,
        "utf-16": value.encode("utf-16-le"),
        "url": urllib.parse.quote(value).encode(),
        "url, strict": urllib.parse.quote(value, safe="").encode(),
        "form": urllib.parse.quote_plus(value).encode(),
        "json": json.dumps(value)[1:-1].encode(),
        "escaped": "".join(f"\\u{ord(char):04x}" for char in value).encode(),
        "hex": plain.hex().encode(),
        "repr": repr(value)[1:-1].encode(),
        "reversed": plain[::-1],
    }
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + plain)
        core = whole[4 if offset else 0 : len(whole) - 4]
        found[f"base64 at {offset}"] = core
        found[f"base64, for URLs, at {offset}"] = core.translate(bytes.maketrans(b"+/", b"-_"))
    if value.lstrip("+").isdigit():
        for joint in (" ", "-", ".", ", "):
            found[f"spaced by {joint!r}"] = joint.join(value).encode()
    if value.isdigit() and len(value) == 10:
        found["local"] = f"({value[:3]}) {value[3:6]}-{value[6:]}".encode()
        found["grouped"] = f"{value[:3]}-{value[3:6]}-{value[6:]}".encode()
    return {name: form for name, form in found.items() if len(form) >= 7}


def leaks(content: bytes, where: str, made: list[Seed]) -> list[str]:
    return [
        f"{name} of {secret[:1]}… in {where}"
        for seed in made
        for secret in seed.secrets()
        for name, form in forms(secret).items()
        if form in content
    ]


@contextmanager
def recorded() -> Iterator[Told]:
    """Every logger at its most talkative, tracebacks included."""
    told = Told()
    handler = logging.StreamHandler(told.log)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s %(args)r"))
    root, before = logging.getLogger(), logging.getLogger().level
    quiet = [logger for name in list(logging.root.manager.loggerDict) if (logger := logging.getLogger(name)).level]
    levels = {logger: logger.level for logger in quiet}
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for logger in quiet:
        logger.setLevel(logging.DEBUG)
    try:
        yield told
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for logger, level in levels.items():
            logger.setLevel(level)


async def attempt(told: Told, wish: Any) -> Any:
    """Await one call; whatever comes of it is kept."""
    try:
        result = await wish
    except RingbackError as error:
        told.results += [repr(error), str(error), "".join(traceback.format_exception(error))]
        logging.getLogger("tests").exception("a wish failed")
        return None
    told.results += [repr(result), str(result)]
    if hasattr(result, "as_dict"):
        told.receipts.append(json.dumps(result.as_dict()))
    return result


def wish(ringback: Ringback, seed: Seed, channel: Channel) -> Any:
    if channel is Channel.SMS:
        return ringback.telephone.send_sms(seed.number, seed.text)
    if channel is Channel.MMS:
        return ringback.telephone.send_mms(seed.number, seed.text, seed.media_url)
    return ringback.telephone.call(seed.number, seed.text, idempotency_key=seed.number)


def files(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in home.rglob("*") if path.is_file()}


def search(home: Path, told: Told, made: list[Seed]) -> list[str]:
    found = leaks(told.everything(), "what was told", made)
    # The model wrote the text itself, and a carrier's words about it may quote it; a number it gets masked only.
    numbers = [Seed(seed.number, seed.number, seed.number) for seed in made]
    found += leaks(told.for_the_model(), "receipts", numbers)
    for name, content in files(home).items():
        found += leaks(content, name, made)
    return found


# -- the search itself -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(forms("+12025550123") | forms("2025550123")))
def test_the_search_finds_each_form_that_it_looks_for(name: str) -> None:
    (seed,) = seeds(1, 0)
    for secret in seed.secrets():
        form = forms(secret).get(name)
        assert form is None or leaks(b"\x00before " + form + b" after\xff", "here", [seed])
    assert leaks(b"\x00before after\xff", "here", [seed]) == []


# -- every path ------------------------------------------------------------------------------------------------------

ANSWERS: list[tuple[str, Answer]] = [
    ("yes", YES),
    ("no", Answer(Choice.NO, Level.A2, "page")),
    ("dismissed", Answer(Choice.DISMISSED, Level.A1, "client:x")),
    ("wrong digits", Answer(Choice.ONCE, Level.A1, "client:x", digits="0000")),
    ("too weak", Answer(Choice.ONCE, Level.A0, "client:x")),
    ("for the day", Answer(Choice.DAY, Level.A2, "page")),
]


def echo(answer: Callable[[str], Reply]) -> Callable[[Request], Reply]:
    """The service repeats, in its answer, all that it was sent."""

    def respond(request: Request) -> Reply:
        if request.method == "GET" and request.path.endswith("telephony"):
            return reply(200, LINE)
        return answer(LAST.get("words", ""))

    return respond


LAST: dict[str, str] = {}
FAULTS: dict[str, Callable[[str], Reply]] = {
    "accepted": lambda words: reply(201, {"id": "msg_1", "status": "queued", "error": words}),
    "undelivered": lambda words: reply(201, {"id": "msg_2", "status": "undelivered", "message": words}),
    "an id that tells": lambda words: reply(201, {"id": words.split()[0].strip("+"), "status": "queued"}),
    "401": lambda words: reply(401, {"error": words}),
    "403": lambda words: reply(403, {"error": words}),
    "404": lambda words: reply(404, {"message": words}),
    "422": lambda words: reply(422, {"error": words}),
    "429": lambda words: reply(429, {"error": words}),
    "500": lambda words: reply(500, {"error": words}),
    "502": lambda words: reply(502, words.encode()),
    "redirect": lambda words: reply(307, {"error": words}),
    "not JSON": lambda words: reply(200, words.encode()),
    "half": lambda words: half(200, json.dumps({"error": words}).encode()),
    "a list": lambda words: reply(200, [words]),
    "no answer": lambda _: Reply(),
    "reset": lambda _: Reply(end="reset"),
    "silence": lambda _: Reply(end="hold"),
}


@pytest.mark.parametrize("channel", list(Channel))
async def test_no_number_and_no_text_is_left_by_any_answer_of_a_service_that_repeats_them(
    home: Path, channel: Channel
) -> None:
    made = seeds(len(FAULTS), 100 + list(Channel).index(channel))
    with recorded() as told, stamina.set_testing(True, attempts=TRIES, cap=True):
        for seed, (kind, fault) in zip(made, FAULTS.items(), strict=True):
            LAST["words"] = f"{seed.number} {seed.text} {seed.media_url}"
            timeouts = Timeouts(connect=5, read=0.1 if kind == "silence" else 5)
            async with wire_server(echo(fault)) as server:
                carrier = ThinkFleetBot(CarrierHttp(server.url, {}, timeouts=timeouts))
                async with opened(home, carrier) as installation:
                    waiting = await attempt(told, wish(installation, seed, channel))
                    await attempt(told, installation.person.answer(waiting.id, YES))
                    await attempt(told, installation.telephone.status(waiting.id))
                    await attempt(told, installation.telephone.tend())
                    await attempt(told, installation.telephone.history())
                    # While it is open the newest content stands in the write-ahead log.
                    assert leaks(b"".join(files(home).values()), "a file", [seed]) == []
                targets = " ".join(request.target for request in server.requests)
                assert leaks(targets.encode(), "a URL", [seed]) == []
    assert "tests ERROR" in told.log.getvalue() or told.results
    assert "httpcore" in told.log.getvalue(), "the HTTP library did tell what it does"
    assert search(home, told, made) == []


@pytest.mark.parametrize("channel", list(Channel))
async def test_no_number_and_no_text_is_left_by_any_answer_of_a_person(home: Path, channel: Channel) -> None:
    made = seeds(len(ANSWERS) + 2, 200 + list(Channel).index(channel))
    clock = FakeClock()
    with recorded() as told:
        async with opened(home, FakeCarrier(), clock=clock) as installation:
            for seed, (_, answer) in zip(made, ANSWERS, strict=False):
                waiting = await attempt(told, wish(installation, seed, channel))
                await installation.person.ask_client(waiting.id)
                await attempt(told, installation.person.answer(waiting.id, answer))
            expired = await attempt(told, wish(installation, made[-2], channel))
            clock.move(601)
            await attempt(told, installation.telephone.status(expired.id))
            cancelled = await attempt(told, wish(installation, made[-1], channel))
            await attempt(told, installation.telephone.cancel(cancelled.id))
            await attempt(told, installation.telephone.cancel(cancelled.id + "x"))
            await installation.person.allow(
                made[0].number, channel, level=Level.A2, via="terminal", seconds=99, count=9
            )
            assert search(home, told, made) == []
    assert search(home, told, made) == []


BAD_NUMBERS = [
    "{0}x9",
    "tel:{0}",
    "{0}, {0}",
    "({0})",
    "{0}99999",
    "CALL {0}",
    "\u202a{0}\u202c",
    "{0};ext=9",
]


async def test_no_number_and_no_text_is_left_by_a_wish_that_is_refused(home: Path) -> None:
    made = seeds(3, 300)
    seed, premium, other = made
    carrier = FakeCarrier()
    with recorded() as told:
        async with opened(home, carrier) as installation:
            tools = {tool.name: tool for tool in ringback.tools(installation.telephone)}
            for spelling in BAD_NUMBERS:
                await attempt(told, installation.telephone.send_sms(spelling.format(seed.number), seed.text))
            for key in ("k" * 201, "", "\ud800"):
                await attempt(told, installation.telephone.send_sms(seed.number, seed.text, idempotency_key=key))
            await attempt(told, installation.telephone.send_sms(premium.number.replace("+1202", "+1900"), seed.text))
            for text in ("", " " * 9, other.text * 99, other.text + "\ud800"):
                await attempt(told, installation.telephone.send_sms(seed.number, text))
            for url in (f"http://{other.media_url[8:]}", other.media_url + " ", f"https://u:{other.text}@x.example/"):
                await attempt(told, installation.telephone.send_mms(seed.number, seed.text, url))
            for arguments in (
                {"to": seed.number},
                {"to": seed.number, "body": [seed.text]},
                {"to": [seed.number], "body": seed.text},
                {"to": seed.number, "body": seed.text, seed.text: seed.number},
            ):
                await attempt(told, tools["send-sms"].call(arguments))
            carrier.enabled = False
            await installation.telephone.check()
            await attempt(told, installation.telephone.send_sms(seed.number, seed.text))
    assert carrier.sent == []
    assert search(home, told, made) == []


async def test_no_number_and_no_text_is_left_by_a_ledger_that_fails(home: Path) -> None:
    made = seeds(4, 400)
    carrier = FakeCarrier()
    with recorded() as told:
        async with opened(home, carrier) as installation:
            waiting = [await attempt(told, wish(installation, seed, Channel.MMS)) for seed in made]
            database = sqlite3.connect(home / "ledger.db", isolation_level=None)
            database.execute("UPDATE outbound SET sealed = x'00' WHERE id = ?", (waiting[0].id,))
            await attempt(told, installation.telephone.status(waiting[0].id))
            await attempt(told, installation.telephone.history())
            database.execute("UPDATE outbound SET channel = 'sms' WHERE id = ?", (waiting[1].id,))
            await attempt(told, installation.person.answer(waiting[1].id, YES))
            database.close()
            carrier.outcomes = [ValueError(f"{made[2].number} {made[2].text}")]
            await attempt(told, installation.person.answer(waiting[2].id, YES))
            installation.ledger.database._connection.execute("PRAGMA query_only = ON")
            await attempt(told, installation.person.answer(waiting[3].id, YES))
            await attempt(told, wish(installation, made[3], Channel.SMS))
            installation.ledger.database._connection.execute("PRAGMA query_only = OFF")
    assert search(home, told, made) == []


async def test_two_installations_store_the_same_number_in_no_common_bytes(tmp_path: Path) -> None:
    (seed,) = seeds(1, 500)
    rows = []
    for name in ("one", "two"):
        async with opened(tmp_path / name, FakeCarrier()) as installation:
            receipt = await installation.telephone.send_sms(seed.number, seed.text, idempotency_key="k")
            connection = sqlite3.connect(tmp_path / name / "ledger.db")
            row = connection.execute("SELECT key, wish, contact, sealed FROM outbound").fetchone()
            connection.close()
            rows.append((*row, receipt.contact))
    assert not set(rows[0]) & set(rows[1])
