"""A person reads a conversation, takes it over, writes by hand, and gives it back: in a real browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import LIVE_MS, TO

from ringback.errors import Refused
from ringback.model.text import count_segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Locator, Page
    from tests.e2e.console.conftest import Console, Installation

    from ringback.opening import Ringback

pytestmark = pytest.mark.browser
OTHER = "+12025550188"
HOSTILE = '</div><script>document.title="owned"</script><img src=x onerror=alert(1)> {{7*7}} \u202egnp.exe\u202c\x07 '
WITHIN_S = 3.0


@pytest.fixture
def talks(shared: Installation) -> Iterator[Installation]:
    """The shared installation with no conversation at all: everybody is forgotten."""

    async def forget(opened: Ringback) -> None:
        for number in (TO, OTHER):
            await opened.person.forget(number)

    shared.do(forget)
    yield shared
    shared.do(forget)


def open_talk(page: Page, console: Console, number: str = "+1 202-555-0123") -> None:
    page.goto(f"{console.url}/conversations")
    page.get_by_role("link", name=number).click()
    expect(page.get_by_role("heading", name=number)).to_be_visible()


def said(page: Page) -> Locator:
    return page.get_by_role("region", name="What was said").last.get_by_role("article")


def take_over(page: Page) -> None:
    page.get_by_role("button", name="Take over").click()
    expect(page.get_by_role("heading", name="Taken over")).to_be_visible()


def refused(installation: Installation, body: str) -> str | None:
    async def try_it(opened: Ringback) -> str | None:
        try:
            await opened.telephone.send_sms(TO, body)
        except Refused as refusal:
            return refusal.rule
        return None

    return installation.do(try_it)


def test_a_person_takes_over_writes_by_hand_and_gives_it_back(
    talks: Installation, console: Console, page: Page
) -> None:
    talks.agreed("From the agent.")
    waiting = talks.text("May I say more?")
    open_talk(page, console)
    expect(page.get_by_text("1 that waits or is scheduled is cancelled")).to_be_visible()
    expect(page.get_by_label("Your text to")).to_be_hidden()
    take_over(page)
    expect(page.get_by_text("One that waited was cancelled.")).to_be_visible()
    assert talks.status(waiting.id) == "cancelled"
    assert refused(talks, "And this?") == "human_takeover"
    expect(page.get_by_text("quiet hours and limits are not applied")).to_be_visible()
    page.get_by_label("Your text to +1 202-555-0123").fill("It is me, in person.")
    page.get_by_role("button", name="Send by hand").click()
    expect(page.get_by_text("Sent by hand.")).to_be_visible()
    expect(said(page).last).to_contain_text("By hand")
    expect(said(page).last).to_contain_text("It is me, in person.")
    assert talks.record() == [(TO, "It is me, in person."), (TO, "From the agent.")]
    page.get_by_role("button", name="Give back").click()
    expect(page.get_by_role("heading", name="conversation")).to_be_visible()
    assert refused(talks, "Once more?") is None
    assert TO not in page.url


def test_both_directions_stand_in_order_each_with_who_wrote_it_and_what_became_of_it(
    talks: Installation, console: Console, page: Page
) -> None:
    talks.agreed("First, the agent.")
    open_talk(page, console)
    expect(said(page)).to_have_count(1)
    talks.write("Second, they.")
    expect(said(page)).to_have_count(2, timeout=LIVE_MS)
    take_over(page)
    page.get_by_label("Your text to").fill("Third, by hand.")
    page.get_by_role("button", name="Send by hand").click()
    expect(said(page)).to_have_count(3)
    first, second, third = (said(page).nth(at) for at in range(3))
    expect(first).to_contain_text("Agent")
    expect(first).to_contain_text("Delivered", timeout=LIVE_MS)
    expect(second).to_contain_text("They")
    expect(second).to_contain_text("untrusted")
    expect(third).to_contain_text("By hand")
    expect(third).to_contain_text("Delivered", timeout=LIVE_MS)


def test_what_they_write_while_it_is_open_appears_at_once_and_what_is_typed_stays(
    talks: Installation, console: Console, page: Page
) -> None:
    talks.agreed("Hello?")
    open_talk(page, console)
    take_over(page)
    box = page.get_by_label("Your text to")
    box.fill("I am still typ")
    for text in ("One.", "Two.", "Three."):
        began = time.monotonic()
        talks.write(text)
        expect(said(page).last).to_contain_text(text, timeout=LIVE_MS)
        assert time.monotonic() - began < WITHIN_S
    expect(box).to_have_value("I am still typ")
    expect(box).to_be_focused()


def test_a_takeover_elsewhere_shows_here_and_so_does_its_end(talks: Installation, console: Console, page: Page) -> None:
    talks.agreed("Hello?")
    open_talk(page, console)
    talks.do(lambda opened: opened.person.conversations.take_over(TO, via="terminal"))
    expect(page.get_by_text(", by a person in a terminal")).to_be_visible(timeout=LIVE_MS)
    expect(page.get_by_label("Your text to")).to_be_visible()
    talks.do(lambda opened: opened.person.conversations.give_back(TO))
    expect(page.get_by_label("Your text to")).to_be_hidden(timeout=LIVE_MS)


def test_the_list_has_the_newest_first_and_above_it_who_is_taken_over(
    talks: Installation, console: Console, page: Page
) -> None:
    page.goto(f"{console.url}/conversations")
    expect(page.get_by_role("heading", name="No conversations yet")).to_be_visible()
    talks.agreed("To one.")
    talks.agreed("To another.", OTHER)
    items = page.get_by_role("main").get_by_role("listitem")
    expect(items).to_have_count(2, timeout=LIVE_MS)
    expect(items.first).to_contain_text("+1 202-555-0188")
    talks.do(lambda opened: opened.person.conversations.take_over(TO, via="page"))
    expect(items.first).to_contain_text("Taken over since", timeout=LIVE_MS)
    expect(items.first).to_contain_text("+1 202-555-0123")


@pytest.mark.parametrize(
    "text", ["a", "a" * 160, "a" * 161, "€" * 80, "€" * 77 + "{" * 77, "ж" * 71, "🎁" * 36, "line\nline", "`"]
)
def test_segments_are_counted_as_one_types_as_the_carrier_counts_them(
    talks: Installation, console: Console, page: Page, text: str
) -> None:
    talks.agreed("Hello?")
    open_talk(page, console)
    take_over(page)
    page.get_by_label("Your text to").fill(text)
    expected = count_segments(text)
    words = f"{expected.count} segment{'' if expected.count == 1 else 's'} ({expected.encoding})"
    expect(page.locator("[data-size]")).to_have_text(f"{len(text)} of 1,600 characters · {words}")


def test_the_longest_text_goes_out_whole_and_a_longer_one_not_at_all(
    talks: Installation, console: Console, page: Page
) -> None:
    talks.agreed("Hello?")
    open_talk(page, console)
    take_over(page)
    box, send = page.get_by_label("Your text to"), page.get_by_role("button", name="Send by hand")
    box.fill("🎁" * 1601)
    expect(page.locator("[data-size]")).to_contain_text("1 too many")
    expect(send).to_be_disabled()
    box.fill("🎁" * 1600)
    send.click()
    expect(page.get_by_text("Sent by hand.")).to_be_visible()
    assert talks.record()[0] == (TO, "🎁" * 1600)


def test_line_breaks_arrive_as_they_were_typed(talks: Installation, console: Console, page: Page) -> None:
    talks.agreed("Hello?")
    open_talk(page, console)
    take_over(page)
    page.get_by_label("Your text to").fill("\nOne\n\nTwo {number} &amp; %2B+")
    page.get_by_role("button", name="Send by hand").click()
    expect(page.get_by_text("Sent by hand.")).to_be_visible()
    assert talks.record()[0] == (TO, "\nOne\n\nTwo {number} &amp; %2B+")


def test_a_text_that_cannot_go_out_is_told_and_another_one_goes(
    talks: Installation, console: Console, browser: BrowserContext
) -> None:
    page = browser.new_page()  # a browser complains about an answer that is an error
    talks.agreed("Hello?")
    open_talk(page, console)
    take_over(page)
    box = page.get_by_label("Your text to")
    box.fill("   ")
    page.get_by_role("button", name="Send by hand").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    page.get_by_label("Your text to").fill("Now with words.")
    page.get_by_role("button", name="Send by hand").click()
    expect(page.get_by_text("Sent by hand.")).to_be_visible()
    assert talks.record() == [(TO, "Now with words."), (TO, "Hello?")]


def test_hostile_texts_of_all_three_are_shown_whole_as_plain_text(
    talks: Installation, console: Console, page: Page
) -> None:
    body = (HOSTILE * 30)[:1599] + "!"
    talks.agreed(body)
    talks.write(body)
    page.goto(f"{console.url}/conversations")
    expect(page.get_by_text("They:")).to_be_visible(timeout=LIVE_MS)
    open_talk(page, console)
    take_over(page)
    page.get_by_label("Your text to").fill(body.replace("\x07", ""))
    page.get_by_role("button", name="Send by hand").click()
    expect(said(page)).to_have_count(3)
    for at in range(3):
        bubble = said(page).nth(at).locator(".bubble")
        assert bubble.locator("a, script, img, button").count() == 0
        assert bubble.inner_text().replace("↵", "").endswith("!")
        expect(bubble).to_contain_text("⟦U+202E⟧gnp.exe⟦U+202C⟧")
    assert not set(page.content()) & set("\u202e\u202c\x07")
    expect(page).to_have_title("Conversation · Ringback")


def test_a_forgotten_person_leaves_the_open_page(
    talks: Installation, console: Console, browser: BrowserContext
) -> None:
    page = browser.new_page()  # as above
    talks.agreed("Something private.")
    open_talk(page, console)
    talks.do(lambda opened: opened.person.forget(TO))
    expect(page.get_by_text("Something private.")).to_have_count(0, timeout=LIVE_MS)
    assert "555-0123" not in page.content()
