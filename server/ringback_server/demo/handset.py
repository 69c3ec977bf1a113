"""The sandbox from outside: its own record of what arrived, and the hands that answer a call."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection, HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.1


class HandsetError(Exception):
    """The sandbox did not answer, or refused; its text says what was asked."""


class Handset:
    """The control routes of the sandbox at `url`, on loopback, past any proxy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._address = urlsplit(url).netloc

    async def messages(self, text: str) -> list[dict[str, Any]]:
        """Every message with exactly this text that the sandbox accepted.

        Raises:
            HandsetError: it could not be asked; so for every method here.
        """
        return [item for item in await self._ask("GET", "/sandbox/messages") if item["body"] == text]

    async def calls(self, prompt: str) -> list[dict[str, Any]]:
        """Every call with exactly this prompt that the sandbox accepted."""
        return [item for item in await self._ask("GET", "/sandbox/calls") if item["prompt"] == prompt]

    async def answer(self, prompt: str) -> str:
        """Pick up once the call with this prompt rings; its id. The caller sets the limit."""
        while True:
            for call in await self.calls(prompt):
                if call["status"] == "ringing":
                    await self._ask("POST", f"/sandbox/calls/{call['id']}/answer", {})
                    return str(call["id"])
            await asyncio.sleep(_POLL_S)

    async def press(self, call_id: str, keys: str) -> None:
        """Press keys during an answered call."""
        await self._ask("POST", f"/sandbox/calls/{call_id}/keys", {"keys": keys})

    async def hang_up(self, call_id: str) -> None:
        """End an answered call."""
        await self._ask("POST", f"/sandbox/calls/{call_id}/hangup", {})

    async def _ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        return await asyncio.to_thread(self.ask, method, path, body)

    def ask(self, method: str, path: str, body: dict[str, str] | None = None) -> Any:
        """One request, answered with JSON.

        Raises:
            HandsetError: nobody answered, or not with a success.
        """
        connection = HTTPConnection(self._address, timeout=_TIMEOUT_S)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"} if sent else {})
            answer = connection.getresponse()
            content = answer.read()
            if not answer.status < 300:  # noqa: PLR2004 - the successes of HTTP
                raise HandsetError(f"the sandbox answered {method} {path} with {answer.status}")
            return json.loads(content)
        except (OSError, HTTPException, ValueError) as error:
            raise HandsetError(f"the sandbox did not answer {method} {path} ({type(error).__name__})") from None
        finally:
            connection.close()
