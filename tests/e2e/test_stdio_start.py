"""How the process starts and ends: what is imported when, what the collector does, in which order things close."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="on Windows the SDK's own transport serves")

LIMIT_S = 20.0
SERVER = """
import asyncio, gc, os, sys
from contextlib import asynccontextmanager
from ringback_server.start import Served, run_stdio

def build():
    print("an import that prints")
    os.write(1, b"and one that goes round Python\\n")
    print("collector while importing:", gc.isenabled())
    from mcp.server.lowlevel import Server

    async def tools(ctx, params):
        print("collector while serving:", gc.isenabled(), gc.get_freeze_count() > 10_000)
        return {"resultType": "complete", "ttlMs": 0, "cacheScope": "private", "tools": []}

    async def warm():
        print("early work begins")
        try:
            await asyncio.Event().wait()
        finally:
            print("early work ends")

    @asynccontextmanager
    async def lifespan(server):
        yield
        print("the server ends")

    return Served(Server("stub", lifespan=lifespan, on_list_tools=tools), warm)

code = run_stdio(build)
print("the process ends")
sys.exit(code)
"""
REQUESTS = [
    {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    },
    {"jsonrpc": "2.0", "method": "notifications/initialized"},
    {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}},
]


LINES = "".join(json.dumps(request) + "\n" for request in REQUESTS)
COMMAND = [sys.executable, "-u", "-c", SERVER]


def serve_all() -> subprocess.CompletedProcess[str]:
    return subprocess.run(COMMAND, input=LINES, capture_output=True, text=True, timeout=LIMIT_S, check=True)


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return set(done.stdout.split())


def test_nothing_heavy_is_loaded_before_the_descriptors_are_claimed() -> None:
    loaded = loaded_by("import ringback_server.cli, ringback_server.app, ringback_server.start")
    heavy = {"anyio", "click", "httpx2", "mcp", "mcp_types", "phonenumbers", "pydantic"}
    assert not loaded & heavy


def test_what_only_a_call_needs_is_not_loaded_before_the_tools_are_listed() -> None:
    loaded = loaded_by(
        "from ringback_server.host import Host\nfrom ringback_server.mcp_app import build_server\nbuild_server(Host())"
    )
    late = {"jinja2", "phonenumbers", "platformdirs", "pydantic_settings", "sqlite3", "stamina"}
    late |= {"ringback.dispatch", "ringback.ledger", "ringback.opening", "ringback.settings", "ringback.telephone"}
    assert "mcp.server.lowlevel" in loaded
    assert not loaded & late


def test_the_collector_rests_while_importing_and_what_was_imported_is_left_out_of_it() -> None:
    errors = serve_all().stderr
    assert "collector while importing: False" in errors
    assert "collector while serving: True True" in errors


def test_what_an_import_prints_never_reaches_the_client() -> None:
    done = serve_all()
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]
    assert "an import that prints\nand one that goes round Python\n" in done.stderr


def test_early_work_ends_before_the_server_and_the_server_before_the_process() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(COMMAND, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        process.stdin.write(LINES)
        process.stdin.flush()
        assert "early work begins\n" in iter(process.stderr.readline, "")
        _, said = process.communicate(timeout=LIMIT_S)
    assert said.splitlines() == ["early work ends", "the server ends", "the process ends"]
