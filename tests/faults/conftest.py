"""Gives each test the real sandbox, emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.conftest import launch_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox


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
