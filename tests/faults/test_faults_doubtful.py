"""Thirteen ways in which an answer is lost, fifty times on each channel: nothing goes twice, every word is true.

The sandbox is a process of its own behind real sockets, and its own record is the judge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.faults.tries import House, Try, by_content, documented, doubles, house

from ringback.errors import CarrierError
from ringback.model.outbound import Channel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Sandbox

TRIES = 50
LEAST_FOUND = 0.95
REPEATED = 10
SHORT_S = 0.5
LOST = "It may or may not have gone out: the carrier's answer was lost."

# What the carrier does; whether it takes the send; the reason that is told.
FAULTS = {
    "close": (False, "carrier_unavailable"),
    "close-after": (True, "carrier_unavailable"),
    "reset": (False, "carrier_unavailable"),
    "reset-after": (True, "carrier_unavailable"),
    "hang": (False, "carrier_unavailable"),
    "hang-after": (True, "carrier_unavailable"),
    "slow": (True, "carrier_unavailable"),
    "500": (False, "carrier_unavailable"),
    "500-after": (True, "carrier_unavailable"),
    "half-json": (True, "carrier_unreadable"),
    "not-json": (True, "carrier_unreadable"),
    "wrong-type": (True, "carrier_unreadable"),
    "redirect": (False, "carrier_unreadable"),
}
NO_ANSWER_IN_TIME = {"hang", "hang-after", "slow"}


async def strike(place: House, kind: str, channel: Channel) -> list[Try]:
    """Fifty tries, each of them struck by this fault."""
    place.sandbox.post("/sandbox/faults", {"next": TRIES, "kind": kind})
    tried = await place.tries(channel, TRIES)
    assert place.sandbox.get("/sandbox/faults")["next"] == 0, "every try was struck, and none was left to chance"
    return tried


def waits(kind: str) -> dict[str, float]:
    """Only where no answer is to come is the wait for it short: else a busy machine would be a fault of its own."""
    return {"read_timeout_s": SHORT_S} if kind in NO_ANSWER_IN_TIME else {}


@pytest.mark.scale
@pytest.mark.parametrize("channel", list(Channel))
@pytest.mark.parametrize("kind", FAULTS)
async def test_a_lost_answer_is_told_as_doubt_and_resolved_only_by_what_the_carrier_has(
    sandbox: Sandbox, home: Path, kind: str, channel: Channel
) -> None:
    taken, reason = FAULTS[kind]
    async with house(home, sandbox, **waits(kind)) as place:
        tried = await strike(place, kind, channel)
        told = {(each.receipt.status, each.receipt.reason, each.receipt.summary) for each in tried}
        assert told == {("unknown", reason, LOST)}
        assert all("Do not send it again" in each.receipt.next for each in tried)
        assert sorted(place.arrived().values()) == (sorted(by_content(tried)) if taken else [])

        await place.tend_until_nothing_moves(tried)
        arrived = place.arrived()
        found = 0
        for each in tried:
            now = await place.now(each)
            if now.status != "unknown":
                assert arrived[now.carrier_id] == (channel, each.number, each.sent), "it was found, and is no other one"
                assert now.reason == "found_at_carrier"
                found += 1
        assert found >= LEAST_FOUND * TRIES if taken else found == 0
        assert place.asked("GET", "/history") >= TRIES, "each doubt was looked up"

        again = await place.again(tried[:REPEATED])
        assert [(one.id, one.repeated) for one in again] == [(each.receipt.id, True) for each in tried[:REPEATED]]
        assert doubles(place.arrived().values()) == []
        assert (len(place.arrived()), place.asked("POST")) == (TRIES if taken else 0, TRIES)


def test_the_document_calls_exactly_these_reasons_doubt() -> None:
    doubt = documented("The outcome is unknown")
    assert doubt == {reason for _, reason in FAULTS.values()}
    assert not doubt & documented("Nothing was sent")


@pytest.mark.parametrize("kind", ["close-after", "reset-after", "500-after", "half-json"])
async def test_the_record_shows_doubles_where_a_doubtful_send_is_posted_again(
    sandbox: Sandbox, home: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge itself: with a dispatch that repeats what it doubts, it finds what it is there to find."""
    monkeypatch.setattr("ringback.dispatch.CarrierUnreachable", CarrierError)
    monkeypatch.setattr("ringback.dispatch.FIRST_WAIT_S", 0.01)
    async with house(home, sandbox) as place:
        place.sandbox.post("/sandbox/faults", {"next": 2, "kind": kind})
        await place.tries(Channel.SMS, 2, at_once=1)
        assert len(doubles(place.arrived().values())) == 1
        assert place.asked("POST") == 4
