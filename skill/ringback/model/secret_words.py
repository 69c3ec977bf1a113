"""Where a folded text holds what only the words beside it tell: one-time codes, PINs and passwords."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

from ringback.model.folding import folded
from ringback.model.redaction import Found
from ringback.model.redaction_words import (
    CODE_WORDS,
    LINKING,
    NO_PASSWORDS,
    NOT_CODES,
    NOT_CODES_AFTER,
    ORDINARY_AFTER,
    ORDINARY_BEFORE,
    PASSWORD_WORDS,
    TICKETS,
    WEAK_WORDS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def either(words: Iterable[str]) -> str:
    """A pattern for any of these words, whole where its script has spaces between words."""
    known = {folded(word) for word in words}
    longest_first = sorted(known, key=lambda word: (-len(word), word))
    return "(?:" + "|".join(_whole(word) for word in longest_first) + ")"


def _whole(word: str) -> str:
    before = r"(?<![^\W\d_])" if _spaced(word[0]) else ""
    after = r"(?![^\W\d_])" if _spaced(word[-1]) else ""
    return f"{before}{re.escape(word)}{after}"


def _spaced(char: str) -> bool:
    return char.isalpha() and char < "\u0900"


_LINK_WORD: Final = either(word for word in LINKING if word[0].isalpha())
CLOSE: Final = rf"(?:[ \t]*(?:[:=#\-\"'“”„«»(\[*`>]|{_LINK_WORD}|\n)){{0,4}}[ \t]*"
"""What may stand between a word and the thing that it names."""
_SPELLED: Final = "(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_THING: Final = re.compile(
    r"(?<![a-z0-9_/$€£¥+@])(?<!\d[.,:])(?:"
    r"(?P<prefixed>[a-z]{1,4}-\d{4,8})"
    r"|(?P<digits>\d{4,10}|\d{2,4}(?P<sep>[ \-.])\d{2,4}(?:(?P=sep)\d{2,4})?|\d(?:[ \-.,]{1,2}\d){3,9})"
    rf"|(?P<spelled>{_SPELLED}(?:[ ,\-]{{1,2}}{_SPELLED}){{3,9}})"
    r"|(?P<mixed>(?=[a-z\-]{0,9}\d)[a-z0-9]{2,10}(?:-[a-z0-9]{2,6}){0,2})"
    r"|(?P<letters>[a-z]{5,10})"
    r")(?![a-z0-9_/@]|[.:\-]\d|,\d{3}|-[a-z])"
)
_WORDS: Final = either(CODE_WORDS)
_CODE_WORD: Final = re.compile(
    rf"(?P<compound>(?<![^\W\d_])[^\W\d_]{{1,24}}(?:codes?|koden?|koder|kod|koodi|kodi|pin|tan)(?![^\W\d_]))|{_WORDS}"
)
_COMPOUND_ENDS: Final = ("code", "codes", "kod", "kode", "koden")
_COMPOUNDS: Final = frozenset(folded(word) for word in NOT_CODES)
_NOT_BEFORE: Final = re.compile(rf"{either(word for word in NOT_CODES)}[ \-]?$")
_NOT_AFTER: Final = re.compile(rf"[ \-]?{either(NOT_CODES_AFTER)}")
_WEAK: Final = re.compile("|".join(re.escape(folded(word)) for word in WEAK_WORDS))
_CLOSE: Final = re.compile(CLOSE)
_ORDINARY_BEFORE: Final = re.compile(rf"{either(ORDINARY_BEFORE)}[ #.]{{0,2}}$|[$€£¥#]\s?$")
_ORDINARY_AFTER: Final = re.compile(rf"\s?(?:{either(ORDINARY_AFTER)}|[%€$£¥°])")
_NAMED_AFTER: Final = re.compile(rf"[\s\"'”»)\]*`,\-]{{0,4}}{_LINK_WORD}(?![^\W\d_])")
_ASKED_BEFORE: Final = re.compile(
    r"(?:use|enter|type|with|verwenden sie|benutze|utilisez|usa|gib|input|使用|输入)[ :]{1,2}$"
)
_SENTENCE_END: Final = re.compile(r"[!?。]|\.(?=\s)|\n")
_ORIGIN_BOUND: Final = re.compile(r"@[\w.\-]{1,253}[ ]{1,2}#([^\s#%]{4,64})")
_YEAR: Final = re.compile(r"(?:19|20)\d{2}$")
_LINKED: Final = re.compile(rf"{_LINK_WORD}[ \"'“„«*:]{{0,3}}$")
_LISTED: Final = re.compile(r"[\s,;/&•*\-]{1,4}(?:and |und |et |y |or )?")
_REACH: Final = 56
_FAR: Final = 14
_SHORTEST, _LONGEST, _LONG_CODE = 4, 10, 5
_SHORT_PASSWORD: Final = re.compile(r"(?<![^\W\d_])(?:pass|pw)\s*[:=]\s*(?P<secret>[^\s\ufffc]{3,64})")
_TICKET: Final = re.compile(rf"{either(TICKETS)}[ \-]$")
_PASSWORD: Final = re.compile(
    rf"(?:(?<![^\W\d_])[^\W\d_]{{0,24}}(?:passwort|kennwort|wachtwoord|losenord)|{either(PASSWORD_WORDS)})"
    rf"(?P<gap>[^\n.:=!?]{{0,30}}?)(?P<link>\s*[:=]\s*|\s*(?:{_LINK_WORD}|'s|->|-)\s*(?:[:=]\s*)?|[ ]+(?=\S*\d))"
    r"(?P<secret>\"[^\"\n]{1,64}\"|'[^'\n]{1,64}'|[“„«][^”“»\n]{1,64}[”“»]|[^\s\ufffc]{3,64})"
)


def find_codes(seen: str, written: str) -> Iterator[Found]:
    """One-time codes, PINs and codes that open something.

    Args:
        seen: the folded text.
        written: the same, character for character, in the case that it was written in.
    """
    for match in _ORIGIN_BOUND.finditer(seen):
        yield Found(*match.span(1), "code")
    things = [thing for thing in _THING.finditer(seen) if _SHORTEST <= _size(thing) <= _LONGEST]
    words = [word.span() for word in _CODE_WORD.finditer(seen) if _is_code_word(seen, word)]
    weak = [word.span() for word in _WEAK.finditer(seen)]
    taken: int | None = None
    for thing in things:
        chained = taken is not None and re.fullmatch(
            r"[\s,;/&•*\-]{1,4}(?:and |und |et |y |or )?", seen[taken : thing.start()]
        )
        if (
            (chained and not thing["letters"] and not _is_ordinary(seen, thing))
            or any(_names(seen, written, thing, word) for word in _within_reach(words, thing))
            or any(_hints(seen, thing, word) for word in _within_reach(weak, thing))
        ):
            taken = thing.end()
            yield Found(*thing.span(), "code")


def find_passwords(seen: str) -> Iterator[Found]:
    """What is said to be a password."""
    for match in _PASSWORD.finditer(seen):
        secret = match["secret"].rstrip(".,;!?)")
        bare = secret.strip("\"'“”„«»")
        said = not re.search(r"[:=]", match["link"])
        plain = bare.isalpha() and secret == bare
        far = said and match["gap"].strip() != ""
        if not bare or (plain and (far or bare in NO_PASSWORDS)) or (far and not match["link"].strip()):
            continue
        start = match.start("secret")
        yield Found(start, start + len(secret), "password")
    for match in _SHORT_PASSWORD.finditer(seen):
        if not _TICKET.search(seen, max(0, match.start() - 12), match.start()):
            start, secret = match.start("secret"), match["secret"].rstrip(".,;!?)")
            yield Found(start, start + len(secret), "password")


def _within_reach(words: list[tuple[int, int]], thing: re.Match[str]) -> list[tuple[int, int]]:
    """Of words in their order, those that a thing could belong to; no more are looked at, however many there are."""
    first = bisect_left(words, (thing.start() - 2 * _REACH, 0))
    return words[first : bisect_left(words, (thing.end() + _REACH + 1, 0))]


def _size(thing: re.Match[str]) -> int:
    if thing["spelled"]:
        return len(re.findall(_SPELLED, thing.group()))
    return sum(map(str.isalnum, thing.group()))


def _is_code_word(seen: str, word: re.Match[str]) -> bool:
    """Whether a word that could mean a secret code does: a ZIP code and a dress code are none."""
    if word["compound"] and any(word.group() == kind + end for kind in _COMPOUNDS for end in _COMPOUND_ENDS):
        return False
    if word.group() in {"tan", "pin", "pins"} and not re.match(CLOSE + r"[\da-z\-]{0,9}\d", seen[word.end() :]):
        return False
    if _NOT_BEFORE.search(seen, max(0, word.start() - 24), word.start()):
        return False
    return _NOT_AFTER.match(seen, word.end()) is None


def _names(seen: str, written: str, thing: re.Match[str], word: tuple[int, int]) -> bool:
    """Whether the word says that the thing is a code."""
    start, end = word
    if end <= thing.start():
        return thing.start() - end <= _REACH and _is_named_before(seen, written, thing, seen[end : thing.start()])
    return 0 <= start - thing.end() <= _REACH and _is_named_after(seen, thing, seen[thing.end() : start])


def _is_named_before(seen: str, written: str, thing: re.Match[str], between: str) -> bool:
    close = bool(_CLOSE.fullmatch(between)) or re.search(r"[:=]\s*$", between) is not None
    if thing["letters"]:
        upper = written[thing.start() : thing.end()].isupper()
        return upper and between.strip() != "" and close and "\n" not in between
    linked = close or _LINKED.search(between) is not None
    if thing["mixed"]:
        return linked and "\n\n" not in between[1:]
    return _near(seen, thing, between, linked=linked)


def _is_named_after(seen: str, thing: re.Match[str], between: str) -> bool:
    if thing["letters"]:
        return False
    if _ASKED_BEFORE.search(seen, max(0, thing.start() - 24), thing.start()):
        return True
    if re.search(r"[!?\n。]|\.\s", between):
        return False
    if _NAMED_AFTER.match(seen, thing.end()):
        return True
    return _is_shaped(thing) and not _is_ordinary(seen, thing) and not re.search(r"\d{4}", between)


def _near(seen: str, thing: re.Match[str], between: str, *, linked: bool) -> bool:
    if linked:
        return not _ORDINARY_AFTER.match(seen, thing.end()) or len(between) < _FAR
    if re.search(r"\d{4}", between) or _is_ordinary(seen, thing):
        return False
    if _SENTENCE_END.search(between):
        return _is_shaped(thing) and len(between) <= _REACH // 2
    return _is_shaped(thing) or not _YEAR.match(thing.group())


def _hints(seen: str, thing: re.Match[str], word: tuple[int, int]) -> bool:
    """Whether a word that only goes with codes stands in reach of something that looks like one."""
    if not _is_shaped(thing) or _is_ordinary(seen, thing):
        return False
    between = seen[word[1] : thing.start()] if word[1] <= thing.start() else seen[thing.end() : word[0]]
    return len(between) <= _REACH and re.search(r"\d{4}|\n\n", between) is None


def _is_shaped(thing: re.Match[str]) -> bool:
    """Whether it looks like a code even without a word: five digits or more, or G-123456."""
    if thing["prefixed"]:
        return True
    digits = thing["digits"] or ""
    return _LONG_CODE <= sum(map(str.isdigit, digits)) <= _LONGEST - 2 and not re.match(r"\d{1,2}\.\d{1,2}", digits)


def _is_ordinary(seen: str, thing: re.Match[str]) -> bool:
    """Whether the words right beside it say that it is a time, an amount, a room."""
    return bool(
        _ORDINARY_BEFORE.search(seen, max(0, thing.start() - 24), thing.start())
        or _ORDINARY_AFTER.match(seen, thing.end())
    )
