"""Which texts end and resume messages, and which keys: the word alone, in any dress, and nothing more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.model.stop_words import RESUME_WORDS, STOP_WORDS, Wish, opts_out, wish_of

POLITE = ["please", "pls", "now", "thanks", "thank you", "thx"]
UNION = [
    *("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"),  # Twilio
    *("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe"),  # 47 CFR 64.1200(a)(10)
    *("opt-out", "stop all", "arret", "td", "remove"),  # toll-free networks, Canada
]


def test_the_words_are_the_union_of_the_carriers_and_the_laws() -> None:
    assert set(UNION) == STOP_WORDS
    assert {"start", "unstop", "yes"} == RESUME_WORDS
    assert not STOP_WORDS & RESUME_WORDS


@pytest.mark.parametrize("word", sorted(STOP_WORDS | RESUME_WORDS))
def test_each_word_counts_in_any_case_and_between_any_punctuation(word: str) -> None:
    wish = Wish.STOP if word in STOP_WORDS else Wish.RESUME
    for text in (word, word.upper(), word.title(), f"  {word}\n", f"{word}.", f"“{word}!!”", f"({word})", f"{word} 🛑"):
        assert wish_of(text) is wish, text


@pytest.mark.parametrize(
    "text",
    [
        "STÓP",
        "Arrêt",
        "\uff33\uff34\uff2f\uff30",  # full width
        "S\u200bT\u200bO\u200bP",  # zero width spaces
        "\ufeffstop\u200e",
        "\u017ftop",  # a long s
        "Stop  all",
        "stop\tall",
        "opt\u00a0out",
        "STOP" + " " * 100,
        "please stop",
        "Stop, please!",
        "STOP now. Thank you",
        "pls stop now please thx",
        "Thanks. Please, please stop now!",
    ],
)
def test_a_stop_word_is_one_in_other_dress_and_with_politeness(text: str) -> None:
    assert wish_of(text) is Wish.STOP


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "please",
        "thank you",
        "don't stop",
        "please don't stop by",
        "stop by at three",
        "non-stop",
        "stops",
        "bus stop",
        "ends",
        "the end of it",
        "I'll cancel tomorrow",
        "yes please come",
        "no",
        "s t o p",
        "pleasestop",
        "stop1",
        "1 stop",
        "stop" + "." * 61,
        "start over",
    ],
)
def test_whoever_writes_more_or_less_is_read_by_a_person(text: str) -> None:
    assert wish_of(text) is None


def test_a_text_of_sixty_four_characters_is_still_looked_at() -> None:
    assert wish_of("stop" + "." * 60) is Wish.STOP


def test_yes_with_politeness_resumes() -> None:
    assert [wish_of(text) for text in ("Yes, please", "YES!", "please start", "unstop")] == [Wish.RESUME] * 4


@given(st.permutations(POLITE), st.integers(0, 6), st.sampled_from(sorted(STOP_WORDS)))
def test_politeness_counts_for_nothing_in_whatever_order_it_stands(words: list[str], before: int, word: str) -> None:
    text = " ".join((*words[:before], word, *words[before:]))
    assert wish_of(text) is Wish.STOP


def test_what_counts_does_not_hang_on_the_order_in_which_a_process_holds_a_set() -> None:
    code = (
        "from ringback.model.stop_words import wish_of;"
        "print([str(wish_of(t)) for t in ('stop now please', 'please now stop', 'thx pls stop thanks now')])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert told == {"['stop', 'stop', 'stop']\n"}


@given(st.text(max_size=80))
def test_any_text_is_one_of_three_things(text: str) -> None:
    assert wish_of(text) in {None, Wish.STOP, Wish.RESUME}
    assert wish_of(text) is wish_of(text.upper()) or "ß" in text or not text.isascii()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (None, False),
        ("", False),
        ("*9", True),
        ("1*9", True),
        ("*9#", True),
        ("* 9", True),
        ("*-9", True),
        ("w*w9", True),
        ("9*", False),
        ("**9", True),
        ("*19", False),
        ("9", False),
        ("*", False),
        ("1239", False),
    ],
)
def test_star_nine_in_this_order_ends_calls_too(keys: str | None, expected: bool) -> None:
    assert opts_out(keys) is expected
