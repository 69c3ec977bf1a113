"""A rotated key: everything goes on as before, and the old key opens nothing."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier
from ringback_support.installation import PICTURE, TEXT, TO, YES, opened, want
from ringback_support.open_rules import voiced

from ringback.clock import SystemClock
from ringback.errors import ConfigurationError, LedgerError
from ringback.keys import load_keyring
from ringback.ledger.consents import Grant
from ringback.ledger.records import Level
from ringback.model.news import ReceivedText, StatusNews
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Acceptance, Channel, Report
from ringback.model.status import Status
from ringback.rotation import Rotated, rotate
from ringback.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ringback.opening import Ringback

OTHER = "+14155550199"
OLD_KEY = "b2xkIG9sZCBvbGQgb2xkIG9sZCBvbGQgb2xkIG9sZCA="
NEW_KEY = "cmluZ2JhY2sgcmluZ2JhY2sgcmluZ2JhY2sgcmluZ2I="
STEPS = ["rotate.begin", "rotate.commit", "rotate.committed"]


def real(home: Path, carrier: FakeCarrier | None = None) -> AbstractAsyncContextManager[Ringback]:
    return opened(home, carrier or FakeCarrier(), clock=SystemClock())


async def fill(ringback: Ringback) -> dict[str, str]:
    """One of each kind of row; ids by what they are."""
    sent = await want(ringback.telephone, Channel.SMS, text="sent", idempotency_key="first")
    await ringback.person.answer(sent.id, YES)
    waiting = await want(ringback.telephone, Channel.VOICE, text="waiting")
    scheduled = await ringback.telephone.send_sms(TO, "scheduled", send_at=later())
    await ringback.person.answer(scheduled.id, YES)
    picture = Grant(Channel.MMS, "sandbox", 3600, 3, 480, media_host="example.com")
    await ringback.ledger.consents.allow(PhoneNumber(TO), picture, level=Level.A2, via="terminal")
    await ringback.ledger.inbox.add("sandbox", ReceivedText("in-1", OTHER, "I write back", 0.0))
    await ringback.ledger.deliveries.reported("sandbox", StatusNews("id-2", Report(Status.DELIVERED)))
    return {"sent": sent.id, "waiting": waiting.id, "scheduled": scheduled.id}


def files_of(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.glob("ledger.db*"))


ROTATE = """
import os, sys
from pathlib import Path
import ringback.rotation, ringback.steps
from ringback.settings import Settings

step, home = sys.argv[1], Path(sys.argv[2])

def die(reached):
    if reached == step:
        os._exit(9)

ringback.steps.listener = die
if step == "in place":
    ringback.rotation.put_in_place = lambda *_: os._exit(9)
ringback.rotation.rotate(Settings(home=home))
"""


def rotated_in_a_process_that_ends_at(step: str, home: Path) -> int:
    """Rotate in a process of its own, which ends at once when it comes to that step; its exit code."""
    return subprocess.run([sys.executable, "-c", ROTATE, step, str(home)], check=False, timeout=60).returncode


def later() -> str:
    return (SystemClock().now() + timedelta(hours=1)).isoformat()


async def test_after_a_rotation_everything_goes_on_as_before(home: Path) -> None:
    async with real(home) as ringback:
        ids = await fill(ringback)
        contact = (await ringback.telephone.status(ids["sent"])).contact
    assert rotate(Settings(home=home)) == Rotated(outbounds=3, received=1, allowances=1, passkeys=0)
    carrier = FakeCarrier()
    carrier.outcomes = [Acceptance("id-2", Status.ACCEPTED), Acceptance("id-3", Status.ACCEPTED)]
    async with real(home, carrier) as ringback:
        again = await want(ringback.telephone, Channel.SMS, text="sent", idempotency_key="first")
        assert (again.id, again.repeated, again.contact != contact) == (ids["sent"], True, True)
        answered = await ringback.person.answer(ids["waiting"], YES)
        assert answered.status == "delivered", "the report that was parked under the old key is joined"
        picture = await ringback.telephone.send_mms(TO, "allowed", PICTURE)
        assert (picture.status, picture.approval) == ("accepted", "A0")
        assert [item.text for item in carrier.sent] == [voiced("waiting"), "allowed"]
        received = [item for item in (await ringback.telephone.history()).items if item.status == "received"]
        assert [item.untrusted_text for item in received] == ["I write back"]
        assert await ringback.ledger.inbox.add("sandbox", ReceivedText("in-1", OTHER, "I write back", 0.0)) is None


async def test_what_was_scheduled_under_the_old_key_goes_out_under_the_new_one(home: Path) -> None:
    async with real(home) as ringback:
        ids = await fill(ringback)
    rotate(Settings(home=home))
    carrier = FakeCarrier()
    async with real(home, carrier) as ringback:
        record = await ringback.ledger.outbounds.get(ids["scheduled"])
        await ringback.dispatcher._approvals.verify(record)


async def test_an_answer_that_did_not_fit_the_old_key_does_not_fit_the_new_one(home: Path) -> None:
    async with real(home) as ringback:
        ids = await fill(ringback)
        with ringback.ledger.database.transaction("edit"):
            connection = ringback.ledger.database._connection
            connection.execute("UPDATE outbound SET send_at = send_at - 3600 WHERE id = ?", (ids["scheduled"],))
    rotate(Settings(home=home))
    carrier = FakeCarrier()
    async with real(home, carrier) as ringback:
        await ringback.telephone.tend()
        receipt = await ringback.telephone.status(ids["scheduled"])
    assert (receipt.status, receipt.reason) == ("refused", "approval_mismatch")
    assert carrier.sent == []


async def test_nothing_in_the_file_is_left_that_the_old_key_finds_or_opens(home: Path) -> None:
    async with real(home) as ringback:
        await fill(ringback)
        old = ringback.keyring
        rows = ringback.ledger.database._connection.execute("SELECT * FROM outbound").fetchall()
        left = [row[column] for row in rows for column in ("wish", "key", "carrier_ref", "sealed", "outcome")]
        left += [old.contact(PhoneNumber(number)).encode() for number in (TO, OTHER)]
    rotate(Settings(home=home))
    found = files_of(home)
    assert [value for value in left if value is not None and value in found] == []
    assert load_keyring(None, home / "key").fingerprint != old.fingerprint


async def test_a_process_that_runs_on_with_the_old_key_writes_nothing(home: Path) -> None:
    carrier = FakeCarrier()
    async with real(home, carrier) as ringback:
        waiting = await want(ringback.telephone, Channel.SMS)
        rotate(Settings(home=home))
        with pytest.raises(LedgerError):
            await want(ringback.telephone, Channel.SMS, text=f"{TEXT} Again.")
        with pytest.raises(LedgerError):
            await ringback.person.answer(waiting.id, YES)
    assert carrier.sent == []


@pytest.mark.parametrize("step", [*STEPS, "in place"])
async def test_a_rotation_that_is_killed_leaves_a_ledger_that_opens(home: Path, step: str) -> None:
    async with real(home) as installation:
        ids = await fill(installation)
    before = load_keyring(None, home / "key").fingerprint

    assert rotated_in_a_process_that_ends_at(step, home) == 9
    async with real(home) as installation:
        assert (await installation.telephone.status(ids["waiting"])).status == "awaiting_approval"
        rotated = step in {"rotate.committed", "in place"}
        assert (installation.keyring.fingerprint != before) is rotated
    assert (load_keyring(None, home / "key").fingerprint != before) is rotated
    rotate(Settings(home=home))


async def test_a_key_from_the_environment_is_rotated_to_one_that_is_given(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGBACK_KEY", OLD_KEY)
    settings = Settings(home=home)
    with pytest.raises(ConfigurationError, match="RINGBACK_KEY"):
        rotate(settings)
    async with opened(home, FakeCarrier(), clock=SystemClock()) as ringback:
        ids = await fill(ringback)
    rotate(settings, NEW_KEY)
    with pytest.raises(LedgerError, match="another key"):
        async with opened(home, FakeCarrier(), clock=SystemClock()):
            pass
    async with opened(home, FakeCarrier(), clock=SystemClock(), key=NEW_KEY) as ringback:
        assert (await ringback.telephone.status(ids["waiting"])).status == "awaiting_approval"
