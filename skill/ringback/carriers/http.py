"""HTTP as the carriers use it: one client for the process, and faults told apart by what may have left.

The only module of the skill that imports the HTTP library, but for `pinned.py`, which it opens where it is to; tests
replace its transport and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ringback.errors import (
    CarrierAuthenticationFailed,
    CarrierError,
    CarrierNotEnabled,
    CarrierRateLimited,
    CarrierRejected,
    CarrierUnavailable,
    CarrierUnreachable,
    CarrierUnreadable,
)
from ringback.model.text import encodable
from ringback.steps import reached

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2 as httpx

    from ringback.carriers.addresses import Pin

_NUMBER = re.compile(r"\+?\d(?:[\s().\-/]{0,3}\d){6,}")
_DETAIL_LIMIT = 200
_ANSWER_LIMIT = 1_048_576
_CONNECTIONS = 16
_UNAUTHORIZED, _FORBIDDEN, _TOO_MANY, _SERVER_ERROR = 401, 403, 429, 500
_LONGEST_RETRY_AFTER_S = 86_400.0
_CODES = 1_000_000


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for each part of an answer."""

    connect: float = 5.0
    read: float = 20.0

    @property
    def whole(self) -> float:
        """Seconds for one request in all, so that an answer that trickles in does not last for ever."""
        return self.connect + 2 * self.read


class CarrierHttp:
    """JSON over HTTP to one carrier's base URL, with its credentials in the headers."""

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        timeouts: Timeouts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        pin: Pin | None = None,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = dict(headers)
        self._timeouts = timeouts or Timeouts()
        self._transport = transport
        self._pin = pin
        """The addresses that connections may go to, where the base URL alone does not decide that."""
        self._client: httpx.AsyncClient | None = None
        self.clock_offset_s: float | None = None
        """By how much the carrier's clock is ahead of ours, by the `Date` of its last answer."""

    def __repr__(self) -> str:
        return f"CarrierHttp({self._base_url!r})"

    def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx2 as httpx

            limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
            verify = not self._base_url.startswith("http://")  # without TLS the roots need not be loaded: 30 ms
            transport = self._transport
            if transport is None and self._pin is not None:
                from ringback.carriers.pinned import PinnedTransport

                transport = PinnedTransport(self._pin, limits=limits, verify=verify)
            self._client = httpx.AsyncClient(
                base_url=self._base_url,
                headers=self._headers,
                transport=transport,
                timeout=httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect),
                limits=limits,
                follow_redirects=False,
                verify=verify,
                trust_env=not self._base_url.startswith(("http://127.", "http://localhost", "http://[::1]")),
            )
        return self._client

    async def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """GET a JSON document."""
        return await self._request("GET", path, params=params)

    async def post(self, path: str, body: Mapping[str, object]) -> Any:
        """POST a JSON document, once. Never repeated here: dispatch alone decides that."""
        return await self._request("POST", path, json=body)

    async def post_raw(self, path: str, body: object) -> bytes:
        """POST a JSON document, once, to a service whose answer has no agreed form; the content of a 2xx answer."""
        response, answer = await self._exchange("POST", path, json=body)
        return _content(response, answer)

    async def post_form(self, path: str, fields: Mapping[str, str | list[str]]) -> Any:
        """POST a form, once; a list is a field that comes several times."""
        return await self._request("POST", path, data=fields)

    async def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """PATCH with a JSON document."""
        return await self._request("PATCH", path, json=body)

    async def patch_raw(self, path: str, body: Mapping[str, object]) -> bytes:
        """PATCH with a JSON document, to a service whose answer has no agreed form; the content of a 2xx answer."""
        response, answer = await self._exchange("PATCH", path, json=body)
        return _content(response, answer)

    async def delete(self, path: str, body: Mapping[str, object]) -> Any:
        """DELETE with a JSON document."""
        return await self._request("DELETE", path, json=body)

    async def _request(self, method: str, path: str, **content: Any) -> Any:
        return _read(*await self._exchange(method, path, **content))

    async def _exchange(self, method: str, path: str, **content: Any) -> tuple[httpx.Response, bytes | None]:
        import httpx2 as httpx

        reached(f"http.{method.lower()}.begin")
        try:
            async with (
                asyncio.timeout(self._timeouts.whole),
                self._open().stream(method, path, **content) as response,
            ):
                reached(f"http.{method.lower()}.headers")
                answer = await _body(response)
                reached(f"http.{method.lower()}.body")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol):
            raise CarrierUnreachable(
                "The carrier could not be reached.", hint="Check the network and the carrier's address, then try again."
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise CarrierUnavailable("The carrier did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL):
            raise CarrierUnavailable("The connection to the carrier broke before it answered.") from None
        self.clock_offset_s = _clock_offset(response)
        return response, answer

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


async def _body(response: httpx.Response) -> bytes | None:
    """The answer's content, read no further than is sensible; `None` where it is larger."""
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > _ANSWER_LIMIT:
            return None
    return bytes(content)


def _read(response: httpx.Response, answer: bytes | None) -> Any:
    """The JSON of a 2xx answer, or the error that the status stands for."""
    try:
        return json.loads(_content(response, answer))
    except (ValueError, RecursionError):
        raise CarrierUnreadable("The carrier answered with something that is not JSON.") from None


def _content(response: httpx.Response, answer: bytes | None) -> bytes:
    """The content of a 2xx answer, or the error that the status stands for."""
    if not response.is_success:
        error = _error(response, _detail(answer))
        error.service_code = _code(answer)
        raise error
    if answer is None:
        raise CarrierUnreadable("The carrier's answer is too large.")
    return answer


def _error(response: httpx.Response, detail: str) -> CarrierError:
    status = response.status_code
    if status == _UNAUTHORIZED:
        return CarrierAuthenticationFailed(
            "The carrier does not accept the credentials (HTTP 401).", hint="Check the carrier's key.", detail=detail
        )
    if status == _FORBIDDEN:
        return CarrierNotEnabled(
            "The carrier says that this is not enabled for the agent (HTTP 403).",
            hint="Turn telephony on at the carrier.",
            detail=detail,
        )
    if status == _TOO_MANY:
        return CarrierRateLimited(
            "The carrier asks to slow down (HTTP 429).",
            hint="Wait before sending more.",
            detail=detail,
            retry_after=_retry_after(response),
        )
    if status >= _SERVER_ERROR:
        return CarrierUnavailable(f"The carrier failed (HTTP {status}).", detail=detail)
    if response.is_client_error:
        return CarrierRejected(f"The carrier rejected the request (HTTP {status}).", detail=detail)
    return CarrierUnreadable(f"The carrier answered with an unexpected HTTP {status}.", detail=detail)


def _clock_offset(response: httpx.Response) -> float | None:
    """Seconds between the answer's `Date` header (RFC 9110, 6.6.1) and this machine's clock."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(response.headers["date"])
        return (moment - datetime.now(UTC)).total_seconds()
    except (KeyError, ValueError, TypeError):
        return None


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds from a `Retry-After` header: a number, or an HTTP date (RFC 9110, 10.2.3)."""
    text = response.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER_S)
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_RETRY_AFTER_S)


def _told(answer: bytes | None) -> dict[str, Any]:
    """What an error's body tells, if it is a JSON object."""
    try:
        body = json.loads(answer or b"")
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _detail(answer: bytes | None) -> str:
    body = _told(answer)
    words = body.get("error") or body.get("message") or ""
    if isinstance(words, dict):
        words = words.get("message") or ""
    return carrier_words(words) if isinstance(words, str) else ""


def _code(answer: bytes | None) -> int | None:
    """A number that is too short to tell a telephone's."""
    code = _told(answer).get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) and 0 < code < _CODES else None


def carrier_words(text: str) -> str:
    """A carrier's own words, safe to keep: cut, on one line, numbers masked."""
    line = " ".join(encodable(text[:_ANSWER_LIMIT]).split())
    return _NUMBER.sub(lambda match: f"•••{match.group()[-4:]}", line)[:_DETAIL_LIMIT]
