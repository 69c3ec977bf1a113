"""Message texts: segments at their boundaries, and what a person is shown of what cannot be seen."""

import sys
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.model.text import Segments, count_segments, has_link, visible

EURO = "€"  # two septets
EMOJI = "😀"  # two UTF-16 units
CYRILLIC = "ж"  # one UTF-16 unit


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 459, 3),
        ("a" * 460, 4),
        ("a" * 153 * 10, 10),
        ("a" * (153 * 10 + 1), 11),
        (EURO * 80, 1),
        (EURO * 81, 2),
        ("a" * 159 + EURO, 2),
        ("a" * 158 + EURO, 1),
        (EURO * 76 + "a" + EURO * 76 + "a", 2),
        (EURO * 153, 3),  # 76 in each segment, for the 153rd septet cannot hold half of one
        ("a" * 152 + EURO + "a" * 151, 2),
        ("a" * 152 + EURO + "a" * 152, 3),
        ("\f^{}\\[~]|€" * 8, 1),
        ("\f^{}\\[~]|€" * 8 + "a", 2),
        ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ ¡§¿äöñüàÄÖÑÜ", 1),
    ],
)
def test_gsm_text_is_cut_at_160_then_every_153_septets_and_never_inside_a_pair(text: str, count: int) -> None:
    assert count_segments(text) == Segments("GSM-7", count)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (CYRILLIC, 1),
        (CYRILLIC * 70, 1),
        (CYRILLIC * 71, 2),
        (CYRILLIC * 134, 2),
        (CYRILLIC * 135, 3),
        (CYRILLIC * 67 * 10, 10),
        (CYRILLIC * (67 * 10 + 1), 11),
        (EMOJI * 35, 1),
        (EMOJI * 36, 2),
        (CYRILLIC * 69 + EMOJI, 2),
        (CYRILLIC * 68 + EMOJI, 1),
        (EMOJI * 66, 2),  # 33 in each segment
        (EMOJI * 67, 3),
        (CYRILLIC * 66 + EMOJI + CYRILLIC * 65, 2),
        (CYRILLIC * 66 + EMOJI + CYRILLIC * 66, 3),
        ("a" * 69 + "ç", 1),  # one character outside GSM-7 makes the whole text UCS-2
        ("a" * 70 + "ç", 2),
        ("`", 1),
        ("don\u2019t", 1),
    ],
)
def test_other_text_is_cut_at_70_then_every_67_units_and_never_inside_a_surrogate_pair(text: str, count: int) -> None:
    assert count_segments(text) == Segments("UCS-2", count)


@given(st.text(max_size=400))
def test_a_longer_text_never_makes_fewer_segments_and_no_segment_is_overfull(text: str) -> None:
    counted = count_segments(text)
    units = len(text.encode("utf-16-le")) // 2
    if counted.encoding == "UCS-2":
        assert units <= (70 if counted.count == 1 else 67 * counted.count)
    assert count_segments(text + "ж").count >= counted.count


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Plain text,\nwith a line break and an é, ж, 漢, 😀.", "Plain text,\nwith a line break and an é, ж, 漢, 😀."),
        ("\u202egnirts", "⟦U+202E⟧gnirts"),
        ("a\u2066b\u2069", "a⟦U+2066⟧b⟦U+2069⟧"),
        ("pay\u200bpal", "pay⟦U+200B⟧pal"),
        ("a\u00adb", "a⟦U+00AD⟧b"),
        ("\ufefftext", "⟦U+FEFF⟧text"),
        ("a\rb", "a⟦U+000D⟧b"),
        ("a\tb", "a⟦U+0009⟧b"),
        ("a\x00b\x1b[2J", "a⟦U+0000⟧b⟦U+001B⟧[2J"),
        ("a\u2028b\u2029c", "a⟦U+2028⟧b⟦U+2029⟧c"),
        ("a\u3000b\u2003c", "a⟦U+3000⟧b⟦U+2003⟧c"),
        ("non\u00a0breaking", "non\u00a0breaking"),
        ("\U000e0041\U000e0042", "⟦U+E0041⟧⟦U+E0042⟧"),  # tag letters, which show nothing
        ("a\U000e0100b", "a⟦U+E0100⟧b"),  # a variation selector: each hides a byte
        ("a\ufe00b\ufe0fc", "a⟦U+FE00⟧b⟦U+FE0F⟧c"),
        ("a\u180bb", "a⟦U+180B⟧b"),
        ("\u17b4\u17b5", "⟦U+17B4⟧⟦U+17B5⟧"),
        ("\u3164\u115f\u2800\u034f", "⟦U+3164⟧⟦U+115F⟧⟦U+2800⟧⟦U+034F⟧"),
        ("\ue000", "⟦U+E000⟧"),
        ("\U000e0fff", "⟦U+E0FFF⟧"),
        ("I \u2764\ufe0f you", "I \u2764\ufe0f you"),  # a heart as everybody types it
        ("\u2764\ufe0f\ufe0f", "\u2764\ufe0f⟦U+FE0F⟧"),
        ("\ufe0fa", "⟦U+FE0F⟧a"),
        ("1\ufe0f\u20e3", "1⟦U+FE0F⟧\u20e3"),
    ],
)
def test_what_cannot_be_seen_or_turns_the_reading_direction_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_no_character_that_unicode_calls_invisible_passes_as_itself() -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    invisible = [char for code in range(sys.maxunicode + 1) if unicodedata.category(char := chr(code)) in hidden]
    # Private and unassigned ranges are long and alike: their ends stand for them.
    told = [char for char in invisible if unicodedata.category(char) not in {"Co", "Cn"} or ord(char) % 251 == 0]
    assert [char for char in told if visible(char) == char] == ["\n"]


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("See https://example.com/a", True),
        ("See HTTP://example.com", True),
        ("See www.example", True),
        ("See example.com", True),
        ("See example.com, today.", True),
        ("See xn--bcher-kva.example?q", True),
        ("Mail me@example.com", True),
        ("It costs 3.50 at 10.30.", False),
        ("First. Then second.", False),
        ("e.g. this", False),
        ("", False),
    ],
)
def test_what_a_telephone_makes_a_link_of_is_known_as_one(text: str, link: bool) -> None:
    assert has_link(text) == link


@pytest.mark.parametrize("text", ["a" * 100_000, "a-" * 50_000, "." * 100_000, "a." * 50_000])
def test_no_text_makes_the_search_for_links_slow(text: str) -> None:
    start = time.process_time()
    has_link(text)
    assert time.process_time() - start < 2
