"""Rows of allowances that something without the key wrote: they allow nothing."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeClock
from ringback_support.installation import TO, grant, ledger_in, outbound

from ringback.ledger.records import Level
from ringback.model.numbers import PhoneNumber
from ringback.model.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ringback.ledger import Ledger

OTHER = "+14155550124"


@pytest.fixture
def ledger(home: Path) -> Iterator[Ledger]:
    with ledger_in(home, FakeClock()) as made:
        yield made


def tamper(home: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(home / "ledger.db", isolation_level=None)
    connection.execute(statement, values)
    connection.close()


async def status(ledger: Ledger, to: str = TO, *, key: str, least: Level = Level.A1) -> Status:
    """What becomes of a text to this number."""
    record, _ = await ledger.outbounds.add(outbound(to), key=key, spend=least)
    assert await ledger.outbounds.get(record.id) == record
    return record.status


async def allow(ledger: Ledger, *, count: int = 1) -> str:
    return await ledger.consents.allow(PhoneNumber(TO), grant(count=count), level=Level.A2, via="page")


CHANGES = {
    "id": "'al_another'",
    "sealed": "x'aa'",
    "level": "'A3'",
    "via": "'terminal'",
    "created_at": "created_at + 1",
    "expires_at": "expires_at + 86400",
    "remaining": "remaining + 1",
    "max_chars": "1600",
    "links": "1",
    "media_host": "x''",
    "revoked_at": "NULL",
    "proof": "zeroblob(32)",
}


@pytest.mark.parametrize("column", CHANGES)
async def test_an_allowance_that_was_altered_in_any_column_allows_nothing(
    ledger: Ledger, home: Path, column: str
) -> None:
    allowance_id = await allow(ledger)
    if column == "revoked_at":
        await ledger.consents.revoke(allowance_id)
    tamper(home, f"UPDATE allowance SET {column} = {CHANGES[column]}")
    assert not await ledger.consents.is_allowed(outbound(), Level.A1)
    assert await status(ledger, key="one") is Status.AWAITING_APPROVAL
    assert await ledger.consents.allowances() == []


async def test_an_allowance_cannot_be_given_to_another_number(ledger: Ledger, home: Path) -> None:
    await allow(ledger, count=5)
    await status(ledger, OTHER, key="to learn the other one's reference")
    tamper(home, "UPDATE allowance SET contact = (SELECT contact FROM outbound LIMIT 1)")
    assert await status(ledger, OTHER, key="two") is Status.AWAITING_APPROVAL


async def test_an_allowance_that_somebody_made_of_another_one_allows_nothing(ledger: Ledger, home: Path) -> None:
    await allow(ledger)
    tamper(
        home,
        "INSERT INTO allowance SELECT 'al_mine', contact, sealed, channel, carrier, level, via, created_at, "
        "expires_at, 99, max_chars, links, media_host, revoked_at, proof FROM allowance",
    )
    assert await status(ledger, key="one") is Status.APPROVED
    assert await status(ledger, key="two") is Status.AWAITING_APPROVAL


async def test_one_without_a_proof_from_before_allows_nothing(ledger: Ledger, home: Path) -> None:
    await allow(ledger)
    tamper(home, "UPDATE allowance SET proof = NULL")
    assert await status(ledger, key="one") is Status.AWAITING_APPROVAL


async def test_a_spent_one_keeps_counting_down_and_a_forged_one_does_not_stand_in_its_way(
    ledger: Ledger, home: Path
) -> None:
    first = await allow(ledger, count=1)
    await allow(ledger, count=2)
    tamper(home, "UPDATE allowance SET remaining = 99 WHERE id = ?", first)
    found = [await status(ledger, key=f"text {at}") for at in range(3)]
    assert found == [Status.APPROVED, Status.APPROVED, Status.AWAITING_APPROVAL]


async def test_taking_back_a_forged_one_makes_it_no_better(ledger: Ledger, home: Path) -> None:
    allowance_id = await allow(ledger)
    tamper(home, "UPDATE allowance SET remaining = 99")
    assert await ledger.consents.revoke(allowance_id)
    tamper(home, "UPDATE allowance SET revoked_at = NULL, remaining = 1")
    assert await status(ledger, key="one") is Status.AWAITING_APPROVAL
