"""A text in the characters of GSM-7, where each of its characters has a counterpart there that reads the same.

A small table of our own, on purpose. The libraries for this (Unidecode, which is GPL, anyascii, text-unidecode) write
the whole of Unicode in ASCII: they turn `ж` into `zh`, drop what they do not know, and take the dots off an `ü` that
GSM-7 has. A person's message would come out in other words, and for twenty characters they bring hundreds of files.
Here, what is not in the table has no counterpart, and the text is left alone:

- typographic quotes, dashes, ellipses, bullets, ligatures and spaces become what a typewriter has;
- what takes no room (zero width spaces and joiners, soft hyphens, direction marks) goes;
- a letter and its accent that stand apart become the one letter (`e` and U+0301: `é`).

An accent is never dropped. GSM-7 lacks á, ç, ê, í, ó and more, and without it a word can be another one: `esta` is not
`está`. Nor is any of these replaced: look-alikes of other scripts; fractions, for `1½` would be `11/2`; a middle dot,
which belongs to a letter in Catalan; marks that turn the reading direction, without which a text reads otherwise.
"""

from __future__ import annotations

import unicodedata

_PLAIN = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u2039\u203a`\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
    **dict.fromkeys("\u2022\u2023\u2043\u25aa\u25cf\u25e6", "-"),
    **dict.fromkeys("\t\u00a0\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    "\u2024": ".",
    "\u2025": "..",
    "\u2026": "...",
    "\u0132": "IJ",
    "\u0133": "ij",
    "\u0152": "OE",
    "\u0153": "oe",
    "\ufb00": "ff",
    "\ufb01": "fi",
    "\ufb02": "fl",
    "\ufb03": "ffi",
    "\ufb04": "ffl",
    "\ufb06": "st",
})  # fmt: skip


def plain(text: str) -> str:
    """The text with every character replaced that has a plain counterpart; the others stay as they are."""
    return unicodedata.normalize("NFC", text).translate(_PLAIN)
