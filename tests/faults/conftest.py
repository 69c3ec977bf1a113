"""Makes what the tests of the core share importable, and gives each test the real sandbox, emptied."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import launch_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox

SUPPORT = str(Path(__file__).resolve().parents[1] / "support")
if SUPPORT not in sys.path:
    sys.path.insert(0, SUPPORT)


@pytest.fixture
def home() -> Iterator[Path]:
    """Where an installation keeps its files, in memory where that is possible: the ledger syncs a lot."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder) / "home"


@pytest.fixture(scope="module")
def unlimited_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One process for a file of tests, which takes any number of sends a minute."""
    sandbox = launch_sandbox(tmp_path_factory.mktemp("sandbox"), "--memory", "--rate", "0")
    yield sandbox
    sandbox.end()


@pytest.fixture
def sandbox(unlimited_sandbox: Sandbox) -> Sandbox:
    unlimited_sandbox.post("/sandbox/reset")
    return unlimited_sandbox
