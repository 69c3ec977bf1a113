"""Where a carrier can be told to call back, `ringback serve` tells it, and tells it again when that is needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from ringback.errors import RingbackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ringback.opening import Ringback
    from ringback.settings import Settings
    from ringback_server.host import Host

_LOOK_S: Final = 2.0
"""How often it is looked whether the carrier is to be told anew where to call back."""


class Subscription:
    """Has one carrier call back here: at the start, and again where it, or the installation's key, is a new one."""

    def __init__(self, host: Host, settings: Settings, carrier: str, base: str, *, tell: Callable[[str], None]) -> None:
        self._host = host
        self._settings = settings
        self._carrier = carrier
        self._url = f"{base}/webhooks/{carrier}"
        self._say = tell
        self._told = ""
        self._made_with: Ringback | None = None
        self._made_at: bytes | None = None

    async def keep(self) -> None:
        """Run until cancelled."""
        while True:
            try:
                await self._look()
            except RingbackError as error:
                self._tell(
                    f"could not be told where to call back ({error.reason}); it is asked instead, and told later"
                )
            except Exception as error:  # noqa: BLE001 - it must go on for as long as the server runs
                self._tell(f"could not be told where to call back ({type(error).__name__}); it is asked instead")
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        """Subscribe where that was not done yet, or not with this carrier's process and this key."""
        at = self._carrier_process()
        async with self._host.using() as opened:
            if opened is self._made_with and at in {self._made_at, b""}:
                return  # a sandbox that was ended stays ended: it subscribes once somebody starts it
            carrier = opened.carriers.get(self._carrier)
            if carrier is None:
                return
            if self._made_with is not None:
                await opened.lines.ask(carrier)  # finds a sandbox that was started anew elsewhere
            subscribed = await opened.inbound.subscribe(carrier, self._url)
            self._made_with, self._made_at = opened, self._carrier_process()
        if subscribed:
            self._tell(f"calls back at {self._url}")
        elif carrier.callbacks is not None:
            self._tell(f"is to call back at {self._url}: set that at the carrier. Until then it is asked")
        else:
            self._tell("documents no callbacks: it is asked instead")

    def _carrier_process(self) -> bytes:
        """What the sandbox's process announced, which no other one has; empty where there is none."""
        try:
            return (self._settings.home / "sandbox" / "endpoint.json").read_bytes()
        except OSError:
            return b""

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._say(f"the carrier {self._carrier} {text}.")
        self._told = text
