"""Telephone numbers: strict E.164 in, one canonical form, never whole in a log.

E.164 is ITU-T's plan: `+`, a country code and the national number, at most 15 digits in all.
Nothing is corrected silently: what a person probably meant comes back as a suggestion.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from ringback.errors import InvalidNumber
from ringback.model.emergency import (
    LINK,
    LINK_TAIL,
    SERVICE_CODE,
    is_emergency_in_country,
    names_emergency,
    rings_emergency,
)

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as ParsedNumber

_CANONICAL = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_EXTENSION = re.compile(r"(;|,|\s|\d)\s*(ext\b|ext[.=:]|extension|x\s*\d|#)", re.IGNORECASE)
_UNCOUNTED = frozenset("*#,;%")
"""What begins a service code, a pause or an encoded character: the digits around it are not one number."""
_WIDE_PLUS = "\uff0b"
_SHORT_CODE_DIGITS = 6
_LONGEST = 64
_SEARCHED = 1024
_LAST_DIGITS = 4

E164_HINT = "Give one number in E.164 form: +, country code, number, digits only, for example +14155550123."
_SUGGESTION_HINT = "Ask the person whether they meant the suggested form, then call again with it."


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """One telephone number. `repr` and `str` are masked; only `e164` tells it whole."""

    e164: str = field(repr=False)

    def __str__(self) -> str:
        return self.masked

    def __repr__(self) -> str:
        return f"PhoneNumber({self.masked!r})"

    @property
    def masked(self) -> str:
        """The number as a model and a log may see it: `+1 ••• ••• 4567`. Never more than half of the digits."""
        national = self.e164[1 + len(str(self.country_code)) :]
        shown = min(_LAST_DIGITS, len(national) // 2)
        return f"+{self.country_code} ••• ••• {national[-shown:]}"

    @property
    def last_digits(self) -> str:
        """The last four digits, which a person types to show that they looked."""
        return self.e164[-_LAST_DIGITS:]

    @property
    def country_code(self) -> int:
        """The calling code: 1, 44, 881."""
        from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

        # No calling code begins with another one. Parsing the number tells the same, and takes far longer.
        codes = (int(self.e164[1 : 1 + digits]) for digits in (1, 2, 3))
        return next((code for code in codes if code in COUNTRY_CODE_TO_REGION_CODE), 0)

    @property
    def region(self) -> str | None:
        """The ISO 3166 region that the number belongs to, `None` where no single one is known."""
        import phonenumbers

        number = parsed(self)
        region = phonenumbers.region_code_for_number(number)
        return None if region in {None, "001"} else region

    @property
    def line_type(self) -> str:
        """What kind of telephone it is by its country's plan; many plans do not tell mobile from fixed."""
        import phonenumbers
        from phonenumbers import PhoneNumberType as Type

        words = {
            Type.MOBILE: "mobile",
            Type.FIXED_LINE: "fixed line",
            Type.FIXED_LINE_OR_MOBILE: "mobile or fixed line",
            Type.TOLL_FREE: "toll-free",
            Type.VOIP: "internet telephone",
        }
        return words.get(phonenumbers.number_type(parsed(self)), "unknown kind of line")

    @property
    def formatted(self) -> str:
        """The number whole, spaced for a person to read: for the approving person alone."""
        import phonenumbers

        return phonenumbers.format_number(parsed(self), phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@lru_cache(maxsize=1024)
def parsed(number: PhoneNumber) -> ParsedNumber:
    """The number as libphonenumber's structure."""
    import phonenumbers

    return phonenumbers.parse(number.e164, None)


def parse_number(text: str, *, home: PhoneNumber | None = None) -> PhoneNumber:
    """Read one number in strict E.164 form.

    Args:
        text: what was typed. Only `+` and 7 to 15 ASCII digits pass.
        home: the agent's own number; its country is used for a suggestion, never for the result.

    Raises:
        InvalidNumber: the text is anything else. `problem` is one of `empty`, `several`, `extension`, `uri`,
            `letters`, `unicode_digits`, `emergency`, `short_code`, `missing_plus`, `formatting`, `length` and
            `country_code`. The message never repeats the text.
    """
    if _CANONICAL.fullmatch(text):
        return _possible(PhoneNumber(text))
    raise _diagnose(text, home)


@lru_cache(maxsize=1024)
def _possible(number: PhoneNumber) -> PhoneNumber:
    """The number, if its length can occur in its country."""
    import phonenumbers
    from phonenumbers import ValidationResult

    try:
        value = parsed(number)
    except phonenumbers.NumberParseException:
        raise InvalidNumber(
            "country_code", "The number's country code does not exist.", hint="Ask the person for the number again."
        ) from None
    if rings_emergency(number.e164[1:]) or is_emergency_in_country(value):
        raise _emergency()
    reason = phonenumbers.is_possible_number_with_reason(value)
    if reason == ValidationResult.IS_POSSIBLE:
        return _in_its_one_spelling(number, value)
    if reason == ValidationResult.INVALID_COUNTRY_CODE:
        raise InvalidNumber(
            "country_code", "The number's country code does not exist.", hint="Ask the person for the number again."
        )
    long = reason == ValidationResult.TOO_LONG
    raise InvalidNumber(
        "length",
        f"The number is too {'long' if long else 'short'} for its country.",
        hint="Ask the person for the whole number, with its country and area code.",
    )


def _in_its_one_spelling(number: PhoneNumber, value: ParsedNumber) -> PhoneNumber:
    """The number, unless a trunk prefix follows its country code: one telephone must not have two forms here."""
    import phonenumbers

    canonical = phonenumbers.format_number(value, phonenumbers.PhoneNumberFormat.E164)
    if canonical == number.e164:
        return number
    plain = _CANONICAL.fullmatch(canonical) is not None and phonenumbers.is_valid_number(value)
    raise InvalidNumber(
        "formatting",
        "The number has a domestic prefix after its country code.",
        hint=_SUGGESTION_HINT if plain else E164_HINT,
        suggestion=canonical if plain else None,
    )


def _emergency() -> InvalidNumber:
    return InvalidNumber(
        "emergency",
        "This is an emergency number; Ringback never dials one.",
        hint="Tell the person to call emergency services themselves, from their own phone, now.",
    )


def _diagnose(text: str, home: PhoneNumber | None) -> InvalidNumber:
    """The first rule that a text which is not canonical E.164 breaks, with a suggestion where it is plain."""
    bare = text.strip()
    if not bare:
        return InvalidNumber("empty", "No number was given.", hint=E164_HINT)
    if _holds_several(bare):
        return InvalidNumber("several", "More than one number was given.", hint="Send to one number at a time.")
    if len(text) > _LONGEST:
        return InvalidNumber("length", "The text is longer than any telephone number.", hint=E164_HINT)
    return _diagnose_characters(bare, home)


def _diagnose_characters(bare: str, home: PhoneNumber | None) -> InvalidNumber:
    ascii_form = "".join(str(unicodedata.decimal(char, char)) for char in bare.replace(_WIDE_PLUS, "+"))
    if names_emergency(ascii_form, home.country_code if home else None):
        return _emergency()
    if SERVICE_CODE.match(ascii_form) or _EXTENSION.search(ascii_form):
        return _diagnose_commands(ascii_form)
    if LINK.match(ascii_form):
        meant = LINK_TAIL.sub("", ascii_form.partition(":")[2])
        return _suggesting("uri", "A link was given in place of a number.", meant, home)
    if any(char.isalpha() for char in ascii_form):
        return InvalidNumber("letters", "The number has letters in it.", hint=E164_HINT)
    if ascii_form != bare or not bare.isascii():
        return _suggesting("unicode_digits", "The number has characters that are not plain digits.", ascii_form, home)
    return _diagnose_digits(bare, home)


def _diagnose_commands(text: str) -> InvalidNumber:
    """What would be dialled before or after the number. No number is read out of it."""
    if not SERVICE_CODE.match(text):
        return InvalidNumber(
            "extension",
            "The number has an extension; extensions cannot be dialled.",
            hint="Give the number without it.",
        )
    if sum(map(str.isdigit, text)) <= _SHORT_CODE_DIGITS:
        return InvalidNumber("short_code", "This is a service code, not a number.", hint=E164_HINT)
    return InvalidNumber("formatting", "The number begins with a service code; none is dialled.", hint=E164_HINT)


def _holds_several(bare: str) -> bool:
    runs = [
        run
        for run in re.split(r"[,;/|\n\r\t]|\band\b|\bor\b|(?=\+)", bare[:_SEARCHED])
        if sum(map(str.isdigit, run)) > _SHORT_CODE_DIGITS
    ]
    return len(runs) > 1


def _diagnose_digits(bare: str, home: PhoneNumber | None) -> InvalidNumber:
    digits = "".join(_DIGITS.findall(bare))
    if not digits:
        return InvalidNumber("empty", "No digits were given.", hint=E164_HINT)
    if not bare.startswith("+") and len(digits) <= _SHORT_CODE_DIGITS:
        return InvalidNumber(
            "short_code", "This is a short code or a part of a number, not a whole one.", hint=E164_HINT
        )
    if bare.startswith("+") and set(bare[1:]) <= set("0123456789") and not _CANONICAL.fullmatch(bare):
        return InvalidNumber("length", "An E.164 number has 7 to 15 digits and no leading zero.", hint=E164_HINT)
    if bare.startswith("+"):
        return _suggesting("formatting", "The number has spaces or punctuation in it.", bare, home)
    return _suggesting("missing_plus", "The number lacks + and its country code.", bare, home)


def _suggesting(problem: str, message: str, meant: str, home: PhoneNumber | None) -> InvalidNumber:
    suggestion = _suggest(meant, home)
    return InvalidNumber(problem, message, hint=_SUGGESTION_HINT if suggestion else E164_HINT, suggestion=suggestion)


def _suggest(meant: str, home: PhoneNumber | None) -> str | None:
    """What the person probably meant, only where it is a valid number and there is one reading."""
    if not _UNCOUNTED.isdisjoint(meant):
        return None
    digits = "".join(_DIGITS.findall(meant))
    candidates = [f"+{digits}"]
    if not meant.lstrip().startswith("+"):
        if digits.startswith("00"):
            candidates = [f"+{digits[2:]}"]
        elif home is not None:
            candidates.append(f"+{home.country_code}{digits.removeprefix('0')}")
    plausible = [candidate for candidate in candidates if _is_plausible(candidate, home)]
    return plausible[0] if len(plausible) == 1 else None


def _is_plausible(candidate: str, home: PhoneNumber | None) -> bool:
    """Whether the candidate would be taken, and is a valid number or one of the agent's own country."""
    import phonenumbers

    try:
        number = parse_number(candidate)
    except InvalidNumber:
        return False
    same_country = home is not None and number.country_code == home.country_code
    return same_country or phonenumbers.is_valid_number(parsed(number))
