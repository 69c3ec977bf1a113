"""Several processes on one ledger: real files, real processes."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ringback_support.fakes import FakeClock
from ringback_support.installation import approved, grant, ledger_in, outbound

from ringback.ledger.records import Level
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

SUPPORT = Path(__file__).resolve().parents[1] / "support"


def crowd(home: Path, task: str, **given: object) -> list[list[Any]]:
    """What eight processes got that did the same task at once."""
    command = [sys.executable, "-m", "ringback_support.crowd", str(home), task, "8", json.dumps(given)]
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])},
    )
    answers: list[list[Any]] = json.loads(told.stdout)
    return answers


def test_each_outbound_is_claimed_by_exactly_one_of_eight_processes(home: Path) -> None:
    async def prepare() -> list[str]:
        with ledger_in(home, FakeClock()) as ledger:
            return [(await approved(ledger, outbound(text=f"text {at}"))).id for at in range(60)]

    ids = asyncio.run(prepare())
    won = crowd(home, "claim", ids=ids)
    assert sorted(found for part in won for found in part) == sorted(ids)


def test_the_same_wishes_from_eight_processes_are_stored_once_and_spend_an_allowance_once(home: Path) -> None:
    async def prepare() -> None:
        with ledger_in(home, FakeClock()) as ledger:
            await ledger.consents.allow(PhoneNumber("+14155550123"), grant(count=20), level=Level.A2, via="page")

    asyncio.run(prepare())
    rows = [row for part in crowd(home, "add", times=30) for row in part]
    new = [row for row in rows if row[1]]
    assert len(rows) == 8 * 30
    assert len({row[0] for row in rows}) == len(new) == 30
    assert sum(row[2] == Status.APPROVED for row in new) == 20


def test_a_fresh_ledger_that_eight_processes_open_at_once_is_made_once_and_refuses_nobody(home: Path) -> None:
    assert crowd(home, "claim", ids=["ob_none"]) == [[]] * 8
