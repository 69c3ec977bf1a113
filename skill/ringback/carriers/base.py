"""What every carrier offers: reading, which anybody may do, and `transmit`, which is dispatch's alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ringback.model.news import CallbackRequest, Inbox, News
    from ringback.model.outbound import Acceptance, CarrierItem, Channel, Line, Outbound, Report


class CallbackReader(Protocol):
    """Understands what a carrier sends by itself."""

    def read(self, request: CallbackRequest, *, secret: bytes, now: float) -> tuple[News, ...]:
        """Verify first, then parse; what the callback tells, which may be nothing.

        Raises:
            CallbackRejected: it is not proven to be the carrier's, or cannot be read.
        """
        ...


@runtime_checkable
class AnsweringReader(CallbackReader, Protocol):
    """One whose carrier acts on what a callback is answered."""

    @property
    def answer(self) -> tuple[str, bytes]:
        """What a callback that was taken is answered: media type and content."""
        ...


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

    @property
    def channels(self) -> frozenset[Channel]:
        """What the service can move at all; a line may offer less."""
        ...

    @property
    def callbacks(self) -> CallbackReader | None:
        """Reads the carrier's callbacks; `None` where it documents none, and is asked instead."""
        ...

    async def line(self) -> Line:
        """Ask the carrier what the agent's line can do now."""
        ...

    async def report(self, channel: Channel, carrier_id: str) -> Report | None:
        """Ask what became of one outbound that the carrier took; `None` where it offers no such call."""
        ...

    async def history(self, limit: int) -> list[CarrierItem]:
        """The carrier's newest outbounds, at most `limit`, newest first."""
        ...

    async def inbox(self, cursor: str | None) -> Inbox | None:
        """Texts to the agent's line after `cursor`; `None` where the carrier offers no such list."""
        ...

    async def subscribe(self, url: str, secret: bytes) -> bool:
        """Have callbacks sent to `url`, signed with `secret`; false where a person sets that up at the carrier."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


@runtime_checkable
class Unsubscribing(Protocol):
    """A carrier that can be told to call back no more."""

    async def unsubscribe(self, url: str, secret: bytes) -> bool:
        """Take back what `subscribe` with the same address and secret set up.

        Raises:
            CarrierError: the carrier could not be told, or knows of no such subscription.
        """
        ...


@runtime_checkable
class ConfirmsOptOuts(Protocol):
    """A carrier whose service answers stop words by itself, and lets nothing more through to whoever wrote one.

    A confirmation of ours would be refused there, and without that it would be the second one.
    """

    @property
    def confirms_opt_outs(self) -> bool:
        """Whether the service answers stop, start and help words written to the agent's line."""
        ...


class Carrier(CarrierReader, Protocol):
    """A carrier whole: only `ringback.dispatch` may call `transmit`, and a test holds that."""

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """Hand one outbound to the carrier, once.

        Raises:
            CarrierError: `nothing_left` tells whether the carrier certainly did not act on it.
        """
        ...
