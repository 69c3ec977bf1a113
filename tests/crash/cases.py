"""One wish, the lives that were killed over it, and the lives that followed until nothing moved."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.crash.lives import Clock, Diary, Wish, live, pass_time, sandbox
from tests.crash.scenarios import DUE_S, SCENARIOS
from tests.crash.verdicts import Case, Life

from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIFE_LIMIT_S = 30
"""How long a life may last."""
LIVES_LIMIT = 6
"""By so many undisturbed lives everything must have come to rest."""


def fork(work: Callable[[], None], limit_s: int = LIFE_LIMIT_S) -> int:
    """Do `work` in a child that ends with it, and in time; its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.alarm(limit_s)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may go on in the child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Stage:
    """The folder and the sandbox over which cases are played, one after another."""

    def __init__(self, root: Path, endpoint: Path, number: int) -> None:
        self._root = root
        self._endpoint = endpoint
        self._next = number * 100_000 + 2_000_000

    def play(self, scenario: str, kills: tuple[int | str, ...] = ()) -> Case:
        """Kill the first lives at these steps, by number or by name; let the others end."""
        home, wish = self.set_up()
        case = Case(scenario, kills)
        if SCENARIOS[scenario].fault is not None:
            sandbox(home, "POST", "faults", {"next": 1, "kind": SCENARIOS[scenario].fault})
        for end in kills:
            self._live(home, case, wish, end)
        while len(case.lives) < len(kills) + LIVES_LIMIT:
            self._live(home, case, wish, None)
            if _is_at_rest(case.lives[-2:]):
                break
        self._count(home, case, wish)
        shutil.rmtree(home)
        return case

    def modules_of_a_life(self) -> list[str]:
        """The modules that a process has loaded when it has lived through a wish."""
        home, wish = self.set_up()

        def work() -> None:
            live(home, next(iter(SCENARIOS.values())).acts, wish, Diary(home / "life"))
            (home / "modules").write_text("\n".join(sys.modules))

        _, status = os.waitpid(fork(work), 0)
        assert status == 0, "the first life failed"
        sandbox(home, "POST", "reset", {})
        return (home / "modules").read_text().splitlines()

    def set_up(self) -> tuple[Path, Wish]:
        """An installation's folder that knows the sandbox, and a wish like no other."""
        self._next += 1
        home = self._root / str(self._next)
        (home / "sandbox").mkdir(parents=True)
        shutil.copy(self._endpoint, home / "sandbox")
        due = datetime.now(UTC) + timedelta(seconds=DUE_S)
        return home, Wish(f"+1415{self._next}", f"Wish {self._next}.", f"key {self._next}", due.isoformat())

    def _live(self, home: Path, case: Case, wish: Wish, end: int | str | None) -> None:
        scenario = SCENARIOS[case.scenario]
        if len(case.lives) == 1 and scenario.stop_s:
            pass_time(home, Clock(home), scenario.stop_s)
        path = home / f"life{len(case.lives)}"

        def work() -> None:
            live(home, scenario.acts, wish, Diary(path), end=end)

        _, status = os.waitpid(fork(work), 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if status != 0 and not killed:
            raise RuntimeError(f"life {len(case.lives)} of {case.scenario}, {case.kills}, ended with status {status}")
        case.lives.append(Life(killed, [line.split() for line in path.read_text().splitlines()]))

    def _count(self, home: Path, case: Case, wish: Wish) -> None:
        """Read the sandbox's record and empty it. What is in it for another wish was sent after that one's end."""
        record = sandbox(home, "GET", "export")
        taken = [item for item in record["items"] if item["type"] != "reply"]
        if any(item["to"] != wish.to for item in taken):
            raise RuntimeError(f"something of another wish arrived during {case.scenario}, {case.kills}")
        case.taken, case.replies = len(taken), len(record["items"]) - len(taken)
        case.posts = sum(request["method"] == "POST" for request in record["requests"])
        sandbox(home, "POST", "reset", {})


def _is_at_rest(lives: list[Life]) -> bool:
    """Whether the last life ended with the wish delivered, or two in a row with the same."""
    ends = [life.end for life in lives]
    if ends[-1] is None:
        return False
    return ends[-1].status == Status.DELIVERED or ends[:-1] == [ends[-1]]
