"""Ringback as the text service of a voice agent elsewhere: it texts whoever is on a call of ours, and nobody else.

The service names a number. That is no person's word, so a number counts only where a call of ours to it is going on,
or where a person allowed it beforehand; and what no allowance covers waits for a person as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringback.approvals import LEAST
from ringback.errors import Refused
from ringback.live_calls import LiveCalls
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Outbound
from ringback.receipts import Receipt, receipt
from ringback.telephone import asked_by

if TYPE_CHECKING:
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.opening import Ringback

THINNEST: Final = "thinnest"
"""The endpoint that thinnest.ai posts to, by the name of its secret."""


class TextProvider:
    """One endpoint of an opened installation. Every method raises a `RingbackError` and nothing else."""

    def __init__(self, opened: Ringback, endpoint: str = THINNEST) -> None:
        self._ledger: Ledger = opened.ledger
        self._opened = opened
        self._endpoint = endpoint

    async def authorise(self, secret: str) -> None:
        """Go on only with the endpoint's secret.

        Raises:
            Refused: it is another one, or there is none.
        """
        if not await self._ledger.endpoints.fits(self._endpoint, secret):
            raise Refused("wrong_secret", "The secret is missing or wrong.", hint="Make one: ringback thinnest secret")

    async def text(self, to: str, message: str) -> Receipt:
        """Text a number that is on a live call of ours, or that a person allowed beforehand.

        Raises:
            InvalidRequest: number or message cannot be read.
            Refused: neither holds, or a guard stands in the way; nothing was stored.
            CarrierError: the carrier could not be asked.
        """
        number = parse_number(to)
        carrier = self._opened.carriers.require(Channel.SMS)
        outbound = Outbound(Channel.SMS, number, carrier.name, message)
        earlier: Record | None = await self._ledger.outbounds.find(outbound, None)
        if earlier is not None:  # its call may have ended since
            return receipt(earlier, repeated=True)
        allowed = await self._ledger.consents.is_allowed(outbound, LEAST[self._opened.settings.approval])
        if not allowed and not await LiveCalls(self._ledger, self._opened.carriers).is_on_one(number):
            raise Refused(
                "not_on_call",
                "No call of ours to this number is going on, and nobody allowed it beforehand.",
                hint="Text during the call. The person can allow the recipient: ringback allow",
            )
        asked_by.set(f"{self._endpoint} during a call")
        return await self._opened.telephone.send_sms(number.e164, message)
