"""A person at the console in a real browser, from signing in to the delivered text."""

from __future__ import annotations

import re
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import PASSPHRASE, TO

from ringback_server.console.passphrase import set_passphrase

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.e2e.console.conftest import Console, Installation


pytestmark = pytest.mark.browser
SHOWN = "+1 202-555-0123"
LIVE_MS = 10_000


def press(page: Page, words: str, to: str = SHOWN) -> None:
    page.get_by_role("button", name=re.compile(rf"^{words}.*{re.escape(to)}$")).click()


def out_of_time(installation: Installation, outbound_id: str) -> None:
    """Let the outbound's ten minutes be over."""
    database = sqlite3.connect(installation.settings.ledger_path)
    with database:
        database.execute("UPDATE outbound SET expires_at = created_at - 1 WHERE id = ?", (outbound_id,))
    database.close()


def test_a_person_signs_in_approves_and_sees_the_text_delivered(
    installation: Installation, browser: BrowserContext, page: Page
) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    console = installation.console()
    installation.text("I am ten minutes late.")
    page.goto(console.url)
    assert "I am ten minutes late." not in page.content()
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    card = page.get_by_role("article", name=f"Text message to {SHOWN}")
    for words in (SHOWN, TO, "United States", "22 characters · 1 segment (GSM-7)", "no real phone rings"):
        expect(card).to_contain_text(words)
    expect(card.get_by_role("region", name="The text")).to_have_text("I am ten minutes late.")
    press(page, "Approve to")
    expect(page.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    installation.sandbox.advance(10)
    expect(page.get_by_text("Delivered", exact=True)).to_be_visible(timeout=LIVE_MS)
    assert installation.record() == [(TO, "I am ten minutes late.")]
    (cookie,) = browser.cookies()
    assert cookie["name"] == f"__Host-ringback-{console.port}"
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")


def test_a_wrong_passphrase_opens_nothing_and_signing_out_closes_the_page(
    installation: Installation, browser: BrowserContext
) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    console = installation.console()
    page = browser.new_page()
    page.goto(f"{console.url}/history")
    page.get_by_label("Passphrase").fill("seven blue cattle")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the passphrase.")
    page.get_by_label("Passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{console.url}/history")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_declined_text_never_leaves(shared: Installation, console: Console, page: Page) -> None:
    receipt = shared.text("Never mind.")
    page.goto(console.url)
    press(page, "Decline to")
    expect(page.get_by_text("The person said no; nothing was sent.")).to_be_visible()
    assert shared.status(receipt.id) == "declined"
    page.get_by_role("link", name="Decided").click()
    expect(page.get_by_role("listitem").filter(has_text=SHOWN).first).to_contain_text("Declined")
    assert shared.record() == []


def test_a_new_request_appears_live_and_its_buttons_wait_a_moment(
    shared: Installation, console: Console, page: Page
) -> None:
    page.goto(console.url)
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    shared.text("Look here.")
    approve = page.get_by_role("button", name="Approve to")
    expect(approve).to_be_disabled(timeout=LIVE_MS)
    expect(page.get_by_role("status").filter(has_text="A new request waits for your answer.")).to_have_count(1)
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_hidden()
    expect(page).to_have_title("(1) Waiting · Ringback")
    expect(approve).to_be_enabled()
    press(page, "Approve to")
    expect(page.get_by_role("article")).to_contain_text("The carrier")
    assert shared.record() == [(TO, "Look here.")]


def test_what_ran_out_of_time_loses_its_buttons_where_it_stands(
    shared: Installation, console: Console, page: Page
) -> None:
    first, second = shared.text("One."), shared.text("Two.")
    page.goto(console.url)
    below = page.locator(f"#{second.id}").bounding_box()
    out_of_time(shared, first.id)
    gone = page.locator(f"#{first.id}")
    expect(gone.get_by_text("No longer waiting")).to_be_visible(timeout=LIVE_MS)
    expect(gone.get_by_role("button")).to_have_count(0)
    expect(page.locator(f"#{second.id}").get_by_role("button", name="Approve to")).to_be_enabled()
    assert below is not None
    gone.get_by_role("link", name="See what became of it").click()
    expect(page.get_by_text("Nobody answered in time; nothing was sent.")).to_be_visible()
    assert shared.status(first.id) == "expired"


def test_a_yes_that_comes_too_late_sends_nothing_and_says_so(
    shared: Installation, console: Console, chromium: Browser
) -> None:
    receipt = shared.text("Too late.")
    with chromium.new_context(java_script_enabled=False) as still:
        page = still.new_page()
        page.goto(console.url)
        out_of_time(shared, receipt.id)
        press(page, "Approve to")
        expect(page.get_by_text("What you chose changed nothing.")).to_be_visible()
        expect(page.get_by_text("Nobody answered in time; nothing was sent.")).to_be_visible()
    assert shared.record() == []


def test_two_tabs_that_approve_at_once_send_one_message(
    shared: Installation, console: Console, browser: BrowserContext
) -> None:
    shared.text("Once, please.")
    tabs = [browser.new_page() for _ in range(2)]
    for tab in tabs:
        tab.route("**/events", lambda route: route.abort())  # neither hears of the other
        tab.goto(console.url)
    for tab in tabs:
        tab.get_by_role("button", name="Approve to").evaluate("button => { setTimeout(() => button.click(), 0); }")
    for tab in tabs:
        tab.wait_for_url("**/outbounds/*")
        expect(tab.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    assert shared.record() == [(TO, "Once, please.")]


def test_a_no_after_somebody_elses_yes_is_told_that_it_came_too_late(
    shared: Installation, console: Console, browser: BrowserContext
) -> None:
    shared.text("Decided twice.")
    first, second = browser.new_page(), browser.new_page()
    first.goto(console.url)
    second.goto(console.url)
    second.route("**/events", lambda route: route.abort())
    second.reload()
    press(first, "Approve to")
    expect(first.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    press(second, "Decline to")
    expect(second.get_by_text("What you chose changed nothing.")).to_be_visible()
    assert len(shared.record()) == 1


def test_a_hostile_text_is_shown_as_what_it_is(shared: Installation, console: Console, page: Page) -> None:
    body = (
        '</div><script>document.title="owned"</script><img src=x onerror=alert(1)>{{7*7}} pay \u202e4321\u202c ok\u200b'
    )
    shared.text(body)
    page.goto(console.url)
    text = page.get_by_role("region", name="The text")
    expect(text).to_have_text(
        '</div><script>document.title="owned"</script><img src=x onerror=alert(1)>{{7*7}} '
        "pay ⟦U+202E⟧4321⟦U+202C⟧ ok⟦U+200B⟧"
    )
    assert text.locator("script, img").count() == 0
    assert text.locator("mark").all_inner_texts() == ["⟦U+202E⟧", "⟦U+202C⟧", "⟦U+200B⟧"]
    expect(page.get_by_text("What nobody could see, or could take for something else, is written out")).to_be_visible()
    expect(page).to_have_title("(1) Waiting · Ringback")
    assert not set(page.content()) & {"\u202e", "\u202c", "\u200b"}


def test_a_picture_message_shows_its_host_and_nothing_is_fetched_from_it(
    shared: Installation, console: Console, page: Page
) -> None:
    url = "https://files.example.com/a/b.png?c=d&e=%3Cf%3E"
    shared.do(lambda opened: opened.telephone.send_mms(TO, "Your receipt", url))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(console.url)
    card = page.get_by_role("article", name="Picture message")
    expect(card.get_by_text("files.example.com", exact=True).first).to_be_visible()
    expect(card.get_by_text(url)).to_be_visible()
    assert asked
    assert all(address.startswith(console.url) for address in asked)
    assert card.locator('[href*="example"], [src*="example"]').count() == 0


def test_trusting_for_a_day_lets_the_next_text_go_until_it_is_taken_back(
    shared: Installation, console: Console, page: Page
) -> None:
    shared.text("First.")
    page.goto(console.url)
    press(page, "Approve and trust for a day")
    expect(page.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    assert shared.text("Second.").approval == "A0"
    page.get_by_role("link", name="Allowed", exact=True).click()
    entry = page.get_by_role("listitem").filter(has_text=SHOWN)
    expect(entry).to_contain_text("Text message, 19 more times on sandbox · up to 480 characters, no web addresses")
    entry.get_by_role("button", name=f"Take back {SHOWN}").click()
    expect(page.get_by_text("Nobody is allowed beforehand.")).to_be_visible()
    assert shared.text("Third.").status == "awaiting_approval"
    assert [body for _, body in shared.record()] == ["Second.", "First."]


def test_a_person_allows_a_number_and_a_slip_keeps_what_was_typed(
    shared: Installation, console: Console, browser: BrowserContext
) -> None:
    page = browser.new_page()
    page.goto(f"{console.url}/allowed")
    page.get_by_role("textbox", name="Number").fill("+1 202-555-0123")
    page.get_by_label("For").select_option("voice")
    page.get_by_label("Days").fill("3")
    page.get_by_label("At most").fill("2")
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean +12025550123?")
    expect(page.get_by_role("textbox", name="Number")).to_have_value("+1 202-555-0123")
    expect(page.get_by_label("For")).to_have_value("voice")
    assert "555" not in urlsplit(page.url).path + urlsplit(page.url).query
    page.get_by_role("textbox", name="Number").fill(TO)
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("listitem").filter(has_text=SHOWN)).to_contain_text("Phone call, 2 more times on sandbox")
    receipt = shared.do(lambda opened: opened.telephone.call(TO, "Good morning."))
    assert receipt.approval == "A0"


def test_a_tab_that_stays_open_closes_by_itself_when_its_session_ends(
    installation: Installation, browser: BrowserContext
) -> None:
    set_passphrase(installation.home, PASSPHRASE)
    console = installation.console()
    first, second = browser.new_page(), browser.new_page()
    first.goto(console.url)
    first.get_by_label("Passphrase").fill(PASSPHRASE)
    first.get_by_role("button", name="Sign in").click()
    second.goto(console.url)
    expect(second.get_by_role("heading", name="Nothing waits")).to_be_visible()
    first.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible(timeout=LIVE_MS)
