"""`check-telephony`: whether the line is enabled, asked of the carrier now."""

from ringback_server.tools.base import McpTool, spec_named
from ringback_server.tools.plain import plainly

TOOL = McpTool(spec_named("check-telephony"), plainly)
