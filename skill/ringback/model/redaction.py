"""What a model need not read of what people write: codes, cards, accounts, passwords and whole telephone numbers.

What is looked for is found in the folded text (`fold`), so that nothing hidden between its digits saves it, and taken
out of the text as it was written. Only what has a plain sign of being secret is taken: a word beside it, a check sum,
a shape. It is a filter for what ordinary texts hold, no wall: whoever wants a model to read a code can spell it out.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from ringback.model.folding import fold
from ringback.model.text import visible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

NUMBER: Final = "telephone number"
_PLURALS: Final = {"card expiry": "card expiries"}
_SHOWN_DIGITS: Final = 4
_SHORTEST: Final = 4
"""Characters of the shortest text that can hold a secret."""
_TOLD: Final = "code|card number|card security code|card expiry|bank account|social security number|password|link token"
PLACEHOLDER: Final = re.compile(rf"⟦(?:(?:{_TOLD}) removed|number ••• [0-9]{{1,4}})⟧")
"""What stands where something was. `redact` sees to it that nothing else in its result reads so."""


MARKUP: Final = re.compile(r"(?<=\])(?:[(\[]|:(?=\s{0,9}[^\s]{0,20}[/.]))|(?<=!)\[|<(?=[A-Za-z/!?])")
"""What makes Markdown or HTML of a text: a link's or an image's address, a tag. An image is fetched without a click,
and its address could carry away what else was read."""


@final
@dataclass(frozen=True, slots=True)
class Redacted:
    """A text as a model may read it, and what kinds of things were taken out, in their order."""

    text: str = field(repr=False)
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """One secret: where it stands in the folded text, and what it is."""

    start: int
    end: int
    kind: str


def redact(text: str, *, region: str | None = None, keep: Collection[str] = ()) -> Redacted:
    """Take out what a model need not read.

    Args:
        text: what somebody wrote, or said in a call.
        region: the ISO 3166 region of whoever wrote it; telephone numbers are also read as they are written there.
        keep: kinds that stay.
    """
    if len(text) < _SHORTEST:
        return Redacted(text, ())
    from ringback.model.sensitive import find

    seen = fold(text)
    parts: list[str] = []
    kinds: list[str] = []
    done = 0
    for found in find(seen.text, seen.origins, text, region):
        start, end = seen.span(found.start, found.end)
        if start < done or found.kind in keep:  # one character can fold into several
            continue
        parts += [unimitated(text[done:start]), _placeholder(found, seen.text[found.start : found.end])]
        kinds.append(found.kind)
        done = end
    return Redacted("".join([*parts, unimitated(text[done:])]), tuple(kinds))


def unimitated(text: str) -> str:
    """The text in which nothing reads as if something had been taken out here."""
    return PLACEHOLDER.sub(lambda match: f"[{match.group()[1:-1]}]", text)


def plain_words(text: str) -> str:
    """A carrier's words on one line: without what cannot be seen, and no markup.

    They are a note for a reader, and nobody approves or answers them: nothing is written out, it is left out.
    """
    seen = "".join(char for char in text if char.isdecimal() or char == "⟦" or visible(char) == char)
    return MARKUP.sub(lambda match: f" {match.group()} ", " ".join(seen.split()))


def redact_variables(variables: dict[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """What a call's agent noted down, and what was taken out. A name tells what its value is: `pin`, `card_cvv`."""
    kept: dict[str, str] = {}
    kinds: list[str] = []
    for name, value in variables.items():
        label, words = redact(name), f"{re.sub(r'[_-]+', ' ', name)}: "
        both = redact(words + value)
        is_whole = both.text.startswith(words)
        told = Redacted(both.text[len(words) :], both.kinds) if is_whole else redact(value)
        kinds += [*label.kinds, *told.kinds]
        kept[label.text] = told.text
    return kept, tuple(kinds)


def removal(kinds: Iterable[str]) -> str | None:
    """What was taken out, in a sentence; `None` where nothing was."""
    counts = Counter(kinds)
    masked = counts.pop(NUMBER, 0)
    parts = [f"{count} {_counted(kind, count)}" for kind, count in counts.items()]
    told = [f"{' and '.join(parts)} removed"] if parts else []
    told += [f"{masked} {_counted(NUMBER, masked)} masked"] if masked else []
    if not told:
        return None
    those = "it" if counts.total() + masked == 1 else "them"
    return f"{', '.join(told)}; the person sees {those} on the console"


def _counted(kind: str, count: int) -> str:
    return kind if count == 1 else _PLURALS.get(kind, f"{kind}s")


def _placeholder(found: Found, written: str) -> str:
    if found.kind != NUMBER:
        return f"⟦{found.kind} removed⟧"
    digits = "".join(re.findall(r"[0-9]", written))
    return f"⟦number ••• {digits[-min(_SHOWN_DIGITS, len(digits) // 2) :]}⟧"


def without_overlaps(found: Iterable[Found]) -> Iterator[Found]:
    """Of those that overlap, the one that was found first."""
    taken: list[Found] = []
    for each in found:
        place = bisect_left(taken, each)
        before, after = taken[place - 1 : place] if place else [], taken[place : place + 1]
        if all(each.end <= other.start or other.end <= each.start for other in (*before, *after)):
            taken.insert(place, each)
    yield from taken
