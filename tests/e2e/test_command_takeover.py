"""Taking over, writing by hand and giving back in a terminal; and nowhere else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    from ringback.opening import Ringback

    OpenTerminal = Callable[..., Terminal]

TO, FORMATTED = "+12025550123", "+1 202-555-0123"
DIGITS = "last 4 digits of the number: "
BY_HAND = "It is me, in person {number}"
SKIPPED = "quiet hours and limits are NOT applied"


def flat(shown: str) -> str:
    """What a terminal shows, without colours and line ends."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[\d*m", "", shown))


def confirmed(person: Terminal, digits: str = TO[-4:]) -> int:
    person.until(DIGITS)
    person.type(f"{digits}\n")
    return person.finish()


def take(terminal: OpenTerminal) -> None:
    assert confirmed(terminal("takeover", TO)) == 0


async def collect(opened: Ringback) -> None:
    """Fetch what people wrote; the sandbox is asked once it was found."""
    await opened.telephone.check()
    await opened.telephone.tend()


def bodies(handset: Sandbox) -> list[str]:
    return [message["body"] for message in reversed(handset.messages())]


def schedule(ringback: Installation) -> str:
    at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    outbound_id: str = ringback("sms", "--to", TO, "--body", "Later", "--at", at).json["id"]
    return outbound_id


@pytest.mark.parametrize("way", ["argument", "file", "typed", "dash"])
def test_a_takeover_silences_the_agent_and_says_what_it_cancels(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path, way: str
) -> None:
    waiting = [ringback("sms", "--to", TO, "--body", "Now").json["id"], schedule(ringback)]
    (tmp_path / "to.txt").write_text(f"{TO}\n")
    given = {"argument": (TO,), "file": (f"@{tmp_path / 'to.txt'}",), "typed": (), "dash": ("-",)}[way]
    person = terminal("takeover", *given, columns=200)
    if way in {"typed", "dash"}:
        person.until("Number, in E.164 form: ")
        person.type(f"{TO}\n")
    shown = flat(person.until(DIGITS))
    assert FORMATTED in shown
    assert "2 that wait or are scheduled are cancelled" in shown
    person.type("0123\n")
    assert person.finish() == 0
    assert "Cancelled: 2" in person.shown
    assert [ringback("status", one).json["reason"] for one in waiting] == ["human_takeover"] * 2
    refused = ringback("sms", "--to", TO, "--body", "And now?")
    assert (refused.code, refused.json["error"]["code"]) == (3, "human_takeover")


@pytest.mark.parametrize("way", ["argument", "file", "typed"])
def test_what_a_person_writes_goes_out_after_it_was_shown_with_what_is_skipped(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path, way: str
) -> None:
    take(terminal)
    (tmp_path / "text.txt").write_text(BY_HAND)
    given = {"argument": (BY_HAND,), "file": (f"@{tmp_path / 'text.txt'}",), "typed": ()}[way]
    person = terminal("write", TO, *given, columns=200)
    if way == "typed":
        person.until("Your text, on one line: ")
        person.type(f"{BY_HAND}\n")
    shown = flat(person.until(DIGITS))
    for part in (FORMATTED, f"| {BY_HAND}", SKIPPED, "1 segment", "nothing leaves this machine"):
        assert part in shown
    assert bodies(handset) == []
    person.type("0123\n")
    assert person.finish() == 0
    assert bodies(handset) == [BY_HAND]
    (item,) = ringback("history").json["items"]
    assert (item["by_hand"], item["approval"]) == (True, "A2")
    assert BY_HAND not in str(item)


def test_given_back_the_agent_may_write_again_and_a_person_may_not(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    take(terminal)
    person = terminal("giveback", TO)
    assert confirmed(person) == 0
    assert "Given back." in person.shown
    assert ringback("sms", "--to", TO, "--body", "Hello").code == 4
    person = terminal("write", TO, BY_HAND)
    assert person.finish() == 3
    assert "not_taken_over" in person.shown
    assert bodies(handset) == []


def test_giving_back_what_was_not_taken_over_says_so(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    person = terminal("giveback", TO)
    assert confirmed(person) == 0
    assert "It was not taken over." in person.shown


@pytest.mark.parametrize("typed", ["9999\n", "\x04"], ids=["wrong digits", "ctrl-d"])
def test_without_the_right_digits_nothing_is_taken_written_or_given_back(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, typed: str
) -> None:
    def refused(*arguments: str) -> None:
        person = terminal(*arguments)
        person.until(DIGITS)
        person.type(typed)
        assert person.finish() == 3
        assert "digits_did_not_match" in person.shown

    refused("takeover", TO)
    assert ringback("sms", "--to", TO, "--body", "Hello").code == 4
    take(terminal)
    refused("write", TO, BY_HAND)
    refused("giveback", TO)
    assert bodies(handset) == []
    assert ringback("sms", "--to", TO, "--body", "Hello again").json["error"]["code"] == "human_takeover"


@pytest.mark.parametrize(
    "arguments",
    [("takeover", TO), ("giveback", TO), ("write", TO, BY_HAND), ("write", "-", "-"), ("conversation", TO)],
    ids=" ".join,
)
def test_without_a_terminal_nobody_speaks_for_a_person(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]
) -> None:
    done = ringback(*arguments, stdin=f"{TO}\n0123\n")
    assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")
    assert bodies(handset) == []


@pytest.mark.parametrize("text", ["", "   ", "x" * 1601])
def test_a_text_that_is_none_or_too_long_does_not_go_out(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, text: str
) -> None:
    take(terminal)
    person = terminal("write", TO, text)
    if text.strip():
        person.until(DIGITS)
        person.type("0123\n")
    assert person.finish() == 2
    assert bodies(handset) == []


def test_where_the_page_counts_a_terminal_asks_for_the_passphrase_and_where_a_passkey_counts_it_refuses(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    take(terminal)
    set_passphrase(ringback.home, "seven blue kettles")
    ringback.settings = {"RINGBACK_APPROVAL": "page"}
    for words, code in (("wrong words here", 3), ("seven blue kettles", 0)):
        person = terminal("write", TO, BY_HAND)
        person.until(DIGITS)
        person.type("0123\n")
        person.until("passphrase: ")
        person.type(f"{words}\n")
        assert person.finish() == code
    ringback.settings = {"RINGBACK_APPROVAL": "passkey"}
    person = terminal("write", TO, BY_HAND)
    assert person.finish() == 3
    assert "approval_level" in person.shown
    assert bodies(handset) == [BY_HAND]


def test_a_conversation_is_shown_whole_in_order_and_harmless(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("sms", "--to", TO, "--body", "From the agent")
    handset.post("/sandbox/replies", {"from": TO, "body": "Hi\x1b[2J\u202ethere\nby hand  delivered"})
    ringback.ask(collect)
    take(terminal)
    assert confirmed(terminal("write", TO, BY_HAND)) == 0
    person = terminal("conversation", TO)
    assert person.finish() == 0
    shown = re.sub(r"\x1b\[\d*m", "", person.shown).replace("\r\n", "\n")
    assert f"{FORMATTED}: taken over since" in shown
    assert not set(shown) & set("\x1b\u202e")
    assert shown.index("| From the agent") < shown.index(f"| {BY_HAND}")
    assert "  | by hand  delivered" in shown
    person = terminal("conversation", TO, "--json")
    assert person.finish() == 0
    assert [entry["by"] for entry in json.loads(person.shown)["entries"]] == ["agent", "them", "hand"]


def test_no_number_and_no_text_stays_outside_the_ledgers_seal(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    take(terminal)
    assert confirmed(terminal("write", TO, BY_HAND)) == 0
    assert confirmed(terminal("giveback", TO)) == 0
    files = [path for path in ringback.home.rglob("*") if path.is_file() and "sandbox" not in path.parts]
    assert files
    for path in files:
        content = path.read_bytes()
        assert TO.encode() not in content
        assert BY_HAND.encode() not in content
