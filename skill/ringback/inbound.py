"""The only way in: what a carrier says, asked for or sent by itself, is stored here.

A status only moves forward. What is in doubt is looked for in the carrier's own history, and found only where
there is exactly one reading. A callback is verified before anything of it is read, and stored before it is answered.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ringback.carriers.base import AnsweringReader, Unsubscribing
from ringback.errors import CallbackRejected, CarrierError, NotFound
from ringback.ledger.received import number_of
from ringback.model.news import StatusNews
from ringback.model.outbound import Channel
from ringback.model.status import WITH_CARRIER, Status
from ringback.model.stop_words import wish_of
from ringback.owner import is_gone
from ringback.stopping import Stopping

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback.carriers.routes import Carriers
    from ringback.clock import Clock
    from ringback.keys import Keyring
    from ringback.ledger import Ledger
    from ringback.ledger.records import Record
    from ringback.model.news import CallbackRequest, ReceivedText
    from ringback.model.outbound import CarrierItem
    from ringback.rules import Rules

CLOCK_SKEW_S: Final = 10.0
"""By how much the carrier's clock may differ from ours when its history is searched."""
LONGEST_REQUEST_S: Final = 60.0
"""A request that was begun within the lease has reached the carrier by then, or never will."""
HISTORY_LIMIT: Final = 100
AT_ONCE: Final = 8
INBOX_S: Final = 1.0
"""How often a real service's inbox is asked at most; the sandbox's, each time."""
COMPLAINT_S: Final = 60.0
"""Rejected callbacks are logged at most once in so many seconds: whoever sends them could fill a disk."""

_log = logging.getLogger(__name__)


class Inbound:
    """Learns what became of the outbounds that left, and what people wrote back."""

    def __init__(self, ledger: Ledger, carriers: Carriers, keyring: Keyring, rules: Rules, clock: Clock) -> None:
        self._ledger = ledger
        self._carriers = carriers
        self._keyring = keyring
        self._rules = rules
        self._clock = clock
        self.stopping = Stopping(ledger, carriers, rules, clock)
        """What becomes of stop and resume words."""
        self._complained_at: float | None = None
        self._collected_at: dict[str, float] = {}

    async def callback(self, carrier: str, request: CallbackRequest) -> int:
        """Verify, parse and store a carrier's callback; how much of it was new.

        Raises:
            NotFound: this carrier is not in use here, or sends no callbacks.
            CallbackRejected: it is not proven to be the carrier's, or cannot be read; nothing was stored.
            LedgerError: it could not be stored: the carrier is to send it again.
        """
        sender = self._carriers.get(carrier)
        reader = sender.callbacks if sender else None
        if sender is None or reader is None:
            raise NotFound("No carrier of this name sends callbacks here.", hint="Check RINGBACK_CARRIER and the path.")
        try:
            now = self._clock.now().timestamp()
            told = reader.read(request, secret=self._keyring.callback_secret(carrier), now=now)
        except CallbackRejected as error:
            self._complain(carrier, error)
            raise
        stored = 0
        for news in told:
            if isinstance(news, StatusNews) and not news.proven:
                stored += await self._confirm(sender, news)
            elif isinstance(news, StatusNews):
                record = await self._ledger.deliveries.reported(carrier, news)
                stored += record is not None
                if record is not None:
                    await self._priced(record)
            else:
                stored += await self._store(sender, news)
        return stored

    async def _store(self, sender: CarrierReader, text: ReceivedText) -> bool:
        """Store what somebody wrote, and do what a stop or resume word in it asks for; whether it was new.

        The opt-out comes first, and what is being handed over at that moment is waited for: once the text is stored and
        the callback answered, nothing goes out to that person any more.
        """
        number, wish = number_of(text.sender), wish_of(text.text)
        if number is None or wish is None or await self._ledger.inbox.is_known(sender.name, text.carrier_id):
            return await self._ledger.inbox.add(sender.name, text) is not None
        await self.stopping.heard(sender, number, wish, said_at=text.sent_at)
        # Last: what is stored is known, and what is known is not acted on once more after a crash.
        return await self._ledger.inbox.add(sender.name, text) is not None

    async def _priced(self, record: Record) -> Record:
        """Count a call that has ended by how long it took, in place of how long its prompt is."""
        seconds = record.report.duration_s if record.report else None
        if seconds is not None and record.content is not None and record.channel is Channel.VOICE:
            price = self._rules.actual_call(record.outbound, seconds).micros
            if price is not None and price != record.price:
                await self._ledger.spending.correct(record.id, price)
        return record

    async def _confirm(self, sender: CarrierReader, claimed: StatusNews) -> bool:
        """Store what the carrier itself tells of a claim that nothing signs; the claim, where it cannot be asked.

        What is claimed of an id that is not known yet is not kept: it is asked about once the id is here.
        """
        record = await self._ledger.deliveries.find(sender.name, claimed.carrier_id)
        if record is None:
            return False
        try:
            report = await sender.report(record.channel, claimed.carrier_id)
        except CarrierError as error:
            _log.info("outbound %s: a callback about it could not be confirmed: %s", record.id, error.reason)
            report = None
        told = claimed if report is None else StatusNews(claimed.carrier_id, report)
        return await self._ledger.deliveries.reported(sender.name, told) is not None

    def answer(self, carrier: str) -> tuple[str, bytes] | None:
        """What a carrier wants to hear of a callback that was taken: media type and content; `None` for nothing."""
        sender = self._carriers.get(carrier)
        reader = sender.callbacks if sender else None
        return reader.answer if isinstance(reader, AnsweringReader) else None

    def _complain(self, carrier: str, error: CallbackRejected) -> None:
        now = self._clock.now().timestamp()
        if self._complained_at is None or not 0 <= now - self._complained_at < COMPLAINT_S:
            self._complained_at = now
            _log.warning("a callback of %s was rejected: %s", carrier, error.message)

    async def subscribe(self, carrier: CarrierReader, url: str) -> bool:
        """Have a carrier call back at `url`; false where a person sets that up at the carrier.

        Raises:
            CarrierError: the carrier could not be told.
        """
        if carrier.callbacks is None:
            return False
        return await carrier.subscribe(url, self._keyring.callback_secret(carrier.name))

    async def unsubscribe(self, carrier: CarrierReader, url: str) -> bool:
        """Have a carrier call back at `url` no more; false where a person does that at the carrier.

        Raises:
            CarrierError: the carrier could not be told.
        """
        if not isinstance(carrier, Unsubscribing):
            return False
        return await carrier.unsubscribe(url, self._keyring.callback_secret(carrier.name))

    async def refresh(self, record: Record) -> Record:
        """Bring one outbound up to date with its carrier. Where the carrier cannot be asked, it stays as it is."""
        carrier = self._carriers.get(record.carrier)
        if carrier is None or record.content is None:
            return record
        if record.status is Status.DISPATCHING:
            record = await self._conclude_abandoned(record)
        if record.status is Status.UNKNOWN and record.carrier_id is None:
            return await self._reconcile(record, carrier) or record
        if record.carrier_id is None or record.status not in WITH_CARRIER | {Status.UNKNOWN}:
            return record
        try:
            report = await carrier.report(record.channel, record.carrier_id)
        except CarrierError as error:
            _log.info("outbound %s: its status could not be asked: %s", record.id, error.reason)
            return record
        return record if report is None else await self._priced(await self._ledger.deliveries.learn(record, report))

    async def refresh_due(self, limit: int) -> int:
        """Ask after at most `limit` of what is open and due to be asked about; how many there were."""
        for record in await self._ledger.outbounds.under_way({Status.DISPATCHING}):
            await self.refresh(record)
        asked = 0
        for carrier in self._carriers:
            due = await self._ledger.deliveries.take_polls(carrier.name, limit)
            asked += len(due)
            for first in range(0, len(due), AT_ONCE):
                await asyncio.gather(*map(self.refresh, due[first : first + AT_ONCE]))
        return asked

    async def collect(self) -> int:
        """Fetch what people wrote, where a carrier keeps a list of it; how many texts were new."""
        return sum([await self._collect(carrier) for carrier in self._carriers])

    async def _collect(self, carrier: CarrierReader) -> int:
        name, now = carrier.name, self._clock.now().timestamp()
        if carrier.live and 0 <= now - self._collected_at.get(name, 0.0) < INBOX_S:
            return 0
        self._collected_at[name] = now
        try:
            inbox = await carrier.inbox(await self._ledger.inbox.cursor(name))
        except CarrierError as error:
            _log.info("the inbox of %s could not be asked: %s", name, error.reason)
            return 0
        if inbox is None or inbox.cursor is None:
            return 0
        added = [await self._store(carrier, text) for text in inbox.texts]
        await self._ledger.inbox.read_to(name, inbox.cursor)
        return sum(added)

    async def _conclude_abandoned(self, record: Record) -> Record:
        """End a dispatch whose process is gone, or whose lease ran out: it is unknown whether it went out."""
        gone = is_gone(record.owner)
        concluded = await self._ledger.deliveries.conclude(
            record, Status.UNKNOWN, reason="dispatcher_gone", owner_is_gone=gone
        )
        return concluded or await self._ledger.outbounds.get(record.id)

    async def _reconcile(self, doubtful: Record, carrier: CarrierReader) -> Record | None:
        """Find a doubtful outbound in the carrier's history: exactly one entry, that is nothing else."""
        try:
            items = await carrier.history(HISTORY_LIMIT)
        except CarrierError as error:
            _log.info("outbound %s: the carrier's history could not be asked: %s", doubtful.id, error.reason)
            return None
        candidates = [item for item in items if _may_be(item, doubtful)]
        unclaimed = [
            item for item in candidates if not await self._ledger.deliveries.is_known(carrier.name, item.carrier_id)
        ]
        if len(unclaimed) != 1:
            return None
        item = unclaimed[0]
        since = (doubtful.claimed_at or doubtful.created_at) - 86_400.0
        if any(_may_be(item, rival) for rival in await self._ledger.deliveries.rivals(doubtful, since)):
            return None
        target = Status.ACCEPTED if item.status is Status.UNKNOWN else item.status
        return await self._ledger.deliveries.conclude(
            doubtful, target, reason="found_at_carrier", carrier_id=item.carrier_id
        )


def _may_be(item: CarrierItem, doubtful: Record) -> bool:
    """Same recipient, channel and (where the carrier tells it) text, from the time in which it can have been posted."""
    outbound = doubtful.outbound
    if item.to != outbound.to.e164 or item.channel is not outbound.channel or item.text not in {None, outbound.text}:
        return False
    try:
        created = datetime.fromisoformat(item.created_at)
    except ValueError:
        return False
    begun = doubtful.claimed_at or doubtful.created_at
    ended = (doubtful.lease_until or begun) + LONGEST_REQUEST_S
    return created.tzinfo is not None and begun - CLOCK_SKEW_S <= created.timestamp() <= ended + CLOCK_SKEW_S
