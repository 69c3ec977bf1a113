"""Level A3 below the page: what a passkey signs, what its yes covers, and rows that nobody else can write."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from ringback_support.fakes import FakeCarrier, FakeClock
from ringback_support.installation import TEXT, TO, approved, grant, ledger_in, opened, stored, want

from ringback.approvals import Answer
from ringback.errors import Refused
from ringback.keys import Keyring
from ringback.ledger.records import Choice, Level
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel
from ringback.settings import ApprovalFloor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from ringback.ledger import Ledger
    from ringback.ledger.passkeys import Passkey
    from ringback.opening import Ringback


def tamper(home: Path, statement: str, *values: object) -> None:
    """What somebody does who can write the ledger's file and has no key."""
    connection = sqlite3.connect(home / "ledger.db", isolation_level=None)
    connection.execute("DROP TRIGGER IF EXISTS approval_is_append_only")
    connection.execute(statement, values)
    connection.close()


# -- what a passkey signs ---------------------------------------------------------------------------------------------


@pytest.fixture
def carrier() -> FakeCarrier:
    return FakeCarrier()


@pytest.fixture
async def ringback(home: Path, carrier: FakeCarrier) -> AsyncIterator[Ringback]:
    async with opened(home, carrier, approval=ApprovalFloor.PASSKEY) as installation:
        yield installation


async def signed(ringback: Ringback, outbound_id: str, choice: Choice = Choice.ONCE) -> Answer:
    """The answer of a page whose passkey signed just this."""
    nonce = await ringback.person.ask_client(outbound_id)
    assert nonce is not None
    challenge = await ringback.person.challenge(outbound_id, choice, nonce)
    return Answer(choice, Level.A3, "page", nonce=nonce, challenge=challenge)


async def refused(ringback: Ringback, outbound_id: str, answer: Answer) -> str:
    with pytest.raises(Refused) as caught:
        await ringback.person.answer(outbound_id, answer)
    return caught.value.rule


async def test_what_a_passkey_signed_is_sent_once_at_level_a3(ringback: Ringback, carrier: FakeCarrier) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    answer = await signed(ringback, waiting.id)
    for _ in range(3):
        receipt = await ringback.person.answer(waiting.id, answer)
        assert (receipt.status, receipt.approval) == ("accepted", "A3")
    assert [outbound.text for outbound in carrier.sent] == [TEXT]


async def test_each_outbound_choice_and_nonce_has_a_challenge_of_its_own(ringback: Ringback) -> None:
    one, two = [await want(ringback.telephone, Channel.SMS, text=text) for text in ("one", "two")]
    challenges = {
        await ringback.person.challenge(waiting.id, choice, nonce)
        for waiting in (one, two)
        for choice in (Choice.ONCE, Choice.DAY)
        for nonce in ("n", "m")
    }
    assert len(challenges) == 8


async def test_what_was_signed_for_another_outbound_is_refused(ringback: Ringback, carrier: FakeCarrier) -> None:
    one, two = [await want(ringback.telephone, Channel.SMS, text=text) for text in ("one", "two")]
    answer, own = await signed(ringback, one.id), await signed(ringback, two.id)
    assert await refused(ringback, two.id, answer) == "approval_mismatch"
    assert await refused(ringback, two.id, replace(answer, nonce=own.nonce)) == "approval_mismatch"
    assert carrier.sent == []


@pytest.mark.parametrize(
    "change",
    [
        {"challenge": None},
        {"challenge": b""},
        {"challenge": bytes(32)},
        {"nonce": None},
        {"nonce": ""},
        {"nonce": "another"},
        {"choice": Choice.DAY},
        {"nonce": None, "challenge": None},
        {"nonce": None, "challenge": b""},
    ],
)
async def test_an_answer_of_level_a3_that_lacks_what_was_signed_is_refused(
    ringback: Ringback, carrier: FakeCarrier, change: dict[str, Any]
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    answer = await signed(ringback, waiting.id)
    assert await refused(ringback, waiting.id, replace(answer, **change)) == "approval_mismatch"
    assert carrier.sent == []
    assert (await ringback.person.answer(waiting.id, answer)).status == "accepted"


async def test_a_challenge_that_was_asked_for_before_the_last_one_counts_no_more(
    ringback: Ringback, carrier: FakeCarrier
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    stale, fresh = await signed(ringback, waiting.id), await signed(ringback, waiting.id)
    assert (await ringback.person.answer(waiting.id, stale)).status == "awaiting_approval"
    assert carrier.sent == []
    assert (await ringback.person.answer(waiting.id, fresh)).status == "accepted"


async def test_a_wish_whose_time_was_changed_after_the_signing_is_refused(
    ringback: Ringback, home: Path, carrier: FakeCarrier
) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    answer = await signed(ringback, waiting.id)
    tamper(home, "UPDATE outbound SET expires_at = expires_at + 3600")
    assert await refused(ringback, waiting.id, answer) == "approval_mismatch"
    assert carrier.sent == []


async def test_a_refusal_for_its_level_names_the_page_and_no_terminal(ringback: Ringback) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    with pytest.raises(Refused) as caught:
        await ringback.person.answer(waiting.id, Answer(Choice.ONCE, Level.A2, "terminal", digits=TO[-4:]))
    assert caught.value.rule == "approval_level"
    assert "ringback console" in caught.value.hint
    assert "ringback approve" not in caught.value.hint


async def test_a_day_of_trust_that_was_signed_covers_the_next_text(ringback: Ringback, carrier: FakeCarrier) -> None:
    waiting = await want(ringback.telephone, Channel.SMS)
    await ringback.person.answer(waiting.id, await signed(ringback, waiting.id, Choice.DAY))
    assert (await want(ringback.telephone, Channel.SMS, text="the next")).approval == "A0"
    assert len(carrier.sent) == 2


# -- what was answered cannot be made into something else --------------------------------------------------------------


@pytest.mark.parametrize("choice", [Choice.NO, Choice.DISMISSED])
async def test_a_no_that_is_copied_as_a_yes_is_none(
    ringback: Ringback, home: Path, carrier: FakeCarrier, choice: Choice
) -> None:
    record = await stored(ringback.ledger)
    await ringback.person.answer(record.id, Answer(choice, Level.A1, "client:claude"))
    tamper(
        home,
        "INSERT INTO approval SELECT 99, outbound_id, digest, 'once', 'A3', 'page', answered_at FROM approval",
    )
    tamper(home, "UPDATE outbound SET status = 'approved'")
    await ringback.telephone.tend()
    receipt = await ringback.telephone.status(record.id)
    assert (receipt.status, receipt.reason, carrier.sent) == ("refused", "approval_mismatch", [])


@pytest.mark.parametrize("change", ["level = 'A3'", "level = 'A3', via = 'page'", "choice = 'allowance'"])
async def test_an_answer_that_is_raised_to_what_counts_here_is_none(
    ringback: Ringback, home: Path, carrier: FakeCarrier, change: str
) -> None:
    record = await approved(ringback.ledger)
    tamper(home, f"UPDATE approval SET {change}")
    await ringback.telephone.tend()
    receipt = await ringback.telephone.status(record.id)
    assert (receipt.status, receipt.reason, carrier.sent) == ("refused", "approval_mismatch", [])


# -- the rows ---------------------------------------------------------------------------------------------------------

CREDENTIAL = {"credential_id": b"credential", "public_key": b"public key", "sign_count": 7, "label": "Anna's phone"}


def written(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.iterdir())


async def added(ledger: Ledger, **changes: Any) -> Passkey:
    passkey = await ledger.passkeys.add(**{**CREDENTIAL, **changes})
    assert passkey is not None
    return passkey


async def test_a_passkey_is_found_by_its_credential_and_keeps_what_was_given(ledger: Ledger) -> None:
    passkey = await added(ledger)
    assert await ledger.passkeys.find(b"credential") == passkey
    assert await ledger.passkeys.find(b"another") is None
    assert await ledger.passkeys.present() == [passkey]
    assert (passkey.label, passkey.sign_count, passkey.used_at) == ("Anna's phone", 7, None)


async def test_one_credential_is_stored_once(ledger: Ledger) -> None:
    passkey = await added(ledger)
    assert await ledger.passkeys.add(**{**CREDENTIAL, "public_key": b"other"}) is None
    assert await ledger.passkeys.present() == [passkey]


async def test_the_name_of_a_passkey_stands_nowhere_in_plain(ledger: Ledger, home: Path) -> None:
    passkey = await added(ledger)
    assert "Anna" not in repr(passkey)
    assert b"Anna" not in written(home)


@pytest.mark.parametrize(("counter", "counts"), [(6, False), (7, False), (0, False), (8, True), (4_000_000_000, True)])
async def test_a_counter_must_grow(ledger: Ledger, clock: FakeClock, counter: int, counts: bool) -> None:
    passkey = await added(ledger)
    clock.move(60)
    assert await ledger.passkeys.use(passkey, counter) is counts
    (now,) = await ledger.passkeys.present()
    assert now == (replace(passkey, sign_count=counter, used_at=passkey.created_at + 60) if counts else passkey)


async def test_an_authenticator_that_does_not_count_stays_at_zero(ledger: Ledger) -> None:
    passkey = await added(ledger, sign_count=0)
    assert await ledger.passkeys.use(passkey, 0)
    (passkey,) = await ledger.passkeys.present()
    assert await ledger.passkeys.use(passkey, 0)
    (passkey,) = await ledger.passkeys.present()
    assert await ledger.passkeys.use(passkey, 1)
    (passkey,) = await ledger.passkeys.present()
    assert not await ledger.passkeys.use(passkey, 0)


async def test_two_uses_of_one_reading_count_once(ledger: Ledger) -> None:
    passkey = await added(ledger)
    assert await ledger.passkeys.use(passkey, 8)
    assert not await ledger.passkeys.use(passkey, 9)


async def test_a_removed_passkey_is_found_no_more_and_stays_on_record(ledger: Ledger, clock: FakeClock) -> None:
    passkey = await added(ledger)
    clock.move(5)
    assert await ledger.passkeys.remove(passkey)
    assert await ledger.passkeys.find(b"credential") is None
    assert await ledger.passkeys.present() == []
    (gone,) = await ledger.passkeys.ever()
    assert gone.removed_at == passkey.created_at + 5
    assert not await ledger.passkeys.use(gone, 99)
    assert not await ledger.passkeys.remove(gone)


COLUMNS = {
    "id": "'pk_another'",
    "credential_id": "x'aa'",
    "public_key": "x'aa'",
    "sign_count": "0",
    "sealed": "x'aa'",
    "created_at": "created_at + 1",
    "used_at": "1.0",
    "removed_at": "NULL",
    "proof": "zeroblob(32)",
}


@pytest.mark.parametrize("column", COLUMNS)
async def test_a_row_that_was_altered_in_any_column_is_no_passkey(ledger: Ledger, home: Path, column: str) -> None:
    gone, kept = await added(ledger), await added(ledger, credential_id=b"kept")
    await ledger.passkeys.remove(gone)
    tamper(home, f"UPDATE passkey SET {column} = {COLUMNS[column]} WHERE id = ?", gone.id)
    assert await ledger.passkeys.ever() == [kept]
    assert await ledger.passkeys.forged() == 1


async def test_a_row_that_somebody_made_of_another_one_is_no_passkey(ledger: Ledger, home: Path) -> None:
    passkey = await added(ledger)
    tamper(
        home,
        "INSERT INTO passkey SELECT 'pk_mine', ?, ?, 0, sealed, created_at, used_at, NULL, proof FROM passkey",
        b"mine",
        b"my key",
    )
    assert await ledger.passkeys.find(b"mine") is None
    assert await ledger.passkeys.present() == [passkey]
    assert await ledger.passkeys.forged() == 1


async def test_a_row_of_another_installation_is_no_passkey(tmp_path: Path, home: Path, clock: FakeClock) -> None:
    with ledger_in(tmp_path / "theirs", clock, Keyring(bytes(32))) as theirs:
        await added(theirs)
    with ledger_in(home, clock) as ledger:
        connection = sqlite3.connect(home / "ledger.db", isolation_level=None)
        connection.execute("ATTACH ? AS theirs", (str(tmp_path / "theirs" / "ledger.db"),))
        connection.execute("INSERT INTO passkey SELECT * FROM theirs.passkey")
        connection.close()
        assert await ledger.passkeys.present() == []
        assert await ledger.passkeys.forged() == 1


def first_version(home: Path) -> None:
    """A ledger's file as the first version made it."""
    home.mkdir()
    first = files("ringback.ledger").joinpath("migrations", "0001_ledger.sql").read_text(encoding="utf-8")
    connection = sqlite3.connect(home / "ledger.db")
    connection.executescript(f"{first} PRAGMA user_version = 1")
    connection.close()


async def test_a_ledger_of_the_first_version_gets_what_it_lacks(home: Path, clock: FakeClock) -> None:
    first_version(home)
    with ledger_in(home, clock) as ledger:
        assert await ledger.passkeys.present() == []
        await added(ledger)
        await ledger.consents.allow(PhoneNumber(TO), grant(), level=Level.A2, via="page")
        assert len(await ledger.consents.allowances()) == 1
