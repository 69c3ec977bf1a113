"""What the tests of the sandbox's callbacks start from: a receiver, and sandboxes that call it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.callback_receiver import Receiver, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Sandbox, StartSandbox


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def sandbox(still_sandbox: Sandbox) -> Iterator[Sandbox]:
    yield still_sandbox
    still_sandbox.post("/sandbox/callbacks", {"url": None})


@pytest.fixture
def hasty_sandbox(start_sandbox: StartSandbox) -> Sandbox:
    """One that tries again soon, and whose clock stands still."""
    sandbox = start_sandbox("--memory", "--callback-wait", "0.01")
    sandbox.freeze()
    return sandbox
