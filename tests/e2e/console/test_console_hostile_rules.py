"""The rules' own acts by requests that no person's browser sends: each is refused, and nothing changes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.attempts import (
    Attempt,
    Known,
    approval,
    at,
    both,
    by,
    encoded,
    reading,
    sign_in,
    with_body,
    with_field,
    with_header,
)
from tests.e2e.console.conftest import PASSPHRASE
from tests.e2e.console.many import RULES, ask_many, form_of

from ringback.model.numbers import parse_number
from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.console.conftest import Console, Installation

    from ringback.opening import Ringback

OUT, OWN, NAMED = "+12125550190", "+12125550191", "+12125550192"
FORGED: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    ("no session", with_header("Cookie"), 403),
    ("an invented session", with_header("Cookie", f"__Host-ringback-PORT={'A' * 43}"), 403),
    ("the session twice", with_header("Cookie", "COOKIE; COOKIE"), 403),
    ("no token", with_field(csrf=None), 403),
    ("an empty token", with_field(csrf=""), 403),
    ("a wrong token", with_field(csrf="A" * 43), 403),
    ("the token of another session", lambda attempt: with_field(csrf=attempt.known.other_csrf)(attempt), 403),
    ("the token twice", with_body(lambda attempt: encoded(attempt, "&csrf=x")), 400),
    ("no origin", with_header("Origin"), 403),
    ("the null origin", with_header("Origin", "null"), 403),
    ("another site", with_header("Origin", "https://evil.example"), 403),
    ("another port", with_header("Origin", "http://127.0.0.1:1"), 403),
    ("another name of ours", with_header("Origin", "http://localhost:PORT"), 403),
    ("sent by another site", with_header("Sec-Fetch-Site", "cross-site"), 403),
    ("sent by another port", with_header("Sec-Fetch-Site", "same-site"), 403),
    ("a foreign host", with_header("Host", "evil.example:PORT"), 421),
    ("a foreign host with its origin", both(with_header("Host", "evil.example:PORT"), with_header("Origin", "x")), 421),
    ("JSON", with_header("Content-Type", "application/json"), 415),
    ("a multipart form", with_header("Content-Type", "multipart/form-data; boundary=x"), 415),
    ("no content type", with_header("Content-Type"), 415),
    ("a packed body", with_header("Content-Encoding", "gzip"), 415),
    ("a body of a hundred KiB", with_body(lambda attempt: encoded(attempt, "&more=" + "x" * 102_400)), 413),
    ("a body that is no form", with_body(lambda _: b"\xff\xfe"), 400),
    ("a hundred fields", with_body(lambda attempt: encoded(attempt, "".join(f"&f{n}=1" for n in range(100)))), 400),
]
ACTS = ("opt_out", "lift", "lift_own", "take_in", "give_out", "name_zone", "clear_zone", "answer", "challenge")
LISTS: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    ("no choice", with_field(choice=None), 400),
    ("a choice of a single one", with_field(choice="once"), 400),
    ("trust for a day", with_field(choice="day"), 400),
    ("no members", with_field(ids=None), 404),
    ("a member twice", lambda attempt: with_ids(attempt, lambda ids: [*ids, ids[0]]), 404),
    ("a member that is none", lambda attempt: with_ids(attempt, lambda ids: [*ids, "ob_" + "a" * 24]), 409),
    ("a member in capitals", lambda attempt: with_ids(attempt, lambda ids: [*ids[:-1], ids[-1].upper()]), 404),
    ("one less", lambda attempt: with_ids(attempt, lambda ids: ids[:-1]), 409),
    ("another order", lambda attempt: with_ids(attempt, lambda ids: [ids[0], ids[2], ids[1], *ids[3:]]), 409),
    ("another first one", lambda attempt: with_ids(attempt, lambda ids: ids[::-1]), 404),
    ("one that is not of it", lambda attempt: with_ids(attempt, lambda ids: [*ids, attempt.known.outbound_id]), 409),
    ("more than a list has", lambda attempt: with_ids(attempt, lambda ids: [*ids, *made_up(500)]), 404),
    ("nothing that was shown", with_field(shown=None), 409),
    ("something else that was shown", with_field(shown="0" * 64), 409),
    ("what was shown, not in ASCII", with_field(shown="é" * 32), 409),
    ("a list that is named by another", lambda attempt: at(f"/lists/{attempt.known.outbound_id}")(attempt), 404),
    ("a passkey where there is none", with_field(credential="{}", nonce="x"), 409),
]


def with_ids(attempt: Attempt, change: Callable[[list[str]], list[str]]) -> Attempt:
    return with_field(ids=" ".join(change(attempt.fields["ids"].split(" "))))(attempt)


def made_up(count: int) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return [f"ob_{letters[one // 32]}{letters[one % 32]}{'a' * 22}" for one in range(count)]


@dataclass(frozen=True)
class Scene:
    """Somebody opted out, a zone is named, a list and a single one wait; and the forms by which a person acts."""

    known: Known
    bulk: tuple[str, ...]
    fields: dict[str, dict[str, str]]
    paths: dict[str, str]

    def act(self, name: str) -> Attempt:
        fields = {"csrf": self.known.fields["csrf"], **self.fields[name]}
        return replace(approval(self.known), target=self.paths[name], fields=fields)


@pytest.fixture(scope="module")
def rules() -> Iterator[dict[str, str]]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in RULES.items():
            patch.setenv(name, value)
        yield RULES


@pytest.fixture(scope="module")
def console(module_installation: Installation, rules: dict[str, str]) -> Console:
    set_passphrase(module_installation.home, PASSPHRASE)
    return module_installation.console(**rules)


@pytest.fixture(scope="module")
def scene(module_installation: Installation, console: Console) -> Scene:
    return prepare(module_installation, console)


def prepare(installation: Installation, console: Console) -> Scene:
    async def fill(opened: Ringback) -> tuple[list[str], str, dict[str, str], str]:
        await opened.person.opt_outs.add(OUT, via="page")
        await opened.ledger.opt_outs.begin(parse_number(OWN), via="text")
        await opened.person.overview.name_zone(NAMED, "Asia/Tokyo")
        single = await opened.telephone.send_sms("+12025559999", "Only a person may let this go.")
        outs = {opt_out.number.e164: opt_out.id for opt_out in await opened.person.opt_outs.standing()}
        return await ask_many(opened, 4), single.id, outs, (await opened.person.overview.zones())[0].contact

    bulk, single, outs, contact = installation.do(fill)
    _, other = sign_in(console)
    cookie, page = sign_in(console)
    known = Known(console, cookie, other.hidden("csrf"), single, {"csrf": page.hidden("csrf"), "id": single})
    shown = reading(f"/lists/{bulk[0]}")(approval(known)).send()
    answer = {**form_of(shown.text), "choice": "all"}
    paths = {
        "opt_out": "/opted-out",
        "lift": f"/opted-out/{outs[OUT]}/lift",
        "lift_own": f"/opted-out/{outs[OWN]}/lift",
        "take_in": "/opted-out/import",
        "give_out": "/opted-out/export",
        "name_zone": "/rules/zone",
        "clear_zone": "/rules/zone/clear",
        "answer": f"/lists/{bulk[0]}",
        "challenge": f"/lists/{bulk[0]}/challenge",
    }
    fields = {
        "opt_out": {"number": "+12125550180"},
        "lift": {},
        "lift_own": {"sure": "told"},
        "take_in": {"list": "+12125550181"},
        "give_out": {},
        "name_zone": {"number": "+12125550182", "zone": "Asia/Tokyo"},
        "clear_zone": {"contact": contact},
        "answer": answer,
        "challenge": answer,
    }
    return Scene(known, tuple(bulk), fields, paths)


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in FORGED])
def test_a_forged_act_is_refused(scene: Scene, act: str, change: Callable[[Attempt], Attempt], status: int) -> None:
    answer = change(scene.act(act)).send()
    assert answer.status == status
    assert "content-disposition" not in answer.headers
    assert OUT not in answer.text


@pytest.mark.parametrize("act", ACTS)
def test_a_session_that_never_signed_in_does_not_act(scene: Scene, act: str) -> None:
    form = reading("/sign-in", Cookie="")(approval(scene.known)).send()
    own = form.cookies[0].partition(";")[0]
    attempt = with_header("Cookie", own)(with_field(csrf=form.hidden("csrf"))(scene.act(act)))
    assert attempt.send().status == 403


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_no_other_method_acts(scene: Scene, act: str, method: str) -> None:
    attempt = by(method, scene.paths[act])(scene.act(act))
    may_be_read = method in {"GET", "HEAD"} and act in {"opt_out", "lift", "lift_own", "answer"}
    assert attempt.send().status == (200 if may_be_read else 405)


@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in LISTS])
def test_an_answer_to_another_list_than_was_shown_is_refused(
    scene: Scene, change: Callable[[Attempt], Attempt], status: int
) -> None:
    assert change(scene.act("answer")).send().status == status


def test_a_form_of_another_page_is_as_small_as_ever(scene: Scene) -> None:
    large = with_body(lambda attempt: encoded(attempt, "&more=" + "x" * 24_576))
    for act in set(ACTS) - {"take_in"}:
        assert large(scene.act(act)).send().status == 413


def test_one_of_a_list_is_not_approved_alone_by_any_form(scene: Scene) -> None:
    for one in scene.bulk:
        page = reading(f"/outbounds/{one}")(approval(scene.known)).send()
        for choice in ("once", "day"):
            fields = {"csrf": scene.known.fields["csrf"], "id": one, "shown": page.hidden("shown"), "choice": choice}
            assert replace(approval(scene.known), fields=fields).send().status == 409


def test_nobody_sees_the_pages_without_signing_in(scene: Scene) -> None:
    month = f"/scheduled/calendar/{datetime.now(UTC) + timedelta(days=1):%Y-%m}"
    targets = ["/opted-out", "/rules", "/scheduled/calendar", month, scene.paths["lift"], scene.paths["answer"]]
    for target in targets:
        answer = reading(target, Cookie="")(approval(scene.known)).send()
        assert (answer.status, answer.headers["location"]) == (303, "/sign-in")


def test_looking_changes_nothing_and_no_address_holds_a_number(module_installation: Installation, scene: Scene) -> None:
    for target in ("/opted-out", "/rules", "/scheduled/calendar", scene.paths["lift_own"], scene.paths["answer"]):
        for method in ("GET", "HEAD"):
            assert replace(reading(target)(approval(scene.known)), method=method).send().status == 200, target
        answer = reading(target)(approval(scene.known)).send()
        assert answer.headers["cache-control"] == "no-store"
        assert "unsafe" not in answer.headers["content-security-policy"]
        parts = [part.partition('"')[0] for mark in ('href="', 'action="', 'src="') for part in answer.text.split(mark)]
        for address in parts[1:]:
            assert "555" not in address or "<" in address, address
    assert_as_before(module_installation, scene)


def test_a_path_that_is_none_is_none(scene: Scene) -> None:
    for path in ("/lists/..%2f..%2frules", "/lists/%00", "/scheduled/calendar/2026-13", "/scheduled/calendar/../x"):
        assert reading(path)(approval(scene.known)).send().status == 404
    for path in ("/opted-out/", "/rules/", "/rules/zone/clear/", "/opted-out/import/x"):
        assert replace(scene.act("give_out"), target=path).send().status == 404


def test_after_all_of_it_everything_is_as_it_was(module_installation: Installation, scene: Scene) -> None:
    assert_as_before(module_installation, scene)


def test_the_same_acts_unaltered_are_a_persons(installation: Installation, rules: dict[str, str]) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    scene = prepare(installation, installation.console(**rules))
    done = {act: scene.act(act).send() for act in ACTS if act not in {"challenge", "give_out"}}
    assert {act: answer.status for act, answer in done.items()} == dict.fromkeys(done, 303)
    given = scene.act("give_out").send()
    assert {line.partition(",")[0] for line in given.text.splitlines()} == {"phone", "+12125550180", "+12125550181"}
    assert given.headers["cache-control"] == "no-store"
    assert len(installation.record()) == len(scene.bulk)
    assert scene.act("challenge").send().status == 409


def assert_as_before(installation: Installation, scene: Scene) -> None:
    async def look(opened: Ringback) -> tuple[set[str], list[str], set[str]]:
        outs = {opt_out.number.e164 for opt_out in await opened.person.opt_outs.standing()}
        zones = [zone.number.e164 for zone in await opened.person.overview.zones()]
        ids = (*scene.bulk, scene.known.outbound_id)
        return outs, zones, {(await opened.ledger.outbounds.get(one)).status.value for one in ids}

    assert installation.do(look) == ({OUT, OWN}, [NAMED], {"awaiting_approval"})
    assert installation.record() == []
