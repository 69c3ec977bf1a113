"""What is to go out later: told before the yes, listed until then, cancelled by hand, gone at its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import LIVE_MS, TO

from ringback.model.moment import tell_moment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page
    from tests.e2e.console.conftest import Console, Installation

pytestmark = pytest.mark.browser
SHOWN = "+1 202-555-0123"
SEVERAL_ZONES = "+447911123456"


def later(**delay: float) -> datetime:
    return (datetime.now(UTC) + timedelta(**delay)).replace(microsecond=0)


def ask(installation: Installation, body: str, at: datetime, to: str = TO) -> None:
    installation.do(lambda opened: opened.telephone.send_sms(to, body, send_at=at.isoformat()))


def test_a_question_tells_its_time_in_utc_and_where_the_number_likely_is(
    shared: Installation, console: Console, page: Page
) -> None:
    at = later(days=3)
    ask(shared, "In three days.", at)
    page.goto(console.url)
    card = page.get_by_role("article")
    expect(card).to_contain_text(f"Goes out {tell_moment(at.timestamp())} in 2 days 23 h")
    local = tell_moment(at.timestamp(), "America/New_York").partition(" (")[0]
    expect(card).to_contain_text(f"{local}, where the number likely is")


def test_a_number_that_may_be_in_several_zones_of_one_time_gets_that_time(
    shared: Installation, console: Console, page: Page
) -> None:
    at = later(hours=5)
    ask(shared, "Somewhere.", at, SEVERAL_ZONES)
    page.goto(console.url)
    expect(page.get_by_role("article")).to_contain_text(f"Goes out {tell_moment(at.timestamp())} in 4 h 59 min")
    expect(page.get_by_text("where the number likely is")).to_contain_text("local time")


def test_a_question_without_a_time_says_that_it_goes_at_once(
    shared: Installation, console: Console, page: Page
) -> None:
    shared.text("Now.")
    page.goto(console.url)
    expect(page.get_by_role("article")).to_contain_text("Goes out at once, after your yes")


def test_a_yes_to_a_later_time_sends_nothing_yet_and_is_listed(
    shared: Installation, console: Console, page: Page
) -> None:
    ask(shared, "Tomorrow.", later(days=1))
    page.goto(console.url)
    page.get_by_role("button", name="Approve to").click()
    expect(page.get_by_text("It has its yes; it is scheduled for")).to_be_visible()
    page.get_by_role("link", name="Scheduled").click()
    expect(page.get_by_role("article")).to_contain_text("Tomorrow.")
    assert shared.record() == []


def test_the_next_one_stands_first_and_each_is_whole(shared: Installation, console: Console, page: Page) -> None:
    long = "Read me to the end. " * 79 + "The very last words."
    shared.agreed("The last one.", at=later(days=2))
    shared.agreed(long, at=later(hours=1))
    shared.agreed("In between.", at=later(days=1))
    page.goto(f"{console.url}/scheduled")
    expect(page.get_by_role("article").get_by_role("region", name="The text")).to_have_text(
        [long, "In between.", "The last one."]
    )
    expect(page.get_by_role("navigation").get_by_role("link", name="Scheduled")).to_have_text("Scheduled, 3")


def test_cancel_keeps_it_from_going_out(shared: Installation, console: Console, page: Page) -> None:
    receipt, kept = shared.agreed("Not after all.", at=later(hours=1)), shared.agreed("Kept.", at=later(hours=2))
    page.goto(f"{console.url}/scheduled")
    page.locator(f"#{receipt.id}").get_by_role("button", name=f"Cancel the message to {SHOWN}").click()
    expect(page.get_by_text("Cancelled. It does not go out.")).to_be_visible()
    expect(page.get_by_role("article")).to_have_count(1)
    assert (shared.status(receipt.id), shared.status(kept.id)) == ("cancelled", "scheduled")
    assert shared.record() == []


def test_two_presses_on_cancel_are_one_and_harm_nothing(
    shared: Installation, console: Console, chromium: Browser
) -> None:
    receipt = shared.agreed("Twice no.", at=later(hours=1))
    with chromium.new_context(java_script_enabled=False) as still:
        tabs = [still.new_page() for _ in range(2)]
        for tab in tabs:
            tab.goto(f"{console.url}/scheduled")
        for tab in tabs:
            tab.get_by_role("button", name="Cancel").click()
        expect(tabs[1].get_by_text("It was cancelled; nothing was sent.")).to_be_visible()
    assert shared.status(receipt.id) == "cancelled"


def test_it_leaves_at_its_time_and_the_page_says_so(shared: Installation, console: Console, page: Page) -> None:
    at = later(seconds=4)
    receipt = shared.agreed("On time.", at=at)
    page.goto(f"{console.url}/scheduled")
    card = page.locator(f"#{receipt.id}")
    expect(card.get_by_role("button", name="Cancel")).to_be_enabled()
    assert shared.record() == []
    expect(card.get_by_text("No longer scheduled")).to_be_visible(timeout=LIVE_MS)
    expect(card.get_by_role("button")).to_have_count(0)
    (message,) = shared.sandbox.messages()
    assert datetime.fromisoformat(message["created_at"]) >= at
    card.get_by_role("link", name="See what became of it").click()
    expect(page.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    assert shared.record() == [(TO, "On time.")]


def test_a_new_one_takes_its_place_live_and_what_moves_for_it_cannot_be_pressed_for_a_moment(
    shared: Installation, console: Console, page: Page
) -> None:
    first, last = shared.agreed("First.", at=later(hours=1)), shared.agreed("Last.", at=later(hours=3))
    page.goto(f"{console.url}/scheduled")
    cancel = page.locator(f"#{last.id}").get_by_role("button", name="Cancel")
    expect(cancel).to_be_enabled()
    page.evaluate(WATCH_DISABLING, last.id)
    middle = shared.agreed("Between.", at=later(hours=2))
    expect(page.get_by_role("status").filter(has_text="Something new is scheduled.")).to_have_count(1, timeout=LIVE_MS)
    order = page.get_by_role("article").evaluate_all("cards => cards.map((card) => card.id)")
    assert order == [first.id, middle.id, last.id]
    expect(cancel).to_be_enabled()
    assert page.evaluate("window.wasDisabled") is True


def test_what_is_cancelled_elsewhere_loses_its_button_where_it_stands(
    shared: Installation, console: Console, page: Page, browser: BrowserContext
) -> None:
    receipt = shared.agreed("Elsewhere.", at=later(hours=1))
    page.goto(f"{console.url}/scheduled")
    late = browser.new_page()
    late.route("**/events", lambda route: route.abort())
    late.goto(f"{console.url}/scheduled")
    shared.do(lambda opened: opened.telephone.cancel(receipt.id))
    expect(page.locator(f"#{receipt.id}").get_by_text("No longer scheduled")).to_be_visible(timeout=LIVE_MS)
    expect(page.get_by_role("link", name="Scheduled", exact=True)).to_be_visible()  # with no number beside it
    late.get_by_role("button", name="Cancel").click()
    expect(late.get_by_text("It was cancelled; nothing was sent.")).to_be_visible()


WATCH_DISABLING = """(id) => {
    window.wasDisabled = false;
    const button = document.querySelector(`#${id} button`);
    new MutationObserver(() => { window.wasDisabled ||= button.disabled; }).observe(button, { attributes: true });
}"""
