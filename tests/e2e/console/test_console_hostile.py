"""Requests that no person's browser sends to the console: every one is refused, and nothing goes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.console.attempts import (
    FORM,
    Attempt,
    Known,
    approval,
    at,
    both,
    by,
    encoded,
    loaded,
    reading,
    sign_in,
    with_body,
    with_field,
    with_header,
)
from tests.e2e.console.conftest import PASSPHRASE, Answer

from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.console.conftest import Console, Installation

FOREIGN = with_header("Host", "evil.example:PORT")
ALLOW = both(at("/allowed"), with_field(number="+12025550123", channel="sms", days="1", count="9"))
HOSTILE: list[tuple[str, Callable[[Attempt], Attempt], int]] = [
    # No session, or somebody else's
    ("no cookie", with_header("Cookie"), 403),
    ("an invented session", with_header("Cookie", f"__Host-ringback-PORT={'A' * 43}"), 403),
    ("an empty session", with_header("Cookie", "__Host-ringback-PORT="), 403),
    ("the session twice in one header", with_header("Cookie", "COOKIE; COOKIE"), 403),
    ("the session twice in two headers", with_header("Cookie", "COOKIE", "COOKIE"), 403),
    ("a planted session before the real one", with_header("Cookie", "__Host-ringback-PORT=planted; COOKIE"), 403),
    ("the session in the query", both(with_header("Cookie"), at("/answer?session=x")), 403),
    # Forged forms
    ("no token", with_field(csrf=None), 403),
    ("an empty token", with_field(csrf=""), 403),
    ("a wrong token", with_field(csrf="A" * 43), 403),
    ("a token that is not ASCII", with_field(csrf="é" * 43), 403),
    ("the token twice", with_body(lambda attempt: encoded(attempt, "&csrf=x")), 400),
    ("the token in the query", both(with_field(csrf=None), at("/answer?csrf=x")), 403),
    ("the token in a header", both(with_field(csrf=None), with_header("X-CSRF-Token", "x")), 403),
    # Other origins
    ("no origin", with_header("Origin"), 403),
    ("the null origin", with_header("Origin", "null"), 403),
    ("an empty origin", with_header("Origin", ""), 403),
    ("a foreign origin", with_header("Origin", "https://evil.example"), 403),
    ("our address over https", with_header("Origin", "https://127.0.0.1:PORT"), 403),
    ("another port", with_header("Origin", "http://127.0.0.1:1"), 403),
    ("no port", with_header("Origin", "http://127.0.0.1"), 403),
    ("another name of ours", with_header("Origin", "http://localhost:PORT"), 403),
    ("our origin as a beginning", with_header("Origin", "http://127.0.0.1:PORT.evil.example"), 403),
    ("our origin with a path", with_header("Origin", "http://127.0.0.1:PORT/"), 403),
    ("two origins", with_header("Origin", "http://127.0.0.1:PORT", "https://evil.example"), 403),
    ("our origin twice", with_header("Origin", "http://127.0.0.1:PORT", "http://127.0.0.1:PORT"), 403),
    ("sent by another site", with_header("Sec-Fetch-Site", "cross-site"), 403),
    ("sent by another port", with_header("Sec-Fetch-Site", "same-site"), 403),
    ("typed by hand", with_header("Sec-Fetch-Site", "none"), 403),
    ("sent by two", with_header("Sec-Fetch-Site", "same-origin", "cross-site"), 403),
    # Rebinding
    ("a foreign host", FOREIGN, 421),
    ("a foreign host with its origin", both(FOREIGN, with_header("Origin", "http://evil.example:PORT")), 421),
    ("our host without a port", with_header("Host", "127.0.0.1"), 421),
    ("our host with another port", with_header("Host", "127.0.0.1:1"), 421),
    ("a short form of loopback", with_header("Host", "127.1:PORT"), 421),
    ("loopback as one number", with_header("Host", "2130706433:PORT"), 421),
    ("a name below localhost", with_header("Host", "evil.localhost:PORT"), 421),
    ("localhost with a dot", with_header("Host", "localhost.:PORT"), 421),
    ("a host with a user", with_header("Host", "evil@127.0.0.1:PORT"), 421),
    ("a forwarded host", both(FOREIGN, with_header("X-Forwarded-Host", "127.0.0.1:PORT")), 421),
    # Refused at the headers, and the connection closed: nothing may be on its way then.
    ("no host", both(with_header("Host"), with_body(lambda _: b"")), 400),
    ("two hosts", both(with_header("Host", "127.0.0.1:PORT", "evil.example"), with_body(lambda _: b"")), 400),
    # Bodies
    ("JSON", with_header("Content-Type", "application/json"), 415),
    ("plain text", with_header("Content-Type", "text/plain"), 415),
    ("a multipart form", with_header("Content-Type", "multipart/form-data; boundary=x"), 415),
    ("no content type", with_header("Content-Type"), 415),
    ("two content types", with_header("Content-Type", FORM, "text/plain"), 415),
    ("another character set", with_header("Content-Type", f"{FORM}; charset=utf-7"), 415),
    ("a packed body", with_header("Content-Encoding", "gzip"), 415),
    ("a body of 24 KiB and a bit", with_body(lambda attempt: encoded(attempt, "&more=" + "x" * 24_576)), 413),
    ("a body without end, in chunks", with_body(lambda attempt: [encoded(attempt, "&more="), *[b"x" * 4096] * 8]), 413),
    ("a body that is no form", with_body(lambda attempt: b"\xff\xfe"), 400),
    ("fields that are no UTF-8", with_body(lambda attempt: encoded(attempt, "&more=%ff")), 400),
    ("a hundred fields", with_body(lambda attempt: encoded(attempt, "".join(f"&f{n}=1" for n in range(100)))), 400),
    ("a field without a value", with_body(lambda attempt: encoded(attempt, "&more")), 400),
    # Methods
    ("GET", by("GET"), 405),
    ("HEAD", by("HEAD"), 405),
    ("PUT", at("/answer", "PUT"), 405),
    ("PATCH", at("/answer", "PATCH"), 405),
    ("DELETE", at("/answer", "DELETE"), 405),
    ("OPTIONS", at("/answer", "OPTIONS"), 405),
    ("TRACE", at("/answer", "TRACE"), 405),
    ("an invented method", at("/answer", "APPROVE"), 405),
    ("a GET that says it is a POST", both(by("GET"), with_header("X-HTTP-Method-Override", "POST")), 405),
    ("a page as the target", at("/"), 405),
    ("a GET with a body", both(at("/", "GET")), 400),
    # Paths
    ("a slash too many", at("/answer/"), 404),
    ("two slashes", at("//answer"), 404),
    ("a dot", at("/./answer"), 404),
    ("dots", at("/static/../answer"), 404),
    ("capitals", at("/ANSWER"), 404),
    ("a zero byte", at("/answer%00"), 404),
    ("an absolute target", at("http://evil.example/answer"), 404),
    ("a file beside the static ones", reading("/static/../app.py"), 404),
    ("the same, encoded", reading("/static/%2e%2e/app.py"), 404),
    ("the same, encoded whole", reading("/static/%2e%2e%2fapp.py"), 404),
    ("the same, encoded twice", reading("/static/%252e%252e%252fapp.py"), 404),
    ("an absolute file", reading("/static//etc/passwd"), 404),
    ("the passphrase file", reading("/static/..%5c..%5cpassphrase"), 404),
    # Contents
    ("no choice", with_field(choice=None), 400),
    ("a yes by another name", with_field(choice="yes"), 400),
    ("an allowance as the choice", with_field(choice="allowance"), 400),
    ("confirm=true", with_field(choice=None, confirm="true"), 400),
    ("no id", with_field(id=None), 404),
    ("an id with a path", with_field(id="../allowed"), 404),
    ("an id of the right shape that is none", with_field(id="ob_" + "a" * 24), 404),
    ("nothing that was shown", with_field(shown=None), 409),
    ("something else that was shown", with_field(shown="0" * 64), 409),
    # Other doors
    ("an allowance without a token", both(ALLOW, with_field(csrf=None)), 403),
    ("an allowance from another site", both(ALLOW, with_header("Origin", "null")), 403),
    ("a sign-out without a token", both(at("/sign-out"), with_field(csrf=None)), 403),
    ("events without a session", reading("/events", Cookie=""), 403),
    ("events by WebSocket", reading("/events", Cookie="", Connection="Upgrade", Upgrade="websocket"), 403),
    ("the page in a foreign frame", loaded("cross-site", "navigate", "iframe"), 403),
    ("the page as a foreign script", loaded("cross-site", "no-cors", "script"), 403),
    ("the page fetched by another port", loaded("same-site", "cors", "empty"), 403),
]


@pytest.fixture(scope="module")
def console(module_installation: Installation) -> Console:
    set_passphrase(module_installation.home, PASSPHRASE)
    return module_installation.console()


@pytest.fixture(scope="module")
def known(module_installation: Installation, console: Console) -> Known:
    receipt = module_installation.text("Only a person may let this go.")
    _, other = sign_in(console)
    cookie, page = sign_in(console)
    fields = {name: page.hidden(name) for name in ("csrf", "id", "shown")} | {"choice": "once"}
    assert fields["id"] == receipt.id
    return Known(console, cookie, other.hidden("csrf"), receipt.id, fields)


@pytest.mark.parametrize(("change", "status"), [pytest.param(*row[1:], id=row[0]) for row in HOSTILE])
def test_a_hostile_request_is_refused_and_nothing_goes_out(
    module_installation: Installation, known: Known, change: Callable[[Attempt], Attempt], status: int
) -> None:
    answer = change(approval(known)).send()
    assert answer.status == status
    assert_nothing_happened(module_installation, known)


def test_the_token_of_another_session_is_none_of_this_one(module_installation: Installation, known: Known) -> None:
    answer = with_field(csrf=known.other_csrf)(approval(known)).send()
    assert answer.status == 403
    assert_nothing_happened(module_installation, known)


def test_an_answer_carries_its_protection_whatever_its_status(known: Known) -> None:
    for change, status in ((at("/", "GET"), 400), (at("/nowhere"), 404), (with_header("Host", "evil.example"), 421)):
        answer = change(approval(known)).send()
        assert answer.status == status
        assert_protected(answer)
    assert_protected(reading("/")(approval(known)).send())
    assert_protected(reading("/static/console.js")(approval(known)).send())


def test_a_link_from_another_site_may_open_the_page(known: Known) -> None:
    assert loaded("cross-site", "navigate", "document")(approval(known)).send().status == 200


def test_looking_at_everything_changes_nothing(module_installation: Installation, known: Known) -> None:
    for method in ("GET", "HEAD"):
        for target in ("/", f"/outbounds/{known.outbound_id}", "/history", "/allowed", "/line", "/health"):
            attempt = replace(reading(target)(approval(known)), method=method)
            assert attempt.send().status == 200, (method, target)
    assert_nothing_happened(module_installation, known)


def test_no_address_in_a_page_holds_a_number_or_a_secret(known: Known) -> None:
    page = reading("/")(approval(known)).send().text
    addresses = [part.partition('"')[0] for mark in ('href="', 'action="', 'src="') for part in page.split(mark)[1:]]
    assert len(addresses) > 5
    for address in addresses:
        assert "?" not in address
        assert not sum(map(str.isdigit, address.removeprefix(f"/outbounds/{known.outbound_id}")))


def test_the_same_request_unaltered_is_a_persons_approval(module_installation: Installation, known: Known) -> None:
    body = "This one is wanted."
    receipt = module_installation.text(body)
    page = reading(f"/outbounds/{receipt.id}")(approval(known)).send()
    wanted = with_field(id=receipt.id, shown=page.hidden("shown"))
    assert wanted(approval(known)).send().status == 303
    assert [item for item in module_installation.record() if item[1] == body] == [("+12025550123", body)]
    assert wanted(approval(known)).send().status == 303
    assert len([item for item in module_installation.record() if item[1] == body]) == 1


def assert_nothing_happened(installation: Installation, known: Known) -> None:
    """The outbound still waits, the carrier heard of nothing, nobody was allowed or signed out."""
    assert installation.status(known.outbound_id) == "awaiting_approval"
    assert [item for item in installation.record() if item[1] == "Only a person may let this go."] == []
    assert installation.allowances() == 0
    assert "Sign out" in reading("/")(approval(known)).send().text


def assert_protected(answer: Answer) -> None:
    headers: dict[str, Any] = answer.headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers
