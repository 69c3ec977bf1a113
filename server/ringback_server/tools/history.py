"""`history`: the newest outbounds and received texts, masked."""

from ringback_server.tools.base import McpTool, spec_named
from ringback_server.tools.plain import plainly

TOOL = McpTool(spec_named("history"), plainly)
