"""Ten thousand numbers and texts through every path: no byte of a file, a log, a traceback or an export tells one."""

from __future__ import annotations

import base64
import json
import logging
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest
import stamina
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import opened
from tests.e2e.privacy.needles import Needles, seeds
from tests.e2e.privacy.paths import PATHS
from tests.e2e.privacy.places import Place, Told, files, leaks_of, talkative

from ringback.dispatch import TRIES
from ringback.keys import Keyring

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from tests.e2e.privacy.needles import Seed

    Way = Callable[[Place, list[Seed]], Awaitable[None]]

COUNT = 10_000
SEEDS = seeds(COUNT)
NEEDLES = Needles(SEEDS)


@pytest.fixture(autouse=True)
def _no_back_off() -> Iterator[None]:
    with stamina.set_testing(True, attempts=TRIES, cap=True):
        yield


def share(path: Way) -> list[Seed]:
    """The seeds that take this path."""
    return SEEDS[list(PATHS).index(path) :: len(PATHS)]


def ends(home: Path) -> set[str]:
    """How the outbounds of a ledger stand."""
    with closing(sqlite3.connect(home / "ledger.db")) as ledger:
        rows = ledger.execute("SELECT DISTINCT status, reason FROM outbound")
        return {f"{status} {reason or ''}".strip() for status, reason in rows}


@pytest.mark.scale
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
async def test_nothing_of_ten_thousand_seeds_is_left_outside_what_is_sealed(home: Path, path: Way) -> None:
    told, carrier, clock = Told(), FakeCarrier(), FakeClock()
    with talkative(told):
        async with opened(home, carrier, clock=clock) as installation:
            place = Place(installation, carrier, clock, told, home)
            await path(place, share(path))
            await place.look()
            # While it is open the newest content stands in the write-ahead log.
            assert "ledger.db-wal" in files(home)
            assert leaks_of(home, NEEDLES) == []
    assert leaks_of(home, NEEDLES) == []
    assert told.leaks(NEEDLES) == []
    assert ends(home) == PATHS[path]


def test_every_seed_takes_a_path() -> None:
    taken = [seed for path in PATHS for seed in share(path)]
    assert len(taken) == len(set(taken)) == COUNT


# -- the test of the test: what is left unsealed is found --------------------------------------------------------------


def unsealed(self: Keyring, plain: dict[str, Any], *, row: str, column: str) -> bytes:
    return json.dumps(plain).encode()


def unescaped(self: Keyring, plain: dict[str, Any], *, row: str, column: str) -> bytes:
    return base64.b64encode(json.dumps(plain).encode())


@pytest.mark.parametrize("seal", [unsealed, unescaped])
async def test_a_ledger_that_seals_nothing_is_found_out(
    home: Path, monkeypatch: pytest.MonkeyPatch, seal: Callable[..., bytes]
) -> None:
    monkeypatch.setattr(Keyring, "seal", seal)
    with suppress(Exception):
        async with opened(home, FakeCarrier()) as installation:
            await installation.telephone.send_sms(SEEDS[0].number, SEEDS[0].text)
    found = leaks_of(home, NEEDLES)
    assert {leak.partition(" in ")[0] for leak in found} == {"a number", "a mark", "words"}


async def test_a_log_that_repeats_an_exception_is_found_out(home: Path) -> None:
    told, carrier = Told(), FakeCarrier()
    with talkative(told):
        async with opened(home, carrier) as installation:
            carrier.line_error = KeyError(SEEDS[1].number)
            try:
                await installation.telephone.check()
            except KeyError:
                logging.getLogger("tests").exception("not one of ours")
    assert told.leaks(NEEDLES) == ["a number in what was told"]
