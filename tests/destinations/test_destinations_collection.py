"""None of the forbidden kinds reaches a carrier: the collection goes through the public seam of a live installation."""

from __future__ import annotations

import re
import time
import unicodedata
from collections import Counter
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import opened
from tests.destinations.by_hand import by_hand, recognised_emergencies
from tests.destinations.by_metadata import by_metadata
from tests.destinations.by_writing import by_writing
from tests.destinations.entries import PASSES, UNREADABLE, Entry

from ringback.errors import InvalidNumber, Refused
from ringback.ledger.consents import Grant
from ringback.ledger.records import Level
from ringback.model.numbers import E164_HINT, parse_number
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.opening import Ringback

PLAINLY_MEANT = {"+442079460958", "+4915112345678", "+14155552671"}
"""What a trunk prefix was taken out of, or a parameter cut off."""
SHARE = {Channel.SMS: 1, Channel.VOICE: 5}
"""Every text is tried, and each fifth as a call: the way is the same but for its last step."""
TEXT = "See you at three."
KINDS_AT_LEAST, ENTRIES_AT_LEAST = 40, 2500
LONG = 1_000_000
LONG_S = 0.1
"""A megabyte is answered in less: it takes some milliseconds here, and reading it whole would take seconds."""


@cache
def collection() -> dict[str, Entry]:
    """Every distinct text once. One that two sources give keeps what the first says."""
    found: dict[str, Entry] = {}
    for source in (by_hand(), by_writing(), by_metadata()):
        for entry in source:
            found.setdefault(entry.text, entry)
    return found


class Outcome(NamedTuple):
    entry: Entry
    answer: str
    told: str
    reached: list[str]


async def allow_beforehand(ringback: Ringback, text: str, channel: Channel) -> None:
    """Allow the recipient as a careless person would, past the check that such an allowance gets."""
    grant = Grant(channel, "sandbox", 3600, 5, max_chars=1200)
    await ringback.telephone._ledger.consents.allow(parse_number(text), grant, level=Level.A2, via="terminal")


async def attempt(ringback: Ringback, carrier: FakeCarrier, entry: Entry, channel: Channel) -> Outcome:
    """Want it sent with everything agreed to beforehand; what was answered, and whom the carrier was handed."""
    carrier.sent.clear()
    answer, told = PASSES, ""
    with suppress(InvalidNumber):
        await allow_beforehand(ringback, entry.text, channel)
    try:
        if channel is Channel.VOICE:
            await ringback.telephone.call(entry.text, TEXT)
        else:
            await ringback.telephone.send_sms(entry.text, TEXT)
    except (InvalidNumber, Refused) as error:
        answer, told = error.reason, " ".join((error.message, error.hint, str(error), repr(error)))
    return Outcome(entry, answer, told, [sent.to.e164 for sent in carrier.sent])


@pytest.fixture(scope="module")
def outcomes() -> dict[Channel, list[Outcome]]:
    """What came of the collection, by channel; filled by the first test that asks."""
    return {}


async def played(home: Path, outcomes: dict[Channel, list[Outcome]], channel: Channel) -> list[Outcome]:
    if channel not in outcomes:
        carrier = FakeCarrier(live=True)
        async with opened(home, carrier) as ringback:
            entries = list(collection().values())[:: SHARE[channel]]
            outcomes[channel] = [await attempt(ringback, carrier, entry, channel) for entry in entries]
    return outcomes[channel]


CHANNELS = pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])


@CHANNELS
async def test_no_forbidden_number_reaches_a_carrier_though_everything_was_agreed_to(
    home: Path, outcomes: dict[Channel, list[Outcome]], channel: Channel
) -> None:
    reached = [made for made in await played(home, outcomes, channel) if made.entry.is_forbidden and made.reached]
    assert reached == []


@CHANNELS
async def test_every_ordinary_number_reaches_the_carrier_once_and_unchanged(
    home: Path, outcomes: dict[Channel, list[Outcome]], channel: Channel
) -> None:
    ordinary = [made for made in await played(home, outcomes, channel) if not made.entry.is_forbidden]
    assert len(ordinary) > 700 / SHARE[channel]
    assert [made for made in ordinary if made.reached != [made.entry.text]] == []


@CHANNELS
async def test_every_entry_is_answered_as_its_kind_must_be(
    home: Path, outcomes: dict[Channel, list[Outcome]], channel: Channel
) -> None:
    wrong = [made for made in await played(home, outcomes, channel) if not made.entry.is_met_by(made.answer)]
    assert [(made.entry, made.answer) for made in wrong] == []


@CHANNELS
async def test_no_answer_repeats_the_number(
    home: Path, outcomes: dict[Channel, list[Outcome]], channel: Channel
) -> None:
    for made in await played(home, outcomes, channel):
        told = re.sub(r"\D", "", made.told.replace(E164_HINT, ""))
        digits = "".join(str(unicodedata.decimal(char, "")) for char in made.entry.text)
        assert not any(digits[at : at + 4] in told for at in range(len(digits) - 3)), made.entry


def test_the_collection_is_large_and_of_many_kinds() -> None:
    kinds = Counter(entry.kind for entry in collection().values())
    assert len(kinds) >= KINDS_AT_LEAST
    assert kinds.total() >= ENTRIES_AT_LEAST
    forbidden = sum(entry.is_forbidden for entry in collection().values())
    assert forbidden >= ENTRIES_AT_LEAST * 0.6


@pytest.mark.parametrize("text", [ascii(text) for text in dict.fromkeys(recognised_emergencies())])
def test_an_emergency_number_is_called_one_in_every_dress(text: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(_unescaped(text))
    assert (caught.value.problem, caught.value.suggestion) == ("emergency", None)


def _unescaped(text: str) -> str:
    import ast

    return str(ast.literal_eval(text))


@pytest.mark.parametrize("text", [entry.text for entry in (*by_hand(), *by_writing()) if entry.expected == UNREADABLE])
def test_a_suggestion_is_the_number_that_was_written_and_nothing_put_together_from_more(text: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text)
    suggestion = caught.value.suggestion
    if suggestion is not None:
        written = "".join(str(unicodedata.decimal(char, "")) for char in text.partition("?")[0])
        assert parse_number(suggestion).e164 == suggestion
        assert written.endswith(suggestion[1:]) or suggestion in PLAINLY_MEANT


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("sms:+14155552671?body=9", "+14155552671"),
        ("tel:+4930123456;isub=12", "+4930123456"),
        ("+4930123456,,12", None),  # Berlin numbers may be two digits longer
        ("+4930123456*12", None),
    ],
)
def test_what_is_dialled_after_a_number_never_becomes_a_part_of_it(text: str, suggestion: str | None) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(text)
    assert caught.value.suggestion == suggestion


@pytest.mark.parametrize(
    ("digits", "line"), [("15", "+33172345678"), ("117", "+41446681800"), ("190", "+551123456789")]
)
def test_the_emergency_numbers_of_the_lines_own_country_are_known(digits: str, line: str) -> None:
    with pytest.raises(InvalidNumber) as caught:
        parse_number(digits, home=parse_number(line))
    assert caught.value.problem == "emergency"


@pytest.mark.parametrize(
    "text",
    [
        "9" * LONG,
        "+" * LONG,
        "+1" + "4" * LONG,
        " " * LONG + "911",
        "911" + " " * LONG,
        "+14155552671," * (LONG // 13),
        "\u0661" * LONG,
        "x" * LONG,
        "tel:" * (LONG // 4),
        "%39" * (LONG // 3),
        "*#" * (LONG // 2),
        "\ud800" * LONG,
        "\u200b" * LONG,
        "; ext" * (LONG // 5),
    ],
    ids=range(14),
)
def test_a_megabyte_is_answered_at_once(text: str) -> None:
    began = time.process_time()
    with pytest.raises(InvalidNumber):
        parse_number(text)
    assert time.process_time() - began < LONG_S
