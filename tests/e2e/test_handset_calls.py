"""A call in the browser: it takes over the screen, is heard and read, and its keys come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.conftest import Sandbox

pytestmark = pytest.mark.browser

PROMPT = "Hello, this is an automated assistant. Press 1 to confirm, or 2 to reschedule."


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def test_a_call_is_answered_its_prompt_shown_and_its_keys_go_back(page: Page, sandbox: Sandbox) -> None:
    call = sandbox.ring(PROMPT)
    page.get_by_role("alertdialog", name="Incoming call").wait_for()
    page.get_by_test_id("answer").click()
    assert page.get_by_test_id("captions").text_content() == PROMPT
    page.get_by_test_id("key-1").click()
    page.keyboard.press("#")
    page.keyboard.type("20")
    page.get_by_test_id("digits").filter(has_text="1#20").wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.get_by_test_id("call").wait_for(state="hidden")
    told = sandbox.api.get(f"/api/messaging/voice/{call}").json()
    assert (told["status"], told["digits"]) == ("completed", "1#20")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("bubble").filter(has_text="keys 1#20").wait_for()


def test_a_key_leaves_only_after_the_one_before_it_has_arrived(page: Page, sandbox: Sandbox) -> None:
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").click()
    page.get_by_test_id("digits").wait_for()
    page.evaluate("""() => {
        const really = window.fetch;
        window.held = [];
        window.second = new Promise((tell) => {
            window.fetch = (...given) =>
                new Promise((done) => {
                    if (window.held.push(() => done(really(...given))) === 2) tell();
                });
        });
    }""")
    page.keyboard.type("12")
    assert page.evaluate("window.held.length") == 1
    page.evaluate("window.held[0]()")
    page.evaluate("window.second")
    page.evaluate("window.held[1]()")
    page.get_by_test_id("digits").filter(has_text="12").wait_for()
    assert sandbox.calls()[0]["digits"] == "12"


def test_a_space_typed_as_a_call_comes_in_does_not_answer_it(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hello")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("reply").focus()
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").wait_for()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    assert sandbox.calls()[0]["status"] == "ringing"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.testid") == "decline"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_test_id("digits").wait_for()
    assert (sandbox.calls()[0]["status"], sandbox.calls()[0]["digits"]) == ("in-progress", "")


def test_after_a_declined_call_the_focus_is_back_where_it_was(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hello")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("reply").fill("half a")
    sandbox.ring(PROMPT)
    page.get_by_role("button", name="Decline").click()
    page.get_by_test_id("call").wait_for(state="hidden")
    page.keyboard.type(" sentence")
    assert page.get_by_test_id("reply").input_value() == "half a sentence"
    assert sandbox.calls()[0]["status"] == "busy"


def test_a_call_that_nobody_answers_leaves_the_screen_as_missed(page: Page, sandbox: Sandbox) -> None:
    sandbox.ring(PROMPT)
    page.get_by_test_id("answer").wait_for()
    sandbox.advance(30)
    page.get_by_test_id("call").wait_for(state="hidden")
    page.get_by_test_id("thread").filter(has_text="Missed call").wait_for()


def test_a_second_call_waits_until_the_first_is_over(page: Page, sandbox: Sandbox) -> None:
    sandbox.ring(PROMPT, "+15550142001")
    page.get_by_test_id("answer").click()
    sandbox.ring(PROMPT, "+15550142002")
    page.get_by_text("1 more call is waiting").wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("alertdialog").filter(has_text="to +1 555 014 2002").wait_for()


def test_a_call_is_left_to_voicemail_and_the_screen_is_free_while_it_records(page: Page, sandbox: Sandbox) -> None:
    call = sandbox.ring(PROMPT)
    page.get_by_role("button", name="Let voicemail take it").click()
    page.get_by_test_id("call").wait_for(state="hidden")
    told = sandbox.get(f"/sandbox/calls/{call}")
    assert (told["status"], told["answered_by"]) == ("in-progress", "voicemail")
    page.get_by_test_id("thread").filter(has_text="Voicemail is recording").click()
    sandbox.advance(10)
    page.get_by_test_id("bubble").filter(has_text="Voicemail took it, 0:10").wait_for()


def test_a_call_that_rings_is_taken_while_voicemail_records_another(page: Page, sandbox: Sandbox) -> None:
    sandbox.ring(PROMPT, "+15550142001")
    page.get_by_test_id("voicemail").click()
    sandbox.ring("Another call", "+15550142002")
    page.get_by_test_id("answer").click()
    page.get_by_test_id("captions").filter(has_text="Another call").wait_for()


def test_star_nine_is_pressed_on_the_keypad_and_typed(page: Page, sandbox: Sandbox) -> None:
    call = sandbox.ring("Press star nine to opt out.")
    page.get_by_test_id("answer").click()
    page.get_by_role("button", name="star").click()
    page.get_by_test_id("key-9").click()
    page.keyboard.type("*9")
    page.get_by_test_id("digits").filter(has_text="*9*9").wait_for()
    assert sandbox.get(f"/sandbox/calls/{call}")["digits"] == "*9*9"
