"""`send-mms`: text a person a picture, after a person said yes."""

from ringback_server.tools.base import McpTool, spec_named
from ringback_server.tools.sending import with_consent

TOOL = McpTool(spec_named("send-mms"), with_consent)
