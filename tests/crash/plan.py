"""`python -m tests.crash.plan FOLDER TASK`: play a share of the cases and print what became of them, as JSON.

Everything is imported here, once; each life is forked from this process, which has no thread and no event loop.

The plan is found out, not written down: a life that nothing disturbs tells which steps there are; then one life is
killed at each of them, the recovery after it is watched, and then recoveries are killed as well, and those of those.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crash import breakages
from tests.crash.cases import Case, Stage, dump

from ringback.guards import Facts, decide
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Line, Outbound

if TYPE_CHECKING:
    from collections.abc import Iterator

_GOLDEN = 0.618033988749895


def spread(count: int) -> list[int]:
    """1 to `count`, each once, in an order that is everywhere at once."""
    return sorted(range(1, count + 1), key=lambda at: at * _GOLDEN % 1)


def plan(stage: Stage, scenario: str) -> Iterator[Case]:
    """Cases without end: first one that nothing disturbs, then each step of a first life, then recoveries as well."""
    undisturbed = stage.play(scenario, ())
    yield undisturbed
    recovery = {}
    order = spread(len(undisturbed.lives[0].steps))
    for first in order:
        case = stage.play(scenario, (first,))
        recovery[first] = len(case.lives[1].steps)
        yield case
    for turn in itertools.count():
        for first in order:
            later = [(first * (turn + 1) + number * 7) % recovery[first] + 1 for number in (turn, turn + 3, turn + 5)]
            yield stage.play(scenario, (first, *later))


def missed(cases: list[Case]) -> list[tuple[str, tuple[int, ...]]]:
    """Cases that die at the steps which were reached and where nothing has died yet."""
    killed = {life.died_at for case in cases for life in case.lives}
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for case in cases:
        for number, life in enumerate(case.lives):
            for ordinal, step in enumerate(life.steps, 1):
                if step not in killed and number <= len(case.kills):
                    found.setdefault(step, (case.scenario, (*case.kills[:number], ordinal)))
    return list(found.values())


def play(stage: Stage, scenarios: list[str], kills: int) -> list[Case]:
    """Take the scenarios in turn until so many lives were killed, and then die wherever nothing has died yet."""
    plans = itertools.cycle([plan(stage, scenario) for scenario in scenarios])
    cases: list[Case] = []
    left = kills
    while left > 0:
        cases.append(next(next(plans)))
        left -= sum(life.killed for life in cases[-1].lives)
    for scenario, ordinals in missed(cases):
        cases.append(stage.play(scenario, ordinals))
    return cases


def warm_up(stage: Stage) -> None:
    """Import and build what a life needs, so that no life has to. No thread and no event loop comes of it."""
    for name in stage.modules_of_a_life():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    line = Line("sandbox", enabled=True, live=False, number=None, capabilities=frozenset(Channel))
    decide(Facts(Outbound(Channel.SMS, parse_number("+14152000000"), "sandbox", "-"), line, consented=False))
    assert threading.active_count() == 1, "a fork would leave threads behind"
    gc.collect()
    gc.freeze()


def main() -> None:
    root, task = Path(sys.argv[1]), json.loads(sys.argv[2])
    stage = Stage(root, Path(task["endpoint"]), task["number"])
    warm_up(stage)
    if task["broken"]:
        getattr(breakages, task["broken"])()
    dump(play(stage, task["scenarios"], task["kills"]))


if __name__ == "__main__":
    main()
