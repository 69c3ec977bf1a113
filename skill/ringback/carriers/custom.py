"""Any HTTPS endpoint that takes a text as JSON: its URL, its headers and the form of its body are an operator's.

Nothing else is known of the service. A 2xx answer means that it took the text, and never more.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.checks import is_usable_id
from ringback.carriers.custom_settings import Endpoint, read_endpoint
from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.carriers.undocumented import NoHistory, NoInbox, configured_line
from ringback.errors import CarrierRejected, CarrierUnreadable
from ringback.model.outbound import Acceptance, Channel, Line, Outbound
from ringback.model.status import Status

if TYPE_CHECKING:
    import httpx2 as httpx

    from ringback.settings import Settings

_ID_NAMES: Final = ("id", "message_id", "sid")
_PAGES: Final = (b"<!doctype html", b"<html")


class CustomEndpoint(NoHistory, NoInbox):
    """The carrier that an operator describes."""

    name = "custom"
    live = True
    channels = frozenset({Channel.SMS})

    def __init__(self, http: CarrierHttp, endpoint: Endpoint) -> None:
        self._http = http
        self._endpoint = endpoint

    async def line(self) -> Line:
        """Enabled because it is configured and its name leads where it may; nothing is asked of the endpoint."""
        await self._endpoint.pin.addresses()
        return configured_line(self, clock_offset_s=self._http.clock_offset_s)

    async def transmit(self, outbound: Outbound) -> Acceptance:
        """POST the body to the URL."""
        if outbound.channel is not Channel.SMS:
            raise CarrierRejected("A custom endpoint moves texts alone.", hint="Set up another carrier for it.")
        to = outbound.to.e164
        body = self._endpoint.body.filled(to=to, message=outbound.text)
        answer = await self._http.post_raw(self._endpoint.path, body)
        if answer[:64].lstrip().lower().startswith(_PAGES):
            # A web page takes no texts: the URL is probably wrong, but that cannot be known.
            raise CarrierUnreadable("The endpoint answered with a web page.", hint="Check RINGBACK_CUSTOM_URL.")
        return Acceptance(_id(answer, to), Status.ACCEPTED)

    async def aclose(self) -> None:
        """Close connections."""
        await self._http.aclose()


def build(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> CustomEndpoint:
    """The carrier from `RINGBACK_CUSTOM_URL` and the settings beside it.

    Raises:
        ConfigurationError: one of them is missing, cannot be read, or is not safe to use.
    """
    endpoint = read_endpoint(settings)
    timeouts = Timeouts(settings.connect_timeout_s, settings.read_timeout_s)
    http = CarrierHttp(endpoint.origin, endpoint.headers, timeouts=timeouts, transport=transport, pin=endpoint.pin)
    return CustomEndpoint(http, endpoint)


def _id(answer: bytes, to: str) -> str | None:
    """The endpoint's id for the text, where its answer has one that can be kept."""
    try:
        found: Any = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    given = next((found[name] for name in _ID_NAMES if found.get(name) is not None), None)
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return given if isinstance(given, str) and is_usable_id(given, to) else None
