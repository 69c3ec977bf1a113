"""`cancel`: take back what still waits, for a yes or for its time."""

from ringback_server.tools.base import McpTool, spec_named
from ringback_server.tools.plain import plainly

TOOL = McpTool(spec_named("cancel"), plainly)
