"""What became of a wish, judged by the sandbox's own record and by every line that its lives left behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from tests.crash.scenarios import SCENARIOS

from ringback.model.status import NOTHING_SENT, WITH_CARRIER, Status

NOTHING: Final = "nothing"
"""How a case ends in which the wish was never stored, and its time is past."""
CHARGES: Final = ("doubled", "lost", "wrongly_unknown", "wrongly_told", "unsettled")
_REACHED_CARRIER = WITH_CARRIER | {Status.DELIVERED, Status.COMPLETED, Status.BUSY, Status.NO_ANSWER}
_MAY_BE_UNSENT = {Status.UNKNOWN, Status.CANCELLED, Status.EXPIRED}
_APPROVED = {Status.APPROVED, Status.SCHEDULED}


@dataclass(frozen=True)
class End:
    """What a life that ended by itself saw last."""

    status: str
    reason: str = "None"
    has_carrier_id: str = "False"
    outbounds: str = "0"
    received: str = "0"


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
    def end(self) -> End | None:
        ends = self.of("end")
        return End(*ends[0]) if ends else None

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
    kills: tuple[int | str, ...]
    lives: list[Life] = field(default_factory=list)
    taken: int = 0
    """How many of it the sandbox took."""
    posts: int = 0
    """How many requests to send it the sandbox recorded."""
    replies: int = 0
    """How many texts the handset's owner wrote."""

    @property
    def end(self) -> End:
        end = self.lives[-1].end
        assert end is not None, "the last life ends by itself"
        return end

    @property
    def doubled(self) -> bool:
        return self.taken > 1

    @property
    def lost(self) -> bool:
        """Approved, and neither at the sandbox nor ended otherwise for a reason that is told; or a reply is gone."""
        approved = any(status in _APPROVED for life in self.lives for _, status in life.of("event"))
        ended = self.end.status in _MAY_BE_UNSENT and self.end.reason != "None"
        excused = ended or self.end.reason == "person_says_not_sent"
        return (approved and not self.taken and not excused) or self.end.received != str(self.replies)

    @property
    def wrongly_unknown(self) -> bool:
        """In doubt though no life died in doubt, or though the sandbox has exactly one record of it."""
        doubtful = SCENARIOS[self.scenario].fault is not None or any(life.left_in_doubt for life in self.lives)
        return self.end.status == Status.UNKNOWN and (not doubtful or self.taken == 1)

    @property
    def wrongly_told(self) -> bool:
        """Some receipt said what is not so, or one wish had two of them."""
        told = [words for life in self.lives for words in life.of("told")]
        said = {status for _, status, _ in told}
        told_as_unsent = bool(said & NOTHING_SENT) and self.end.has_carrier_id == "False"
        return (
            (bool(said & _REACHED_CARRIER) and not self.taken)
            or (told_as_unsent and self.taken > 0)
            or len({outbound_id for outbound_id, _, _ in told}) > 1
            or self.end.outbounds != ("0" if self.end.status == NOTHING else "1")
        )

    @property
    def unsettled(self) -> bool:
        return self.end.status != NOTHING and not Status(self.end.status).ended

    def as_dict(self) -> dict[str, object]:
        return {
            "scenario": self.scenario,
            "kills": self.kills,
            "lives": [{"reached": life.steps, "died_at": life.died_at} for life in self.lives],
            "taken": self.taken,
            "posts": self.posts,
            "end": [self.end.status, self.end.reason],
            "charges": [charge for charge in CHARGES if getattr(self, charge)],
        }
