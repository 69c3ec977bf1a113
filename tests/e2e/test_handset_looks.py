"""The handset for every screen and everybody: sizes, motion, names and announcements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.conftest import OpenHandset, Sandbox

pytestmark = pytest.mark.browser

PROMPT = "Hello, this is an automated assistant. Press 1 to confirm, or 2 to reschedule."


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def test_a_new_text_is_announced_and_every_control_has_a_name(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hear me")
    page.get_by_test_id("announcer").filter(has_text="Text to +1 555 123 4567: Hear me").wait_for(state="attached")
    page.get_by_test_id("inspector-toggle").click()
    nameless = []
    for tab in page.get_by_role("tab").all():
        tab.click()
        nameless += nameless_controls(page)
    page.get_by_test_id("thread").click()
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").wait_for()
    nameless += nameless_controls(page)
    page.get_by_test_id("answer").click()
    page.get_by_test_id("digits").wait_for()
    assert nameless + nameless_controls(page) == []


def nameless_controls(page: Page) -> list[str]:
    roles = ("button", "textbox", "searchbox", "combobox", "spinbutton", "tab", "link", "alertdialog", "dialog")
    lines = (line.strip() for line in page.locator("body").aria_snapshot().splitlines())
    return [line for line in lines if line.startswith(tuple(f"- {role}" for role in roles)) and '"' not in line]


@pytest.mark.parametrize(("width", "height"), [(320, 568), (390, 844), (768, 1024), (1280, 800), (1280, 560)])
def test_at_every_width_the_banner_stands_and_nothing_runs_off_the_screen(
    open_handset: OpenHandset, sandbox: Sandbox, width: int, height: int
) -> None:
    page = open_handset(sandbox, viewport={"width": width, "height": height})
    sandbox.text("W" * 400)
    page.get_by_test_id("thread").click()
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").click()
    hang_up = page.get_by_role("button", name="Hang up")
    hang_up.scroll_into_view_if_needed()
    for part in (page.get_by_test_id("banner"), page.get_by_test_id("key-#"), hang_up):
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    assert "nothing leaves this machine" in page.get_by_test_id("banner").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_at_phone_width_the_handset_fills_the_screen(open_handset: OpenHandset, sandbox: Sandbox) -> None:
    page = open_handset(sandbox, viewport={"width": 390, "height": 844})
    banner, phone = page.get_by_test_id("banner").bounding_box(), page.locator("#phone").bounding_box()
    assert (phone["x"], phone["width"]) == (0, 390)
    assert banner["height"] + phone["height"] == 844


def test_at_phone_width_the_inspector_makes_way_for_a_call_and_for_what_was_searched(
    open_handset: OpenHandset, sandbox: Sandbox
) -> None:
    page = open_handset(sandbox, viewport={"width": 390, "height": 844})
    sandbox.text("The blue umbrella")
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_role("tab", name="Search").click()
    page.get_by_test_id("search").fill("umbrella")
    page.get_by_test_id("result").click()
    page.get_by_test_id("bubble").filter(has_text="The blue umbrella").click()
    page.get_by_test_id("inspector-toggle").click()
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").click()
    page.get_by_test_id("digits").wait_for(state="attached")


def test_whoever_wants_no_motion_sees_none(open_handset: OpenHandset, sandbox: Sandbox) -> None:
    page = open_handset(sandbox, reduced_motion="reduce")
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").wait_for()
    assert page.evaluate("document.getAnimations().length") == 0
