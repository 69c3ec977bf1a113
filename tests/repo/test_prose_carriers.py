import re
from pathlib import Path

from ringback.carriers.registry import CARRIERS
from ringback.carriers.thinkfleetbot import STATUSES
from ringback.carriers.thoughtly_calls import STATUSES as THOUGHTLY_STATUSES
from ringback_sandbox.faults import MAGIC_NUMBERS

PAGES = Path(__file__).resolve().parents[2] / "docs" / "carriers"


def _section(page: str, heading: str) -> str:
    text = (PAGES / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_carrier_in_the_registry_has_its_page_and_every_page_its_carrier() -> None:
    set_up_only = {"thinnest"}  # moves nothing
    assert {path.stem for path in PAGES.glob("*.md")} == set(CARRIERS) | set_up_only


def test_the_page_tells_thinkfleetbots_words_as_they_are_mapped() -> None:
    rows = re.findall(r"^\| (`.+`) \| `(\w+)` \|$", _section("thinkfleetbot.md", "Statuses"), re.MULTILINE)
    told = {word.replace("-", "_"): state for words, state in rows for word in re.findall(r"`([\w-]+)`", words)}
    assert told == {word: status.value for word, status in STATUSES.items()}


def test_the_page_tells_thoughtlys_words_as_they_are_mapped() -> None:
    rows = re.findall(r"^\| (`.+`) \| `(\w+)` \|$", _section("thoughtly.md", "Statuses"), re.MULTILINE)
    told = {word.replace("-", "_"): state for words, state in rows for word in re.findall(r"`([\w-]+)`", words)}
    assert told == {word: status.value for word, status in THOUGHTLY_STATUSES.items()}


def test_the_page_tells_every_magic_number_in_the_sandboxs_own_words() -> None:
    rows = re.findall(r"^\| `(\+\d+)` \| (.+) \|$", _section("sandbox.md", "Magic numbers"), re.MULTILINE)
    assert rows == [(magic.number, magic.does) for magic in MAGIC_NUMBERS.values()]
