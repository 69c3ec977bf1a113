"""`python -m tests.crash.plan FOLDER TASK`: play a share of the cases and print what became of them, as JSON.

Everything is imported here, once; each life is forked from this process, which has no thread and no event loop.

The plan is found out, not written down: a life that nothing disturbs tells which steps there are; then one life is
killed at each of them, the recovery after it is watched, and then recoveries are killed as well, and those of those.
"""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash import breakages
from tests.crash.cases import Stage
from tests.crash.scenarios import SCENARIOS
from tests.crash.warmth import warm_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.crash.verdicts import Case

OPENING, READING = "store.begin", "http.get."
LATER = (0, 3, 5, 8)
"""After a first life so many recoveries are killed, each at another step; the next turn goes on elsewhere."""
_GOLDEN = 0.618033988749895


def kill_points(scenario: str, steps: list[str]) -> list[int]:
    """The numbers of the steps at which first lives die, in an order that is everywhere at once.

    In the first scenario these are all. In the others, where first lives begin alike, they are those from the wish on
    which change something: a kill while something is read leaves behind what the kill before it does.
    """
    points = list(range(1, len(steps) + 1))
    if scenario != next(iter(SCENARIOS)):
        points = [at for at in points[steps.index(OPENING) :] if not steps[at - 1].startswith(READING)]
    return sorted(points, key=lambda at: at * _GOLDEN % 1)


def plan(stage: Stage, scenario: str) -> Iterator[Case]:
    """Cases without end: first one that nothing disturbs, then each step of a first life, then recoveries as well."""
    undisturbed = stage.play(scenario)
    yield undisturbed
    order = kill_points(scenario, undisturbed.lives[0].steps)
    recovery = {}
    for first in order:
        case = stage.play(scenario, (first,))
        recovery[first] = max(1, len(case.lives[1].steps))
        yield case
    for turn in itertools.count():
        for first in order:
            later = [(first * (turn + 1) + (turn + number) * 7) % recovery[first] + 1 for number in LATER]
            yield stage.play(scenario, (first, *later))


def missed(cases: list[Case]) -> list[tuple[str, tuple[int | str, ...]]]:
    """Cases that die at the steps which were reached and where nothing has died yet."""
    killed = {life.died_at for case in cases for life in case.lives}
    found: dict[str, tuple[str, tuple[int | str, ...]]] = {}
    for case in cases:
        for number, life in enumerate(case.lives):
            for step in life.steps:
                if step not in killed and number <= len(case.kills):
                    found.setdefault(step, (case.scenario, (*case.kills[:number], step)))
    return list(found.values())


def play(stage: Stage, scenarios: list[str], kills: int) -> list[Case]:
    """Take the scenarios in turn until so many lives were killed."""
    plans = itertools.cycle([plan(stage, scenario) for scenario in scenarios])
    cases: list[Case] = []
    left = kills
    while left > 0:
        cases.append(next(next(plans)))
        left -= sum(life.killed for life in cases[-1].lives)
    return cases


def main() -> None:
    root, task = Path(sys.argv[1]), json.loads(sys.argv[2])
    stage = Stage(root, Path(task["endpoint"]), task["number"])
    warm_up(stage)
    if task["broken"]:
        getattr(breakages, task["broken"])()
    cases = play(stage, task["scenarios"], task["kills"])
    if not task["broken"]:
        cases += [stage.play(scenario, ends) for scenario, ends in missed(cases)]
    print(json.dumps([case.as_dict() for case in cases]))


if __name__ == "__main__":
    main()
