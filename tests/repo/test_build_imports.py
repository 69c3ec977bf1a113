"""Every module can be imported first, and the core stands without MCP."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("skill/ringback", "server/ringback_server", "server/ringback_sandbox", "prompts/ringback_prompts")

# Imports each module as the first of ours. Forked from a process that has what we stand on, this takes no time.
EACH_FIRST = """
import json, os, sys, traceback
import click, cryptography.hazmat.primitives.ciphers.aead, httpx2, jinja2, mcp.server.lowlevel, phonenumbers
import pydantic_settings, sse_starlette, stamina, starlette.applications, uvicorn
assert not [name for name in sys.modules if name.startswith("ringback")]
failed = []
for name in json.load(sys.stdin):
    child = os.fork()
    if child == 0:
        try:
            __import__(name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        failed.append(name)
print(json.dumps(failed))
"""

WITHOUT_MCP = """
import sys
sys.modules["mcp"] = sys.modules["mcp_types"] = None  # what the import system takes for: there is none
"""


def modules() -> list[str]:
    found = []
    for folder in FOLDERS:
        base = ROOT / folder
        for path in sorted(base.rglob("*.py")):
            parts = (base.name, *path.relative_to(base).with_suffix("").parts)
            found.append(".".join(parts).removesuffix(".__init__"))
    return found


def run(code: str, *arguments: str, given: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=given,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_can_be_the_first_one_that_is_imported() -> None:
    names = modules()
    assert len(names) > 50
    done = run(EACH_FIRST, given=json.dumps(names))
    assert json.loads(done.stdout) == [], done.stderr


def test_importing_ringback_imports_none_of_its_parts() -> None:
    done = run("import sys, ringback; print(sorted(name for name in sys.modules if name.startswith('ringback.')))")
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize("package", ["ringback", "ringback_prompts", "ringback_sandbox"])
def test_everything_below_the_server_works_without_mcp(package: str) -> None:
    names = [name for name in modules() if name.partition(".")[0] == package and not name.endswith("__main__")]
    done = run(WITHOUT_MCP + f"for name in {names!r}: __import__(name)")
    assert done.returncode == 0, done.stderr


def test_the_telephone_and_its_tools_work_without_mcp(tmp_path: Path) -> None:
    code = """
import asyncio, ringback
async def main():
    async with ringback.open_telephone() as telephone:
        history = next(tool for tool in ringback.tools(telephone) if tool.name == "history")
        print(await history.call())
asyncio.run(main())
"""
    done = run(WITHOUT_MCP + code, RINGBACK_HOME=str(tmp_path), RINGBACK_CARRIER="sandbox")
    assert done.stdout.strip() == "{'items': []}", done.stderr


def test_the_command_works_without_mcp_and_says_what_its_server_lacks() -> None:
    start = WITHOUT_MCP + "from ringback_server.cli import main; main()"
    assert run(start, "--help").returncode == 0
    server = run(start, "mcp")
    assert server.returncode == 7
    assert "pip install 'ringback[mcp]'" in server.stderr
    assert server.stdout == ""


def test_the_demo_says_what_it_lacks_without_mcp() -> None:
    done = run(WITHOUT_MCP + "from ringback_server.demo import main; sys.exit(main([]))")
    assert done.returncode == 7
    assert "pip install 'ringback[mcp]'" in done.stderr
