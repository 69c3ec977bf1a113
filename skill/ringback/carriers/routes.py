"""Which carrier moves what: one for all channels, or one for texts and another for calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringback.errors import ConfigurationError, Refused
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ringback.carriers.base import Carrier


@dataclass(frozen=True, slots=True)
class Routes:
    """Names of carriers by channel, as `RINGBACK_CARRIER` gives them: `twilio`, or `teli,voice=thoughtly`."""

    default: str | None
    by_channel: Mapping[Channel, str]

    def name(self, channel: Channel) -> str | None:
        """The carrier for a channel; `None` where none is set up for it."""
        return self.by_channel.get(channel, self.default)

    @property
    def names(self) -> tuple[str, ...]:
        """Every carrier that is named, the default one first."""
        named = [self.default, *self.by_channel.values()]
        return tuple(dict.fromkeys(name for name in named if name is not None))


def parse_routes(text: str) -> Routes:
    """Read the value of `RINGBACK_CARRIER`.

    Raises:
        ConfigurationError: it is not one carrier, or carriers by channel.
    """
    default: str | None = None
    by_channel: dict[Channel, str] = {}
    for part in text.split(","):
        channel, is_route, name = (piece.strip() for piece in part.partition("="))
        if not is_route and default is None and channel:
            default = channel
        elif is_route and name and channel in set(Channel) and Channel(channel) not in by_channel:
            by_channel[Channel(channel)] = name
        else:
            raise ConfigurationError(
                "RINGBACK_CARRIER cannot be read.",
                hint="Name one carrier, or carriers by channel: sms=teli,mms=twilio,voice=thoughtly",
            )
    return Routes(default, by_channel)


class Carriers:
    """The carriers of an installation, opened."""

    def __init__(self, routes: Routes, opened: Mapping[str, Carrier]) -> None:
        self._routes = routes
        self._opened = opened

    @classmethod
    def only(cls, carrier: Carrier) -> Carriers:
        """One carrier for everything."""
        return cls(Routes(carrier.name, {}), {carrier.name: carrier})

    def __iter__(self) -> Iterator[Carrier]:
        return iter(self._opened.values())

    def get(self, name: str) -> Carrier | None:
        """The carrier of this name, if it is in use."""
        return self._opened.get(name)

    def route(self, channel: Channel) -> Carrier | None:
        """The carrier that moves this channel; `None` where none that is set up can."""
        carrier = self._opened.get(self._routes.name(channel) or "")
        return carrier if carrier is not None and channel in carrier.channels else None

    def require(self, channel: Channel) -> Carrier:
        """The carrier that moves this channel.

        Raises:
            Refused: none that is set up can.
        """
        carrier = self.route(channel)
        if carrier is None:
            offered = ", ".join(sorted(self.channels))
            raise Refused(
                "no_capability",
                f"No carrier that is set up here moves {channel}.",
                hint=f"Use one of: {offered}, or tell the person.",
            )
        return carrier

    @property
    def first(self) -> Carrier:
        """The one that stands for the installation where one name has to."""
        return next(iter(self._opened.values()))

    @property
    def names(self) -> str:
        """All of their names, to be read."""
        return ", ".join(self._opened)

    @property
    def channels(self) -> frozenset[Channel]:
        """The channels that some carrier moves here."""
        return frozenset(channel for channel in Channel if self.route(channel) is not None)

    @property
    def live(self) -> bool:
        """Whether a real phone can ring by any of them."""
        return any(carrier.live for carrier in self)

    async def aclose(self) -> None:
        """Close their connections."""
        for carrier in self:
            await carrier.aclose()
