"""Where a folded text holds what a model need not read: links that open something, cards, accounts, telephone numbers.

Codes and passwords, which only the words beside them tell, are `secret_words`.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from ringback.model.redaction import NUMBER, Found, without_overlaps
from ringback.model.redaction_words import CARD_WORDS, ORDINARY_BEFORE, PHONE_WORDS, SSN_WORDS
from ringback.model.secret_words import CLOSE, either, find_codes, find_passwords

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LINK: Final = re.compile(
    r"(?<![\w.@\-])(?:[a-z][a-z0-9+.\-]{1,11}://)?(?P<user>[^\s/@:]{1,64}:[^\s/@]{1,64}@)?"
    r"(?:[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}|localhost|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?(?P<rest>[/?#][^\s<>\"]*)?"
)
_OPENS: Final = re.compile(
    r"reset|verif|confirm|token|magic|log-?in|sign-?in|auth|invite|otp|passw|unlock|activ|recover|session|secret"
    r"|[?&;#](?:code|key|sig|pin|t|k|c)="
)
_WORD_OF_LINK: Final = re.compile(r"[A-Za-z0-9_\-]+")
_LONG_TOKEN: Final = 24
_SHORT_TOKEN: Final = 5
_RUN: Final = re.compile(r"(?<!\d)\d(?:[ .,\-\n]{0,3}\d){12,}")
_CARD_DIGITS: Final = range(13, 20)
_IBAN_START: Final = re.compile(r"(?<![a-z0-9])[a-z]{2}\d{2}(?=[ \-]?[a-z0-9])")
_IBAN_CHARS: Final = range(15, 35)
_IBAN_DIGITS: Final = 8
_EXPIRY: Final = re.compile(r"(?<!\d)(?:0?[1-9]|1[0-2])\s?[/\-]\s?(?:20)?\d{2}(?!\d)")
_BARE_CVV: Final = re.compile(r"[\s,;/]{1,3}(\d{3,4})(?![\d:.])")
_CVV: Final = re.compile(rf"{either(CARD_WORDS)}{CLOSE}(\d{{3,4}})(?!\d)")
_NEAR_CARD: Final = 60
_SSN: Final = re.compile(r"(?<![\d\-])\d{3}([ \-.]?)\d{2}\1\d{4}(?![\d\-])")
_SSN_WORD: Final = re.compile(either(SSN_WORDS))
_PHONE_WORD: Final = re.compile(either(PHONE_WORDS))
_PHONE: Final = (
    re.compile(r"(?<![\w+])(?:\+|00[ ]?)[ ]?[1-9](?:[ \-.()/]{0,3}\d){6,14}(?!\d)"),
    re.compile(r"(?<![\w.\-])(?:1[ .\-]?)?(?:\([2-9]\d{2}\)|[2-9]\d{2})[ .\-/]{0,2}[2-9]\d{2}[ .\-]?\d{4}(?![\w\-])"),
    re.compile(r"(?<![\w.\-/])(?:\(0\)|\(?0)[1-9]\d{0,4}\)?(?:[ \-/]{0,2}\d){6,9}(?![\w/:])"),
)
_PAIRS: Final = re.compile(r"(?<![\w.\-/])0[1-9](?:[ .\-]\d{2}){4}(?![\w.\-/:])")
_LOCAL: Final = re.compile(r"(?<![\w.\-])[2-9]\d{2}[\-. ]\d{4}(?![\w\-])")
_PHONE_DIGITS: Final = re.compile(r"\d(?:[^\d\n]{0,3}\d){6,}")
_DATE: Final = re.compile(r"\d{1,4}[./\-]\d{1,2}[./\-]\d{1,4}(?!\d)")
_ORDINARY_END: Final = re.compile(rf"{either(ORDINARY_BEFORE)}[ :#.\-]{{0,3}}$")
_TRIES: Final = 200


def find(seen: str, origins: Sequence[int], text: str, region: str | None) -> Iterator[Found]:
    """What is to be taken out of `seen`, in its order.

    Args:
        seen: the folded text.
        origins: where each of its characters stands in `text`.
        text: what was written.
        region: where whoever wrote it telephones from.
    """
    written = "".join(text[origin] for origin in origins)  # one character for each of `seen`, in its own case
    firm = list(without_overlaps([*_links(seen, written), *_accounts(seen), *_cards(seen), *_social(seen)]))
    rest = _blanked(seen, firm)
    worded = list(without_overlaps([*firm, *find_passwords(rest), *find_codes(rest, written)]))
    yield from without_overlaps([*worded, *_phones(_blanked(seen, worded), region)])


def _blanked(seen: str, found: list[Found]) -> str:
    """The text with a character that belongs to nothing in place of each that was found."""
    chars = list(seen)
    for each in found:
        chars[each.start : each.end] = "\ufffc" * (each.end - each.start)
    return "".join(chars)


def _links(seen: str, written: str) -> Iterator[Found]:
    for link in _LINK.finditer(seen):
        if link["user"]:
            yield Found(*link.span("user"), "password")
        if link["rest"]:
            start, end = link.span("rest")
            end = start + len(link["rest"].rstrip(".,;:!?)]}'»”"))
            if end - start > 1 and _opens(seen[link.start() : end], written[start:end]):
                yield Found(start + 1, end, "link token")


def _opens(link: str, rest: str) -> bool:
    words = _WORD_OF_LINK.findall(rest)
    if any(len(word) >= _LONG_TOKEN and _is_random(word) for word in words):
        return True
    if _OPENS.search(link) is None:
        return False
    return any(len(word) >= _SHORT_TOKEN and any(map(str.isdigit, word)) for word in words)


def _is_random(word: str) -> bool:
    digits = sum(map(str.isdigit, word))
    if digits == 0:
        changes = sum(one.islower() and two.isupper() for one, two in pairwise(word))
        return not re.search(r"[_\-]", word) and changes >= 4  # noqa: PLR2004 - more than a name in camel case has
    mixed = word.lower() != word != word.upper()
    longest = max((part for part in re.split(r"[_\-]", word)), key=len)
    if any(map(str.isdigit, longest)) and any(map(str.isalpha, longest)) and len(longest) >= 12:  # noqa: PLR2004 - a hash or an id, no word
        return True
    return mixed or bool(re.fullmatch(r"[0-9a-fA-F\-]+", word)) or digits * 4 >= len(word) > _LONG_TOKEN


def _accounts(seen: str) -> Iterator[Found]:
    """IBANs: ISO 13616, mod 97 as ISO 7064 has it. The shortest that any country has is 15 characters long."""
    for start in _IBAN_START.finditer(seen):
        places = [start.start()]
        for place in range(start.start() + 1, min(len(seen), start.start() + 80)):
            char = seen[place]
            if char.isascii() and char.isalnum():
                places.append(place)
            elif char not in " -\n" or place - places[-1] > 1:
                break
        for count in reversed(_IBAN_CHARS):
            if count > len(places):
                continue
            end = places[count - 1] + 1
            value = "".join(seen[place] for place in places[:count])
            if not seen[end : end + 1].isalnum() and _is_iban(value):
                yield Found(start.start(), end, "bank account")
                break


def _is_iban(value: str) -> bool:
    moved = value[4:] + value[:4]
    return sum(map(str.isdigit, value)) >= _IBAN_DIGITS and int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _cards(seen: str) -> Iterator[Found]:
    ends: list[tuple[int, int]] = []
    for run in _RUN.finditer(seen):
        groups = [(part.start() + run.start(), part.end() + run.start()) for part in re.finditer(r"\d+", run.group())]
        first = 0
        while first < len(groups):
            is_tail = first > 0 and seen[groups[first][0] - 1] in ".-"  # the rest of a longer number
            last = None if is_tail else _card_from(seen, groups, first)
            if last is None:
                first += 1
                continue
            ends.append((groups[first][0], groups[last][1]))
            first = last + 1
    for start, end in ends:
        yield Found(start, end, "card number")
        yield from _beside_card(seen, start, end)
    for match in _CVV.finditer(seen):
        yield Found(*match.span(1), "card security code")


def _card_from(seen: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The last group of the longest card number that begins with this one."""
    digits, found, between = "", None, set()
    for index in range(first, min(first + max(_CARD_DIGITS), len(groups))):
        start, end = groups[index]
        if index > first:
            between.add(seen[groups[index - 1][1] : start].strip() or " ")
        digits += seen[start:end]
        if len(digits) > max(_CARD_DIGITS) or len(between) > 1:
            break
        is_list = "," in "".join(between) and len(digits) < 3 * (index - first + 1)
        if len(digits) in _CARD_DIGITS and not is_list and _luhn(digits):
            found = index
    return found


def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1."""
    if digits[0] in "019" or len(set(digits)) == 1:
        return False  # no payment card begins so
    doubled = [int(digit) for digit in reversed(digits)]
    return sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(doubled)) % 10 == 0


def _beside_card(seen: str, start: int, end: int) -> Iterator[Found]:
    """Until when the card is valid, and its security code where no word tells it."""
    low, high = max(0, start - _NEAR_CARD), end + _NEAR_CARD
    after = end
    for match in (*_EXPIRY.finditer(seen, low, start), *_EXPIRY.finditer(seen, end, high)):
        yield Found(*match.span(), "card expiry")
        after = match.end() if match.start() >= end and after == end else after
    bare = _BARE_CVV.match(seen, after)
    if bare is not None:
        yield Found(*bare.span(1), "card security code")


def _social(seen: str) -> Iterator[Found]:
    words = [match.end() for match in _SSN_WORD.finditer(seen)]
    for match in _SSN.finditer(seen):
        if any(-_NEAR_CARD < match.start() - word < _NEAR_CARD for word in words):
            yield Found(*match.span(), "social security number")


def _phones(seen: str, region: str | None) -> Iterator[Found]:
    if _PHONE_DIGITS.search(seen) is None:
        return
    for shape in _PHONE:
        for match in shape.finditer(seen):
            if not _is_ordinary(seen, match):
                yield Found(*match.span(), NUMBER)
    for match in _PAIRS.finditer(seen):
        yield Found(*match.span(), NUMBER)
    for match in _LOCAL.finditer(seen):
        if _PHONE_WORD.search(seen, max(0, match.start() - _NEAR_CARD), match.end() + _NEAR_CARD):
            yield Found(*match.span(), NUMBER)
    from phonenumbers import Leniency, PhoneNumberMatcher

    for number in PhoneNumberMatcher(seen, region, leniency=Leniency.VALID, max_tries=_TRIES):
        yield Found(number.start, number.end, NUMBER)


def _is_ordinary(seen: str, match: re.Match[str]) -> bool:
    """Whether it begins with a date, or is a plain figure that a word before it names."""
    if _DATE.match(seen, match.start()):
        return True
    plain = match.group().isdigit() and not match.group().startswith("00")
    return plain and _ORDINARY_END.search(seen, max(0, match.start() - 24), match.start()) is not None
