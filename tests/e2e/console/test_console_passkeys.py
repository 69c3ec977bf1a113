"""Passkeys added, listed and removed; rows that something else wrote; and the page where none can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.console.authenticator import Authenticator
from tests.e2e.console.conftest import PASSPHRASE, hidden
from tests.e2e.console.desk import desk
from tests.e2e.console.table import HERE, LABEL, LIES, Table, table

from ringback.settings import ApprovalFloor
from ringback_server.console import passphrase
from ringback_server.console.passphrase import passphrase_path, set_passphrase

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def _cheap_hashing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a guess costs is not what is tested here."""
    monkeypatch.setitem(passphrase._COST, "n", 2**4)


# -- rows that somebody wrote -----------------------------------------------------------------------------------------


async def test_a_passkey_that_somebody_wrote_into_the_ledger_signs_nothing(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        theirs = Authenticator(HERE)
        at.tamper(
            "INSERT INTO passkey SELECT 'pk_theirs', ?, ?, 0, sealed, created_at, used_at, NULL, proof FROM passkey",
            theirs.credential_id,
            theirs.public_key,
        )
        await refuses(at, theirs)
        assert "written by something other than Ringback" in await at.get("/passkeys")


@pytest.mark.parametrize("column", ["public_key", "credential_id"])
async def test_a_passkey_that_somebody_exchanged_in_the_ledger_signs_nothing(tmp_path: Path, column: str) -> None:
    async with table(tmp_path) as at:
        theirs = Authenticator(HERE, credential_id=at.device.credential_id)
        at.tamper(f"UPDATE passkey SET {column} = ?", getattr(theirs, column) if column == "public_key" else b"x")
        await refuses(at, theirs if column == "public_key" else at.device)


async def test_a_counter_that_somebody_set_back_in_the_ledger_makes_the_passkey_worthless(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        at.device.counter = 9
        await at.add()
        at.device.counter = 7
        at.tamper("UPDATE passkey SET sign_count = 0")
        await refuses(at, at.device)


async def test_a_removed_passkey_that_somebody_brought_back_signs_nothing(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.remove_by_passphrase()
        at.tamper("UPDATE passkey SET removed_at = NULL")
        await refuses(at, at.device)


async def refuses(at: Table, theirs: Authenticator) -> None:
    """The console takes nothing that this device signs, though it is given a challenge that a good one could sign."""
    mine = Authenticator(HERE)
    await at.add(mine)
    receipt = await at.want("by nobody")
    at.device = theirs
    assert (await at.post("/answer", **await at.signed(receipt.id))).status_code == 409
    assert (await at.status(receipt.id), at.sent) == (("awaiting_approval", None), [])
    at.device = mine
    assert (await at.post("/answer", **await at.signed(receipt.id))).status_code == 303


# -- adding and removing ----------------------------------------------------------------------------------------------


DOORS = ["/answer/challenge", "/passkeys", "/passkeys/challenge", "/passkeys/create", "/passkeys/remove"]


@pytest.mark.parametrize("path", DOORS)
async def test_no_door_opens_without_the_sessions_token_and_a_person_who_signed_in(tmp_path: Path, path: str) -> None:
    async with table(tmp_path) as at:
        csrf = await at.csrf()
        (passkey,) = await at.at.opened.ledger.passkeys.present()
        fields = {"use": "add", "id": passkey.id, "label": LABEL, "passphrase": PASSPHRASE}
        assert (await at.post(path, **fields)).status_code == 403
        assert (await at.post(path, **fields, csrf="A" * 43)).status_code == 403
        at.at.cookie = ""
        assert (await at.post(path, **fields, csrf=csrf)).status_code == 403
        csrf = hidden(await at.get("/sign-in"), "csrf")
        assert (await at.post(path, **fields, csrf=csrf)).status_code == 403
        assert await at.at.opened.ledger.passkeys.present() == [passkey]


@pytest.mark.parametrize("lie", [pytest.param(lie, id=name) for name, lie in LIES])
async def test_a_new_passkey_that_is_not_what_was_asked_for_is_not_stored(
    tmp_path: Path, lie: Callable[[Authenticator], None]
) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        lie(at.device)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


async def test_a_signature_is_no_new_passkey(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        signed = at.device.sign(made["options"])
        assert (await at.finish(made, at.device, credential=signed)).status_code == 409
        at.device.client = {"type": "webauthn.get"}
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


async def test_a_passkey_is_added_once_by_the_session_that_asked_and_under_the_name_it_gave(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device, label="Another name")).status_code == 409
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        first, at.at.cookie = at.at.cookie, ""
        await at.sign_in()
        assert (await at.finish(made, at.device)).status_code == 409
        at.at.cookie = first
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device)).status_code == 303
        assert (await at.finish(made, Authenticator(HERE))).status_code == 409
        assert len(await at.at.opened.ledger.passkeys.ever()) == 1


async def test_a_ceremony_that_took_too_long_counts_no_more(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        at.at.clock.advance(300)
        assert (await at.finish(made, at.device)).status_code == 409
        assert await at.at.opened.ledger.passkeys.ever() == []


@pytest.mark.parametrize("given", [{}, {"passphrase": ""}, {"passphrase": "seven blue cattle"}])
async def test_being_signed_in_is_not_enough_to_add_or_remove_a_passkey(tmp_path: Path, given: dict[str, str]) -> None:
    async with table(tmp_path) as at:
        (passkey,) = await at.at.opened.ledger.passkeys.present()
        csrf = await at.csrf()
        assert (await at.post("/passkeys/create", csrf=csrf, label="Mine", **given)).status_code == 403
        assert (await at.post("/passkeys/remove", csrf=csrf, id=passkey.id, **given)).status_code == 403
        assert await at.at.opened.ledger.passkeys.present() == [passkey]


async def test_guessing_the_passphrase_here_is_slowed_down_as_it_is_at_the_door(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        csrf = await at.csrf()
        for _ in range(5):
            assert (await at.post("/passkeys/create", csrf=csrf, label="x", passphrase="guess")).status_code == 403
        late = await at.post("/passkeys/create", csrf=csrf, label="x", passphrase=PASSPHRASE)
        assert (late.status_code, late.headers["retry-after"]) == (429, "6")


async def test_a_passkey_confirms_that_another_one_is_added_or_removed(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        asked = await at.ask("/passkeys/challenge", use="add")
        confirmed = {"nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}
        made = await at.ask("/passkeys/create", label=LABEL, **confirmed)
        assert (await at.finish(made, Authenticator(HERE))).status_code == 303
        first, second = await at.at.opened.ledger.passkeys.present()
        for passkey, left in ((second, 1), (first, 0)):  # the last one may confirm that it goes itself
            asked = await at.ask("/passkeys/challenge", use="remove", id=passkey.id)
            signed = {"nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}
            answer = await at.post("/passkeys/remove", csrf=await at.csrf(), id=passkey.id, **signed)
            assert answer.status_code == 303
            assert len(await at.at.opened.ledger.passkeys.present()) == left
        page = await at.get("/passkeys")
        assert page.count("removed <time") == 2


async def test_what_was_signed_to_remove_one_passkey_does_nothing_else(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.add(Authenticator(HERE))
        first, second = await at.at.opened.ledger.passkeys.present()

        async def signed(use: str, subject: str = "") -> dict[str, str]:
            asked = await at.ask("/passkeys/challenge", use=use, id=subject)
            return {"csrf": await at.csrf(), "nonce": asked["nonce"], "credential": at.device.sign(asked["options"])}

        assert (await at.post("/passkeys/remove", id=second.id, **await signed("remove", first.id))).status_code == 409
        for subject in ("", second.id):
            confirmed = await signed("add", subject)
            assert (await at.post("/passkeys/remove", id=second.id, **confirmed)).status_code == 409
        assert (await at.post("/passkeys/create", label=LABEL, **await signed("remove", first.id))).status_code == 409
        receipt = await at.want()
        answer = await at.post("/answer", **{**await at.shown(receipt.id), **await signed("add")}, choice="once")
        assert answer.status_code == 409
        again = await signed("remove", second.id)
        assert (await at.post("/passkeys/remove", id=second.id, **again)).status_code == 303
        assert (await at.post("/passkeys/remove", id=first.id, **again)).status_code == 409
        assert [passkey.id for passkey in await at.at.opened.ledger.passkeys.present()] == [first.id]
        assert at.sent == []


async def test_a_removed_passkey_signs_nothing_more(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        await at.remove_by_passphrase()
        assert "data-passkey=" not in await at.get(f"/outbounds/{(await at.want()).id}")
        await refuses(at, at.device)


async def test_a_credential_is_registered_once(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        made = await at.ask("/passkeys/create", label=LABEL, passphrase=PASSPHRASE)
        excluded = [item["id"] for item in made["options"]["excludeCredentials"]]
        assert len(excluded) == 1
        assert (await at.finish(made, at.device)).status_code == 409
        assert len(await at.at.opened.ledger.passkeys.present()) == 1


@pytest.mark.parametrize("label", ["", "   ", "x" * 41, "a\nb", "a\u202eb"])
async def test_a_passkey_needs_a_name_that_can_be_read(tmp_path: Path, label: str) -> None:
    async with table(tmp_path, added=False) as at:
        answer = await at.post("/passkeys/create", csrf=await at.csrf(), label=label, passphrase=PASSPHRASE)
        assert answer.status_code == 400


async def test_a_name_is_shown_as_what_it_is(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        label = "<script>alert(1)</script>"
        made = await at.ask("/passkeys/create", label=label, passphrase=PASSPHRASE)
        assert (await at.finish(made, at.device, label=label)).status_code == 303
        page = await at.get("/passkeys")
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page


async def test_there_are_sixteen_passkeys_at_most(tmp_path: Path) -> None:
    async with table(tmp_path, added=False) as at:
        for _ in range(16):
            await at.add(Authenticator(HERE))
        answer = await at.post("/passkeys/create", csrf=await at.csrf(), label=LABEL, passphrase=PASSPHRASE)
        assert answer.status_code == 409


async def test_without_a_passphrase_no_passkey_is_added(tmp_path: Path) -> None:
    async with desk(tmp_path, signed=False) as bare:
        at = Table(bare, Authenticator(HERE))
        page = await at.get("/passkeys")
        assert "ringback passphrase" in page
        assert "data-passkey=" not in page
        csrf = hidden(await at.get("/allowed"), "csrf")
        answer = await at.post("/passkeys/create", csrf=csrf, label=LABEL, passphrase="")
        assert answer.status_code == 403
        assert "Set a passphrase first" in answer.text


async def test_a_passkey_outlives_a_forgotten_passphrase(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        passphrase_path(tmp_path).unlink()
        set_passphrase(tmp_path, "another one entirely")
        form = await at.get("/sign-in")
        await at.post("/sign-in", csrf=hidden(form, "csrf"), passphrase="another one entirely")
        receipt = await at.want()
        await at.post("/answer", **await at.signed(receipt.id))
        assert (await at.status(receipt.id))[1] == "A3"


async def test_without_the_library_the_page_works_and_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with table(tmp_path, floor=ApprovalFloor.CLIENT) as at:
        receipt = await at.want()
        fields = await at.signed(receipt.id)
        monkeypatch.setattr("ringback_server.console.ceremonies.find_spec", lambda name: None)
        for path in ("/", "/passkeys", f"/outbounds/{receipt.id}"):
            assert "data-passkey=" not in await at.get(path)
        assert "ringback[passkey]" in await at.get("/passkeys")
        for path in ("/answer", "/answer/challenge"):
            answer = await at.post(path, **fields)
            assert answer.status_code == 409
            assert "ringback[passkey]" in answer.text
        assert (await at.post("/answer", **await at.shown(receipt.id), choice="once")).status_code == 303
        assert await at.status(receipt.id) == ("accepted", "A2")
