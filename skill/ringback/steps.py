"""The named steps of an outbound's way, for whoever must stop a process exactly there.

Production code calls `reached` and nothing listens. The crash tests set `listener` in a process of their own and kill
it at the step of their choice; so each place at which a process can die has a name, and none is left out by luck.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

listener: Callable[[str], None] | None = None
"""Told of each step as it is reached; `None` outside tests."""


def reached(step: str) -> None:
    """This process has come to `step`. Names are stable: `<transaction>.begin`, `.commit`, `.committed`; `post.…`."""
    if listener is not None:
        listener(step)
