"""A thousand `kill -9`, at every step that an outbound passes: nothing goes twice, nothing is lost, no word is wrong.

The kill points are found by watching a life that nothing disturbs, and then its recoveries: see `plan.py`.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest
from tests.crash.harness import together
from tests.crash.scenarios import SCENARIOS

KILLS = 1000
FEWEST_STEPS = 20
BROKEN_KILLS = 24
MOST_BROKEN_KILLS = 40
PLAIN = "a text, asked on the page"
CHARGES_OF_THE_BROKEN = {
    "no_fence": "doubled",
    "no_reconciling": "wrongly_unknown",
    "doubt_is_failure": "wrongly_told",
}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed as POSIX does it")

Case = dict[str, Any]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """All cases: half of the scenarios in each of two processes."""
    names = list(SCENARIOS)
    shares = [names[0::2], names[1::2]]
    tasks = [{"scenarios": share, "kills": KILLS * len(share) // len(names) + 1, "broken": None} for share in shares]
    return [case for share in together("plan", *tasks) for case in share]


def kills(cases: list[Case]) -> Counter[str]:
    """How often a process was killed at each step."""
    return Counter(life["died_at"] for case in cases for life in case["lives"] if life["died_at"] is not None)


def guilty(cases: list[Case], charge: str) -> list[Any]:
    """The cases of which a charge is true: what was played, where it was killed, how it ended."""
    return [(case["scenario"], case["kills"], case["end"]) for case in cases if charge in case["charges"]]


@pytest.mark.scale
def test_a_thousand_kills_double_nothing(cases: list[Case]) -> None:
    assert kills(cases).total() >= KILLS
    assert guilty(cases, "doubled") == []
    assert max(case["taken"] for case in cases) == 1
    assert max(case["posts"] for case in cases) == 1  # not even one that the sandbox turned away is repeated


@pytest.mark.scale
def test_a_thousand_kills_lose_nothing_that_was_approved(cases: list[Case]) -> None:
    assert guilty(cases, "lost") == []
    assert guilty(cases, "unsettled") == []


@pytest.mark.scale
def test_every_unknown_is_truly_doubtful_and_what_the_sandbox_knows_is_found_there(cases: list[Case]) -> None:
    assert guilty(cases, "wrongly_unknown") == []
    assert any(case["end"][0] == "unknown" for case in cases)  # else nothing was asked


@pytest.mark.scale
def test_no_receipt_of_any_life_says_what_is_not_so(cases: list[Case]) -> None:
    assert guilty(cases, "wrongly_told") == []


@pytest.mark.scale
def test_every_step_that_any_life_reached_was_killed_at(cases: list[Case]) -> None:
    reached = {step for case in cases for life in case["lives"] for step in life["reached"]}
    killed = kills(cases)
    assert reached - set(killed) == set()
    assert len(killed) >= FEWEST_STEPS
    assert {"answer.commit", "claim.committed", "post.begin", "http.post.body", "settle.commit"} <= set(killed)


@pytest.mark.scale
def test_recovery_was_killed_as_well_and_not_only_once(cases: list[Case]) -> None:
    deaths = [[life["died_at"] for life in case["lives"] if life["died_at"]] for case in cases]
    later = {step for died in deaths for step in died[1:]}
    assert {"claim.commit", "conclude.commit", "settle.begin", "http.get.body"} <= later
    assert sum(len(died) >= 3 for died in deaths) >= 50


@pytest.mark.scale
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_ends_as_it_should_where_nothing_is_killed(cases: list[Case], scenario: str) -> None:
    (calm,) = [case for case in cases if case["scenario"] == scenario and not case["kills"]]
    assert (calm["end"][0], calm["taken"]) == (SCENARIOS[scenario].status, SCENARIOS[scenario].taken)


@pytest.fixture(scope="module")
def cases_of_the_broken() -> dict[str, list[Case]]:
    """The same harness over Ringback without one of its protections."""
    tasks = [{"scenarios": [PLAIN], "kills": BROKEN_KILLS, "broken": broken} for broken in CHARGES_OF_THE_BROKEN]
    return dict(zip(CHARGES_OF_THE_BROKEN, together("plan", *tasks), strict=True))


@pytest.mark.parametrize(("broken", "charge"), CHARGES_OF_THE_BROKEN.items())
def test_the_harness_finds_what_a_missing_protection_lets_through_within_forty_kills(
    cases_of_the_broken: dict[str, list[Case]], broken: str, charge: str
) -> None:
    cases = cases_of_the_broken[broken]
    assert kills(cases).total() <= MOST_BROKEN_KILLS
    assert guilty(cases, charge) != []
    assert cases[0]["kills"] == cases[0]["charges"] == []  # it is the kills that bring it to light
