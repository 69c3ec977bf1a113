"""What the list of tools costs a model in every conversation, in tokens of o200k."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TOKENS = ROOT / "bench/tokens.mjs"
LARGEST, LARGEST_WITHOUT_OUTPUT = 2_500, 1_500

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def node() -> str:
    """Node.js with the packages of .ci/node. Without them a test is skipped, or fails where CI is set."""
    node = shutil.which("node")
    if node and (ROOT / ".ci/node/node_modules/gpt-tokenizer").is_dir():
        return node
    reason = "no Node.js, or not its packages: npm ci --prefix .ci/node --ignore-scripts"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The answer to `tools/list` as it leaves the server. The carrier is one that nobody can reach."""
    env = os.environ | {
        "RINGBACK_HOME": str(tmp_path_factory.mktemp("home")),
        "RINGBACK_CARRIER": "thinkfleetbot",
        "SAAS_API_URL": "https://127.0.0.1:9",
        "SAAS_API_KEY": "nobody-asks-for-it",
    }
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tokens", "version": "1"}}
    messages: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": client},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ]
    given = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)
    command = [sys.executable, "-m", "ringback_server", "mcp"]
    served = subprocess.run(command, input=given, env=env, capture_output=True, text=True, check=True)
    answers = [json.loads(line) for line in served.stdout.splitlines()]
    return next(answer["result"] for answer in answers if answer.get("id") == 2)


def count(node: str, value: Any) -> int:
    counted = subprocess.run([node, str(TOKENS)], input=json.dumps(value), capture_output=True, text=True, check=False)
    assert counted.returncode == 0, counted.stderr
    return int(counted.stdout)


def test_the_counter_counts(node: str) -> None:
    assert count(node, "hello world") == 4
    assert count(node, ["hello world"] * 100) > 200


def test_the_list_of_tools_is_small(node: str, listed: dict[str, Any]) -> None:
    assert len(listed["tools"]) == 7
    assert count(node, listed) <= LARGEST


def test_the_list_of_tools_without_output_schemas_is_smaller(node: str, listed: dict[str, Any]) -> None:
    tools = [{key: value for key, value in tool.items() if key != "outputSchema"} for tool in listed["tools"]]
    assert count(node, {"tools": tools}) <= LARGEST_WITHOUT_OUTPUT
    assert count(node, listed) > count(node, {"tools": tools})
