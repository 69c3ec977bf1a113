"""The console for every person: by keyboard, on a narrow phone, in the dark, with a screen reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import TO

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page
    from tests.e2e.console.conftest import Console, Installation

    from ringback.receipts import Receipt

_COUNT = count()
PAGES = (
    "/",
    "/scheduled",
    "/scheduled/calendar",
    "/doubtful",
    "/received",
    "/conversations",
    "/history",
    "/allowed",
    "/opted-out",
    "/rules",
    "/line",
)
pytestmark = pytest.mark.browser


def fill(installation: Installation, body: str) -> Receipt:
    """Every list with something in it; what is in doubt."""
    installation.agreed(body, at=datetime.now(UTC) + timedelta(days=2))
    resolved = installation.doubtful(f"Resolved {next(_COUNT)}. {body}"[:1600])
    installation.do(lambda opened: opened.person.resolve(resolved.id, sent=True))
    installation.write(body)
    taken = "+12025550188"
    installation.do(lambda opened: opened.person.conversations.give_back(taken))
    installation.agreed(body, taken)
    installation.do(lambda opened: opened.person.conversations.take_over(taken, via="page"))
    for via in ("page", "import"):
        installation.do(lambda opened, via=via: opened.person.opt_outs.add(f"+1202555019{len(via)}", via=via))
    installation.do(lambda opened: opened.person.overview.name_zone(TO, "America/Argentina/ComodRivadavia"))
    return installation.doubtful(f"Doubtful. {body}"[:1600])


def talks(installation: Installation) -> list[str]:
    """The pages of all conversations: one that was taken over, one that is the agent's."""
    found = installation.do(lambda opened: opened.person.conversations.lately())
    assert len(found) > 1
    return [f"/conversations/{one.contact}" for one in found]


def test_everything_works_without_a_pointer(shared: Installation, console: Console, page: Page) -> None:
    receipt = shared.text("By keyboard.")
    page.goto(console.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.value || document.activeElement.className"))
        if reached[-1] == "once":
            break
    assert "text" in reached  # a long text can be scrolled by keys
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.get_by_text("on this page or in a terminal (A2)")).to_be_visible()
    assert shared.status(receipt.id) != "awaiting_approval"


@pytest.mark.parametrize("width", [320, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_long_text_is_whole_and_no_page_scrolls_sideways(
    shared: Installation, console: Console, chromium: Browser, width: int, scheme: str
) -> None:
    body = ("🚆 " + "W" * 120 + "\n") * 12
    shared.text(body)
    shared.do(lambda opened: opened.telephone.send_mms(TO, "Look", "https://example.com/" + "a" * 1900))
    doubt = fill(shared, body)
    with chromium.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme) as context:
        page = context.new_page()
        for path in (*PAGES, f"/doubtful/{doubt.id}/sent", *talks(shared)):
            page.goto(console.url + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        page.goto(console.url)
        text = page.get_by_role("region", name="The text").first
        assert text.inner_text().replace("↵", "") == body
        assert text.evaluate("box => getComputedStyle(box).overflowY") == "auto"
        assert text.evaluate(
            "box => { box.scrollTop = 1e9; return box.scrollTop + box.clientHeight + 2 > box.scrollHeight }"
        )


def test_every_page_has_landmarks_headings_labels_and_enough_contrast(
    shared: Installation, console: Console, chromium: Browser
) -> None:
    shared.text("Pay \u202e4321 today. " * 40)
    doubt = fill(shared, "Pay \u202e4321 tomorrow. " * 40)
    for scheme in ("light", "dark"):
        with chromium.new_context(color_scheme=scheme) as context:
            page = context.new_page()
            for path in (*PAGES, f"/doubtful/{doubt.id}/sent", *talks(shared)):
                page.goto(console.url + path)
                assert page.evaluate(UNNAMED) == [], path
                assert page.evaluate(FAINT) == [], (scheme, path)
                assert page.locator("h1").count() == 1
                for landmark in ("banner", "navigation", "main", "contentinfo"):
                    assert page.get_by_role(landmark).count() == 1, (path, landmark)


UNNAMED = """() => [...document.querySelectorAll("input:not([type=hidden]), textarea, select, button, a, img")]
    .filter((item) => !(item.labels?.length || item.textContent.trim() || item.getAttribute("aria-label")
        || item.hasAttribute("alt")))
    .map((item) => item.outerHTML)"""

FAINT = """() => {
    const light = (rgb) => rgb.slice(0, 3).map((part) => part / 255)
        .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
        .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
    const parts = (color) => color.match(/[\\d.]+/g).map(Number);
    const ground = (item) => {
        for (let at = item; at; at = at.parentElement) {
            const color = parts(getComputedStyle(at).backgroundColor);
            if (color.length === 3 || color[3] > 0) return color;
        }
        return [255, 255, 255];
    };
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const faint = new Set();
    while (words.nextNode()) {
        const item = words.currentNode.parentElement;
        if (!words.currentNode.data.trim() || !item.checkVisibility() || item.closest("[aria-hidden]")) continue;
        const two = [light(parts(getComputedStyle(item).color)), light(ground(item))].sort((a, b) => b - a);
        if ((two[0] + 0.05) / (two[1] + 0.05) < 4.5) faint.add(`${item.className}: ${words.currentNode.data}`);
    }
    return [...faint];
}"""
