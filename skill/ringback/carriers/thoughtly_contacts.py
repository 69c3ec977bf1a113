"""Thoughtly's contacts: one for each number that is called, made where there is none.

No number stands in a URL: a contact that is there already is looked for by its last four digits: docs/decisions/0017.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.thoughtly_calls import data_of, id_of, rows_of
from ringback.errors import CarrierError, CarrierRejected, CarrierUnreachable, CarrierUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringback.carriers.http import CarrierHttp
    from ringback.carriers.pace import Pace
    from ringback.model.numbers import PhoneNumber

_PAGE: Final = 50
_PAGES: Final = 4
_FEWEST_DIGITS: Final = 7


class Contacts:
    """Finds or makes the contact that a call is for."""

    def __init__(self, http: CarrierHttp, pace: Pace) -> None:
        self._http = http
        self._pace = pace

    async def id_for(self, to: PhoneNumber) -> str:
        """The id of the contact with this number. Nothing rings for it, so its errors say that nothing left.

        Raises:
            CarrierError: there is none, and none could be made; always with `nothing_left`.
        """
        with _before_the_call():
            return await self._find_or_create(to)

    async def _find_or_create(self, to: PhoneNumber) -> str:
        """The id of the contact with this number, made where there is none."""
        try:
            contact = data_of(await self._http.post("/contact/create", {"phone_number": to.e164}))
        except CarrierRejected:  # it may be there already; which words say so is not documented
            found = await self._find(to)
            if found is None:
                raise
            return found
        number = contact.get("phone_number") if isinstance(contact, dict) else None
        contact_id = id_of(contact)
        if contact_id is None:
            raise CarrierUnreadable("The carrier gave no usable id for the contact.")
        if isinstance(number, str) and not _may_be(number, to):
            raise CarrierRejected("The carrier made a contact with another number.", hint="Look at it at Thoughtly.")
        return contact_id

    async def _find(self, to: PhoneNumber) -> str | None:
        """A contact with exactly this number. Only its last four digits are in the URL: docs/decisions/0017."""
        for page in range(_PAGES):
            await self._pace.take()
            given: dict[str, str | int] = {"search": to.last_digits, "page": page, "limit": _PAGE}
            rows = rows_of(await self._http.get("/contact", given))
            for row in rows:
                if _is_exactly(row, to) and (contact_id := id_of(row)) is not None:
                    return contact_id
            if len(rows) < _PAGE:
                break
        return None


@contextmanager
def _before_the_call() -> Iterator[None]:
    """Whatever fails in here left nothing: no call was asked for yet."""
    try:
        yield
    except CarrierError as error:
        if error.nothing_left:
            raise
        if isinstance(error, CarrierUnreadable):
            raise CarrierRejected(
                "The carrier's answer about the contact cannot be used, so no call was asked for.",
                hint="Look at the contact at Thoughtly.",
                detail=error.detail,
            ) from None
        raise CarrierUnreachable(
            "The carrier failed over the contact, so no call was asked for.", hint="Try again.", detail=error.detail
        ) from None


def _digits(text: object) -> str:
    return re.sub(r"\D", "", text, flags=re.ASCII) if isinstance(text, str) else ""


def _may_be(number: str, to: PhoneNumber) -> bool:
    """Whether a number as the service writes it, perhaps without the country, can be the recipient's."""
    digits = _digits(number)
    return len(digits) >= _FEWEST_DIGITS and _digits(to.e164).endswith(digits)


def _is_exactly(row: dict[str, Any], to: PhoneNumber) -> bool:
    """Whether a contact has exactly the recipient's number: whole with its plus, or with its country code beside it."""
    number = row.get("phone_number")
    if not isinstance(number, str):
        return False
    if number.strip().startswith("+"):
        return _digits(number) == _digits(to.e164)
    code = _digits(row.get("country_code"))
    return bool(code) and code + _digits(number) == _digits(to.e164)
