"""The part of the collection that is written by hand: what no metadata knows, and how people and attackers write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.destinations.by_writing import INVISIBLE, SCRIPTS
from tests.destinations.entries import PASSES, REFUSED, STOPPED, UNREADABLE, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

RINGING: Final = ("911", "112", "999", "988", "000", "110", "119", "933")
AREAS: Final = ("202", "212", "213", "305", "312", "415", "416", "514", "604", "646", "702", "713", "787", "808", "907")
ISLANDS: Final = (
    "242",
    "246",
    "264",
    "268",
    "284",
    "345",
    "441",
    "473",
    "649",
    "658",
    "664",
    "721",
    "758",
    "767",
    "784",
)
ISLANDS_TOO: Final = ("809", "829", "849", "868", "869", "876")
SERVICES: Final = ("211", "311", "411", "511", "611", "711", "811")


def recognised_emergencies() -> Iterator[str]:
    """Emergency numbers in dresses through which they must be recognised as such."""
    for digits in RINGING:
        one, two, three = digits
        yield from (digits, f" {digits} ", f"{digits}\n", f"\t{digits}", f"({digits})", f"{digits}#", f"{digits} x5")
        yield from (f"{one} {two} {three}", f"{one}-{two}-{three}", f"{one}.{two}.{three}", f"{one}\n{two}\n{three}")
        yield from (f"tel:{digits}", f"TEL:{digits}", f"sms:{digits}", f"callto:{digits}", f"tel:{one}-{two}-{three}")
        yield from (f"tel:{digits};phone-context=+1", f"tel:{digits};ext=1", f"sms:{digits}?body=help")
        yield from (f"*67{digits}", f"*67 {digits}", f"#31#{digits}", f"*31#{digits}", f"{digits};ext=5")
        yield "".join(f"%3{digit}" for digit in digits)
        yield "".join(f"{digit}\u20e3" for digit in digits)
        for zero in SCRIPTS.values():
            yield "".join(chr(zero + int(digit)) for digit in digits)
        for char in INVISIBLE:
            yield char.join(digits)
            yield f"{char}{digits}{char}"
    yield from ("\u2079\u00b9\u00b9", "\u2468\u2460\u2460", "\u2089\u2089\u2089")  # superscript, circled, subscript
    for digits in ("911", "112", "988", "933"):
        yield from (
            f"+1{digits}",
            f"+1 {digits}",
            f"+1-{digits}",
            f"+1 ({digits})",
            f"tel:+1{digits}",
            f"*67+1{digits}",
        )
        yield from (f"tel:%2B1{digits}", f"%2B1{digits}", f"\uff0b1{digits}", f"+1\u200b{digits}", f"+1 {digits};ext=1")
    yield from ("+911", "+112", "+999", "+988", "+44999", "+44 999", "+61000", "+49110", "+81119", "+91112", "+3315")
    yield from ("+33 17", "+33 18", "+39113", "+55190", "+86120", "+7112", "+34112", "+41117", "+972100", "+27 10111")


def by_hand() -> Iterator[Entry]:
    for text in recognised_emergencies():
        yield Entry(text, "emergency in disguise", UNREADABLE)
    for digits in RINGING:
        for text in (
            f"9{digits}",
            f"9,{digits}",
            f"0{digits}",
            f"++{digits}",
            f"+{digits}{digits}",
            f"{digits},{digits}",
        ):
            yield Entry(text, "emergency with digits around it", STOPPED)
        yield Entry(
            f"+1{digits}5550123", "emergency as an area code", "destination_emergency" if digits[0] == "9" else STOPPED
        )
    for kind, expected, texts in (*_refused(), *_passing()):
        for text in texts:
            yield Entry(text, kind, expected)


def _refused() -> Iterator[tuple[str, str, list[str]]]:
    yield "911 as an exchange", "destination_emergency", [f"+1{area}9115512" for area in AREAS]
    yield "988's own line", "destination_emergency", ["+18002738255"]
    yield (
        "service code as an exchange",
        "destination_not_valid",
        [f"+1{area}{n11}5512" for area in AREAS for n11 in SERVICES],
    )
    yield "service code as an area code", REFUSED, [f"+1{n11}5550123" for n11 in SERVICES]
    yield (
        "directory assistance",
        "destination_premium",
        [f"+1{area}5551212" for area in (*AREAS, *ISLANDS, *ISLANDS_TOO)],
    )
    yield "premium exchange", "destination_premium", [f"+1{area}9765512" for area in (*AREAS, *ISLANDS)]
    yield (
        "premium area code",
        "destination_premium",
        [f"+1900{exchange}0123" for exchange in ("123", "200", "555", "976", "999")],
    )
    yield (
        "premium",
        "destination_premium",
        [
            *("+449098790000", "+449111234567", "+499001654321", "+499003123456", "+33899123456", "+33892123456"),
            *("+39899123456", "+39892123", "+34803123456", "+34807123456", "+41900123456", "+41901123456"),
            *("+31900123456", "+31906123456", "+3290512345", "+43900123456", "+46900123456", "+4782012345"),
            *("+35860012345", "+48701234567", "+81990123456", "+611900123456", "+6490012345"),
        ],
    )
    yield "mass calling", "destination_shared_cost", ["+491371123456", "+4918012345", "+49180512345", "+33820123456"]
    yield "company-wide access", UNREADABLE, ["+13101234"]  # seven digits: no area code
    yield (
        "satellite",
        "destination_satellite",
        [
            *(f"+881{digit}12345678" for digit in range(10)),
            *("+870773123456", "+870600123456", "+88216123456", "+8821612345678", "+882342034567", "+883510012345"),
            *(
                "+883120123456",
                "+88252123456",
                "+16002021234",
                "+16007001234",
                "+61147112345",
                "+61147101234",
                "+16002012345",
            ),
        ],
    )
    yield (
        "of no country",
        "destination_non_geographic",
        [
            *("+80012345678", "+80000000001", "+80812345678", "+878101234567890", "+979123456789"),
            *("+979912345678", "+979312345678", "+80099999999"),
        ],
    )
    personal = ("500", "521", "522", "523", "524", "525", "526", "533", "544", "566", "577", "588", "622", "633")
    yield "personal", "destination_personal", [*(f"+1{area}2345678" for area in personal), "+447012345678"]
    yield (
        "not in use",
        "destination_not_valid",
        [
            *("+17006275512", "+17106274387", "+14562345678", "+15550109999", "+15551234567", "+15555550123"),
            *("+13702345678", "+19602345678", "+12341234567", "+11112345678", "+10002345678"),
        ],
    )


def _passing() -> Iterator[tuple[str, str, list[str]]]:
    yield "fiction", PASSES, [f"+1{area}55501{line}" for area in AREAS for line in ("00", "42", "99")]
    islands = (*ISLANDS, *ISLANDS_TOO)
    yield "one-ring country: the country list's business", PASSES, [f"+1{area}{_exchange(area)}" for area in islands]
    yield (
        "looks forbidden and is not",
        PASSES,
        [
            *(
                "+33172345678",
                "+33155345678",
                "+33188345678",
                "+33112345678",
                "+12129882345",
                "+14159882345",
                "+12125550976",
            ),
            *(
                "+12129867543",
                "+18005551212",
                "+18009115512",
                "+442079460958",
                "+14155552671",
                "+12025550112",
                "+19165550911",
            ),
        ],
    )
    yield "zero that belongs to it", PASSES, ["+390669821234", "+390236618300", "+39010123456"]
    yield (
        "of some country",
        PASSES,
        ["+4915112345678", "+819012345678", "+61412345678", "+8613812345678", "+919876543210"],
    )


def _exchange(area: str) -> str:
    """An ordinary number of a Caribbean area: their plans are narrow, so the metadata's example is taken."""
    import phonenumbers

    for region in phonenumbers.region_codes_for_country_code(1):
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            value = phonenumbers.example_number_for_type(region, kind)
            if value is not None and str(value.national_number).startswith(area):
                return str(value.national_number)[3:]
    return "2345678"
