"""Ringback lets an AI agent text and call people, under rules that the model cannot talk its way around.

    async with ringback.open_telephone() as telephone:
        for tool in ringback.tools(telephone):
            ...  # tool.name, tool.description, tool.parameters, await tool.call({...})

What a person may do (see whole numbers, approve, allow) is on `open_ringback(...).person`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

__all__ = ["RingbackError", "Settings", "Telephone", "Tool", "__version__", "open_ringback", "open_telephone", "tools"]

_HOMES = {
    "RingbackError": "ringback.errors",
    "Settings": "ringback.settings",
    "Telephone": "ringback.telephone",
    "Tool": "ringback.adapters.native",
    "open_ringback": "ringback.opening",
    "open_telephone": "ringback.opening",
    "tools": "ringback.adapters.native",
}

if TYPE_CHECKING:
    from ringback.adapters.native import Tool, tools
    from ringback.errors import RingbackError
    from ringback.opening import open_ringback, open_telephone
    from ringback.settings import Settings
    from ringback.telephone import Telephone


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562): importing the package costs next to nothing."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)
