"""What a client can read, besides calling tools.

The guidance is `ringback://guide/<page>`, one outbound's receipt `ringback://outbound/<id>`; prompts are for a person
to pick.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from ringback.errors import NotFound, RingbackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from ringback.opening import Ringback

GUIDE: Final = "ringback://guide/"
OUTBOUND: Final = "ringback://outbound/"
_MARKDOWN: Final = "text/markdown"
_JSON: Final = "application/json"


def list_resources() -> types.ListResourcesResult:
    """The pages of guidance."""
    from ringback_prompts import PAGES

    return types.ListResourcesResult(
        resources=[
            types.Resource(
                uri=f"{GUIDE}{page.name}",
                name=page.name,
                title=page.title,
                description=page.description,
                mime_type=_MARKDOWN,
            )
            for page in PAGES
        ]
    )


def list_templates() -> types.ListResourceTemplatesResult:
    """The receipt of one outbound, which can be subscribed to."""
    return types.ListResourceTemplatesResult(
        resource_templates=[
            types.ResourceTemplate(
                uri_template=f"{OUTBOUND}{{id}}",
                name="outbound",
                title="One outbound",
                description="Its receipt: status, masked recipient, what to do next. Updated when the status changes.",
                mime_type=_JSON,
            )
        ]
    )


async def read_resource(
    uri: str, using: Callable[[], AbstractAsyncContextManager[Ringback]]
) -> types.ReadResourceResult:
    """One page or one receipt.

    Raises:
        MCPError: there is no such resource, or the installation cannot be used.
    """
    from ringback_prompts import PAGES, read_page

    page = uri.removeprefix(GUIDE)
    if uri.startswith(GUIDE) and page in {item.name for item in PAGES}:
        return _contents(uri, _MARKDOWN, read_page(page))
    if not uri.startswith(OUTBOUND):
        raise _missing(uri)
    try:
        async with using() as opened:
            receipt = await opened.telephone.status(uri.removeprefix(OUTBOUND))
    except NotFound:
        raise _missing(uri) from None
    except RingbackError as error:
        raise MCPError(types.INTERNAL_ERROR, str(error)) from None
    return _contents(uri, _JSON, json.dumps(receipt.bare().as_dict(), ensure_ascii=False))


def list_prompts() -> types.ListPromptsResult:
    """The prompts that a person picks."""
    from ringback_prompts import PROMPTS

    return types.ListPromptsResult(
        prompts=[
            types.Prompt(
                name=prompt.name,
                title=prompt.title,
                description=prompt.description,
                arguments=[
                    types.PromptArgument(name=item.name, description=item.description, required=item.required)
                    for item in prompt.arguments
                ],
            )
            for prompt in PROMPTS
        ]
    )


def get_prompt(name: str, arguments: dict[str, str]) -> types.GetPromptResult:
    """One prompt, filled in.

    Raises:
        MCPError: there is no such prompt, or its arguments do not fit.
    """
    from ringback_prompts import render_prompt

    try:
        text = render_prompt(name, arguments)
    except ValueError as error:
        raise MCPError(types.INVALID_PARAMS, str(error)) from None
    content = types.TextContent(type="text", text=text)
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content)])


def _contents(uri: str, mime_type: str, text: str) -> types.ReadResourceResult:
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=mime_type, text=text)])


def _missing(uri: str) -> MCPError:
    return MCPError(types.INVALID_PARAMS, "There is no such resource.", data={"uri": uri})
