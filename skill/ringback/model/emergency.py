"""Which digits ring for help, however they are dressed. A machine must not occupy such a line."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber as ParsedNumber

NANP: Final = 1
"""The country code of the North American plan."""
CRISIS: Final = frozenset({"988", "933"})
"""North America's crisis line, and its test line for 911: libphonenumber counts neither as an emergency number."""
LINK: Final = re.compile(r"^[a-z]+:", re.IGNORECASE)
"""What a `tel:` or `sms:` link begins with."""
LINK_TAIL: Final = re.compile(r"[;?].*", re.DOTALL)
"""The parameters of a link."""
SERVICE_CODE: Final = re.compile(r"^[*#]+(?:[0-9]{1,4}[*#]+|[0-9]{2})?")
"""What tells a network to do something before the number: `*67`, `#31#`, `*21*`."""

_EXTENSION_TAIL = re.compile(r"[;,\s]*(ext|x|#).*", re.IGNORECASE | re.DOTALL)
_LARGE_PLANS = ("US", "GB", "AU", "IN", "JP")


def names_emergency(text: str, home_code: int | None) -> bool:
    """Whether the text is an emergency number, also where an extension, a link or a service code stands around it.

    Args:
        text: at most some dozens of characters.
        home_code: the country code of the agent's own line, whose emergency numbers count without it.
    """
    from urllib.parse import unquote

    number = SERVICE_CODE.sub("", unquote(text).strip())
    if LINK.match(number):
        number = LINK_TAIL.sub("", LINK.sub("", number))
    number = _EXTENSION_TAIL.sub("", number).strip()
    if any(char.isalpha() for char in number):
        return False
    digits = "".join(str(unicodedata.digit(char, "")) for char in number)
    return rings_emergency(digits, home_code) or (number.startswith("+") and _is_in_some_country(f"+{digits}"))


def rings_emergency(digits: str, home_code: int | None = None) -> bool:
    """Whether the digits alone, without a country code, ring for help in a large plan or in the agent's own."""
    import phonenumbers

    own = () if home_code is None else phonenumbers.region_codes_for_country_code(home_code)
    return digits in CRISIS or any(phonenumbers.is_emergency_number(digits, region) for region in (*_LARGE_PLANS, *own))


def is_emergency_in_country(value: ParsedNumber) -> bool:
    """Whether the national number is an emergency number of a country that has the number's country code."""
    import phonenumbers

    digits = phonenumbers.national_significant_number(value)
    if value.country_code == NANP and digits in CRISIS:
        return True
    regions = phonenumbers.region_codes_for_country_code(value.country_code or 0)
    return any(phonenumbers.is_emergency_number(digits, region) for region in regions)


def _is_in_some_country(candidate: str) -> bool:
    import phonenumbers

    try:
        return is_emergency_in_country(phonenumbers.parse(candidate, None))
    except phonenumbers.NumberParseException:
        return False
