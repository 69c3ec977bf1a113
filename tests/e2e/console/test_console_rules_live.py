"""The rules' pages in a real browser: they keep up by themselves, work without script, by keyboard and on a phone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect
from tests.e2e.console.conftest import LIVE_MS, TO
from tests.e2e.console.many import RULES, WORDS, ask_many

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page
    from tests.e2e.console.conftest import Console, Installation

    from ringback.opening import Ringback

pytestmark = pytest.mark.browser
SHOWN = "+1 202-555-0123"


@pytest.fixture(autouse=True, scope="module")
def _rules() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in RULES.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def console(module_installation: Installation) -> Console:
    return module_installation.console(**RULES)


@pytest.fixture
def shared(shared: Installation) -> Installation:
    """The shared installation with nobody opted out, either."""

    async def lift(opened: Ringback) -> None:
        for opt_out in await opened.person.opt_outs.standing():
            await opened.person.opt_outs.lift(opt_out.number.e164)

    shared.do(lift)
    return shared


def test_a_stop_word_is_on_the_list_by_itself_and_start_takes_it_off(
    shared: Installation, console: Console, page: Page
) -> None:
    page.goto(f"{console.url}/opted-out")
    expect(page.get_by_text("Nobody opted out.")).to_be_visible()
    shared.write("STOP")
    row = page.get_by_role("row").filter(has_text=SHOWN)
    expect(row).to_contain_text("They wrote a stop word", timeout=LIVE_MS)
    shared.write("START")
    expect(page.get_by_text("Nobody opted out.")).to_be_visible(timeout=LIVE_MS)


def test_who_is_noted_down_in_another_process_is_on_the_open_list(
    shared: Installation, console: Console, page: Page
) -> None:
    page.goto(f"{console.url}/opted-out")
    expect(page.get_by_text("Nobody opted out.")).to_be_visible()
    shared.do(lambda opened: opened.person.opt_outs.add(TO, via="terminal"))
    expect(page.get_by_role("row").filter(has_text=SHOWN)).to_be_visible(timeout=LIVE_MS)


def test_a_person_notes_down_and_lifts_by_keyboard(shared: Installation, console: Console, page: Page) -> None:
    page.goto(f"{console.url}/opted-out")
    page.get_by_label("Number, with + and country code").focus()
    page.keyboard.type(TO)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Noted. Nothing goes out to them any more.")).to_be_visible()
    page.get_by_role("link", name=f"Lift the opt-out of {SHOWN}").focus()
    page.keyboard.press("Enter")
    button = page.get_by_role("button", name="Lift it")
    expect(button).to_be_enabled()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Lifted.")).to_be_visible()
    expect(page.get_by_text("Nobody opted out.")).to_be_visible()


def test_their_own_word_asks_a_second_time(shared: Installation, console: Console, page: Page) -> None:
    shared.write("STOP")
    page.goto(f"{console.url}/opted-out")
    page.get_by_role("link", name="Lift the opt-out of").click(timeout=LIVE_MS)
    button = page.get_by_role("button", name="Lift it")
    expect(button).to_be_enabled()
    button.click()
    expect(page.get_by_role("heading", name="Lift this opt-out?")).to_be_visible()  # the browser wants the box first
    assert len(shared.do(lambda opened: opened.person.opt_outs.standing())) == 1
    page.get_by_label("They told me since that they want messages and calls again.").check()
    page.get_by_role("button", name="Lift it").click()
    expect(page.get_by_text("Lifted.")).to_be_visible()


def test_a_file_is_taken_in_and_the_list_given_out(
    shared: Installation, console: Console, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(f"phone,via\n{TO},import\n+4915112345678,import\n")
    page.goto(f"{console.url}/opted-out")
    page.get_by_label("From a file").set_input_files(file)
    expect(page.get_by_text("list.csv stands in the box below.")).to_be_visible()
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("Taken in. Lines: 2. New: 2. Stood before: 0.")).to_be_visible()
    for _ in range(2):  # the page stays as it is, so it can be given out again
        with page.expect_download() as given:
            page.get_by_role("button", name="Download the list").click()
        text = given.value.path().read_text()
        assert given.value.suggested_filename == "ringback-opted-out.csv"
        assert {line.partition(",")[0] for line in text.splitlines()} == {"phone", TO, "+4915112345678"}


def test_a_file_that_is_too_large_is_not_even_read(
    shared: Installation, console: Console, page: Page, tmp_path: Path
) -> None:
    file = tmp_path / "large.csv"
    file.write_text(f"{TO}\n" * 20_000)
    page.goto(f"{console.url}/opted-out")
    page.get_by_label("From a file").set_input_files(file)
    expect(page.get_by_text("large.csv is larger than 64 KiB.")).to_be_visible()
    expect(page.get_by_role("textbox", name="The list")).to_have_value("")


def test_an_open_conversation_closes_its_box_when_they_opt_out(
    shared: Installation, console: Console, page: Page
) -> None:
    shared.agreed("Hello.")
    taken = shared.do(lambda opened: opened.person.conversations.take_over(TO, via="page"))
    page.goto(f"{console.url}/conversations/{taken.takeover.contact}")
    box = page.get_by_label("Your text to")
    expect(box).to_be_enabled()
    shared.write("STOP")
    expect(box).to_be_disabled(timeout=LIVE_MS)
    expect(page.get_by_text("You cannot write to them: they opted out.")).to_be_visible()
    expect(page.get_by_role("button", name="Send by hand")).to_be_disabled()
    shared.write("START")
    expect(box).to_be_enabled(timeout=LIVE_MS)
    shared.do(lambda opened: opened.person.conversations.give_back(TO))


def test_a_list_is_answered_as_one_without_script(shared: Installation, console: Console, chromium: Browser) -> None:
    shared.do(lambda opened: ask_many(opened, 12))
    with chromium.new_context(java_script_enabled=False) as still:
        page = still.new_page()
        page.goto(console.url)
        card = page.get_by_role("article")
        expect(card).to_have_count(1)
        expect(card).to_contain_text("The same text to 12 people")
        expect(page.locator("[data-member]")).to_have_count(12)
        page.get_by_text("And 2 more: show all").click()
        expect(page.locator("[data-member]").last).to_be_visible()
        page.get_by_role("button", name="Approve all 12").click()
        expect(page.get_by_text("Approved: 12 of 12.")).to_be_visible()
    assert [body for _, body in shared.record()] == [WORDS] * 12


def test_who_comes_to_an_open_list_is_marked_and_told(shared: Installation, console: Console, page: Page) -> None:
    ids = shared.do(lambda opened: ask_many(opened, 12, "Somebody comes."))
    page.goto(console.url)
    page.get_by_text("And 2 more: show all").click()
    expect(page.get_by_role("button", name="Approve all 12")).to_be_enabled()
    (late,) = shared.do(lambda opened: ask_many(opened, 1, "Somebody comes.", first=500))
    expect(page.get_by_role("button", name="Approve all 13")).to_be_visible(timeout=LIVE_MS)
    expect(page.get_by_role("status").filter(has_text="A list changed: it has 13 recipients now.")).to_have_count(1)
    shown = page.locator("[data-new]:visible")
    expect(shown).to_have_count(1)
    expect(page.locator(f"[data-member={late}]")).to_contain_text("new")
    expect(page.locator(f"[data-member={ids[11]}]")).to_be_visible()  # what was open stays open
    page.get_by_role("button", name="Decline all 13").click()
    expect(page.get_by_text("Declined: none of the 13 goes out.")).to_be_visible()
    assert shared.record() == []


def test_a_list_that_is_answered_elsewhere_loses_its_buttons(
    shared: Installation, console: Console, page: Page
) -> None:
    ids = shared.do(lambda opened: ask_many(opened, 4, "Taken back."))
    page.goto(console.url)
    expect(page.get_by_role("button", name="Approve all 4")).to_be_visible()

    async def take_back(opened: Ringback) -> None:
        for one in ids:
            await opened.telephone.cancel(one)

    shared.do(take_back)
    expect(page.get_by_text("No longer waiting")).to_be_visible(timeout=LIVE_MS)
    expect(page.get_by_role("article").get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_calendar_shows_each_entry_on_its_day_and_leads_on(
    shared: Installation, console: Console, chromium: Browser, width: int
) -> None:
    at = datetime.now(UTC) + timedelta(days=2)
    receipt = shared.agreed("In two days.", at=at)
    local = at.astimezone()
    with chromium.new_context(java_script_enabled=False, viewport={"width": width, "height": 844}) as context:
        page = context.new_page()
        page.goto(f"{console.url}/scheduled")
        page.get_by_role("link", name="Calendar").click()
        page.goto(f"{console.url}/scheduled/calendar/{local:%Y-%m}")
        day = page.get_by_role("listitem").filter(has=page.locator(f"time[datetime='{local:%Y-%m-%d}']")).first
        expect(day).to_contain_text(f"{local:%H:%M}")
        day.get_by_role("link", name=SHOWN).click()
        expect(page).to_have_url(f"{console.url}/outbounds/{receipt.id}")
        page.go_back()
        page.get_by_role("link", name="The month after").click()
        page.get_by_role("link", name="The month before").click()
        page.get_by_role("link", name="Week", exact=True).click()
        expect(page.get_by_role("heading", level=2)).to_contain_text(" to ")


def test_the_calendar_keeps_up_by_itself(shared: Installation, console: Console, page: Page) -> None:
    at = datetime.now(UTC) + timedelta(days=1)
    page.goto(f"{console.url}/scheduled/calendar/{at.astimezone():%Y-%m}")
    expect(page.get_by_text("Nothing is scheduled in this month.")).to_be_visible()
    receipt = shared.agreed("Tomorrow.", at=at)
    expect(page.locator(f"a[href='/outbounds/{receipt.id}']")).to_be_visible(timeout=LIVE_MS)
    shared.do(lambda opened: opened.telephone.cancel(receipt.id))
    expect(page.get_by_text("Nothing is scheduled in this month.")).to_be_visible(timeout=LIVE_MS)


def test_limits_keep_up_by_themselves(shared: Installation, console: Console, page: Page) -> None:
    page.goto(f"{console.url}/rules")
    before = page.locator(".plots h3").last.inner_text()
    shared.agreed("Counted.")
    expect(page.locator(".plots h3").last).not_to_have_text(before, timeout=LIVE_MS)
