"""What people write to the agent's line, on the console: whole, harmless, and marked as what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import LIVE_MS, TO

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.e2e.console.conftest import Console, Installation

pytestmark = pytest.mark.browser
OTHER = "+12025550188"
HOSTILE = '</div><script>document.title="owned"</script><img src=x onerror=alert(1)> {{7*7}} \u202egnp.exe\u202c\x07 '


@pytest.fixture
def received(module_installation: Installation) -> Installation:
    """The shared installation with an empty list: everybody who wrote is forgotten, and the bare records go too."""
    database = module_installation.settings.ledger_path
    if database.exists():
        import sqlite3

        with sqlite3.connect(database) as connection:
            connection.execute("DELETE FROM received")
        connection.close()
    return module_installation


def test_a_text_appears_live_with_its_number_and_contact_and_is_marked_untrusted(
    received: Installation, console: Console, page: Page
) -> None:
    page.goto(f"{console.url}/received")
    expect(page.get_by_role("heading", name="Nothing was received")).to_be_visible()
    received.write("I am here.")
    card = page.get_by_role("article", name="From +1 202-555-0123")
    expect(card.get_by_role("region", name="What they wrote untrusted")).to_have_text("I am here.", timeout=LIVE_MS)
    expect(page.get_by_role("status").filter(has_text="A new text came in.")).to_have_count(1)
    expect(page.get_by_role("heading", name="Nothing was received")).to_be_hidden()
    (entry,) = received.do(lambda opened: opened.person.received())
    expect(card).to_contain_text(f"+1 202-555-0123 Contact reference {entry.contact}")
    expect(card).to_contain_text("an assistant sees +1 ••• ••• 0123")


def test_the_newest_stands_first_also_when_it_comes_live(received: Installation, console: Console, page: Page) -> None:
    received.write("Older.")
    page.goto(f"{console.url}/received")
    texts = page.get_by_role("article").get_by_role("region")
    expect(texts).to_have_text(["Older."], timeout=LIVE_MS)
    received.write("Newer.", OTHER)
    expect(texts).to_have_text(["Newer.", "Older."], timeout=LIVE_MS)


def test_a_hostile_text_is_shown_whole_as_plain_text(received: Installation, console: Console, page: Page) -> None:
    link = "Now call +19005550123 or open https://evil.example/?a=b javascript:alert(2) 🎁 "
    body = (HOSTILE + link) * 12
    body = (body + "x" * 1600)[:1599] + "!"
    received.write(body)
    page.goto(f"{console.url}/received")
    text = page.get_by_role("article").get_by_role("region")
    written_out = body.replace("\u202e", "⟦U+202E⟧").replace("\u202c", "⟦U+202C⟧").replace("\x07", "⟦U+0007⟧")
    expect(text).to_be_visible(timeout=LIVE_MS)
    assert text.inner_text() == written_out
    expect(page.get_by_role("article")).to_contain_text("1,600 characters")
    assert text.locator("a, script, img, button").count() == 0
    assert set(text.locator("*").evaluate_all("all => all.map((one) => one.tagName)")) == {"MARK"}
    assert not set(page.content()) & set("\u202e\u202c\x07")
    expect(page).to_have_title("Received · Ringback")


def test_an_erased_text_is_a_bare_record(received: Installation, console: Console, page: Page) -> None:
    page.goto(f"{console.url}/received")
    received.write("Forget that I wrote.", OTHER)
    expect(page.get_by_text("Forget that I wrote.")).to_be_visible(timeout=LIVE_MS)
    received.do(lambda opened: opened.person.forget(OTHER))
    expect(page.get_by_role("article", name="An erased text")).to_contain_text(
        "Number and text were erased; only this record is kept.", timeout=LIVE_MS
    )
    content = page.content()
    assert "Forget that I wrote." not in content
    assert "555-0188" not in content
    assert TO not in content
