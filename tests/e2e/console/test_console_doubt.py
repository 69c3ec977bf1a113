"""Of what nobody knows whether it went out a person may say so: after a second look, and for the record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import LIVE_MS, TO

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.e2e.console.conftest import Console, Installation

pytestmark = pytest.mark.browser
SHOWN = "+1 202-555-0123"


def test_it_is_shown_whole_with_what_happened_and_what_to_do_first(
    shared: Installation, console: Console, page: Page
) -> None:
    shared.doubtful("Did I get through?")
    page.goto(console.url)
    page.get_by_role("link", name="One request is in doubt").click()
    card = page.get_by_role("article", name=f"Text message to {SHOWN}")
    for words in (
        "Did I get through?",
        TO,
        "the carrier answered with an error of its own. It may or may not have gone out.",
        "The carrier said: internal error",
        "own list first. Nothing is sent by your answer.",
    ):
        expect(card).to_contain_text(words)


@pytest.mark.parametrize(
    ("first", "then", "status", "word"),
    [
        ("It went out", "Yes, it went out", "sent", "Sent, a person says"),
        ("It did not go out", "Yes, it did not go out", "failed", "Not sent, a person says"),
    ],
)
def test_a_verdict_is_confirmed_stored_and_sends_nothing(
    shared: Installation, console: Console, page: Page, first: str, then: str, status: str, word: str
) -> None:
    receipt = shared.doubtful(f"{first}?")
    page.goto(f"{console.url}/doubtful")
    page.get_by_role("link", name=re.compile(rf"^{first} ?: text message to {re.escape(SHOWN)}")).click()
    expect(page.get_by_text("cannot be changed later. Nothing is sent by it.")).to_be_visible()
    expect(page.get_by_role("region", name="The text")).to_have_text(f"{first}?")
    assert shared.status(receipt.id) == "unknown"
    page.get_by_role("button", name=then).click()
    expect(page.get_by_text("Stored as you said. Nothing was sent by it.")).to_be_visible()
    expect(page.get_by_text(word, exact=True)).to_be_visible()
    assert shared.status(receipt.id) == status
    assert shared.record() == []
    page.get_by_role("link", name="Decided").click()
    expect(page.get_by_role("listitem").first).to_contain_text(word)
    page.get_by_role("link", name="In doubt").click()
    expect(page.get_by_role("heading", name="Nothing is in doubt")).to_be_visible()


def test_whoever_is_not_sure_goes_back_and_nothing_is_stored(
    shared: Installation, console: Console, page: Page
) -> None:
    receipt = shared.doubtful("Not sure.")
    page.goto(f"{console.url}/doubtful")
    page.get_by_role("link", name="It went out").click()
    page.get_by_role("link", name="I am not sure").click()
    expect(page.get_by_role("article")).to_contain_text("Not sure.")
    assert shared.status(receipt.id) == "unknown"


def test_a_double_click_on_a_verdict_does_not_confirm_it(shared: Installation, console: Console, page: Page) -> None:
    receipt = shared.doubtful("Clicked twice.")
    page.goto(f"{console.url}/doubtful")
    page.get_by_role("link", name="It went out").click()
    # At the first moment at which the page answers at all.
    page.wait_for_url("**/sent")
    assert page.evaluate(PRESSED_AT_ONCE) is True
    expect(page.get_by_role("button", name="Yes, it went out")).to_be_enabled()
    assert shared.status(receipt.id) == "unknown"


def test_of_two_contrary_verdicts_the_first_stands_and_the_second_is_told(
    shared: Installation, console: Console, chromium: Browser
) -> None:
    receipt = shared.doubtful("Contrary.")
    with chromium.new_context(java_script_enabled=False) as still:
        first, second = still.new_page(), still.new_page()
        first.goto(f"{console.url}/doubtful/{receipt.id}/unsent")
        second.goto(f"{console.url}/doubtful/{receipt.id}/sent")
        first.get_by_role("button", name="Yes, it did not go out").click()
        second.get_by_role("button", name="Yes, it went out").click()
        expect(second.get_by_text("There was no doubt about it any more.")).to_be_visible()
        expect(second.get_by_text("Not sent, a person says", exact=True)).to_be_visible()
        second.goto(f"{console.url}/doubtful/{receipt.id}/sent")
        expect(second.get_by_text("There is no doubt about it any more.")).to_be_visible()
    assert shared.status(receipt.id) == "failed"


def test_doubts_come_and_go_live(shared: Installation, console: Console, page: Page, browser: BrowserContext) -> None:
    page.goto(f"{console.url}/doubtful")
    other = browser.new_page()
    other.goto(console.url)
    expect(page.get_by_role("heading", name="Nothing is in doubt")).to_be_visible()
    receipt = shared.doubtful("Live.")
    card = page.locator(f"#{receipt.id}")
    expect(card).to_contain_text("It may or may not have gone out.", timeout=LIVE_MS)
    expect(page.get_by_role("navigation").get_by_role("link", name="In doubt")).to_have_text("In doubt, 1")
    expect(other.get_by_role("link", name="One request is in doubt")).to_be_visible(timeout=LIVE_MS)
    shared.do(lambda opened: opened.person.resolve(receipt.id, sent=True))
    expect(card.get_by_text("No longer in doubt")).to_be_visible(timeout=LIVE_MS)
    expect(card.get_by_role("link", name="It went out")).to_have_count(0)
    expect(other.get_by_role("link", name="One request is in doubt")).to_have_count(0)


PRESSED_AT_ONCE = """async () => {
    for (;;) {
        const button = document.querySelector("form[action='/resolve'] button");
        if (button && document.documentElement.classList.contains("scripted")) {
            button.click();
            return button.disabled;
        }
        await new Promise((again) => requestAnimationFrame(again));
    }
}"""
