"""How callbacks leave: signed as Standard Webhooks asks, in order within a lane, tried again until they are taken."""

import asyncio
import base64
import hmac
import ipaddress
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
FIRST_WAIT_S = 1.0
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


@dataclass(frozen=True, slots=True)
class _Lane:
    queue: deque[Event]
    task: asyncio.Task[None]


class Delivery:
    """Takes events to the registered URL. What waits is in memory only.

    Args:
        first_wait_s: Real seconds before the second try; later waits grow from it.

    Attributes:
        target: Where to; None while nothing is registered.
    """

    def __init__(self, first_wait_s: float) -> None:
        self.target: Registration | None = None
        self._first_wait_s = first_wait_s
        self._lanes: dict[str, _Lane] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._client: httpx2.AsyncClient | None = None
        self._complained = False

    def put(self, event: Event) -> None:
        """Let `event` leave after what its lane already holds. Returns at once."""
        lane = self._lanes.get(event.lane)
        if lane is None:
            queue = deque([event])
            self._lanes[event.lane] = _Lane(queue, asyncio.create_task(self._drain(event.lane, queue)))
        else:
            lane.queue.append(event)

    async def first_try(self, lane: str) -> None:
        """Return once the event at the head of the lane was tried, or after the time that one try may take."""
        if lane in self._lanes:
            tried = asyncio.ensure_future(self._lanes[lane].queue[0].tried.wait())
            await asyncio.wait({tried}, timeout=ANSWER_S)
            tried.cancel()

    def clear(self) -> None:
        """Forget everything that has not left yet."""
        for lane in self._lanes.values():
            lane.task.cancel()
            for event in lane.queue:
                event.tried.set()
        self._lanes.clear()
        self._complained = False

    async def close(self) -> None:
        """Forget everything and close the connections."""
        self.clear()
        if self._client is not None:
            await self._client.aclose()

    async def _drain(self, lane: str, queue: deque[Event]) -> None:
        while queue:
            try:
                await self._deliver(queue[0])
            except NotTakenError as error:
                self._complain(error)
            queue.popleft()
        del self._lanes[lane]

    async def _deliver(self, event: Event) -> None:
        import stamina

        # Its own hook writes a line for each retry: more than whoever reads standard error wants, if anybody does.
        stamina.instrumentation.set_on_retry_hooks(())
        async for attempt in stamina.retry_context(
            on=NotTakenError,
            attempts=TRIES,
            timeout=None,
            wait_initial=self._first_wait_s,
            wait_max=self._first_wait_s * _LONGEST,
            wait_exp_base=_GROWTH,
            wait_jitter=0,
        ):
            with attempt:
                try:
                    async with self._slots:
                        await self._post(event)
                finally:
                    event.tried.set()
        self._complained = False

    async def _post(self, event: Event) -> None:
        import httpx2

        assert self.target is not None
        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=ANSWER_S)
        moment = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ringback-sandbox",
            "webhook-id": event.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": sign(secrets.token_bytes(32) if event.forged else self.target.key, event, moment),
        }
        try:
            # The whole try is timed: the client's own limit is one for each step of it.
            async with asyncio.timeout(ANSWER_S):
                answer = await self._client.post(self.target.url, content=event.body, headers=headers)
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
