"""The command as a bot with a shell uses it: pipes, JSON, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.open_rules import voiced

from ringback.approvals import Answer
from ringback.ledger.records import Choice, Level
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Done, Installation

TO = "+12025550123"
BODY = "The quick brown fox is ten minutes late"


def allow(ringback: Installation, number: str, channel: Channel = Channel.SMS) -> None:
    ringback.ask(
        lambda opened: opened.person.allow(number, channel, level=Level.A2, via="terminal", seconds=3600, count=20)
    )


def approve(ringback: Installation, done: Done) -> None:
    outbound_id = done.json["id"]
    answer = Answer(Choice.ONCE, Level.A2, "terminal", digits=TO[-4:])
    ringback.ask(lambda opened: opened.person.answer(outbound_id, answer))


def test_check_tells_the_line_and_ends_with_0(ringback: Installation, handset: Sandbox) -> None:
    done = ringback("check")
    assert (done.code, done.err) == (0, "")
    assert done.json["enabled"] is True
    assert done.json["live"] is False
    assert done.json["capabilities"] == ["mms", "sms", "voice"]
    assert done.json["page"] == handset.url


def test_check_of_a_disabled_line_ends_with_3(ringback: Installation, handset: Sandbox) -> None:
    handset.post("/sandbox/faults", {"telephony": "disabled"})
    done = ringback("check")
    assert done.code == 3
    assert done.json["enabled"] is False


def test_a_check_that_the_carrier_does_not_answer_puts_nothing_in_doubt(
    ringback: Installation, handset: Sandbox
) -> None:
    handset.post("/sandbox/faults", {"telephony": "unreachable-check"})
    done = ringback("check")
    assert done.code == 5
    assert done.json["error"]["code"] == "carrier_unavailable"


def test_the_command_starts_the_sandbox_where_none_runs(ringback: Installation) -> None:
    done = ringback("check")
    assert done.code == 0
    assert done.json["page"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (("sms", "--to", TO, "--body", BODY), {"type": "sms", "body": BODY}),
        (
            ("mms", "--to", TO, "--body", BODY, "--media-url", "https://sandbox.ringback.example/receipt.png"),
            {"type": "mms", "media_url": "https://sandbox.ringback.example/receipt.png"},
        ),
        (("call", "--to", TO, "--prompt", BODY), {"type": "voice", "prompt": voiced(BODY)}),
    ],
    ids=["sms", "mms", "call"],
)
def test_a_send_waits_for_a_person_with_4_and_goes_once_they_said_yes(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...], kept: dict[str, Any]
) -> None:
    done = ringback(*arguments)
    assert (done.code, done.err) == (4, "")
    assert done.json["status"] == "awaiting_approval"
    assert TO not in done.out
    assert BODY not in done.out
    assert handset.messages() + handset.calls() == []
    approve(ringback, done)
    (item,) = handset.messages() + handset.calls()
    assert kept.items() <= item.items()
    assert item["to"] == TO
    assert ringback("status", done.json["id"]).code == 0


def test_a_send_to_an_allowed_recipient_leaves_at_once_with_0(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    done = ringback("sms", "--to", TO, "--body", BODY)
    assert done.code == 0
    assert done.json["approval"] == "A0"
    assert [message["body"] for message in handset.messages()] == [BODY]


def test_the_same_send_twice_is_one_message(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    first, second = (ringback("sms", "--to", TO, "--body", BODY) for _ in range(2))
    assert second.json["id"] == first.json["id"]
    assert second.json["repeated"] is True
    assert len(handset.messages()) == 1


def test_a_key_that_comes_with_another_text_ends_with_2(ringback: Installation, handset: Sandbox) -> None:
    assert ringback("sms", "--to", TO, "--body", BODY, "--key", "k1").code == 4
    done = ringback("sms", "--to", TO, "--body", "another", "--key", "k1")
    assert done.code == 2
    assert done.json["error"]["code"] == "idempotency_conflict"


def test_status_with_wait_returns_when_it_is_delivered(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    sent = ringback("sms", "--to", TO, "--body", BODY)
    done = ringback("status", sent.json["id"], "--wait", "20")
    assert (done.code, done.json["status"]) == (0, "delivered")


def test_a_send_with_wait_ends_with_what_became_of_it(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, "+15550100001")
    done = ringback("sms", "--to", "+15550100001", "--body", BODY, "--wait", "20")
    assert (done.code, done.json["status"]) == (5, "undelivered")


def test_a_busy_line_ends_with_5(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, "+15550100002", Channel.VOICE)
    done = ringback("call", "--to", "+15550100002", "--prompt", BODY, "--wait", "20")
    assert (done.code, done.json["status"]) == (5, "busy")


def test_pressed_keys_come_back_in_status(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO, Channel.VOICE)
    sent = ringback("call", "--to", TO, "--prompt", BODY)
    handset.advance(2)
    (call,) = handset.calls()
    handset.post(f"/sandbox/calls/{call['id']}/answer")
    handset.post(f"/sandbox/calls/{call['id']}/keys", {"keys": "1"})
    handset.post(f"/sandbox/calls/{call['id']}/hangup")
    assert ringback("status", sent.json["id"]).json["keys"] == "1"


def test_a_lost_answer_ends_with_6_and_status_finds_the_message(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, "+15550100006")
    done = ringback("sms", "--to", "+15550100006", "--body", BODY)
    assert (done.code, done.json["status"]) == (6, "unknown")
    assert ringback("status", done.json["id"]).code == 0
    assert len(handset.messages()) == 1


def test_a_carrier_that_takes_nothing_ends_with_5(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    handset.post("/sandbox/faults", {"next": 3, "kind": "429"})
    done = ringback("sms", "--to", TO, "--body", BODY)
    assert (done.code, done.json["reason"]) == (5, "carrier_rate_limited")
    assert handset.messages() == []


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        ("911", 2, "invalid_number"),
        ("+1212555CALL", 2, "invalid_number"),
        ("5551234567", 2, "invalid_number"),
        ("tel:+14155552671;ext=9", 2, "invalid_number"),
        ("", 2, "invalid_number"),
        ("+19005551234", 3, "destination_premium"),
        ("+881612345678", 3, "destination_satellite"),
    ],
)
def test_a_number_that_must_not_be_reached_never_is(
    ringback: Installation, handset: Sandbox, number: str, code: int, told: str
) -> None:
    done = ringback("sms", "--to", number, "--body", BODY)
    assert (done.code, done.json["error"]["code"]) == (code, told)
    assert not [request for request in handset.requests() if request["method"] == "POST"]


def test_a_disabled_line_refuses_with_3(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    handset.post("/sandbox/faults", {"telephony": "disabled"})
    done = ringback("sms", "--to", TO, "--body", BODY)
    assert (done.code, done.json["error"]["code"]) == (3, "not_enabled")
    assert handset.messages() == []


def test_cancelling_what_waits_is_done_with_0_and_its_status_ends_with_9(
    ringback: Installation, handset: Sandbox
) -> None:
    outbound_id = ringback("sms", "--to", TO, "--body", BODY).json["id"]
    assert ringback("cancel", outbound_id).code == 0
    done = ringback("status", outbound_id)
    assert (done.code, done.json["status"]) == (9, "cancelled")


def test_what_the_carrier_took_cannot_be_cancelled(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    done = ringback("cancel", ringback("sms", "--to", TO, "--body", BODY).json["id"])
    assert (done.code, done.json["error"]["code"]) == (3, "too_late_to_cancel")


def test_history_goes_on_where_a_page_ended(ringback: Installation, handset: Sandbox) -> None:
    ids = [ringback("sms", "--to", TO, "--body", text).json["id"] for text in ("one", "two", "three")]
    first = ringback("history", "--limit", "2").json
    assert [item["id"] for item in first["items"]] == ids[:0:-1]
    rest = ringback("history", "--cursor", first["cursor"]).json
    assert [item["id"] for item in rest["items"]] == ids[:1]
    assert "cursor" not in rest


@pytest.mark.parametrize(
    "arguments", [("status", "ob_none"), ("cancel", "ob_none"), ("history", "--cursor", "none"), ("revoke", "al_none")]
)
def test_an_unknown_id_ends_with_8(ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]) -> None:
    done = ringback(*arguments)
    assert (done.code, done.json["error"]["code"]) == (8, "not_found")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"RINGBACK_CARRIER": "pigeon"}, "configuration"),
        ({"RINGBACK_KEY": "short"}, "configuration"),
        ({"RINGBACK_APPROVAL": "nobody"}, "configuration"),
        ({"RINGBACK_KEY": "ab" * 32}, "ledger"),
    ],
    ids=["no such carrier", "a bad key", "no such level", "another key"],
)
def test_trouble_with_settings_or_ledger_ends_with_7(
    ringback: Installation, handset: Sandbox, settings: dict[str, str], told: str
) -> None:
    assert ringback("history").code == 0
    ringback.settings = settings
    done = ringback("sms", "--to", TO, "--body", BODY)
    assert (done.code, done.json["error"]["code"]) == (7, told)
    assert done.json["error"]["next"]


def test_a_carrier_that_does_not_know_the_key_ends_with_5(ringback: Installation, handset: Sandbox) -> None:
    ringback.settings = {"SAAS_API_URL": handset.url, "SAAS_API_KEY": "another"}
    done = ringback("check")
    assert (done.code, done.json["error"]["code"]) == (5, "carrier_authentication")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("dance",),
        ("sms", "--to", TO),
        ("sms", "--to", TO, "--body", "two", "words"),
        ("sms", "--to", TO, "--bdoy", "x"),
        ("status", "ob_x", "--wait", "soon"),
        ("status", "ob_x", "--wait", "601"),
        ("history", "--limit", "0"),
        ("sms", "--to", TO, "--body", " "),
        ("mms", "--to", TO, "--body", BODY, "--media-url", "http://example.com/x"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_so_in_json(ringback: Installation, arguments: tuple[str, ...]) -> None:
    done = ringback(*arguments)
    assert (done.code, done.err) == (2, "")
    assert done.json["error"]["code"] == "invalid_request"
    assert done.json["error"]["next"]


def test_a_text_comes_from_standard_input_and_a_number_from_a_file(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    allow(ringback, TO)
    (tmp_path / "to.txt").write_text(f"{TO}\n")
    text = "Two lines,\nwith “quotes” and 🙂"
    done = ringback("sms", "--to", f"@{tmp_path / 'to.txt'}", "--body", "-", stdin=f"{text}\n")
    assert done.code == 0
    assert [message["body"] for message in handset.messages()] == [text]


def test_a_doubled_at_sign_is_a_plain_one(ringback: Installation, handset: Sandbox) -> None:
    allow(ringback, TO)
    assert ringback("sms", "--to", TO, "--body", "@@home at eight").code == 0
    assert [message["body"] for message in handset.messages()] == ["@home at eight"]


@pytest.mark.parametrize(
    ("to", "body", "stdin"),
    [
        ("-", "-", b"+12025550123"),
        ("@/nowhere/to.txt", BODY, b""),
        ("@", BODY, b""),
        (TO, "-", b"\xff\xfe not UTF-8"),
        (TO, "-", b"x" * 70_000),
        (TO, "-", b""),
        (TO, "@/dev/zero", b""),
    ],
    ids=["both from standard input", "no file", "no name", "not UTF-8", "too long", "empty", "endless"],
)
def test_what_cannot_be_read_from_a_file_or_standard_input_ends_with_2(
    ringback: Installation, handset: Sandbox, to: str, body: str, stdin: bytes
) -> None:
    done = ringback("sms", "--to", to, "--body", body, stdin=stdin)
    assert (done.code, done.json["error"]["code"]) == (2, "invalid_request")
    assert ringback("history").json["items"] == []


@pytest.mark.parametrize("arguments", [("approve",), ("approve", "--list"), ("allow", TO), ("allow",), ("allowed",)])
def test_without_a_terminal_nobody_is_asked_and_a_piped_yes_is_refused(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]
) -> None:
    outbound_id = ringback("sms", "--to", TO, "--body", BODY).json["id"]
    done = ringback(*arguments, stdin=f"once\n{TO[-4:]}\n{TO}\n")
    assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")
    assert TO not in done.out + done.err
    assert ringback("status", outbound_id).json["status"] == "awaiting_approval"
    assert ringback.ask(lambda opened: opened.person.allowances()) == []
    assert handset.messages() == []


def test_the_help_tells_every_exit_code_and_how_to_keep_a_number_out_of_the_history(ringback: Installation) -> None:
    done = ringback("--help")
    assert done.code == 0
    assert all(f"\n  {code}  " in done.out for code in range(10))
    assert "@FILE" in done.out
    assert "standard input" in done.out


def test_a_reader_that_left_makes_no_noise(ringback: Installation, handset: Sandbox) -> None:
    process = ringback.start("history", stdin=-1, stdout=-1, stderr=-1)
    assert process.stdin
    assert process.stdout
    assert process.stderr
    process.stdin.close()
    process.stdout.close()
    assert process.wait(timeout=30) == 0
    assert process.stderr.read() == b""
    process.stderr.close()


def test_json_is_one_line_that_a_script_can_read(ringback: Installation, handset: Sandbox) -> None:
    out = ringback("check", "--json").out
    assert out.endswith("\n")
    assert out.count("\n") == 1
    json.loads(out)
