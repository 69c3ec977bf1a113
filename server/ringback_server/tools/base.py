"""What the MCP tools share: one call, how it reads its arguments, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import mcp_types as types

from ringback.adapters.offered import offered
from ringback.adapters.specs import ToolSpec, read_arguments
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from mcp.server.context import ServerRequestContext

    from ringback.adapters.arguments import Arguments
    from ringback.errors import RingbackError
    from ringback.telephone import Telephone
    from ringback_server.asking import Asking

_SHOWN: Final = (
    *("id", "channel", "to", "sender", "status", "by_hand", "reason", "error", "keys", "duration_s"),
    *("send_at", "created_at", "received_at"),
)
"""What a line of the text form tells of an item; the structure has all of it."""
Result: TypeAlias = types.CallToolResult | types.InputRequiredResult


@dataclass(frozen=True, slots=True)
class Call:
    """One `tools/call`: what was given, and what a tool may use to answer it."""

    context: ServerRequestContext[Any, Any]
    params: types.CallToolRequestParams
    spec: ToolSpec
    telephone: Telephone
    asking: Asking

    def arguments(self) -> Arguments:
        """The arguments, checked.

        Raises:
            InvalidRequest: something is missing, unknown or of the wrong kind.
        """
        return read_arguments(self.spec, self.params.arguments)


@dataclass(frozen=True, slots=True)
class McpTool:
    """One tool over MCP: its description and what a call does."""

    spec: ToolSpec
    run: Callable[[Call], Awaitable[Result]]

    def describe(self, channels: frozenset[Channel] = frozenset(Channel)) -> types.Tool:
        """The tool as `tools/list` shows it where these channels are moved."""
        spec, hints = self.spec, self.spec.hints
        return types.Tool(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            input_schema=offered(spec.parameters(), channels),
            output_schema=spec.output,
            annotations=types.ToolAnnotations(
                read_only_hint=hints.read_only,
                destructive_hint=hints.destructive,
                idempotent_hint=hints.idempotent,
                open_world_hint=hints.open_world,
            ),
        )


def spec_named(name: str) -> ToolSpec:
    """The description of one tool."""
    from ringback.adapters.specs import SPECS

    return next(spec for spec in SPECS if spec.name == name)


def told(result: Mapping[str, object]) -> types.CallToolResult:
    """A receipt, or what else a tool gives, as text for the model and as structure for a program."""
    return types.CallToolResult(
        content=[types.TextContent(type="text", text=_sentence(result))], structured_content=dict(result)
    )


def failed(error: RingbackError) -> types.CallToolResult:
    """An error as the model reads it: its code, what happened, what to do next."""
    from ringback.adapters.native import explain

    told_error = explain(error)
    text = f"[{told_error['code']}] {told_error['message']}"
    if "suggestion" in told_error:
        text += f" Did the person mean {told_error['suggestion']}?"
    if told_error["next"]:
        text += f" Next: {told_error['next']}"
    return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=True)


def _sentence(result: Mapping[str, object]) -> str:
    items = result.get("items")
    if isinstance(items, list):
        return "\n".join(_list(items, result.get("cursor")))
    summary, following = result.get("summary", ""), result.get("next")
    text = f"{summary} Next: {following}" if following else f"{summary}"
    if "id" not in result:
        return text
    from ringback.adapters.untrusted import fenced_call

    return "\n".join([text, _line(result), *fenced_call(result)])


def _list(items: list[Mapping[str, object]], cursor: object) -> Iterator[str]:
    """The items line by line. Only what somebody outside wrote stands on lines that begin with the mark."""
    from ringback.adapters.untrusted import LEGEND, fenced, taken_out, whose

    if any("untrusted_text" in item for item in items):
        yield LEGEND
    for item in items:
        yield _line(item)
        if item["status"] == "received":
            text = item.get("untrusted_text")
            yield from ["  (erased)"] if text is None else [whose(item), *fenced(str(text)), *taken_out(item)]
    if not items:
        yield "Nothing was sent, called or received yet."
    if cursor is not None:
        yield f"More: cursor {cursor}"


def _line(told: Mapping[str, object]) -> str:
    from ringback.adapters.untrusted import one_line

    return " · ".join(f"{name} {one_line(told[name])}" for name in _SHOWN if told.get(name) not in {None, ""})
