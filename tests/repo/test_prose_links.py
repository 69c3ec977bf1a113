import ast
import json
import re
from pathlib import Path

import pytest

from ringback.guards import Facts, Refuse
from ringback.guards.destination import destination
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Outbound

ROOT = Path(__file__).resolve().parents[2]
PROSE = [
    *(ROOT / name for name in ("README.md", "SKILL.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "prompts").rglob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Numbers that are nobody's: 555-01xx of every area code is reserved for fiction, and there is no area code 555.
FICTION = re.compile(r"\+1(\d{3}55501\d{2}|5550100\d{3})")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _is_forbidden(number: str) -> bool:
    outbound = Outbound(Channel.SMS, parse_number(number), "any", "Hello")
    return isinstance(destination(Facts(outbound=outbound, line=None, consented=True)), Refuse)


def _blocks(language: str) -> list[tuple[str, str]]:
    return [
        (_name(path), code)
        for path in PROSE
        for found, code in FENCE.findall(path.read_text(encoding="utf-8"))
        if found == language
    ]


@pytest.mark.parametrize("path", PROSE, ids=_name)
def test_every_link_within_the_project_leads_somewhere(path: Path) -> None:
    links = LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    for link in links:
        target, _, anchor = link.partition("#")
        if target.startswith(("https://", "http://")):
            continue
        goal = (path.parent / target).resolve() if target else path
        assert goal.is_relative_to(ROOT), link
        assert goal.exists(), link
        if anchor:
            assert anchor in _anchors(goal), link


def test_the_guidance_pages_stand_alone() -> None:
    for path in (ROOT / "prompts").rglob("*.md"):
        assert not LINK.findall(path.read_text(encoding="utf-8")), _name(path)


@pytest.mark.parametrize("path", PROSE, ids=_name)
def test_every_whole_number_shown_is_fictional_or_one_that_is_never_reached(path: Path) -> None:
    shown = re.findall(r"\+[0-9]{8,15}\b", path.read_text(encoding="utf-8"))
    assert [number for number in shown if not (FICTION.fullmatch(number) or _is_forbidden(number))] == []


@pytest.mark.parametrize(("where", "code"), _blocks("json"))
def test_every_json_example_can_be_read(where: str, code: str) -> None:
    assert json.loads(code), where


@pytest.mark.parametrize(("where", "code"), _blocks("python"))
def test_every_python_example_compiles(where: str, code: str) -> None:
    compile(code, where, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_the_client_entries_all_start_the_same_command() -> None:
    entries = [json.loads(code) for where, code in _blocks("json") if where == "README.md"]
    servers = [entry.get("mcpServers") or entry.get("servers") for entry in entries]
    assert len(servers) == 3
    for server in servers:
        assert server["ringback"]["command"].endswith("/.venv/bin/ringback")
        assert server["ringback"]["args"] == ["mcp"]


def test_each_decision_record_is_numbered_dated_and_has_its_three_parts() -> None:
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {record.name[:4]}: "), record.name
        assert re.search(r"^\d{4}-\d{2}-\d{2} · accepted$", text, re.MULTILINE), record.name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], record.name
