"""The MCP tools. Adding one is a file here, a line below, and its description in `ringback.adapters.specs`."""

from typing import Final

from ringback_server.tools import cancel, check_telephony, history, send_mms, send_sms, status, voice_call
from ringback_server.tools.base import McpTool

TOOLS: Final[tuple[McpTool, ...]] = (
    check_telephony.TOOL,
    send_sms.TOOL,
    send_mms.TOOL,
    voice_call.TOOL,
    status.TOOL,
    history.TOOL,
    cancel.TOOL,
)
