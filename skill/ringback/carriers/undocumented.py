"""What an adapter says of calls that its service does not document: that there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringback.model.outbound import Line

if TYPE_CHECKING:
    from ringback.carriers.base import CarrierReader
    from ringback.model.news import Inbox
    from ringback.model.outbound import CarrierItem, Channel, Report


class NoInbox:
    """No callbacks and no list of received texts."""

    callbacks = None

    async def inbox(self, cursor: str | None) -> Inbox | None:
        """No such list is documented."""
        del cursor
        return None

    async def subscribe(self, url: str, secret: bytes) -> bool:
        """No callbacks are documented."""
        del url, secret
        return False


class NoHistory:
    """No status and no list of what was sent: the ledger answers for them."""

    async def report(self, channel: Channel, carrier_id: str) -> Report | None:
        """No such call is documented."""
        del channel, carrier_id
        return None

    async def history(self, limit: int) -> list[CarrierItem]:
        """No such list is documented."""
        del limit
        return []


def configured_line(carrier: CarrierReader, *, clock_offset_s: float | None) -> Line:
    """Enabled because it is configured, and told so: the service has no call that would say (docs/decisions/0015)."""
    return Line(
        carrier=carrier.name,
        enabled=True,
        live=carrier.live,
        number=None,
        capabilities=carrier.channels,
        clock_offset_s=clock_offset_s,
        confirmed=False,
    )
