"""The handset in a real browser: what was sent is seen, and what is done there comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Request, Route
    from tests.conftest import Sandbox, StartSandbox

pytestmark = pytest.mark.browser

TO = "+15551234567"
PROMPT = "Hello, this is an automated assistant. Press 1 to confirm, or 2 to reschedule."
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def sandbox(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.post("/sandbox/reset")
    module_sandbox.freeze()
    return module_sandbox


@pytest.fixture
def page(browser: Browser, sandbox: Sandbox) -> Iterator[Page]:
    """The handset at desk width, live; whatever its console complains of fails the test."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
        go(page, sandbox)
        yield page
    assert complaints == []


def go(page: Page, sandbox: Sandbox) -> None:
    page.goto(sandbox.url)
    live(page)


def live(page: Page) -> None:
    page.locator('[data-testid="connection"][data-state="live"]').wait_for()


def text(sandbox: Sandbox, body: str, to: str = TO) -> None:
    sandbox.api.post("/api/messaging/sms", json={"to": to, "body": body}).raise_for_status()


def picture(sandbox: Sandbox, url: str) -> None:
    given = {"to": TO, "body": "A picture", "media_url": url}
    sandbox.api.post("/api/messaging/mms", json=given).raise_for_status()


def ring(sandbox: Sandbox, to: str = TO) -> str:
    call = sandbox.api.post("/api/messaging/voice", json={"to": to, "prompt": PROMPT}).json()["id"]
    sandbox.advance(1)
    return call


def thread(page: Page, number: str = TO) -> None:
    page.locator(f'[data-testid="thread"][data-number="{number}"]').click()


def test_a_text_arrives_live_with_an_unread_dot_and_is_delivered_under_the_eyes(page: Page, sandbox: Sandbox) -> None:
    page.get_by_text("It is quiet here").wait_for()
    text(sandbox, "Your order has been shipped!")
    page.locator(".unread", has_text="Your order has been shipped!").wait_for()
    thread(page)
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
        text(sandbox, body, number)
    page.get_by_test_id("thread").filter(has_text="three").wait_for()
    numbers = page.get_by_test_id("thread").evaluate_all("rows => rows.map(row => row.dataset.number)")
    assert numbers == ["+15550142001", "+15550142002"]
    thread(page, "+15550142001")
    page.get_by_test_id("bubble").filter(has_text="three").wait_for()
    page.reload()
    live(page)
    page.locator(".unread", has_text="two").wait_for()
    assert page.locator(".unread").count() == 1


def test_a_text_for_another_number_shows_a_notice_that_leads_to_it(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "first")
    thread(page)
    text(sandbox, "for somebody else", "+15550142000")
    page.get_by_test_id("notice").filter(has_text="for somebody else").click()
    page.get_by_role("heading", name="+1 555 014 2000").wait_for()
    page.get_by_test_id("bubble").filter(has_text="for somebody else").wait_for()


def test_a_picture_of_the_documented_host_is_seen_and_nothing_is_asked_of_any_other_host(
    page: Page, sandbox: Sandbox
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    picture(sandbox, "https://sandbox.ringback.example/receipt.png")
    thread(page)
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
    picture(sandbox, "https://pictures.example.com/a/photo.png")
    thread(page)
    button = page.get_by_role("button", name="Load picture from pictures.example.com")
    button.wait_for()
    assert asked == []
    button.click()
    page.get_by_test_id("picture").evaluate("picture => picture.decode()")
    assert ["referer" in request.headers for request in asked] == [False]


def test_hostile_text_is_shown_as_text(page: Page, sandbox: Sandbox) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    text(sandbox, "<img src=x onerror=alert(1)><script>alert(2)</script> \u202egnp.exe\u0007")
    thread(page)
    words = page.locator(".words")
    words.wait_for()
    expected = "<img src=x onerror=alert(1)><script>alert(2)</script> \u27e8U+202E\u27e9gnp.exe\u27e8U+0007\u27e9"
    assert words.text_content() == expected
    assert words.locator("*").count() == 0
    assert dialogs == []


def test_an_undelivered_text_says_why(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "Hello?", "+15550100001")
    sandbox.advance(2)
    thread(page, "+15550100001")
    page.get_by_test_id("bubble").filter(has_text="Not delivered: the destination cannot be reached").wait_for()


def test_a_call_is_answered_its_prompt_shown_and_its_keys_go_back(page: Page, sandbox: Sandbox) -> None:
    call = ring(sandbox)
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
    thread(page)
    page.get_by_test_id("bubble").filter(has_text="keys 1#20").wait_for()


def test_a_key_leaves_only_after_the_one_before_it_has_arrived(page: Page, sandbox: Sandbox) -> None:
    ring(sandbox)
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
    text(sandbox, "Hello")
    thread(page)
    page.get_by_test_id("reply").focus()
    ring(sandbox)
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
    text(sandbox, "Hello")
    thread(page)
    page.get_by_test_id("reply").fill("half a")
    ring(sandbox)
    page.get_by_role("button", name="Decline").click()
    page.get_by_test_id("call").wait_for(state="hidden")
    page.keyboard.type(" sentence")
    assert page.get_by_test_id("reply").input_value() == "half a sentence"
    assert sandbox.calls()[0]["status"] == "busy"


def test_a_call_that_nobody_answers_leaves_the_screen_as_missed(page: Page, sandbox: Sandbox) -> None:
    ring(sandbox)
    page.get_by_test_id("answer").wait_for()
    sandbox.advance(30)
    page.get_by_test_id("call").wait_for(state="hidden")
    page.get_by_test_id("thread").filter(has_text="Missed call").wait_for()


def test_a_second_call_waits_until_the_first_is_over(page: Page, sandbox: Sandbox) -> None:
    ring(sandbox, "+15550142001")
    page.get_by_test_id("answer").click()
    ring(sandbox, "+15550142002")
    page.get_by_text("1 more call is waiting").wait_for()
    page.get_by_role("button", name="Hang up").click()
    page.get_by_role("alertdialog").filter(has_text="to +1 555 014 2002").wait_for()


def test_a_text_written_back_reaches_the_sandbox_and_the_thread(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "Will you come?")
    thread(page)
    page.get_by_test_id("reply").press_sequentially("Yes,")
    page.get_by_test_id("reply").press("Shift+Enter")
    page.get_by_test_id("reply").press_sequentially("gladly")
    page.get_by_test_id("reply").press("Enter")
    page.locator('[data-type="reply"]', has_text="gladly").wait_for()
    reply = sandbox.get("/sandbox/replies")[0]
    assert (reply["from"], reply["body"]) == (TO, "Yes,\ngladly")


def test_after_the_sandbox_was_away_the_page_shows_what_it_missed(
    browser: Browser, start_sandbox: StartSandbox
) -> None:
    first = start_sandbox()
    with browser.new_context() as context:
        page = context.new_page()
        go(page, first)
        first.process.kill()
        first.process.wait()
        page.locator('[data-testid="connection"][data-state="lost"]').wait_for()
        second = start_sandbox("--port", first.url.rpartition(":")[2])
        assert second.url == first.url
        text(second, "Meanwhile")
        page.get_by_test_id("thread").filter(has_text="Meanwhile").wait_for()
        live(page)


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
    text(sandbox, "In between")
    page.evaluate("window.heard.then(() => window.stream.close())")
    page.evaluate("window.release()")
    page.get_by_test_id("thread").filter(has_text="In between").wait_for()


def test_the_inspector_shows_each_request_with_its_answer(page: Page, sandbox: Sandbox) -> None:
    page.get_by_test_id("inspector-toggle").click()
    text(sandbox, "Look inside")
    entry = page.get_by_test_id("request").filter(has_text="/api/messaging/sms")
    entry.filter(has_text="201").locator("summary").click()
    entry.get_by_text('"body": "Look inside"').wait_for()
    entry.get_by_text('"status": "queued"').wait_for()


def test_the_clock_is_advanced_and_faults_are_set_from_the_inspector(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "Hello")
    thread(page)
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
    text(sandbox, "The blue umbrella", "+15550142001")
    text(sandbox, "Something else", "+15550142002")
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_role("tab", name="Search").click()
    page.get_by_test_id("search").fill("UMBRELLA")
    page.get_by_text("1 found").wait_for()
    page.get_by_test_id("search").fill("555 014 2002")
    page.get_by_test_id("result").filter(has_text="Something else").click()
    page.get_by_role("heading", name="+1 555 014 2002").wait_for()


def test_a_reset_takes_two_clicks_and_empties_the_handset(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "Hello")
    thread(page)
    page.get_by_test_id("inspector-toggle").click()
    page.get_by_test_id("reset").click()
    assert len(sandbox.messages()) == 1
    page.get_by_role("button", name="Forget everything?").click()
    page.get_by_text("It is quiet here").wait_for()
    assert sandbox.messages() == []


def test_a_new_text_is_announced_and_every_control_has_a_name(page: Page, sandbox: Sandbox) -> None:
    text(sandbox, "Hear me")
    page.get_by_test_id("announcer").filter(has_text="Text to +1 555 123 4567: Hear me").wait_for(state="attached")
    page.get_by_test_id("inspector-toggle").click()
    nameless = []
    for tab in page.get_by_role("tab").all():
        tab.click()
        nameless += nameless_controls(page)
    thread(page)
    ring(sandbox)
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
    browser: Browser, sandbox: Sandbox, width: int, height: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": height}) as context:
        page = context.new_page()
        go(page, sandbox)
        text(sandbox, "W" * 400)
        thread(page)
        ring(sandbox)
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


def test_at_phone_width_the_handset_fills_the_screen(browser: Browser, sandbox: Sandbox) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        go(page, sandbox)
        banner, phone = page.get_by_test_id("banner").bounding_box(), page.locator("#phone").bounding_box()
        assert (phone["x"], phone["width"]) == (0, 390)
        assert banner["height"] + phone["height"] == 844


def test_at_phone_width_the_inspector_makes_way_for_a_call_and_for_what_was_searched(
    browser: Browser, sandbox: Sandbox
) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        go(page, sandbox)
        text(sandbox, "The blue umbrella")
        page.get_by_test_id("inspector-toggle").click()
        page.get_by_role("tab", name="Search").click()
        page.get_by_test_id("search").fill("umbrella")
        page.get_by_test_id("result").click()
        page.get_by_test_id("bubble").filter(has_text="The blue umbrella").click()
        page.get_by_test_id("inspector-toggle").click()
        ring(sandbox)
        page.get_by_test_id("answer").click()
        page.get_by_test_id("digits").wait_for(state="attached")


def test_whoever_wants_no_motion_sees_none(browser: Browser, sandbox: Sandbox) -> None:
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        go(page, sandbox)
        ring(sandbox)
        page.get_by_test_id("answer").wait_for()
        assert page.evaluate("document.getAnimations().length") == 0
