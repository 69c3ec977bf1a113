"""A text as a search for secrets reads it: one case, one kind of digit, dash and space, and nothing hidden."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from ringback.model.text import visible

_SPACES = frozenset("\t ")
_BREAKS = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
_MINUS = "\u2212"
_APOSTROPHES = frozenset("\u2018\u2019\u02bc")


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text, and where each of its characters comes from."""

    text: str
    origins: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of the folded text stands in the original."""
        return self.origins[start], self.origins[end - 1] + 1


def fold(text: str) -> Folded:
    """The text without what cannot be seen and without accents, in lower case, with ASCII digits.

    A zero-width space inside a code, digits of another script, letters in a circle and marks that turn the reading
    direction hide nothing from whoever reads the result.
    """
    parts = [_folded(char) for char in text]
    origins = tuple(index for index, part in enumerate(parts) for _ in part)
    return Folded("".join(parts), origins)


def folded(text: str) -> str:
    """A word of our own, as `fold` would find it."""
    return "".join(map(_folded, text))


@lru_cache(maxsize=4096)
def _folded(char: str) -> str:
    if char in _BREAKS:
        return "\n"
    if char in _SPACES or unicodedata.category(char) == "Zs":
        return " "
    if visible(char) != char and not char.isdecimal() and char != "⟦":
        return ""  # it cannot be seen
    digit = unicodedata.digit(char, None)
    if digit is not None:
        return str(digit)
    return "".join(map(_simple, unicodedata.normalize("NFKD", char)))


def _simple(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Mn", "Me"}:
        return ""
    if category == "Pd" or char == _MINUS:
        return "-"
    if char in _APOSTROPHES:
        return "'"
    return " " if category == "Zs" else char.casefold()
