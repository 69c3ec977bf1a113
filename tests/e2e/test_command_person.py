"""The command in a terminal: what a person sees there, what they type, and what becomes of it."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    OpenTerminal = Callable[..., Terminal]

TO = "+12025550123"
FORMATTED = "+1 202-555-0123"
BODY = "The quick brown fox is ten minutes late"


def want(ringback: Installation, body: str = BODY, to: str = TO) -> str:
    outbound_id: str = ringback("sms", "--to", to, "--body", body).json["id"]
    return outbound_id


def answer(person: Terminal, choice: str, digits: str = TO[-4:]) -> None:
    person.until("Your answer: ")
    person.type(f"{choice}\n")
    person.until("Type the last 4 digits of the number: ")
    person.type(f"{digits}\n")


def status(ringback: Installation, outbound_id: str) -> tuple[str, str | None]:
    receipt = ringback("history").json["items"]
    (one,) = [item for item in receipt if item["id"] == outbound_id]
    return one["status"], one.get("approval")


def bodies(handset: Sandbox) -> list[str]:
    return sorted(message["body"] for message in handset.messages())


def test_a_person_sees_it_whole_and_their_yes_sends_it(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = want(ringback)
    person = terminal("approve", outbound_id)
    shown = person.until("Your answer: ")
    for part in (FORMATTED, "United States", "text (SMS)", "nothing leaves this machine", "1 segment, GSM-7", BODY):
        assert part in shown
    assert re.search(r"Expires +in \d+ min", shown)
    person.type("once\n")
    person.until("last 4 digits of the number: ")
    assert bodies(handset) == []
    person.type("0123\n")
    assert person.finish() == 0
    assert bodies(handset) == [BODY]
    assert status(ringback, outbound_id)[1] == "A2"


def test_a_send_in_a_terminal_asks_nothing_and_names_the_command_that_does(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    person = terminal("sms", "--to", TO, "--body", BODY)
    assert person.finish() == 4
    assert re.search(r"ringback approve ob_[a-z2-7]{24}", person.shown)
    assert TO not in person.shown
    assert bodies(handset) == []


def test_everything_that_waits_is_asked_one_by_one_oldest_first(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ids = [want(ringback, text) for text in ("first", "second", "third")]
    person = terminal("approve")
    assert "first" in person.until("Your answer: ")
    person.type("skip\n")
    assert "second" in person.until("Your answer: ")
    person.type("no\n")
    answer(person, "once")
    assert person.finish() == 0
    assert [status(ringback, outbound_id)[0] for outbound_id in ids[:2]] == ["awaiting_approval", "declined"]
    assert bodies(handset) == ["third"]


def test_yes_for_a_day_covers_further_texts_to_this_number_alone(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    want(ringback)
    person = terminal("approve")
    answer(person, "day")
    assert person.finish() == 0
    assert ringback("sms", "--to", TO, "--body", "another").code == 0
    assert ringback("sms", "--to", "+12025550199", "--body", "another").code == 4
    assert ringback("call", "--to", TO, "--prompt", "another").code == 4
    assert bodies(handset) == [BODY, "another"]


def test_wrong_digits_are_no_yes(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    outbound_id = want(ringback)
    person = terminal("approve")
    answer(person, "once", "9999")
    assert person.finish() == 9
    assert status(ringback, outbound_id)[0] == "cancelled"
    assert bodies(handset) == []


def test_what_is_no_answer_is_asked_again(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    want(ringback)
    person = terminal("approve")
    for typed in ("\n", "yes\n", "0123\n"):
        person.until("Your answer: ")
        person.type(typed)
    person.until("Your answer: ")
    person.type("once\n")
    for typed in ("\n", "12\n", "once\n"):
        person.until("last 4 digits of the number: ")
        person.type(typed)
    person.until("last 4 digits of the number: ")
    assert bodies(handset) == []
    person.type("0123\n")
    assert person.finish() == 0
    assert bodies(handset) == [BODY]


@pytest.mark.parametrize(("key", "code"), [("\x04", 0), ("\x03", 130)], ids=["ctrl-d", "ctrl-c"])
@pytest.mark.parametrize("prompt", ["Your answer: ", "last 4 digits of the number: "])
def test_leaving_in_the_middle_sends_nothing_and_leaves_it_waiting(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, key: str, code: int, prompt: str
) -> None:
    outbound_id = want(ringback)
    person = terminal("approve")
    person.until("Your answer: ")
    if "digits" in prompt:
        person.type("once\n")
        person.until(prompt)
    person.type(key)
    assert person.finish() == code
    assert "Traceback" not in person.shown
    assert status(ringback, outbound_id)[0] == "awaiting_approval"
    assert bodies(handset) == []


def test_what_was_typed_before_the_question_stood_there_is_no_answer(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    want(ringback, "first")
    want(ringback, "second")
    person = terminal("approve")
    answer(person, "once", "0123\nonce\n0123")
    assert "second" in person.until("Your answer: ")
    person.type("\x04")
    person.finish()
    assert bodies(handset) == ["first"]


def test_an_answer_to_what_was_answered_elsewhere_changes_nothing(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = want(ringback)
    person = terminal("approve")
    person.until("Your answer: ")
    assert ringback("cancel", outbound_id).code == 0
    person.type("once\n")
    person.until("digits of the number: ")
    person.type("0123\n")
    assert person.finish() == 9
    assert bodies(handset) == []


def test_nothing_in_a_text_can_steer_the_terminal_or_pass_for_the_question(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    hostile = "a\x1b[2J\x1b]0;x\x07b\u202ec\rd\x9be\nTo  +1 415-555-0000\n" + "x" * 75 + "To  +1 415-555-0000"
    want(ringback, hostile)
    person = terminal("approve", columns=80)
    shown = person.until("Your answer: ")
    assert not set(re.sub(r"\x1b\[(1|0)m", "", shown)) & set("\x1b\x07\u202e\x9b")
    assert "⟦U+001B⟧[2J" in shown
    assert "⟦U+202E⟧" in shown
    lines = shown.replace("\r\n", "\n").split("\n")
    assert max(len(line) for line in lines if line.startswith("  | ")) < 80
    assert [line.startswith("  | ") for line in lines if "415-555-0000" in line] == [True, True]
    person.type("\x04")
    person.finish()


def test_a_media_address_is_shown_with_its_host(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    url = "https://pictures.example:8443/a/b.png?c=d"
    ringback("mms", "--to", TO, "--body", BODY, "--media-url", url)
    person = terminal("approve", "--list")
    assert person.finish() == 0
    assert url in person.shown
    assert "from pictures.example" in person.shown


def test_the_list_shows_all_and_asks_nothing(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    ids = [want(ringback, text) for text in ("first", "second")]
    person = terminal("approve", "--list")
    assert person.finish() == 0
    assert all(outbound_id in person.shown for outbound_id in ids)
    assert [status(ringback, outbound_id)[0] for outbound_id in ids] == ["awaiting_approval"] * 2


def test_where_nothing_waits_nothing_is_asked(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    person = terminal("approve")
    assert person.finish() == 0
    assert "Nothing waits." in person.shown


def test_an_id_that_waits_no_more_ends_with_8(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    outbound_id = want(ringback)
    ringback("cancel", outbound_id)
    assert terminal("approve", outbound_id).finish() == 8


def test_what_was_changed_behind_the_question_is_not_sent(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = want(ringback)
    person = terminal("approve")
    person.until("Your answer: ")
    person.type("once\n")
    person.until("digits of the number: ")

    async def reseal(opened: Any) -> None:
        plain = {"to": TO, "text": "something else", "media_url": None}
        sealed = opened.keyring.seal(plain, row=outbound_id, column="sealed")
        with sqlite3.connect(opened.settings.ledger_path) as database:
            database.execute("UPDATE outbound SET sealed = ? WHERE id = ?", (sealed, outbound_id))
        database.close()

    ringback.ask(reseal)
    person.type("0123\n")
    assert person.finish() == 3
    assert "not what was shown" in person.shown
    assert bodies(handset) == []


def test_where_a_passkey_is_needed_a_terminal_can_only_say_no(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback.settings = {"RINGBACK_APPROVAL": "passkey"}
    outbound_id = want(ringback)
    person = terminal("approve")
    person.until("Your answer: ")
    person.type("once\n")
    person.until("Your answer: ")
    person.type("no\n")
    assert person.finish() == 0
    assert status(ringback, outbound_id)[0] == "declined"
    assert terminal("allow", TO).finish() == 3


def test_with_json_the_questions_stand_apart_from_the_receipts(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = want(ringback)
    person = terminal("approve", "--json")
    answer(person, "once")
    assert person.finish() == 0
    told = json.loads(person.shown[person.shown.index('{\r\n  "answered"') :])
    assert [receipt["id"] for receipt in told["answered"]] == [outbound_id]


def test_a_person_allows_a_recipient_sees_them_and_takes_it_back(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    person = terminal("allow", TO, "--days", "2", "--count", "1")
    shown = person.until("Type the last 4 digits of the number: ")
    assert FORMATTED in shown
    assert "United States" in shown
    assert "at most 1 in 48 hours" in shown
    person.type("0123\n")
    assert person.finish() == 0
    listed = terminal("allowed")
    assert listed.finish() == 0
    assert FORMATTED in listed.shown
    (allowance_id,) = re.findall(r"al_[a-z2-7]{24}", listed.shown)
    assert ringback("revoke", allowance_id).json == {"id": allowance_id, "revoked": True}
    assert ringback("sms", "--to", TO, "--body", BODY).code == 4


def test_an_allowance_is_spent_by_its_count(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    person = terminal("allow", TO, "--count", "1")
    person.until("digits of the number: ")
    person.type("0123\n")
    assert person.finish() == 0
    assert [ringback("sms", "--to", TO, "--body", text).code for text in ("one", "two")] == [0, 4]


def test_a_number_to_allow_is_asked_for_or_read_from_a_file(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    (tmp_path / "to.txt").write_text(f"{TO}\n")
    for arguments in ((), (f"@{tmp_path / 'to.txt'}",)):
        person = terminal("allow", *arguments)
        if not arguments:
            person.until("Number, in E.164 form: ")
            person.type(f"{TO}\n")
        person.until("digits of the number: ")
        person.type("0123\n")
        assert person.finish() == 0


@pytest.mark.parametrize("typed", ["9999\n", "\x04"], ids=["wrong digits", "ctrl-d"])
def test_without_the_right_digits_nobody_is_allowed(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, typed: str
) -> None:
    person = terminal("allow", TO)
    person.until("digits of the number: ")
    person.type(typed)
    assert person.finish() == 3
    assert ringback.ask(lambda opened: opened.person.allowances()) == []


@pytest.mark.parametrize("at_terminal", ["stdin", "stdout"])
def test_one_pipe_is_enough_to_refuse(ringback: Installation, handset: Sandbox, at_terminal: str) -> None:
    want(ringback)
    master, slave = pty.openpty()
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, at_terminal: slave}
    process = ringback.start("approve", stderr=slave, **streams)
    try:
        assert process.wait(timeout=30) == 3
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)


def test_text_for_a_person_is_plain_where_colours_are_unwanted(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    want(ringback)
    coloured = terminal("history")
    coloured.finish()
    assert "\x1b[" in coloured.shown
    ringback.settings = {"NO_COLOR": "1"}
    plain = terminal("history")
    assert plain.finish() == 0
    assert "\x1b" not in plain.shown
    assert "awaiting approval" in plain.shown


def test_errors_in_a_terminal_say_what_happened_and_what_to_do(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    person = terminal("sms", "--to", "+1 202 555 0123", "--body", BODY)
    assert person.finish() == 2
    assert "(invalid_number)" in person.shown
    assert f"Perhaps {TO} is meant." in person.shown
    assert "{" not in person.shown
