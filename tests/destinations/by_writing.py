"""Texts that are no number in E.164 form: how people write numbers, and how attackers hide them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.destinations.entries import UNREADABLE, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    Texts = Iterator[tuple[str, list[str]]]

NUMBER: Final = "+14155552671"
OTHER: Final = "+14155552672"
SCRIPTS: Final = {
    "full width": 0xFF10,
    "Arabic-Indic": 0x0660,
    "extended Arabic-Indic": 0x06F0,
    "Devanagari": 0x0966,
    "Bengali": 0x09E6,
    "Thai": 0x0E50,
    "Khmer": 0x17E0,
    "mathematical bold": 0x1D7CE,
    "mathematical double-struck": 0x1D7D8,
    "mathematical monospace": 0x1D7F6,
}
INVISIBLE: Final = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f", "\u2066", "\u00a0")


def by_writing() -> Iterator[Entry]:
    for part in (_beside_it, _service_codes, _prefixes, _lengths, _blanks, _characters, _links):
        for kind, texts in part():
            for text in texts:
                yield Entry(text, kind, UNREADABLE)


def _beside_it() -> Texts:
    spoken = (
        "ext",
        "ext.",
        "ext:",
        "Ext",
        "EXTENSION",
        "x",
        "X",
        " x ",
        ";ext=",
        ";EXT=",
        "#",
        ",",
        ",,",
        "p",
        "w",
        "W",
    )
    yield "extension", [f"{NUMBER}{word}{tail}" for word in spoken for tail in ("9", "911", "1234")]
    yield (
        "vanity",
        [
            *("+1-800-FLOWERS", "1800FLOWERS", "+1800GOFEDEX", "1-800-CALL-ATT", "+1212555CALL", "+44800REVERSE"),
            *("+1900HOTLINE", "nine one one", "911 please", "call 911", "NINE11", "9ll", "O00", "+1 4I5 555 2671"),
        ],
    )
    joints = (",", ", ", ";", "; ", "/", "|", "\n", "\t", " ", " and ", " or ", "", " + ")
    yield "several", [f"{NUMBER}{joint}{OTHER}" for joint in joints]
    yield "several with a forbidden one", [f"{NUMBER}{joint}+19005550123" for joint in joints]


def _service_codes() -> Texts:
    codes = (
        "*67",
        "*69",
        "*70",
        "*72",
        "*73",
        "*82",
        "*90",
        "#31#",
        "*31#",
        "**21*",
        "*21*",
        "*61*",
        "*62*",
        "*67*",
        "##",
    )
    yield "service code before a number", [f"{code}{NUMBER}" for code in codes]
    yield (
        "call forwarding",
        [f"{code}{NUMBER}#" for code in ("**21*", "*21*", "**61*", "**62*", "**67*", "**002*")],
    )
    yield (
        "service code",
        [
            *(
                "*06#",
                "*#06#",
                "*100#",
                "*123#",
                "##002#",
                "*#21#",
                "*#31#",
                "*2767*3855#",
                "*#*#4636#*#*",
                "*72",
                "#",
                "*",
                "**",
            ),
            *("*99#", "*#62#", "*#67#", "*111*1#", "*42#"),
        ],
    )


def _prefixes() -> Texts:
    yield (
        "carrier selection",
        [
            *(
                "1010288 1 415 555 2671",
                "10102880",
                "10-10-321-1-415-555-2671",
                "+10102884155552671",
                "101032114155552671",
            ),
            *("01033 030 123456", "0103303012345", "+490103303012345", "1010220", "01149301234567"),
        ],
    )
    yield (
        "domestic prefix",
        [
            *("+44 (0)20 7946 0958", "+4402079460958", "+44(0)2079460958", "+49 (0) 30 123456", "+49015112345678"),
            *(
                "+114155552671",
                "020 7946 0958",
                "0151 12345678",
                "0044 20 7946 0958",
                "011 44 20 7946 0958",
                "1 415 555 2671",
            ),
            *("4155552671", "(415) 555-2671", "8 495 123 45 67", "+33 (0)1 72 34 56 78"),
        ],
    )
    yield (
        "information",
        ["411", "1411", "+1411", "555-1212", "5551212", "118118", "118500", "12455", "+1 211", "311"],
    )
    yield (
        "short code",
        ["72345", "787878", "22395", "+172345", "60777", "85555", "116117", "116123", "116 000", "3114"],
    )


def _lengths() -> Texts:
    yield (
        "length",
        [
            *(
                "+",
                "+1",
                "+12",
                "+123",
                "+1234",
                "+12345",
                "+123456",
                "+1415555267",
                "+141555526711",
                "+1415555267123456",
            ),
            *("+44", "+4420", "+49", "+390", "+33172", "+8613", "1" * 16, "9" * 64, "+" + "1" * 63, "9" * 65, "+" * 30),
        ],
    )
    yield (
        "country code that is none",
        [
            f"+{code}12345678"
            for code in (210, 214, 219, 259, 280, 384, 388, 422, 693, 801, 803, 851, 871, 872, 873, 874, 875, 969, 999)
        ],
    )
    yield (
        "leading zero",
        ["+0", "+00", "+014155552671", "+0014155552671", "0000000000", "+0000000000", "0" * 15],
    )


def _blanks() -> Texts:
    signs = (
        *"-=~@$&`'\"",
        "\u00b1",
        "\uff0b",
        "\ufe62",
        "\u207a",
        "\u2795",
        "++",
        "+ ",
        "+-",
        "-+",
        "(+",
        "+(",
        "+.",
        "+,",
    )
    yield "sign", [f"{sign}14155552671" for sign in signs]
    blanks = (
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\v",
        "\f",
        "\x85",
        "\u00a0",
        "\u2003",
        "\u2028",
        "\u202f",
        "\u3000",
        "\x00",
        "\x1b[2J",
    )
    yield "blank around it", [text for blank in blanks for text in (f"{blank}{NUMBER}", f"{NUMBER}{blank}")]
    yield "blank inside", [f"+1415{blank}5552671" for blank in (*blanks, *INVISIBLE)]


def _characters() -> Texts:
    yield (
        "digits of another script",
        [
            "+" + "".join(chr(zero + int(digit)) for digit in digits)
            for zero in SCRIPTS.values()
            for digits in ("14155552671", "19005550123", "881612345678")
        ],
    )
    yield "one foreign digit", [f"+1415555267{chr(zero + 1)}" for zero in SCRIPTS.values()]
    yield (
        "no digit after all",
        ["+1415555267\u00b9", "+1415555267\u2460", "+1415555267\u2160", "\u2488\u2489", "一二三四五六七"],
    )
    yield (
        "direction",
        [f"{mark}{NUMBER}{end}" for mark, end in (("\u202e", "\u202c"), ("\u2067", "\u2069"), ("\u200f", ""))],
    )
    yield "surrogate", ["\ud800", "\udfff", "\ud835\udfd7", f"{NUMBER}\ud800", "\udc00911", "9\ud80011"]


def _links() -> Texts:
    schemes = (
        "tel:",
        "TEL:",
        "sms:",
        "smsto:",
        "mms:",
        "callto:",
        "facetime:",
        "sip:",
        "sips:",
        "whatsapp:",
        "http:",
        "javascript:",
    )
    yield "link", [f"{scheme}{NUMBER}" for scheme in schemes]
    yield (
        "link with parameters",
        [
            *(
                f"tel:{NUMBER};ext=9",
                f"tel:{NUMBER};phone-context=+1",
                "tel:5552671;phone-context=+1415",
                f"sms:{NUMBER}?body=911",
            ),
            *(
                "tel:%2B14155552671",
                "%2B14155552671",
                "tel:+1%2D415%2D555%2D2671",
                "tel:2671;phone-context=example.com",
            ),
            *(f"sip:{NUMBER}@example.com;user=phone", f"tel://{NUMBER}", f"<tel:{NUMBER}>", f"{NUMBER}@example.com"),
        ],
    )
    yield (
        "something else",
        [
            *(
                "",
                " ",
                "None",
                "null",
                "NaN",
                "Infinity",
                "1e10",
                "0x1F2E3D4C5B",
                "14155552671.0",
                "1_415_555_2671",
                "true",
                "{}",
                "[]",
            ),
            *(
                f'["{NUMBER}"]',
                f"{{'to': '{NUMBER}'}}",
                "'; DROP TABLE outbounds; --",
                "../../etc/passwd",
                "${HOME}",
                "%s%s%s%n",
            ),
            *(
                "+1415555267\\x31",
                "&#43;14155552671",
                "\U0001f4de",
                "4\ufe0f\u20e3",
                "\\u002b14155552671",
                "ct_abcdefghijklmnop",
            ),
        ],
    )
