"""The command where more than a terminal is asked for: the passphrase, the passkey, and limits of content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ringback_server.console import passphrase
from ringback_server.console.passphrase import set_passphrase, verify_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    OpenTerminal = Callable[..., Terminal]

TO = "+12025550123"
BODY = "The quick brown fox is ten minutes late"
WORDS = "seven blue kettles"
LINK = "See https://example.com/"


def want(ringback: Installation, body: str = BODY) -> str:
    outbound_id: str = ringback("sms", "--to", TO, "--body", body).json["id"]
    return outbound_id


def answer(person: Terminal, choice: str = "once") -> None:
    person.until("Your answer: ")
    person.type(f"{choice}\n")
    person.until("digits of the number: ")
    person.type("0123\n")


def bodies(handset: Sandbox) -> list[str]:
    return sorted(message["body"] for message in handset.messages())


@pytest.fixture
def at_page(ringback: Installation) -> Installation:
    """The page's level is the least that counts, and a passphrase is set."""
    ringback.settings = {"RINGBACK_APPROVAL": "page"}
    set_passphrase(ringback.home, WORDS)
    return ringback


def test_where_the_pages_level_is_needed_a_terminal_asks_for_the_passphrase_once(
    at_page: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    for body in ("one", "two"):
        want(at_page, body)
    person = terminal("approve")
    answer(person)
    person.until("passphrase: ")
    assert bodies(handset) == []
    person.type(f"{WORDS}\n")
    answer(person)
    assert person.finish() == 0
    assert WORDS not in person.shown
    assert bodies(handset) == ["one", "two"]


def test_another_passphrase_sends_nothing_and_leaves_it_waiting(
    at_page: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = want(at_page)
    for typed in ("seven blue cattle\n", "\n", "\x04"):
        person = terminal("approve")
        answer(person)
        person.until("passphrase: ")
        person.type(typed)
        assert person.finish() == 3
        assert "(wrong_passphrase)" in person.shown
    (item,) = at_page("history").json["items"]
    assert (item["id"], item["status"], bodies(handset)) == (outbound_id, "awaiting_approval", [])


def test_a_no_needs_no_passphrase(at_page: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    want(at_page)
    person = terminal("approve")
    person.until("Your answer: ")
    person.type("no\n")
    assert person.finish() == 0
    assert bodies(handset) == []


def test_allowing_a_recipient_needs_the_passphrase_as_well(
    at_page: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    for typed, code in (("wrong horse", 3), (WORDS, 0)):
        person = terminal("allow", TO)
        person.until("digits of the number: ")
        person.type("0123\n")
        person.until("passphrase: ")
        person.type(f"{typed}\n")
        assert person.finish() == code
    assert len(at_page.ask(lambda opened: opened.person.allowances())) == 1


@pytest.mark.parametrize("floor", ["client", "page"])
def test_where_less_is_needed_or_none_is_set_no_passphrase_is_asked_for(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, floor: str
) -> None:
    ringback.settings = {"RINGBACK_APPROVAL": floor}
    if floor == "client":
        set_passphrase(ringback.home, WORDS)
    want(ringback)
    person = terminal("approve")
    answer(person)
    assert person.finish() == 0
    assert "passphrase" not in person.shown
    assert bodies(handset) == [BODY]


def test_a_damaged_passphrase_file_opens_nothing(
    at_page: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    want(at_page)
    passphrase.passphrase_path(at_page.home).write_text("{}")
    person = terminal("approve")
    answer(person)
    assert person.finish() == 7
    assert bodies(handset) == []


@pytest.mark.parametrize("word", ["once", "day"])
def test_where_a_passkey_is_needed_a_yes_is_refused_by_its_level_and_the_page_is_named(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, word: str
) -> None:
    ringback.settings = {"RINGBACK_APPROVAL": "passkey"}
    want(ringback)
    person = terminal("approve")
    shown = person.until("Your answer: ")
    assert "Refused (approval_level): a yes needs level A3 here" in " ".join(shown.split())
    person.type(f"{word}\n")
    again = " ".join(person.until("Your answer: ").split())
    assert "approval_level" in again
    assert "ringback console" in again
    person.type("skip\n")
    assert person.finish() == 0
    assert bodies(handset) == []


def test_the_passphrase_is_set_and_changed_by_the_command(ringback: Installation, terminal: OpenTerminal) -> None:
    person = terminal("passphrase")
    for _ in range(2):
        person.until(": ")
        person.type(f"{WORDS}\n")
    assert person.finish() == 0
    assert WORDS not in person.shown
    assert verify_passphrase(ringback.home, WORDS)
    person = terminal("passphrase")
    person.until("present passphrase: ")
    person.type("wrong horse\n")
    assert person.finish() == 3
    piped = ringback("passphrase", stdin=f"{WORDS}\nanother one\nanother one\n")
    assert piped.code == 3
    assert ringback("passphrase", "another one").code == 2
    assert verify_passphrase(ringback.home, WORDS)


def test_an_allowance_covers_short_texts_without_links_unless_a_person_says_more(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    for options, told in (((), "up to 480 characters, no web addresses"), (("--any-content",), "anything")):
        person = terminal("allow", TO, *options, columns=120)
        assert told in person.until("digits of the number: ")
        person.type("0123\n")
        assert person.finish() == 0
        sends = [("sms", "--to", TO, "--body", body) for body in (f"{BODY} {told}", f"{LINK} {told}", f"{told} " * 40)]
        assert [ringback(*send).code for send in sends] == ([0, 0, 0] if options else [0, 4, 4])
    listed = terminal("allowed", columns=200)
    assert listed.finish() == 0
    assert "up to 480 characters, no web addresses" in listed.shown
    assert re.search(r"up to [\d,]+ characters, web addresses too", listed.shown)
    as_json = terminal("allowed", "--json", columns=200)
    assert as_json.finish() == 0
    assert '"links": true' in as_json.shown
