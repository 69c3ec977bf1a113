"""The search itself: it finds one needle among ten thousand in every form, and nothing where nothing is."""

from __future__ import annotations

import base64
import json
import random
import urllib.parse
from html import escape
from typing import TYPE_CHECKING

import pytest
from tests.e2e.privacy.needles import PLACE, WORDS, Needles, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

SEEDS = seeds(10_000)
NEEDLES = Needles(SEEDS)
NOISE = random.Random(7).randbytes(600_000)
LETTERS = base64.b64encode(NOISE[:300_000])


def within(value: bytes, before: int) -> bytes:
    """The value inside a longer one, `before` bytes from its beginning, as base64."""
    return base64.b64encode(b"{" * before + value + b'"}')


FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "utf-16": lambda value: value.encode("utf-16-le"),
    "utf-16, the other way round": lambda value: value.encode("utf-16-be"),
    "utf-32": lambda value: value.encode("utf-32-le"),
    "url": lambda value: urllib.parse.quote(value).encode(),
    "url, strict": lambda value: urllib.parse.quote(value, safe="").encode(),
    "url, every character": lambda value: "".join(f"%{byte:02X}" for byte in value.encode()).encode(),
    "url, twice": lambda value: urllib.parse.quote(urllib.parse.quote(value, safe=""), safe="").encode(),
    "form": lambda value: urllib.parse.quote_plus(value).encode(),
    "json": lambda value: json.dumps({"text": value}).encode(),
    "json in json": lambda value: json.dumps(json.dumps({"text": value})).encode(),
    "escaped": lambda value: "".join(f"\\u{ord(char):04x}" for char in value).encode(),
    "repr": lambda value: repr(value.encode()).encode(),
    "html": lambda value: escape(value).encode(),
    "html, every character": lambda value: "".join(f"&#{ord(char):d};" for char in value).encode(),
    "hex": lambda value: value.encode().hex().encode(),
    "hex, capitals": lambda value: value.encode().hex().upper().encode(),
    "hex, one digit off": lambda value: b"0" + value.encode().hex().encode(),
    "reversed": lambda value: value.encode()[::-1],
    "capitals": lambda value: value.upper().encode(),
    "base64": lambda value: base64.b64encode(value.encode()),
    "base64, one byte off": lambda value: within(value.encode(), 1),
    "base64, two bytes off": lambda value: within(value.encode(), 2),
    "base64, behind letters": lambda value: b"abc" + within(value.encode(), 3),
    "base64, for URLs": lambda value: base64.urlsafe_b64encode(b"???>>>" + value.encode()),
    "base64, no padding": lambda value: within(value.encode(), 1).rstrip(b"="),
    "base64 of utf-16": lambda value: base64.b64encode(value.encode("utf-16-le")),
    "base64 of a URL": lambda value: base64.b64encode(urllib.parse.quote(value, safe="").encode()),
    "base64 in a URL": lambda value: urllib.parse.quote(within(value.encode(), 0), safe="").encode(),
}
SPACED = {
    "spaced": " ".join,
    "dashed": "-".join,
    "dotted": ".".join,
    "listed": ", ".join,
    "local": lambda digits: f"({digits[-10:-7]}) {digits[-7:-4]}-{digits[-4:]}",
    "grouped": lambda digits: f"+1 {digits[-10:-7]}-{digits[-7:-4]}-{digits[-4:]}",
    "no plus": lambda digits: digits,
    "without the country": lambda digits: digits[-10:],
}


def planted(form: bytes) -> bytes:
    """The form amid binary noise and amid text that is base64 as well, far from both ends."""
    return NOISE[:300_000] + b'"' + form + b'"' + LETTERS[:1000] + NOISE[300_000:]


@pytest.mark.parametrize("name", FORMS)
def test_a_number_a_text_and_an_address_are_found_in_every_form(name: str) -> None:
    seed = SEEDS[len(name) * 331 % len(SEEDS)]
    assert NEEDLES.in_(planted(FORMS[name](seed.number))) == ["a number"]
    assert "a mark" in NEEDLES.in_(planted(FORMS[name](seed.text)))
    assert "a mark" in NEEDLES.in_(planted(FORMS[name](seed.media_url)))


@pytest.mark.parametrize("name", SPACED)
def test_a_number_is_found_however_its_digits_stand_apart(name: str) -> None:
    seed = SEEDS[len(name) * 331 % len(SEEDS)]
    apart = SPACED[name](seed.number[1:])
    assert NEEDLES.in_(planted(apart.encode())) == ["a number"]
    assert NEEDLES.in_(planted(urllib.parse.quote(apart, safe="").encode())) == ["a number"]
    assert NEEDLES.in_(planted(within(apart.encode(), 1)), numbers_only=True) == ["a number"]


@pytest.mark.parametrize("piece", [WORDS, PLACE])
def test_a_piece_of_a_text_without_its_mark_is_found(piece: str) -> None:
    for form in (piece.encode(), piece.encode("utf-16-le"), within(piece.encode(), 2), piece[::-1].encode()):
        assert NEEDLES.in_(planted(form)) == ["words"]


def test_nothing_is_found_in_noise_in_base64_in_times_and_in_masked_numbers() -> None:
    times = "".join(
        f"2026-11-21T{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}.{at % 1000:03d}Z " for at in range(9000)
    )
    masked = "".join(f"+1 ••• ••• {seed.number[-4:]} " for seed in SEEDS)
    for content in (NOISE, LETTERS, NOISE[:200_000].hex().encode(), times.encode(), masked.encode()):
        assert NEEDLES.in_(content) == []


def test_no_two_seeds_share_a_number_or_a_mark() -> None:
    assert len({seed.number for seed in SEEDS}) == len({seed.text for seed in SEEDS}) == 10_000
    assert len({seed.media_url for seed in SEEDS}) == 10_000
