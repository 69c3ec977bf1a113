"""A sample of the collection through the MCP tool, with a person who agrees to whatever is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.destinations.test_destinations_collection import collection
from tests.tools.support import Reader, arguments_of, carrier, house, text_of

if TYPE_CHECKING:
    from tests.destinations.entries import Entry
    from tests.tools.support import House

__all__ = ["carrier", "house"]

ONLY_LIVE = "destination_not_valid"
"""What is in no plan may be sent to the sandbox, which stands behind the tool here."""


def sample() -> dict[str, Entry]:
    """The first entry of each forbidden kind that JSON can carry."""
    found: dict[str, Entry] = {}
    for entry in collection().values():
        if entry.is_forbidden and entry.expected != ONLY_LIVE and entry.kind not in {"in no plan", "surrogate"}:
            found.setdefault(entry.kind, entry)
    return found


async def test_one_of_each_forbidden_kind_is_refused_by_the_tool_and_nobody_is_asked(house: House) -> None:
    person, entries = Reader(), sample()
    assert len(entries) >= 40
    async with house.client(answer=person) as client:
        for entry in entries.values():
            result = await client.call_tool("send-sms", arguments_of("send-sms", "See you at three.", entry.text))
            assert result.is_error, entry
            assert entry.is_met_by(text_of(result).partition("]")[0].removeprefix("[")), (entry, text_of(result))
    assert person.shown == []
    assert house.posts() == []
