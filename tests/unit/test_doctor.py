"""The doctor: each part is looked at by itself, faults are named, and no secret is shown."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from ringback.keys import load_keyring
from ringback.ledger import open_ledger
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import Status
from ringback_server import doctor
from ringback_server.doctor import Diagnosis, diagnose, running_process

if TYPE_CHECKING:
    from pathlib import Path

NUMBER = "+12025550123"
TEXT = "Heliotrope marmalade at nine"
URL_SECRET, KEY_SECRET = "hidden-in-the-url", "hidden-carrier-key"


@pytest.fixture
def place(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder, with secrets in the carrier's settings."""
    monkeypatch.setenv("SAAS_API_URL", f"http://127.0.0.1:9/{URL_SECRET}")
    monkeypatch.setenv("SAAS_API_KEY", KEY_SECRET)
    return place


class Clock:
    """A clock that stands still."""

    def now(self) -> Any:
        from datetime import UTC, datetime

        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


def fill(place: Path, *statuses: Status) -> None:
    """A ledger with one outbound of each status."""

    async def run() -> None:
        ledger = open_ledger(place / "ledger.db", load_keyring(None, place / "key"), Clock())
        for count, status in enumerate(statuses):
            outbound = Outbound(Channel.SMS, PhoneNumber(NUMBER), "thinkfleetbot", f"{TEXT} {count}")
            record, _ = await ledger.outbounds.add(outbound, key=None, spend=None)
            await ledger.outbounds.move(record.id, {record.status}, status, reason="test")
        await ledger.close()

    asyncio.run(run())


def others(found: Diagnosis) -> list[str]:
    """The problems but for the carrier's, which never answers here."""
    return [problem for problem in found.problems if "could not be reached" not in problem]


def test_a_carrier_that_does_not_answer_is_a_problem_and_hides_nothing_else(place: Path) -> None:
    fill(place, Status.AWAITING_APPROVAL)
    found = diagnose()
    assert any("could not be reached" in problem for problem in found.problems)
    assert found.facts["carrier"] == {"name": "thinkfleetbot", "answers": False}
    assert found.facts["ledger"]["writable"] is True
    assert others(found) == []
    assert found.as_dict()["ok"] is False


def test_outbounds_are_counted_by_status_and_doubt_is_pointed_at(place: Path) -> None:
    fill(place, Status.AWAITING_APPROVAL, Status.UNKNOWN, Status.UNKNOWN, Status.DELIVERED)
    found = diagnose()
    assert found.facts["ledger"]["outbounds"] == {"awaiting_approval": 1, "delivered": 1, "unknown": 2}
    assert found.facts["ledger"]["awaiting_approval"] == 1
    assert any(warning.startswith("2 may or may not have gone out") for warning in found.warnings)


def test_no_secret_no_number_and_no_text_is_shown(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, Status.UNKNOWN)
    secret_key = (place / "key").read_text().strip()
    monkeypatch.setenv("RINGBACK_KEY", secret_key)
    told = json.dumps(diagnose().as_dict())
    for secret in (secret_key, URL_SECRET, KEY_SECRET, NUMBER, TEXT):
        assert secret not in told
    assert '"saas_api_key": "set"' in told
    assert '"saas_api_url": "http://127.0.0.1"' in told
    assert '"source": "RINGBACK_KEY"' in told


def test_looking_makes_neither_ledger_nor_key(place: Path) -> None:
    found = diagnose()
    assert list(place.iterdir()) == []
    assert found.facts["ledger"]["exists"] is False
    assert found.facts["key"]["file_exists"] is False


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_key_that_others_can_read_is_a_problem(place: Path) -> None:
    fill(place)
    (place / "key").chmod(0o640)
    assert any("chmod 600" in problem for problem in others(diagnose()))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_folder_that_anybody_can_write_or_look_into_is_warned_about(place: Path) -> None:
    assert not [warning for warning in diagnose().warnings if str(place) in warning]
    place.chmod(0o777)
    warnings = diagnose().warnings
    assert any(f"replace what lies in {place}:" in warning for warning in warnings)
    assert any(warning.endswith(f"chmod 700 {place}") for warning in warnings)


def test_a_ledger_without_its_key_is_a_problem(place: Path) -> None:
    fill(place)
    (place / "key").unlink()
    assert any("key is missing" in problem for problem in others(diagnose()))


def test_a_ledger_with_another_key_is_a_problem_and_is_still_counted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place, Status.AWAITING_APPROVAL)
    monkeypatch.setenv("RINGBACK_KEY", "ab" * 32)
    found = diagnose()
    assert any("made with another key" in problem for problem in others(found))
    assert found.facts["ledger"]["outbounds"] == {"awaiting_approval": 1}


def test_a_ledger_of_a_newer_version_is_a_problem(place: Path) -> None:
    fill(place)
    database = sqlite3.connect(place / "ledger.db")
    database.execute("PRAGMA user_version = 999")
    database.close()
    assert any("version 999" in problem for problem in others(diagnose()))


def test_a_damaged_ledger_is_a_problem(place: Path) -> None:
    fill(place)
    (place / "ledger.db").write_bytes(b"this is no database" * 500)
    assert any("cannot be read" in problem for problem in others(diagnose()))


def test_a_ledger_that_somebody_holds_for_good_is_a_problem(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback.ledger.database._BUSY_TIMEOUT_MS", 50)
    fill(place, Status.AWAITING_APPROVAL)
    holder = sqlite3.connect(place / "ledger.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    found = diagnose()
    holder.close()
    assert any("locked" in problem for problem in others(found))
    assert "writable" not in found.facts["ledger"]


@pytest.mark.parametrize("setting", ["RINGBACK_APPROVAL", "RINGBACK_SANDBOX_PORT"])
def test_settings_that_cannot_be_read_are_one_problem_without_their_values(
    place: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    monkeypatch.setenv(setting, "hidden-value")
    found = diagnose()
    (problem,) = found.problems
    assert "cannot be read" in problem
    assert "hidden-value" not in json.dumps(found.as_dict())
    assert found.facts["versions"]["ringback"]


def test_a_setting_that_nothing_reads_is_pointed_at(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_APROVAL", "hidden-value")
    told = diagnose().warnings
    assert "Nothing reads these settings: RINGBACK_APROVAL." in told


def test_what_the_level_of_approval_is_worth_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(level: str, words: str) -> bool:
        monkeypatch.setenv("RINGBACK_APPROVAL", level)
        return any(words in warning for warning in diagnose().warnings)

    assert said("client", "client's word")
    assert not said("page", "client's word")
    assert said("page", "Approvals do not hold against it")
    assert said("passkey", "takes a passkey on the page")


def test_a_check_that_breaks_is_a_problem_and_the_others_go_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> int:
        raise RuntimeError(TEXT)

    fill(place)
    monkeypatch.setattr(doctor, "_size", broken)
    found = diagnose()
    assert others(found) == ["The data could not be looked at: RuntimeError."]
    assert found.facts["ledger"]["writable"] is True


def test_missing_libraries_are_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = doctor.version

    def version(name: str) -> str:
        if name in {"stamina", "mcp"}:
            raise doctor.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor, "version", version)
    found = diagnose()
    assert others(found) == ["The library stamina is missing. Install ringback again."]
    assert any("ringback[mcp]" in warning for warning in found.warnings)
    assert {"httpx2", "jinja2", "pydantic-settings"} <= set(found.facts["versions"]["libraries"])


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "{",
        "[]",
        '{"url": 1, "pid": "x"}',
        '{"url": "http://127.0.0.1:9", "pid": 1}',
        '{"url": "http://127.0.0.1:1", "pid": 99999999999999999999}',
    ],
)
def test_a_process_that_does_not_answer_does_not_run(tmp_path: Path, endpoint: str | None) -> None:
    if endpoint is not None:
        (tmp_path / "endpoint.json").write_text(endpoint)
    assert running_process(tmp_path) is None
