"""Ten thousand numbers and texts, and one search for all of them in all forms at once.

Whatever form a value stands in (plain, UTF-16, URL-encoded, JSON-escaped, hexadecimal, base64 at any offset, digits
apart), what is left after dropping NULs is a run of printable ASCII. So the search keeps those runs, undoes every
encoding in them, twice, and in all that comes out takes each ten digits in a row and each sixteen hexadecimal digits
and looks them up in a set. It costs one pass over the bytes for each encoding, however many needles there are.
"""

from __future__ import annotations

import base64
import binascii
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WORDS = "heliotrope marmalade"
"""In every text, so that a piece of one without its mark is found as well."""
PLACE = "vermilionkettle"
"""In every media URL."""
_DIGITS, _MARK = 10, 16
_PRINTABLE = re.compile(rb"[\t\n\r\x20-\x7e]{8,}")
_APART = re.compile(rb"\d(?:[\s().,+\-/_*#]{0,3}\d){9,}")
_HEXADECIMAL = re.compile(rb"[0-9a-f]{16,}")
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?")
"""Its digits would now and then read like one of so many numbers."""
_ESCAPED = re.compile(rb"\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})|%([0-9a-fA-F]{2})|=([0-9A-F]{2})|&#(\d{2,3});")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){10,}[0-9a-fA-F]?")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{14,}")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@dataclass(frozen=True, slots=True)
class Seed:
    """One number, one text and one address that occur nowhere else."""

    number: str
    text: str
    media_url: str


def seeds(count: int, first: int = 1) -> list[Seed]:
    """So many, the same each time."""
    rng = random.Random(first)
    drawn = rng.sample(range(2_200_000, 8_990_000), 2 * count)
    lines = [line for line in drawn if line // 10_000 % 100 != 11 and line // 10_000 != 555][:count]
    marks = {f"{rng.getrandbits(64):016x}" for _ in range(2 * count)}
    pairs = zip(sorted(marks)[:count], sorted(marks)[count:], strict=True)
    return [
        Seed(f"+1212{line:07d}", f"Éclair {WORDS} {mark} «at nine»", f"https://media.example/{PLACE}/{other}.png")
        for line, (mark, other) in zip(lines, pairs, strict=True)
    ]


class Needles:
    """The search for these seeds."""

    def __init__(self, made: Iterable[Seed]) -> None:
        known = list(made)
        self._numbers = {seed.number[2:].encode() for seed in known}
        self._marks = {mark.encode() for seed in known for mark in re.findall(r"[0-9a-f]{16}", seed.text)}
        self._marks |= {mark.encode() for seed in known for mark in re.findall(r"[0-9a-f]{16}", seed.media_url)}

    def in_(self, content: bytes, *, numbers_only: bool = False) -> list[str]:
        """What of the seeds stands in these bytes; kinds, never the values."""
        found = set()
        for text in _readings(content):
            found |= {"a number" for number in _windows(text, _APART, _DIGITS) if number in self._numbers}
            if numbers_only:
                continue
            lower = text.lower()
            found |= {"a mark" for mark in _windows(lower, _HEXADECIMAL, _MARK) if mark in self._marks}
            for words in (WORDS.encode(), PLACE.encode()):
                found |= {"words"} if words in lower or words[::-1] in lower else set()
        return sorted(found)


def _windows(text: bytes, pattern: re.Pattern[bytes], size: int) -> Iterator[bytes]:
    """Every so many characters in a row, both ways."""
    for match in pattern.finditer(_MOMENT.sub(b"T", text)):
        row = re.sub(rb"[^0-9a-f]", b"", match.group())
        for at in range(len(row) - size + 1):
            yield row[at : at + size]
            yield row[at : at + size][::-1]


def _readings(content: bytes) -> Iterator[bytes]:
    """The printable runs, and what they say once their encodings are undone, up to twice."""
    level = [_printable(content)]
    yield from level
    for _ in range(2):
        level = [reading for text in level for decode in _DECODERS if (reading := _printable(decode(text)))]
        yield from level


def _printable(content: bytes) -> bytes:
    runs = _PRINTABLE.findall(content)
    if b"\0" in content:
        runs += _PRINTABLE.findall(content.replace(b"\0", b""))
    return b"\n\x0b\n".join(runs)


def _unescaped(text: bytes) -> bytes:
    if _ESCAPED.search(text) is None:
        return b""

    def char(match: re.Match[bytes]) -> bytes:
        if match[5]:
            return bytes([min(int(match[5]), 255)])
        return bytes.fromhex((match[1] or match[2] or match[3] or match[4]).decode())

    return _ESCAPED.sub(char, text)


def _unplussed(text: bytes) -> bytes:
    """A form's way to write a space."""
    return text.replace(b"+", b" ") if b"+" in text else b""


def _from_hex(text: bytes) -> bytes:
    runs = (run[start:] for run in set(_HEX.findall(text)) for start in (0, 1))
    return b"\n".join(binascii.unhexlify(run[: len(run) // 2 * 2]) for run in runs)


def _from_base64(text: bytes) -> bytes:
    runs = {run.translate(_URL_SAFE) for run in _BASE64.findall(text)}
    # Each run filled up to whole groups of four, then all decoded in one call: there are hundreds of thousands.
    whole = [b"AAAA".join([run[start:] + b"AAA"[: (start - len(run)) % 4] for run in runs]) for start in range(4)]
    return b"\n".join(base64.b64decode(each) for each in whole)


_DECODERS: tuple[Callable[[bytes], bytes], ...] = (_unescaped, _unplussed, _from_hex, _from_base64)
