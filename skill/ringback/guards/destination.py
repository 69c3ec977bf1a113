"""Some numbers must not be reached by a model, whoever agrees: docs/decisions/0009.

Number types come from libphonenumber's metadata. It counts the satellite codes as mobile phones and knows no
type for what is possible but not valid, so country codes and the North American premium codes are named here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from ringback.guards.base import Allow, Decision, Facts, Refuse
from ringback.model.numbers import PhoneNumber, parsed

SATELLITE: Final = frozenset({870, 881, 882, 883})
"""Inmarsat, and the shared codes of satellite and international networks (ITU-T E.164.1)."""
NON_GEOGRAPHIC: Final = frozenset({800, 808, 878, 888, 979})
"""Universal free, shared-cost, personal, relief and premium services (ITU-T E.164.1)."""
_NANP = 1
_NANP_PREMIUM_AREA = "900"
_NANP_PREMIUM_EXCHANGE = "976"

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

    return phonenumbers.is_valid_number(parsed(number))


@lru_cache(maxsize=1024)
def _forbidden_kind(number: PhoneNumber) -> tuple[str, str] | None:
    """The rule that forbids the number and its words, if one does."""
    if number.country_code in SATELLITE:
        return "destination_satellite", "a satellite or international network number"
    if number.country_code in NON_GEOGRAPHIC:
        return "destination_non_geographic", "a number that belongs to no country"
    if _is_emergency(number):
        return "destination_emergency", "an emergency number"
    return _forbidden_type(number)


def _is_emergency(number: PhoneNumber) -> bool:
    """Whether the national number is an emergency one, or a number in no plan that begins like one.

    Only an exact match counts for a valid number: Paris numbers begin with 17, which is the French police.
    """
    import phonenumbers

    value = parsed(number)
    digits = phonenumbers.national_significant_number(value)
    regions = phonenumbers.region_codes_for_country_code(value.country_code or 0)
    if any(phonenumbers.is_emergency_number(digits, region) for region in regions):
        return True
    return not phonenumbers.is_valid_number(value) and any(
        phonenumbers.connects_to_emergency_number(digits, region) for region in regions
    )


def _forbidden_type(number: PhoneNumber) -> tuple[str, str] | None:
    import phonenumbers
    from phonenumbers import PhoneNumberType as Type

    value = parsed(number)
    digits = phonenumbers.national_significant_number(value)
    nanp_premium = number.country_code == _NANP and (
        digits.startswith(_NANP_PREMIUM_AREA) or digits[3:6] == _NANP_PREMIUM_EXCHANGE
    )
    kind = phonenumbers.number_type(value)
    if nanp_premium or kind == Type.PREMIUM_RATE:
        return "destination_premium", "a premium-rate number"
    special = {
        Type.SHARED_COST: ("destination_shared_cost", "a shared-cost number"),
        Type.PERSONAL_NUMBER: ("destination_personal", "a personal number that forwards at the caller's cost"),
        Type.PAGER: ("destination_pager", "a pager"),
        Type.UAN: ("destination_uan", "a company-wide access number"),
        Type.VOICEMAIL: ("destination_voicemail", "a voicemail access number"),
    }
    return special.get(kind)
