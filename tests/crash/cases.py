"""One wish, the lives that were killed over it, the lives that followed until nothing moved, and the verdict."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tests.crash.lives import LONG_STOP_S, SCENARIOS, Diary, Wish, advance, live, sandbox

from ringback.model.status import NOTHING_SENT, Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIFE_LIMIT_S = 30
"""How long a life may last."""
LIVES_LIMIT = 6
"""By so many undisturbed lives everything must have come to rest."""
_TOLD_AS_SENT = {"accepted", "queued", "sent", "ringing", "in_progress", "delivered", "completed", "busy", "no_answer"}
_MAY_BE_UNSENT = {Status.UNKNOWN, Status.CANCELLED, Status.EXPIRED}


def fork(work: Callable[[], None]) -> int:
    """Do `work` in a child that ends with it, and in time; its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        signal.alarm(LIFE_LIMIT_S)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may go on in the child
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


@dataclass
class Life:
    """What one life left behind."""

    killed: bool
    lines: list[list[str]]

    def of(self, kind: str) -> list[list[str]]:
        return [words[1:] for words in self.lines if words[0] == kind]

    @property
    def steps(self) -> list[str]:
        return [step for (step,) in self.of("step")]

    @property
    def died_at(self) -> str | None:
        return self.steps[-1] if self.killed else None

    @property
    def left_in_doubt(self) -> bool:
        """Whether it died after the fence and before it could store what became of the request."""
        steps = self.steps
        fence = max((at for at, step in enumerate(steps) if step == "claim.committed"), default=None)
        return self.killed and fence is not None and "settle.committed" not in steps[fence:]


@dataclass
class Case:
    """A wish and what was done to the processes that saw to it."""

    scenario: str
    kills: tuple[int, ...]
    lives: list[Life] = field(default_factory=list)
    accepted: int = 0
    posts: int = 0

    @property
    def status(self) -> str:
        return self.lives[-1].of("end")[-1][0]

    @property
    def doubled(self) -> bool:
        return self.accepted > 1

    @property
    def lost(self) -> bool:
        """Approved, and neither at the sandbox nor ended for a reason that was told."""
        approved = any(status == Status.APPROVED for life in self.lives for _, status in life.of("event"))
        ended = self.status in _MAY_BE_UNSENT and self.lives[-1].of("end")[-1][1] != "None"
        return approved and not self.accepted and not ended

    @property
    def wrongly_unknown(self) -> bool:
        """In doubt though no life died in doubt, or though the sandbox has exactly one record of it."""
        doubtful = SCENARIOS[self.scenario].fault is not None or any(life.left_in_doubt for life in self.lives)
        return self.status == Status.UNKNOWN and (not doubtful or self.accepted == 1)

    @property
    def wrongly_told(self) -> bool:
        """Some receipt said what is not so, or the same wish had two receipts."""
        told = [words for life in self.lives for words in life.of("told")]
        said = {status for _, status, _ in told}
        at_carrier = self.lives[-1].of("end")[-1][2] == "True"
        return (
            bool(said & _TOLD_AS_SENT and not self.accepted)
            or bool(said & NOTHING_SENT and self.accepted and not at_carrier)
            or len({outbound_id for outbound_id, _, _ in told}) != 1
            or self.lives[-1].of("end")[-1][3] != "1"
        )

    @property
    def unsettled(self) -> bool:
        return not Status(self.status).ended

    def as_dict(self) -> dict[str, object]:
        verdict = {
            name: getattr(self, name) for name in ("doubled", "lost", "wrongly_unknown", "wrongly_told", "unsettled")
        }
        steps = [{"reached": life.steps, "died_at": life.died_at} for life in self.lives]
        return {**asdict(self), "lives": steps, "status": self.status, "verdict": verdict}


class Stage:
    """The folder and the sandbox over which cases are played, one after another."""

    def __init__(self, root: Path, endpoint: Path, number: int) -> None:
        self._root = root
        self._endpoint = endpoint
        self._next = number * 100_000 + 2_000_000

    def play(self, scenario: str, kills: tuple[int, ...]) -> Case:
        """Kill the first lives at these steps, counted from each one's beginning; let the others end."""
        home, wish = self._set_up()
        case = Case(scenario, kills)
        fault = SCENARIOS[scenario].fault
        if fault is not None:
            sandbox(home, "POST", "faults", {"next": 1, "kind": fault})
        for ordinal in kills:
            self._live(home, case, wish, ordinal)
        while len(case.lives) < len(kills) + LIVES_LIMIT:
            self._live(home, case, wish, None)
            if _is_at_rest(case.lives[-2:]):
                break
        self._count(home, case, wish)
        shutil.rmtree(home)
        return case

    def modules_of_a_life(self) -> list[str]:
        """The modules that a process has loaded when it has lived through a wish."""
        home, wish = self._set_up()

        def work() -> None:
            live(home, next(iter(SCENARIOS)), wish, Diary(home / "life"), ordinal=None, stopped_s=0)
            (home / "modules").write_text("\n".join(sys.modules))

        _, status = os.waitpid(fork(work), 0)
        assert status == 0, "the first life failed"
        sandbox(home, "POST", "reset", {})
        return (home / "modules").read_text().splitlines()

    def _set_up(self) -> tuple[Path, Wish]:
        """An installation's folder that knows the sandbox, and a wish like no other."""
        self._next += 1
        home = self._root / str(self._next)
        (home / "sandbox").mkdir(parents=True)
        shutil.copy(self._endpoint, home / "sandbox")
        return home, Wish(f"+1415{self._next}", f"Wish {self._next}.", f"key {self._next}")

    def _live(self, home: Path, case: Case, wish: Wish, ordinal: int | None) -> None:
        stopped_s = LONG_STOP_S if SCENARIOS[case.scenario].long_stop and case.lives else 0.0
        if stopped_s and len(case.lives) == 1:
            advance(home, stopped_s)
        path = home / f"life{len(case.lives)}"

        def work() -> None:
            live(home, case.scenario, wish, Diary(path), ordinal=ordinal, stopped_s=stopped_s)

        _, status = os.waitpid(fork(work), 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if status != 0 and not killed:
            raise RuntimeError(f"life {len(case.lives)} of {case.scenario}, {case.kills}, ended with status {status}")
        case.lives.append(Life(killed, [line.split() for line in path.read_text().splitlines()]))

    def _count(self, home: Path, case: Case, wish: Wish) -> None:
        """Read the sandbox's record and empty it. What is in it for another wish was sent after that one's end."""
        items = sandbox(home, "GET", "messages") + sandbox(home, "GET", "calls")
        posts = [each for each in sandbox(home, "GET", "requests") if each["method"] == "POST"]
        strays = [each for each in items if each["to"] != wish.to]
        if strays:
            raise RuntimeError(f"{len(strays)} of another wish arrived during {case.scenario}, {case.kills}")
        case.accepted, case.posts = len(items), len(posts)
        sandbox(home, "POST", "reset", {})


def _is_at_rest(lives: list[Life]) -> bool:
    """Whether the last life ended with the wish delivered, or two in a row with the same."""
    ends = [life.of("end") for life in lives]
    return bool(ends[-1]) and (ends[-1][-1][0] == Status.DELIVERED or ends[:-1] == [ends[-1]])


def dump(cases: list[Case]) -> None:
    """Print the cases, for the process that asked for them."""
    print(json.dumps([case.as_dict() for case in cases]))
