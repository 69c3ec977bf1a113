"""Connections to addresses that were judged before, with the name's own certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2 as httpx

if TYPE_CHECKING:
    from ringback.carriers.addresses import Pin


class PinnedTransport(httpx.AsyncBaseTransport):
    """Sends each request to a pinned address. Host header, SNI and certificate stay those of the URL's name.

    Another address is tried only where no connection came about, so no request goes out twice. No proxy is used: it
    would look the name up itself.
    """

    def __init__(self, pin: Pin, *, limits: httpx.Limits, verify: bool) -> None:
        self._pin = pin
        self._wire = httpx.AsyncHTTPTransport(verify=verify, limits=limits)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the first address that takes a connection."""
        failure: httpx.TransportError | None = None
        for address in await self._pin.addresses():
            try:
                return await self._wire.handle_async_request(_directed(request, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        self._pin.forget()
        raise failure or httpx.ConnectError("no address")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._wire.aclose()


def _directed(request: httpx.Request, address: str) -> httpx.Request:
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )
