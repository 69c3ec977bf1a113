"""The carriers that exist. Adding one is a file beside this one and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ringback.carriers.routes import Carriers, parse_routes
from ringback.errors import ConfigurationError
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from ringback.carriers.base import Carrier
    from ringback.settings import Settings

CARRIERS: Final = {
    "custom": "ringback.carriers.custom",
    "sandbox": "ringback.carriers.sandbox",
    "teli": "ringback.carriers.teli",
    "thinkfleetbot": "ringback.carriers.thinkfleetbot",
    "thoughtly": "ringback.carriers.thoughtly",
    "twilio": "ringback.carriers.twilio",
}
"""Name to module; each module offers `build(settings)`. A carrier is imported only when it is used."""


_NOT_ALL: Final = {
    "custom": frozenset({Channel.SMS}),
    "teli": frozenset({Channel.SMS}),
    "thoughtly": frozenset({Channel.VOICE}),
}
"""What a carrier moves, where that is not every channel; told here so that listing the tools imports no carrier."""


def channels_of(routes: str) -> frozenset[Channel]:
    """The channels that are moved by these carriers, given as in `RINGBACK_CARRIER`.

    Raises:
        ConfigurationError: it cannot be read.
    """
    named = parse_routes(routes)
    moved = ((channel, named.name(channel)) for channel in Channel)
    return frozenset(
        channel for channel, name in moved if name is not None and channel in _NOT_ALL.get(name, frozenset(Channel))
    )


def build_carriers(settings: Settings) -> Carriers:
    """The carriers that the settings name, by channel.

    Raises:
        ConfigurationError: one has no such name, or its own settings are incomplete.
    """
    routes = parse_routes(settings.carrier_name)
    return Carriers(routes, {name: build_carrier(settings, name) for name in routes.names})


def build_carrier(settings: Settings, name: str) -> Carrier:
    """One carrier.

    Raises:
        ConfigurationError: there is none of this name, or its own settings are incomplete.
    """
    module = CARRIERS.get(name)
    if module is None:
        raise ConfigurationError(
            "RINGBACK_CARRIER names no carrier.", hint=f"Choose one of: {', '.join(sorted(CARRIERS))}."
        )
    carrier: Carrier = import_module(module).build(settings)
    return carrier
