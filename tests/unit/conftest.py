"""What the tests of the core start from: no settings from outside, a fake carrier and a fake clock."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from ringback_support.open_rules import OPEN_RULES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.ledger import Ledger
    from ringback.opening import Ringback


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("RINGBACK_", "SAAS_")):
            monkeypatch.delenv(name)
    for name, value in OPEN_RULES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def carrier() -> FakeCarrier:
    from ringback_support.fakes import FakeCarrier

    return FakeCarrier()


@pytest.fixture
def clock() -> FakeClock:
    from ringback_support.fakes import FakeClock

    return FakeClock()


@pytest.fixture
def now(clock: FakeClock) -> float:
    """The moment that the clock shows when a test begins, in Unix seconds."""
    return clock.now().timestamp()


@pytest.fixture
def ledger(home: Path, clock: FakeClock) -> Iterator[Ledger]:
    from ringback_support.installation import ledger_in

    with ledger_in(home, clock) as opened:
        yield opened


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[Ringback]:
    """An installation over the fake carrier and clock of the same test."""
    from ringback_support.installation import opened

    async with opened(home, carrier, clock=clock) as installation:
        yield installation


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose carrier is certain not to answer: nothing listens there, and nothing is started."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    for name, value in (("RINGBACK_HOME", str(folder)), ("SAAS_API_URL", "http://127.0.0.1:9"), ("SAAS_API_KEY", "x")):
        monkeypatch.setenv(name, value)
    return folder
