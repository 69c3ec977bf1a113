"""What becomes of a stop word: silence at once, one confirmation, and the word that undoes it. docs/decisions/0022."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ringback.carriers.base import ConfirmsOptOuts
from ringback.errors import ConfigurationError
from ringback.ledger.outbounds import Stored
from ringback.model.outbound import Channel, Outbound
from ringback.model.stop_words import Wish

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback.carriers.routes import Carriers
    from ringback.clock import Clock
    from ringback.ledger import Ledger
    from ringback.ledger.records import OptOut
    from ringback.model.numbers import PhoneNumber
    from ringback.rules import Rules

LONGEST_SILENCE_S: Final = 10.0
"""How long storing a stop word waits for what is being handed over at that moment."""
LATEST_CONFIRMATION_S: Final = 300.0
"""A confirmation later than that would be one more message to somebody who wants none (47 CFR 64.1200(a)(12))."""
_LOOK_S: Final = 0.05


class Stopping:
    """Every method raises `LedgerError` when the ledger fails."""

    def __init__(self, ledger: Ledger, carriers: Carriers, rules: Rules, clock: Clock) -> None:
        self._ledger = ledger
        self._carriers = carriers
        self._rules = rules
        self._clock = clock

    async def heard(self, sender: CarrierReader, number: PhoneNumber, wish: Wish, *, said_at: float) -> None:
        """Do what a person's word asks for, before the text that says so is stored.

        What is being handed over at that moment is waited for: after it nothing goes out to that person any more.
        """
        if wish is Wish.RESUME:
            await self._ledger.opt_outs.resume(number, said_at)
            return
        by_itself = isinstance(sender, ConfirmsOptOuts) and sender.confirms_opt_outs
        carrier = None if by_itself else sender.name
        await self._ledger.opt_outs.begin(number, via="text", carrier=carrier, said_at=said_at)
        await self.silence(number)

    async def silence(self, number: PhoneNumber) -> int:
        """Wait until nothing is being handed over to somebody who opted out; how much still is when that took long."""
        deadline = self._clock.now().timestamp() + LONGEST_SILENCE_S
        while left := await self._ledger.opt_outs.on_their_way(number):
            if self._clock.now().timestamp() >= deadline:
                break
            await self._clock.sleep(_LOOK_S)
        return left

    async def confirm(self) -> int:
        """Store the one confirmation of each opt-out that came as a text; dispatch sends it. How many were new."""
        waiting = await self._ledger.opt_outs.unconfirmed()
        for opt_out, name in waiting:
            carrier = self._carriers.get(name)
            is_late = self._clock.now().timestamp() - opt_out.since > LATEST_CONFIRMATION_S
            if carrier is not None and Channel.SMS in carrier.channels and not is_late:
                await self._store(opt_out, name)
            await self._ledger.opt_outs.confirmed(opt_out.id)
        return len(waiting)

    async def _store(self, opt_out: OptOut, carrier: str) -> None:
        """Store the confirmation; under its key, so that it is the same one after a crash."""
        notice = Outbound(Channel.SMS, opt_out.number, carrier, self._rules.opt_out_text, notice=True)
        try:
            price = self._rules.estimate(notice).micros
        except ConfigurationError:  # that a price table cannot be read is no reason to leave it out
            price = None
        name = f"optout:{opt_out.id}"
        terms = Stored(price=price, notice_of=name)
        await self._ledger.outbounds.add(notice, key=name, spend=None, asked_by="Ringback", terms=terms)
