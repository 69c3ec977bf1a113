"""A person with a passkey in a real browser, and what a real browser's authenticator signs that is not wanted."""

from __future__ import annotations

import http.server
import re
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import PASSPHRASE, TO, told
from tests.e2e.console.hand import ASK, CARELESS, SIGN, Hand, plug_in, take

from ringback.settings import ApprovalFloor
from ringback_server.console.passphrase import set_passphrase
from ringback_server.console.starting import running_console

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.e2e.console.conftest import Console, Installation

    from ringback.opening import Ringback

pytestmark = pytest.mark.browser
LIVE_MS = 10_000


@pytest.fixture(scope="module")
def strict(module_installation: Installation) -> Console:
    """A console where only a passkey counts."""
    set_passphrase(module_installation.home, PASSPHRASE)
    return module_installation.console(RINGBACK_APPROVAL="passkey")


@pytest.fixture
def hand(module_installation: Installation, strict: Console, browser: BrowserContext) -> Iterator[Hand]:
    """Signed in, with one passkey; nothing waits and nothing was sent."""

    async def tidy(opened: Ringback) -> None:
        for question in await opened.person.waiting():
            await opened.telephone.cancel(question.id)

    module_installation.do(tidy)
    with sqlite3.connect(module_installation.settings.ledger_path) as database:
        database.execute("DELETE FROM passkey")
    database.close()
    module_installation.sandbox.post("/sandbox/reset")
    made = take(module_installation, strict, browser.new_page())
    made.sign_in()
    made.add()
    yield made
    made.devtools.detach()


def test_a_person_registers_a_passkey_and_approves_a_text_with_it(
    installation: Installation, browser: BrowserContext, page: Page
) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    console = installation.console(RINGBACK_APPROVAL="passkey")
    assert console.url == f"http://localhost:{console.port}"
    hand = take(installation, console, page)
    receipt = installation.text("Signed by my own hand.")
    hand.sign_in(console.url)
    expect(page.get_by_text("Here only a passkey counts.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    page.get_by_role("link", name="register a passkey").click()
    expect(page.get_by_text("nothing can be approved until you add one")).to_be_visible()
    hand.add("My laptop")
    expect(page.get_by_role("listitem").filter(has_text="My laptop")).to_contain_text("never used")
    page.get_by_role("link", name="Waiting").click()
    hand.press("Approve with a passkey")
    expect(page.get_by_text("Consent: with a passkey (A3).")).to_be_visible()
    installation.sandbox.advance(10)
    expect(page.get_by_text("Delivered", exact=True)).to_be_visible(timeout=LIVE_MS)
    told_later = installation.do(lambda opened: opened.telephone.status(receipt.id))
    assert (told_later.status, told_later.approval) == ("delivered", "A3")
    assert installation.record() == [(TO, "Signed by my own hand.")]
    page.get_by_role("link", name="Passkeys").click()
    expect(page.get_by_role("listitem").filter(has_text="My laptop")).to_contain_text("last used")


def test_a_yes_for_a_day_is_signed_as_well(hand: Hand) -> None:
    hand.installation.text("First.")
    hand.page.goto(hand.url)
    hand.press("Approve and trust for a day")
    expect(hand.page.get_by_text("Consent: with a passkey (A3).")).to_be_visible()
    (allowance,) = hand.installation.do(lambda opened: opened.person.allowances())
    assert allowance.level == "A3"
    hand.installation.do(lambda opened: opened.person.revoke(allowance.id))


def test_a_signed_answer_is_refused_for_another_text_and_sends_its_own_once(hand: Hand) -> None:
    one, two = hand.installation.text("one"), hand.installation.text("two", "+12025550199")
    hand.page.goto(hand.url)
    signed = hand.caught()
    assert signed["id"] == one.id
    assert hand.post({**signed, **hand.shown(two.id)}) == 409
    assert hand.installation.record() == []
    for _ in range(3):
        hand.post(signed)
    assert hand.installation.record() == [(TO, "one")]
    assert hand.installation.status(two.id) == "awaiting_approval"


def test_a_device_that_verified_nobody_is_refused(hand: Hand) -> None:
    receipt = hand.installation.text("By whoever is there.")
    hand.page.add_init_script(CARELESS)
    hand.verify(succeeds=False)
    hand.page.goto(hand.url)
    signed = hand.caught()
    assert hand.post(signed) == 409
    assert (hand.installation.status(receipt.id), hand.installation.record()) == ("awaiting_approval", [])


def test_a_device_that_cannot_verify_is_told_and_the_person_may_try_again(hand: Hand) -> None:
    hand.installation.text("Second try.")
    hand.verify(succeeds=False)
    hand.page.goto(hand.url)
    hand.press("Approve with a passkey")
    expect(hand.page.get_by_role("alert")).to_contain_text("Your device did not confirm it", timeout=LIVE_MS)
    assert hand.installation.record() == []
    hand.verify(succeeds=True)
    hand.press("Approve with a passkey")
    expect(hand.page.get_by_text("Consent: with a passkey (A3).")).to_be_visible()
    assert hand.installation.record() == [(TO, "Second try.")]


def test_a_device_whose_counter_went_back_is_refused(hand: Hand) -> None:
    hand.set_counter(20)
    hand.installation.text("Counted.")
    hand.page.goto(hand.url)
    hand.press("Approve with a passkey")
    expect(hand.page.get_by_text("Consent: with a passkey (A3).")).to_be_visible()
    hand.set_counter(3)
    receipt = hand.installation.text("By a copy.")
    hand.page.goto(hand.url)
    hand.press("Approve with a passkey")
    expect(hand.page.get_by_text("does not fit what was asked of it")).to_be_visible()
    assert hand.installation.status(receipt.id) == "awaiting_approval"
    assert hand.installation.record() == [(TO, "Counted.")]


class Elsewhere(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another server of this machine</title>")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another server under the same name, whose page asks the same passkey."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://localhost:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_what_another_server_of_this_machine_has_signed_is_refused(hand: Hand, elsewhere: str) -> None:
    receipt = hand.installation.text("Asked on our page, signed on theirs.")
    fields = {**hand.shown(receipt.id), "choice": "once"}
    asked = hand.page.evaluate(ASK, fields)
    hand.page.goto(elsewhere)
    given = {"challenge": asked["options"]["challenge"], "credential": hand.credential()["credentialId"]}
    signed = hand.page.evaluate(SIGN, given)
    answer = {**fields, "nonce": asked["nonce"], "credential": signed}
    assert hand.post(answer) == 409
    assert (hand.installation.status(receipt.id), hand.installation.record()) == ("awaiting_approval", [])
    hand.page.goto(f"{hand.url}/line")
    answer["credential"] = hand.page.evaluate(SIGN, given)  # the very same, signed on our page
    assert hand.post(answer) == 200
    assert len(hand.installation.record()) == 1


def test_a_passkey_that_was_exchanged_in_the_ledgers_file_is_refused(hand: Hand) -> None:
    receipt = hand.installation.text("By a stranger.")
    hand.page.goto(hand.url)
    signed = hand.caught()
    with sqlite3.connect(hand.installation.settings.ledger_path) as database:
        # The device is the same and so is its key: only that somebody wrote the row is wrong.
        database.execute("UPDATE passkey SET created_at = created_at + 1 WHERE removed_at IS NULL")
    database.close()
    assert hand.post(signed) == 409
    assert (hand.installation.status(receipt.id), hand.installation.record()) == ("awaiting_approval", [])
    hand.page.goto(f"{hand.url}/passkeys")
    expect(hand.page.get_by_role("alert")).to_contain_text("written by something other than Ringback")


def test_without_scripts_a_passkey_is_needed_all_the_same(hand: Hand, chromium: Browser) -> None:
    receipt = hand.installation.text("No scripts.")
    cookies = hand.page.context.cookies()
    with chromium.new_context(java_script_enabled=False) as still:
        still.add_cookies(cookies)
        page = still.new_page()
        page.goto(hand.url)
        page.get_by_role("button", name="Approve with a passkey").click()
        expect(page.get_by_text("Here an approval of level A3 is needed")).to_be_visible()
    assert (hand.installation.status(receipt.id), hand.installation.record()) == ("awaiting_approval", [])


def test_a_passkey_is_removed_by_itself_or_by_the_passphrase(hand: Hand) -> None:
    page = hand.page
    page.goto(f"{hand.url}/passkeys")
    page.get_by_text("Remove …").click()
    page.get_by_role("listitem").get_by_label("The passphrase again").fill("seven blue cattle")
    page.get_by_role("button", name=re.compile(r"^Remove it ?: My laptop$")).click()
    expect(page.get_by_text("That is not the passphrase.")).to_be_visible()
    page.goto(f"{hand.url}/passkeys")
    page.get_by_text("Remove …").click()
    page.get_by_role("button", name="Remove it, confirmed by a passkey").click()
    expect(page.get_by_text("No passkey is registered.")).to_be_visible()
    hand.devtools.send("WebAuthn.clearCredentials", {"authenticatorId": hand.device})
    hand.add("My phone")
    page.get_by_text("Remove …").click()
    page.get_by_role("listitem").get_by_label("The passphrase again").fill(PASSPHRASE)
    page.get_by_role("button", name=re.compile(r"^Remove it ?: My phone$")).click()
    expect(page.get_by_text("No passkey is registered.")).to_be_visible()
    expect(page.get_by_role("heading", name="Removed")).to_be_visible()


def test_a_second_device_is_added_by_the_first_and_one_device_only_once(hand: Hand) -> None:
    page = hand.page
    page.goto(f"{hand.url}/passkeys")
    page.get_by_label("A name for it").fill("The same")
    page.get_by_role("button", name="Add, confirmed by one you have").click()
    expect(page.get_by_role("alert")).to_contain_text("holds a passkey of this console already", timeout=LIVE_MS)

    def exchange(route: Any) -> None:
        """Once the first device has confirmed it, it is the other one that is at hand."""
        hand.devtools.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": hand.device})
        plug_in(hand.devtools, "usb")
        route.continue_()

    page.route("**/passkeys/create", exchange)
    page.get_by_label("A name for it").fill("My key")
    page.get_by_role("button", name="Add, confirmed by one you have").click()
    expect(page.get_by_text("The passkey is added.")).to_be_visible()
    listed = page.get_by_role("region", name="The list").get_by_role("listitem")
    expect(listed.filter(has_text="My key")).to_contain_text("never used")
    expect(listed.filter(has_text="My laptop")).to_contain_text("last used")


def test_at_a_number_the_page_leads_to_the_name(hand: Hand) -> None:
    hand.installation.text("At the number.")
    hand.sign_in(f"http://127.0.0.1:{hand.console.port}")
    expect(hand.page.get_by_role("button", name="Approve")).to_have_count(0)
    hand.page.get_by_role("link", name=f"{hand.url}/").click()
    assert hand.page.url.startswith(hand.url)


def test_where_less_is_needed_a_passkey_is_offered_beside(installation: Installation, page: Page) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    console = installation.console()
    assert console.url == f"http://127.0.0.1:{console.port}"
    hand = take(installation, console, page)
    hand.sign_in()
    one, two = installation.text("one"), installation.text("two", "+12025550199")
    page.goto(hand.url)
    expect(page.get_by_role("button", name="Approve with a passkey")).to_have_count(0)
    hand.add()
    page.goto(f"{hand.url}/outbounds/{one.id}")
    hand.press("Approve with a passkey")
    expect(page.get_by_text("Consent: with a passkey (A3).")).to_be_visible()
    page.goto(f"{hand.url}/outbounds/{two.id}")
    hand.press("Approve to", "+1 202-555-0199")
    expect(page.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    assert len(installation.record()) == 2


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_of_passkeys_does_not_scroll_sideways(hand: Hand, width: int) -> None:
    hand.installation.text("Wide.")
    hand.page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/passkeys"):
        hand.page.goto(hand.url + path)
        assert hand.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    hand.page.get_by_text("Remove …").click()
    assert hand.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_server_finds_the_console_by_its_name(module_installation: Installation, strict: Console) -> None:
    endpoint = told(module_installation.home / "console" / "endpoint.json")
    assert endpoint["url"] == strict.url == f"http://localhost:{strict.port}"
    settings = module_installation.settings.model_copy(update={"approval": ApprovalFloor.PASSKEY})
    assert running_console(settings) == strict.url
