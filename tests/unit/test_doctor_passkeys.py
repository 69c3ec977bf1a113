"""The doctor's look at passkeys."""

from __future__ import annotations

import asyncio
import sqlite3
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeClock

from ringback.keys import load_keyring
from ringback.ledger import open_ledger
from ringback_server import doctor_passkeys
from ringback_server.doctor import diagnose

if TYPE_CHECKING:
    from pathlib import Path

NONE = "until a passkey is registered"


def register(place: Path, *credentials: bytes) -> None:
    ledger = open_ledger(place / "ledger.db", load_keyring(None, place / "key"), FakeClock())
    for credential in credentials:
        asyncio.run(
            ledger.passkeys.add(credential_id=credential, public_key=b"key", sign_count=0, label="Anna's phone")
        )
    ledger.database.close()


def warned(words: str) -> bool:
    return any(words in warning for warning in diagnose().warnings)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_says_how_many_passkeys_there_are_and_nothing_of_them(place: Path, count: int) -> None:
    register(place, *(bytes([number]) for number in range(count)))
    found = diagnose()
    assert found.facts["passkeys"]["registered"] == count
    assert found.facts["passkeys"]["library"].startswith("3.")
    assert "Anna" not in str(found.as_dict())


def test_before_the_first_use_there_is_none(place: Path) -> None:
    assert diagnose().facts["passkeys"]["registered"] == 0
    assert not (place / "ledger.db").exists()


def test_where_a_passkey_is_needed_and_there_is_none_nothing_can_be_approved(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not warned(NONE)
    monkeypatch.setenv("RINGBACK_APPROVAL", "passkey")
    assert warned(NONE)
    register(place, b"one")
    assert not warned(NONE)


def test_where_a_passkey_is_needed_the_library_is_as_well(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    register(place, b"one")
    monkeypatch.setattr(doctor_passkeys, "version", missing)
    assert not warned("ringback[passkey]")
    monkeypatch.setenv("RINGBACK_APPROVAL", "passkey")
    assert warned("ringback[passkey]")


def test_a_passkey_that_somebody_wrote_is_told(place: Path) -> None:
    register(place, b"one", b"two")
    with sqlite3.connect(place / "ledger.db") as database:
        database.execute("UPDATE passkey SET public_key = x'00' WHERE credential_id = ?", (b"two",))
    database.close()
    assert diagnose().facts["passkeys"]["registered"] == 1
    assert warned("written by something else")
