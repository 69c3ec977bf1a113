"""What a guard is: a pure function from facts to a decision. It asks nobody and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from ringback.model.limits import Usage
    from ringback.model.outbound import Line, Outbound


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the guards may know about one wish."""

    outbound: Outbound
    line: Line | None
    """What the carrier said about the line, at most 30 seconds ago; `None` where it could not be asked."""
    consented: bool
    """Whether a person allowed this recipient beforehand, or has approved this very outbound."""
    taken_over: bool = False
    """Whether a person has taken over the conversation with this recipient."""
    opted_out: bool = False
    """Whether the recipient said that they want no more."""
    now: float = 0.0
    """Unix seconds."""
    window: tuple[int, int] | None = None
    """Between which minutes of the recipient's day it may go out; `None` at any time."""
    presets: Path | None = None
    """The operator's own file of stricter hours, in place of ours."""
    zone: str | None = None
    """The time zone that the operator named for this recipient."""
    countries: frozenset[str] | None = None
    """The ISO 3166 regions that are allowed; `None` for all."""
    usage: tuple[Usage, ...] = ()
    """How far each limit and budget that counts for it is used when it would go out."""
    price: int | None = None
    """What it costs by the price table, in millionths of its currency; `None` where that is not known."""
    caller: str | None = None
    """On whose behalf calls are made."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Nothing stands in the way, as far as this guard goes."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """It must not go out: a stable code, why, and what to do next. No number and no text in them."""

    rule: str
    message: str
    hint: str
    retry_at: float | None = None
    """From when on it would pass, in Unix seconds, where that is known."""
    passes: bool = False
    """Whether it may be gone in a moment by itself: a scheduled one waits for that."""


@dataclass(frozen=True, slots=True)
class AskPerson:
    """It may go out if a person says so."""


Decision: TypeAlias = Allow | Refuse | AskPerson
Guard: TypeAlias = Callable[[Facts], Decision]
