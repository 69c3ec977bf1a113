"""The sandbox as a carrier: ThinkFleetBot's wire, spoken to a process on this machine.

The process is started when it is first needed, joined when it already runs, and ends by itself when
nobody uses it: docs/decisions/0005. It is reached through `endpoint.json` in its state folder.
"""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from ringback.carriers.sandbox_news import SandboxCallbacks, answerer, read_texts
from ringback.carriers.standard_webhooks import told_secret
from ringback.carriers.thinkfleetbot import ThinkFleetBot, connect
from ringback.clock import Clock, SystemClock
from ringback.detached import start_detached
from ringback.errors import CarrierError, CarrierUnreachable
from ringback.model.outbound import Channel
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ringback.carriers.http import CarrierHttp
    from ringback.model.news import Inbox
    from ringback.model.outbound import Acceptance, CarrierItem, Line, Outbound, Report
    from ringback.settings import Settings

_Answer = TypeVar("_Answer")
_START_TIMEOUT_S = 20.0
_START_POLL_S = 0.05
_IDLE_EXIT_S = 3600
_TAKEN: Final = frozenset({Status.IN_PROGRESS, Status.COMPLETED})


class Sandbox:
    """The carrier that moves nothing off this machine."""

    name = "sandbox"
    live = False
    channels = frozenset(Channel)
    callbacks = SandboxCallbacks()

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._clock = clock or SystemClock()
        self._connecting = asyncio.Lock()
        self._wire: ThinkFleetBot | None = None
        self._url: str | None = None
        self._control: CarrierHttp | None = None

    async def line(self) -> Line:
        """Ask the sandbox, starting it when nobody answers."""
        try:
            line = await (await self._connected()).line()
        except CarrierUnreachable:
            await self._forget()
            line = await (await self._connected()).line()
        return replace(line, carrier=self.name, live=False, page=self._url)

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """Hand one outbound to the sandbox."""
        try:
            return await (await self._connected()).transmit(outbound)
        except CarrierUnreachable:
            await self._forget()  # it may have been started anew elsewhere: the next try looks for it
            raise

    async def report(self, channel: Channel, carrier_id: str) -> Report:
        """Ask what became of one outbound. Who took a call is told beside the wire, whose service does not tell it."""
        report = await self._asked(lambda wire: wire.report(channel, carrier_id))
        if report.status not in _TAKEN:
            return report

        async def call(_: ThinkFleetBot) -> Any:
            assert self._control is not None
            return await self._control.get(f"/sandbox/calls/{quote(carrier_id, safe='')}")

        with suppress(CarrierError):  # it is one thing more to know, not what was asked for
            report = replace(report, answered_by=answerer(await self._asked(call)))
        return report

    async def history(self, limit: int) -> list[CarrierItem]:
        """The sandbox's newest outbounds."""
        return await self._asked(lambda wire: wire.history(limit))

    async def inbox(self, cursor: str | None) -> Inbox | None:
        """What the handset's owner wrote back. A sandbox that does not run is not started for that."""
        if self._wire is None and await self._find(self._settings.home / "sandbox") is None:
            return None
        after = int(cursor) if cursor and re.fullmatch(r"[0-9]{1,15}", cursor) else 0

        async def replies(_: ThinkFleetBot) -> Any:
            assert self._control is not None
            return await self._control.get("/sandbox/replies", {"after": after, "limit": 100})

        return read_texts(await self._asked(replies))

    async def subscribe(self, url: str, secret: bytes) -> bool:
        """Have callbacks sent to an address on this machine."""
        await self._connected()
        assert self._control is not None
        await self._control.post("/sandbox/callbacks", {"url": url, "secret": told_secret(secret)})
        return True

    async def unsubscribe(self, url: str, secret: bytes) -> bool:
        """End callbacks; there is one address at a time."""
        del url, secret
        await self._connected()
        assert self._control is not None
        await self._control.post("/sandbox/callbacks", {"url": None})
        return True

    async def aclose(self) -> None:
        """Close connections; the sandbox itself stays for others."""
        await self._forget()

    async def _asked(self, ask: Callable[[ThinkFleetBot], Awaitable[_Answer]]) -> _Answer:
        """Ask; a sandbox that does not answer is looked for anew the next time, it may have been started elsewhere."""
        try:
            return await ask(await self._connected())
        except CarrierUnreachable:
            await self._forget()
            raise

    async def _forget(self) -> None:
        wire, self._wire = self._wire, None
        control, self._control = self._control, None
        if wire is not None:
            await wire.aclose()
        if control is not None:
            await control.aclose()

    async def _connected(self) -> ThinkFleetBot:
        async with self._connecting:  # many at once find or start one sandbox, and share one client
            if self._wire is None:
                state = self._settings.home / "sandbox"
                endpoint = await self._find(state) or await self._start(state)
                self._url = endpoint["url"]
                self._wire = ThinkFleetBot(connect(endpoint["url"], endpoint["api_key"], self._settings))
                self._control = connect(endpoint["url"], endpoint["api_key"], self._settings)
            return self._wire

    async def _find(self, state: Path) -> dict[str, Any] | None:
        """The running sandbox of this state folder, if it answers with the key that it announced."""
        endpoint = _read_endpoint(state)
        if endpoint is None:
            return None
        probe = ThinkFleetBot(connect(endpoint["url"], endpoint["api_key"], self._settings))
        try:
            await probe.line()
        except CarrierUnreachable:
            return None
        except CarrierError:
            return endpoint  # it answers, if badly: a fault on demand is the sandbox's business
        finally:
            await probe.aclose()
        return endpoint

    async def _start(self, state: Path) -> dict[str, Any]:
        """Start a process of its own. Two that start at once are settled by the sandbox's lock on its folder."""
        state.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        child = start_detached(
            "ringback_sandbox",
            *("--state", str(state), "--port", str(self._settings.sandbox_port), "--idle-exit", str(_IDLE_EXIT_S)),
            log=state / "sandbox.log",
        )
        waited = 0.0
        while waited < _START_TIMEOUT_S:
            endpoint = await self._find(state)
            if endpoint is not None:
                return endpoint
            child.poll()
            await self._clock.sleep(_START_POLL_S)
            waited += _START_POLL_S
        raise CarrierUnreachable(
            "The sandbox did not start.", hint=f"See {state / 'sandbox.log'}, or run: ringback sandbox"
        )


def build(settings: Settings) -> Sandbox:
    """The sandbox of the installation's home folder."""
    return Sandbox(settings)


def _read_endpoint(state: Path) -> dict[str, Any] | None:
    try:
        endpoint = json.loads((state / "endpoint.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    url, key = (endpoint.get("url"), endpoint.get("api_key")) if isinstance(endpoint, dict) else (None, None)
    if not (isinstance(url, str) and isinstance(key, str) and url.startswith("http://127.0.0.1:")):
        return None
    return {"url": url, "api_key": key}
