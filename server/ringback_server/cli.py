"""The `ringback` command. `ringback mcp` is on its own fast path: nothing that it does not need is imported."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run what the process's arguments ask for, and end the process with its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["mcp"]:
        sys.exit(serve_mcp())
    from ringback_server.commands.running import run

    sys.exit(run(arguments))


def serve_mcp() -> int:
    """Serve MCP on standard input and output until the client leaves; returns the exit code."""
    from ringback_server import logs

    logs.configure()
    try:
        from ringback_server.app import serve_mcp as serve

        return serve()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"mcp", "mcp_types"}:
            raise
        print("ringback: the MCP server is not installed; run: pip install 'ringback[mcp]'", file=sys.stderr)
        from ringback_server.commands.exits import Exit

        return Exit.TROUBLE
