"""What the page tells of Twilio's words and codes is what the adapter does with them."""

import re
from pathlib import Path

from ringback.carriers.twilio_wire import REFUSALS, STATUSES

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "carriers" / "twilio.md").read_text(encoding="utf-8")


def test_the_page_tells_each_of_twilios_words_as_it_is_mapped() -> None:
    section = PAGE.split("\n## Statuses\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+`) \| `(\w+)` \|$", section, re.MULTILINE)
    told = {word: state for words, state in rows for word in re.findall(r"`([\w-]+)`", words)}
    assert told == {word: status.value for word, status in STATUSES.items()}


def test_the_page_tells_each_refusal_in_the_adapters_words() -> None:
    section = PAGE.split("\n## Errors\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d{5}) \| (.+) \|$", section, re.MULTILINE)
    assert {int(code): words for code, words in rows} == {code: words for code, (words, _) in REFUSALS.items()}
