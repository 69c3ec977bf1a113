"""One entry of the collection, and the answers that can be expected of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PASSES: Final = "passes"
UNREADABLE: Final = "invalid_number"
REFUSED: Final = "any destination rule"
STOPPED: Final = "unreadable or any destination rule"


@dataclass(frozen=True, slots=True)
class Entry:
    """A text that somebody gives as a number, of which kind it is, and what must happen."""

    text: str
    kind: str
    expected: str
    """`PASSES`, `UNREADABLE`, `REFUSED`, `STOPPED`, or the one rule that must refuse."""

    @property
    def is_forbidden(self) -> bool:
        return self.expected != PASSES

    def is_met_by(self, answer: str) -> bool:
        """Whether the answer, `PASSES` or an error's code, is the expected one."""
        if self.expected == STOPPED:
            return answer == UNREADABLE or answer.startswith("destination_")
        if self.expected == REFUSED:
            return answer.startswith("destination_")
        return answer == self.expected
