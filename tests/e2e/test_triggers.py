"""Triggers by the real command: applied in a terminal, posted to a real `ringback serve`, seen on a real sandbox."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from tests.e2e.serving import LIMIT_S, Serving

from ringback.ledger.records import Level
from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Sandbox
    from tests.e2e.conftest import Installation, Terminal

    OpenTerminal = Callable[..., Terminal]

TO = "+12025550123"
BODY = {"phone": TO, "date": "3 March", "time": "09:30"}
TOML = """
[reminder]
channel = "sms"
template = "Your appointment is on {{date}} at {{time}}."
countries = ["US", "DE"]
hours = "{hours}"
limit_per_day = {limit}
callers = ["crm"]
"""


def write(folder: Path, *, hours: str = "00:00-24:00", limit: int = 200) -> Path:
    file = folder / "triggers.toml"
    file.write_text(TOML.format(hours=hours, limit=limit))
    return file


def stand(ringback: Installation, folder: Path, **changes: Any) -> str:
    """Apply the trigger as the command does, and make the caller's secret."""

    async def work(opened: Any) -> str:
        definitions = opened.person.triggers
        for definition in definitions.read(write(folder, **changes).read_text()):
            await definitions.apply(definition, level=Level.A2, via="terminal")
        return await definitions.make_secret("reminder", "crm")

    return ringback.ask(work)


@pytest.fixture
def serving(ringback: Installation, handset: Sandbox) -> Iterator[Serving]:
    one = Serving(ringback)
    yield one
    one.close()


def post(serving: Serving, secret: str, body: Any, key: str | None = None, name: str = "reminder") -> httpx2.Response:
    """Over a connection of its own, as programs come."""
    headers = {"Authorization": f"Bearer {secret}"} | ({} if key is None else {"Idempotency-Key": key})
    given = {"content": body} if isinstance(body, bytes) else {"json": body}
    url = f"{serving.url}/triggers/{name}"
    return httpx2.post(url, headers=headers, trust_env=False, timeout=LIMIT_S, **given)


def rule(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_applied_in_a_terminal_it_is_shown_whole_and_its_secret_once(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    person = terminal("triggers", "apply", str(write(tmp_path)))
    shown = person.until("Type reminder to apply it")
    for told in ("Your appointment is on {date} at {time}.", "US, DE", "00:00-24:00", "200 a day", "crm", "sandbox"):
        assert told in shown
    person.type("reminder\n")
    assert person.finish() == 0
    person = terminal("triggers", "secret", "reminder", "crm")
    assert person.finish() == 0
    (secret,) = re.findall(r"rbt_[\w-]{43}", person.shown)
    listed = ringback("triggers")
    assert [(item["name"], item["with_secret"], item["level"]) for item in listed.json["items"]] == [
        ("reminder", ["crm"], "A2")
    ]
    assert secret not in listed.out
    serving = Serving(ringback)
    try:
        assert post(serving, secret, BODY).status_code == 202
    finally:
        serving.close()


def test_any_other_word_than_its_name_applies_nothing(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    for typed in ("yes\n", "\n", "\x04"):
        person = terminal("triggers", "apply", str(write(tmp_path)))
        person.until("leave it: ")
        person.type(typed)
        assert person.finish() == 9
    assert ringback("triggers").json == {"items": []}


def test_without_a_terminal_nothing_is_applied_and_no_secret_is_made(
    ringback: Installation, handset: Sandbox, tmp_path: Path
) -> None:
    stand(ringback, tmp_path)
    for command in (["apply", str(write(tmp_path, limit=999))], ["secret", "reminder", "crm"]):
        done = ringback("triggers", *command, stdin="reminder\n")
        assert (done.code, done.json["error"]["code"]) == (3, "no_terminal")
    assert ringback("triggers").json["items"][0]["limit_per_day"] == 200


def test_where_the_pages_level_is_needed_the_passphrase_is_asked_for(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    ringback.settings = {"RINGBACK_APPROVAL": "page"}
    ringback.home.mkdir(exist_ok=True)
    set_passphrase(ringback.home, "seven blue kettles")
    for typed, code in (("wrong words here\n", 3), ("seven blue kettles\n", 0)):
        person = terminal("triggers", "apply", str(write(tmp_path)))
        person.until("leave it: ")
        person.type("reminder\n")
        person.until("passphrase: ")
        person.type(typed)
        assert person.finish() == code
    assert len(ringback("triggers").json["items"]) == 1


def test_with_the_passkeys_level_a_terminal_applies_nothing(
    ringback: Installation, handset: Sandbox, terminal: OpenTerminal, tmp_path: Path
) -> None:
    ringback.settings = {"RINGBACK_APPROVAL": "passkey"}
    person = terminal("triggers", "apply", str(write(tmp_path)))
    assert person.finish() == 3
    assert "(approval_level)" in person.shown


def test_editing_the_file_alone_changes_nothing(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path, limit=1)
    write(tmp_path, limit=9)
    assert post(serving, secret, BODY, "1").status_code == 202
    assert rule(post(serving, secret, BODY, "2")) == (429, "trigger_limit")


def test_posted_fifty_times_in_parallel_with_one_key_it_sends_once(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path)
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: post(serving, secret, BODY, "appointment-42"), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [message["body"] for message in handset.messages()] == ["Your appointment is on 3 March at 09:30."]


def test_posted_fifty_times_in_parallel_without_a_key_it_sends_once(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path)
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda _: post(serving, secret, BODY), range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [202]
    assert len(handset.messages()) == 1


def test_fifty_at_once_above_the_limit_send_as_many_as_it_allows(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path, limit=7)
    with ThreadPoolExecutor(50) as crowd:
        answers = list(crowd.map(lambda number: post(serving, secret, {**BODY, "time": number}), range(50)))
    assert sorted(answer.status_code for answer in answers) == [202] * 7 + [429] * 43
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert rule(refused) == (429, "trigger_limit")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400
    assert len(handset.messages()) == 7


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({**BODY, "phone": "202-555-0123"}, "invalid_number"),
        ({**BODY, "phone": 12025550123}, "invalid_request"),
        ({**BODY, "phone": "+1202555012345678"}, "invalid_number"),
        ({"phone": TO, "date": "3 March"}, "invalid_request"),
        ({**BODY, "place": "here"}, "invalid_request"),
        ({**BODY, "time": None}, "invalid_request"),
        ({**BODY, "time": "9\nand more"}, "invalid_request"),
        ({**BODY, "time": "https://example.com/"}, "invalid_request"),
        ({**BODY, "send_at": "tomorrow"}, "invalid_request"),
        ({**BODY, "key": 7}, "invalid_request"),
        ({**BODY, "key": ""}, "invalid_request"),
        ([BODY], "invalid_request"),
        (b"not json", "invalid_request"),
        (b"[" * 9000, "invalid_request"),
        (b'{"phone": "+12025550123", "phone": "+12025550124", "date": "a", "time": "b"}', "invalid_request"),
        (b'{"phone": "+12025550123", "date": NaN, "time": "b"}', "invalid_request"),
        (b"\xff\xfe", "invalid_request"),
    ],
)
def test_a_wrong_number_or_wrong_variables_send_nothing_and_say_why(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path, body: Any, code: str
) -> None:
    answer = post(serving, stand(ringback, tmp_path), body)
    assert rule(answer) == (422, code)
    assert not re.search(r"\d{7}", answer.text), "an answer holds no number"
    assert handset.messages() == []
    assert ringback("history").json["items"] == []


def test_wrong_secret_unknown_trigger_and_used_key_are_told_apart(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path)
    for wrong in ("x", secret[:-1], f"{secret}x", "x" * 4000):
        answer = post(serving, wrong, b"not even json")
        assert rule(answer) == (401, "wrong_secret")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert rule(post(serving, secret, BODY, name="other")) == (404, "not_found")
    assert handset.messages() == []
    assert post(serving, secret, BODY, "k").status_code == 202
    assert rule(post(serving, secret, {**BODY, "time": "10:30"}, "k")) == (409, "idempotency_conflict")
    assert rule(post(serving, secret, {**BODY, "key": "k2"}, "k")) == (422, "invalid_request")
    assert post(serving, secret, b" " * 20_000).status_code == 413
    assert serving.client.get("/triggers/reminder").status_code == 405
    assert len(handset.messages()) == 1


def test_outside_its_hours_country_or_carrier_it_sends_nothing_and_says_when_it_may(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    begins = (ringback.ask(now_in_washington) + 2) % 24
    secret = stand(ringback, tmp_path, hours=f"{begins:02}:00-{begins:02}:30")
    answer = post(serving, secret, BODY)
    assert rule(answer) == (403, "trigger_hours")
    told = answer.json()["error"]
    assert told["rule"] == "trigger_hours"
    assert handset.messages() == []
    scheduled = post(serving, secret, {**BODY, "send_at": told["retry_at"]})
    assert (scheduled.status_code, scheduled.json()["status"]) == (202, "scheduled")
    assert rule(post(serving, secret, {**BODY, "phone": "+442079460123"})) == (403, "trigger_country")
    assert rule(post(serving, secret, {**BODY, "phone": "+19005550123"})) == (403, "destination_premium")
    assert handset.messages() == []


async def now_in_washington(opened: Any) -> int:
    from zoneinfo import ZoneInfo

    return opened.clock.now().astimezone(ZoneInfo("America/New_York")).hour


def test_a_removed_trigger_opens_nothing(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path)
    assert ringback("triggers", "remove", "reminder").code == 0
    assert ringback("triggers", "remove", "reminder").code == 8
    assert rule(post(serving, secret, BODY)) == (404, "not_found")
    stand(ringback, tmp_path)
    assert rule(post(serving, secret, BODY)) == (401, "wrong_secret")
    assert handset.messages() == []


def test_neither_the_log_nor_the_files_hold_number_text_or_secret(
    ringback: Installation, handset: Sandbox, serving: Serving, tmp_path: Path
) -> None:
    secret = stand(ringback, tmp_path)
    post(serving, secret, BODY)
    post(serving, secret, {**BODY, "phone": f"{TO}99999"})
    serving.end()
    files = b"".join(path.read_bytes() for path in ringback.home.glob("ledger.db*"))
    for word in (TO, TO[1:], "3 March", "Your appointment", secret):
        assert word not in serving.words
        assert word.encode() not in files
