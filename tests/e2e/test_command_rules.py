"""The rules of the road by command: opt-outs, zones, limits, lists, previews; and who needs a terminal for what."""

from __future__ import annotations

import json
import os
import re
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
OTHERS = [f"+1202555013{digit}" for digit in range(8)]
BODY = "The quick brown fox is ten minutes late"
DIGITS = "last 4 digits of the number: "
COUNTED = {"RINGBACK_SANDBOX_RULES": "true", "RINGBACK_HOURS": "off", "RINGBACK_COUNTRIES": "all"}


def flat(shown: str) -> str:
    """What a terminal shows, without colours and line ends."""
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[\d*m", "", shown))


def bodies(handset: Sandbox) -> list[tuple[str, str]]:
    return sorted((message["to"], message["body"]) for message in handset.messages())


def confirmed(person: Terminal, digits: str = TO[-4:]) -> int:
    person.until(DIGITS)
    person.type(f"{digits}\n")
    return person.finish()


def refusal(ringback: Installation, to: str = TO, body: str = BODY) -> str | None:
    """The code with which a text to somebody is refused."""
    error: dict[str, str] = ringback("sms", "--to", to, "--body", body).json.get("error", {})
    return error.get("code")


def say(ringback: Installation, handset: Sandbox, text: str) -> None:
    """Let the person at the handset write, and have it fetched."""
    handset.post("/sandbox/replies", {"from": TO, "body": text})

    async def collect(opened: Ringback) -> None:
        await opened.telephone.check()
        await opened.telephone.tend()

    ringback.ask(collect)


@pytest.mark.parametrize("way", ["argument", "file", "standard input"])
def test_an_opt_out_is_noted_without_a_terminal_and_ends_what_waits(
    ringback: Installation, handset: Sandbox, tmp_path: Path, way: str
) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    waiting = [
        ringback("sms", "--to", TO, "--body", BODY).json["id"],
        ringback("call", "--to", TO, "--prompt", BODY, "--at", later).json["id"],
    ]
    (tmp_path / "to.txt").write_text(f"{TO}\n")
    given = {"argument": TO, "file": f"@{tmp_path / 'to.txt'}", "standard input": "-"}[way]
    done = ringback("optout", "add", given, stdin=f"{TO}\n")
    assert (done.code, done.json) == (0, {"opted_out": True, "new": True, "cancelled": 2, "on_their_way": 0})
    assert [ringback("status", one).json["reason"] for one in waiting] == ["opted_out"] * 2
    assert refusal(ringback) == "opted_out"
    assert ringback("call", "--to", TO, "--prompt", BODY).json["error"]["code"] == "opted_out"
    again = ringback("optout", "add", TO).json
    assert (again["new"], again["cancelled"]) == (False, 0)
    assert bodies(handset) == []


def test_an_opt_out_needs_a_number_that_can_be_read(ringback: Installation) -> None:
    assert ringback("optout", "add").code == 2
    assert ringback("optout", "add", "202 555 0123").json["error"]["code"] == "invalid_number"
    assert ringback("optout").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("optout", "lift", TO),
        ("optout", "list"),
        ("optout", "export"),
        ("optout", "export", "FILE"),
        ("zones", "set", TO, "Europe/Berlin"),
        ("zones", "clear", TO),
        ("zones", "list"),
    ],
    ids=" ".join,
)
def test_what_shows_numbers_or_loosens_a_rule_needs_a_terminal(
    ringback: Installation, handset: Sandbox, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    ringback("optout", "add", TO)
    file = tmp_path / "list.csv"
    done = ringback(*(str(file) if word == "FILE" else word for word in arguments), stdin=f"{TO}\n0123\nlift\n")
    assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")
    assert TO not in done.out + done.err
    assert not file.exists()
    assert refusal(ringback) == "opted_out"
    assert ringback.ask(lambda opened: opened.person.overview.zones()) == []


def test_a_person_sees_who_opted_out_and_lifts_it(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("optout", "add", TO)
    listed = terminal("optout", "list")
    assert listed.finish() == 0
    assert f"{FORMATTED} (US) noted by this command" in flat(listed.shown)
    person = terminal("optout", "lift", TO)
    shown = flat(person.until(DIGITS))
    assert FORMATTED in shown
    assert "the agent may write to" in shown
    assert "THEMSELVES" not in shown
    person.type("0123\n")
    assert person.finish() == 0
    assert refusal(ringback) is None
    listed = terminal("optout", "list")
    listed.finish()
    assert "Nobody has opted out." in listed.shown
    person = terminal("optout", "lift", TO)
    assert confirmed(person) == 0
    assert "They had not opted out." in person.shown


def test_a_stop_from_the_handset_is_told_and_lifting_it_is_asked_twice(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("check")
    say(ringback, handset, "STOP")
    assert refusal(ringback) == "opted_out"
    listed = terminal("optout", "list")
    listed.finish()
    assert "by their own text" in listed.shown
    for word, code in (("yes", 3), ("lift", 0)):
        assert refusal(ringback) == "opted_out"
        person = terminal("optout", "lift", TO)
        assert "THEMSELVES" in flat(person.until(DIGITS))
        person.type("0123\n")
        person.until("Type lift if they asked for it")
        person.type(f"{word}\n")
        assert person.finish() == code
    assert refusal(ringback) is None


def test_a_start_from_the_handset_undoes_its_own_stop_and_nothing_that_a_person_noted(
    ringback: Installation, handset: Sandbox
) -> None:
    ringback("check")
    say(ringback, handset, "STOP")
    say(ringback, handset, "START")
    assert refusal(ringback) is None
    ringback("optout", "add", TO)
    say(ringback, handset, "START")
    assert refusal(ringback, body="another") == "opted_out"


@pytest.mark.parametrize("typed", ["9999\n", "\x04"], ids=["wrong digits", "ctrl-d"])
def test_without_the_right_digits_nothing_is_lifted_and_no_zone_is_set(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, typed: str
) -> None:
    ringback("optout", "add", TO)
    for arguments in (("optout", "lift", TO), ("zones", "set", TO, "Europe/Berlin"), ("zones", "clear", TO)):
        person = terminal(*arguments)
        person.until(DIGITS)
        person.type(typed)
        assert person.finish() == 3
        assert "digits_did_not_match" in person.shown
    assert refusal(ringback) == "opted_out"
    assert ringback.ask(lambda opened: opened.person.overview.zones()) == []


def test_a_list_is_taken_in_and_told_in_counts(ringback: Installation, handset: Sandbox, tmp_path: Path) -> None:
    ringback("optout", "add", OTHERS[0])
    rows = ["name,phone", *(f"x,{number}" for number in OTHERS[:3]), f"y,{OTHERS[2]}"]
    file = tmp_path / "stopped.csv"
    file.write_text("\r\n".join(rows), encoding="utf-8-sig")
    done = ringback("optout", "import", str(file))
    assert (done.code, done.json) == (0, {"new": 2, "known": 1, "lines": 4})
    assert [refusal(ringback, number) for number in OTHERS[:3]] == ["opted_out"] * 3
    assert ringback("optout", "import", "-", stdin=OTHERS[3]).json == {"new": 1, "known": 0, "lines": 1}


def test_a_list_with_wrong_lines_stores_nothing_names_them_and_repeats_none(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    done = ringback("optout", "import", "-", stdin=f"{TO}\n2025550188\n{OTHERS[0]}\n+1202555\n")
    assert (done.code, done.json["error"]["code"]) == (2, "invalid_request")
    assert "2, 4" in done.json["error"]["message"]
    assert not re.search(r"\d{6}", done.out + done.err)
    assert refusal(ringback) is None
    for unreadable in (b"\xff\xfe+\x001\x00", b"", b"\n\n"):
        assert ringback("optout", "import", "-", stdin=unreadable).code == 2
    assert ringback("optout", "import", str(tmp_path / "missing")).code == 2
    assert ringback("optout", "import", str(tmp_path)).code == 2


def test_a_list_goes_out_into_a_file_for_the_person_alone_and_comes_in_again(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    for number in OTHERS[:2]:
        ringback("optout", "add", number)
    file = tmp_path / "stopped.csv"
    old = os.umask(0)
    try:
        person = terminal("optout", "export", str(file))
        assert person.finish() == 0
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = file.read_text().splitlines()
    assert lines[0] == "phone,via,since"
    assert [line.split(",")[0] for line in lines[1:]] == OTHERS[:2]
    assert not set(OTHERS) & set(re.findall(r"\+\d+", person.shown))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".optouts")] == []
    assert ringback("optout", "import", str(file)).json == {"new": 0, "known": 2, "lines": 2}
    screen = terminal("optout", "export")
    assert screen.finish() == 0
    assert all(number in screen.shown for number in OTHERS[:2])


def test_a_file_is_replaced_only_after_the_word_and_nothing_but_a_file_ever(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    ringback("optout", "add", TO)
    file, link = tmp_path / "mine.txt", tmp_path / "link"
    file.write_text("precious")
    file.chmod(0o644)
    link.symlink_to(file)
    for typed, code, kept in (("yes\n", 3, True), ("\x04", 3, True), ("replace\n", 0, False)):
        person = terminal("optout", "export", str(file))
        person.until("Type replace to replace it: ")
        person.type(typed)
        assert person.finish() == code
        assert (file.read_text() == "precious") is kept
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    ringback("optout", "add", OTHERS[0])
    for odd in (link, tmp_path, tmp_path / "no" / "folder.csv"):
        assert terminal("optout", "export", str(odd)).finish() == 2
    assert link.is_symlink()
    assert file.read_bytes() == before


def test_where_the_page_counts_the_passphrase_is_asked_for(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("optout", "add", TO)
    set_passphrase(ringback.home, "seven blue kettles")
    ringback.settings = {"RINGBACK_APPROVAL": "page"}
    for arguments in (("optout", "list"), ("optout", "export"), ("zones", "list"), ("optout", "lift", TO)):
        for words, code in (("wrong words here", 3), ("seven blue kettles", 0)):
            person = terminal(*arguments)
            if "lift" in arguments:
                person.until(DIGITS)
                person.type("0123\n")
            assert FORMATTED not in person.until("passphrase: ") or "lift" in arguments
            person.type(f"{words}\n")
            assert person.finish() == code
            assert (TO in person.shown) is (code == 0 and arguments == ("optout", "export"))
    assert refusal(ringback) is None


def test_a_named_zone_counts_until_it_is_cleared(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    def there() -> str:
        told: str = ringback("sms", "--to", TO, "--body", BODY, "--dry-run").json["local_time"]
        return told

    assert "America/New_York" in there()
    person = terminal("zones", "set", TO, "Mars/Olympus")
    assert person.finish() == 2
    assert "no time zone" in person.shown
    person = terminal("zones", "set", TO, "Asia/Kathmandu")
    assert "Asia/Kathmandu" in flat(person.until(DIGITS))
    person.type("0123\n")
    assert person.finish() == 0
    assert "Asia/Kathmandu" in there()
    listed = terminal("zones", "list")
    assert listed.finish() == 0
    assert f"{FORMATTED} Asia/Kathmandu" in flat(listed.shown)
    assert confirmed(terminal("zones", "clear", TO)) == 0
    assert "America/New_York" in there()
    person = terminal("zones", "clear", TO)
    assert confirmed(person) == 0
    assert "No zone was named." in person.shown


def allow(ringback: Installation, *numbers: str) -> None:
    from ringback.ledger.records import Level
    from ringback.model.outbound import Channel

    async def allow_all(opened: Ringback) -> None:
        for number in numbers:
            await opened.person.allow(
                number, Channel.SMS, level=Level.A2, via="terminal", seconds=900, count=9, plain=True
            )

    ringback.ask(allow_all)


def test_limits_are_told_with_how_far_they_are_used_and_without_numbers(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback.settings = COUNTED | {
        "RINGBACK_LIMITS": "recipient=9/hour, sms=4/hour, all=100/day",
        "RINGBACK_BUDGET": "5 USD/day",
    }
    allow(ringback, TO)
    for text in ("one", "two", "three"):
        assert ringback("sms", "--to", TO, "--body", text).code == 0
    told = ringback("limits").json
    assert told["counts"] is True
    assert told["limits"] == [
        {"scope": "sms", "most": 4, "period": "hour", "used": 3, "left": 1},
        {"scope": "all", "most": 100, "period": "day", "used": 3, "left": 97},
        {"scope": "recipient", "most": 9, "period": "hour"},
    ]
    assert told["budgets"] == [{"most": "5.00 USD", "period": "day", "used": "0.00 USD", "left": "5.00 USD"}]
    (day,) = told["days"]
    assert (day["channel"], day["count"], day["cost"], day["without_price"]) == ("sms", 3, "0.00 USD", 0)
    person = terminal("limits", columns=200)
    assert person.finish() == 0
    shown = flat(person.shown)
    assert "at most 4 by sms in any hour [###############-----] 3 used, 1 left" in shown
    assert "at most 100 in all in any day [#-------------------] 3 used, 97 left" in shown
    assert "at most 9 to one person in any hour counted for each person" in shown
    assert "This is an AI assistant" in shown
    assert not re.search(r"\d{4}-\d{4}|555", shown)
    assert "NOT count here" not in shown
    assert ringback("check").json["limits"][0] == {"for": "sms", "per": "hour", "limit": 4, "left": 1}
    checked = terminal("check", columns=200)
    checked.finish()
    assert "sms, in any hour 1 of 4" in flat(checked.shown)


def test_on_the_sandbox_limits_say_that_they_do_not_count(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback.settings = {"RINGBACK_LIMITS": "off", "RINGBACK_BULK": "off", "RINGBACK_HOURS": "off"}
    told = ringback("limits").json
    assert (told["counts"], told["hours"], told["bulk"], told["limits"]) == (False, None, None, [])
    person = terminal("limits", columns=200)
    assert person.finish() == 0
    shown = flat(person.shown)
    assert "do NOT count here" in shown
    assert "Opt-outs and takeovers always count." in shown
    assert "none: any amount may go out" in shown


@pytest.fixture
def listed(ringback: Installation, handset: Sandbox) -> list[str]:
    """Three that wait alone, and two of a list: the fourth and fifth with the same words, one in another dress."""
    ringback.settings = COUNTED | {"RINGBACK_BULK": "3/hour", "RINGBACK_LIMITS": "off"}
    texts = [BODY, BODY, BODY, BODY, f"{BODY.upper()}!"]
    return [ringback("sms", "--to", to, "--body", text).json["id"] for to, text in zip(OTHERS, texts, strict=False)]


def statuses(ringback: Installation, ids: list[str]) -> list[str]:
    found = {item["id"]: item["status"] for item in ringback("history").json["items"]}
    return [found[each] for each in ids]


def test_a_list_is_shown_whole_and_one_yes_with_its_count_sends_it(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, listed: list[str]
) -> None:
    person = terminal("approve", columns=160)
    for place in range(3):
        assert "LIST" not in person.until("Your answer: "), place
        person.type("skip\n")
    shown = flat(person.until("Your answer: "))
    assert "4 of 4: may this go out to ALL of these?" in shown
    assert "A LIST of 2, to 2 people" in shown
    assert "2 segments in all" in shown
    assert f"1. +1 202-555-0133 United States, mobile or fixed line {listed[3]}" in shown
    assert f"2. +1 202-555-0134 United States, mobile or fixed line {listed[4]}" in shown
    assert f"| {BODY} " in shown
    assert f"| {BODY.upper()}!" in shown
    for typed in ("once\n", "day\n", "yes\n"):
        person.type(typed)
        person.until("Your answer: ")
    person.type("all\n")
    person.until("how many are on this list: ")
    assert bodies(handset) == []
    person.type("2\n")
    assert person.finish() == 0
    assert bodies(handset) == [(OTHERS[3], BODY), (OTHERS[4], f"{BODY.upper()}!")]
    assert statuses(ringback, listed[:3]) == ["awaiting_approval"] * 3


def test_another_count_is_no_yes(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, listed: list[str]
) -> None:
    person = terminal("approve", listed[4])
    person.until("Your answer: ")
    person.type("all\n")
    person.until("how many are on this list: ")
    person.type("5\n")
    assert person.finish() == 9
    assert statuses(ringback, listed[3:]) == ["cancelled"] * 2
    assert bodies(handset) == []


@pytest.mark.parametrize(
    ("typed", "status"), [("no\n", "declined"), ("skip\n", "awaiting_approval"), ("\x04", "awaiting_approval")]
)
def test_a_list_by_one_of_its_ids_is_answered_for_all(
    ringback: Installation,
    handset: Sandbox,
    terminal: OpenTerminal,
    listed: list[str],
    typed: str,
    status: str,
) -> None:
    person = terminal("approve", listed[3], columns=160)
    assert "A LIST of 2" in person.until("Your answer: ")
    person.type(typed)
    assert person.finish() == 0
    assert statuses(ringback, listed) == ["awaiting_approval"] * 3 + [status] * 2
    assert bodies(handset) == []


def test_what_came_after_a_list_was_shown_is_not_sent_by_its_yes(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, listed: list[str]
) -> None:
    person = terminal("approve", listed[3])
    person.until("Your answer: ")
    late = ringback("sms", "--to", OTHERS[6], "--body", BODY).json["id"]
    assert ringback("cancel", listed[4]).code == 0
    person.type("all\n")
    person.until("how many are on this list: ")
    person.type("2\n")
    assert person.finish() == 9  # one of them was cancelled meanwhile
    assert bodies(handset) == [(OTHERS[3], BODY)]
    assert statuses(ringback, [late]) == ["awaiting_approval"]


def test_a_list_is_told_of_each_of_its_outbounds_and_by_the_list_option(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, listed: list[str]
) -> None:
    assert [ringback("status", each).json.get("bulk", False) for each in listed] == [False] * 3 + [True] * 2
    person = terminal("status", listed[4], columns=200)
    assert person.finish() == 4
    assert "one of a list with the same words" in person.shown
    history = terminal("history", columns=200)
    history.finish()
    assert history.shown.count("one of a list with the same words") == 2
    shown = terminal("approve", "--list", columns=160)
    assert shown.finish() == 0
    assert flat(shown.shown).count("A LIST of 2, to 2 people") == 1
    document = terminal("approve", "--list", "--json", columns=160)
    document.finish()
    waiting = json.loads(document.shown)["waiting"]
    assert [entry.get("bulk", False) for entry in waiting] == [False] * 3 + [True] * 2


def test_a_list_that_costs_money_tells_the_sum_and_what_was_spent_is_told(
    ringback: Installation, sandbox: Sandbox, terminal: OpenTerminal
) -> None:
    ringback.settings = COUNTED | {
        "RINGBACK_CARRIER": "twilio",
        "RINGBACK_BULK": "1/hour",
        "RINGBACK_BUDGET": "1 USD/day",
        "TWILIO_API_URL": sandbox.url,
        "TWILIO_ACCOUNT_SID": "AC0123456789abcdef0123456789abcdef",
        "TWILIO_AUTH_TOKEN": sandbox.api_key,
        "TWILIO_FROM_NUMBER": sandbox.get("/sandbox/state")["line"],
    }
    ringback.home.mkdir(mode=0o700)
    (ringback.home / "prices.toml").write_text(
        'currency = "USD"\n[[price]]\ncarrier = "twilio"\nchannel = "sms"\ncountry = "US"\nunit = "segment"\n'
        'price = "0.25"\nsource = "a contract"\nchecked = 2026-11-22\n'
    )
    numbers = ["+14155550132", "+12125550199", "+12125550123", "+33612345678", "+4930901820"]
    ids = [ringback("sms", "--to", to, "--body", BODY).json["id"] for to in numbers]
    person = terminal("approve", ids[3], columns=200)
    shown = flat(person.until("Your answer: "))
    assert "A LIST of 4, to 4 people" in shown
    assert "REAL PHONES RING" in shown
    assert "2 x about 0.25 USD: 1 segment at 0.25" in shown
    assert re.search(r"Cost about 0\.\d+ USD in all", shown)
    person.type("no\n")
    assert person.finish() == 0
    assert sandbox.messages() == []
    person = terminal("approve", ids[0])
    person.until("Your answer: ")
    person.type("once\n")
    assert confirmed(person, "0132") == 0
    spent = terminal("limits", columns=200)
    assert spent.finish() == 0
    shown = flat(spent.shown)
    assert "at most 1.00 USD in any day [#####---------------] 0.25 USD used, 0.75 USD left" in shown
    assert "sms 1 0.25 USD" in shown
    assert "NOT count here" not in shown


def test_under_a_passkey_a_terminal_can_only_say_no_to_a_list(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, listed: list[str]
) -> None:
    ringback.settings = ringback.settings | {"RINGBACK_APPROVAL": "passkey"}
    person = terminal("approve", listed[3])
    person.until("Your answer: ")
    person.type("all\n")
    assert "approval_level" in person.until("Your answer: ")
    person.type("no\n")
    assert person.finish() == 0
    assert statuses(ringback, listed[3:]) == ["declined"] * 2
    assert bodies(handset) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("sms", "--to", TO, "--body", BODY),
        ("mms", "--to", TO, "--body", BODY, "--media-url", "https://pictures.example/a.png"),
        ("call", "--to", TO, "--prompt", BODY),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_dry_run_tells_and_stores_nothing(
    ringback: Installation, handset: Sandbox, arguments: tuple[str, ...]
) -> None:
    done = ringback(*arguments, "--dry-run")
    told: dict[str, Any] = done.json
    assert (done.code, told["status"], told["would"]) == (0, "preview", "ask")
    assert TO not in done.out
    allow(ringback, TO)
    assert ringback("sms", "--to", TO, "--body", BODY, "--dry-run").json["would"] == "go"
    assert ringback("history").json["items"] == []
    assert bodies(handset) == []
    ringback("optout", "add", TO)
    done = ringback(*arguments, "--dry-run")
    assert (done.code, done.json["would"]) == (3, "be refused")
    assert [rule["code"] for rule in done.json["rules"] if rule["result"] == "refuses"] == ["opted_out"]


def test_a_dry_run_in_a_terminal_is_a_table_and_harmless(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    person = terminal("sms", "--to", TO, "--body", "It\u2019s\x1b[2J late\u202e", "--dry-run", columns=120)
    assert person.finish() == 0
    shown = flat(person.shown)
    for part in (
        "Nothing was stored or sent.",
        "it would be asked: it goes after a person's yes",
        "+1 ••• ••• 0123 (United States, mobile or fixed line)",
        "1 segment, UCS-2",
        "RIGHT SINGLE QUOTATION MARK, U+2019",
        "nothing leaves this machine",
        "quiet hours passes",
        "approval asks",
        "without --dry-run",
    ):
        assert part in shown, part
    assert not set(re.sub(r"\x1b\[\d*m", "", person.shown)) & set("\x1b\u202e")
    ringback("optout", "add", TO)
    refused = terminal("call", "--to", TO, "--prompt", BODY, "--dry-run", columns=120)
    assert refused.finish() == 3
    shown = flat(refused.shown)
    assert "opt out refuses (opted_out)" in shown
    assert "The voice would say:" in shown
    assert "artificial voice" in shown


def test_a_dry_run_of_what_cannot_be_read_fails_like_the_send(ringback: Installation, handset: Sandbox) -> None:
    assert ringback("sms", "--to", "12025550123", "--body", BODY, "--dry-run").code == 2
    assert ringback("sms", "--to", TO, "--dry-run").code == 2


def test_no_number_stays_outside_the_ledgers_seal(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal
) -> None:
    ringback("optout", "add", TO)
    ringback("optout", "import", "-", stdin="\n".join(OTHERS))
    assert confirmed(terminal("zones", "set", TO, "Asia/Kathmandu")) == 0
    ringback("sms", "--to", TO, "--body", BODY, "--dry-run")
    files = [path for path in ringback.home.rglob("*") if path.is_file() and "sandbox" not in path.parts]
    assert files
    for path in files:
        content = path.read_bytes()
        for number in (TO, *OTHERS):
            assert number.encode() not in content, path.name
            assert number.lstrip("+").encode() not in content, path.name
        assert b"Kathmandu" not in content
