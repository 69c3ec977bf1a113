"""The webhooks of Thoughtly's dialect: a finished call is posted to everybody who subscribed. Nothing signs it."""

import asyncio
import contextlib
import json
import logging
import secrets
from typing import TYPE_CHECKING, Any

from ringback_sandbox.delivery import is_here
from ringback_sandbox.model import Call

from .thoughtly_views import finished, finished_briefly

if TYPE_CHECKING:
    import httpx2

    from ringback_sandbox.carrier import Carrier
    from ringback_sandbox.model import Outbound, Reply

logger = logging.getLogger(__name__)

TYPES = ("NEW_RESPONSE", "PHONE_TRANSFER")
BRIEF = "form=brief"
"""A URL whose query is this gets the form of the developer pages."""
ANSWER_S = 10.0
_TRIES = 3
_WAIT_S = 0.5


class Hooks:
    """Who subscribed, and posting to those of them that are on this machine. A restart forgets them."""

    def __init__(self, carrier: "Carrier") -> None:
        self._carrier = carrier
        self._subscribed: dict[tuple[str, str], str] = {}
        self._posting: set[asyncio.Task[None]] = set()
        self._client: httpx2.AsyncClient | None = None

    def subscribe(self, kind: str, url: str) -> dict[str, Any]:
        """Post there from now on; doing it again changes nothing."""
        own = self._subscribed.setdefault((kind, url), "wh_" + secrets.token_hex(8))
        return {"id": own, "type": kind, "url": url}

    def unsubscribe(self, kind: str, url: str) -> bool:
        """Post there no more; false where nothing was."""
        return self._subscribed.pop((kind, url), None) is not None

    def reached(self, item: "Outbound", at_ms: int) -> None:
        """Post a call of this dialect that has ended."""
        tag = self._carrier.store.tag(item.id)
        if tag is None or not tag.get("thoughtly") or not isinstance(item, Call) or item.finished_ms(at_ms) is None:
            return
        for kind, url in self._subscribed:
            if kind == "NEW_RESPONSE" and is_here(url):
                brief = url.rpartition("?")[2] == BRIEF
                body = finished_briefly(item, at_ms) if brief else finished(item, tag, at_ms, self._carrier.line)
                task = asyncio.create_task(self._post(url, json.dumps(body).encode("ascii")))
                self._posting.add(task)
                task.add_done_callback(self._posting.discard)

    def received(self, reply: "Reply") -> None:
        """Texts are nothing that it tells of."""

    def forget(self) -> None:
        """Drop all that has not left yet; who subscribed stays."""
        for task in self._posting:
            task.cancel()

    async def close(self) -> None:
        """Drop all that has not left yet and close the connections."""
        self.forget()
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, url: str, body: bytes) -> None:
        import httpx2

        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=None)
        headers = {"Content-Type": "application/json", "User-Agent": "Thoughtly-Webhook/1.0 (ringback-sandbox)"}
        for again in range(_TRIES):
            await asyncio.sleep(again * _WAIT_S)
            with contextlib.suppress(httpx2.HTTPError, TimeoutError):
                async with asyncio.timeout(ANSWER_S):
                    answer = await self._client.post(url, content=body, headers=headers)
                if answer.is_success:
                    return
        logger.info("nobody takes a webhook of the Thoughtly dialect")
