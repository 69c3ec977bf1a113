"""Makes the process from which lives are forked ready: a life that had to import would last five times as long."""

from __future__ import annotations

import contextlib
import gc
import importlib
import threading
from typing import TYPE_CHECKING

from ringback.guards import Facts, decide
from ringback.model.numbers import parse_number
from ringback.model.outbound import Channel, Line, Outbound

if TYPE_CHECKING:
    from tests.crash.cases import Stage


def warm_up(stage: Stage) -> None:
    """Import and build what a life needs, so that no life has to. No thread and no event loop comes of it."""
    for name in stage.modules_of_a_life():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    line = Line("sandbox", enabled=True, live=False, number=None, capabilities=frozenset(Channel))
    decide(Facts(Outbound(Channel.SMS, parse_number("+14152000000"), "sandbox", "-"), line, consented=False))
    assert threading.active_count() == 1, "a fork would leave threads behind"
    gc.collect()
    gc.freeze()
    gc.disable()  # what it would touch in a child has to be copied first
