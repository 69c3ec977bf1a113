"""What the prose tells people and bots to type must exist in the command, and the README must leave nothing out."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RINGBACK = Path(sys.executable).parent / "ringback"
PROSE = [
    *(ROOT / name for name in ("README.md", "SKILL.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "prompts").rglob("*.md")),
]
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
TYPED = re.compile(r"(?:\S*/)?ringback +(.+)")


def _typed(text: str) -> set[str]:
    """The command lines in shell blocks and in inline code, without comments."""
    lines = {line for block in SHELL.findall(text) for line in block.splitlines()}
    lines |= set(INLINE.findall(FENCE.sub("", text)))
    return {found[1].partition(" #")[0].strip() for line in lines if (found := TYPED.fullmatch(line))}


@cache
def _help(*command: str) -> str:
    done = subprocess.run([RINGBACK, *command, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def _commands() -> set[str]:
    listed = _help().partition("Commands:\n")[2]
    return set(re.findall(r"^  ([a-z-]+)", listed, re.MULTILINE))


def _lines() -> list[str]:
    return sorted(set().union(*(_typed(path.read_text(encoding="utf-8")) for path in PROSE)))


@pytest.mark.parametrize("line", _lines())
def test_what_the_prose_types_exists(line: str) -> None:
    # A quoted text may hold anything; what looks like an option in it is none.
    command, *words = re.sub(r'"[^"]*"', "TEXT", line).split()
    assert command in _commands()
    for option in (word for word in words if word.startswith("-") and word != "-"):
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", _help(command)), option


def test_the_readme_shows_every_command_and_no_other() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## The command\n")[1].split("\n## ")[0]
    assert {line.split()[0] for line in _typed(section)} == _commands()


def test_the_skill_uses_every_command_that_a_bot_may_type() -> None:
    told = {line.split()[0] for line in _typed((ROOT / "SKILL.md").read_text(encoding="utf-8"))}
    assert told >= {"check", "sms", "mms", "call", "status", "history", "cancel", "doctor"}
