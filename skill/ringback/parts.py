"""What the sides of an installation stand on: the agent's telephone, a person, the triggers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ringback.approvals import Approvals
    from ringback.carriers.routes import Carriers
    from ringback.clock import Clock
    from ringback.dispatch import Dispatcher
    from ringback.inbound import Inbound
    from ringback.ledger import Ledger
    from ringback.lines import Lines
    from ringback.rules import Rules


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one opened installation, built once by `ringback.opening`."""

    carriers: Carriers
    ledger: Ledger
    lines: Lines
    rules: Rules
    approvals: Approvals
    dispatcher: Dispatcher
    inbound: Inbound
    clock: Clock
