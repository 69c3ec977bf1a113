"""Puts the parts of the skill together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ringback.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ringback.carriers.routes import Carriers
    from ringback.dispatch import Dispatcher
    from ringback.inbound import Inbound
    from ringback.keys import Keyring
    from ringback.ledger import Ledger
    from ringback.lines import Lines
    from ringback.person import Person
    from ringback.settings import Settings
    from ringback.telephone import Telephone
    from ringback.triggers import Triggers


@dataclass(frozen=True, slots=True)
class Ringback:
    """An installation, opened: the agent's telephone, the person's side, and what they stand on."""

    settings: Settings
    keyring: Keyring
    ledger: Ledger
    carriers: Carriers
    lines: Lines
    inbound: Inbound
    dispatcher: Dispatcher
    telephone: Telephone
    triggers: Triggers
    person: Person
    clock: Clock


@asynccontextmanager
async def open_ringback(
    settings: Settings | None = None, *, carriers: Carriers | None = None, clock: Clock | None = None
) -> AsyncIterator[Ringback]:
    """Open an installation, and close it after what is on its way out has left.

    Args:
        settings: by default read from the environment.
        carriers: by default those that the settings name.
        clock: by default the machine's.

    Raises:
        ConfigurationError: a setting is missing or contradictory.
        LedgerError: the ledger cannot be used.
    """
    from ringback.keys import load_keyring
    from ringback.ledger import Terms, open_ledger
    from ringback.settings import load_settings

    settings = settings or load_settings()
    clock = clock or SystemClock()
    if carriers is None:
        from ringback.carriers.registry import build_carriers

        carriers = build_carriers(settings)
    key = settings.key.get_secret_value() if settings.key else None
    keyring = load_keyring(key, settings.key_path, settings.ledger_path)
    terms = Terms(settings.schedule_grace_s, settings.retention_days * 86_400.0)
    ledger = open_ledger(settings.ledger_path, keyring, clock, terms)
    opened = _assemble(settings, keyring, ledger, carriers, clock)
    try:
        yield opened
    finally:
        await opened.dispatcher.finish()
        await carriers.aclose()
        await ledger.close()


def _assemble(settings: Settings, keyring: Keyring, ledger: Ledger, carriers: Carriers, clock: Clock) -> Ringback:
    from ringback.approvals import Approvals
    from ringback.dispatch import Dispatcher
    from ringback.inbound import Inbound
    from ringback.lines import Lines
    from ringback.live_calls import LiveCalls
    from ringback.parts import Parts
    from ringback.person import Person
    from ringback.rules import Rules
    from ringback.telephone import Telephone
    from ringback.templates import Templates
    from ringback.triggers import Triggers

    lines = Lines(clock)
    rules = Rules(settings, ledger, lines, clock)
    approvals = Approvals(ledger, keyring, floor=settings.approval, carriers=carriers, rules=rules)
    dispatcher = Dispatcher(ledger, carriers, approvals, rules, clock)
    inbound = Inbound(ledger, carriers, keyring, rules, clock)
    parts = Parts(carriers, ledger, lines, rules, approvals, dispatcher, inbound, clock)
    calls, templates = LiveCalls(ledger, carriers), Templates(settings.templates_path)
    return Ringback(
        settings=settings,
        keyring=keyring,
        ledger=ledger,
        carriers=carriers,
        lines=lines,
        inbound=inbound,
        dispatcher=dispatcher,
        telephone=Telephone(parts, live_calls=calls, templates=templates, redact=settings.redact_inbound),
        triggers=Triggers(parts),
        person=Person(parts),
        clock=clock,
    )


@asynccontextmanager
async def open_telephone(settings: Settings | None = None) -> AsyncIterator[Telephone]:
    """Open the agent's telephone alone, for a framework that calls tools in process.

    Raises:
        ConfigurationError, LedgerError: as `open_ringback`.
    """
    async with open_ringback(settings) as opened:
        await opened.telephone.tend()
        yield opened.telephone
