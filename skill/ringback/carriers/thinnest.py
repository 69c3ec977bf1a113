"""thinnest.ai's settings of a voice agent: its tool that texts whoever it is talking to (`voice_tools.sms_mid_call`).

No carrier: nothing is sent by it. The service documents the writing (`PATCH /agents/{id}`). Reading an agent back is
not documented: it is tried, and done without where the service does not offer it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ringback.carriers.checks import is_header_value, is_safe_url
from ringback.carriers.http import CarrierHttp, Timeouts
from ringback.errors import CarrierNotEnabled, CarrierRejected, CarrierUnreadable, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2 as httpx

    from ringback.settings import Settings

_AGENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_HINT: Final = "Set THINNESTAI_API_KEY and THINNESTAI_AGENT_ID as the service shows them."


class ThinnestAgent:
    """One voice agent at the service."""

    def __init__(self, http: CarrierHttp, agent_id: str) -> None:
        self._http = http
        self._path = f"/agents/{agent_id}"

    async def text_tool(self) -> dict[str, Any] | None:
        """The text tool as it is set up now; `None` where the service does not tell.

        Raises:
            CarrierError: the service cannot be reached, or does not take the key.
        """
        try:
            agent = await self._http.get(self._path)
        except (CarrierRejected, CarrierNotEnabled, CarrierUnreadable):
            return None
        tools = agent.get("voice_tools") if isinstance(agent, dict) else None
        tool = tools.get("sms_mid_call", {}) if isinstance(tools, dict) else None
        return tool if isinstance(tool, dict) else None

    async def set_text_tool(self, tool: Mapping[str, object]) -> None:
        """Write the text tool's settings.

        Raises:
            CarrierError: the service did not take them, or it is not known whether it did.
        """
        # What stands in the answer is not documented: 2xx is all that counts.
        await self._http.patch_raw(self._path, {"voice_tools": {"sms_mid_call": dict(tool)}})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()


def build_agent(settings: Settings, *, transport: httpx.AsyncBaseTransport | None = None) -> ThinnestAgent:
    """The agent that the settings name.

    Raises:
        ConfigurationError: a setting is missing, or cannot be used.
    """
    key = settings.thinnestai_api_key.get_secret_value() if settings.thinnestai_api_key else ""
    agent_id = settings.thinnestai_agent_id or ""
    if not key or not agent_id:
        raise ConfigurationError("thinnest.ai is not set up: key or agent is missing.", hint=_HINT)
    if not is_header_value(key) or not _AGENT.fullmatch(agent_id):
        raise ConfigurationError("THINNESTAI_API_KEY or THINNESTAI_AGENT_ID cannot be used.", hint=_HINT)
    if not is_safe_url(settings.thinnestai_api_url):
        raise ConfigurationError(
            "THINNESTAI_API_URL is no https:// address.", hint="Leave it out to use the service's own."
        )
    http = CarrierHttp(
        settings.thinnestai_api_url,
        {"Authorization": f"Bearer {key}"},
        timeouts=Timeouts(settings.connect_timeout_s, settings.read_timeout_s),
        transport=transport,
    )
    return ThinnestAgent(http, agent_id)
