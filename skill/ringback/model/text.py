"""Message texts: how many segments a carrier makes of one, and what a person must be shown of it.

Segments follow 3GPP TS 23.038 and 23.040: GSM-7 holds 160 septets in one message and 153 in each
of several, UCS-2 70 and 67 UTF-16 units; an extension character costs two septets, and neither it
nor a surrogate pair is split between segments.
"""

import re
import unicodedata
from dataclasses import dataclass, field

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
_GSM7_SINGLE, _GSM7_PART = 160, 153
_UCS2_SINGLE, _UCS2_PART = 70, 67
_BEYOND_BMP = 0xFFFF
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LAYOUT = frozenset("\n")
_PLAIN_SPACES = frozenset(" \u00a0")
_LOOK_EMPTY = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0").union(
    map(chr, range(0xFE00, 0xFE10)), map(chr, range(0xE0100, 0xE01F0))
)
"""Letters and marks by category that show nothing; a run of variation selectors can carry a hidden text."""
_LINE_FLOOD = re.compile(r"\n{4,}")
_LINK = re.compile(r"https?:|www\.|[^\s.@/]\.[a-z\u00a1-\uffff]{2,}(?=[/:?#\s]|[.,;!)]*(?:\s|$))", re.IGNORECASE)
_EMOJI_SELECTOR = "\ufe0f"
_FORCING_TOLD = 5


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text travels: its encoding (`GSM-7` or `UCS-2`) and the number of messages it is cut into."""

    encoding: str
    count: int


@dataclass(frozen=True, slots=True)
class Forcing:
    """A character that makes a whole text UCS-2. It can be one that hides or turns: show it by `visible`."""

    char: str = field(repr=False)
    name: str = field(repr=False)
    """Unicode's name of it: `RIGHT SINGLE QUOTATION MARK`."""
    code: str = field(repr=False)
    """`U+2019`."""
    position: int
    """How many characters (code points) stand before it, where it first comes."""


@dataclass(frozen=True, slots=True)
class SmsShape:
    """How a text travels as SMS, why, and how it could travel for less."""

    encoding: str
    """`GSM-7` or `UCS-2`."""
    segments: int
    """The messages that it is cut into; none of an empty text."""
    units: int
    """Its length in septets (GSM-7) or UTF-16 units (UCS-2)."""
    left: int
    """The units that the last segment still holds; the first, where there is none yet."""
    forcing: tuple[Forcing, ...] = field(repr=False)
    """The first five different characters that GSM-7 does not have, in order of first appearance."""
    more_forcing: int
    """How many more different ones there are."""
    suggestion: str | None = field(repr=False)
    """The text in GSM-7, which reads the same; `None` where nothing forces UCS-2, or where some character has no plain
    counterpart. Only ever shown: what is sent is what was asked for."""
    suggested_segments: int | None
    """The messages that the suggestion would be cut into."""


def count_segments(text: str) -> Segments:
    """Count the messages that a carrier makes of `text`; an empty text makes none."""
    encoding, costs = _costs(text)
    return Segments(encoding, _pack(encoding, costs)[0])


def explain(text: str) -> SmsShape:
    """The shape of `text` as SMS, with the characters that force UCS-2 and a suggestion in GSM-7 where there is one."""
    encoding, costs = _costs(text)
    segments, left = _pack(encoding, costs)
    foreign = dict.fromkeys(char for char in text if not _in_gsm7(char))
    suggestion = _suggestion(text) if foreign else None
    return SmsShape(
        encoding,
        segments,
        sum(costs),
        left,
        forcing=tuple(_forcing(char, text) for char in list(foreign)[:_FORCING_TOLD]),
        more_forcing=max(0, len(foreign) - _FORCING_TOLD),
        suggestion=suggestion,
        suggested_segments=None if suggestion is None else count_segments(suggestion).count,
    )


def _in_gsm7(char: str) -> bool:
    return char in _GSM7 or char in _GSM7_EXTENSION


def _costs(text: str) -> tuple[str, list[int]]:
    """The encoding, and the units that each character takes in it."""
    if all(map(_in_gsm7, text)):
        return "GSM-7", [2 if char in _GSM7_EXTENSION else 1 for char in text]
    return "UCS-2", [2 if ord(char) > _BEYOND_BMP else 1 for char in text]


def _pack(encoding: str, costs: list[int]) -> tuple[int, int]:
    """The segments needed where no character may be split, and the units left in the last one."""
    single, part = (_GSM7_SINGLE, _GSM7_PART) if encoding == "GSM-7" else (_UCS2_SINGLE, _UCS2_PART)
    if (units := sum(costs)) <= single:
        return (1 if costs else 0), single - units
    count, room = 1, part
    for cost in costs:
        if cost > room:
            count, room = count + 1, part
        room -= cost
    return count, room


def _forcing(char: str, text: str) -> Forcing:
    # Control characters, private and unassigned ones have no name.
    return Forcing(char, unicodedata.name(char, "a character without a name"), f"U+{ord(char):04X}", text.index(char))


def _suggestion(text: str) -> str | None:
    from ringback.model.gsm7 import plain

    suggestion = plain(text)
    return suggestion if suggestion.strip() and all(map(_in_gsm7, suggestion)) else None


def visible(text: str) -> str:
    r"""The text with everything written out that a person could not see or could take for something else.

    What a person approves must read as it will be sent: `\u202e` (which turns the reading direction) becomes
    `⟦U+202E⟧`, a digit of another script is followed by its code, a flood of empty lines is counted, and the bracket
    itself is written out so that no text can imitate this. Single line breaks stay, and so does the selector that
    colours the symbol before it (`❤️`).
    """
    shown = "".join(_shown(before, char) for before, char in zip(f" {text}", text, strict=False))
    return _LINE_FLOOD.sub(lambda match: f"\n\n⟦{len(match.group()) - 2} more empty lines⟧\n", shown)


def is_encodable(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which nothing can store or send."""
    return not any("\ud800" <= char <= "\udfff" for char in text)


def encodable(text: str) -> str:
    """The text with a question mark in place of each half of a surrogate pair, which JSON can bring in."""
    return text.encode("utf-8", "replace").decode()


def has_link(text: str) -> bool:
    """Whether a telephone would make something in the text a link to the web."""
    return _LINK.search(text) is not None


def _shown(before: str, char: str) -> str:
    code = f"⟦U+{ord(char):04X}⟧"
    if char == "⟦" or (_is_hidden(char) and not _colours(char, before)):
        return code
    return char + code if char.isdecimal() and not char.isascii() else char


def _colours(char: str, before: str) -> bool:
    return char == _EMOJI_SELECTOR and unicodedata.category(before) == "So"


def _is_hidden(char: str) -> bool:
    if char in _LAYOUT:
        return False
    if char.isspace() and char not in _PLAIN_SPACES:
        return True
    return char in _LOOK_EMPTY or unicodedata.category(char) in _HIDDEN_CATEGORIES
