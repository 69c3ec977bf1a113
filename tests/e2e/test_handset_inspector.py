"""The inspector beside the handset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.conftest import Sandbox

pytestmark = pytest.mark.browser

TO = "+15551234567"


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def test_the_inspector_shows_each_request_with_its_answer(page: Page, sandbox: Sandbox) -> None:
    page.get_by_test_id("inspector-toggle").click()
    sandbox.text("Look inside")
    entry = page.get_by_test_id("request").filter(has_text="/api/messaging/sms")
    entry.filter(has_text="201").locator("summary").click()
    entry.get_by_text('"body": "Look inside"').wait_for()
    entry.get_by_text('"status": "queued"').wait_for()


def test_the_clock_is_advanced_and_faults_are_set_from_the_inspector(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hello")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_role("tab", name="Clock and faults").click()
    page.get_by_role("button", name="+10 s").click()
    page.get_by_test_id("bubble").filter(has_text="Delivered").wait_for()
    page.get_by_role("button", name="Stand still", pressed=True).click()
    page.get_by_role("button", name="Stand still", pressed=False).wait_for()
    assert sandbox.get("/sandbox/clock")["frozen"] is False
    page.get_by_label("get").select_option("500")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_text("The next send gets 500.").wait_for()
    assert sandbox.api.post("/api/messaging/sms", json={"to": TO, "body": "x"}).status_code == 500
    with page.expect_response("**/sandbox/faults"):
        page.get_by_test_id("telephony").select_option("disabled")
    assert sandbox.get("/sandbox/faults")["telephony"] == "disabled"


def test_search_finds_words_and_numbers_and_opens_the_thread(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("The blue umbrella", "+15550142001")
    sandbox.text("Something else", "+15550142002")
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_role("tab", name="Search").click()
    page.get_by_test_id("search").fill("UMBRELLA")
    page.get_by_text("1 found").wait_for()
    page.get_by_test_id("search").fill("555 014 2002")
    page.get_by_test_id("result").filter(has_text="Something else").click()
    page.get_by_role("heading", name="+1 555 014 2002").wait_for()


def test_a_reset_takes_two_clicks_and_empties_the_handset(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hello")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_test_id("reset").click()
    assert len(sandbox.messages()) == 1
    page.get_by_role("button", name="Forget everything?").click()
    page.get_by_text("It is quiet here").wait_for()
    assert sandbox.messages() == []
