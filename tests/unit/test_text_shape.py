"""Why a text travels as it does: the characters that force UCS-2, and a suggestion that reads the same in GSM-7."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.model.text import Forcing, count_segments, explain

GSM7_LETTERS = "èéùìòÇØøÅåÆæßÉÄÖÑÜäöñüà"


def test_a_text_in_gsm7_has_nothing_that_forces_and_nothing_to_suggest() -> None:
    shape = explain("See you at 5 €")
    assert (shape.encoding, shape.segments, shape.units, shape.left) == ("GSM-7", 1, 15, 145)
    assert (shape.forcing, shape.more_forcing, shape.suggestion, shape.suggested_segments) == ((), 0, None, None)


@pytest.mark.parametrize(
    ("text", "segments", "units", "left"),
    [
        ("", 0, 0, 160),
        ("a", 1, 1, 159),
        ("a" * 160, 1, 160, 0),
        ("a" * 161, 2, 161, 145),
        ("a" * 306, 2, 306, 0),
        ("€" * 80, 1, 160, 0),
        ("a" * 152 + "€" + "a" * 10, 2, 164, 141),  # the pair went on to the second segment
        ("ж" * 70, 1, 70, 0),
        ("ж" * 71, 2, 71, 63),
        ("ж" * 66 + "😀" * 3, 2, 72, 61),
        ("ж" * 134, 2, 134, 0),
    ],
)
def test_units_and_what_is_left_are_those_of_the_last_segment(text: str, segments: int, units: int, left: int) -> None:
    shape = explain(text)
    assert (shape.segments, shape.units, shape.left) == (segments, units, left)


def test_each_character_that_forces_is_named_once_with_its_code_and_first_place() -> None:
    shape = explain("😀 don\u2019t, can\u2019t 😀")
    assert shape.forcing == (
        Forcing("😀", "GRINNING FACE", "U+1F600", 0),
        Forcing("\u2019", "RIGHT SINGLE QUOTATION MARK", "U+2019", 5),
    )
    assert shape.more_forcing == 0


def test_no_more_than_five_are_named_and_the_rest_are_counted() -> None:
    shape = explain("жabcдзийлюж")
    assert [one.char for one in shape.forcing] == list("ждзий")
    assert shape.more_forcing == 2


def test_a_character_without_a_name_still_has_a_code() -> None:
    assert explain("a\x00").forcing == (Forcing("\x00", "a character without a name", "U+0000", 1),)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("don\u2019t say \u201cno\u201d", 'don\'t say "no"'),
        ("\u201eja\u201c \u00abnon\u00bb \u2039x\u203a `y\u00b4", "\"ja\" \"non\" 'x' 'y'"),
        ("9\u201312 \u2014 or later\u2026", "9-12 - or later..."),
        ("\u22125", "-5"),
        ("10\u00a0000\u202fkm\u2003on", "10 000 km on"),
        ("a\u200bb\u2060c\ufeffd\u00ade\u200ef", "abcdef"),
        ("a\tb\u2028c", "a b\nc"),
        ("\u2022 one\n\u25e6 two", "- one\n- two"),
        ("\ufb01nd the o\ufb03ce, c\u0153ur", "find the office, coeur"),
        ("cafe\u0301 u\u0308ber n\u0303", "café über ñ"),
        ("\u212bngstro\u0308m \u2126", "Ångström Ω"),  # signs that Unicode itself calls the same as the letters
    ],
)
def test_what_has_a_plain_counterpart_is_suggested_in_gsm7(text: str, suggestion: str) -> None:
    shape = explain(text)
    assert shape.encoding == "UCS-2"
    assert shape.suggestion == suggestion
    assert count_segments(suggestion).encoding == "GSM-7"


@pytest.mark.parametrize(
    "text",
    [
        "Thank you \u2019 😀",
        "Привет",
        "你好",
        "est\u00e1",  # without its accent it is another word
        "esta\u0301",
        "fran\u00e7ais",
        "gar\u0327on",
        "Łódź",
        "1\u00bd",
        "col\u00b7lega",
        "p\u0430ypal",  # a Cyrillic look-alike
        "\u202e54321",
        "a\x00b",
        "\u200b",  # nothing would be left of it
        "\u00a0\u2003",
    ],
)
def test_where_one_character_has_none_the_text_is_left_alone(text: str) -> None:
    shape = explain(text)
    assert shape.encoding == "UCS-2"
    assert (shape.suggestion, shape.suggested_segments) == (None, None)


def test_a_suggestion_tells_the_segments_that_it_would_take() -> None:
    shape = explain("It\u2019s " + "a" * 150)
    assert (shape.segments, shape.suggested_segments) == (3, 1)


@given(
    st.text(
        alphabet="aeiouncAEO1 .\u00e9\u00f1\u00fc\u2018\u201c\u2014\u2026\u2022\u0153\ufb03\u0301\u0303\u0308\u0327"
        "\u00a0\u200b\u00ad\u02bc\u2028\t\u00e7\U0001f600",
        max_size=20,
    )
)
def test_a_suggestion_is_always_gsm7_and_loses_no_letter_no_accent_and_no_digit(text: str) -> None:
    suggestion = explain(text).suggestion
    if suggestion is None:
        return
    assert explain(suggestion).encoding == "GSM-7"
    # The compatibility form spells a ligature out; that of oe has none, and U+02BC is an apostrophe here.
    spelt = unicodedata.normalize("NFKC", text).replace("\u0153", "oe").replace("\u02bc", "")
    assert _spoken(suggestion) == _spoken(spelt)


@pytest.mark.parametrize("letter", GSM7_LETTERS)
def test_an_accent_that_gsm7_has_survives_beside_a_quote(letter: str) -> None:
    apart = unicodedata.normalize("NFD", letter)
    assert explain(f"\u201c{letter}{apart}\u201d").suggestion == f'"{letter}{letter}"'


def test_a_shape_in_a_log_holds_nothing_of_the_text() -> None:
    shape = explain("Geheim\u2019 Ж")
    assert "Geheim" not in repr(shape)
    assert "U+0416" not in repr(shape)
    assert "2019" not in repr(shape.forcing[0])


def _spoken(text: str) -> str:
    return "".join(char for char in text if char.isalnum())
