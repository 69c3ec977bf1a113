"""Cancelling and resolving by requests that no person's browser sends: each is refused, and nothing changes."""

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
    by,
    reading,
    sign_in,
    with_field,
    with_header,
)
from tests.e2e.console.conftest import PASSPHRASE, TO

from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.console.conftest import Console, Installation

FORGED: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    ("no session", with_header("Cookie"), 403),
    ("an invented session", with_header("Cookie", f"__Host-ringback-PORT={'A' * 43}"), 403),
    ("no token", with_field(csrf=None), 403),
    ("an empty token", with_field(csrf=""), 403),
    ("a wrong token", with_field(csrf="A" * 43), 403),
    ("no origin", with_header("Origin"), 403),
    ("the null origin", with_header("Origin", "null"), 403),
    ("another site", with_header("Origin", "https://evil.example"), 403),
    ("sent by another port", with_header("Sec-Fetch-Site", "same-site"), 403),
    ("a foreign host", with_header("Host", "evil.example:PORT"), 421),
    ("JSON", with_header("Content-Type", "application/json"), 415),
    ("no id", with_field(id=None), 404),
    ("an id that is none", with_field(id="ob_" + "a" * 24), 404),
    ("an id with a path", with_field(id="../cancel"), 404),
    ("an id and more", lambda attempt: with_field(id=f"{attempt.fields['id']}/sent")(attempt), 404),
    ("an id in capitals", lambda attempt: with_field(id=attempt.fields["id"].upper())(attempt), 404),
]
VERDICTS: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    ("no verdict", with_field(verdict=None), 400),
    ("a verdict by another name", with_field(verdict="delivered"), 400),
    ("true", with_field(verdict="true"), 400),
    ("nothing that was confirmed", with_field(seen=None), 409),
    ("something else that was confirmed", with_field(seen="0" * 64), 409),
    ("a text that is not ASCII as what was confirmed", with_field(seen="é" * 32), 409),
    ("the confirmation of the contrary", with_field(verdict="unsent"), 409),
    ("what the question before the yes had shown", lambda attempt: with_field(seen=asked(attempt))(attempt), 409),
]


@dataclass(frozen=True)
class Acts:
    """One scheduled and one doubtful outbound, and the forms by which a person acts on them."""

    known: Known
    scheduled: str
    doubtful: str
    waiting: str
    seen: str

    @property
    def cancelling(self) -> Attempt:
        fields = {"csrf": self.known.fields["csrf"], "id": self.scheduled}
        return replace(approval(self.known), target="/cancel", fields=fields)

    @property
    def judging(self) -> Attempt:
        fields = {"csrf": self.known.fields["csrf"], "id": self.doubtful, "verdict": "sent", "seen": self.seen}
        return replace(approval(self.known), target="/resolve", fields=fields)


def asked(attempt: Attempt) -> str:
    return attempt.known.fields["shown"]


def prepare(installation: Installation, console: Console) -> Acts:
    scheduled = installation.agreed("Later.", at=datetime.now(UTC) + timedelta(days=1))
    doubtful = installation.doubtful("Maybe.")
    waiting = installation.text("Still a question.")
    _, other = sign_in(console)
    cookie, page = sign_in(console)
    fields = {name: page.hidden(name) for name in ("csrf", "id", "shown")}
    known = Known(console, cookie, other.hidden("csrf"), waiting.id, fields)
    verdict = reading(f"/doubtful/{doubtful.id}/sent")(approval(known)).send()
    return Acts(known, scheduled.id, doubtful.id, waiting.id, verdict.hidden("seen"))


@pytest.fixture(scope="module")
def console(module_installation: Installation) -> Console:
    set_passphrase(module_installation.home, PASSPHRASE)
    return module_installation.console()


@pytest.fixture(scope="module")
def acts(module_installation: Installation, console: Console) -> Acts:
    return prepare(module_installation, console)


@pytest.mark.parametrize("act", ["cancelling", "judging"])
@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in FORGED])
def test_a_forged_act_is_refused(
    module_installation: Installation, acts: Acts, act: str, change: Callable[[Attempt], Attempt], status: int
) -> None:
    attempt: Attempt = getattr(acts, act)
    assert change(attempt).send().status == status
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in VERDICTS])
def test_a_verdict_that_was_not_confirmed_is_refused(
    module_installation: Installation, acts: Acts, change: Callable[[Attempt], Attempt], status: int
) -> None:
    assert change(acts.judging).send().status == status
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("act", ["cancelling", "judging"])
def test_the_token_of_another_session_does_not_act(module_installation: Installation, acts: Acts, act: str) -> None:
    attempt: Attempt = getattr(acts, act)
    assert with_field(csrf=acts.known.other_csrf)(attempt).send().status == 403
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("act", ["cancelling", "judging"])
def test_a_session_that_never_signed_in_does_not_act(module_installation: Installation, acts: Acts, act: str) -> None:
    attempt: Attempt = getattr(acts, act)
    form = reading("/sign-in", Cookie="")(approval(acts.known)).send()
    own = form.cookies[0].partition(";")[0]
    assert with_header("Cookie", own)(with_field(csrf=form.hidden("csrf"))(attempt)).send().status == 403
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("target", ["/cancel", "/resolve"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_no_other_method_acts(module_installation: Installation, acts: Acts, method: str, target: str) -> None:
    for attempt in (acts.cancelling, acts.judging):
        assert by(method, target)(attempt).send().status == 405
    assert_as_before(module_installation, acts)


@pytest.mark.parametrize("verdict", ["", "/", "/sent/", "/delivered", "/SENT", "/sent%00"])
def test_there_is_no_other_page_to_say_it_on(acts: Acts, verdict: str) -> None:
    assert reading(f"/doubtful/{acts.doubtful}{verdict}")(approval(acts.known)).send().status == 404


def test_posting_to_the_page_that_asks_for_a_confirmation_confirms_nothing(
    module_installation: Installation, acts: Acts
) -> None:
    assert at(f"/doubtful/{acts.doubtful}/sent")(acts.judging).send().status == 405
    assert_as_before(module_installation, acts)


def test_cancel_does_not_touch_what_is_not_scheduled(module_installation: Installation, acts: Acts) -> None:
    for other in (acts.waiting, acts.doubtful):
        answer = with_field(id=other)(acts.cancelling).send()
        assert (answer.status, answer.headers["location"]) == (303, f"/outbounds/{other}")
        page = reading(f"/outbounds/{other}")(approval(acts.known)).send()
        assert "It was not scheduled any more. What you chose changed nothing." in page.text
    assert_as_before(module_installation, acts)


def test_resolve_does_not_touch_what_is_not_in_doubt(module_installation: Installation, acts: Acts) -> None:
    for other in (acts.waiting, acts.scheduled):
        answer = with_field(id=other)(acts.judging).send()
        assert (answer.status, answer.headers["location"]) == (303, f"/outbounds/{other}")
        page = reading(f"/outbounds/{other}")(approval(acts.known)).send()
        assert "There was no doubt about it any more. What you chose changed nothing." in page.text
    assert_as_before(module_installation, acts)


def test_looking_at_the_lists_changes_nothing_and_no_address_holds_a_number(
    module_installation: Installation, acts: Acts
) -> None:
    targets = ["/scheduled", "/doubtful", "/received", "/history"]
    targets += [f"/doubtful/{acts.doubtful}/{verdict}" for verdict in ("sent", "unsent")]
    targets += [f"/outbounds/{one}" for one in (acts.scheduled, acts.doubtful)]
    for target in targets:
        for method in ("GET", "HEAD"):
            assert replace(reading(target)(approval(acts.known)), method=method).send().status == 200, target
        page = reading(target)(approval(acts.known)).send().text
        addresses = [
            part.partition('"')[0] for mark in ('href="', 'action="', 'src="') for part in page.split(mark)[1:]
        ]
        for address in addresses:
            bare = address.replace(acts.scheduled, "").replace(acts.doubtful, "").replace(acts.waiting, "")
            assert "?" not in bare
            assert not any(map(str.isdigit, bare)), address
    assert_as_before(module_installation, acts)


def test_nobody_sees_the_lists_without_signing_in(acts: Acts) -> None:
    for target in ("/scheduled", "/doubtful", "/received", f"/doubtful/{acts.doubtful}/sent"):
        answer = reading(target, Cookie="")(approval(acts.known)).send()
        assert (answer.status, answer.headers["location"]) == (303, "/sign-in")
        assert TO.removeprefix("+") not in answer.text


def test_the_same_acts_unaltered_are_a_persons_and_count_once(installation: Installation) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    acts = prepare(installation, installation.console())
    before = installation.record()
    for _ in range(2):
        assert acts.cancelling.send().status == 303
        assert acts.judging.send().status == 303
    assert (installation.status(acts.scheduled), installation.status(acts.doubtful)) == ("cancelled", "sent")

    steps = installation.do(lambda opened: opened.ledger.outbounds.events(acts.doubtful))
    assert [step.detail for step in steps].count("person_says_sent") == 1
    steps = installation.do(lambda opened: opened.ledger.outbounds.events(acts.scheduled))
    assert [step.detail for step in steps].count("cancelled_on_request") == 1
    assert installation.record() == before == []


def assert_as_before(installation: Installation, acts: Acts) -> None:
    """What was scheduled is, what was in doubt is, what waited waits, and the carrier heard of nothing."""
    found = [installation.status(one) for one in (acts.scheduled, acts.doubtful, acts.waiting)]
    assert found == ["scheduled", "unknown", "awaiting_approval"]
    assert installation.record() == []
