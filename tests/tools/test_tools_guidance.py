"""Resources and prompts: exactly what `ringback_prompts` holds, and clear errors for everything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from mcp.shared.exceptions import MCPError
from tests.tools.support import ERAS, TO, Reader, receipt_of

from ringback_prompts import PAGES, PROMPTS, read_page, render_prompt

if TYPE_CHECKING:
    from tests.tools.support import House

GIVEN = {
    "text-someone": {"to": TO, "message": "Running late {to}", "picture": "https://media.example/a.png"},
    "call-with-menu": {"to": TO, "purpose": "Appointment", "choices": "1 confirm, 2 reschedule"},
    "what-is-waiting": {},
}


@pytest.mark.parametrize("mode", ERAS)
async def test_every_page_of_guidance_is_listed_and_served_word_for_word(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        listed = (await client.list_resources()).resources
        assert [(item.uri, item.title, item.description) for item in listed] == [
            (f"ringback://guide/{page.name}", page.title, page.description) for page in PAGES
        ]
        for page in PAGES:
            (content,) = (await client.read_resource(f"ringback://guide/{page.name}")).contents
            assert content.text == read_page(page.name)
            assert content.mime_type == "text/markdown"


@pytest.mark.parametrize("mode", ERAS)
async def test_every_prompt_is_listed_and_filled_in_as_written(house: House, mode: str) -> None:
    assert set(GIVEN) == {prompt.name for prompt in PROMPTS}
    async with house.client(mode) as client:
        listed = {item.name: item for item in (await client.list_prompts()).prompts}
        assert list(listed) == [prompt.name for prompt in PROMPTS]
        for prompt in PROMPTS:
            shown = listed[prompt.name]
            assert (shown.title, shown.description) == (prompt.title, prompt.description)
            assert [(item.name, item.required) for item in shown.arguments or []] == [
                (item.name, item.required) for item in prompt.arguments
            ]
            (message,) = (await client.get_prompt(prompt.name, GIVEN[prompt.name])).messages
            assert message.role == "user"
            assert message.content.text == render_prompt(prompt.name, GIVEN[prompt.name])


@pytest.mark.parametrize("mode", ERAS)
async def test_the_receipt_of_an_outbound_is_a_resource_without_number_or_text(house: House, mode: str) -> None:
    async with house.client(mode, Reader()) as client:
        (template,) = (await client.list_resource_templates()).resource_templates
        assert template.uri_template == "ringback://outbound/{id}"
        receipt = receipt_of(await client.call_tool("send-sms", {"to": TO, "body": "a secret text"}))
        (content,) = (await client.read_resource(f"ringback://outbound/{receipt['id']}")).contents
    assert content.mime_type == "application/json"
    assert json.loads(content.text)["id"] == receipt["id"]
    assert "a secret text" not in content.text
    assert TO not in content.text


NO_RESOURCES = (
    *("ringback://guide/", "ringback://guide/nothing", "ringback://guide/instructions", "ringback://guide/overview/"),
    *("ringback://guide/text-someone", "ringback://guide/../../ledger.db", "ringback://outbound/", "ringback://key"),
    *("ringback://outbound/ob_nothing", "ringback://outbound/ob_%27%20OR%201=1", "file:///etc/passwd"),
    "https://example.com/",
)
NO_PROMPTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("nothing", {}),
    ("", {}),
    ("overview", {}),
    ("text-someone", {}),
    ("text-someone", {"to": TO}),
    ("text-someone", {"to": TO, "message": " "}),
    ("what-is-waiting", {"confirm": "true"}),
)


@pytest.mark.parametrize("mode", ERAS)
async def test_a_resource_that_does_not_exist_is_an_error_that_names_it(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        for uri in NO_RESOURCES:
            with pytest.raises(MCPError) as error:
                await client.read_resource(uri)
            assert error.value.error.code == -32602
            assert error.value.error.message == "There is no such resource."
            assert error.value.error.data == {"uri": uri}


@pytest.mark.parametrize("mode", ERAS)
async def test_a_prompt_that_does_not_exist_or_does_not_fit_is_an_error(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        for name, arguments in NO_PROMPTS:
            with pytest.raises(MCPError) as error:
                await client.get_prompt(name, arguments)
            assert error.value.error.code == -32602
            assert TO not in error.value.error.message
