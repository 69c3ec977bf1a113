"""The carriers that exist. Adding one is a file beside this one and a line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from ringback.errors import ConfigurationError

if TYPE_CHECKING:
    from ringback.carriers.base import Carrier
    from ringback.settings import Settings

CARRIERS: Final = {
    "sandbox": "ringback.carriers.sandbox",
    "thinkfleetbot": "ringback.carriers.thinkfleetbot",
}
"""Name to module; each module offers `build(settings)`. A carrier is imported only when it is used."""


def build_carrier(settings: Settings) -> Carrier:
    """The carrier that the settings name.

    Raises:
        ConfigurationError: there is none of this name, or its own settings are incomplete.
    """
    module = CARRIERS.get(settings.carrier_name)
    if module is None:
        raise ConfigurationError(
            "RINGBACK_CARRIER names no carrier.", hint=f"Choose one of: {', '.join(sorted(CARRIERS))}."
        )
    carrier: Carrier = import_module(module).build(settings)
    return carrier
