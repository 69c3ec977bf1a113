"""The tools for an agent framework without MCP: a name, a description, a JSON Schema and an async callable each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ringback.adapters.offered import is_offered, offered
from ringback.adapters.specs import SPECS, ToolSpec, read_arguments
from ringback.errors import InvalidNumber, RingbackError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringback.telephone import Telephone


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, ready for a framework's own function-calling format."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""
    _spec: ToolSpec = field(repr=False)
    _telephone: Telephone = field(repr=False)

    async def call(self, arguments: Mapping[str, object] | None = None) -> dict[str, object]:
        """Run the tool. A failure comes back as `{"error": {...}}` for the model to read; nothing is raised for it."""
        try:
            given = read_arguments(self._spec, None if arguments is None else dict(arguments))
            return await self._spec.run(self._telephone, given)
        except RingbackError as error:
            return {"error": explain(error)}


def explain(error: RingbackError) -> dict[str, object]:
    """An error as a model reads it: its code, what happened, what to do next."""
    told: dict[str, object] = {"code": error.reason, "message": error.message, "next": error.hint}
    if isinstance(error, InvalidNumber):
        told["problem"] = error.problem
        if error.suggestion is not None:
            told["suggestion"] = error.suggestion
    return told


def tools(telephone: Telephone) -> list[Tool]:
    """The tools over one telephone: seven, less those for a channel that no carrier here moves."""
    channels = telephone.channels
    return [
        Tool(spec.name, spec.description, offered(spec.parameters(), channels), spec, telephone)
        for spec in SPECS
        if is_offered(spec.name, channels)
    ]
