"""The MCP Inspector's command line, in both eras: another client than the SDK's own, and one that cannot ask."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.tools import support
from tests.tools.support import LIMIT_S, NAMES, SERVE, TO

if TYPE_CHECKING:
    from tests.tools.support import House

carrier = support.carrier
house = support.house

pytestmark = pytest.mark.node

ROOT = Path(__file__).parents[2]
INSPECTOR = ROOT / ".ci/node/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"


@pytest.fixture(scope="module")
def inspector() -> list[str]:
    """The command. Where it is not installed the test is skipped, or fails where the environment has CI set."""
    node = shutil.which("node")
    if node is not None and INSPECTOR.exists():
        return [node, str(INSPECTOR), "--cli"]
    reason = "needs Node.js and: npm ci --prefix .ci/node --ignore-scripts"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def inspect(inspector: list[str], house: House, era: str, *arguments: str) -> Any:
    settings = [part for name, value in house.env.items() for part in ("-e", f"{name}={value}")]
    command = [*inspector, "--protocol-era", era, *arguments, *settings, "--", *SERVE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * LIMIT_S, check=False, cwd=house.home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_inspector_lists_the_tools_and_finds_nothing_to_complain_of(
    house: House, inspector: list[str], era: str
) -> None:
    listed = inspect(inspector, house, era, "--strict", "--method", "tools/list")
    assert tuple(tool["name"] for tool in listed["tools"]) == NAMES


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_inspector_calls_a_tool_and_gets_a_waiting_id_and_no_send(
    house: House, inspector: list[str], era: str
) -> None:
    wish = ("--tool-name", "send-sms", "--tool-arg", f"to={TO}", "--tool-arg", "body=shall I?")
    told = inspect(inspector, house, era, "--method", "tools/call", *wish)
    assert told["structuredContent"]["status"] == "awaiting_approval"
    assert told["structuredContent"]["id"].startswith("ob_")
    assert house.posts() == []
