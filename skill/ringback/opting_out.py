"""The person's side of opt-outs: note one down, lift it, take a list in and give it out."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Final

from ringback.errors import InvalidNumber, InvalidRequest
from ringback.model.numbers import PhoneNumber, parse_number

if TYPE_CHECKING:
    from ringback.ledger.records import OptOut
    from ringback.parts import Parts

LARGEST_FILE: Final = 20_000_000
"""Characters of a list that is taken in at once."""
_TOLD: Final = 20


@dataclass(frozen=True, slots=True)
class Noted:
    """What noting an opt-out down did."""

    is_new: bool
    cancelled: int
    """How many that waited or were scheduled were cancelled."""
    on_their_way: int
    """How many were being handed over and have not ended yet; 0 as a rule."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a list brought."""

    new: int
    known: int
    lines: int


class OptingOut:
    """Only a face that stands before a person may hold one."""

    def __init__(self, parts: Parts) -> None:
        self._ledger = parts.ledger
        self._inbound = parts.inbound

    async def add(self, number: str, *, via: str) -> Noted:
        """Note down that somebody wants no more. Nothing goes out to them after this returned.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        to = parse_number(number)
        is_new, cancelled = await self._ledger.opt_outs.begin(to, via=via)
        return Noted(is_new, cancelled, await self._inbound.stopping.silence(to))

    async def lift(self, number: str) -> bool:
        """Let messages go out to them again; whether they had opted out. What was cancelled stays so.

        Raises:
            InvalidNumber: the number cannot be read.
        """
        return await self._ledger.opt_outs.lift(parse_number(number))

    async def standing(self) -> list[OptOut]:
        """All that stand, newest first, with whole numbers."""
        return await self._ledger.opt_outs.standing()

    async def import_list(self, text: str, *, via: str = "import") -> Imported:
        """Take in a list: CSV, the number in the first column or in one called phone, number or to; all or nothing.

        Raises:
            InvalidRequest: a line has no number that can be read; the error names the lines, and repeats none.
        """
        numbers = read_list(text)
        new = await self._ledger.opt_outs.begin_all(dict.fromkeys(numbers), via=via)
        return Imported(new, len(set(numbers)) - new, len(numbers))

    async def export_list(self) -> str:
        """The list as CSV, as `import_list` takes it: whole numbers, by what, and since when (Unix seconds)."""
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("phone", "via", "since"))
        for opt_out in reversed(await self.standing()):
            writer.writerow((opt_out.number.e164, opt_out.via, f"{opt_out.since:.0f}"))
        return out.getvalue()


def read_list(text: str) -> list[PhoneNumber]:
    """The numbers in a CSV file.

    Raises:
        InvalidRequest: the file is too large, empty, or some of its lines cannot be read.
    """
    if len(text) > LARGEST_FILE:
        raise InvalidRequest("The list is too long to be taken in at once.", hint="Split the file. Nothing was stored.")
    try:
        rows = list(enumerate(csv.reader(StringIO(text.removeprefix("\ufeff")), strict=True), start=1))
    except csv.Error:
        raise InvalidRequest("The list is no CSV.", hint="One number a line does. Nothing was stored.") from None
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    column = 0
    if rows and (header := _column(rows[0][1])) is not None:
        column, rows = header, rows[1:]
    numbers: list[PhoneNumber] = []
    wrong: list[int] = []
    for line, row in rows:
        try:
            numbers.append(parse_number(row[column].strip() if column < len(row) else ""))
        except InvalidNumber:
            wrong.append(line)
    if wrong:
        told = ", ".join(map(str, wrong[:_TOLD])) + (f" and {len(wrong) - _TOLD} more" if len(wrong) > _TOLD else "")
        raise InvalidRequest(
            f"No number in E.164 form can be read in these lines: {told}.",
            hint="Correct or remove them and take the list in again. Nothing was stored.",
        )
    if not numbers:
        raise InvalidRequest("The list has no numbers in it.", hint="One number a line does. Nothing was stored.")
    return numbers


def _column(header: list[str]) -> int | None:
    """Which column a header names, if the line is one."""
    names = [cell.strip().lower() for cell in header]
    return next((names.index(name) for name in ("phone", "number", "to", "phone_number") if name in names), None)
