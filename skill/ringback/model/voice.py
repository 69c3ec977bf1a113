"""What every call says first: that the voice is artificial, on whose behalf it calls, and how to be called no more.

Whoever operates Ringback may reword it; each of the three must stay in it (47 U.S.C. 227(d)(3), 47 CFR 64.1200(b)).
"""

from __future__ import annotations

import re
from typing import Final

from ringback.errors import InvalidRequest
from ringback.model.stop_words import OPT_OUT_KEYS

OPENING: Final = "Hello. This is an AI assistant with an artificial voice, calling for {caller}. {opt_out}"
OPT_OUT: Final = "To get no more calls and texts, press star nine, or text STOP to this number."
SANDBOX_CALLER: Final = "whoever tries this sandbox"
LONGEST: Final = 300
LONGEST_NAME: Final = 80
_ARTIFICIAL: Final = re.compile(
    r"\b(ai|a\.i\.|ki|ia|robot|bot|artificial\w*|automated|computer\w*|künstlich\w*|automatis\w*|automatiz\w*|"
    r"artificiel\w*|artificiale?|kunstmatig\w*|synthetic)\b",
    re.IGNORECASE,
)
_STAR: Final = re.compile(r"\*\s*9|\bstar\b|\bstern\w*|\bétoile\b|\basterisco\b", re.IGNORECASE)
assert OPT_OUT_KEYS == "*9"  # what the words say


def check_opening(text: str) -> str:
    """The operator's own words, if nothing that a person must hear is missing.

    Raises:
        InvalidRequest: they do not say that the voice is artificial, on whose behalf it calls, or how to opt out.
    """
    missing = [
        what
        for what, is_there in (
            ("{caller}", "{caller}" in text),
            ("{opt_out} (or the word STOP and how to press star nine)", "{opt_out}" in text or _tells_both(text)),
            ("a word that says that the voice is artificial, such as AI", bool(_ARTIFICIAL.search(text))),
        )
        if not is_there
    ]
    if missing or len(text) > LONGEST:
        wrong = f"lacks {', '.join(missing)}" if missing else f"is longer than {LONGEST} characters"
        raise InvalidRequest(f"The opening of calls {wrong}.", hint=f"For example: {OPENING}")
    return text


def check_caller(name: str) -> str:
    """The name on whose behalf calls are made.

    Raises:
        InvalidRequest: it is empty, too long, or holds a brace or a line break.
    """
    bare = name.strip()
    if not bare or len(bare) > LONGEST_NAME or any(char in "{}\r\n" for char in bare):
        raise InvalidRequest(
            f"A caller's name has 1 to {LONGEST_NAME} characters on one line, without braces.", hint="Shorten it."
        )
    return bare


def spoken(prompt: str, *, caller: str | None, opening: str = OPENING) -> str:
    """What a call says in all: the opening, then the prompt."""
    said = opening.replace("{opt_out}", OPT_OUT).replace("{caller}", caller or SANDBOX_CALLER)
    return f"{said} {prompt}"


def _tells_both(text: str) -> bool:
    return "STOP" in text and bool(_STAR.search(text))
