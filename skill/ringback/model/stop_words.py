"""Words by which a person ends and resumes messages: the union of what the carriers take for them.

Sources: Twilio's default keywords (STOP, STOPALL, UNSUBSCRIBE, CANCEL, END, QUIT, and since 2025 REVOKE and OPTOUT;
START, YES and UNSTOP), the FCC's list for consent revocation (47 CFR 64.1200(a)(10): stop, quit, end, revoke, opt out,
cancel, unsubscribe), and the toll-free networks' and Canadian words (ARRET, TD, REMOVE).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

STOP_WORDS: Final = frozenset(
    {
        *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "opt-out"),
        *("arret", "remove", "td", "stop all"),
    }
)
"""Each ends messages where it is all that somebody wrote."""
RESUME_WORDS: Final = frozenset({"start", "unstop", "yes"})
"""Each resumes what a stop word of the same person ended."""
OPT_OUT_KEYS: Final = "*9"
"""Pressed in a call, in this order: no more calls and messages."""
_POLITE: Final = frozenset({"please", "pls", "now", "thanks", "thank you", "thx"})
_NOT_WORD = re.compile(r"[^\w\s-]+")
_SPACES = re.compile(r"\s+")
_LONGEST = 64


class Wish(StrEnum):
    """What a text asks for."""

    STOP = "stop"
    RESUME = "resume"


def wish_of(text: str) -> Wish | None:
    """Whether a received text ends or resumes messages: by itself, in any case, with what stands around it left out.

    `Stop.`, `"STOP"`, `please stop` and `STÓP` end; `don't stop by` does not: whoever writes more than the word
    is read by a person.
    """
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    bare = "".join(char for char in unicodedata.normalize("NFKD", text) if not _is_nothing(char)).casefold()
    words = _SPACES.sub(" ", _NOT_WORD.sub(" ", bare)).strip()
    before = ""
    while words != before:  # until nothing polite is left, whatever stands in which order
        before = words
        for polite in _POLITE:
            words = words.removeprefix(f"{polite} ").removesuffix(f" {polite}")
    if words in STOP_WORDS:
        return Wish.STOP
    return Wish.RESUME if words in RESUME_WORDS else None


def opts_out(keys: str | None) -> bool:
    """Whether the keys that were pressed in a call ask for no more."""
    return keys is not None and OPT_OUT_KEYS in re.sub(r"[^0-9*#]", "", keys)


def _is_nothing(char: str) -> bool:
    return unicodedata.combining(char) != 0 or unicodedata.category(char) == "Cf"
