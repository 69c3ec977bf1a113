"""What the tests of the core start from: no settings from outside, and helpers that can be imported."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from ringback_support.fakes import FakeCarrier, FakeClock

    from ringback.opening import Ringback

SUPPORT = str(Path(__file__).resolve().parents[1] / "support")
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)

hypothesis.settings.register_profile("house", deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("house")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("RINGBACK_", "SAAS_")):
            monkeypatch.delenv(name)


@pytest.fixture
def home() -> Iterator[Path]:
    """Where an installation keeps its files, in memory where that is possible: the ledger syncs a lot."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder) / "home"


@pytest.fixture
def carrier() -> FakeCarrier:
    from ringback_support.fakes import FakeCarrier

    return FakeCarrier()


@pytest.fixture
def clock() -> FakeClock:
    from ringback_support.fakes import FakeClock

    return FakeClock()


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier, clock: FakeClock) -> AsyncIterator[Ringback]:
    """An installation over the fake carrier and clock of the same test."""
    from ringback_support.installation import opened

    async with opened(home, carrier, clock=clock) as installation:
        yield installation
