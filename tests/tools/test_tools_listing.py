"""What `tools/list` shows: each tool as its snapshot says, and the conventions that hold for all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from tests.tools.support import ERAS, NAMES, SENDING

from ringback import tools as native_tools
from ringback_prompts import PAGES, instructions
from ringback_server import host
from ringback_server import tools as registry
from ringback_server.tools import TOOLS

if TYPE_CHECKING:
    from tests.tools.support import House

SNAPSHOTS = Path(__file__).parent / "snapshots"
RENEW = "the listing has changed; if that is meant, run: python tests/tools/renew_snapshots.py"


async def listed(house: House, mode: str = "auto") -> dict[str, dict[str, Any]]:
    async with house.client(mode) as client:
        tools = (await client.list_tools()).tools
    return {tool.name: tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools}


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_is_shown_exactly_as_its_snapshot_says(house: House, name: str) -> None:
    assert (await listed(house))[name] == json.loads((SNAPSHOTS / f"{name}.json").read_text("utf-8")), RENEW


async def test_both_eras_are_shown_the_same_seven_tools_in_the_same_order(house: House) -> None:
    modern, legacy = [await listed(house, mode) for mode in ERAS]
    assert tuple(modern) == tuple(legacy) == NAMES
    assert modern == legacy


def test_every_tool_has_a_snapshot_and_a_file_of_its_own_and_no_other_has() -> None:
    names = {tool.spec.name for tool in TOOLS}
    assert len(names) == len(TOOLS)
    assert {path.stem for path in SNAPSHOTS.glob("*.json")} == names
    shared = {"__init__", "base", "plain", "sending"}
    files = {path.stem for path in Path(registry.__file__).parent.glob("*.py")} - shared
    assert {name.replace("_", "-") for name in files} == names


@pytest.mark.parametrize("tool", TOOLS, ids=NAMES)
def test_every_tool_has_explicit_hints_both_schemas_and_few_words(tool: Any) -> None:
    shown = tool.describe()
    hints = shown.annotations.model_dump()
    hints.pop("title")
    assert len(hints) == 4
    assert set(map(type, hints.values())) == {bool}
    assert shown.title
    assert 0 < len(shown.description) <= 120
    for schema in (shown.input_schema, shown.output_schema):
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
    assert shown.input_schema["additionalProperties"] is False
    assert shown.output_schema["required"]


@pytest.mark.parametrize("name", NAMES)
async def test_the_hints_say_which_tools_reach_out(house: House, name: str) -> None:
    hints = (await listed(house))[name]["annotations"]
    assert hints["readOnlyHint"] is (name in {"check-telephony", "status", "history"})
    assert hints["destructiveHint"] is (name in {*SENDING, "cancel"})
    assert hints["openWorldHint"] is (name != "cancel")
    assert hints["idempotentHint"] is True


async def test_a_framework_without_mcp_gets_the_same_seven_tools(house: House) -> None:
    shown = await listed(house)
    async with house.opened() as opened:
        native = {tool.name: tool for tool in native_tools(opened.telephone)}
        assert tuple(native) == NAMES
        for name, tool in native.items():
            assert (tool.description, tool.parameters) == (shown[name]["description"], shown[name]["inputSchema"])


async def test_no_tool_offers_an_argument_that_could_stand_for_a_persons_yes(house: House) -> None:
    offered = {name: set(tool["inputSchema"]["properties"]) for name, tool in (await listed(house)).items()}
    assert offered == {
        "check-telephony": set(),
        "send-sms": {"to", "call_id", "body", "template", "variables", "send_at", "idempotency_key", "dry_run"},
        "send-mms": {"to", "body", "media_url", "send_at", "idempotency_key", "dry_run"},
        "voice-call": {"to", "prompt", "send_at", "idempotency_key", "dry_run"},
        "status": {"id", "wait"},
        "history": {"limit", "cursor"},
        "cancel": {"id"},
    }


@pytest.mark.parametrize("mode", ERAS)
async def test_a_client_gets_the_instructions_and_they_are_short(house: House, mode: str) -> None:
    async with house.client(mode) as client:
        assert client.instructions == instructions()
        assert client.server_info is not None
        assert client.server_info.name == "ringback"
    assert len(instructions().split()) <= 170
    assert any(f"ringback://guide/{page.name}" in instructions() for page in PAGES)


async def test_listing_opens_nothing_and_writes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_START_BY_ITSELF_S", 3600.0)
    async with house.client() as client:
        await client.list_tools()
        await client.list_resources()
        await client.list_prompts()
        assert [path.name for path in house.home.iterdir()] == ["sandbox"]
