"""Which of our calls are going on at this moment, by the word of the carrier that moves them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from ringback.errors import CarrierError, InvalidRequest, Refused
from ringback.model.outbound import Channel
from ringback.model.status import WITH_CARRIER, Status

if TYPE_CHECKING:
    from ringback.carriers.routes import Carriers
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.model.numbers import PhoneNumber

LIVE: Final = frozenset({Status.RINGING, Status.IN_PROGRESS})
_MOST: Final = 8
"""So many open calls to one number are asked after, the newest ones."""
_log = logging.getLogger(__name__)


class LiveCalls:
    """Asks after a call now: what was heard of it a second ago does not count."""

    def __init__(self, ledger: Ledger, carriers: Carriers) -> None:
        self._ledger = ledger
        self._carriers = carriers

    async def chosen(self, to: str | None, call_id: str | None, send_at: str | None) -> Record | None:
        """The call whose other party is meant, whether or not it is live; `None` where a number was given.

        Raises:
            InvalidRequest: not exactly one of the two was given, it is no call, or the text is for later.
            NotFound: there is no such outbound.
            Refused: whom it went to was erased.
        """
        if (to is None) is (call_id is None):
            raise InvalidRequest("Exactly one of to and call_id is needed.", hint="Give one of them.")
        if call_id is None:
            return None
        if send_at is not None:
            raise InvalidRequest("A text to a call's other party goes at once.", hint="Leave send_at out.")
        record = await self._ledger.outbounds.get(call_id)
        if record.channel is not Channel.VOICE:
            raise InvalidRequest("This id is that of a text, not of a call.", hint="Give the id of a voice-call.")
        if record.content is None:
            raise _not_live("It ended long ago, and whom it went to was erased.")
        return record

    async def require(self, record: Record) -> None:
        """Go on only while this call rings or is answered.

        Raises:
            Refused: it is not live, or its carrier tells nothing of calls.
            CarrierError: its carrier could not be asked.
        """
        if not await self._is_live(record):
            now = await self._ledger.outbounds.get(record.id)
            raise _not_live(f"Its status is {now.status}.")

    async def is_on_one(self, number: PhoneNumber) -> bool:
        """Whether a call of ours to this number is live. A call that cannot be asked after counts as none."""
        for record in (await self._ledger.deliveries.open_calls(number))[:_MOST]:
            try:
                if await self._is_live(record):
                    return True
            except CarrierError as error:
                _log.info("call %s: its status could not be asked: %s", record.id, error.reason)
        return False

    async def _is_live(self, record: Record) -> bool:
        carrier = self._carriers.get(record.carrier)
        if carrier is None or record.carrier_id is None or record.status not in WITH_CARRIER:
            return False
        report = await carrier.report(record.channel, record.carrier_id)
        if report is None:
            return False
        learnt = await self._ledger.deliveries.learn(record, report)
        return report.status in LIVE and learnt.status in LIVE


def _not_live(why: str) -> Refused:
    return Refused(
        "call_not_live",
        f"This call is not going on now. {why}",
        hint="Nothing was sent. To text the person all the same, ask for their number and give it as to.",
    )
