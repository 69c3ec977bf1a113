"""How the console tells what became of something: late, missed, resolved, in doubt, erased, long ago."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.conftest import TO, YES, hidden
from tests.e2e.console.desk import desk

from ringback.errors import (
    CarrierError,
    CarrierRateLimited,
    CarrierUnavailable,
    CarrierUnreachable,
    CarrierUnreadable,
)
from ringback.model.news import ReceivedText
from ringback_server.console import passphrase

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.console.desk import Desk

HOUR = 3600.0
GRACE_S = 900.0
RETENTION_S = 30 * 86_400.0


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is not what is tested here."""
    monkeypatch.setitem(passphrase._COST, "n", 2**4)


async def words(at: Desk, path: str) -> str:
    """What a page says, without its tags, from its heading on."""
    answer = await at.get(path)
    assert answer.status_code == 200, answer.text
    main = answer.text.partition("<main")[2].partition("</main")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", "<main" + main).split())


async def test_a_late_one_says_why_it_is_late_and_for_how_long_it_is_tried(tmp_path: Path) -> None:
    for trouble, why in (
        (CarrierUnreachable("no way"), "The carrier could not be reached."),
        (CarrierRateLimited("later", retry_after=2.0), "The carrier asked to wait."),
    ):
        async with desk(tmp_path / trouble.code, signed=False) as at:
            outbound_id = await at.agreed("Late.", after_s=HOUR)
            assert "Its time has come" not in await words(at, "/scheduled")
            at.carrier.troubles.append(trouble)
            at.clock.advance(HOUR)
            await at.opened.telephone.tend()
            for path in ("/scheduled", f"/outbounds/{outbound_id}"):
                assert f"Its time has come. {why} It is tried for 15 min more;" in await words(at, path)
            at.clock.advance(GRACE_S / 2)
            await at.opened.telephone.tend()
            assert [sent.text for sent in at.carrier.sent] == ["Late."]
            assert "Nothing is scheduled" in await words(at, "/scheduled")


async def test_a_missed_one_is_told_as_missed_and_not_as_unanswered(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        outbound_id = await at.agreed("Missed.", after_s=HOUR)
        at.clock.advance(HOUR + GRACE_S + 1)
        await at.opened.telephone.tend()
        for path in ("/history", f"/outbounds/{outbound_id}"):
            told = await words(at, path)
            assert "Missed its time" in told
            assert "it is too late for it now; nothing was sent." in told
        assert "Was due Mon 1 Jun 2026, 13:00 UTC" in await words(at, "/history")
        assert at.carrier.sent == []


async def test_a_yes_to_one_time_is_no_yes_to_another(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        later = (at.clock.now() + timedelta(seconds=HOUR)).isoformat()
        receipt = await at.opened.telephone.send_sms(TO, "At one.", send_at=later)
        page = (await at.get()).text
        with sqlite3.connect(at.opened.settings.ledger_path) as database:
            database.execute("UPDATE outbound SET send_at = send_at + 1")
        database.close()
        answer = await at.answer(page)
        assert answer.status_code == 409
        assert "not what you were shown" in answer.text
        assert await at.status(receipt.id) == "awaiting_approval"


async def test_every_kind_of_doubt_says_in_a_sentence_what_happened(tmp_path: Path) -> None:
    for trouble, happened in (
        (CarrierUnavailable("reset"), "the connection broke, or the carrier answered with an error of its own."),
        (CarrierUnreadable("what?"), "the carrier answered something that cannot be read."),
        (CarrierError("a defect"), "Something failed in Ringback while it was handed over."),
    ):
        async with desk(tmp_path / trouble.code, signed=False) as at:
            at.carrier.troubles.append(trouble)
            outbound_id = await at.agreed("Perhaps.")
            told = await words(at, "/doubtful")
            assert happened in told
            assert "It may or may not have gone out." in told
            assert "Ask the recipient or look at" in told
            assert "It did not go out" in await words(at, f"/outbounds/{outbound_id}")


async def test_a_process_that_ended_in_the_middle_is_told_as_that(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        outbound_id = (await at.opened.telephone.send_sms(TO, "Cut off.")).id
        await at.opened.person._approvals.answer(outbound_id, YES)
        await at.opened.ledger.deliveries.claim(outbound_id, owner="elsewhere:1:1", lease_s=30.0)
        at.clock.advance(31)
        await at.opened.telephone.tend()
        assert "Ringback was ended while it handed this over" in await words(at, "/doubtful")


async def test_a_hostile_text_in_doubt_or_scheduled_stays_text_on_every_page(tmp_path: Path) -> None:
    body = '<script>x</script><a href="https://evil.example">\u202etxt ' + "🎁" * 700
    async with desk(tmp_path, signed=False) as at:
        at.carrier.troubles.append(CarrierUnavailable("reset", detail="<b>no</b> \u202eoops"))
        doubtful = await at.agreed(body)
        scheduled = await at.agreed(f"{body}.", after_s=HOUR)
        for path in (
            "/doubtful",
            "/scheduled",
            "/history",
            f"/doubtful/{doubtful}/sent",
            f"/outbounds/{doubtful}",
            f"/outbounds/{scheduled}",
        ):
            page = (await at.get(path)).text
            assert "&lt;script&gt;x&lt;/script&gt;" in page, path
            assert "<script>x" not in page
            assert "<b>no" not in page
            assert 'href="https://evil' not in page
            assert "\u202e" not in page
            assert "🎁" * 700 in page


async def test_what_was_erased_stays_as_a_bare_record(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        outbound_id = await at.agreed("To be forgotten.")
        await at.opened.ledger.inbox.add("sandbox", ReceivedText("in-1", TO, "Forget this, too.", 0.0))
        assert "To be forgotten." in await words(at, "/history")
        await at.opened.person.forget(TO)
        for path in ("/history", f"/outbounds/{outbound_id}", "/received"):
            told = await words(at, path)
            assert "Number and text were erased; only this record is kept." in told
            assert "To be forgotten." not in told
            assert "Forget this" not in told
            assert "555-0123" not in told
            assert TO not in told
        assert "Accepted" in await words(at, "/history")


async def test_retention_erases_from_every_list_and_a_doubt_that_nobody_settled_needs_no_answer_any_more(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, signed=False) as at:
        at.carrier.troubles.append(CarrierUnavailable("reset"))
        outbound_id = await at.agreed("A doubt of long ago.")
        page = (await at.get(f"/doubtful/{outbound_id}/sent")).text
        at.clock.advance(RETENTION_S + 1)
        await at.opened.telephone.tend()
        assert "Nothing is in doubt" in await words(at, "/doubtful")
        told = await words(at, f"/outbounds/{outbound_id}")
        assert "Number and text were erased" in told
        assert "It went out" not in told
        fields = {name: hidden(page, name) for name in ("id", "verdict", "seen")}
        csrf = hidden((await at.get("/allowed")).text, "csrf")
        assert (await at.post("/resolve", csrf=csrf, **fields)).status_code == 303
        assert await at.status(outbound_id) == "unknown"


async def test_one_that_is_far_back_is_still_told_without_number_and_text(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        first = await at.agreed("The first of many.")
        scheduled = await at.agreed("Scheduled long before.", after_s=HOUR)
        for number in range(101):
            await at.opened.telephone.send_sms(TO, f"Number {number}.")
        told = await words(at, f"/outbounds/{first}")
        assert "It is too far back for this page to show its number and text." in told
        assert "Scheduled long before." in await words(at, f"/outbounds/{scheduled}")


async def test_an_unknown_id_is_no_page(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        for path in (f"/outbounds/ob_{'a' * 24}", f"/doubtful/ob_{'a' * 24}/elsewhere", "/outbounds/%00"):
            assert (await at.get(path)).status_code == 404


async def test_a_sender_without_a_number_and_a_text_of_any_length_are_shown(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await at.opened.ledger.inbox.add("sandbox", ReceivedText("in-1", "BANK", "W" * 5000 + "\n\n\n\n\n\nend", 0.0))
        page = (await at.get("/received")).text
        assert "No telephone number" in page
        assert "W" * 5000 in page
        assert "more empty lines" in page
        (entry,) = await at.opened.person.received()
        assert entry.contact in page
        assert "BANK" not in page
