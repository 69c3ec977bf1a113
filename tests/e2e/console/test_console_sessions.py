"""Who may be at the console, and for how long."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx2
import pytest
from tests.e2e.console.conftest import PASSPHRASE, TO, hidden
from tests.e2e.console.desk import APPLE, HERE, MINUTE, PORT, Counting, desk

from ringback.carriers.routes import Carriers
from ringback.model.numbers import PhoneNumber
from ringback.model.outbound import Channel, Outbound
from ringback.opening import open_ringback
from ringback.settings import ApprovalFloor, Settings
from ringback_server.console import passphrase
from ringback_server.console.passphrase import passphrase_path, set_passphrase

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is not what is tested here."""
    monkeypatch.setitem(passphrase._COST, "n", 2**4)


async def test_a_session_ends_after_half_an_hour_without_a_request(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        assert (await at.sign_in()).status_code == 303
        for _ in range(3):
            at.clock.advance(29 * MINUTE)
            assert (await at.get()).status_code == 200
        at.clock.advance(30 * MINUTE)
        assert (await at.get()).headers["location"] == "/sign-in"


async def test_a_session_ends_after_twelve_hours_whatever_is_done(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        for _ in range(35):
            at.clock.advance(20 * MINUTE)
            assert (await at.get()).status_code == 200
        at.clock.advance(20 * MINUTE)
        assert (await at.get()).headers["location"] == "/sign-in"


async def test_a_page_that_refreshes_by_itself_keeps_no_session_alive(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        for _ in range(2):
            at.clock.advance(14 * MINUTE)
            assert (await at.get(X_Ringback_Live="1")).status_code == 200
        at.clock.advance(2 * MINUTE)
        assert (await at.get(X_Ringback_Live="1")).headers["location"] == "/sign-in"


async def test_an_answer_from_a_page_of_an_ended_session_sends_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        at.clock.advance(25 * MINUTE)
        await at.opened.telephone.send_sms(TO, "Still wanted?")
        page = await at.get(X_Ringback_Live="1")
        at.clock.advance(6 * MINUTE)
        assert (await at.answer(page.text)).status_code == 403
        assert at.carrier.sent == []


async def test_signing_in_gives_a_new_id_and_the_one_before_is_worthless(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.get("/sign-in")
        before, csrf = at.cookie, hidden((await at.get("/sign-in")).text, "csrf")
        await at.sign_in()
        assert at.cookie != before
        at.cookie = before
        assert (await at.post("/sign-in", csrf=csrf, passphrase=PASSPHRASE)).status_code == 403
        assert (await at.get()).headers["location"] == "/sign-in"


async def test_an_id_that_somebody_planted_is_not_adopted(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        planted = f"__Host-ringback-{PORT}=planted"
        answer = await at.get("/sign-in", Cookie=planted)
        assert "planted" not in answer.headers["set-cookie"]
        at.cookie = planted
        form = {"csrf": hidden(answer.text, "csrf"), "passphrase": PASSPHRASE}
        assert (await at.post("/sign-in", **form)).status_code == 403


async def test_signing_out_ends_the_session_on_the_server(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        page = await at.get()
        assert (await at.post("/sign-out", csrf=hidden(page.text, "csrf"))).status_code == 303
        assert (await at.get()).headers["location"] == "/sign-in"


async def test_a_new_passphrase_signs_everybody_out(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        set_passphrase(tmp_path, "another one entirely")
        assert (await at.get()).headers["location"] == "/sign-in"
        assert (await at.sign_in()).status_code == 403
        assert (await at.sign_in("another one entirely")).status_code == 303


async def test_after_signing_in_the_page_that_was_asked_for_opens(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        receipt = await at.opened.telephone.send_sms(TO, "Directly, please.")
        await at.get(f"/outbounds/{receipt.id}")
        assert (await at.sign_in()).headers["location"] == f"/outbounds/{receipt.id}"


async def test_five_wrong_passphrases_cost_a_pause_that_grows_and_the_right_one_waits_too(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        for _ in range(5):
            assert (await at.sign_in("wrong horse")).status_code == 403
        closed = await at.sign_in()
        assert closed.status_code == 429
        assert closed.headers["retry-after"] == "6"
        at.clock.advance(5)
        assert (await at.sign_in("wrong horse")).status_code == 403
        at.clock.advance(9)
        assert (await at.sign_in()).status_code == 429
        at.clock.advance(1)
        assert (await at.sign_in()).status_code == 303
        await at.post("/sign-out", csrf=hidden((await at.get()).text, "csrf"))
        assert (await at.sign_in("wrong horse")).status_code == 403
        assert (await at.sign_in()).status_code == 303


async def test_twenty_guesses_at_once_count_as_twenty(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        csrf = hidden((await at.get("/sign-in")).text, "csrf")
        guesses = (at.post("/sign-in", csrf=csrf, passphrase="wrong horse") for _ in range(20))
        statuses = [answer.status_code for answer in await asyncio.gather(*guesses)]
        assert statuses.count(403) == 5
        assert statuses.count(429) == 15


async def test_on_a_live_carrier_without_a_passphrase_nothing_opens(tmp_path: Path) -> None:
    async with desk(tmp_path, live=True, signed=False) as at:
        receipt = await at.opened.telephone.send_sms("+12024561111", "Nobody may see this yet.")
        for path in ("/", "/history", "/allowed", "/line", "/sign-in", f"/outbounds/{receipt.id}"):
            page = await at.get(path)
            assert page.status_code == 403, path
            assert "ringback passphrase" in page.text
            assert "Nobody may see" not in page.text
        for path in ("/answer", "/allowed", "/allowed/revoke", "/sign-in", "/sign-out"):
            assert (await at.post(path, csrf="x", id=receipt.id, choice="once")).status_code == 403, path
        assert (await at.get("/events")).status_code == 403
        set_passphrase(tmp_path, PASSPHRASE)
        await at.sign_in()
        page = await at.get()
        assert "Nobody may see this yet." in page.text
        assert "a real phone" in page.text


@pytest.mark.parametrize(
    "damage",
    ["", "{}", '{"kdf": "none"}', '{"kdf": "scrypt", "n": 2, "r": 8, "p": 1, "salt": "", "hash": ""}', "null", "[1]"],
)
@pytest.mark.parametrize("carrier", ["sandbox", "live"])
async def test_a_damaged_passphrase_file_closes_the_console(tmp_path: Path, damage: str, carrier: str) -> None:
    async with desk(tmp_path, live=carrier == "live") as at:
        await at.sign_in()
        passphrase_path(tmp_path).write_text(damage)
        page = await at.get()
        assert page.status_code == 403
        assert "The passphrase file cannot be used." in page.text


async def test_a_passphrase_file_that_others_can_read_closes_the_console(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        passphrase_path(tmp_path).chmod(0o640)
        assert "chmod 600" in (await at.get()).text


async def test_on_the_sandbox_without_a_passphrase_it_opens_and_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as at:
        await at.opened.telephone.send_sms(TO, "Try me.")
        page = await at.get()
        assert "no passphrase" in page.text
        assert "ringback passphrase" in page.text
        assert (await at.answer(page.text)).status_code == 303
        assert [outbound.text for outbound in at.carrier.sent] == ["Try me."]


async def test_where_a_passkey_is_needed_the_page_cannot_approve_but_decline(tmp_path: Path) -> None:
    async with desk(tmp_path, floor=ApprovalFloor.PASSKEY) as at:
        await at.sign_in()
        receipt = await at.opened.telephone.send_sms(TO, "Surely?")
        page = (await at.get()).text
        assert 'value="once"' not in page
        assert (await at.answer(page)).status_code == 409
        assert at.carrier.sent == []
        assert (await at.answer(page, "no")).status_code == 303
        assert (await at.opened.telephone.status(receipt.id)).status == "declined"


async def test_what_was_changed_since_it_was_shown_is_not_approved(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        shown = await at.opened.telephone.send_sms(TO, "As shown.")
        page = (await at.get()).text
        other = Outbound(Channel.SMS, PhoneNumber(TO), "sandbox", "As altered.")
        store = at.opened.ledger.outbounds._store
        with sqlite3.connect(at.opened.settings.ledger_path) as database:
            sealed = store.seal_outbound(other, shown.id, None)
            database.execute("UPDATE outbound SET sealed = ? WHERE id = ?", (sealed, shown.id))
        database.close()
        answer = await at.answer(page)
        assert answer.status_code == 409
        assert "not what you were shown" in answer.text
        assert at.carrier.sent == []


async def test_what_waits_for_another_carrier_can_only_be_declined_here(tmp_path: Path) -> None:
    async with open_ringback(
        Settings(home=tmp_path), carriers=Carriers.only(Counting(live=True, name="thinkfleetbot"))
    ) as live:
        receipt = await live.telephone.send_sms("+12024561111", "Not from the sandbox's page.")
    async with desk(tmp_path, signed=False) as at:
        at.clock._now = datetime.now(UTC)
        page = (await at.get()).text
        assert "This console serves another one" in page
        assert 'value="once"' not in page
        assert (await at.answer(page)).status_code == 409
        assert (await at.opened.telephone.status(receipt.id)).status == "awaiting_approval"
        assert (await at.answer(page, "no")).status_code == 303
        assert at.carrier.sent == []


async def test_apples_browser_gets_a_cookie_that_it_keeps(tmp_path: Path) -> None:
    async with desk(tmp_path, agent=APPLE) as at:
        await at.sign_in()
        assert at.cookie.startswith(f"ringback-{PORT}=")
        assert (await at.get()).status_code == 200


async def test_parallel_answers_of_one_session_send_one_message(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        await at.opened.telephone.send_sms(TO, "Once.")
        page = (await at.get()).text
        answers = await asyncio.gather(*(at.answer(page) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {303}
        assert [outbound.text for outbound in at.carrier.sent] == ["Once."]


async def test_sessions_of_nobody_do_not_push_out_a_person(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.sign_in()
        transport = at.browser._transport
        for _ in range(300):
            async with httpx2.AsyncClient(transport=transport, base_url=HERE) as stranger:
                assert (await stranger.get("/sign-in")).status_code == 200
        assert (await at.get()).status_code == 200


async def test_an_error_tells_no_innards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, signed=False) as at:

        async def fail() -> list[object]:
            raise RuntimeError(f"cannot read {TO}")

        monkeypatch.setattr(at.opened.person, "waiting", fail)
        answer = await at.get()
        assert answer.status_code == 500
        assert TO not in answer.text
        assert "RuntimeError" not in answer.text
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_visitor_who_has_not_signed_in_cannot_act_with_a_session_and_a_token_of_their_own(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as at:
        receipt = await at.opened.telephone.send_sms(TO, "Not by a visitor.")
        await at.sign_in()
        shown = hidden((await at.get()).text, "shown")
        at.cookie = ""
        csrf = hidden((await at.get("/sign-in")).text, "csrf")
        assert (await at.post("/answer", csrf=csrf, id=receipt.id, shown=shown, choice="once")).status_code == 403
        async with asyncio.timeout(5):
            assert (await at.get("/events")).status_code == 403
        allowance = {"number": TO, "channel": "sms", "days": "1", "count": "1"}
        assert (await at.post("/allowed", csrf=csrf, **allowance)).status_code == 403
        assert at.carrier.sent == []
        assert await at.opened.person.allowances() == []


async def test_a_page_that_was_open_when_the_passphrase_went_away_acts_no_more(tmp_path: Path) -> None:
    async with desk(tmp_path, live=True) as at:
        await at.opened.telephone.send_sms("+12024561111", "Not without a passphrase.")
        await at.sign_in()
        page = (await at.get()).text
        passphrase_path(tmp_path).unlink()
        assert (await at.answer(page)).status_code == 403
        assert at.carrier.sent == []
