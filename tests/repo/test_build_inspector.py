"""The MCP Inspector's command line, a client that nobody here wrote, in both eras of the protocol."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
INSPECTOR = ROOT / ".ci/node/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
TOOLS = ["check-telephony", "send-sms", "send-mms", "voice-call", "status", "history", "cancel"]

pytestmark = pytest.mark.node

Inspect = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def node() -> str:
    """Node.js with the packages of .ci/node. Without them a test is skipped, or fails where CI is set."""
    node = shutil.which("node")
    if node and INSPECTOR.is_file():
        return node
    reason = "no Node.js, or not its packages: npm ci --prefix .ci/node --ignore-scripts"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def handset(tmp_path: Path, start_sandbox: Any) -> Any:
    """The sandbox that the server will join."""
    return start_sandbox(state=tmp_path / "home" / "sandbox")


@pytest.fixture(params=["modern", "legacy"])
def inspect(request: pytest.FixtureRequest, node: str, tmp_path: Path) -> Iterator[Inspect]:
    """Runs one method against a fresh server, which the Inspector starts and ends."""
    home = tmp_path / "home"
    settings = [
        f"RINGBACK_HOME={home}",
        "RINGBACK_CARRIER=sandbox",
        "RINGBACK_CONSOLE_PORT=0",
        "RINGBACK_SANDBOX_PORT=0",
    ]
    server = [
        *(part for item in settings for part in ("-e", item)),
        "--",
        sys.executable,
        "-m",
        "ringback_server",
        "mcp",
    ]

    def run(*arguments: str) -> dict[str, Any]:
        command = [node, str(INSPECTOR), "--cli", "--protocol-era", request.param, *arguments, *server]
        done = subprocess.run(
            command, env=os.environ | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    yield run
    console = home / "console" / "endpoint.json"
    if console.exists():  # started for the person, since this client cannot ask them
        # At once: one that is still ending would miss the sandbox, which goes next, and start another.
        os.kill(json.loads(console.read_text())["pid"], signal.SIGKILL)


def test_it_lists_the_seven_tools_and_finds_nothing_wrong_with_their_schemas(handset: Any, inspect: Inspect) -> None:
    assert [tool["name"] for tool in inspect("--strict", "--method", "tools/list")["tools"]] == TOOLS


def test_it_calls_a_tool(handset: Any, inspect: Inspect) -> None:
    result = inspect("--method", "tools/call", "--tool-name", "check-telephony")
    assert result["structuredContent"]["enabled"] is True
    assert result["structuredContent"]["page"] == handset.url


def test_since_it_cannot_ask_the_person_it_gets_a_waiting_id_and_nothing_is_sent(
    handset: Any, inspect: Inspect
) -> None:
    wish = ("--tool-arg", "to=+12025550123", "--tool-arg", "body=Ten minutes late.")
    receipt = inspect("--method", "tools/call", "--tool-name", "send-sms", *wish)["structuredContent"]
    assert receipt["status"] == "awaiting_approval"
    assert receipt["approve_at"].startswith("http://127.0.0.1:")
    assert handset.messages() == []
