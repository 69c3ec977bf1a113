"""Texts and pictures in the browser, live, and what is written back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request, Route
    from tests.conftest import OpenHandset, Sandbox, StartSandbox

pytestmark = pytest.mark.browser

TO = "+15551234567"


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Sandbox:
    return still_sandbox


def test_a_text_arrives_live_with_an_unread_dot_and_is_delivered_under_the_eyes(page: Page, sandbox: Sandbox) -> None:
    page.get_by_text("It is quiet here").wait_for()
    sandbox.text("Your order has been shipped!")
    page.locator(".unread", has_text="Your order has been shipped!").wait_for()
    page.get_by_test_id("thread").click()
    bubble = page.get_by_test_id("bubble")
    bubble.filter(has_text="Queued").wait_for()
    sandbox.advance(1)
    bubble.filter(has_text="Sent").wait_for()
    sandbox.advance(1)
    bubble.filter(has_text="Delivered").wait_for()
    page.get_by_test_id("back").click()
    assert page.locator(".unread").count() == 0


def test_threads_stand_with_the_newest_first_and_stay_read_after_a_reload(page: Page, sandbox: Sandbox) -> None:
    for number, body in (("+15550142001", "one"), ("+15550142002", "two"), ("+15550142001", "three")):
        sandbox.text(body, number)
    page.get_by_test_id("thread").filter(has_text="three").wait_for()
    numbers = page.get_by_test_id("thread").evaluate_all("rows => rows.map(row => row.dataset.number)")
    assert numbers == ["+15550142001", "+15550142002"]
    page.locator('[data-number="+15550142001"]').click()
    page.get_by_test_id("bubble").filter(has_text="three").wait_for()
    page.reload()
    page.get_by_test_id("connection").filter(has_text="Live").wait_for()
    page.locator(".unread", has_text="two").wait_for()
    assert page.locator(".unread").count() == 1


def test_a_text_for_another_number_shows_a_notice_that_leads_to_it(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("first")
    page.get_by_test_id("thread").click()
    sandbox.text("for somebody else", "+15550142000")
    page.get_by_test_id("notice").filter(has_text="for somebody else").click()
    page.get_by_role("heading", name="+1 555 014 2000").wait_for()
    page.get_by_test_id("bubble").filter(has_text="for somebody else").wait_for()


def test_a_picture_of_the_documented_host_is_seen_and_nothing_is_asked_of_any_other_host(
    page: Page, sandbox: Sandbox
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sandbox.picture("https://sandbox.ringback.example/receipt.png")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("picture").evaluate("picture => picture.decode()")
    assert [url for url in asked if not url.startswith(sandbox.url)] == []


def test_a_picture_of_another_host_is_loaded_only_when_asked_for_and_without_a_referrer(
    page: Page, sandbox: Sandbox
) -> None:
    asked: list[Request] = []

    def serve(route: Route) -> None:
        asked.append(route.request)
        route.fulfill(
            body='<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', content_type="image/svg+xml"
        )

    page.route("https://pictures.example.com/**", serve)
    sandbox.picture("https://pictures.example.com/a/photo.png")
    page.get_by_test_id("thread").click()
    button = page.get_by_role("button", name="Load picture from pictures.example.com")
    button.wait_for()
    assert asked == []
    button.click()
    page.get_by_test_id("picture").evaluate("picture => picture.decode()")
    assert ["referer" in request.headers for request in asked] == [False]


def test_hostile_text_is_shown_as_text(page: Page, sandbox: Sandbox) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    sandbox.text("<img src=x onerror=alert(1)><script>alert(2)</script> \u202egnp.exe\u0007")
    page.get_by_test_id("thread").click()
    words = page.locator(".words")
    words.wait_for()
    expected = "<img src=x onerror=alert(1)><script>alert(2)</script> \u27e8U+202E\u27e9gnp.exe\u27e8U+0007\u27e9"
    assert words.text_content() == expected
    assert words.locator("*").count() == 0
    assert dialogs == []


def test_an_undelivered_text_says_why(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Hello?", "+15550100001")
    sandbox.advance(2)
    page.locator('[data-number="+15550100001"]').click()
    page.get_by_test_id("bubble").filter(has_text="Not delivered: the destination cannot be reached").wait_for()


def test_a_text_written_back_reaches_the_sandbox_and_the_thread(page: Page, sandbox: Sandbox) -> None:
    sandbox.text("Will you come?")
    page.get_by_test_id("thread").click()
    page.get_by_test_id("reply").press_sequentially("Yes,")
    page.get_by_test_id("reply").press("Shift+Enter")
    page.get_by_test_id("reply").press_sequentially("gladly")
    page.get_by_test_id("reply").press("Enter")
    page.locator('[data-type="reply"]', has_text="gladly").wait_for()
    reply = sandbox.get("/sandbox/replies")[0]
    assert (reply["from"], reply["body"]) == (TO, "Yes,\ngladly")


def test_after_the_sandbox_was_away_the_page_shows_what_it_missed(
    open_handset: OpenHandset, start_sandbox: StartSandbox
) -> None:
    first = start_sandbox()
    page = open_handset(first)
    first.process.kill()
    first.process.wait()
    page.locator('[data-testid="connection"][data-state="lost"]').wait_for()
    second = start_sandbox("--port", first.url.rpartition(":")[2])
    assert second.url == first.url
    second.text("Meanwhile")
    page.get_by_test_id("thread").filter(has_text="Meanwhile").wait_for()
    page.get_by_test_id("connection").filter(has_text="Live").wait_for()


def test_what_comes_while_the_page_is_loading_is_not_missed(page: Page, sandbox: Sandbox) -> None:
    # The page's answer to its first question is held back until something has changed.
    page.add_init_script("""
        const really = window.fetch;
        window.answered = new Promise((tell) => {
            window.fetch = async (...given) => {
                const answer = await really(...given);
                await new Promise((release) => {
                    window.release = release;
                    tell();
                });
                return answer;
            };
        });
    """)
    page.reload()
    page.evaluate("window.answered")
    # A second stream, heard beside the page's own, tells when the text has reached the browser.
    page.evaluate("""() => {
        window.stream = new EventSource("/sandbox/events");
        window.heard = new Promise((done) => window.stream.addEventListener("message", () => done()));
        return new Promise((done) => window.stream.addEventListener("hello", () => done()));
    }""")
    sandbox.text("In between")
    page.evaluate("window.heard.then(() => window.stream.close())")
    page.evaluate("window.release()")
    page.get_by_test_id("thread").filter(has_text="In between").wait_for()


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
def test_one_press_texts_back_a_stop_word_and_keeps_what_is_being_written(
    page: Page, sandbox: Sandbox, word: str
) -> None:
    sandbox.text("Your order has been shipped!", TO)
    page.get_by_test_id("thread").click()
    page.get_by_test_id("reply").fill("half a sentence")
    page.get_by_role("group", name="Text back one word").get_by_role("button", name=word, exact=True).click()
    page.locator(".own").filter(has_text=word).wait_for()
    (reply,) = sandbox.get("/sandbox/replies")
    assert (reply["from"], reply["body"]) == (TO, word)
    assert page.get_by_test_id("reply").input_value() == "half a sentence"
