"""What every carrier offers: reading, which anybody may do, and `transmit`, which is dispatch's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report


class CarrierReader(Protocol):
    """What the rest of the house may ask of a carrier. Nothing here sends.

    Every method raises a `CarrierError` and nothing else.
    """

    @property
    def name(self) -> str:
        """The carrier's name in the registry."""
        ...

    @property
    def live(self) -> bool:
        """Whether real phones ring; false for the sandbox alone."""
        ...

    async def line(self) -> Line:
        """Ask the carrier what the agent's line can do now."""
        ...

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        """Ask what became of one outbound that the carrier took."""
        ...

    async def history(self, limit: int) -> list[CarrierItem]:
        """The carrier's newest outbounds, at most `limit`, newest first."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


class Carrier(CarrierReader, Protocol):
    """A carrier whole: only `ringback.dispatch` may call `transmit`, and a test holds that."""

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """Hand one outbound to the carrier, once.

        Raises:
            CarrierError: `nothing_left` tells whether the carrier certainly did not act on it.
        """
        ...
