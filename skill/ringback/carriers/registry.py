"""The carriers that exist. Adding one is a file beside this one and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ringback.carriers.routes import Carriers, parse_routes
from ringback.errors import ConfigurationError

if TYPE_CHECKING:
    from ringback.carriers.base import Carrier
    from ringback.settings import Settings

CARRIERS: Final = {
    "custom": "ringback.carriers.custom",
    "sandbox": "ringback.carriers.sandbox",
    "teli": "ringback.carriers.teli",
    "thinkfleetbot": "ringback.carriers.thinkfleetbot",
    "twilio": "ringback.carriers.twilio",
}
"""Name to module; each module offers `build(settings)`. A carrier is imported only when it is used."""


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
