"""The doctor's look at the ledger and its key: doubt, the schedule, the file's structure, the clock, a half change."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sqlite3
import time
from collections import namedtuple
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from ringback_support.fakes import FakeCarrier

from ringback.carriers.routes import Carriers, parse_routes
from ringback.clock import SystemClock
from ringback.errors import CarrierUnreachable
from ringback.keys import Keyring, create_key, load_keyring, next_key_path
from ringback.ledger import open_ledger
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.model.status import Status
from ringback.rotation import rotate
from ringback.settings import load_settings
from ringback_server import doctor
from ringback_server.doctor import Diagnosis, diagnose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = "+12025550123"
TEXT = "Heliotrope marmalade at nine"


def fill(place: Path, status: Status, count: int = 1, *, in_s: float | None = None, carrier: str = "") -> list[str]:
    """A ledger with some outbounds of one status; their ids."""

    async def run() -> list[str]:
        ledger = open_ledger(place / "ledger.db", load_keyring(None, place / "key"), SystemClock())
        ids = []
        for number in range(count):
            due = None if in_s is None else time.time() + in_s
            wish = Outbound(Channel.SMS, PhoneNumber(NUMBER), carrier or "thinkfleetbot", f"{TEXT} {number}", None, due)
            record, _ = await ledger.outbounds.add(wish, key=None, spend=None)
            await ledger.outbounds.move(record.id, {record.status}, status, reason="test")
            ids.append(record.id)
        await ledger.close()
        return ids

    return asyncio.run(run())


def others(found: Diagnosis) -> list[str]:
    """The problems but for the carrier's, which never answers here."""
    return [problem for problem in found.problems if "could not be reached" not in problem]


def warned(words: str) -> bool:
    return any(words in warning for warning in diagnose().warnings)


@pytest.fixture
def listening() -> Iterator[int]:
    """A port on which somebody takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def announce(place: Path, name: str, port: int) -> None:
    (place / name).mkdir()
    told = {"url": f"http://127.0.0.1:{port}", "pid": os.getpid()}
    (place / name / "endpoint.json").write_text(json.dumps(told))


# -- doubt -----------------------------------------------------------------------------------------------------------


def test_what_is_in_doubt_is_named_with_what_a_person_can_do(place: Path) -> None:
    ids = fill(place, Status.UNKNOWN, 2)
    found = diagnose()
    assert found.facts["ledger"]["in_doubt"] == {"count": 2, "ids": ids}
    (warning,) = (text for text in found.warnings if text.startswith("2 may or may not"))
    assert all(outbound_id in warning for outbound_id in ids)
    assert "ringback resolve ID sent|not-sent" in warning


def test_of_many_in_doubt_ten_are_named_and_all_are_counted(place: Path) -> None:
    ids = fill(place, Status.UNKNOWN, 12)
    found = diagnose()
    assert found.facts["ledger"]["in_doubt"] == {"count": 12, "ids": ids[:10]}
    assert warned("and 2 more")


# -- the schedule ----------------------------------------------------------------------------------------------------


def test_the_next_time_is_told_and_that_nothing_is_seen_to_send_it(place: Path) -> None:
    fill(place, Status.SCHEDULED, 2, in_s=3600)
    found = diagnose()
    told = found.facts["ledger"]["scheduled"]
    assert (told["count"], told["overdue"]) == (2, 0)
    assert abs(datetime.fromisoformat(told["next"]).timestamp() - time.time() - 3600) < 60
    (warning,) = (text for text in found.warnings if text.startswith("2 scheduled, the next on "))
    assert "whether one runs cannot be seen from here" in warning
    assert "ringback serve" in warning


@pytest.mark.parametrize("sender", ["serve", "console"])
def test_where_a_sender_runs_it_is_not_missed(place: Path, listening: int, sender: str) -> None:
    fill(place, Status.SCHEDULED, in_s=3600)
    announce(place, sender, listening)
    found = diagnose()
    assert found.facts["processes"][sender]["pid"] == os.getpid()
    assert not warned("neither ringback serve")


def test_a_sandbox_is_no_sender(place: Path, listening: int) -> None:
    fill(place, Status.SCHEDULED, in_s=3600)
    announce(place, "sandbox", listening)
    assert warned("neither ringback serve")


@pytest.mark.parametrize(("in_s", "late"), [(-300, 1), (-30, 0), (300, 0)])
def test_what_should_have_gone_out_by_now_is_told(place: Path, in_s: float, late: int) -> None:
    fill(place, Status.SCHEDULED, in_s=in_s)
    assert diagnose().facts["ledger"]["scheduled"]["overdue"] == late
    assert warned("1 scheduled should have gone out by now") == bool(late)


def test_what_is_scheduled_for_another_carrier_is_told(place: Path) -> None:
    fill(place, Status.SCHEDULED, in_s=300)
    assert not warned("another carrier")
    fill(place, Status.SCHEDULED, 2, in_s=400, carrier="sandbox")
    assert warned("2 scheduled are for another carrier than thinkfleetbot")


def test_where_nothing_is_scheduled_nothing_is_missed(place: Path) -> None:
    fill(place, Status.DELIVERED)
    assert diagnose().facts["ledger"]["scheduled"] == {"count": 0}
    assert not warned("scheduled")


# -- the file --------------------------------------------------------------------------------------------------------


def test_a_whole_file_is_told_to_be_whole(place: Path) -> None:
    fill(place, Status.DELIVERED)
    found = diagnose()
    assert (found.facts["ledger"]["whole"], found.facts["ledger"]["writable"]) == (True, True)
    assert found.facts["ledger"]["wal_bytes"] >= 0
    assert others(found) == []


def test_a_file_whose_pages_were_spoilt_is_a_problem(place: Path) -> None:
    fill(place, Status.DELIVERED, 200)
    path = place / "ledger.db"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page_size = database.execute("PRAGMA page_size").fetchone()[0]
        pages = {row[0] for row in database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'outbound_wish'")}
    database.close()
    content = bytearray(path.read_bytes())
    for page in pages:
        content[(page - 1) * page_size : page * page_size] = b"\x0a" + bytes(page_size - 1)
    path.write_bytes(content)
    found = diagnose()
    assert any("damaged" in problem or "cannot be read" in problem for problem in others(found))
    assert TEXT not in json.dumps(found.as_dict())


def test_a_log_that_has_grown_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringback_server.doctor_ledger._LARGE_WAL", 10)
    fill(place, Status.DELIVERED)
    reader = sqlite3.connect(place / "ledger.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM outbound").fetchone()
    fill(place, Status.UNKNOWN)
    found = diagnose()
    reader.close()
    assert found.facts["ledger"]["wal_bytes"] > 10
    assert any("log beside it" in warning for warning in found.warnings)


def test_little_room_on_the_disk_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's own
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**9, 10**9, 5 * 1024**2))
    assert warned("Only 5 MB are free there.")


# -- settings and clock ----------------------------------------------------------------------------------------------


def test_what_is_kept_and_where_callbacks_come_in_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGBACK_RETENTION_DAYS", "7")
    monkeypatch.setenv("RINGBACK_PUBLIC_URL", "https://public.example/with/a/secret")
    told = diagnose().facts["settings"]
    assert (told["retention_days"], told["schedule_grace_s"], told["serve_port"]) == (7, 900.0, 8426)
    assert told["public_url"] == "https://public.example"


@pytest.mark.parametrize(("offset", "broken"), [(None, False), (299.0, False), (-299.0, False), (301.0, True)])
def test_a_clock_far_from_the_carriers_is_a_problem(
    place: Path, monkeypatch: pytest.MonkeyPatch, offset: float | None, broken: bool
) -> None:
    carrier = FakeCarrier("thinkfleetbot", live=True)
    carrier.clock_offset_s = offset
    monkeypatch.setattr("ringback.carriers.registry.build_carriers", lambda _: Carriers.only(carrier))
    found = diagnose()
    assert any("clock is 301 s off" in problem for problem in found.problems) == broken
    assert found.facts["carrier"].get("clock_offset_s") == offset


# -- the key ---------------------------------------------------------------------------------------------------------


def test_a_whole_change_of_the_key_leaves_nothing_to_tell(place: Path) -> None:
    fill(place, Status.UNKNOWN)
    rotate(load_settings())
    found = diagnose()
    assert found.facts["key"]["unfinished_rotation"] is False
    assert found.facts["ledger"]["outbounds"] == {"unknown": 1}
    assert others(found) == []


def test_a_key_that_was_never_put_in_force_is_to_be_removed(place: Path) -> None:
    fill(place, Status.UNKNOWN)
    following = next_key_path(place / "key", Keyring(b"n" * 32))
    create_key(following, b"n" * 32)
    found = diagnose()
    assert found.facts["key"]["unfinished_rotation"] is True
    assert warned(f"before it changed anything. Remove {following}")
    assert others(found) == []


def test_a_key_that_is_in_force_and_not_in_place_is_to_be_kept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(place, Status.UNKNOWN)
    old = (place / "key").read_text().strip()
    monkeypatch.setattr("ringback.rotation.put_in_place", lambda *_: None)
    rotate(load_settings())
    with monkeypatch.context() as context:
        context.setenv("RINGBACK_KEY", old)
        (text,) = (warning for warning in diagnose().warnings if "cut off" in warning)
        assert "keep it. Set RINGBACK_KEY" in text
    (text,) = (warning for warning in diagnose().warnings if "cut off" in warning)
    assert "The next use of ringback puts it in its place." in text
    assert others(diagnose()) == []


# -- carriers --------------------------------------------------------------------------------------------------------


def test_of_several_carriers_each_is_asked_and_told_by_its_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, calls = FakeCarrier("texts"), FakeCarrier("calls", live=True)
    calls.line_error = CarrierUnreachable("The carrier could not be reached.")
    carriers = Carriers(parse_routes("texts,voice=calls"), {"texts": texts, "calls": calls})
    monkeypatch.setattr("ringback.carriers.registry.build_carriers", lambda _: carriers)
    found = diagnose()
    told = found.facts["carrier"]
    assert (told["answers"], told["texts"]["answers"], told["calls"]["answers"]) == (False, True, False)
    assert any(problem.startswith("The carrier calls cannot be asked") for problem in found.problems)
