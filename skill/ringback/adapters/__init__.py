"""The seven tools, described once: for MCP, and for agent frameworks that call them in process."""
