"""What the command offers beyond sending now: a time, a doubt that a person ends, forgetting, and a new key."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.serving import eventually, texts

from ringback.adapters.untrusted import legible
from ringback.ledger.records import Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    OpenTerminal = Callable[..., Terminal]

TO = "+12025550123"
FORMATTED = "+1 202-555-0123"
DOUBTFUL = "+15550100005"  # the sandbox answers 500 and accepts nothing
BODY = "The quick brown fox is ten minutes late"
DIGITS = "last 4 digits of the number: "
PICTURE = "https://sandbox.ringback.example/receipt.png"


def tomorrow() -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)


def allow(ringback: Installation, to: str = TO, channel: Channel = Channel.SMS) -> None:
    ringback.ask(lambda opened: opened.person.allow(to, channel, level=Level.A2, via="terminal", seconds=9e5, count=9))


def schedule(ringback: Installation) -> str:
    allow(ringback)
    done = ringback("sms", "--to", TO, "--body", BODY, "--at", tomorrow().isoformat())
    assert (done.code, done.json["status"]) == (0, "scheduled")
    outbound_id: str = done.json["id"]
    return outbound_id


def doubt(ringback: Installation) -> str:
    allow(ringback, DOUBTFUL)
    done = ringback("sms", "--to", DOUBTFUL, "--body", BODY)
    assert (done.code, done.json["status"]) == (6, "unknown")
    outbound_id: str = done.json["id"]
    return outbound_id


def flat(shown: str) -> str:
    """What a terminal shows, without colours and line ends."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[\d*m", "", shown))


# -- a time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "send",
    [
        ("sms", "--to", TO, "--body", BODY),
        ("mms", "--to", TO, "--body", BODY, "--media-url", PICTURE),
        ("call", "--to", TO, "--prompt", BODY),
    ],
)
def test_a_send_can_have_a_time_and_is_asked_about_now(
    ringback: Installation, handset: Sandbox, send: tuple[str, ...]
) -> None:
    due = tomorrow()
    done = ringback(*send, "--at", due.isoformat())
    assert (done.code, done.json["status"]) == (4, "awaiting_approval")
    assert datetime.fromisoformat(done.json["send_at"]) == due
    assert handset.messages() + handset.calls() == []


@pytest.mark.parametrize(
    "at", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "tomorrow", "2026-12-01T03:04", "", TO, "\x1b[2J"]
)
def test_a_time_that_cannot_be_is_wrong_usage_and_not_repeated(
    ringback: Installation, handset: Sandbox, at: str
) -> None:
    done = ringback("sms", "--to", TO, "--body", BODY, "--at", at)
    assert (done.code, done.json["error"]["code"]) == (2, "invalid_request")
    assert not at or at not in done.out + done.err
    assert ringback("history").json["items"] == []


def test_the_person_is_shown_the_time_in_full_and_their_yes_schedules_it(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    due = tomorrow()
    outbound_id = ringback("sms", "--to", TO, "--body", BODY, "--at", due.isoformat()).json["id"]
    person = terminal("approve", outbound_id, columns=200)
    shown = flat(person.until("Your answer: "))
    assert f"When {due:%a} {due.day} {due:%b} {due:%Y}, {due:%H:%M}" in shown
    assert " UTC (" in shown
    assert " on this machine)" in shown
    person.type("once\n")
    person.until(DIGITS)
    person.type("0123\n")
    assert person.finish() == 0
    assert "scheduled" in person.shown
    assert handset.messages() == []


def test_one_without_a_time_is_said_to_go_at_once(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("sms", "--to", TO, "--body", BODY)
    person = terminal("approve", "--list")
    assert person.finish() == 0
    assert "at once, after a yes" in person.shown


def test_history_and_status_show_when_it_goes_out_and_cancel_stops_it(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    outbound_id = schedule(ringback)
    for command in (("history",), ("status", outbound_id)):
        person = terminal(*command, columns=200)
        assert person.finish() == 0
        assert f"{tomorrow():%Y}, " in person.shown
        assert " UTC" in person.shown
    assert ringback("cancel", outbound_id).json["status"] == "cancelled"


def test_where_nothing_would_send_it_then_that_is_said(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    allow(ringback)
    person = terminal("sms", "--to", TO, "--body", BODY, "--at", tomorrow().isoformat())
    assert person.finish() == 0
    assert "Start: ringback serve" in person.shown


def test_waiting_for_a_scheduled_one_sends_it_when_it_is_due(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback)
    due = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    wish = ringback.ask(lambda opened: opened.telephone.send_sms(TO, BODY, send_at=due))
    assert wish.status == "scheduled"
    done = ringback("status", wish.id, "--wait", "25")
    assert done.code == 0
    (sent,) = handset.messages()
    assert datetime.fromisoformat(sent["created_at"]) >= datetime.fromisoformat(due)


# -- the list --------------------------------------------------------------------------------------------------------


def test_the_list_has_what_is_scheduled_and_what_is_in_doubt_with_the_command_to_use(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    scheduled, doubtful = schedule(ringback), doubt(ringback)
    person = terminal("approve", columns=200)
    assert person.finish() == 0
    assert "Nothing waits." in person.shown
    assert f"ringback cancel {scheduled}" in person.shown
    assert f"ringback resolve {doubtful} sent|not-sent" in person.shown
    assert FORMATTED in person.shown
    assert person.shown.count(BODY) == 2


def test_the_list_as_json_has_three_parts(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    scheduled, doubtful = schedule(ringback), doubt(ringback)
    waiting = ringback("sms", "--to", "+12025550199", "--body", BODY).json["id"]
    person = terminal("approve", "--list", "--json")
    assert person.finish() == 0
    told = json.loads(person.shown)
    assert {name: [item["id"] for item in items] for name, items in told.items()} == {
        "waiting": [waiting],
        "scheduled": [scheduled],
        "in_doubt": [doubtful],
    }
    assert told["scheduled"][0]["send_at"].endswith("Z")


# -- a doubt ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [("sent", "sent", "person_says_sent"), ("not-sent", "failed", "person_says_not_sent")],
)
def test_a_person_ends_a_doubt_after_seeing_it_whole(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, outcome: str, status: str, reason: str
) -> None:
    outbound_id = doubt(ringback)
    person = terminal("resolve", outbound_id, outcome)
    shown = flat(person.until(DIGITS))
    for part in ("+1 555-010-0005", BODY, "in doubt", "Nothing is sent by this."):
        assert part in shown
    person.type("0005\n")
    assert person.finish() == 0
    told = ringback("status", outbound_id).json
    assert (told["status"], told["reason"]) == (status, reason)
    assert handset.messages() == []


@pytest.mark.parametrize("typed", ["9999\n", "\x04"], ids=["wrong digits", "ctrl-d"])
def test_without_the_right_digits_the_doubt_stays(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, typed: str
) -> None:
    outbound_id = doubt(ringback)
    person = terminal("resolve", outbound_id, "sent")
    person.until(DIGITS)
    person.type(typed)
    assert person.finish() == 3
    assert ringback("status", outbound_id).code == 6


def test_what_is_not_in_doubt_is_not_resolved(ringback: Installation, handset: Sandbox, terminal: OpenTerminal) -> None:
    person = terminal("resolve", schedule(ringback), "sent")
    assert person.finish() == 3
    assert "not_in_doubt" in person.shown
    assert terminal("resolve", "ob_nothing", "sent").finish() == 8


def test_a_doubt_that_the_carriers_history_ends_is_not_asked_about(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    allow(ringback)
    handset.post("/sandbox/faults", {"next": 1, "kind": "close-after"})
    outbound_id = ringback("sms", "--to", TO, "--body", BODY).json["id"]
    person = terminal("resolve", outbound_id, "not-sent")
    assert person.finish() == 3
    assert ringback("status", outbound_id).json["reason"] == "found_at_carrier"


@pytest.mark.parametrize(
    "arguments", [("resolve", "ob_x", "sent"), ("forget", TO), ("forget", "-"), ("forget",)], ids=" ".join
)
def test_without_a_terminal_nobody_speaks_for_a_person(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]
) -> None:
    done = ringback(*arguments, stdin=TO)
    assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")


# -- forgetting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["argument", "file", "typed", "dash"])
def test_a_person_is_forgotten_and_the_counts_are_told(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path, way: str
) -> None:
    outbound_id = schedule(ringback)
    handset.post("/sandbox/replies", {"from": TO, "body": "who is this?"})
    ringback.ask(collect)
    assert texts(ringback) == ["who is this?"]
    (tmp_path / "to.txt").write_text(f"{TO}\n")
    given = {"argument": (TO,), "file": (f"@{tmp_path / 'to.txt'}",), "typed": (), "dash": ("-",)}[way]
    person = terminal("forget", *given)
    if way in {"typed", "dash"}:
        person.until("Number, in E.164 form: ")
        person.type(f"{TO}\n")
    assert FORMATTED in person.until(DIGITS)
    person.type("0123\n")
    assert person.finish() == 0
    shown = flat(person.shown)
    for part in ("messages and calls to them 1", "still waited 1", "texts from them 1", "allowances 1"):
        assert part in shown
    for part in ("the sandbox's handset", "backups", "assistants"):
        assert part in shown
    items = ringback("history").json["items"]
    assert {item["id"]: item["status"] for item in items if item["id"] == outbound_id} == {outbound_id: "cancelled"}
    assert not any("untrusted_text" in item for item in items)
    assert ringback.ask(lambda opened: opened.person.allowances()) == []


async def collect(opened: Any) -> None:
    """Fetch what people wrote; the sandbox is asked once it was found."""
    await opened.telephone.check()
    await opened.telephone.tend()


@pytest.mark.parametrize("typed", ["9999\n", "\x04"], ids=["wrong digits", "ctrl-d"])
def test_without_the_right_digits_nobody_is_forgotten(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, typed: str
) -> None:
    outbound_id = schedule(ringback)
    person = terminal("forget", TO)
    person.until(DIGITS)
    person.type(typed)
    assert person.finish() == 3
    assert ringback("status", outbound_id).json["status"] == "scheduled"


def test_a_carrier_is_named_among_what_forgetting_does_not_reach(
    ringback: Installation, terminal: OpenTerminal
) -> None:
    ringback.settings = {"SAAS_API_URL": "http://127.0.0.1:9", "SAAS_API_KEY": "x"}
    person = terminal("forget", TO)
    person.until(DIGITS)
    person.type("0123\n")
    assert person.finish() == 0
    assert "what the carrier (thinkfleetbot) keeps" in person.shown


# -- texts from outside ----------------------------------------------------------------------------------------------

HOSTILE = "a\x1b[2J\x1b]0;x\x07b\u202ec\rd\x9be\n2026-11-22 09:00:00  delivered  sms\n" + "x" * 200


def test_a_text_from_outside_can_neither_steer_the_terminal_nor_pass_for_another_line(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    handset.post("/sandbox/replies", {"from": TO, "body": HOSTILE})
    ringback.ask(collect)
    person = terminal("history", columns=80)
    assert person.finish() == 0
    shown = re.sub(r"\x1b\[\d*m", "", person.shown).replace("\r\n", "\n")
    assert not set(shown) & set("\x1b\x07\r\u202e\x9b")
    assert "⟦U+202E⟧" in shown
    first, *rest = shown.rstrip("\n").split("\n")
    assert "received" in first
    assert all(line.startswith("  | ") and len(line) < 80 for line in rest)


def test_as_json_a_text_from_outside_is_as_legible_as_by_tool_and_steers_nothing(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    handset.post("/sandbox/replies", {"from": TO, "body": HOSTILE})
    ringback.ask(collect)
    piped = ringback("history")
    person = terminal("history", "--json")
    assert person.finish() == 0
    for told in (piped.out, person.shown.replace("\r\n", "\n")):
        assert not set(told) & set("\x1b\x07\r\u202e\x9b\x7f")
        assert json.loads(told)["items"][0]["untrusted_text"] == legible(HOSTILE)


# -- a new key -------------------------------------------------------------------------------------------------------


def test_a_new_key_opens_everything_and_the_old_one_nothing(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    outbound_id = schedule(ringback)
    before = ringback("status", outbound_id).json
    old = (ringback.home / "key").read_text()
    done = ringback("keys", "rotate")
    assert done.code == 0
    assert (done.json["outbounds"], done.json["allowances"]) == (1, 1)
    assert any("Contact references" in note for note in done.json["notes"])
    assert (ringback.home / "key").stat().st_mode & 0o077 == 0
    after = ringback("status", outbound_id).json
    assert after["contact"] != before["contact"]
    assert {**after, "contact": ""} == {**before, "contact": ""}
    ringback.settings = {"RINGBACK_KEY": old.strip()}
    assert ringback("history").json["error"]["code"] == "ledger"
    assert old.strip() not in done.out + done.err


@pytest.mark.parametrize("way", ["dash", "file"])
def test_with_the_key_in_the_environment_the_new_one_is_given_and_what_to_do_is_told(
    ringback: Installation, handset: Sandbox, tmp_path: Path, way: str
) -> None:
    first, second = (base64.b64encode(bytes([count]) * 32).decode() for count in (1, 2))
    ringback.settings = {"RINGBACK_KEY": first}
    outbound_id = ringback("sms", "--to", TO, "--body", BODY).json["id"]
    refused = ringback("keys", "rotate")
    assert (refused.code, refused.json["error"]["code"]) == (7, "configuration")
    (tmp_path / "key").write_text(f"{second}\n")
    given = "-" if way == "dash" else f"@{tmp_path / 'key'}"
    done = ringback("keys", "rotate", "--new-key", given, stdin=second)
    assert done.code == 0
    assert "Set RINGBACK_KEY to the new key" in done.json["notes"][0]
    assert ringback("status", outbound_id).code == 7
    ringback.settings = {"RINGBACK_KEY": second}
    assert ringback("status", outbound_id).json["status"] == "awaiting_approval"
    assert second not in done.out + done.err


@pytest.mark.parametrize("given", [base64.b64encode(b"x" * 32).decode(), "@@x", "secret"])
def test_a_key_on_the_command_line_is_refused_and_not_repeated(
    ringback: Installation, handset: Sandbox, given: str
) -> None:
    schedule(ringback)
    before = (ringback.home / "key").read_bytes()
    done = ringback("keys", "rotate", "--new-key", given)
    assert (done.code, done.json["error"]["code"]) == (2, "invalid_request")
    assert given not in done.out + done.err
    assert (ringback.home / "key").read_bytes() == before


def test_a_scheduled_one_is_still_sent_after_the_key_was_changed(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback)
    due = (datetime.now(UTC) + timedelta(seconds=6)).isoformat()
    wish = ringback.ask(lambda opened: opened.telephone.send_sms(TO, BODY, send_at=due))
    assert ringback("keys", "rotate").code == 0
    assert ringback("status", wish.id, "--wait", "25").code == 0
    (sent,) = eventually(handset.messages)
    assert sent["body"] == BODY
