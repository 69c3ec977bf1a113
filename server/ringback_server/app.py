"""Builds the faces and runs them: the one module that knows every part of the server."""

from __future__ import annotations


def serve_mcp() -> int:
    """Serve MCP on standard input and output until the client leaves; returns the exit code."""
    from ringback_server.start import Served, run_stdio

    def build() -> Served:
        from ringback_server.host import Host
        from ringback_server.mcp_app import build_server

        host = Host()
        return Served(build_server(host), after_first_list=host.warm)

    return run_stdio(build)
