"""What the MCP tools share: one call, how it reads its arguments, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import mcp_types as types

from ringback.adapters.specs import Arguments, ToolSpec, read_arguments

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mcp.server.context import ServerRequestContext

    from ringback.errors import RingbackError
    from ringback.telephone import Telephone
    from ringback_server.asking import Asking

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

    def describe(self) -> types.Tool:
        """The tool as `tools/list` shows it."""
        spec, hints = self.spec, self.spec.hints
        return types.Tool(
            name=spec.name,
            title=spec.title,
            description=spec.description,
            input_schema=spec.parameters(),
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
        lines = [_line(item) for item in items] or ["Nothing was sent or called yet."]
        more = f"\nMore: cursor {result['cursor']}" if "cursor" in result else ""
        return "\n".join(lines) + more
    summary, following = result.get("summary", ""), result.get("next")
    text = f"{summary} Next: {following}" if following else f"{summary}"
    return f"{text}\n{_line(result)}" if "id" in result else text


def _line(receipt: Mapping[str, object]) -> str:
    shown = ("id", "channel", "to", "status", "reason", "error", "keys", "duration_s", "created_at")
    return " · ".join(f"{name} {receipt[name]}" for name in shown if receipt.get(name) is not None)
