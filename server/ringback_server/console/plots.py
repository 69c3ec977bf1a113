"""The geometry of the plots. They are drawn by attributes alone; every number in them is told beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

TALL: Final = 100
STEP: Final = 10
_WIDE: Final = 8
_LEAST: Final = 2.0
"""What is not nothing is seen, however small it is beside the others."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a plot, in the plot's own units."""

    x: int
    y: float
    width: int
    height: float
    words: str


def columns(values: Sequence[tuple[int, str]]) -> list[Column]:
    """A column for each value that is not nothing, the largest as tall as the plot.

    Args:
        values: each with its words.
    """
    largest = max((value for value, _ in values), default=0)
    found = []
    for at, (value, words) in enumerate(values):
        if value > 0:
            height = round(max(_LEAST, TALL * value / largest), 2)
            found.append(Column(at * STEP + 1, round(TALL - height, 2), _WIDE, height, words))
    return found


def share(used: int, of: int) -> float:
    """How much of a bar of a hundred is full."""
    if used <= 0:
        return 0.0
    return 100.0 if used >= of else round(max(_LEAST, 100 * used / of), 2)
