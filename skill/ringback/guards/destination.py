"""Some numbers must not be reached by a model, whoever agrees: docs/decisions/0009.

Number types come from libphonenumber's metadata. It counts satellite codes as mobile or internet telephones and
knows no type for what is possible but not valid, so country codes and some North American codes are named here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ringback.guards.base import Allow, Decision, Facts, Refuse
from ringback.model.emergency import CRISIS, NANP, is_emergency_in_country
from ringback.model.numbers import PhoneNumber, parsed

SATELLITE: Final = frozenset({870, 881, 882, 883})
"""Inmarsat, and the shared codes of satellite and international networks (ITU-T E.164.1)."""
NON_GEOGRAPHIC: Final = frozenset({800, 808, 878, 888, 979})
"""Universal free, shared-cost, personal, relief and premium services (ITU-T E.164.1)."""
SATELLITE_AREAS: Final = {1: "600", 61: "1471"}
"""National codes for satellite telephones, which libphonenumber counts as internet telephones: Canada, Australia."""
CRISIS_LINES: Final = frozenset({"+18002738255"})
"""The ten-digit form of 988."""
_PREMIUM_AREA = "900"
_PREMIUM_EXCHANGE = "976"
_DIRECTORY = "5551212"
_EMERGENCY = "911"

_PREMIUM_WORDS = ("destination_premium", "a premium-rate number")
_WAY_OUT = "Ask the person for an ordinary telephone number. There is no setting that lets this one through."


def destination(facts: Facts) -> Decision:
    """Refuse emergency, premium, shared-cost, personal, satellite and non-geographic numbers.

    A live carrier also needs a number that is in use by its country's plan; the sandbox takes what is possible.
    """
    number = facts.outbound.to
    kind = _forbidden_kind(number)
    if kind is not None:
        rule, words = kind
        return Refuse(rule, f"The number is {words}; Ringback never reaches one.", _WAY_OUT)
    if facts.line is not None and facts.line.live and not _is_valid(number):
        return Refuse(
            "destination_not_valid",
            "No telephone can have this number by its country's plan.",
            "Ask the person for the number again; a digit may be wrong.",
        )
    return Allow()


@lru_cache(maxsize=1024)
def _is_valid(number: PhoneNumber) -> bool:
    import phonenumbers

    value = parsed(number)
    return phonenumbers.is_valid_number(value) and not _is_unassignable(number, phonenumbers.number_type(value))


def _is_unassignable(number: PhoneNumber, kind: int) -> bool:
    """Whether the exchange is 211 to 911: North America gives none of these, and libphonenumber does not know it."""
    from phonenumbers import PhoneNumberType as Type

    exchange = number.e164[5:8]
    return number.country_code == NANP and exchange.endswith("11") and kind != Type.TOLL_FREE


@lru_cache(maxsize=1024)
def _forbidden_kind(number: PhoneNumber) -> tuple[str, str] | None:
    """The rule that forbids the number and its words, if one does."""
    code = number.country_code
    area = SATELLITE_AREAS.get(code)
    if code in SATELLITE or (area is not None and number.e164[1 + len(str(code)) :].startswith(area)):
        return "destination_satellite", "a satellite or international network number"
    if code in NON_GEOGRAPHIC:
        return "destination_non_geographic", "a number that belongs to no country"
    if _is_emergency(number):
        return "destination_emergency", "an emergency or crisis number"
    return (_forbidden_in_america(number) if code == NANP else None) or _forbidden_type(number)


def _is_emergency(number: PhoneNumber) -> bool:
    """Whether the national number is an emergency one, or a number in no plan that begins like one.

    Only an exact match counts for a valid number: Paris numbers begin with 17, which is the French police.
    """
    import phonenumbers

    value = parsed(number)
    if number.e164 in CRISIS_LINES or is_emergency_in_country(value):
        return True
    if phonenumbers.is_valid_number(value):
        return False
    digits = phonenumbers.national_significant_number(value)
    regions = phonenumbers.region_codes_for_country_code(value.country_code or 0)
    return (value.country_code == NANP and digits[:3] in CRISIS) or any(
        phonenumbers.connects_to_emergency_number(digits, region) for region in regions
    )


def _forbidden_in_america(number: PhoneNumber) -> tuple[str, str] | None:
    """What the North American plan forbids by area code and exchange, in all of its countries."""
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    area, exchange, line = number.e164[2:5], number.e164[5:8], number.e164[8:]
    if area == _PREMIUM_AREA or exchange == _PREMIUM_EXCHANGE:
        return _PREMIUM_WORDS
    if phonenumbers.number_type(parsed(number)) == Type.TOLL_FREE:
        return None
    if exchange == _EMERGENCY:  # no telephone has it, and whoever drops the area code rings for help
        return "destination_emergency", "an emergency number behind an area code"
    if exchange + line == _DIRECTORY:
        return "destination_premium", "directory assistance, which charges the caller"
    return None


def _forbidden_type(number: PhoneNumber) -> tuple[str, str] | None:
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    special = {
        Type.PREMIUM_RATE: _PREMIUM_WORDS,
        Type.SHARED_COST: ("destination_shared_cost", "a shared-cost number"),
        Type.PERSONAL_NUMBER: ("destination_personal", "a personal number that forwards at the caller's cost"),
        Type.PAGER: ("destination_pager", "a pager"),
        Type.UAN: ("destination_uan", "a company-wide access number"),
        Type.VOICEMAIL: ("destination_voicemail", "a voicemail access number"),
    }
    return special.get(phonenumbers.number_type(parsed(number)))
