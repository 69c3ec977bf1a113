from __future__ import annotations

import ast
import json
import re
import textwrap
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import ringback_prompts
from ringback.adapters.specs import SPECS

if TYPE_CHECKING:
    from tests.conftest import Sandbox

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def _named_tools(text: str) -> list[str]:
    """The first cells of the table that begins with `check-telephony`, in order."""
    return re.findall(
        r"^\| `([a-z-]+)` \|", text[text.index("| `check-telephony`") :].partition("\n\n")[0], re.MULTILINE
    )


@pytest.fixture
def against(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox in ThinkFleetBot's place, with a data folder of the test's own."""
    monkeypatch.setenv("RINGBACK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SAAS_API_URL", sandbox.url)
    monkeypatch.setenv("SAAS_API_KEY", sandbox.api_key)
    for name in ("RINGBACK_CARRIER", "RINGBACK_KEY", "RINGBACK_KEY_FILE", "RINGBACK_APPROVAL"):
        monkeypatch.delenv(name, raising=False)
    return sandbox


def test_readme_and_overview_name_the_seven_tools_in_their_order() -> None:
    names = [spec.name for spec in SPECS]
    assert _named_tools(README) == names
    assert _named_tools(ringback_prompts.read_page("overview")) == names


def test_the_overview_names_arguments_that_the_tools_take() -> None:
    taken = {spec.name: set(spec.parameters()["properties"]) for spec in SPECS}
    rows = re.findall(
        r"^\| `(send-sms|send-mms|voice-call)` \| `[^`]*` \| (.+) \|$",
        ringback_prompts.read_page("overview"),
        re.MULTILINE,
    )
    assert len(rows) == 3
    for name, words in rows:
        told = set(re.findall(r"`([a-z_]+)`", words)) - {"status", "keys"}
        assert told
        assert told <= taken[name], name


async def test_the_readmes_python_runs_as_printed_and_waits_for_a_person(against: Sandbox) -> None:
    first, second = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    item = SimpleNamespace(name="check-telephony", arguments="{}", call_id="call_1")
    block = SimpleNamespace(name="status", input={"id": "ob_nothing"}, id="toolu_1")
    names: dict[str, Any] = {"item": item, "block": block}
    lines = second.replace("answer =", "openai =", 1).replace("answer =", "anthropic =", 1)
    code = first + textwrap.indent(lines, "    ")
    await eval(compile(code, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)

    assert names["receipt"]["status"] == "awaiting_approval"
    assert [tool["parameters"] for tool in names["for_openai"]] == [
        tool["input_schema"] for tool in names["for_anthropic"]
    ]
    assert all(tool["type"] == "function" and tool["description"] for tool in names["for_openai"])
    assert json.loads(names["openai"]["output"])["enabled"] is True
    assert names["anthropic"]["is_error"] is True
    assert json.loads(names["anthropic"]["content"])["error"]["code"] == "not_found"
    assert against.messages() == []
