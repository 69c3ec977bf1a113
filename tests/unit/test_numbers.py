"""Telephone numbers: what is taken, what is refused and why, and what is told of them."""

import re
import string
import unicodedata

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringback.errors import InvalidNumber
from ringback.keys import Keyring
from ringback.model.numbers import E164_HINT, PhoneNumber, parse_number

US_LINE = PhoneNumber("+15550109999")
GB_LINE = PhoneNumber("+442079460958")
CANONICAL = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)


def problem(text: str, home: PhoneNumber | None = None) -> tuple[str, str | None]:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text, home=home)
    return caught.value.problem, caught.value.suggestion


@pytest.mark.parametrize(
    "text",
    [
        "+14155550123",
        "+15551234567",
        "+33172345678",  # Paris, though 17 is the French police
        "+442079460958",
        "+4915112345678",
        "+390669821234",  # Italy keeps its zero
        "+6834001",  # seven digits in all
        "+881612345678",  # a satellite: a guard's business, not the parser's
        "+19005551234",
    ],
)
def test_a_number_in_canonical_e164_form_is_taken_as_it_is(text: str) -> None:
    assert parse_number(text).e164 == text


@pytest.mark.parametrize(
    "text",
    [
        "911",
        "112",
        "999",
        "000",
        "110",
        "988",
        "9-1-1",
        "9 1 1",
        "9.1.1",
        "+911",
        "+112",
        "+1911",
        "+1 911",
        "+1 (911)",
        "+49110",
        "+44999",
        "+61000",
        "+3315",
        "911 ",
        "\uff19\uff11\uff11",
        "\u0661\u0661\u0662",
        "\uff0b\uff11\uff19\uff11\uff11",
        "tel:911",
        "tel:+1911",
        "tel:112",
        "911;ext=1",
        "911#",
        "911 x 5",
    ],
)
def test_an_emergency_number_is_recognised_in_every_spelling(text: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text, home=US_LINE)
    assert (caught.value.problem, caught.value.suggestion) == ("emergency", None)
    assert "emergency services" in caught.value.hint


@pytest.mark.parametrize("text", ["", " ", "\t\n", "+", "-", "()", "\u00a0", "\x00"])
def test_a_text_without_a_digit_is_empty(text: str) -> None:
    assert problem(text) == ("empty", None)


@pytest.mark.parametrize(
    "text",
    [
        "+14155550123,+14155550124",
        "+14155550123 +14155550124",
        "+14155550123;+14155550124",
        "+14155550123/+442079460958",
        "+14155550123|+14155550124",
        "+14155550123\n+14155550124",
        "+14155550123\t14155550124",
        "+14155550123 and +14155550124",
        "4155550123 or 4155550124",
        "+14155550123+14155550124",
        "+14155550123, " * 10,
    ],
)
def test_several_numbers_are_refused_as_several(text: str) -> None:
    assert problem(text) == ("several", None)


@pytest.mark.parametrize(
    "text",
    [
        "tel:+14155552671;ext=9",
        "+14155550123;ext=9",
        "+14155550123 ext 9",
        "+14155550123 ext. 9",
        "+14155550123 EXTENSION 9",
        "+14155550123x9",
        "+14155550123 x 9",
        "+14155550123#9",
        "+1 415 555 0123 ext:9",
    ],
)
def test_an_extension_is_refused_and_never_dropped_silently(text: str) -> None:
    assert problem(text) == ("extension", None)


@pytest.mark.parametrize(
    "text",
    [
        "+1212555CALL",
        "+1-800-FLOWERS",
        "call me",
        "+14155550123p9",
        "+14155550123w9",
        "O4155550123",
        "+1\uff14\uff11\uff15555CALL",
    ],
)
def test_letters_are_refused_and_never_dialled_as_digits(text: str) -> None:
    assert problem(text) == ("letters", None)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("tel:+14155552671", "+14155552671"),
        ("TEL:+1-415-555-2671", "+14155552671"),
        ("sms:+14155552671", "+14155552671"),
        ("tel:5551234", None),
    ],
)
def test_a_link_is_refused_with_the_number_in_it_as_a_suggestion(text: str, suggestion: str | None) -> None:
    assert problem(text) == ("uri", suggestion)


@pytest.mark.parametrize(
    "text",
    [
        "\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff12\uff13",  # full width, plus included
        "+\uff11\uff14155550123",
        "+\u0661\u0664\u0661\u0665\u0665\u0665\u0665\u0660\u0661\u0662\u0663",  # Arabic-Indic
        "\u202a+14155550123\u202c",  # an embedding, as copied from a contact card
        "\u200e+14155550123",
        "+1415555\u200b0123",
        "+1\u00a0415\u00a0555\u00a00123",
        "+1\u2011415\u2011555\u20110123",
        "\ufeff+14155550123",
    ],
)
def test_characters_that_only_look_like_plain_digits_are_refused_with_the_plain_form(text: str) -> None:
    assert problem(text) == ("unicode_digits", "+14155550123")


@pytest.mark.parametrize("text", ["+\u00b2\u00b3\u00b9\u00b2\u00b3\u00b9\u00b2", "\ud800", "☎", "+1415555012\u2460"])
def test_what_is_no_decimal_digit_gets_no_suggestion(text: str) -> None:
    assert problem(text) == ("unicode_digits", None)


@pytest.mark.parametrize(
    "text",
    [
        " +14155550123",
        "+14155550123 ",
        "+14155550123\n",
        "\t+14155550123",
        "+1 415 555 0123",
        "+1 (415) 555-0123",
        "++14155550123",
        "+1.415.555.0123",
        "+-14155550123",
        "+1  415 555 0123",
    ],
)
def test_spaces_and_punctuation_are_refused_with_the_bare_form(text: str) -> None:
    assert problem(text) == ("formatting", "+14155550123")


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [("+4402079460958", "+442079460958"), ("+114155550123", "+14155550123"), ("+49015112345678", "+4915112345678")],
)
def test_a_trunk_prefix_after_the_country_code_is_no_second_spelling_of_a_number(text: str, suggestion: str) -> None:
    assert problem(text) == ("formatting", suggestion)


@pytest.mark.parametrize(
    ("text", "home", "suggestion"),
    [
        ("5551234567", None, None),
        ("5551234567", US_LINE, "+15551234567"),
        ("(415) 555-0123", None, None),
        ("(415) 555-0123", US_LINE, "+14155550123"),
        ("020 7946 0958", GB_LINE, "+442079460958"),
        ("020 7946 0958", None, None),
        ("14155550123", None, "+14155550123"),
        ("0044 20 7946 0958", None, "+442079460958"),
        ("0044 20 7946 0958", US_LINE, "+442079460958"),
        ("4915112345678", US_LINE, "+4915112345678"),
        ("14155550123 14155550124", None, None),
        ("6591234567", None, "+6591234567"),
        ("6591234567", US_LINE, None),  # Singapore, or area code 659
        ("00000000000", US_LINE, None),
    ],
)
def test_a_missing_plus_is_refused_and_completed_only_where_there_is_one_reading(
    text: str, home: PhoneNumber | None, suggestion: str | None
) -> None:
    assert problem(text, home) == ("missing_plus", suggestion)


@pytest.mark.parametrize("text", ["72345", "711", "411", "123456", "*72", "00911"])
def test_a_short_code_is_no_number(text: str) -> None:
    assert problem(text, US_LINE) == ("short_code", None)


@pytest.mark.parametrize(
    "text",
    [
        "+1",
        "+12345",
        "+1415",
        "+141555501",
        "+14155550123456",
        "+1234567890123456",
        "+0123456789",
        "+00441234567",
        "1" * 65,
        "+" + "1" * 200,
        "x" * 65,
        "9" * 100_000,
    ],
)
def test_an_impossible_length_is_refused(text: str) -> None:
    assert problem(text) == ("length", None)


@pytest.mark.parametrize("text", ["+99912345678", "+2101234567", "+3841234567"])
def test_a_country_code_that_does_not_exist_is_refused(text: str) -> None:
    assert problem(text) == ("country_code", None)


SPELLINGS = st.one_of(
    st.text(),
    st.text(alphabet=string.digits + "+-() .;,x#/\u202a\uff11\u0661"),
    st.from_regex(r"\+?[0-9]{0,20}", fullmatch=True),
    st.from_regex(r"(tel:)?\+?[0-9 ()-]{5,25}(;ext=[0-9]+)?", fullmatch=True),
    st.text(alphabet=st.characters(categories=["Nd", "Cf", "Zs", "Pd"])),
)


def parse_or_refuse(text: str, home: PhoneNumber | None) -> tuple[PhoneNumber | None, InvalidNumber | None]:
    try:
        return parse_number(text, home=home), None
    except InvalidNumber as error:
        return None, error


@given(text=SPELLINGS, home=st.sampled_from([None, US_LINE, GB_LINE]))
@example(text="+4402079460958", home=None)
@example(text="+114155550123", home=None)
def test_a_text_is_either_the_canonical_form_itself_or_refused_without_a_word_of_it(
    text: str, home: PhoneNumber | None
) -> None:
    number, error = parse_or_refuse(text, home)
    if error is not None:
        told = " ".join((error.message, error.hint, str(error), repr(error))).replace(E164_HINT, "")
        digits = "".join(str(unicodedata.decimal(char, "")) for char in text)
        assert not any(digits[at : at + 5] in re.sub(r"\D", "", told) for at in range(len(digits) - 4))
        if error.suggestion is not None:
            assert parse_number(error.suggestion).e164 == error.suggestion
    else:
        assert number is not None
        assert number.e164 == text
        assert CANONICAL.fullmatch(text)
        assert phonenumbers.format_number(phonenumbers.parse(text), phonenumbers.PhoneNumberFormat.E164) == text


REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


@pytest.mark.parametrize("region", REGIONS)
def test_every_countrys_example_numbers_are_taken_and_masked(region: str) -> None:
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    for kind in kinds:
        value = phonenumbers.example_number_for_type(region, kind)
        if value is None:
            continue
        e164 = phonenumbers.format_number(value, phonenumbers.PhoneNumberFormat.E164)
        number = parse_number(e164)
        for told in (number.masked, str(number), repr(number), f"{number}", f"{number!r}"):
            national = phonenumbers.national_significant_number(value)
            shown = re.sub(r"\D", "", told.replace(f"+{value.country_code} ", ""))
            assert len(shown) <= 4
            assert len(shown) <= len(national) / 2, "at least half of the digits stay hidden"
            assert national.endswith(shown)
        assert number.last_digits == e164[-4:]
        assert re.sub(r"\D", "", number.formatted) == e164[1:]


def test_the_mask_shows_country_code_and_last_four_digits() -> None:
    assert str(PhoneNumber("+14155554567")) == "+1 ••• ••• 4567"
    assert repr(PhoneNumber("+14155554567")) == "PhoneNumber('+1 ••• ••• 4567')"


def test_the_region_of_a_number_is_told_where_there_is_one() -> None:
    assert [
        PhoneNumber(text).region for text in ("+14155550123", "+442079460958", "+80012345678", "+881612345678")
    ] == [
        "US",
        "GB",
        None,
        None,
    ]


def test_the_blind_index_of_a_number_is_stable_and_belongs_to_one_key() -> None:
    one, other = Keyring(bytes(32)), Keyring(bytes(31) + b"\x01")
    number = PhoneNumber("+14155550123")
    assert one.contact(number) == Keyring(bytes(32)).contact(PhoneNumber("+14155550123"))
    assert one.contact(number) != other.contact(number)
    assert one.contact(number) != one.contact(PhoneNumber("+14155550124"))
    assert re.fullmatch(r"ct_[a-z2-7]{16}", one.contact(number))
