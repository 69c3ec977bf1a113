"""How callbacks leave: signed as Standard Webhooks asks, in order within a lane, tried again until they are taken."""

import asyncio
import base64
import contextlib
import heapq
import hmac
import ipaddress
import itertools
import logging
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx2

    from .registration import Registration

logger = logging.getLogger(__name__)

TRIES = 8
# Each wait is five times the one before, up to sixty times the first: 1, 5, 25, 60, 60, 60 and 60 s.
_GROWTH = 5
_LONGEST = 60
ANSWER_S = 5.0
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Event:
    """One callback to make.

    Attributes:
        lane: Events of one lane leave one after another, in the order they came.
        id: The `webhook-id`: the same for every try and every repetition.
        body: The JSON, byte for byte the same in every try.
        forged: Whether its signature is to be a wrong one.
        tried: Set once the first try is over, or will never be.
    """

    lane: str
    id: str
    body: bytes
    forged: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)


class NotTakenError(Exception):
    """The receiver did not answer 2xx; its text says what happened instead."""


class NobodyThereError(NotTakenError):
    """Nothing listens at the URL."""


def sign(secret: bytes, event: Event, moment: int) -> str:
    """The `webhook-signature` of one try at `moment`, in seconds since 1970."""
    signed = f"{event.id}.{moment}.".encode("ascii") + event.body
    return "v1," + base64.b64encode(hmac.digest(secret, signed, "sha256")).decode("ascii")


def is_here(text: str) -> bool:
    """Whether a URL is plain http to this machine, as the client that opens it reads it."""
    import httpx2

    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        return False
    port = 80 if url.port is None else url.port
    return url.scheme == "http" and not url.userinfo and 0 < port < 1 << 16 and _is_loopback(url.host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(slots=True)
class _Lane:
    name: str
    queue: deque[Event]
    tries: int = 0


class Delivery:
    """Takes events to the registered URL, a few at a time. What waits is in memory only.

    Args:
        first_wait_s: Real seconds before the second try; later waits grow from it.

    Attributes:
        target: Where to; None while nothing is registered.
    """

    def __init__(self, first_wait_s: float) -> None:
        self.target: Registration | None = None
        self._first_wait_s = first_wait_s
        self._lanes: dict[str, _Lane] = {}
        # Lanes with something to send, by the moment of their next try on the event loop's clock.
        self._due: list[tuple[float, int, _Lane]] = []
        self._order = itertools.count()
        self._rest_until = 0.0
        self._changed = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient | None = None
        self._complained = False

    def put(self, event: Event) -> None:
        """Let `event` leave after what its lane already holds. Returns at once."""
        lane = self._lanes.get(event.lane)
        if lane is not None:
            lane.queue.append(event)
            return
        lane = self._lanes[event.lane] = _Lane(event.lane, deque([event]))
        self._schedule(lane, 0)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())

    async def first_try(self, lane: str) -> None:
        """Return once the event at the head of the lane was tried, or after the time that one try may take."""
        if lane in self._lanes:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    await self._lanes[lane].queue[0].tried.wait()

    def clear(self) -> None:
        """Forget everything that has not left yet."""
        for task in self._under_way:
            task.cancel()
        for lane in self._lanes.values():
            for event in lane.queue:
                event.tried.set()
        self._lanes.clear()
        self._due.clear()
        self._rest_until = 0.0
        self._complained = False

    async def close(self) -> None:
        """Forget everything and close the connections."""
        self.clear()
        if self._runner is not None:
            self._runner.cancel()
        if self._client is not None:
            await self._client.aclose()

    def _schedule(self, lane: _Lane, wait_s: float) -> None:
        moment = asyncio.get_running_loop().time() + wait_s
        heapq.heappush(self._due, (moment, next(self._order), lane))
        self._changed.set()

    async def _run(self) -> None:
        """Start each try when it is due and there is room for it; runs until cancelled."""
        while True:
            lane = await self._next()
            task = asyncio.create_task(self._try(lane))
            self._under_way.add(task)
            task.add_done_callback(self._ended)

    async def _next(self) -> _Lane:
        while True:
            wait = None
            if self._due and len(self._under_way) < _AT_ONCE:
                wait = max(self._due[0][0], self._rest_until) - asyncio.get_running_loop().time()
                if wait <= 0:
                    return heapq.heappop(self._due)[2]
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._changed.set()

    async def _try(self, lane: _Lane) -> None:
        event = lane.queue[0]
        lane.tries += 1
        try:
            await self._post(event)
        except NotTakenError as error:
            if isinstance(error, NobodyThereError):
                # Then nobody takes the others either: all rest a while, so that a dead receiver costs next to nothing.
                self._rest_until = asyncio.get_running_loop().time() + self._first_wait_s
            if lane.tries < TRIES:
                self._schedule(lane, self._first_wait_s * min(_GROWTH ** (lane.tries - 1), _LONGEST))
            else:
                self._complain(error)
                self._advance(lane)
        else:
            self._complained = False
            self._advance(lane)
        finally:
            event.tried.set()

    def _advance(self, lane: _Lane) -> None:
        """Go on to the lane's next event, or let go of the lane."""
        lane.queue.popleft()
        lane.tries = 0
        if lane.queue:
            self._schedule(lane, 0)
        else:
            del self._lanes[lane.name]

    async def _post(self, event: Event) -> None:
        import httpx2

        assert self.target is not None
        if self._client is None:
            # The client's own limit would be one for each step of a try: the whole try is timed below.
            self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)
        moment = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ringback-sandbox",
            "webhook-id": event.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(secrets.token_bytes(32) if event.forged else self.target.key, event, moment),
        }
        try:
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.post(self.target.url, content=event.body, headers=headers)
        except httpx2.ConnectError as error:
            raise NobodyThereError("nobody listens there") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise NotTakenError(type(error).__name__) from error
        if not answer.is_success:
            raise NotTakenError(f"status {answer.status_code}")

    def _complain(self, error: NotTakenError) -> None:
        """Say once, until one is taken again, that callbacks are given up: a dead receiver must not fill a log."""
        if not self._complained:
            self._complained = True
            logger.warning(
                "callbacks are not taken (%s) and given up after %d tries; look at the URL registered at "
                "/sandbox/callbacks",
                error,
                TRIES,
            )
