"""A hundred processes stopped past their leases and woken again; and the same wish two hundred times at once."""

from __future__ import annotations

import os
from typing import Any

import pytest
from tests.crash.harness import together

from ringback.model.status import NOTHING_SENT

STEPS = {
    "claim.begin": 10,
    "claim.committed": 20,
    "post.begin": 40,
    "http.post.begin": 10,
    "beat.begin": 5,
    "http.post.body": 15,
    "settle.begin": 10,
}
"""Where so many processes are stopped: before the fence, between the fence and the request, and after the request."""
BEFORE_THE_FENCE = {"claim.begin"}
CAN_STILL_SEND = {"post.begin", "http.post.begin"}
HAS_SENT = {"beat.begin", "http.post.body", "settle.begin"}

Pause = dict[str, Any]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and stopped as POSIX does it")


@pytest.fixture(scope="module")
def pauses() -> list[Pause]:
    (told,) = together("pauses", {"steps": STEPS, "broken": None})
    pauses: list[Pause] = told
    return pauses


def at(pauses: list[Pause], steps: set[str]) -> list[Pause]:
    return [pause for pause in pauses if pause["step"] in steps]


def last(pause: Pause, who: str) -> tuple[str, str]:
    """The status and reason that one process was told last."""
    _, status, reason = pause["told"][who][-1]
    return status, reason


def test_a_hundred_processes_that_slept_past_their_leases_double_nothing(pauses: list[Pause]) -> None:
    assert sum(pause["step"] not in BEFORE_THE_FENCE for pause in pauses) >= 100
    assert [pause for pause in pauses if pause["taken"] > 1] == []


def test_while_they_slept_another_process_ended_what_they_held(pauses: list[Pause]) -> None:
    concluded = {last(pause, "other") for pause in at(pauses, CAN_STILL_SEND | {"claim.committed"})}
    assert concluded == {("unknown", "dispatcher_gone")}
    assert {last(pause, "other")[1] for pause in at(pauses, {"http.post.body", "settle.begin"})} == {"found_at_carrier"}
    assert {last(pause, "other")[0] for pause in at(pauses, BEFORE_THE_FENCE)} <= {"queued", "sent", "delivered"}


def test_who_wakes_after_the_lease_and_has_not_begun_to_send_sends_nothing_and_says_so(pauses: list[Pause]) -> None:
    woken = at(pauses, {"claim.committed"})
    assert {last(pause, "stopped")[0] for pause in woken} == {"failed"}
    assert sum(pause["taken"] for pause in woken if pause["keyed"]) == 0


def test_who_is_woken_in_the_midst_of_sending_is_found_and_told(pauses: list[Pause]) -> None:
    for pause in at(pauses, CAN_STILL_SEND | HAS_SENT | BEFORE_THE_FENCE):
        assert pause["taken"] == 1, pause
        assert last(pause, "last")[0] == "delivered", pause


def test_no_process_was_told_what_is_not_so(pauses: list[Pause]) -> None:
    for pause in pauses:
        for outbound_id, status, _ in (told for who in pause["told"].values() for told in who):
            if status in NOTHING_SENT:
                assert pause["taken"] == 0 or not pause["keyed"], (pause, outbound_id)
            if status in {"queued", "sent", "delivered"}:
                assert pause["taken"] == 1, (pause, outbound_id)


def test_a_repeated_wish_is_the_same_outbound_with_a_key_and_without(pauses: list[Pause]) -> None:
    for pause in at(pauses, BEFORE_THE_FENCE | CAN_STILL_SEND | HAS_SENT):
        assert len({told[0] for who in pause["told"].values() for told in who}) == 1, pause


def test_a_doubt_that_is_told_as_failure_doubles_what_its_sleeper_still_sends() -> None:
    (pauses,) = together("pauses", {"steps": {"post.begin": 4}, "broken": "doubt_is_failure"})
    assert {pause["taken"] for pause in pauses if not pause["keyed"]} == {2}


@pytest.fixture(scope="module")
def crowds() -> dict[tuple[bool, bool], Any]:
    """What four processes were told that each sent the same fifty times at once: with or without a key, by consent."""
    kinds = [(keyed, allowed) for keyed in (True, False) for allowed in (True, False)]
    tasks = [{"processes": 4, "times": 50, "keyed": keyed, "allowed": allowed} for keyed, allowed in kinds]
    return dict(zip(kinds, together("crowd", *tasks), strict=True))


@pytest.mark.parametrize("allowed", [True, False], ids=["allowed beforehand", "with a person's yes to each"])
@pytest.mark.parametrize("keyed", [True, False], ids=["with one key", "without a key"])
def test_two_hundred_identical_sends_through_four_processes_are_one_message(
    crowds: dict[tuple[bool, bool], Any], keyed: bool, allowed: bool
) -> None:
    crowd = crowds[keyed, allowed]
    receipts = [receipt for member in crowd["told"] for receipt in member["receipts"]]
    assert crowd["taken"] == 1
    assert len(receipts) == 200
    assert len({outbound_id for outbound_id, _ in receipts}) == 1
    assert sum(not repeated for _, repeated in receipts) == 1
    again = [member["again"] for member in crowd["told"]]
    assert again == [again[0]] * 4
    assert (again[0]["status"], again[0]["repeated"]) == ("queued", True)
