"""The part of the collection that libphonenumber's metadata gives: every region, every type, every short number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, ShortNumberCost
from tests.destinations.entries import PASSES, STOPPED, UNREADABLE, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

REGIONS: Final = sorted(phonenumbers.SUPPORTED_REGIONS)
TYPES: Final = {
    PhoneNumberType.FIXED_LINE: ("fixed line", PASSES),
    PhoneNumberType.MOBILE: ("mobile", PASSES),
    PhoneNumberType.FIXED_LINE_OR_MOBILE: ("fixed line or mobile", PASSES),
    PhoneNumberType.TOLL_FREE: ("toll-free", PASSES),
    PhoneNumberType.VOIP: ("internet telephone", PASSES),
    PhoneNumberType.PREMIUM_RATE: ("premium", "destination_premium"),
    PhoneNumberType.SHARED_COST: ("shared cost", "destination_shared_cost"),
    PhoneNumberType.PERSONAL_NUMBER: ("personal", "destination_personal"),
    PhoneNumberType.PAGER: ("pager", "destination_pager"),
    PhoneNumberType.UAN: ("company-wide access", "destination_uan"),
    PhoneNumberType.VOICEMAIL: ("voicemail", "destination_voicemail"),
}
COSTS: Final = (
    ShortNumberCost.TOLL_FREE,
    ShortNumberCost.STANDARD_RATE,
    ShortNumberCost.PREMIUM_RATE,
    ShortNumberCost.UNKNOWN_COST,
)
_SHORTEST, _LONGEST_ENUMERATED = 2, 4
_READABLE = re.compile(r"\+[0-9]{7,15}")


def by_metadata() -> Iterator[Entry]:
    yield from _examples()
    yield from _non_geographic()
    yield from _broken()
    yield from _short()
    yield from _emergency()
    yield from _dressed()


def examples(*kinds: int) -> dict[str, str]:
    """Every region's example of these types in E.164 form, with the region that gives it."""
    found: dict[str, str] = {}
    for region in REGIONS:
        for kind in kinds:
            value = phonenumbers.example_number_for_type(region, kind)
            if value is not None:
                found.setdefault(phonenumbers.format_number(value, PhoneNumberFormat.E164), region)
    return found


def _examples() -> Iterator[Entry]:
    for kind, (name, expected) in TYPES.items():
        for e164 in examples(kind):
            yield Entry(e164, name, expected if _READABLE.fullmatch(e164) else UNREADABLE)


def _non_geographic() -> Iterator[Entry]:
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        value = phonenumbers.example_number_for_non_geo_entity(code)
        satellite = code in {870, 881, 882, 883}
        rule = "destination_satellite" if satellite else "destination_non_geographic"
        name = "satellite" if satellite else "of no country"
        yield Entry(phonenumbers.format_number(value, PhoneNumberFormat.E164), name, rule)


def _broken() -> Iterator[Entry]:
    for region in REGIONS:
        value = phonenumbers.invalid_example_number(region)
        if value is not None:
            yield Entry(phonenumbers.format_number(value, PhoneNumberFormat.E164), "in no plan", STOPPED)


def _short() -> Iterator[Entry]:
    """Every region's example short numbers, as a person at home dials them and behind the country code."""
    for region in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        code = phonenumbers.country_code_for_region(region)
        numbers = {phonenumbers.shortnumberinfo._example_short_number(region)}
        numbers |= {phonenumbers.shortnumberinfo._example_short_number_for_cost(region, cost) for cost in COSTS}
        for digits in sorted(filter(None, numbers)):
            yield Entry(digits, "short number", UNREADABLE)
            yield Entry(f"+{code}{digits}", "short number behind its country code", STOPPED)


def _emergency() -> Iterator[Entry]:
    """Every region's emergency numbers of up to four digits, and the metadata's own example of longer ones."""
    sizes = range(_SHORTEST, _LONGEST_ENUMERATED + 1)
    dialled = "\n".join(f"{value:0{size}}" for size in sizes for value in range(10**size))
    matched: dict[str, list[str]] = {}
    for region in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        metadata = phonenumbers.PhoneMetadata.short_metadata_for_region(region, None)
        if metadata is None or metadata.emergency is None:
            continue
        pattern = metadata.emergency.national_number_pattern
        if pattern not in matched:
            matched[pattern] = re.findall(
                f"^(?:{pattern})$".replace("(", "(?:").replace("(?:?:", "(?:"), dialled, re.MULTILINE
            )
        code = phonenumbers.country_code_for_region(region)
        for digits in sorted({*matched[pattern], metadata.emergency.example_number} - {None}):
            yield Entry(digits, "emergency", UNREADABLE)
            yield Entry(f"+{code}{digits}", "emergency behind its country code", STOPPED)


def _dressed() -> Iterator[Entry]:
    """Every region's premium example, each written in another way than E.164."""
    wide = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
    dresses = (
        lambda number: f"tel:{number}",
        lambda number: number.translate(wide),
        " ".join,
        lambda number: f"00{number[1:]}",
        lambda number: f"{number};ext=1",
        lambda number: f"\u202a{number}\u202c",
        lambda number: f"*67{number}",
    )
    for at, number in enumerate(examples(PhoneNumberType.PREMIUM_RATE)):
        yield Entry(dresses[at % len(dresses)](number), "premium in disguise", UNREADABLE)
